"""Fitting by name, and choosing the model that predicts best."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from perfmodel.catalogue import RACING, make_model
from perfmodel.dataset import PerformanceDataset
from perfmodel.errors import DataError, ModelError, SelectionError
from perfmodel.fitting import fit
from perfmodel.intervals import coverage
from perfmodel.validation import mape
from tests.contracts.models import SPACE, whole_table


def table(noise: float = 0.02, rows: int = 48) -> PerformanceDataset:
    """Runs of the contract's space."""
    frame, y = whole_table(noise=noise)
    return PerformanceDataset.from_frame(
        frame.assign(latency_s=y).iloc[:rows], response={"latency_s": "s"}, space=SPACE
    )


def test_the_model_with_the_least_error_is_taken_and_all_are_recorded() -> None:
    data = table()
    model = fit(data)
    assert model.choice_.startswith("least cross-validated error: " + model.name)
    assert all(name in model.choice_ for name in RACING)
    listed, corrected = model.choice_.split(";")
    errors = [float(part.split()[-2]) for part in listed.split(",")]
    assert errors == sorted(errors)
    found = model.cross_validation_
    assert found is not None
    bias = found.selection_bias_percent
    assert bias >= 0
    assert corrected == (
        f" {bias:.1f} points are added to its error for being the least of "
        f"{len(RACING)}"
    )
    assert found.error_percent - bias == pytest.approx(errors[0], abs=0.051)
    assert found.lower <= found.error_percent <= found.upper
    assert model.cross_validation_ is not None
    assert model.cross_validation_.learnable


def test_runs_of_one_measurement_are_never_learned_from_and_judged_on() -> None:
    frame, y = whole_table(noise=0.3)
    frame, y = frame.iloc[:30].reset_index(drop=True), y[:30]
    frame["latency_s"] = np.where(np.arange(30) < 15, y, np.roll(y, 15))
    frame["run_id"] = [f"r{i}" for i in range(30)]
    frame["identical_to"] = [""] * 15 + [f"r{i}" for i in range(15)]
    data = PerformanceDataset.from_frame(
        frame, space=SPACE, response="latency_s", meta=["run_id", "identical_to"]
    )
    model = fit(data, model="cart")
    alone = fit(replace(data, meta=()), model="cart")
    assert model.groups_ is not None
    assert len(model.calibration_.scores) == 15
    assert model.cross_validation_ is not None
    assert alone.cross_validation_ is not None
    width = model.cross_validation_.upper - model.cross_validation_.lower
    assert width > 0
    assert any("share the measurement" in note for note in model.notes_)


def test_a_named_model_is_judged_in_the_same_folds() -> None:
    data = table()
    model = fit(data, model="cart", seed=3)
    assert (model.name, model.seed, model.choice_) == ("cart", 3, "")
    assert model.cross_validation_ is not None
    assert model.cross_validation_.repeats == 3


def test_a_model_of_the_users_is_fitted() -> None:
    model = make_model("forest", SPACE).set_params(n_trees=5)
    assert fit(table(), model=model) is model


def test_any_regressor_that_takes_raw_levels_can_be_fitted() -> None:
    data = table()
    numbers = PerformanceDataset.from_frame(
        data.X[["threads", "onednn"]].assign(latency_s=data.y),
        options=["threads", "onednn"],
        response="latency_s",
    )
    model: Any = LinearRegression()
    fitted = fit(numbers, model=model)
    assert fitted.cross_validation_ is not None
    assert fitted.response_ == "latency_s"


def test_an_unknown_model_is_an_error_that_lists_what_there_is() -> None:
    with pytest.raises(ModelError, match="no model 'lasso'; choose one of auto, gauss"):
        fit(table(), model="lasso")


def test_fewer_than_five_runs_are_refused() -> None:
    with pytest.raises(DataError, match="4 runs with a finite lat"):
        fit(table(rows=4))


def test_five_runs_are_fitted() -> None:
    assert fit(table(rows=5)).cross_validation_ is not None


def test_several_responses_are_an_error_that_lists_them() -> None:
    frame, y = whole_table()
    data = PerformanceDataset.from_frame(
        frame.assign(latency_s=y, energy_j=y),
        response=["latency_s", "energy_j"],
        space=SPACE,
    )
    with pytest.raises(SelectionError, match="2 responses: latency_s, energy_j"):
        fit(data)


def test_what_was_left_out_stands_in_the_notes() -> None:
    frame, y = whole_table()
    y[3] = np.nan
    data = PerformanceDataset.from_frame(
        frame.assign(latency_s=y), response="latency_s", space=SPACE
    )
    notes = fit(data, model="cart").notes_
    assert notes == (
        "1 of 48 runs has no latency_s and is left out",
        "1 configuration was tried and failed: left out of the best",
    )


def test_the_same_seed_fits_the_same() -> None:
    frame, _ = whole_table()
    one, two = fit(table(rows=9), seed=1), fit(table(rows=9), seed=1)
    assert one.name == two.name
    np.testing.assert_array_equal(one.predict(frame), two.predict(frame))


@pytest.mark.parametrize("name", ["gaussian-process", "stepwise"])
def test_noise_is_said_not_to_be_learnable(name: str) -> None:
    rng = np.random.default_rng(5)
    verdicts = []
    for _ in range(4):
        frame, y = whole_table()
        data = PerformanceDataset.from_frame(
            frame.assign(y=rng.lognormal(sigma=0.5, size=len(y))),
            response="y",
            space=SPACE,
        )
        model = fit(data, model=name)
        assert model.cross_validation_ is not None
        verdicts.append(model.cross_validation_.learnable)
    assert sum(verdicts) <= 1


OPTIONS = ["num_cores", "core_freq_khz", "gpu_freq_hz", "emc_freq_hz"]


@pytest.mark.published_data
@pytest.mark.parametrize("response", ["inference_time_s", "power_consumption"])
def test_eighty_random_runs_predict_a_published_factorial(
    published_data: Path, response: str
) -> None:
    path = published_data / "jetson_tx2_dnn_freq" / "jetson_tx2_dnn_freq.csv"
    data = PerformanceDataset.from_csv(
        path, options=OPTIONS, response=response, environment=["dnn", "image_size"]
    ).select(dnn="xception", image_size="600x600")
    X, y = data.X, data.y
    errors, shares = [], []
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(len(y))
        learn, rest = order[:80], order[80:]
        model = fit(data.take(learn), seed=seed)
        found = model.predict_interval(X.iloc[rest])
        errors.append(mape(y[rest], found["prediction"]))
        shares.append(coverage(y[rest], found["lower"], found["upper"]))
    assert max(errors) < 6
    assert 0.8 <= np.mean(shares) <= 0.97
