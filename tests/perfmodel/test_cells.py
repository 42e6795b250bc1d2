"""Cells of a table as levels; the datasets' tests have the rest."""

from __future__ import annotations

import pandas as pd
import pytest

from measure.options import Option
from measure.space import ConfigurationSpace
from perfmodel.cells import (
    infer_space,
    level_cells,
    place_cells,
    response_cells,
    space_of,
    without_options,
)
from perfmodel.errors import DataError


def test_levels_are_spelled_as_in_the_space_and_empty_cells_stay_empty() -> None:
    option = Option(name="a", levels=(1, 2))
    cells = level_cells(pd.Series(["1.0", 2, None]), option)
    assert cells.tolist()[:2] == [1, 2]
    assert cells.isna().tolist() == [False, False, True]


def test_places_are_text_whatever_they_were() -> None:
    assert place_cells(pd.Series([2, 2.0, "b", None])).tolist() == ["2", "2", "b", ""]


def test_responses_may_be_spelled_as_text() -> None:
    cells = response_cells(pd.Series(["1e-3", " ", "nan", 4]), "y")
    assert cells.isna().tolist() == [False, True, True, False]
    assert cells[0] == 0.001


def test_text_levels_are_sorted_and_numbers_are_sorted_as_numbers() -> None:
    space = infer_space(pd.DataFrame({"a": ["10", "9", "10"], "b": ["z", "é", "a"]}))
    assert space.options["a"].levels == (9, 10)
    assert space.options["b"].levels == ("a", "z", "é")


def test_one_word_among_few_numbers_makes_a_categorical_option() -> None:
    space = infer_space(pd.DataFrame({"threads": [1, 2, "auto"]}))
    assert space.options["threads"].kind == "categorical"


def test_options_that_a_space_lacks_are_inferred() -> None:
    known = ConfigurationSpace([Option(name="a", levels=(1, 2, 3))])
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    space = space_of(frame, known)
    assert space.names == ("a", "b")
    assert space.options["a"].levels == (1, 2, 3)
    assert space_of(frame[["b"]], known).names == ("b",)


def test_dropping_an_option_drops_what_is_forbidden_about_it() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {name: {"kind": "boolean"} for name in "abc"},
            "forbid": [{"a": True, "b": True}, {"b": True, "c": True}],
        }
    )
    assert len(without_options(space, ["a"]).forbid) == 1
    with pytest.raises(DataError, match="every option is empty"):
        without_options(space, "abc")
