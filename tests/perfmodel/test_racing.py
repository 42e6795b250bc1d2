"""Models judged in the same folds, and what choosing the best of them is worth."""

from __future__ import annotations

import numpy as np
import pytest

from perfmodel.catalogue import make_model
from perfmodel.dataset import PerformanceDataset
from perfmodel.racing import choose, race, selection_bias
from tests.known_answers import additive


def data(noise: float = 0.05, runs: int = 24) -> PerformanceDataset:
    answer = additive()
    frame = answer.space.decode(answer.space.sample(runs, np.random.default_rng(0)))
    frame["time_s"] = answer.noisy(frame, noise, 0)
    return PerformanceDataset.from_frame(frame, space=answer.space, response="time_s")


def test_a_model_far_behind_is_judged_on_one_deal_of_the_folds() -> None:
    runs = data()
    names = ("gaussian-process", "cart")
    found = race([make_model(name, runs.space) for name in names], runs)
    errors = [one.error_percent for one in found]
    far = [error > 1.3 * min(errors) for error in errors]
    assert [one.repeats for one in found] == [1 if one else 3 for one in far]
    assert any(far)


def test_the_chosen_models_error_is_corrected_with_its_interval() -> None:
    runs = data(noise=0.3)
    found = race([make_model(name, runs.space) for name in ("stepwise", "cart")], runs)
    place, chosen = choose(found, runs)
    bias = chosen.selection_bias_percent
    assert bias > 0
    assert chosen.error_percent == pytest.approx(found[place].error_percent + bias)
    assert chosen.upper == pytest.approx(found[place].upper + bias)


def test_of_one_model_nothing_is_corrected() -> None:
    runs = data()
    found = race([make_model("cart", runs.space)], runs)
    assert choose(found, runs)[1].selection_bias_percent == 0


def test_a_model_no_better_than_the_mean_once_corrected_has_not_learned() -> None:
    runs = data(noise=3.0)
    found = race([make_model(name, runs.space) for name in ("stepwise", "cart")], runs)
    _, chosen = choose(found, runs)
    assert not chosen.learnable


def test_the_correction_undoes_the_choice_among_equals() -> None:
    gaps, biases = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        errors = rng.exponential(10.0, size=(5, 30))  # each has a mean of 10
        gaps.append(10 - errors.mean(axis=1).min())
        biases.append(selection_bias(list(errors), seed=seed))
    assert np.mean(biases) == pytest.approx(np.mean(gaps), rel=0.25)
