"""Factorial designs."""

from __future__ import annotations

import pandas as pd
import pytest

from measure.designs.factorial import full_factorial
from measure.designs.making import make_design
from measure.errors import DesignError
from measure.space import ConfigurationSpace


def test_a_full_factorial_holds_each_valid_configuration_once() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                "a": {"kind": "numeric", "levels": [1, 2, 3]},
                "b": {"kind": "categorical", "levels": ["x", "y"]},
            },
            "forbid": [{"a": {"min": 3}, "b": "y"}],
        }
    )
    design = full_factorial(space)
    rows = list(design.frame.itertuples(index=False, name=None))
    assert rows == [(1, "x"), (1, "y"), (2, "x"), (2, "y"), (3, "x")]
    assert design.notes == ("1 of 6 combinations are forbidden and left out",)


def test_a_full_factorial_too_large_to_hold_is_refused() -> None:
    options = {f"x{i}": {"kind": "boolean"} for i in range(30)}
    space = ConfigurationSpace.from_dict({"options": options})
    with pytest.raises(DesignError, match="1073741824 configurations, more than"):
        full_factorial(space)


def test_a_full_factorial_of_candidates_holds_each_of_them_once() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                "a": {"kind": "numeric", "levels": [1, 2, 3]},
                "b": {"kind": "categorical", "levels": ["x", "y"]},
            }
        }
    )
    candidates = pd.DataFrame({"b": ["y", "x", "y"], "a": [2, 1, 2]})
    design = make_design("full-factorial", space, candidates=candidates)
    rows = list(design.frame.itertuples(index=False, name=None))
    assert rows == [(1, "x"), (2, "y")]
    assert design.notes == ("4 of 6 configurations are no candidates and left out",)
