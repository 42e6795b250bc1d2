"""Cross-validation: errors on runs that a model has not seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from perfmodel.dataset import PerformanceDataset
from perfmodel.errors import ModelError
from perfmodel.validation import (
    baseline_predictions,
    cross_validate,
    held_out_predictions,
    mape,
)


def make(y: np.ndarray, x: np.ndarray) -> PerformanceDataset:
    """One option, one response."""
    frame = pd.DataFrame({"x": x, "y": y})
    return PerformanceDataset.from_frame(frame, options=["x"], response="y")


def test_a_row_is_predicted_without_having_been_seen() -> None:
    x = np.arange(10.0)
    y = np.where(x == 9, 1000.0, 1.0)
    folds = [np.array([i]) for i in range(10)]
    predictions = held_out_predictions(
        LinearRegression(), pd.DataFrame({"x": x}), y, folds
    )
    assert predictions[9] == pytest.approx(1)


def test_an_error_of_a_zero_is_relative_to_the_mean_size() -> None:
    assert mape([0.0, 2.0], [0.5, 2.0]) == 25.0
    assert mape([0.0, 0.0], [0.0, 0.0]) == 0.0


def test_a_learnable_response_is_found_to_be_one() -> None:
    x = np.arange(1.0, 41)
    found = cross_validate(LinearRegression(), make(3 + 2 * x, x), folds=5, repeats=2)
    assert found.learnable
    assert found.error_percent == pytest.approx(0, abs=1e-9)
    assert found.predictions.shape == (2, 40)
    assert found.baseline_error_percent > 20


def test_noise_is_not_learnable_but_seldom() -> None:
    rng = np.random.default_rng(0)
    verdicts = [
        cross_validate(
            LinearRegression(),
            make(rng.lognormal(size=40), np.arange(40.0)),
            folds=5,
            repeats=1,
            seed=seed,
        ).learnable
        for seed in range(30)
    ]
    assert sum(verdicts) <= 3


def test_the_interval_holds_the_error() -> None:
    rng = np.random.default_rng(2)
    x = np.arange(1.0, 61)
    y = (10 + x) * rng.lognormal(sigma=0.1, size=60)
    found = cross_validate(LinearRegression(), make(y, x))
    assert found.lower < found.error_percent < found.upper
    assert found.upper - found.lower < found.error_percent


def test_the_same_seed_gives_the_same_folds_and_another_gives_others() -> None:
    x = np.arange(1.0, 31)
    data = make(np.sin(x) + 3, x)
    one, two, other = (
        cross_validate(LinearRegression(), data, seed=s) for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.predictions, two.predictions)
    assert not np.array_equal(one.predictions, other.predictions)


def test_the_baseline_is_the_better_mean() -> None:
    y = np.array([1.0, 1, 1, 1, 1, 1000])
    folds = [np.arange(6)[i::3] for i in range(3)]
    assert mape(y, baseline_predictions(y, folds)) < mape(y, np.full(6, y.mean()))


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(ModelError, match="got 2 configurations and needs at least 3"):
        cross_validate(LinearRegression(), make(np.ones(2), np.arange(2.0)))


def test_a_value_of_zero_counts_relative_to_the_mean_size() -> None:
    assert mape([0.0, 2.0], [0.5, 2.0]) == pytest.approx(25)
    assert mape([0.0, 0.0], [0.0, 0.0]) == 0


def test_responses_with_zeros_are_judged_without_a_warning() -> None:
    x = np.arange(30.0)
    found = cross_validate(LinearRegression(), make(x % 5, x), folds=5, repeats=1)
    assert np.isfinite(found.error_percent)
