"""The largest variance of a prediction."""

from __future__ import annotations

import numpy as np
import pytest

from measure.designs.variance import largest_variance
from measure.space import ConfigurationSpace
from measure.terms import FloatArray, model_matrix, model_terms
from tests.measure.designs.test_bound import CONSTRAINED, GRID

FREE = ConfigurationSpace(CONSTRAINED.options)
ADDITIVE = "a + I(a**2) + b + c + d"


def brute(space: ConfigurationSpace, model: str, covariance: FloatArray) -> float:
    X = model_matrix(space, model_terms(space, model).terms, space.all_rows()).X
    return float(np.einsum("ij,jk,ik->i", X, covariance, X).max())


def test_options_whose_estimates_are_independent_are_looked_at_alone() -> None:
    terms = model_terms(FREE, ADDITIVE).terms
    row = np.zeros((1, 4), dtype=int)
    slices = model_matrix(FREE, terms, row).slices
    rng = np.random.default_rng(0)
    covariance = np.zeros((7, 7))
    own = {name: [t for t in terms if t.options == (name,)] for name in "abcd"}
    for group in [[terms[0]], *own.values()]:
        columns = [c for t in group for c in range(slices[t].start, slices[t].stop)]
        half = rng.normal(size=(len(columns), len(columns)))
        covariance[np.ix_(columns, columns)] = half @ half.T
    found = largest_variance(FREE, terms, covariance)
    assert found == pytest.approx(brute(FREE, ADDITIVE, covariance))
    # A space that nobody could go through gives the same at once.
    more = {f"z{i}": {"kind": "boolean"} for i in range(60)}
    document = FREE.to_dict()
    wide = ConfigurationSpace.from_dict(
        {**document, "options": {**document["options"], **more}}
    )
    assert largest_variance(wide, terms, covariance) == pytest.approx(found)


@pytest.mark.parametrize("space", [GRID, CONSTRAINED])
def test_all_ways_to_find_the_largest_variance_agree(
    space: ConfigurationSpace,
) -> None:
    terms = model_terms(space, "quadratic").terms
    p = model_matrix(space, terms, space.all_rows()[:1]).X.shape[1]
    half = np.random.default_rng(1).normal(size=(p, p))
    covariance = half @ half.T
    exact = brute(space, "quadratic", covariance)
    assert largest_variance(space, terms, covariance) == pytest.approx(exact)
    searched = largest_variance(space, terms, covariance, enumerated=0)
    assert searched == pytest.approx(exact)
