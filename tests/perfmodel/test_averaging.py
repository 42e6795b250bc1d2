"""Runs as rows to learn from; the datasets' tests have the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perfmodel.averaging import averaged_runs
from perfmodel.errors import DataError


def test_configurations_stand_in_the_order_of_their_first_run() -> None:
    runs = pd.DataFrame({"a": [2, 1, 2], "b": ["x", "x", "x"], "y": [1.0, 5.0, 3.0]})
    found = averaged_runs(runs, "y")
    assert found["X"]["a"].tolist() == [2, 1]
    assert found["y"].tolist() == [2, 5]
    assert found["replicates"].tolist() == [2, 1]


def test_everything_that_was_done_is_said() -> None:
    runs = pd.DataFrame({"a": [1, 1, 2, None, 3], "y": [1.0, 2.0, np.nan, 1.0, 4.0]})
    assert averaged_runs(runs, "y")["counted"] == (
        "1 of 5 runs has no y and is left out",
        "1 of 5 runs lacks the level of an option and is left out",
        "3 runs of 2 configurations: repeats are averaged",
    )


@pytest.mark.parametrize(
    ("a", "y", "message"),
    [
        ([1, 2], [np.inf, 1.0], "row 1, column 'y': the response is infinite"),
        ([1, 2], [np.nan, np.nan], "'y' is missing in all 2 runs of tx1"),
        ([None, None], [1.0, 2.0], r"no run of tx1 has a level of every option \(a\)"),
    ],
)
def test_runs_that_nothing_can_be_learned_from_are_refused(
    a: list[int | None], y: list[float], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        averaged_runs(pd.DataFrame({"a": a, "y": y}), "y", " of tx1")


def test_rows_that_share_a_measurement_have_one_number() -> None:
    runs = pd.DataFrame({"a": [1, 2, 3, 4, 1], "y": [1.0, 1.0, 3.0, 1.2, 1.2]})
    # 2 was measured as the first run of 1, 4 as the second: all three are one.
    measured = pd.Series(["r0", "r0", "r2", "r4", "r4"])
    found = averaged_runs(runs, "y", measurement=measured)
    assert found["groups"].tolist() == [0, 0, 2, 0]
    assert found["counted"][-1] == (
        "2 configurations share the measurement of another, being the same in fact: "
        "they are one in folds and intervals"
    )


def test_without_shared_measurements_there_are_no_groups() -> None:
    runs = pd.DataFrame({"a": [1, 1, 2], "y": [1.0, 2.0, 3.0]})
    measured = pd.Series(["r0", "r1", "r2"])
    assert averaged_runs(runs, "y", measurement=measured)["groups"] is None
    assert averaged_runs(runs, "y")["groups"] is None
