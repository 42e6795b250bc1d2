"""The small Gaussian process beneath the transfer models."""

from __future__ import annotations

import numpy as np
import pytest

from perfmodel.transfer.inputs import Inputs
from perfmodel.transfer.process import (
    Prior,
    Process,
    _negative_log_posterior,
    fit_process,
)


def some_inputs(n: int = 30, sources: int = 1) -> Inputs:
    rng = np.random.default_rng(0)
    return Inputs(
        x=rng.random((n, 4)), z=rng.standard_normal((n, sources)), groups=(0, 1, 2, 2)
    )


def some_response(inputs: Inputs) -> np.ndarray:
    rng = np.random.default_rng(1)
    smooth = np.sin(3 * inputs.x[:, 0]) + inputs.x[:, 1] ** 2 + 0.5 * inputs.z[:, 0]
    return np.asarray(smooth + 0.02 * rng.standard_normal(len(inputs)))


def test_the_gradient_is_that_of_the_posterior() -> None:
    inputs = some_inputs()
    y = some_response(inputs) - 1.0
    theta = np.random.default_rng(2).normal(0, 0.5, 6)
    arguments = (
        inputs.squared_distances(inputs),
        inputs.z @ inputs.z.T,
        y,
        np.zeros(6),
        np.ones(6),
    )
    gradient = _negative_log_posterior(theta, *arguments)[1]
    step = 1e-5
    numeric = [
        (
            _negative_log_posterior(theta + step * unit, *arguments)[0]
            - _negative_log_posterior(theta - step * unit, *arguments)[0]
        )
        / (2 * step)
        for unit in np.eye(6)
    ]
    assert gradient == pytest.approx(numeric, rel=1e-5, abs=1e-6)


def fitted() -> tuple[Process, Inputs, np.ndarray]:
    inputs = some_inputs(60)
    y = some_response(inputs)
    prior = Prior(log_lengths=np.zeros(3), linear=0.3)
    return fit_process(inputs[:40], y[:40], prior), inputs[40:], y[40:]


def test_unseen_rows_are_predicted_within_the_spread_it_claims() -> None:
    process, rest, y = fitted()
    error = y - process.mean(rest)
    assert np.std(error) < 0.2 * np.std(y)
    assert np.mean(np.abs(error) < 2 * process.sd(rest)) > 0.8


def test_draws_have_the_mean_and_the_spread_of_the_process() -> None:
    process, rest, _ = fitted()
    draws = process.draws(rest, 2000, np.random.default_rng(3))
    assert draws.mean(axis=0) == pytest.approx(process.mean(rest), abs=0.02)
    assert draws.std(axis=0) == pytest.approx(
        process.sd(rest, noise=False), rel=0.1, abs=0.005
    )


def test_without_a_linear_part_the_source_does_not_count() -> None:
    inputs = some_inputs(20)
    process = fit_process(inputs, inputs.x[:, 0], Prior.alone(3))
    moved = Inputs(x=inputs.x, z=inputs.z + 5, groups=inputs.groups)
    assert process.mean(moved) == pytest.approx(process.mean(inputs))


def test_a_constant_response_is_predicted_as_such() -> None:
    inputs = some_inputs(8)
    process = fit_process(inputs, np.full(8, 3.0), Prior.alone(3))
    assert process.mean(some_inputs(20)) == pytest.approx(3.0)


def test_many_runs_are_thinned_to_the_same_ones_every_time() -> None:
    rng = np.random.default_rng(4)
    x = rng.random((1200, 1))
    inputs = Inputs(x=x, z=np.empty((1200, 0)), groups=(0,))
    one, other = (
        fit_process(inputs, np.sin(5 * x[:, 0]), Prior.alone(1)) for _ in range(2)
    )
    assert len(one.inputs) == 1000
    assert np.array_equal(one.weights, other.weights)
    grid = Inputs(x=np.linspace(0, 1, 9)[:, None], z=np.empty((9, 0)), groups=(0,))
    assert one.mean(grid) == pytest.approx(np.sin(5 * grid.x[:, 0]), abs=1e-2)
