"""Spread, outliers, drift, warm-up and replicates, against known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from measure.stability import (
    MAX_REPLICATES,
    Drift,
    drift,
    outliers,
    replicates_needed,
    spread,
    student_quantile,
    warm_up_end,
)


def noise(rng: np.random.Generator, count: int, sd: float) -> np.ndarray:
    """Return `count` positive numbers around one."""
    return np.exp(sd * rng.standard_normal(count))


def test_spread_gives_centre_and_relative_deviation() -> None:
    result = spread([1.0, 2.0, 3.0])
    assert (result.count, result.median, result.mean) == (3, 2.0, 2.0)
    assert result.relative_sd == pytest.approx(0.5)
    assert result.relative_mad == pytest.approx(0.7413)


def test_spread_of_one_value_is_unknown_not_zero() -> None:
    assert math.isnan(spread([1.0]).relative_sd)
    with pytest.raises(ValueError):
        spread([])


def test_outliers_are_positions_and_equal_values_have_none() -> None:
    assert outliers([1.0, 1.01, 0.99, 1.02, 9.0, 0.98]) == (4,)
    assert outliers([1.0] * 9) == ()
    assert outliers([1.0] * 9 + [2.0]) == (9,)
    assert outliers([1.0, 50.0]) == ()


@pytest.mark.parametrize("count", [8, 20, 50, 200])
@pytest.mark.parametrize("slow", [1, 2, 3])
def test_the_warm_up_ends_after_the_slow_calls(count: int, slow: int) -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(100):
        calls = noise(rng, count, 0.05)
        calls[:slow] *= 5
        found.append(warm_up_end(list(calls)))
    steady = [end for end in found if end is not None]
    assert len(steady) >= 85
    assert min(steady) >= slow
    assert np.median(steady) <= slow + 2


def test_a_single_interruption_late_is_not_a_warm_up() -> None:
    calls = [1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.01, 1.0, 0.99] * 3
    calls[25] = 12.0
    assert warm_up_end(calls) == 0


@pytest.mark.parametrize("shape", ["ramp", "late step"])
def test_a_process_that_is_still_changing_has_no_steady_state(shape: str) -> None:
    rng = np.random.default_rng(1)
    line = np.linspace(2, 1, 50) if shape == "ramp" else np.repeat([2.0, 1.0], [35, 15])
    ends = [warm_up_end(list(line * noise(rng, 50, 0.03))) for _ in range(50)]
    assert sum(end is None for end in ends) >= 48


def test_too_few_calls_have_no_steady_state() -> None:
    assert warm_up_end([]) is None
    assert warm_up_end([1.0] * 4) is None
    assert warm_up_end([1.0] * 5) == 0


def test_drift_is_the_change_from_the_first_to_the_last_reference_run() -> None:
    result = drift([0, 10, 20, 30], [1.0, 1.1, 1.21, 1.331])
    assert result.estimate == pytest.approx(0.331)
    assert result.lower == pytest.approx(0.331, abs=1e-6)
    assert result.runs == 4


def test_the_drift_interval_covers_the_truth_at_its_level() -> None:
    rng = np.random.default_rng(2)
    truth, covered, times = 0.1, 0, np.arange(7.0)
    for _ in range(400):
        line = np.exp(math.log1p(truth) * times / 6) * noise(rng, 7, 0.05)
        result = drift(list(times), list(line))
        covered += result.lower <= truth <= result.upper
    assert 0.92 <= covered / 400 <= 0.98


def test_environments_share_one_slope_and_keep_their_own_level() -> None:
    times = [0, 1, 2, 3, 4, 5]
    values = [1.0, 50.0, 1.02, 51.0, 1.04, 52.0]
    result = drift(times, values, groups=["a", "b"] * 3)
    assert result.estimate == pytest.approx(0.05, abs=0.005)


def test_two_reference_runs_give_a_drift_without_an_interval() -> None:
    result = drift([0, 1], [1.0, 1.2])
    assert result.to_dict() == {
        "estimate": pytest.approx(0.2),
        "lower": None,
        "upper": None,
    }
    assert "too few" in result.reason


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan]])
def test_no_drift_is_told_from_fewer_than_two_runs(values: list[float]) -> None:
    result = drift(list(range(len(values))), values)
    assert result.to_dict() == {"estimate": None, "lower": None, "upper": None}
    assert not result.exceeds(0.05)
    assert result.reason


def test_runs_at_one_time_tell_no_drift() -> None:
    assert "one time" in drift([1, 1], [1.0, 2.0]).reason


def test_a_drift_counts_only_where_its_interval_excludes_zero() -> None:
    sure = Drift(estimate=0.2, lower=0.1, upper=0.3, runs=5)
    unsure = Drift(estimate=0.2, lower=-0.1, upper=0.5, runs=5)
    assert sure.exceeds(0.05) and not sure.exceeds(0.25)
    assert not unsure.exceeds(0.05)
    assert Drift(estimate=-0.2, lower=-0.3, upper=-0.1, runs=5).exceeds(0.05)


def test_autocorrelated_residuals_widen_the_interval() -> None:
    times = list(range(12))
    slow = [1.0, 1.1, 1.2, 1.2, 1.1, 1.0, 0.9, 0.8, 0.8, 0.9, 1.0, 1.1]
    fast = [slow[i] for i in (0, 7, 2, 9, 4, 11, 6, 1, 8, 3, 10, 5)]
    wide, narrow = drift(times, slow), drift(times, fast)
    assert wide.upper - wide.lower > 1.3 * (narrow.upper - narrow.lower)


def test_replicates_follow_from_the_wished_half_width() -> None:
    count = replicates_needed(0.05, 0.02)
    half = student_quantile(count - 1) * 0.05 / math.sqrt(count)
    before = student_quantile(count - 2) * 0.05 / math.sqrt(count - 1)
    assert half <= 0.02 < before
    assert replicates_needed(0.0, 0.01) == 2
    assert replicates_needed(9.0, 0.0001) == MAX_REPLICATES
    with pytest.raises(ValueError):
        replicates_needed(0.1, 0.0)
