"""What symmetry leaves of a space for a bound to go through."""

from __future__ import annotations

import numpy as np
import pytest

from measure.designs.bound import approximate_bound, upper_bound
from measure.designs.reduction import reduced, whole
from measure.space import ConfigurationSpace
from measure.terms import model_terms
from tests.measure.designs.test_bound import CONSTRAINED

MIXED = ConfigurationSpace.from_dict(
    {
        "options": {
            "freq": {"kind": "numeric", "levels": [1, 2, 3, 5, 9]},
            "cores": {"kind": "numeric", "levels": [1, 2, 4]},
            "backend": {"kind": "categorical", "levels": ["graph", "xla", "lite"]},
            "onednn": {"kind": "boolean"},
        },
        "forbid": [{"cores": {"min": 2}, "onednn": True}],
    }
)
MODELS = [
    "interactions",
    "quadratic",
    "freq + backend + I(freq**3):backend + onednn:cores:backend",
    "backend*onednn + cores",
]


@pytest.mark.parametrize("model", MODELS)
def test_a_bound_by_symmetry_is_that_of_the_whole_space(model: str) -> None:
    terms = model_terms(MIXED, model).terms
    left = reduced(MIXED, terms)
    assert left is not None and left.smaller
    assert "backend" not in left.space.names
    part, full = approximate_bound(left), approximate_bound(whole(MIXED, terms))
    assert part is not None and full is not None
    assert part.kind == full.kind == "proved"
    # Both are within a thousandth of the best there is.
    assert part.value == pytest.approx(full.value, rel=0.001)
    assert part.reached <= full.value and full.reached <= part.value


def test_blocks_together_have_the_columns_of_the_model() -> None:
    for model in MODELS:
        terms = model_terms(MIXED, model).terms
        left = reduced(MIXED, terms)
        assert left is not None
        inside = [whole(left.space, part.terms).columns for part in left.parts]
        times = [part.times for part in left.parts]
        assert np.dot(inside, times) == left.columns == whole(MIXED, terms).columns


def test_of_levels_that_are_forbidden_alike_the_ends_are_left() -> None:
    left = reduced(MIXED, model_terms(MIXED, "interactions").terms)
    assert left is not None
    assert left.space.names == ("cores", "onednn")
    assert left.space.options["cores"].levels == (1, 2, 4)
    wide = ConfigurationSpace.from_dict(
        {
            "options": {
                "freq": {"kind": "numeric", "levels": [5, 3, 4, 1, 2, 6, 9]},
                "onednn": {"kind": "boolean"},
            },
            "forbid": [{"freq": {"min": 4}, "onednn": True}],
        }
    )
    left = reduced(wide, model_terms(wide, "interactions").terms)
    assert left is not None
    assert left.space.options["freq"].levels == (3, 4, 1, 9)
    assert not left.smaller


def test_nothing_is_left_where_nothing_is_forbidden_and_no_power_is_asked_for() -> None:
    space = ConfigurationSpace(MIXED.options)
    assert reduced(space, model_terms(space, "interactions").terms) is None
    bound = upper_bound(space, model_terms(space, "interactions").terms)
    assert bound is not None and bound.value == bound.reached == 1.0


def test_options_that_matter_to_no_bound_cost_nothing() -> None:
    many = {f"c{i}": {"kind": "categorical", "levels": list("abc")} for i in range(12)}
    document = CONSTRAINED.to_dict()
    space = ConfigurationSpace.from_dict(
        {**document, "options": {**document["options"], **many}}
    )
    terms = model_terms(space, "quadratic").terms
    bound = upper_bound(space, terms)
    assert bound is not None and bound.kind == "proved"
    assert bound.reached > bound.value * 0.998
    left = reduced(space, terms)
    assert left is not None
    gone_through = approximate_bound(left)
    assert gone_through is not None and "of 4 options" in gone_through.reason
