"""The upper bound of the D-efficiency."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.designs.bounds import Tally, cases, check
from measure.designs.bound import upper_bound
from measure.designs.optimal import d_optimal
from measure.errors import DesignError
from measure.space import ConfigurationSpace
from measure.terms import Term, d_efficiency, model_matrix, model_terms
from tests.strategies import SMALL_NUMBER, spaces

GRID = ConfigurationSpace.from_dict(
    {
        "options": {
            f"x{i}": {"kind": "numeric", "levels": [-1, -0.5, 0, 0.5, 1]}
            for i in range(4)
        }
    }
)
CONSTRAINED = ConfigurationSpace.from_dict(
    {
        "options": {
            "a": {"kind": "numeric", "levels": [1, 2, 3, 4, 6]},
            "b": {"kind": "categorical", "levels": ["x", "y", "z"]},
            "c": {"kind": "numeric", "levels": [1, 2, 4]},
            "d": {"kind": "boolean"},
        },
        "forbid": [{"a": {"min": 4}, "b": "z"}, {"c": 4, "d": True}, {"a": 1, "c": 1}],
    }
)


def largest_over_p(space: ConfigurationSpace, terms: tuple[Term, ...]) -> float:
    """The bound from uniform weights, by its formula."""
    X = model_matrix(space, terms, space.all_rows()).X
    M = X.T @ X / len(X)
    variances = np.einsum("ij,jk,ik->i", X, np.linalg.inv(M), X)
    p = X.shape[1]
    return float(np.linalg.det(M) ** (1 / p) * variances.max() / p)


def test_the_bound_of_a_published_problem_is_met() -> None:
    bound = upper_bound(GRID, model_terms(GRID, "quadratic").terms)
    assert bound is not None and bound.kind == "proved"
    # The supremum, by the multiplicative algorithm; another program's bound: .488591.
    assert bound.reached <= 0.48856966 <= bound.value < 0.488592
    assert bound.reached > bound.value * 0.999


@pytest.mark.parametrize("space", [GRID, CONSTRAINED])
@pytest.mark.parametrize("model", ["main", "interactions", "quadratic"])
def test_a_searched_bound_agrees_with_the_proved_one(
    space: ConfigurationSpace, model: str
) -> None:
    terms = model_terms(space, model).terms
    proved = upper_bound(space, terms)
    searched = upper_bound(space, terms, enumerated=0)
    assert proved is not None and searched is not None
    assert proved.kind == "proved"
    assert searched.value == pytest.approx(proved.value, rel=0.002)
    assert proved.value <= largest_over_p(space, terms) * (1 + 1e-9)


def test_without_interactions_options_are_bounded_one_by_one() -> None:
    rng = np.random.default_rng(0)
    options = {
        f"x{i}": {
            "kind": "numeric",
            "levels": sorted(rng.choice(1000, size=3 + i % 15, replace=False).tolist()),
        }
        for i in range(40)
    }
    space = ConfigurationSpace.from_dict({"options": options})
    formula = " + ".join(f"x{i} + I(x{i}**2)" for i in range(40))
    bound = upper_bound(space, model_terms(space, formula).terms)
    assert bound is not None and bound.kind == "proved"
    cubic = formula.replace("**2", "**3")
    third = upper_bound(space, model_terms(space, cubic).terms)
    assert third is not None and third.kind == "proved"
    assert 0.995 * third.value < third.reached <= third.value
    part = ConfigurationSpace(space.options[:3])
    terms = model_terms(part, " + ".join(f"x{i} + I(x{i}**2)" for i in range(3))).terms
    alone = upper_bound(part, terms)
    # One more option that no term speaks of: the general way, the same answer.
    formula = " + ".join(f"x{i} + I(x{i}**2)" for i in range(3)) + " + x0:x1"
    assert alone is not None
    full = upper_bound(part, model_terms(part, formula).terms)
    assert full is not None and full.kind == "proved"


def test_a_loose_bound_costs_nothing() -> None:
    terms = model_terms(CONSTRAINED, "interactions").terms
    loose = upper_bound(CONSTRAINED, terms, tight=False)
    tight = upper_bound(CONSTRAINED, terms)
    assert loose is not None and tight is not None
    assert tight.value <= loose.value < 0.65
    terms = model_terms(CONSTRAINED, "quadratic").terms
    loose = upper_bound(CONSTRAINED, terms, tight=False)
    tight = upper_bound(CONSTRAINED, terms)
    assert loose is not None and tight is not None
    assert tight.value <= loose.value < 0.5


def test_bounds_hold_for_designs_of_all_kinds_and_for_all_of_a_small_space() -> None:
    # `python -m benchmarks.designs.bounds` goes through thousands.
    tally = Tally()
    for case in cases(10_000, 60):
        check(case, tally)
    assert tally.surpassed == [] and tally.apart == []
    assert tally.designs > 500 and tally.gone_through > 50
    assert max(tally.looseness) < 0.001
    # Of the designs gone through many meet their bound: it is not just large.
    assert np.median(tally.shares["once, gone through"]) > 0.99


@pytest.mark.parametrize(
    ("runs", "determinant"),
    [(5, 48), (6, 160), (9, 14336), (10, 73728), (13, 14929920)],
)
def test_the_bound_of_few_two_level_runs_is_the_maximal_determinant(
    runs: int, determinant: int
) -> None:
    # Orders 5, 6, 10 and 13 meet Barba's, Ehlich's and Wojtas' bounds; 9 does not.
    space = ConfigurationSpace.from_dict(
        {"options": {f"x{i}": {"kind": "boolean"} for i in range(runs - 1)}}
    )
    bound = upper_bound(space, model_terms(space, "main").terms, runs)
    assert bound is not None and bound.kind == "proved" and bound.for_runs
    reached = determinant ** (2 / runs) / runs
    if runs == 9:
        assert reached < bound.value < reached * 1.04
    else:
        assert bound.value == pytest.approx(reached)


def test_without_repeats_all_configurations_once_are_the_best_of_their_number() -> None:
    terms = model_terms(CONSTRAINED, "quadratic").terms
    X = model_matrix(CONSTRAINED, terms, CONSTRAINED.all_rows()).X
    size = CONSTRAINED.size()
    once = upper_bound(CONSTRAINED, terms, size, repeats=False)
    often = upper_bound(CONSTRAINED, terms, size)
    assert once is not None and often is not None
    assert once.value == pytest.approx(d_efficiency(X))
    assert once.value < 0.95 * often.value
    assert "each at most once" in once.reason
    few = upper_bound(CONSTRAINED, terms, size // 2, repeats=False)
    assert few is not None and once.value < few.value < often.value


def test_only_fixed_runs_are_their_own_bound() -> None:
    terms = model_terms(CONSTRAINED, "main").terms
    rows = CONSTRAINED.all_rows()
    bound = upper_bound(CONSTRAINED, terms, len(rows), fixed=rows)
    assert bound is not None
    X = model_matrix(CONSTRAINED, terms, rows).X
    assert bound.value == pytest.approx(d_efficiency(X))
    singular = upper_bound(CONSTRAINED, terms, 3, fixed=rows[:3])
    assert singular is not None and singular.value == 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    space=spaces(most_options=4, numbers=SMALL_NUMBER),
    model=st.sampled_from(["main", "interactions", "quadratic"]),
    spare=st.integers(0, 12),
)
def test_no_design_surpasses_a_proved_bound(
    space: ConfigurationSpace, model: str, spare: int
) -> None:
    terms = model_terms(space, model).terms
    bound = upper_bound(space, terms)
    assert bound is not None and bound.kind == "proved"
    X = model_matrix(space, terms, space.all_rows()).X
    p = X.shape[1]
    assert d_efficiency(X) <= bound.value * (1 + 1e-9)
    try:
        design = d_optimal(space, p + spare, model, iterations=2)
    except DesignError:
        return
    assert d_efficiency(design.matrix) <= bound.value * (1 + 1e-9)
    assert bound.reached <= bound.value * (1 + 1e-9)
    assert bound.reached >= bound.value * 0.99 or bound.reached == 0
