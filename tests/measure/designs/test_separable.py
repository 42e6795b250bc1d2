"""Bounds of models with squares on spaces of any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.designs.bounds import draw
from measure.designs.bound import approximate_bound, upper_bound
from measure.designs.reduction import reduced
from measure.designs.separable import separable_bound
from measure.errors import FormulaError
from measure.space import ConfigurationSpace
from measure.terms import d_efficiency, model_matrix, model_terms


def numeric(count: int, *levels: float) -> ConfigurationSpace:
    return ConfigurationSpace.from_dict(
        {
            "options": {
                f"x{i}": {"kind": "numeric", "levels": list(levels)}
                for i in range(count)
            }
        }
    )


@pytest.mark.parametrize(
    ("count", "supremum"),
    # By the multiplicative algorithm on the grids of three levels.
    [(1, 2 ** (2 / 3) / 3), (2, 0.4745938), (3, 0.4744782), (4, 0.4885696)],
)
def test_the_best_designs_on_cubes_meet_the_bound(count: int, supremum: float) -> None:
    space = numeric(count, -1, 0, 1)
    bound = separable_bound(space, model_terms(space, "quadratic").terms)
    assert bound == pytest.approx(supremum, rel=2e-4)
    assert bound is not None and bound > supremum * (1 - 1e-5)


def test_the_bound_is_never_below_the_best_weights_and_close_to_them() -> None:
    excess = []
    for seed in range(300):
        case = draw(seed)
        if case is None:
            continue
        space = ConfigurationSpace(case.space.options)
        try:
            terms = model_terms(space, case.model).terms
        except FormulaError:
            continue
        value, left = separable_bound(space, terms), reduced(space, terms)
        if value is None or left is None:
            continue
        best = approximate_bound(left)
        assert best is not None and best.kind == "proved"
        excess.append(value / best.reached - 1)
    assert len(excess) > 30
    assert min(excess) > -1e-9 and max(excess) < 0.02
    assert np.median(excess) < 5e-4


def test_many_options_with_squares_and_all_interactions_are_bounded_at_once() -> None:
    rng = np.random.default_rng(0)
    options: dict[str, dict[str, Any]] = {}
    for i in range(12):
        levels = sorted(rng.choice(1000, size=3 + i % 15, replace=False).tolist())
        options[f"x{i}"] = {"kind": "numeric", "levels": levels}
    for i in range(9):
        options[f"c{i}"] = {"kind": "categorical", "levels": list("abc")}
    space = ConfigurationSpace.from_dict({"options": options})
    terms = model_terms(space, "quadratic").terms
    bound = upper_bound(space, terms, tight=False)
    assert bound is not None and bound.kind == "proved"
    # Extreme and middle levels at random, often enough to come within some per cent.
    chosen = [
        [0, len(o.levels) // 2, len(o.levels) - 1] if o.kind == "numeric" else [0, 1, 2]
        for o in space.options
    ]
    weights = [
        [0.45, 0.1, 0.45] if o.kind == "numeric" else [1 / 3] * 3 for o in space.options
    ]
    rows = np.column_stack(
        [rng.choice(c, 20_000, p=w) for c, w in zip(chosen, weights, strict=True)]
    )
    reached = d_efficiency(model_matrix(space, terms, rows).X)
    assert 0.9 * bound.value < reached < bound.value


@pytest.mark.parametrize(
    "model", ["x0 + I(x0**2) + I(x0**3)", "x0 + x1 + x0:x1 + I(x0**3)", "I(x0**2)"]
)
def test_models_of_another_kind_are_left_to_other_bounds(model: str) -> None:
    space = numeric(2, 1, 2, 3, 4)
    terms = model_terms(space, model).terms
    assert separable_bound(space, terms) is None
    assert upper_bound(space, terms, tight=False) is None
    bound = upper_bound(space, terms)
    assert bound is not None and bound.kind == "proved"
