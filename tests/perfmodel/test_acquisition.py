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
