"""Optimal designs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from measure.designs.local_search import Progress
from measure.designs.making import columns_of
from measure.designs.optimal import d_optimal
from measure.errors import DesignError, FormulaError
from measure.space import ConfigurationSpace
from measure.terms import d_efficiency, model_matrix, model_terms
from tests.strategies import SMALL_NUMBER, spaces

# Proved by enumerating every multiset of runs on the 3x3 grid.
GRID_3X3 = {6: 256, 7: 960, 8: 2304, 9: 5184, 10: 9360, 11: 16896, 12: 30320}
# The best of 2000 starts of another program, n = 14 as published.
GRID_3X3X3 = {
    10: 1327104,
    12: 20971520,
    14: 131072000,
    16: 449906688,
    18: 1527070720,
    20: 4735906560,
}
# 2^(n-1) times OEIS A003432.
LARGEST_DETERMINANTS = {
    4: 16,
    5: 48,
    6: 160,
    7: 576,
    8: 4096,
    9: 14336,
    10: 73728,
    11: 327680,
    12: 2985984,
    13: 14929920,
    14: 77635584,
    15: 418037760,
    16: 4294967296,
}


def numeric_space(n_options: int, levels: list[float]) -> ConfigurationSpace:
    options = {f"x{i}": {"kind": "numeric", "levels": levels} for i in range(n_options)}
    return ConfigurationSpace.from_dict({"options": options})


MIXED = ConfigurationSpace.from_dict(
    {
        "options": {
            "threads": {"kind": "numeric", "levels": [1, 2, 4, 8]},
            "backend": {"kind": "categorical", "levels": ["graph", "xla", "lite"]},
            "onednn": {"kind": "boolean"},
        },
        "forbid": [{"backend": "lite", "onednn": True}],
    }
)


@pytest.mark.parametrize(("runs", "best"), GRID_3X3.items())
def test_the_proved_optimum_on_the_3x3_grid_is_found(runs: int, best: int) -> None:
    design = d_optimal(numeric_space(2, [-1, 0, 1]), runs, "quadratic", iterations=50)
    assert round(np.linalg.det(design.matrix.T @ design.matrix)) == best


@pytest.mark.parametrize(("runs", "best"), GRID_3X3X3.items())
def test_the_best_known_on_the_3x3x3_grid_is_found(runs: int, best: int) -> None:
    design = d_optimal(numeric_space(3, [-1, 0, 1]), runs, "quadratic", iterations=300)
    assert np.linalg.det(design.matrix.T @ design.matrix) > best * (1 - 1e-9)


@pytest.mark.parametrize(("order", "best"), LARGEST_DETERMINANTS.items())
def test_the_largest_determinant_of_signs_is_found(order: int, best: int) -> None:
    space = numeric_space(order - 1, [-1, 1])
    design = d_optimal(space, order, "main", iterations=3000)
    assert round(abs(np.linalg.det(design.matrix))) == best


@pytest.mark.parametrize("runs", [6, 7, 8])
@pytest.mark.parametrize("criterion", ["a", "i"])
def test_a_and_i_reach_the_best_of_all_designs_on_the_3x3_grid(
    criterion: str, runs: int
) -> None:
    space = numeric_space(2, [-1, 0, 1])
    X = model_matrix(space, model_terms(space, "quadratic").terms, space.all_rows()).X
    mean = X.T @ X / 9 if criterion == "i" else np.eye(6)
    every = np.array(list(combinations_with_replacement(range(9), runs)))
    information = np.einsum("dni,dnj->dij", X[every], X[every])
    regular = np.linalg.det(information) > 1e-6
    best = np.trace(np.linalg.inv(information[regular]) @ mean, axis1=1, axis2=2).min()
    design = d_optimal(space, runs, "quadratic", criterion=criterion, iterations=80)
    inverse = np.linalg.inv(design.matrix.T @ design.matrix)
    assert np.trace(inverse @ mean) == pytest.approx(best)


def test_seed_and_iterations_repeat_a_design_bit_for_bit() -> None:
    first = d_optimal(MIXED, 16, seed=7, budget_s=0.05)
    again = d_optimal(MIXED, 16, seed=7, iterations=first.iterations)
    assert first.frame.equals(again.frame)
    assert again.iterations == first.iterations
    other = d_optimal(MIXED, 16, seed=8, iterations=0)
    assert not other.frame.equals(d_optimal(MIXED, 16, seed=9, iterations=0).frame)


def test_fixed_runs_stand_first_and_are_kept() -> None:
    fixed = pd.DataFrame(
        {"onednn": [True, False], "threads": [2, 4], "backend": ["xla", "lite"]}
    )
    design = d_optimal(MIXED, 16, fixed=fixed, iterations=20)
    assert design.runs == 16
    assert design.frame[:2].values.tolist() == fixed[list(MIXED.names)].values.tolist()
    assert design.notes[0] == "the first 2 runs are the fixed ones"
    assert "only with the 14 added runs can be estimated: backend" in design.notes[1]
    more = d_optimal(MIXED, 20, fixed=design.frame, iterations=20)
    found = re.search(r"the 4 added runs .* to (\d+) % of what", more.notes[1])
    assert found is not None and 70 < int(found[1]) < 100
    alone = d_optimal(MIXED, 2, "1", fixed=fixed)
    assert alone.frame.values.tolist() == fixed[list(MIXED.names)].values.tolist()
    with pytest.raises(DesignError, match="1 runs, but 2 are fixed"):
        d_optimal(MIXED, 1, "1", fixed=fixed)


def test_candidates_are_the_only_runs_chosen() -> None:
    candidates = MIXED.decode(MIXED.all_rows()[::2])
    design = d_optimal(MIXED, 8, "main", candidates=candidates, iterations=20)
    offered = set(candidates.itertuples(index=False, name=None))
    assert set(design.frame.itertuples(index=False, name=None)) <= offered
    again = d_optimal(MIXED, 8, "main", candidates=candidates, iterations=20)
    assert design.frame.equals(again.frame)
    distinct = d_optimal(
        MIXED, 10, "main", candidates=candidates, repeats=False, iterations=20
    )
    assert not distinct.frame.duplicated().any()
    with pytest.raises(DesignError, match="only 10 candidates are left"):
        d_optimal(MIXED, 11, "main", candidates=candidates, repeats=False)


def test_repeats_are_the_users_choice() -> None:
    space = numeric_space(2, [-1, 0, 1])
    assert d_optimal(space, 9, "main", iterations=20).frame.duplicated().any()
    distinct = d_optimal(space, 9, "main", repeats=False, iterations=20)
    assert not distinct.frame.duplicated().any()
    with pytest.raises(DesignError, match="only 9 valid configurations are left"):
        d_optimal(space, 10, "main", repeats=False)


@pytest.mark.parametrize("seed", range(6))
def test_runs_without_repeats_may_take_all_configurations(seed: int) -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                "a": {"kind": "numeric", "levels": [1, 2, 3]},
                "b": {"kind": "categorical", "levels": ["x", "y", "z"]},
                "c": {"kind": "boolean"},
            }
        }
    )
    for runs in (17, 18):
        design = d_optimal(space, runs, "main", seed, repeats=False, iterations=2)
        assert not design.frame.duplicated().any()


def test_fewer_runs_than_coefficients_are_refused_with_names() -> None:
    with pytest.raises(DesignError, match="7 runs are fewer than the 8 .*threads:bac"):
        d_optimal(MIXED, 7, "interactions")


def test_bayesian_designs_may_have_fewer_runs_than_coefficients() -> None:
    design = d_optimal(numeric_space(7, [-1, 1]), 12, criterion="bayes-d", iterations=9)
    assert design.runs == 12 and design.criterion == "bayes-d"
    main = design.matrix[:, :8]
    assert d_efficiency(main) > 0.9
    strong = d_optimal(
        numeric_space(3, [-1, 1]), 3, criterion="bayes-d", prior=0.1, iterations=9
    )
    assert strong.runs == 3
    with pytest.raises(DesignError, match="prior for 'x0:x9', which is no term"):
        d_optimal(MIXED, 20, criterion="bayes-d", prior={"x0:x9": 1.0})
    with pytest.raises(DesignError, match="not a standard deviation above 0"):
        d_optimal(MIXED, 20, criterion="bayes-d", prior=0.0)
    with pytest.raises(DesignError, match="takes no prior"):
        d_optimal(MIXED, 20, prior=1.0)
    with pytest.raises(DesignError, match="no criterion 'e'; choose from d, a, i"):
        d_optimal(MIXED, 20, criterion="e")


def test_what_cannot_be_estimated_is_named() -> None:
    with pytest.raises(FormulaError, match="backend:onednn"):
        d_optimal(MIXED, 30, "threads + backend*onednn")
    design = d_optimal(MIXED, 12, iterations=1)
    assert [str(term) for term in design.left_out] == ["backend:onednn"]
    few = MIXED.decode(MIXED.all_rows())
    few = few[few["backend"] != "xla"]
    with pytest.raises(DesignError, match="of the candidates cannot estimate backend"):
        d_optimal(MIXED, 12, "main", candidates=few)


def test_a_search_ends_where_nothing_better_is_possible() -> None:
    design = d_optimal(numeric_space(3, [-1, 1]), 8, "interactions", budget_s=30.0)
    assert d_efficiency(design.matrix) == pytest.approx(1.0)
    assert design.cpu_s < 5.0


def test_a_budget_holds_where_an_iteration_takes_long() -> None:
    space = numeric_space(40, list(range(9)))
    names = list(space.names)
    model = " + ".join(["1", *names, *(f"I({name}**2)" for name in names)])
    design = d_optimal(space, 100, model, budget_s=0.5)
    assert 0.5 <= design.cpu_s < 1.5
    again = d_optimal(space, 100, model, iterations=design.iterations)
    assert design.frame.equals(again.frame)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_new_process_makes_the_same_design_with_any_threads(threads: int) -> None:
    program = (
        "from measure.designs.optimal import d_optimal\n"
        "from measure.space import ConfigurationSpace\n"
        f"space = ConfigurationSpace.from_dict({MIXED.to_dict()!r})\n"
        "for model in ('interactions', 'main'):\n"
        "    design = d_optimal(space, 16, model, seed=7, iterations=80)\n"
        "    print(design.frame.to_csv())\n"
    )
    count = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "OPENBLAS")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **count},
    )
    own = [
        d_optimal(MIXED, 16, model, seed=7, iterations=80).frame.to_csv()
        for model in ("interactions", "main")
    ]
    assert done.stdout.split() == "\n".join(own).split()


def test_progress_is_reported_while_a_search_runs() -> None:
    seen: list[Progress] = []
    d_optimal(MIXED, 16, iterations=40, progress=seen.append)
    assert seen[-1].iterations == 40 and seen[-1].share == 1.0
    values = [step.log_value for step in seen]
    assert values == sorted(values)


def test_an_interrupted_search_gives_the_best_so_far() -> None:
    def interrupt(progress: object) -> None:
        raise KeyboardInterrupt

    design = d_optimal(MIXED, 16, budget_s=60.0, progress=interrupt)
    assert design.runs == 16 and "interrupted" in design.notes[-1]
    assert d_efficiency(design.matrix) > 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(space=spaces(numbers=SMALL_NUMBER), data=st.data())
def test_no_design_ever_holds_a_forbidden_configuration(
    space: ConfigurationSpace, data: st.DataObject
) -> None:
    model = data.draw(st.sampled_from(["main", "interactions", "quadratic"]))
    criterion = data.draw(st.sampled_from(["d", "a", "i", "bayes-d"]))
    columns = columns_of(space, model)
    runs = columns + data.draw(st.integers(0, 6))
    kept = data.draw(st.integers(0, min(3, runs - 1)))
    rows = space.sample(kept, np.random.default_rng(kept), replace=True)
    repeats = runs > space.size() or data.draw(st.booleans())
    try:
        design = d_optimal(
            space,
            runs,
            model,
            criterion=criterion,
            fixed=space.decode(rows) if kept else None,
            repeats=repeats,
            iterations=3,
        )
    except DesignError as error:
        # What is kept may leave too few configurations, or too few runs.
        assert kept and re.search("are left|cannot estimate", str(error))
        return
    assert space.valid(design.indices).all()
    assert (design.indices[:kept] == rows).all()
    if not repeats:
        free = design.frame[kept:]
        assert not free.duplicated().any()
        assert len(free.merge(design.frame[:kept].drop_duplicates())) == 0
    assert criterion == "bayes-d" or d_efficiency(design.matrix) > 0
