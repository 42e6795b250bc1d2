"""Designs that spread runs over the space."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from measure.designs.base import Design
from measure.designs.space_filling import latin_hypercube, random_design, sobol
from measure.errors import DesignError
from measure.space import ConfigurationSpace
from tests.strategies import SMALL_NUMBER, spaces

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "a": {"kind": "numeric", "levels": [1, 2, 3, 4]},
            "b": {"kind": "boolean"},
        },
        "forbid": [{"a": 4, "b": True}],
    }
)


def test_a_random_design_has_distinct_valid_runs_that_its_seed_repeats() -> None:
    design = random_design(SPACE, 5, seed=3)
    assert not design.frame.duplicated().any()
    assert SPACE.valid(design.indices).all()
    assert design.frame.equals(random_design(SPACE, 5, seed=3).frame)
    assert not design.frame.equals(random_design(SPACE, 5, seed=4).frame)


def test_more_random_runs_than_configurations_repeat_all_of_them_evenly() -> None:
    design = random_design(SPACE, 17)
    counts = design.frame.value_counts()
    assert len(counts) == 7 and set(counts) == {2, 3}
    assert design.notes == ("only 7 configurations to choose from: runs are repeated",)


def test_a_random_design_takes_candidates_alone_where_they_are_given() -> None:
    candidates = pd.DataFrame({"a": [1, 2, 4, 1], "b": [True, False, True, True]})
    design = random_design(SPACE, 2, candidates=candidates)
    rows = sorted(design.frame.itertuples(index=False, name=None))
    assert rows == [(1, True), (2, False)]
    with pytest.raises(DesignError, match="candidates: no row is a valid"):
        random_design(SPACE, 2, candidates=candidates[2:3])


def test_no_runs_are_refused() -> None:
    with pytest.raises(DesignError, match="0 runs; ask for at least 1"):
        random_design(SPACE, 0)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    space=spaces(numbers=SMALL_NUMBER), runs=st.integers(1, 30), seed=st.integers(0, 5)
)
def test_space_filling_designs_hold_nothing_forbidden(
    space: ConfigurationSpace, runs: int, seed: int
) -> None:
    for make in (latin_hypercube, sobol):
        design = make(space, runs, seed=seed)
        assert design.runs == runs
        assert space.valid(design.indices).all()
        assert design.frame.equals(make(space, runs, seed=seed).frame)


def test_levels_of_a_latin_hypercube_are_equally_often_even_under_constraints() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                "a": {"kind": "numeric", "levels": [1, 2, 3, 4]},
                "b": {"kind": "categorical", "levels": ["x", "y", "z"]},
                "c": {"kind": "boolean"},
            },
            "forbid": [{"a": 4, "b": "z"}, {"b": "x", "c": True}],
        }
    )
    design = latin_hypercube(space, 24)
    assert design.notes == ()
    for option in space.options:
        counts = design.frame[option.name].value_counts()
        assert set(counts) == {24 // len(option.levels)}


def test_a_latin_hypercube_keeps_its_runs_apart() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                f"x{i}": {"kind": "numeric", "levels": list(range(10))}
                for i in range(3)
            }
        }
    )

    def closest(design: Design) -> float:
        X = design.indices / 9
        gaps = ((X[:, None, :] - X[None, :, :]) ** 2).sum(axis=2)
        return float(gaps[np.triu_indices(len(X), 1)].min())

    ours = [closest(latin_hypercube(space, 10, seed=s)) for s in range(5)]
    theirs = [closest(random_design(space, 10, seed=s)) for s in range(5)]
    assert min(ours) > 2 * float(np.median(theirs))


def test_a_sobol_design_fills_the_space_evenly_from_its_first_runs() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                f"x{i}": {"kind": "numeric", "levels": list(range(8))} for i in range(2)
            }
        }
    )
    design = sobol(space, 64)
    assert not design.frame.duplicated().any()
    first = design.frame[:8]
    assert all(sorted(first[name]) == list(range(8)) for name in space.names)
    many = sobol(SPACE, 17)
    assert many.frame.value_counts().min() >= 2
    assert "runs are repeated" in many.notes[-1]


def test_space_filling_designs_need_runs() -> None:
    for make in (latin_hypercube, sobol):
        with pytest.raises(DesignError, match="0 runs; ask for at least 1"):
            make(SPACE, 0)
