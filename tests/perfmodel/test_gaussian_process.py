"""The Gaussian process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.utils.estimator_checks import parametrize_with_checks

from perfmodel.catalogue import make_model
from perfmodel.errors import ArchiveError
from perfmodel.gaussian_process import GaussianProcessModel
from perfmodel.loading import load
from perfmodel.matern import log_likelihood
from perfmodel.validation import mape
from tests.contracts.models import SPACE, ModelContract, whole_table


@parametrize_with_checks([GaussianProcessModel()])
def test_it_is_a_scikit_learn_regressor(estimator: Any, check: Any) -> None:
    check(estimator)


class TestGaussianProcess(ModelContract):
    """The contract of every model."""

    name = "gaussian-process"
    error_percent = 6.0


def test_the_likelihood_and_its_gradient_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    X, z = rng.uniform(size=(30, 3)), rng.standard_normal(30)
    kernel = ConstantKernel() * Matern(np.ones(3), nu=2.5) + WhiteKernel()
    peer = GaussianProcessRegressor(kernel, alpha=1e-12, optimizer=None).fit(X, z)
    for _ in range(5):
        theta = rng.normal(scale=0.7, size=5)
        value, gradient = log_likelihood(theta, X, z)
        theirs, their_gradient = peer.log_marginal_likelihood(theta, eval_gradient=True)
        assert value == pytest.approx(theirs, rel=1e-6)
        np.testing.assert_allclose(gradient, their_gradient, rtol=1e-6, atol=1e-6)


def test_the_gradient_is_right_where_runs_share_a_measurement() -> None:
    rng = np.random.default_rng(0)
    X, z = rng.uniform(size=(12, 2)), rng.standard_normal(12)
    groups = np.array([0, 1, 2, 1, 4, 5, 4, 7, 8, 9, 9, 9])
    shared = (groups[:, None] == groups).astype(float)
    theta = np.array([0.2, -0.3, 0.1, -1.0])
    _, gradient = log_likelihood(theta, X, z, shared)
    for i in range(len(theta)):
        step = 1e-5 * np.eye(len(theta))[i]
        up = log_likelihood(theta + step, X, z, shared)[0]
        down = log_likelihood(theta - step, X, z, shared)[0]
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-4)


@pytest.mark.parametrize("runs", [24, 170])
def test_configurations_that_share_a_measurement_are_known_to_be_equal(
    runs: int,
) -> None:
    rng = np.random.default_rng(1)
    # The second option is inert, and the later half has its measurements.
    half = pd.DataFrame({"a": rng.uniform(1, 9, runs // 2).round(4), "b": 0.0})
    frame = pd.concat([half, half.assign(b=1.0)], ignore_index=True)
    y = np.tile(np.exp(half["a"] / 5 + rng.normal(0, 0.2, len(half))), 2)
    groups = np.tile(np.arange(len(half)), 2)
    model = make_model("gaussian-process").sharing(groups).fit(frame, y)
    known = model.draws(frame, n_draws=50)
    gap = known[:, : len(half)] - known[:, len(half) :]
    assert np.abs(gap).max() < 0.05
    naive = make_model("gaussian-process").fit(frame, y)
    assert len(model.calibration_.scores) == len(half)
    # Twice the same noise looks like knowledge; counted once it does not.
    width, narrower = (
        np.ptp(np.log(one.predict_interval(frame)[["lower", "upper"]]), axis=1).mean()
        for one in (model, naive)
    )
    assert width > narrower


def test_predictions_and_spreads_are_those_of_scikit_learn() -> None:
    frame, y = whole_table(noise=0.02)
    model = make_model("gaussian-process", SPACE).set_params(calibrate=False)
    model.fit(frame.iloc[::2], y[::2])
    kernel = ConstantKernel() * Matern(np.ones(6), nu=2.5) + WhiteKernel()
    peer = GaussianProcessRegressor(
        kernel.clone_with_theta(model.theta_), alpha=1e-10, optimizer=None
    )
    peer.fit(model.features_, model.scaled_)
    features = model.encoding_.features(model.encoding_.codes(frame))
    mean, sd = peer.predict(features, return_std=True)
    expected = np.exp(model.centre_ + model.scale_ * mean)
    np.testing.assert_allclose(model.predict(frame), expected, rtol=1e-6)
    upper = model.predict_interval(frame, level=0.9)["upper"]
    half = 1.6448536 * model.scale_ * sd
    np.testing.assert_allclose(upper, expected * np.exp(half), rtol=1e-4)


def test_draws_have_the_posterior_mean_and_spread() -> None:
    frame, y = whole_table(noise=0.05)
    rows = np.random.default_rng(0).permutation(48)[:20]
    model = GaussianProcessModel(space=SPACE).fit(frame.iloc[rows], y[rows])
    draws = model.draws(frame, n_draws=2000, seed=0)
    spread = draws.std(axis=0)
    known = np.isin(np.arange(48), rows)
    assert spread[known].mean() < spread[~known].mean()
    truth = np.log(whole_table()[1])
    inside = np.abs(truth - draws.mean(axis=0)) < 2 * spread
    assert inside.mean() > 0.8


def test_many_runs_are_learned_from_in_seconds() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(700, 6))
    y = np.exp(X @ np.arange(6) / 3 + 0.02 * rng.standard_normal(700))
    frame = pd.DataFrame(X).rename(columns="x{}".format)
    model = GaussianProcessModel().fit(frame.iloc[:600], y[:600])
    assert mape(y[600:], model.predict(frame.iloc[600:])) < 4


def test_hyperparameters_out_of_bounds_are_refused(tmp_path: Path) -> None:
    model = make_model("gaussian-process", SPACE).fit(*whole_table())
    model.theta_ = model.theta_ + 100
    with pytest.raises(ArchiveError, match="out of bounds"):
        load(model.save(tmp_path / "model"))


def test_more_runs_than_can_be_held_are_learned_from_in_part(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("perfmodel.gaussian_process.MOST_RUNS", 30)
    frame, y = whole_table(noise=0.02)
    model = make_model("gaussian-process", SPACE).fit(frame, y)
    assert len(model.scaled_) == 30
    assert mape(y, model.predict(frame)) < 6
    again = load(model.save(tmp_path / "m"))
    np.testing.assert_allclose(again.predict(frame), model.predict(frame), rtol=1e-12)


def test_results_do_not_depend_on_rounding() -> None:
    frame, y = whole_table(noise=0.02)
    half = np.random.default_rng(1).permutation(len(y))[:24]
    nudged = y * (1 + 1e-15 * np.random.default_rng(2).standard_normal(len(y)))
    one, two = (
        GaussianProcessModel(space=SPACE).fit(frame.iloc[half], response[half])
        for response in (y, nudged)
    )
    np.testing.assert_allclose(one.predict(frame), two.predict(frame), rtol=1e-9)
    np.testing.assert_allclose(
        one.draws(frame, n_draws=40), two.draws(frame, n_draws=40), atol=1e-8
    )
