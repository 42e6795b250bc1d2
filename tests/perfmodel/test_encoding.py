"""Levels as numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from measure.space import ConfigurationSpace
from perfmodel.encoding import Encoding
from perfmodel.errors import ModelError

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "hz": {"kind": "numeric", "levels": [100, 200, 1600]},
            "cores": {"kind": "numeric", "levels": [1, 2, 3]},
            "backend": {"kind": "categorical", "levels": ["graph", "tflite", "xla"]},
            "mode": {"kind": "categorical", "levels": ["a", "b"]},
            "onednn": {"kind": "boolean"},
        },
        "forbid": [{"backend": "xla", "onednn": True}],
    }
)


def frame(**changes: object) -> pd.DataFrame:
    """One row, some of it changed."""
    row = {"hz": 200, "cores": 2, "backend": "tflite", "mode": "b", "onednn": True}
    return pd.DataFrame([{**row, **changes}])


@pytest.fixture
def encoding() -> Encoding:
    """The encoding of the space above."""
    return Encoding(space=SPACE)


def test_codes_keep_numbers_and_count_other_levels(encoding: Encoding) -> None:
    assert encoding.codes(frame()).tolist() == [[200, 2, 1, 1, 1]]


def test_features_lie_between_0_and_1_and_wide_ranges_are_logarithms(
    encoding: Encoding,
) -> None:
    features = encoding.features(encoding.codes(frame()))
    np.testing.assert_allclose(features, [[0.25, 0.5, 0, 1, 0, 1, 1]])
    assert encoding.columns == ("hz", "cores", *["backend"] * 3, "mode", "onednn")


def test_levels_may_be_spelled_as_text(encoding: Encoding) -> None:
    text = frame(hz="2e2", cores="2.0", onednn="TRUE")
    np.testing.assert_array_equal(encoding.codes(text), encoding.codes(frame()))


def test_numbers_between_and_beyond_the_levels_are_taken(encoding: Encoding) -> None:
    codes = encoding.codes(frame(cores=2.5, hz=3200))
    features = encoding.features(codes)
    np.testing.assert_allclose(features[0, :2], [1.25, 0.75])


@pytest.mark.parametrize(
    ("changes", "outside"),
    [
        ({}, False),
        ({"cores": 2.5}, False),
        ({"cores": 4}, True),
        ({"hz": 99}, True),
        ({"backend": "xla"}, True),
    ],
)
def test_rows_outside_the_declared_space_are_told(
    encoding: Encoding, changes: dict[str, object], outside: bool
) -> None:
    assert encoding.extrapolated(encoding.codes(frame(**changes))).tolist() == [outside]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backend": "torch"}, "row 1, option 'backend': got 'torch'; give one of gra"),
        ({"cores": "many"}, "option 'cores': got 'many'; give a number"),
        ({"cores": None}, "option 'cores': got an empty cell"),
        ({"mode": float("nan")}, "option 'mode': got an empty cell"),
    ],
)
def test_what_is_no_level_is_an_error_that_names_the_cell(
    encoding: Encoding, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        encoding.codes(frame(**changes))


def test_a_missing_column_is_an_error_that_lists_the_columns(
    encoding: Encoding,
) -> None:
    with pytest.raises(ModelError, match="no column for option 'mode'; the columns ar"):
        encoding.codes(frame().drop(columns="mode"))
