"""Pairwise covering designs."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings

from measure.designs.covering import pairwise
from measure.space import ConfigurationSpace
from tests.strategies import spaces


def held_pairs(space: ConfigurationSpace, rows: list[list[int]]) -> set[object]:
    columns = list(combinations(range(len(space.options)), 2))
    return {(i, j, row[i], row[j]) for row in rows for i, j in columns}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(space=spaces(most_options=4))
def test_every_pair_that_can_stand_together_does(space: ConfigurationSpace) -> None:
    design = pairwise(space)
    assert space.valid(design.indices).all()
    assert not design.frame.duplicated().any()
    possible = held_pairs(space, space.all_rows().tolist())
    assert held_pairs(space, design.indices.tolist()) == possible


@pytest.mark.parametrize(
    ("n_options", "n_levels", "most"), [(4, 3, 10), (13, 3, 20), (10, 2, 8), (6, 5, 38)]
)
def test_few_runs_are_needed(n_options: int, n_levels: int, most: int) -> None:
    levels = [f"l{i}" for i in range(n_levels)]
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                f"x{i}": {"kind": "categorical", "levels": levels}
                for i in range(n_options)
            }
        }
    )
    assert n_levels**2 <= pairwise(space).runs <= most


def test_fewer_runs_say_what_they_cover_and_more_are_not_needed() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                **{f"x{i}": {"kind": "boolean"} for i in range(5)},
                "y": {"kind": "categorical", "levels": ["a", "b", "c"]},
            },
            "forbid": [{"x0": True, "y": "c"}],
        }
    )
    few = pairwise(space, 3)
    assert few.runs == 3
    assert few.notes[0] == "1 pair of levels stands in no valid configuration"
    covered, missing = map(int, re.findall(r"(\d+) (?:of 69|are not;)", few.notes[1]))
    assert covered + missing == 69 and missing > 0
    many = pairwise(space, 1000)
    assert many.runs < 12 and "1000 are not needed" in many.notes[1]
    assert pairwise(space, seed=5).frame.equals(pairwise(space, seed=5).frame)


def test_a_single_option_is_covered_by_its_levels() -> None:
    space = ConfigurationSpace.from_dict(
        {"options": {"a": {"kind": "numeric", "levels": [1, 2, 3]}}}
    )
    assert pairwise(space).frame["a"].tolist() == [1, 2, 3]
