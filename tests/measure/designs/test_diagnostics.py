"""What a design can tell."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from measure.designs.diagnostics import evaluate
from measure.designs.factorial import full_factorial
from measure.designs.optimal import d_optimal
from measure.designs.two_level import plackett_burman
from measure.designs.whole_plots import split_plot
from measure.errors import DesignError
from measure.space import ConfigurationSpace
from measure.terms import model_matrix, model_terms

TWO_LEVEL = ConfigurationSpace.from_dict(
    {"options": {f"x{i}": {"kind": "boolean"} for i in range(3)}}
)
MIXED = ConfigurationSpace.from_dict(
    {
        "options": {
            "threads": {"kind": "numeric", "levels": [1, 2, 4]},
            "backend": {"kind": "categorical", "levels": ["graph", "xla", "lite"]},
            "onednn": {"kind": "boolean"},
        }
    }
)


def test_an_orthogonal_design_has_no_gap_and_no_inflation() -> None:
    report = evaluate(full_factorial(TWO_LEVEL, model="interactions"))
    assert report.d_efficiency == pytest.approx(1)
    assert report.a_efficiency == pytest.approx(1)
    assert report.upper_bound == 1 and report.bound_kind == "proved"
    assert report.gap == pytest.approx(0)
    assert report.bound_reason.endswith("this design meets it, so that none is better")
    assert list(report.vif.values()) == pytest.approx([1] * 6)
    assert report.aliases == () and report.singular_terms == ()


def test_a_confused_interaction_is_named_with_its_weight() -> None:
    report = evaluate(plackett_burman(TWO_LEVEL))
    found = {(a.term, a.alias): a.weight for a in report.aliases}
    assert {k: abs(v) for k, v in found.items()} == pytest.approx(
        {("x0", "x1:x2"): 1, ("x1", "x0:x2"): 1, ("x2", "x0:x1"): 1}
    )
    assert str(report.aliases[0]).startswith("x2 cannot be told from x0:x1 (")


def test_terms_that_the_runs_cannot_estimate_are_named_one_by_one() -> None:
    report = evaluate(plackett_burman(TWO_LEVEL), model="interactions")
    assert report.singular_terms == ("x0:x1", "x0:x2", "x1:x2")
    assert report.d_efficiency == 0 and report.gap == 1
    assert all(np.isnan(list(report.vif.values())))
    frame = report.to_frame()
    assert frame.loc[~frame["estimable"], "term"].tolist() == [
        "x0:x1",
        "x0:x2",
        "x1:x2",
    ]
    assert set(json.loads(json.dumps(report.to_dict()))["vif"].values()) == {None}


def test_variance_inflation_is_that_of_regressing_a_column_on_the_others() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                "a": {"kind": "numeric", "levels": [0, 1, 2, 3]},
                "b": {"kind": "numeric", "levels": [0, 1, 2, 3]},
                "c": {"kind": "boolean"},
            }
        }
    )
    rng = np.random.default_rng(0)
    frame = space.decode(space.sample(14, rng))
    report = evaluate(frame, space=space)
    X = model_matrix(space, model_terms(space, "main").terms, space.encode(frame)).X
    for column, name in enumerate(space.names, start=1):
        y, others = X[:, column], np.delete(X, column, axis=1)
        rest = y - others @ np.linalg.lstsq(others, y, rcond=None)[0]
        expected = ((y - y.mean()) ** 2).sum() / (rest**2).sum()
        assert report.vif[name] == pytest.approx(expected)


def test_power_is_the_share_of_simulated_experiments_that_find_the_effect() -> None:
    design = d_optimal(MIXED, 14, "main", seed=1, iterations=20)
    report = evaluate(design, effect=1.5)
    rng = np.random.default_rng(2)
    X, n = design.matrix, design.runs
    threads = 1.5 / 2 * X[:, 1]
    others = np.delete(X, 1, axis=1)

    def residual(M: np.ndarray, y: np.ndarray) -> np.ndarray:
        rest = y - M @ np.linalg.lstsq(M, y, rcond=None)[0]
        return np.asarray((rest**2).sum(axis=0))

    y = threads[:, None] + rng.normal(size=(n, 20_000))
    full, reduced = residual(X, y), residual(others, y)
    df = n - X.shape[1]
    found = (reduced - full) / (full / df) > stats.f.isf(0.05, 1, df)
    assert report.power["threads"] == pytest.approx(found.mean(), abs=0.012)


def test_power_is_that_of_the_least_favourable_pair_of_levels() -> None:
    frame = full_factorial(MIXED).frame
    uneven = pd.concat([frame, frame[frame["backend"] == "graph"]])
    report = evaluate(uneven, space=MIXED)
    # xla against lite has 6 runs each, graph has 12: the two small groups decide
    # between themselves, an effect of +-1 noise standard deviation.
    size = 2.0**2 / (1 / 6 + 1 / 6)
    df = len(uneven) - 5
    critical = stats.f.isf(0.05, 2, df)
    assert report.power["backend"] == pytest.approx(stats.ncf.sf(critical, 2, df, size))


def test_power_under_whole_plots_is_that_of_the_tests_between_and_within() -> None:
    plots = np.repeat(np.arange(8), 4)
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "x0": plots % 2 == 0,
            "x1": plots % 4 < 2,
            "x2": np.tile([False, False, True, True], 8),
        }
    )
    effect, ratio = 2.0, 1.0
    report = evaluate(
        frame, space=TWO_LEVEL, whole_plots=plots, variance_ratio=ratio, effect=effect
    )
    found = {"x0": 0, "x2": 0}
    repeats = 4000
    between, within = 8 - 3, 32 - 8 - 1
    for _ in range(repeats):
        noise = rng.normal(size=32) + np.sqrt(ratio) * rng.normal(size=8)[plots]
        y = effect / 2 * np.where(frame["x0"], 1, -1) + noise
        means = y.reshape(8, 4).mean(axis=1)
        M = np.column_stack(
            [np.ones(8), np.where(frame[["x0", "x1"]].to_numpy()[::4], 1.0, -1.0)]
        )
        beta = M.T @ means / 8
        square = ((means - M @ beta) ** 2).sum() / between
        found["x0"] += beta[1] ** 2 * 8 / square > stats.f.isf(0.05, 1, between)
        y = effect / 2 * np.where(frame["x2"], 1, -1) + noise
        inside = y - y.reshape(8, 4).mean(axis=1)[plots]
        x2 = np.where(frame["x2"], 1.0, -1.0)
        slope = x2 @ inside / 32
        square = ((inside - slope * x2) ** 2).sum() / within
        found["x2"] += slope**2 * 32 / square > stats.f.isf(0.05, 1, within)
    for term, count in found.items():
        assert report.power[term] == pytest.approx(count / repeats, abs=0.025)
    assert report.power["x0"] < 0.8 < report.power["x2"]
    # Three plots are as many as their coefficients: none is left for the noise.
    few = evaluate(frame[:12], space=TWO_LEVEL, whole_plots=plots[:12])
    assert np.isnan(few.power["x0"]) and few.power["x2"] > 0.5


def test_a_frame_brings_its_whole_plots() -> None:
    frame = full_factorial(TWO_LEVEL).frame
    plots = frame["x0"].to_numpy(dtype=int)
    beside = evaluate(frame, space=TWO_LEVEL, whole_plots=plots)
    inside = evaluate(frame.assign(whole_plot=plots), space=TWO_LEVEL)
    assert inside.to_dict() == beside.to_dict()


def test_correlations_are_those_of_the_estimates() -> None:
    report = evaluate(d_optimal(MIXED, 13, "quadratic", iterations=3))
    design = d_optimal(MIXED, 13, "quadratic", iterations=3)
    W = np.linalg.inv(design.matrix.T @ design.matrix)
    scale = np.sqrt(np.diag(W))
    whole = W / np.outer(scale, scale)
    slices = model_matrix(MIXED, design.terms, design.indices).slices
    place = {str(term): part for term, part in slices.items()}
    assert len(report.correlations) > 3
    for pair in report.correlations:
        block = whole[place[pair.term], place[pair.other]]
        if block.size == 1:
            assert pair.value == pytest.approx(block[0, 0])
        else:
            # The largest over all combinations of columns, so at least each alone.
            assert np.abs(block).max() - 1e-9 <= pair.value <= 1
    strengths = [abs(pair.value) for pair in report.correlations]
    assert strengths == pytest.approx(sorted(strengths, reverse=True))
    row = report.to_frame().set_index("term").loc[report.correlations[0].term]
    assert row["correlated_with"] == report.correlations[0].other
    assert row["correlation"] == report.correlations[0].value
    first = report.to_dict()["correlations"][0]
    assert first == {
        "term": report.correlations[0].term,
        "other": report.correlations[0].other,
        "correlation": report.correlations[0].value,
    }
    assert evaluate(full_factorial(TWO_LEVEL)).correlations == ()


def test_what_a_lost_term_cannot_be_told_from_is_correlated_by_one() -> None:
    report = evaluate(plackett_burman(TWO_LEVEL), model="interactions")
    pairs = {(c.term, c.other): abs(c.value) for c in report.correlations}
    assert pairs == pytest.approx(
        {("x0", "x1:x2"): 1, ("x1", "x0:x2"): 1, ("x2", "x0:x1"): 1}
    )


def test_the_bound_of_added_runs_is_that_of_designs_with_the_fixed_ones() -> None:
    poor = MIXED.decode(np.zeros((6, 3), dtype=int))
    design = d_optimal(MIXED, 16, "main", fixed=poor, iterations=20)
    report = evaluate(design)
    free = evaluate(design.frame, space=MIXED)
    assert report.upper_bound is not None and free.upper_bound is not None
    assert report.bound_kind == "proved"
    assert "beside the 6 fixed runs" in report.bound_reason
    assert "any number of runs" not in report.bound_reason
    assert report.d_efficiency <= report.upper_bound < 0.92 * free.upper_bound
    assert report.gap is not None and report.gap < 0.03


def test_whole_plots_lower_what_is_known_of_options_constant_within() -> None:
    frame = full_factorial(TWO_LEVEL).frame
    plots = frame["x0"].to_numpy(dtype=int) * 2 + frame["x1"].to_numpy(dtype=int)
    free = evaluate(frame, space=TWO_LEVEL)
    split = evaluate(frame, space=TWO_LEVEL, whole_plots=plots, variance_ratio=2.0)
    X = model_matrix(
        TWO_LEVEL, model_terms(TWO_LEVEL, "main").terms, TWO_LEVEL.encode(frame)
    ).X
    V = np.eye(8) + 2.0 * (plots[:, None] == plots[None, :])
    expected = np.linalg.det(X.T @ np.linalg.inv(V) @ X) ** (1 / 4) / 8
    assert split.d_efficiency == pytest.approx(expected)
    assert split.d_efficiency < free.d_efficiency
    with pytest.raises(DesignError, match="3 whole plots for 8 runs"):
        evaluate(frame, space=TWO_LEVEL, whole_plots=np.arange(3))


def test_the_bound_of_a_searched_design_is_tight_and_says_how_near_it_can_be() -> None:
    report = evaluate(d_optimal(MIXED, 18, "quadratic", iterations=30))
    assert report.bound_kind == "proved" and report.upper_bound is not None
    assert report.d_efficiency <= report.upper_bound
    assert report.gap is not None and 0 <= report.gap < 0.2
    assert "18 runs for 11 coefficients" in report.bound_reason
    assert report.bound_reached is not None
    assert 0.995 * report.upper_bound < report.bound_reached <= report.upper_bound
    assert "% of it" in report.bound_reason
    everything = evaluate(full_factorial(MIXED, model="quadratic"))
    assert everything.bound_kind == "proved" and everything.gap is not None
    assert 0 < everything.gap < 0.2


def test_prediction_variances_are_those_over_all_configurations() -> None:
    design = d_optimal(MIXED, 14, "quadratic", iterations=5)
    report = evaluate(design)
    X = model_matrix(MIXED, design.terms, MIXED.all_rows()).X
    W = np.linalg.inv(design.matrix.T @ design.matrix)
    variances = np.einsum("ij,jk,ik->i", X, W, X)
    assert report.i_variance == pytest.approx(variances.mean())
    assert report.g_efficiency == pytest.approx(X.shape[1] / 14 / variances.max())
    # All main effects of two-level options in an orthogonal design: the same anywhere.
    orthogonal = evaluate(plackett_burman(TWO_LEVEL))
    assert orthogonal.g_efficiency == pytest.approx(1)
    assert orthogonal.i_variance == pytest.approx(1)


def test_a_bayesian_design_says_what_it_can_do_without_its_prior() -> None:
    design = d_optimal(MIXED, 8, criterion="bayes-d", iterations=20)
    report = evaluate(design)
    assert report.d_efficiency == 0 and report.singular_terms
    assert "8 runs cannot estimate all 10 coefficients" in report.notes[-1]


def test_a_two_level_design_is_judged_by_the_levels_that_it_took() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                "threads": {"kind": "numeric", "levels": [1, 2, 4]},
                "backend": {"kind": "categorical", "levels": ["graph", "xla", "lite"]},
                "onednn": {"kind": "boolean"},
            },
            "forbid": [{"backend": "xla", "onednn": True}],
        }
    )
    report = evaluate(plackett_burman(space, 8))
    assert report.d_efficiency == pytest.approx(1) and report.singular_terms == ()
    assert report.power["backend"] > 0.5
    assert report.notes[-1] == "judged by the levels that it holds"
    # A file of the same runs says nothing of what was meant: a level is missing.
    unknown = evaluate(plackett_burman(space, 8).frame, space=space)
    assert unknown.singular_terms == ("backend",)


def test_a_frame_without_a_space_is_refused() -> None:
    with pytest.raises(DesignError, match="a frame needs its space"):
        evaluate(pd.DataFrame({"a": [1]}))


def test_a_report_draws_itself() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    report = evaluate(d_optimal(MIXED, 14, "main", iterations=2))
    assert report.plot().has_data()
    curve = np.asarray(report.plot_space().lines[0].get_ydata())
    assert curve.tolist() == list(report.variance_quantiles) and len(curve) == 21
    figure, ax = plt.subplots()
    assert evaluate(plackett_burman(TWO_LEVEL)).plot_aliases(ax) is ax
    assert len(ax.get_yticklabels()) == 3
    plt.close("all")


def test_a_picture_has_a_panel_for_each_diagnostic(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    report = evaluate(plackett_burman(TWO_LEVEL))
    for ending in ("png", "svg"):
        report.picture(tmp_path / f"design.{ending}")
    text = (tmp_path / "design.svg").read_text()
    assert text.startswith("<?xml") and (tmp_path / "design.png").stat().st_size > 1e4
    # Labels are drawn as text or named in comments.
    assert "fraction of the design space" in text and "power to find" in text


def test_a_small_space_with_forbidden_combinations_has_a_tight_bound() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {name: {"kind": "boolean"} for name in "abcd"},
            "forbid": [{"a": True, "b": True}, {"c": True, "d": True}],
        }
    )
    everything = evaluate(full_factorial(space))
    assert everything.bound_kind == "proved"
    assert everything.upper_bound is not None
    assert everything.d_efficiency <= everything.upper_bound < 0.9


def test_a_bound_for_whole_plots_holds_for_other_designs_of_the_same_plots() -> None:
    space = ConfigurationSpace.from_dict(
        {"options": {"hard": {"kind": "boolean"}, "soft": {"kind": "boolean"}}}
    )
    good = split_plot(
        space, 4, 2, hard_to_change=["hard"], model="main", seed=0, iterations=20
    )
    # The same plots, but the soft option stays within them as well.
    firsts = good.frame.groupby("whole_plot")["hard"].first()
    rows = [
        {"hard": hard, "soft": bool(plot % 2), "whole_plot": plot}
        for plot, hard in enumerate(firsts)
        for _ in range(2)
    ]
    bad = replace(good, frame=pd.DataFrame(rows))
    reports = evaluate(good), evaluate(bad)
    assert reports[1].d_efficiency < reports[0].d_efficiency
    for report in reports:
        assert report.upper_bound is not None
        assert report.upper_bound >= reports[0].d_efficiency - 1e-9
        assert "hard stay within them" in report.bound_reason


def test_a_bound_for_a_frame_in_whole_plots_names_what_stays() -> None:
    space = ConfigurationSpace.from_dict(
        {"options": {"a": {"kind": "boolean"}, "b": {"kind": "boolean"}}}
    )
    frame = pd.DataFrame({"a": [False, False, True, True], "b": [False, True] * 2})
    report = evaluate(frame, space=space, whole_plots=np.array([0, 0, 1, 1]))
    assert "since a stay within them" in report.bound_reason
