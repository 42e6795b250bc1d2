"""Constructed starts, and what a search makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from measure.designs.bound import upper_bound
from measure.designs.optimal import d_optimal
from measure.designs.problem import code
from measure.designs.starts import best_levels, constructed_starts
from measure.space import ConfigurationSpace
from measure.terms import d_efficiency, model_terms


def space_of(forbid: Any = (), **kinds: int | list[float]) -> ConfigurationSpace:
    """Options by a prefix: how many of two levels, or the levels of one each."""
    options: dict[str, Any] = {}
    for prefix, what in kinds.items():
        if isinstance(what, int):
            options |= {f"{prefix}{i}": {"kind": "boolean"} for i in range(what)}
        else:
            options[prefix] = {"kind": "numeric", "levels": what}
    return ConfigurationSpace.from_dict({"options": options, "forbid": list(forbid)})


@pytest.mark.parametrize(
    ("options", "runs"),
    [(19, 20), (30, 32), (30, 36), (40, 44), (12, 24), (30, 124), (99, 100)],
)
def test_main_effects_of_two_level_options_are_orthogonal_if_they_can_be(
    options: int, runs: int
) -> None:
    design = d_optimal(space_of(x=options), runs, "main", iterations=1)
    assert d_efficiency(design.matrix) == pytest.approx(1.0)
    assert design.iterations == 0  # nothing was left to search


@pytest.mark.parametrize("runs", [9, 10, 13, 14, 33, 34, 62])
def test_a_few_runs_beside_a_hadamard_matrix_are_the_best_there_are(runs: int) -> None:
    columns = min(runs - 1, 30) // 2 * 2
    space = space_of(x=columns - 1)
    design = d_optimal(space, runs, "main", iterations=500)
    bound = upper_bound(space, design.terms, runs, tight=False)
    assert bound is not None
    reached = d_efficiency(design.matrix)
    assert reached <= bound.value + 1e-9
    if columns <= runs - runs % 4:
        assert reached == pytest.approx(bound.value)


def test_options_of_three_levels_fill_an_orthogonal_array() -> None:
    levels = ["a", "b", "c"]
    options = {f"c{i}": {"kind": "categorical", "levels": levels} for i in range(7)}
    space = ConfigurationSpace.from_dict(
        {"options": {"x": {"kind": "boolean"}, **options}}
    )
    design = d_optimal(space, 18, "main", iterations=1)
    assert d_efficiency(design.matrix) == pytest.approx(1.0)


def test_squares_take_the_ends_and_the_middle_in_an_orthogonal_array() -> None:
    sizes = [3 + 2 * (i % 8) for i in range(40)]  # 3 to 17 levels
    space = space_of(**{f"x{i}": list(range(size)) for i, size in enumerate(sizes)})
    names = list(space.names)
    model = " + ".join(["1", *names, *(f"I({name}**2)" for name in names)])
    design = d_optimal(space, 81, model, iterations=1)
    # Of each option the linear column keeps 2/3 of the sum of squares, the square 2/9.
    best = ((2 / 3) * (2 / 9)) ** (40 / 81)
    assert d_efficiency(design.matrix) == pytest.approx(best)


def test_levels_of_an_option_are_those_that_tell_most_of_its_columns() -> None:
    space = space_of(a=[1, 2, 4, 8], b=[0, 1, 2, 3, 4], c=[1, 3])
    terms = model_terms(space, "1 + a + b + I(b**2)").terms
    coding = code(space, terms)
    assert best_levels(coding, 0).tolist() == [0, 3]
    assert best_levels(coding, 1).tolist() == [0, 2, 4]
    assert best_levels(coding, 2).tolist() == [0, 1]
    assert constructed_starts(coding, 3, np.random.default_rng(0)) == []


@pytest.mark.parametrize(("options", "runs"), [(5, 16), (8, 64), (11, 128), (15, 256)])
def test_interactions_of_two_level_options_are_orthogonal_if_they_can_be(
    options: int, runs: int
) -> None:
    design = d_optimal(space_of(x=options), runs, "interactions", iterations=1)
    assert d_efficiency(design.matrix) == pytest.approx(1.0)
    assert design.iterations == 0


def test_runs_beside_or_short_of_a_fraction_begin_from_it() -> None:
    space = space_of(x=11)
    for runs, least in ((124, 0.985), (136, 0.985), (256, 1 - 1e-9)):
        design = d_optimal(space, runs, "interactions", iterations=1)
        assert d_efficiency(design.matrix) > least


def test_nothing_is_constructed_where_nothing_is_known() -> None:
    for space, model in (
        (space_of(x=5, a=[1, 2, 3]), "quadratic"),
        (space_of(x=11), "interactions"),
    ):
        coding = code(space, model_terms(space, model).terms)
        assert constructed_starts(coding, 72, np.random.default_rng(0)) == []


def test_a_start_heeds_what_is_forbidden_fixed_and_not_to_be_repeated() -> None:
    forbid = [{"x0": True, "x1": True}, {"x2": False, "x3": False}]
    space = space_of(forbid, x=11)
    fixed = pd.DataFrame(space.decode(space.sample(3, np.random.default_rng(0))))
    design = d_optimal(
        space, 15, "main", fixed=fixed, repeats=False, criterion="a", iterations=5
    )
    assert space.valid(design.indices).all()
    assert not design.frame.duplicated().any()
    assert design.frame[:3].equals(fixed)
    assert d_efficiency(design.matrix) > 0.8
