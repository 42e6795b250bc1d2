"""The first runs on a target."""

from __future__ import annotations

import numpy as np
import pytest

from perfmodel.acquisition import stratified_rows
from perfmodel.errors import ModelError


@pytest.mark.parametrize("runs", [1, 5, 17, 40])
def test_each_part_of_the_predicted_range_gives_one_run(runs: int) -> None:
    rng = np.random.default_rng(0)
    prediction = rng.lognormal(size=40)
    rows = stratified_rows(prediction, runs, rng)
    ranks = np.argsort(np.argsort(prediction))[rows]
    parts = np.array_split(np.arange(40), runs)
    assert len(set(rows.tolist())) == runs
    assert [sum(np.isin(ranks, part)) for part in parts] == [1] * runs


def test_equal_predictions_are_drawn_from_at_random() -> None:
    chosen = [
        stratified_rows(np.zeros(50), 5, np.random.default_rng(seed)).tolist()
        for seed in range(4)
    ]
    assert len({tuple(rows) for rows in chosen}) == 4


def test_more_runs_than_configurations_are_refused() -> None:
    with pytest.raises(ModelError, match="choose 1 to 3"):
        stratified_rows(np.arange(3.0), 4, np.random.default_rng(0))


def test_with_features_the_runs_lie_apart_and_still_in_each_part() -> None:
    rng = np.random.default_rng(1)
    features = rng.random((200, 3))
    prediction = rng.random(200)
    apart = []
    for given in (None, features):
        least = []
        for seed in range(20):
            rows = stratified_rows(
                prediction, 10, np.random.default_rng(seed), features=given
            )
            ranks = np.sort(np.argsort(np.argsort(prediction))[rows])
            assert (ranks // 20).tolist() == list(range(10))
            distances = np.linalg.norm(
                features[rows][:, None] - features[rows][None], axis=2
            )
            least.append(np.min(distances[np.triu_indices(10, 1)]))
        apart.append(np.mean(least))
    assert apart[1] > 1.5 * apart[0]
