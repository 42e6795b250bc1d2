"""One term's effect: sign, interval, and the decision to report it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from measure.console import plain_data
from measure.space import ConfigurationSpace, Option
from perfmodel.anova import Component
from perfmodel.effects import (
    decide,
    dropped,
    effect_row,
    own_p_values,
    per_cent_of,
    per_cent_of_geometric_mean,
    without_residue,
)

SPACE = ConfigurationSpace(
    [Option(name="a", levels=(1, 2, 3)), Option(name="b", levels=(0, 1))]
)


def main_effect(*values: float) -> Component:
    return Component(
        options=(0,),
        cells=np.arange(3)[:, None],
        weights=np.full(3, 1 / 3),
        values=np.array(values)[:, None],
    )


def row_of(
    component: Component, deviations: np.ndarray | None = None
) -> tuple[dict[str, Any], float]:
    return effect_row(SPACE, component, 1.0, deviations, per_cent_of_geometric_mean)


@pytest.mark.parametrize(
    ("values", "sign"),
    [
        ((-0.1, 0.0, 0.1), 1),
        ((0.1, 0.0, -0.1), -1),
        ((0.1, -0.2, 0.1), 0),
        ((-0.1, 0.0505, 0.0495), 1),
        ((0.0, 0.0, 0.0), 0),
    ],
)
def test_a_sign_forgives_steps_much_smaller_than_the_effect(values, sign) -> None:
    assert row_of(main_effect(*values))[0]["sign"] == sign


def test_without_draws_an_effect_has_no_interval() -> None:
    row, doubt = row_of(main_effect(-0.1, 0.0, 0.1))
    assert np.isnan([row["lower"], row["upper"], doubt]).all()


def test_a_cell_that_was_not_drawn_borrows_its_neighbours_doubt() -> None:
    deviations = np.random.default_rng(0).normal(0, 0.01, (3, 100))
    deviations[2] = np.nan
    row, doubt = row_of(main_effect(-0.1, 0.0, 0.1), deviations)
    assert row["lower"] < row["effect"] < row["upper"]
    assert doubt < 1e-6


def test_draws_as_wide_as_the_effect_leave_it_in_doubt() -> None:
    deviations = np.random.default_rng(0).normal(0, 0.1, (3, 400))
    _, doubt = row_of(main_effect(-0.1, 0.0, 0.1), deviations)
    sizes = np.mean(deviations**2, axis=0)
    larger = np.mean(sizes >= np.mean(np.array([0.1, 0.0, 0.1]) ** 2))
    assert doubt == pytest.approx(larger, abs=0.05)


def test_rounding_residue_of_a_component_is_exactly_none() -> None:
    large, residue = main_effect(-0.1, 0.0, 0.1), main_effect(-4e-16, 0.0, 4e-16)
    kept, gone = without_residue([large, residue])
    assert kept is large
    deviations = np.random.default_rng(0).normal(0, 0.01, (3, 100))
    row, doubt = row_of(gone, deviations)
    assert (row["effect"], row["lower"], row["share"], doubt) == (0.0, 0.0, 0.0, 1.0)
    assert row["upper"] > 1, "as large as draws have it, not an interval of no width"


def test_a_term_that_the_model_dropped_has_no_upper_end() -> None:
    rng = np.random.default_rng(0)
    components = [main_effect(-0.1, 0.0, 0.1), main_effect(0.0, 0.0, 0.0)]
    drawn = [rng.normal(0, 0.01, (3, 9)), rng.normal(0, 1e-9, (3, 9))]
    assert dropped(components, drawn) == [False, True]
    assert dropped(components, [drawn[0], drawn[0]]) == [False, False]
    assert dropped(components, None) == [False, False]
    row, doubt = effect_row(
        SPACE, components[1], 1.0, drawn[1], per_cent_of_geometric_mean, True
    )
    assert (row["effect"], row["lower"], doubt) == (0.0, 0.0, 1.0)
    assert np.isnan(row["upper"])
    assert json.loads(json.dumps(plain_data(row), allow_nan=False))["upper"] is None


def test_effects_of_a_response_itself_are_in_per_cent_of_its_size() -> None:
    assert per_cent_of(np.array([-2.0, 2.0]))(0.5, -0.5) == 50.0


def test_powers_of_an_option_are_one_main_effect() -> None:
    told = {"a": 0.2, "I(a**2)": 0.01, "a:b": 0.03, "I(`odd name`**2)": 0.5}
    assert own_p_values(told) == {"a": 0.02, "a:b": 0.03, "odd name": 0.5}
    assert own_p_values({}) == {}


def test_a_small_share_is_reported_only_if_the_effect_is_surely_large() -> None:
    rows = [
        {"term": "a", "order": 1, "share": 0.001, "lower": 6.0},
        {"term": "b", "order": 1, "share": 0.001, "lower": 4.0},
        {"term": "c", "order": 1, "share": 0.2, "lower": 4.0},
    ]
    decide(rows, np.zeros(3), {}, True)
    assert [row["reported"] for row in rows] == [True, False, True]


def test_many_terms_must_be_surer_than_one() -> None:
    def reported(n_terms: int) -> bool:
        rows = [
            {"term": str(i), "order": 1, "share": 0.1, "lower": 1.0}
            for i in range(n_terms)
        ]
        decide(rows, np.array([0.02] + [0.9] * (n_terms - 1)), {}, True)
        return bool(rows[0]["reported"])

    assert reported(2) and not reported(5)
