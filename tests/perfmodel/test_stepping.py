"""Terms taken in and dropped; the stepwise model's tests have the rest."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from measure.terms import Term, model_matrix, parse_formula
from perfmodel.encoding import Encoding
from perfmodel.stepping import choose_terms, partial_test, term_columns, term_in
from tests.contracts.models import SPACE, whole_table


def test_columns_are_those_of_the_model_matrix() -> None:
    frame, _ = whole_table()
    encoding = Encoding(space=SPACE)
    codes = encoding.codes(frame)
    terms = parse_formula("(threads + backend + onednn)^2 + I(threads**2)", SPACE.names)
    matrix = model_matrix(SPACE, terms, SPACE.encode(frame))
    ours = np.hstack([term_columns(encoding, term, codes) for term in terms])
    np.testing.assert_allclose(ours, matrix.X, atol=1e-12)


def test_containment_is_by_powers() -> None:
    square = parse_formula("I(a**2)", ["a"])[1]
    assert term_in(Term.of("a"), square)
    assert not term_in(square, Term.of("a", "b"))
    assert not term_in(Term.of("a"), Term.of("a"))


def test_a_partial_test_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 5)), rng.normal(size=30)
    statistic, p = partial_test([X[:, :2]], [X[:, 2:]], y)
    large = sm.OLS(y, sm.add_constant(X)).fit()
    small = sm.OLS(y, sm.add_constant(X[:, :2])).fit()
    theirs = large.compare_f_test(small)
    assert (statistic, p) == pytest.approx((theirs[0], theirs[1]), rel=1e-9)


def test_columns_that_depend_on_others_add_nothing() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    assert partial_test([X], [X.sum(axis=1, keepdims=True)], y) == (0.0, 1.0)


def test_a_duplicate_term_is_not_taken_in_twice() -> None:
    rng = np.random.default_rng(1)
    x = rng.choice([-1.0, 1.0], size=(40, 1))
    y = x[:, 0] + 0.01 * rng.normal(size=40)
    columns = {Term.of("a"): x, Term.of("b"): -x}
    assert choose_terms(columns, y, 0.01, 0.05) == [Term.of("a")]
