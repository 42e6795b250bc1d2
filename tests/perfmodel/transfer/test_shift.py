"""Shifts: one line from the source's response to the target's."""

from __future__ import annotations

import numpy as np
import pytest

from perfmodel.transfer.inputs import Inputs
from perfmodel.transfer.shift import fit_linear_shift, fit_log_shift


def inputs_of_sources(z: np.ndarray) -> Inputs:
    return Inputs(x=np.empty((len(z), 0)), z=z, groups=())


def test_a_mere_factor_is_found_from_two_runs() -> None:
    z = np.array([[-1.0], [1.0]])
    shift = fit_log_shift(inputs_of_sources(z), 3.0 + 0.4 * z[:, 0], scale=0.4)
    assert shift.level == pytest.approx(3.0)
    assert shift.slopes == pytest.approx([0.4])


def test_the_slope_leaves_one_only_as_far_as_the_runs_say() -> None:
    rng = np.random.default_rng(0)
    slopes = []
    for n in (4, 400):
        z = rng.standard_normal((n, 1))
        log_y = 2 * z[:, 0] + rng.normal(0, 0.5, n)
        shift = fit_log_shift(inputs_of_sources(z), log_y, scale=1.0)
        slopes.append(float(shift.slopes[0]))
    assert 1 < slopes[0] < 1.9
    assert slopes[1] == pytest.approx(2, abs=0.1)


def test_one_odd_run_does_not_move_the_line() -> None:
    z = np.random.default_rng(4).standard_normal((12, 1))
    log_y = z[:, 0] + 0.01 * np.random.default_rng(5).standard_normal(12)
    log_y[3] += 1.0
    shift = fit_log_shift(inputs_of_sources(z), log_y, scale=1.0)
    assert shift.level == pytest.approx(0, abs=0.02)
    assert shift.slopes == pytest.approx([1.0], abs=0.02)


def test_a_mere_factor_keeps_the_slope() -> None:
    z = np.random.default_rng(6).standard_normal((30, 1))
    shift = fit_log_shift(inputs_of_sources(z), 2 * z[:, 0], scale=1.0, slope_sd=0.0)
    assert shift.slopes == pytest.approx([1.0], abs=1e-4)


def test_several_sources_share_the_slope() -> None:
    z = np.random.default_rng(1).standard_normal((50, 2))
    log_y = 0.5 * z[:, 0] + 0.5 * z[:, 1] + 1
    shift = fit_log_shift(inputs_of_sources(z), log_y, scale=1.0)
    assert shift.slopes == pytest.approx([0.5, 0.5], abs=0.01)


def test_the_spread_of_a_run_is_that_about_the_line_and_more() -> None:
    rng = np.random.default_rng(2)
    z = rng.standard_normal((40, 1))
    log_y = z[:, 0] + rng.normal(0, 0.2, 40)
    shift = fit_log_shift(inputs_of_sources(z), log_y, scale=1.0)
    far = inputs_of_sources(np.array([[0.0], [10.0]]))
    near_sd, far_sd = shift.sd(far)
    assert near_sd == pytest.approx(0.2, rel=0.3)
    assert far_sd > near_sd
    draws = shift.draws(far, 4000, np.random.default_rng(3))
    assert draws.std(axis=0) == pytest.approx(shift.sd(far, noise=False), rel=0.1)


def test_the_linear_shift_is_least_squares_in_the_unit_of_the_response() -> None:
    source = np.array([1.0, 2.0, 4.0])
    shift = fit_linear_shift(source, 3 + 2 * source)
    assert shift.predict(np.array([10.0])) == pytest.approx([23.0])


def test_a_constant_source_gives_the_mean() -> None:
    shift = fit_linear_shift(np.ones(3), np.array([1.0, 2.0, 3.0]))
    assert shift.predict(np.array([5.0])) == pytest.approx([2.0])
