"""Split-plot designs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from measure.designs import plot_exchange
from measure.designs import state as states
from measure.designs.diagnostics import evaluate
from measure.designs.local_search import Task, make_problem, make_state
from measure.designs.problem import code
from measure.designs.whole_plots import split_plot
from measure.errors import DesignError
from measure.space import ConfigurationSpace
from measure.terms import model_matrix, model_terms

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "w1": {"kind": "numeric", "levels": [-1, 1], "change_cost_s": 30},
            "w2": {
                "kind": "categorical",
                "levels": ["x", "y", "z"],
                "change_cost_s": 5,
            },
            "s1": {"kind": "boolean"},
            "s2": {"kind": "numeric", "levels": [-1, 0, 1]},
        },
        "forbid": [{"w2": "z", "s2": 1}, {"w1": 1, "w2": "y"}],
    }
)


def split_information(X: np.ndarray, plots: np.ndarray, ratio: float) -> np.ndarray:
    V = np.eye(len(X)) + ratio * (plots[:, None] == plots[None, :])
    return np.asarray(X.T @ np.linalg.inv(V) @ X)


def test_hard_options_stay_within_a_plot_and_nothing_forbidden_is_met() -> None:
    design = split_plot(SPACE, 8, 3, model="main", iterations=30)
    assert design.runs == 24
    assert SPACE.valid(design.indices).all()
    groups = design.frame.groupby("whole_plot")
    assert (groups[["w1", "w2"]].nunique() == 1).all(axis=None)
    assert (groups.size() == 3).all()
    plots = design.whole_plots
    assert plots is not None and (np.diff(plots) >= 0).all()
    assert design.notes[0] == "8 whole plots of 3 runs, within which w1, w2 stay"


def test_seed_and_iterations_repeat_a_split_plot_design() -> None:
    first = split_plot(SPACE, 8, 3, model="main", seed=4, budget_s=0.05)
    again = split_plot(SPACE, 8, 3, model="main", seed=4, iterations=first.iterations)
    assert first.frame.equals(again.frame)


def test_the_goal_of_the_published_problem_is_passed() -> None:
    options = {
        "w1": {"kind": "numeric", "levels": [-1, 1]},
        "w2": {"kind": "categorical", "levels": ["l0", "l1", "l2"]},
        "s1": {"kind": "numeric", "levels": [-1, 1]},
        "s2": {"kind": "numeric", "levels": [-1, 0, 1]},
        "s3": {"kind": "categorical", "levels": ["l0", "l1", "l2"]},
    }
    space = ConfigurationSpace.from_dict({"options": options})
    design = split_plot(space, 8, 4, ["w1", "w2"], 1.0, "quadratic", 1, iterations=4000)
    plots = design.whole_plots
    assert plots is not None
    information = split_information(design.matrix, plots, 1.0)
    assert np.linalg.det(information) ** (1 / 28) / 32 > 0.5165


@pytest.mark.parametrize("ratio", [0.0, 0.5, 10.0])
def test_updates_keep_what_computing_afresh_gives(ratio: float) -> None:
    terms = model_terms(SPACE, "main").terms
    task = Task(
        coding=code(SPACE, terms),
        levels=np.zeros((12, 4), dtype=np.int64),
        free=np.ones(12, dtype=bool),
        prior=np.zeros(6),
        target=np.empty((0, 0)),
        pool=SPACE.all_rows(),
    )
    plot = np.repeat(np.arange(4), 3)
    movable = np.ones((12, 4), dtype=bool)
    movable[:, :2] = False
    problem = make_problem(task)._replace(
        plot=plot, shrink=np.full(12, ratio / (1 + 3 * ratio)), movable=movable
    )
    state = make_state(task)
    hard, starts = np.array([0, 1]), np.array([0, 3, 6, 9, 12])
    random = np.array([2], dtype=np.uint64)
    assert plot_exchange.start_plots(problem, state, random, hard, starts)
    X = np.array([_row(task, levels) for levels in state.levels])
    information = split_information(X, plot, ratio)
    np.testing.assert_allclose(state.inverse @ information, np.eye(6), atol=1e-9)
    expected = np.linalg.slogdet(information)[1]
    assert states.score(problem, state) == pytest.approx(expected, abs=1e-9)
    runs = np.array([3, 4, 5])
    levels = state.levels[runs].copy()
    levels[:, 0] = 1 - levels[:, 0]
    ratio_found = plot_exchange.block_ratio(problem, state, runs, levels)
    X[runs] = [_row(task, row) for row in levels]
    changed = np.linalg.slogdet(split_information(X, plot, ratio))[1]
    assert np.log(ratio_found) == pytest.approx(changed - expected, abs=1e-8)


def _row(task: Task, levels: np.ndarray) -> np.ndarray:
    tables, factors = task.coding.tables, task.coding.factors
    picked = [tables[i, level][factors[:, i]] for i, level in enumerate(levels)]
    return np.asarray(np.prod(picked, axis=0))


def test_plots_follow_from_runs_and_costs_where_nothing_is_said() -> None:
    design = split_plot(SPACE, runs=20, model="main", iterations=2)
    sizes = design.frame.groupby("whole_plot").size()
    assert len(sizes) == 4 + 2 and sizes.sum() == 20
    assert set(sizes) == {3, 4}


def test_what_cannot_be_is_refused() -> None:
    free = ConfigurationSpace.from_dict({"options": {"a": {"kind": "boolean"}}})
    with pytest.raises(DesignError, match="no option is dear to change"):
        split_plot(free, 4, 2)
    with pytest.raises(DesignError, match="no option 'speed'"):
        split_plot(SPACE, 4, 2, ["speed"])
    with pytest.raises(DesignError, match="3 whole plots are fewer than the 4 .*w1, w"):
        split_plot(SPACE, 3, 8, model="main")
    with pytest.raises(DesignError, match="5 runs are fewer than the 6 coefficients"):
        split_plot(SPACE, 5, 1, model="main")
    with pytest.raises(DesignError, match="variance_ratio -1"):
        split_plot(SPACE, 4, 2, variance_ratio=-1)


def test_kept_whole_plots_stand_first_and_new_ones_are_added() -> None:
    earlier = split_plot(SPACE, 6, 2, model="main", iterations=3).frame
    # Labels of an earlier sweep need not count from 0.
    earlier["whole_plot"] = [f"b{plot}" for plot in earlier["whole_plot"]]
    design = split_plot(SPACE, 9, model="main", runs=21, fixed=earlier, seed=1)
    again = split_plot(
        SPACE,
        9,
        model="main",
        runs=21,
        fixed=earlier,
        seed=1,
        iterations=design.iterations,
    )
    assert design.frame.equals(again.frame)
    kept = design.frame.iloc[:12]
    assert kept[list(SPACE.names)].equals(earlier[list(SPACE.names)])
    assert kept["whole_plot"].tolist() == [w for w in range(6) for _ in range(2)]
    added = design.frame.iloc[12:]
    assert added.groupby("whole_plot").size().to_dict() == {6: 3, 7: 3, 8: 3}
    assert (added.groupby("whole_plot")[["w1", "w2"]].nunique() == 1).all(axis=None)
    assert SPACE.valid(design.indices).all()
    assert design.notes[0].startswith(
        "the first 12 runs, in 6 whole plots, are the fixed ones; added are 3 whole"
    )


def test_added_whole_plots_go_with_those_that_are_kept() -> None:
    earlier = split_plot(SPACE, 6, 2, model="main", iterations=3).frame
    design = split_plot(SPACE, 9, model="main", runs=21, fixed=earlier, iterations=300)
    plots = design.whole_plots
    assert plots is not None
    best = np.linalg.slogdet(split_information(design.matrix, plots, 1.0))[1]
    rng = np.random.default_rng(0)
    rows = SPACE.all_rows()
    for _ in range(200):
        drawn = design.indices.copy()
        for plot in (6, 7, 8):
            hard = rows[rng.integers(len(rows))][:2]
            fits = rows[(rows[:, :2] == hard).all(axis=1)]
            drawn[plots == plot] = fits[rng.integers(len(fits), size=3)]
        X = model_matrix(SPACE, design.terms, drawn).X
        assert np.linalg.slogdet(split_information(X, plots, 1.0))[1] <= best + 1e-9


def test_kept_runs_without_whole_plots_are_each_one_of_their_own() -> None:
    earlier = SPACE.decode(SPACE.all_rows()[::3][:8])
    design = split_plot(SPACE, runs=14, model="main", fixed=earlier, iterations=5)
    assert design.frame["whole_plot"].tolist()[:8] == list(range(8))
    earlier["whole_plot"] = 0
    with pytest.raises(DesignError, match="changes within whole plot 0"):
        split_plot(SPACE, runs=14, model="main", fixed=earlier)
    with pytest.raises(DesignError, match="8 runs are kept, and they count"):
        split_plot(SPACE, runs=8, fixed=earlier.drop(columns="whole_plot"))


def test_dear_changes_make_fewer_whole_plots() -> None:
    def plots(cost_s: float) -> int:
        options = {
            "isa": {"kind": "boolean", "change_cost_s": cost_s},
            **{f"s{i}": {"kind": "boolean"} for i in range(5)},
        }
        space = ConfigurationSpace.from_dict({"options": options})
        design = split_plot(space, runs=40, model="main", iterations=2, run_s=2.0)
        assert f"setting them takes {cost_s:g} s and a run 2 s" in design.notes[0]
        return int(design.frame["whole_plot"].nunique())

    found = [plots(cost_s) for cost_s in (0.05, 1.0, 5.0, 60.0)]
    assert found == sorted(found, reverse=True)
    assert found[0] == 20 and found[-1] == 4
    assert found[0] > found[1] > found[2]


def test_the_bound_of_added_whole_plots_counts_on_the_kept_ones() -> None:
    earlier = split_plot(SPACE, 6, 2, model="main", iterations=3).frame
    earlier = earlier.assign(**{name: earlier[name].iloc[0] for name in ("w1", "w2")})
    design = split_plot(SPACE, 10, model="main", runs=20, fixed=earlier, iterations=50)
    beside, alone = evaluate(design), evaluate(replace(design, fixed=0))
    assert beside.upper_bound is not None and alone.upper_bound is not None
    assert beside.d_efficiency <= beside.upper_bound < alone.upper_bound
