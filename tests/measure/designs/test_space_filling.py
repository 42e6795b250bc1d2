"""Designs that spread runs over the space."""

from __future__ import annotations

import pandas as pd
import pytest

from measure.designs.space_filling import random_design
from measure.errors import DesignError
from measure.space import ConfigurationSpace

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
