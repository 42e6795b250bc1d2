"""What a design can tell."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from measure.designs.diagnostics import evaluate
from measure.designs.factorial import full_factorial
from measure.designs.optimal import d_optimal
from measure.designs.two_level import plackett_burman
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
    assert evaluate(full_factorial(MIXED, model="quadratic")).upper_bound is None


def test_prediction_variances_are_those_over_all_configurations() -> None:
    design = d_optimal(MIXED, 14, "quadratic", iterations=5)
    report = evaluate(design)
    X = model_matrix(MIXED, design.terms, MIXED.all_rows()).X
    W = np.linalg.inv(design.matrix.T @ design.matrix)
    variances = np.einsum("ij,jk,ik->i", X, W, X)
    assert report.i_variance == pytest.approx(variances.mean())
    assert report.g_efficiency == pytest.approx(X.shape[1] / 14 / variances.max())
    assert evaluate(design, tight=False).g_efficiency is None


def test_a_bayesian_design_says_what_it_can_do_without_its_prior() -> None:
    design = d_optimal(MIXED, 8, criterion="bayes-d", iterations=20)
    report = evaluate(design)
    assert report.d_efficiency == 0 and report.singular_terms
    assert "8 runs cannot estimate all 10 coefficients" in report.notes[-1]


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
