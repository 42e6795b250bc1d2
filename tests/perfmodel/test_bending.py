"""Numeric options bend where a line or a parabola cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

from measure.designs import d_optimal
from measure.space import ConfigurationSpace
from measure.terms import Term, parse_formula
from perfmodel.bending import Bends, draw_bends
from perfmodel.encoding import Encoding
from perfmodel.influence import explain
from perfmodel.linear import StepwiseModel
from perfmodel.stepping import term_columns

LEVELS = [0.0, 1.0, 2.0, 3.0, 4.0]
SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "a": {"kind": "numeric", "levels": LEVELS},
            "b": {"kind": "numeric", "levels": LEVELS},
            "c": {"kind": "numeric", "levels": [1, 2]},
            "d": {"kind": "categorical", "levels": ["x", "y", "z"]},
        }
    }
)
ENCODING = Encoding(space=SPACE)
CODES = ENCODING.codes(SPACE.decode(SPACE.all_rows()))


def test_without_bends_columns_are_those_of_the_model() -> None:
    for term in parse_formula("(a + b + c + d)^2 + I(a**2)", SPACE.names):
        np.testing.assert_array_equal(
            Bends().columns(ENCODING, term, CODES), term_columns(ENCODING, term, CODES)
        )


def test_bends_keep_the_ends_of_a_range_where_they_are() -> None:
    bends = Bends(curves={"a": 0.4})
    pair = Term.of("a", "b")
    bent = bends.columns(ENCODING, pair, CODES)[:, 0]
    straight = term_columns(ENCODING, pair, CODES)[:, 0]
    at_ends = np.isin(CODES[:, 0], [0, 4])
    np.testing.assert_allclose(bent[at_ends], straight[at_ends], atol=1e-12)
    middle = (CODES[:, 0] == 2) & (CODES[:, 1] == 4)
    assert bent[middle] == pytest.approx(0.4)


def test_twists_are_what_a_parabola_cannot_follow() -> None:
    bends = Bends(twists={"a": 0.1})
    main = Term.of("a")
    rest = bends.columns(ENCODING, main, CODES) - term_columns(ENCODING, main, CODES)
    x = term_columns(ENCODING, main, CODES)[:, 0]
    for power in (0, 1, 2):
        assert rest[:, 0] @ x**power == pytest.approx(0, abs=1e-9)
    assert np.abs(rest).max() == pytest.approx(0.1)


def test_options_of_two_levels_and_categories_do_not_bend() -> None:
    terms = [(Term.of("a"), [1.0]), (parse_formula("I(a**2)", SPACE.names)[-1], [-0.6])]
    rng = np.random.default_rng(0)
    drawn = [draw_bends(ENCODING, terms, rng) for _ in range(400)]
    assert set(drawn[0].curves) == {"a", "b"}
    # As its own parabola bends; one that has none, by what is usual.
    assert np.std([bends.curves["a"] for bends in drawn]) == pytest.approx(0.6, rel=0.1)
    assert np.std([bends.curves["b"] for bends in drawn]) == pytest.approx(0.3, rel=0.1)


def test_intervals_hold_interactions_that_bend_though_only_ends_are_measured() -> None:
    shape = np.array([1.0, 0.3, -0.15, -0.45, -0.7])
    design = d_optimal(SPACE, 30, "interactions", iterations=20).frame
    place = {level: i for i, level in enumerate(LEVELS)}
    a, b = (shape[design[name].map(place)] for name in ("a", "b"))
    values = 0.05 * np.outer(shape, shape)
    true = 100 * (np.exp(values.max()) - np.exp(values.min()))
    held = 0
    for seed in range(8):
        noise = 0.01 * np.random.default_rng(seed).normal(size=30)
        y = np.exp(0.2 * a + 0.1 * b + 0.05 * a * b + noise)
        model = StepwiseModel(space=SPACE, calibrate=False).fit(design, y)
        row = explain(model, seed=seed).frame.set_index("term").loc["a:b"]
        held += row["lower"] <= true <= row["upper"]
    assert held >= 7
