"""Intervals hold what they say they hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from perfmodel.errors import ModelError
from perfmodel.intervals import (
    Calibration,
    bootstrap_interval,
    coverage,
    wilson_interval,
)


def test_wilson_intervals_are_those_of_scipy() -> None:
    expected = stats.binomtest(7, 30).proportion_ci(0.9, method="wilson")
    assert wilson_interval(7, 30, 0.9) == pytest.approx(tuple(expected))


def test_a_share_of_nothing_may_be_anything() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_bootstrap_intervals_hold_the_mean_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    ends = [bootstrap_interval(rng.normal(size=40), seed=i) for i in range(200)]
    assert 0.9 <= np.mean([low <= 0 <= high for low, high in ends]) <= 0.99


@pytest.mark.parametrize("level", [0, 1, 90])
def test_a_level_that_is_no_share_is_an_error(level: float) -> None:
    with pytest.raises(ModelError, match="not between 0 and 1"):
        Calibration(scores=()).factor(level)


def test_calibration_widens_what_was_too_sure() -> None:
    rng = np.random.default_rng(0)
    scores = Calibration.from_residuals(2 * rng.normal(size=400), np.ones(400))
    assert scores.factor(0.9) == pytest.approx(2 * 1.645, rel=0.15)


def test_calibrated_intervals_cover_heavy_tails() -> None:
    rng = np.random.default_rng(3)
    residuals = rng.standard_t(3, size=(2, 2000))
    factor = Calibration.from_residuals(residuals[0], np.ones(2000)).factor(0.9)
    inside = coverage(residuals[1], np.full(2000, -factor), np.full(2000, factor))
    assert inside == pytest.approx(0.9, abs=0.02)


def test_a_wider_level_is_a_wider_interval() -> None:
    scores = Calibration(scores=tuple(np.linspace(0, 3, 30)))
    factors = [scores.factor(level) for level in (0.5, 0.8, 0.9, 0.95, 0.99)]
    assert factors == sorted(factors)
