"""Correlations, overlaps and spreads, and how often their intervals hold the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from perfmodel.transfer.similarity import (
    Estimate,
    best_overlap,
    invalid_overlap,
    pearson,
    pearson_interval,
    ratio_of_spreads,
    sd_interval,
    spearman,
    spearman_interval,
)

REPEATS = 300


def related(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two skew responses that go together."""
    x = rng.gamma(3.0, size=n)
    return x, x + rng.gamma(2.0, size=n)


LARGE = related(200_000, np.random.default_rng(0))


@pytest.mark.parametrize("n", [20, 40])
@pytest.mark.parametrize(
    ("interval", "truth"),
    [
        (spearman_interval, spearman(*LARGE)),
        (pearson_interval, pearson(*LARGE)),
        (ratio_of_spreads, ratio_of_spreads(*LARGE).estimate),
        (lambda x, y: sd_interval(np.log(x)), float(np.std(np.log(LARGE[0])))),
    ],
    ids=["spearman", "pearson", "spreads", "sd"],
)
def test_95_percent_intervals_hold_the_truth_90_to_99_percent_of_the_time(
    interval: Callable[..., Estimate], truth: float, n: int
) -> None:
    rng = np.random.default_rng(1)
    held = []
    for _ in range(REPEATS):
        found = interval(*related(n, rng))
        held.append(found.lower <= truth <= found.upper)
    assert 0.89 <= np.mean(held) <= 0.995


def test_correlations_of_a_constant_are_missing() -> None:
    constant, other = np.ones(8), np.arange(8.0)
    assert np.isnan(pearson(constant, other))
    assert np.isnan(spearman_interval(constant, other).lower)


def test_equal_values_share_their_rank() -> None:
    assert spearman(np.array([1.0, 1, 2, 3]), np.array([1.0, 1, 5, 9])) == 1


def test_the_best_of_unrelated_sides_overlap_by_chance_only() -> None:
    rng = np.random.default_rng(2)
    found = best_overlap(rng.random(200), rng.random(200))
    assert found.of == 20
    assert found.p > 0.01


def test_at_least_one_counts_as_the_best() -> None:
    x = np.arange(5.0)
    assert best_overlap(x, x).common == best_overlap(x, x).of == 1


def test_nothing_invalid_has_no_overlap() -> None:
    none = np.zeros(5, dtype=bool)
    assert np.isnan(invalid_overlap(none, none).share.estimate)


def test_few_values_have_no_interval() -> None:
    x, y = np.arange(4.0), np.array([1.0, 3.0, 2.0, 5.0])
    for found in (pearson_interval(x, y), spearman_interval(x, y), sd_interval(x)):
        assert np.isfinite(found.estimate)
        assert np.isnan(found.lower)
