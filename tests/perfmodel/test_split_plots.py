"""Stepwise regression where hard options stay within whole plots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from measure.designs import split_plot
from measure.space import ConfigurationSpace
from measure.terms import Term
from perfmodel.dataset import PerformanceDataset
from perfmodel.errors import ModelError
from perfmodel.fitting import fit
from perfmodel.influence import explain
from perfmodel.linear import StepwiseModel
from perfmodel.loading import load
from perfmodel.split_plots import fit_in_plots
from perfmodel.strata import Plots

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "hard": {"kind": "boolean", "change_cost_s": 30},
            "isa": {
                "kind": "categorical",
                "levels": ["x", "y", "z"],
                "change_cost_s": 30,
            },
            "turbo": {"kind": "boolean"},
            "onednn": {"kind": "boolean"},
            "threads": {"kind": "numeric", "levels": [1, 2, 3]},
        }
    }
)
NOISE = 0.02


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return split_plot(SPACE, 10, 4, model="main", iterations=200).frame


def responses(
    frame: pd.DataFrame, eta: float, seed: int, hard: float = 0.0
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shared = np.sqrt(eta) * NOISE * rng.normal(size=frame["whole_plot"].max() + 1)
    errors = NOISE * rng.normal(size=len(frame)) + shared[frame["whole_plot"]]
    effect = 0.1 * frame["turbo"].astype(float) + hard * frame["hard"].astype(float)
    return np.asarray(np.exp(effect + errors))


def model(enter: float = 0.01, remove: float = 0.05) -> StepwiseModel:
    return StepwiseModel(
        space=SPACE, calibrate=False, terms="main", enter=enter, remove=remove
    )


def test_whole_plot_terms_are_found_by_chance_as_often_as_they_should(
    frame: pd.DataFrame,
) -> None:
    plots, times = Plots.of(frame["whole_plot"]), 120
    false = {"hard": 0, "onednn": 0, "hard, alone": 0}
    for seed in range(times):
        y = responses(frame, 4.0, seed)
        told = model(enter=0.05).fit(frame, y, plots=plots).p_values_
        alone = model(enter=0.05).fit(frame, y).p_values_
        false["hard"] += "hard" in told
        false["onednn"] += "onednn" in told
        false["hard, alone"] += "hard" in alone
        assert "turbo" in told
    assert false["hard"] <= 0.10 * times and false["onednn"] <= 0.10 * times
    assert false["hard, alone"] >= 0.25 * times


def test_intervals_of_whole_plot_effects_hold_the_true_ones(
    frame: pd.DataFrame,
) -> None:
    plots, times, held = Plots.of(frame["whole_plot"]), 10, 0
    true = 100 * (np.exp(0.075) - np.exp(-0.075))
    for seed in range(times):
        y = responses(frame, 4.0, seed, hard=0.15)
        fitted = model(enter=0.2, remove=0.2).fit(frame, y, plots=plots)
        found = explain(fitted, seed=seed).frame.set_index("term").loc["hard"]
        held += found["lower"] <= true <= found["upper"]
    assert held >= 0.8 * times


def test_standard_errors_between_whole_plots_are_the_larger_ones(
    frame: pd.DataFrame,
) -> None:
    y = responses(frame, 4.0, 1, hard=0.15)
    plots = Plots.of(frame["whole_plot"])
    told = model().fit(frame, y, plots=plots)
    alone = model().fit(frame, y)
    names = [str(fitted.term) for fitted in told.terms_]
    assert names == ["1", "hard", "turbo"]
    assert told.variance_ratio_ > 1
    assert told.standard_errors_[1] > 1.5 * alone.standard_errors_[1]
    assert told.standard_errors_[2] < alone.standard_errors_[2]
    assert "10 whole plots: generalised least squares" in told.notes_[0]


def test_balanced_tests_are_those_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(8), 4)
    hard = np.repeat([-1.0, 1.0] * 4, 4)
    soft = np.tile([-1.0, -1, 1, 1], 8)
    y = 0.4 * hard + 0.2 * soft + rng.normal(size=32) + rng.normal(size=8)[labels]
    columns = {Term.of("a"): hard[:, None], Term.of("b"): soft[:, None]}
    fitted = fit_in_plots(columns, y, Plots.of(labels))
    means = np.bincount(labels, y) / 4
    effect = np.array([-1.0, 1.0] * 4) @ means / 8
    between = 4 * np.sum((means - means.mean() - effect * hard[::4]) ** 2) / 6
    within = np.sum((y - means[labels] - (soft @ y / 32) * soft) ** 2) / 23
    from scipy.stats import f

    assert fitted.free_between == 6 and fitted.free_within == 23
    expected = f.sf(32 * effect**2 / between, 1, 6)
    assert fitted.p_values[Term.of("a")] == pytest.approx(expected, rel=1e-3)
    expected = f.sf((soft @ y) ** 2 / 32 / within, 1, 23)
    assert fitted.p_values[Term.of("b")] == pytest.approx(expected, rel=1e-3)


def test_whole_plots_are_saved_with_the_model(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    y = responses(frame, 4.0, 1, hard=0.15)
    told = model().fit(frame, y, plots=Plots.of(frame["whole_plot"]))
    again = load(told.save(tmp_path / "m"))
    assert again.variance_ratio_ == pytest.approx(told.variance_ratio_)
    first, second = explain(told).frame, explain(again).frame
    pd.testing.assert_frame_equal(first, second)


def test_new_runs_are_predicted_as_runs_of_a_new_whole_plot(
    frame: pd.DataFrame,
) -> None:
    plots = Plots.of(frame["whole_plot"])
    calibrated = StepwiseModel(space=SPACE, terms="main")
    held = []
    for seed in range(8):
        fitted = calibrated.fit(frame, responses(frame, 4.0, seed), plots=plots)
        interval = fitted.predict_interval(frame)
        new = responses(frame, 4.0, 100 + seed)
        held.append(np.mean((interval["lower"] <= new) & (new <= interval["upper"])))
    assert 0.8 <= np.mean(held) <= 1.0


def test_whole_plots_that_tell_nothing_change_nothing(frame: pd.DataFrame) -> None:
    y = responses(frame, 0.0, 0, hard=0.1)
    alone = model().fit(frame, y)
    told = model().fit(frame, y, plots=Plots.of(range(len(y))))
    assert told.plots_ is None and told.notes_ == ()
    np.testing.assert_array_equal(told.coefficients_, alone.coefficients_)
    with pytest.raises(ModelError, match="whole plots of 3 rows, but 40 responses"):
        model().fit(frame, y, plots=Plots.of([0, 0, 1]))


def test_fit_takes_whole_plots_from_the_data_and_says_what_it_made_of_them(
    frame: pd.DataFrame,
) -> None:
    names = list(SPACE.names)
    runs = frame[names].assign(
        y=responses(frame, 4.0, 1, hard=0.15), whole_plot=frame["whole_plot"]
    )
    data = PerformanceDataset.from_frame(
        runs, names, {"y": "s"}, space=SPACE, meta=["whole_plot"]
    )
    told = fit(data, model="stepwise")
    assert told.plots_ is not None and told.variance_ratio_ > 1
    assert any("generalised least squares" in note for note in told.notes_)
    tree = fit(data, model="cart")
    assert any("10 whole plots, which cart does not allow" in n for n in tree.notes_)
    without = fit(replace(data, meta=()), model="stepwise")
    assert without.plots_ is None


def test_two_strong_effects_of_hard_options_come_in_together() -> None:
    frame = split_plot(SPACE, 8, 4, model="main", iterations=200).frame
    plots = Plots.of(frame["whole_plot"])
    isa = frame["isa"].map({"x": -0.2, "y": 0.0, "z": 0.2}).astype(float)
    for seed in range(5):
        y = responses(frame, 1.0, seed, hard=0.3) * np.exp(isa)
        assert {"hard", "isa"} <= set(model().fit(frame, y, plots=plots).p_values_)


def test_runs_that_share_a_measurement_calibrate_together(frame: pd.DataFrame) -> None:
    y = responses(frame, 4.0, 0)
    twice = pd.concat([frame, frame], ignore_index=True)
    plots = Plots.of(twice["whole_plot"])
    groups = np.tile(np.arange(len(frame)), 2)
    widths = []
    for shared in (groups, None):
        fitted = StepwiseModel(space=SPACE, terms="main").sharing(shared)
        fitted.fit(twice, np.tile(y, 2), plots=plots)
        interval = fitted.predict_interval(frame)
        widths.append(np.median(interval["upper"] / interval["lower"]))
    assert widths[0] > widths[1]
