"""Bounds on constrained spaces of any size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.designs.bounds import draw
from measure.designs.bound import approximate_bound, upper_bound
from measure.designs.grouped import grouped_bound
from measure.designs.reduction import reduced
from measure.space import ConfigurationSpace
from measure.terms import model_terms

PROBLEMS = Path(__file__).parents[3] / "benchmarks" / "designs" / "problems.json"


def test_the_bound_of_a_constrained_published_problem_is_met_without_a_search() -> None:
    problem = json.loads(PROBLEMS.read_text())["d"]
    space = ConfigurationSpace.from_dict(problem["space"])
    terms = model_terms(space, problem["model"]).terms
    value, left = grouped_bound(space, terms), reduced(space, terms)
    assert value is not None and left is not None
    gone_through = approximate_bound(left)
    assert gone_through is not None and gone_through.kind == "proved"
    assert gone_through.reached < value < 1.002 * gone_through.reached


def test_the_bound_by_groups_is_never_below_the_best_weights() -> None:
    excess = []
    for seed in range(200):
        case = draw(seed)
        if case is None or not case.space.forbid:
            continue
        value = grouped_bound(case.space, case.terms.terms)
        left = reduced(case.space, case.terms.terms)
        if value is None or left is None:
            continue
        best = approximate_bound(left)
        assert best is not None and best.kind == "proved"
        excess.append(value / best.reached - 1)
    assert len(excess) > 60
    assert min(excess) > -1e-9
    assert np.median(excess) < 2e-4 and np.quantile(excess, 0.9) < 0.01


def test_constrained_spaces_that_nobody_can_go_through_are_bounded() -> None:
    options = {
        f"x{i}": {"kind": "numeric", "levels": [1, 2, 3, 4, 5, 6, 8]} for i in range(9)
    }
    options |= {
        f"c{i}": {"kind": "categorical", "levels": ["a", "b", "c"]} for i in range(3)
    }
    forbid = [{"x0": {"min": 5}, "x1": {"min": 5}}, {"c0": "a", "x2": {"max": 2}}]
    space = ConfigurationSpace.from_dict({"options": options, "forbid": forbid})
    terms = model_terms(space, "quadratic").terms
    bound = upper_bound(space, terms)
    assert bound is not None and bound.kind == "proved"
    assert "each group of options" in bound.reason
    # The search finds weights that come close, on the constrained space.
    assert 0.98 * bound.value < bound.reached < bound.value
    free = upper_bound(ConfigurationSpace(space.options), terms)
    assert free is not None and bound.value < 0.99 * free.value


@pytest.mark.parametrize("model", ["x0*x1 + I(x0**2) + x0:x1:x2", "I(x0**3) + x0:x1"])
def test_what_cannot_be_summed_is_left_to_other_bounds(model: str) -> None:
    options = {f"x{i}": {"kind": "numeric", "levels": [1, 2, 3, 4]} for i in range(3)}
    forbid = [{"x0": 1, "x2": 1}]
    space = ConfigurationSpace.from_dict({"options": options, "forbid": forbid})
    terms = model_terms(space, model).terms
    value = grouped_bound(space, terms)
    exact = upper_bound(space, terms)
    assert exact is not None and exact.kind == "proved"
    assert value is None or value >= exact.reached
