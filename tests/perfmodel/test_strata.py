"""Variance between whole plots, against statsmodels and the analysis of variance."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from perfmodel.dataset import PerformanceDataset
from perfmodel.strata import Plots, estimate_eta, plots_of, student_width

Floats = np.ndarray


def split_plot_data(
    sizes: list[int], eta: float, seed: int
) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    n = len(labels)
    hard = rng.choice([-1.0, 1.0], size=len(sizes))[labels]
    matrix = np.column_stack([np.ones(n), hard, rng.choice([-1.0, 1.0], size=n)])
    plot_errors = np.sqrt(eta) * rng.normal(size=len(sizes))
    target = matrix @ [1.0, 0.5, 0.3] + rng.normal(size=n) + plot_errors[labels]
    return matrix, target, labels


@pytest.mark.parametrize("sizes", [[4] * 12, [2, 3, 4, 5, 6, 7] * 2])
def test_eta_is_that_of_mixed_models_by_reml(sizes: list[int]) -> None:
    from statsmodels.regression.mixed_linear_model import MixedLM

    matrix, target, labels = split_plot_data(sizes, 3.0, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = MixedLM(target, matrix, groups=labels).fit(reml=True)
    expected = float(peer.cov_re[0, 0] / peer.scale)
    plots = Plots.of(labels)
    eta = estimate_eta(matrix, target, plots)
    assert eta == pytest.approx(expected, rel=2e-3)
    white, y = plots.whiten(eta, matrix), plots.whiten(eta, target)
    inverse = np.linalg.inv(white.T @ white)
    left = np.sum((y - white @ (inverse @ white.T @ y)) ** 2) / (len(y) - 3)
    np.testing.assert_allclose(inverse @ white.T @ y, peer.fe_params, rtol=1e-3)
    np.testing.assert_allclose(np.sqrt(left * np.diag(inverse)), peer.bse_fe, rtol=2e-3)


@pytest.mark.parametrize("eta", [0.0, 2.0])
def test_with_equal_whole_plots_eta_is_that_of_mean_squares_even_below_zero(
    eta: float,
) -> None:
    found = []
    for seed in range(20):
        matrix, target, labels = split_plot_data([4] * 10, eta, seed)
        matrix = matrix[:, :2]
        means = np.bincount(labels, target) / 4
        within = np.sum((target - means[labels]) ** 2) / 30
        hard = matrix[::4]
        rest = means - hard @ np.linalg.lstsq(hard, means, rcond=None)[0]
        ratio = 4 * np.sum(rest**2) / 8 / within
        estimate = estimate_eta(matrix, target, Plots.of(labels))
        assert 1 + 4 * estimate == pytest.approx(max(ratio, 0.02), rel=1e-3)
        found.append(estimate)
    assert (min(found) < 0) == (eta == 0)


def test_whitening_is_by_the_inverse_root_of_the_variance() -> None:
    plots = Plots.of([0, 0, 0, 1, 1, 2])
    same = plots.weights @ plots.weights.T
    inverse = plots.whiten(0.7, plots.whiten(0.7, np.eye(6)))
    np.testing.assert_allclose(inverse @ (np.eye(6) + 0.7 * same), np.eye(6), atol=1e-9)
    root = plots.whiten(0.7, np.eye(6), power=0.5)
    np.testing.assert_allclose(root @ root.T, np.eye(6) + 0.7 * same, atol=1e-9)


def test_rows_that_stand_for_runs_of_several_whole_plots_have_their_variance() -> None:
    # Two rows, each run once in each of two visits.
    weights = np.array([[0.5, 0.5], [0.5, 0.5], [1.0, 0.0]])
    plots = Plots(weights, np.array([2.0, 2.0, 1.0]))
    variance = np.diag([0.5, 0.5, 1]) + 3.0 * weights @ weights.T
    root = plots.whiten(3.0, np.eye(3), power=0.5)
    np.testing.assert_allclose(root @ root.T, variance, atol=1e-9)
    white = plots.whiten(3.0, np.eye(3))
    np.testing.assert_allclose(white @ variance @ white.T, np.eye(3), atol=1e-9)


def test_plots_know_what_stays_within_them_and_whether_they_tell_anything() -> None:
    plots = Plots.of(["a", "a", "b", "b", "c"])
    assert plots.between(np.array([[1.0], [1], [3], [3], [2]]))
    assert not plots.between(np.array([[1.0], [2], [3], [3], [2]]))
    assert plots.informative
    assert not Plots.of([0, 0, 1, 1]).informative
    assert not Plots.of(range(5)).informative
    assert plots.take([0, 1, 4]).weights.shape == (3, 2)


def test_few_degrees_of_freedom_widen_errors() -> None:
    assert student_width(1000) == pytest.approx(1.001, abs=1e-5)
    assert student_width(4) == pytest.approx(2**0.5)
    assert student_width(0) == student_width(3)


def test_nothing_left_to_tell_it_is_no_variance() -> None:
    matrix = np.eye(4)
    assert estimate_eta(matrix, np.arange(4.0), Plots.of([0, 0, 1, 1])) == 0.0


def test_whole_plots_of_sweeps_and_repeats_are_told_apart() -> None:
    frame = pd.DataFrame(
        {
            "a": [1, 2, 1, 2, 1, 3, 4, 5, 6],
            "y": [1.0, 2, 1, 2, 1, None, 4, 5, 6],
            "whole_plot": [0, 0, 1, 1, 0, 0, None, 7, 7],
            "sweep_id": ["x"] * 4 + ["z"] * 5,
        }
    )
    data = PerformanceDataset.from_frame(
        frame, options=["a"], response="y", meta=["whole_plot", "sweep_id"]
    )
    plots = plots_of(data)
    assert plots is not None
    # Rows 1, 2, 4: level 1 was run in three whole plots, 2 in two, 4 in none.
    assert plots.runs.tolist() == [3, 2, 1, 1, 1]
    third, half = 1 / 3, 1 / 2
    expected = [
        [third, third, third, 0, 0],
        [half, half, 0, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1],
    ]
    np.testing.assert_allclose(plots.weights, expected)


def test_data_without_whole_plots_have_none() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "y": [1.0, 2, 3], "whole_plot": [None] * 3})
    data = PerformanceDataset.from_frame(
        frame, options=["a"], response="y", meta=["whole_plot"]
    )
    assert plots_of(data) is None
    assert plots_of(PerformanceDataset.from_frame(frame, ["a"], "y")) is None
