"""Formulas are read by our own grammar; codings are the documented contrasts."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from formulaic import model_matrix as formulaic_matrix
from formulaic.parser import DefaultFormulaParser
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.errors import FormulaError
from measure.options import Option
from measure.space import ConfigurationSpace
from measure.terms import (
    INTERCEPT,
    Factor,
    Term,
    code_levels,
    d_efficiency,
    model_matrix,
    model_terms,
    parse_formula,
)
from tests.strategies import SMALL_NUMBER, spaces

FORMULAS = [
    "a",
    "1 + a + b",
    "a:b",
    "a*b",
    "a*b*c",
    "(a + b + c)^2",
    "(a + b)^2 + c:d",
    "(a + b + c)^3",
    "a:(b + c)",
    "a + a + b:a",
    "((a))",
    "a^1",
    "(a + b):(c + d)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_has_the_terms_that_formulaic_gives_it(formula: str) -> None:
    ours = {frozenset(term.options) for term in parse_formula(formula, list("abcd"))}
    parsed = DefaultFormulaParser().get_terms(formula.replace("^", "**"))
    theirs = {
        frozenset(str(f) for f in term.factors if str(f) != "1") for term in parsed
    }
    assert ours == theirs


def test_powers_and_quoted_names_are_read() -> None:
    terms = parse_formula(
        "`clock rate` + I(`clock rate`**2) + I(b**3)", ["clock rate", "b"]
    )
    assert [str(term) for term in terms] == [
        "1",
        "`clock rate`",
        "I(`clock rate`**2)",
        "I(b**3)",
    ]
    again = " + ".join(map(str, terms))
    assert parse_formula(again, ["clock rate", "b"]) == terms


@pytest.mark.parametrize(
    ("formula", "part"),
    [
        ("__import__('os')", "is not understood"),
        ("exec(a)", "a call of 'exec'"),
        ("log(a)", "a call of 'log'; formulas call nothing"),
        ("I(a)", "I() takes name**k"),
        ("I(a + b)", "I() takes name**k"),
        ("I(a**b)", "whole number from 1 to 9"),
        ("a^0", "whole number from 1 to 9"),
        ("b + a^2", "character 6: a^2 is a in formulas, where only sums have powers"),
        ("a**2", "write I(a**2) for a power of its levels"),
        ("(a)^3", "write I(a**3) for a power of its levels"),
        ("(a:b)^2", "a:b^2 is a:b in formulas"),
        ("a - b", "'-' is not understood"),
        ("a + ", "it ends"),
        ("(a", "')' expected"),
        ("a b", "'b' not expected here"),
        ("2*a", "the number 2"),
        ("0 + a", "the number 0"),
        ("z", "no option 'z'; choose from a, b"),
        ("", "empty"),
        ("I(g**2)", "'g' is categorical"),
    ],
)
def test_what_the_grammar_does_not_hold_is_refused_with_its_place(
    formula: str, part: str
) -> None:
    space = ConfigurationSpace(
        [
            Option(name="a", levels=(1, 2, 3)),
            Option(name="b", levels=(1, 2)),
            Option(name="g", levels=("x", "y", "z")),
        ]
    )
    with pytest.raises(FormulaError) as caught:
        model_terms(space, formula)
    assert part in str(caught.value) and "\n" not in str(caught.value)


@given(st.text("ab:+*^()I2 1`", max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        terms = parse_formula(text, ["a", "b"])
    except FormulaError:
        return
    assert terms[0] == INTERCEPT and len(set(terms)) == len(terms)


@given(st.integers(2, 9))
def test_categorical_contrasts_are_orthogonal_with_mean_square_one(n: int) -> None:
    coded = code_levels(Option(name="c", levels=tuple(f"l{i}" for i in range(n))))
    with_constant = np.column_stack([np.ones(n), coded])
    assert np.allclose(with_constant.T @ with_constant, n * np.eye(n))


def test_two_levels_of_any_kind_are_minus_one_and_one() -> None:
    for option in (
        Option(name="b", kind="boolean"),
        Option(name="c", levels=("x", "y")),
        Option(name="n", levels=(3, 70)),
    ):
        assert code_levels(option).ravel().tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("size", [1e308, 1e-320, 1.0])
def test_levels_of_any_size_are_scaled_to_one(size: float) -> None:
    coded = code_levels(Option(name="n", levels=(-size, 0.0, size)))
    assert coded.ravel().tolist() == [-1.0, 0.0, 1.0]


def test_the_model_matrix_is_formulaics_on_the_same_coded_columns() -> None:
    space = ConfigurationSpace(
        [
            Option(name="n", levels=(1, 2, 5, 9)),
            Option(name="m", levels=(0.5, 0.7)),
            Option(name="g", levels=("x", "y", "z")),
        ]
    )
    rows = space.all_rows()
    formula = "n + m + g + I(n**2) + n:m + n:g + m:g"
    ours = model_matrix(space, model_terms(space, formula).terms, rows)
    helmert = code_levels(space.options["g"])[rows[:, 2]]
    frame = pd.DataFrame(
        {
            "n": code_levels(space.options["n"])[rows[:, 0], 0],
            "m": code_levels(space.options["m"])[rows[:, 1], 0],
            "g1": helmert[:, 0],
            "g2": helmert[:, 1],
        }
    )
    golden = formulaic_matrix(
        "n + m + g1 + g2 + I(n**2) + n:m + n:g1 + n:g2 + m:g1 + m:g2", frame
    )
    columns = {
        "1": "Intercept",
        "n": "n",
        "m": "m",
        "g[y]": "g1",
        "g[z]": "g2",
        "I(n**2)": "I(n ** 2)",
        "n:m": "n:m",
        "n:g[y]": "n:g1",
        "n:g[z]": "n:g2",
        "m:g[y]": "m:g1",
        "m:g[z]": "m:g2",
    }
    assert set(ours.columns) == set(columns)
    names = {c.replace("I(n**2)", "I(n ** 2)"): c for c in golden.columns}
    for position, name in enumerate(ours.columns):
        wanted = columns[name]
        column = golden[names.get(wanted, wanted)]
        assert np.allclose(ours.X[:, position], column)


@given(
    spaces(most_options=4, numbers=SMALL_NUMBER),
    st.sampled_from(["main", "interactions", "quadratic"]),
)
@settings(max_examples=60, deadline=None)
def test_kept_terms_have_full_rank_and_left_out_ones_add_none(
    space: ConfigurationSpace, model: str
) -> None:
    chosen = model_terms(space, model)
    rows = space.all_rows()
    X = model_matrix(space, chosen.terms, rows).X
    rank = np.linalg.matrix_rank(X, tol=1e-7 * np.sqrt(X.size))
    assert rank == X.shape[1]
    for term in chosen.left_out:
        more = model_matrix(space, (*chosen.terms, term), rows).X
        assert (
            np.linalg.matrix_rank(more, tol=1e-7 * np.sqrt(more.size)) < more.shape[1]
        )


def test_an_inestimable_term_is_left_out_of_a_model_and_an_error_in_a_formula() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                "backend": {"kind": "categorical", "levels": ["graph", "tflite"]},
                "xnnpack": {"kind": "boolean"},
                "threads": {"kind": "numeric", "levels": [1, 2]},
            },
            "forbid": [{"backend": "graph", "xnnpack": True}],
        }
    )
    chosen = model_terms(space, "interactions")
    assert [str(term) for term in chosen.left_out] == ["backend:xnnpack"]
    with pytest.raises(FormulaError, match="cannot estimate backend:xnnpack"):
        model_terms(space, "backend*xnnpack")
    with pytest.raises(FormulaError, match=r"cannot estimate I\(threads\*\*2\)"):
        model_terms(space, "threads + I(threads**2)")


def test_terms_are_equal_whatever_the_order_of_their_options() -> None:
    assert Term.of("a", "b") == Term.of("b", "a") != Term.of("a")
    assert len({Term.of("a", "b"), Term.of("b", "a")}) == 1
    assert Term((Factor("a", 2),)) != Term.of("a")
    assert Term((Factor("a", 2), Factor("b"))).order == 2


def test_the_d_efficiency_of_an_orthogonal_design_is_one() -> None:
    rows = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    X = np.column_stack([np.ones(8), rows])
    assert d_efficiency(X) == pytest.approx(1.0)
    assert d_efficiency(X[:3]) == 0.0
    assert d_efficiency(np.ones((4, 2))) == 0.0
