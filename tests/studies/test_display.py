"""What a study displays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Drawing

from studies.display import TABLE_TYPE, Finding, Table, figure
from studies.wording import format_cell, quantity


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.000123456, "0.0001235"),
        (123456.7, "123457"),
        (np.int64(3), "3"),
        (np.bool_(True), "true"),
        (False, "false"),
        (float("nan"), "–"),
        (None, "–"),
        ("graph", "graph"),
        (("a", 2), "a, 2"),
    ],
)
def test_a_cell_shows_four_digits_and_a_dash_for_nothing(
    value: object, text: str
) -> None:
    assert format_cell(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0287, "s", "28.7 ms"),
        (0.99999, "s", "1 s"),
        (1e-9, "s", "0.001 µs"),
        (0.0, "s", "0 s"),
        ((102_000_000, 1_912_500_000), "Hz", "0.102, 1.91 GHz"),
        (np.float64(3.5), "", "3.5"),
        (8, "items", "8 items"),
        (("graph", "xla"), "", "graph, xla"),
        (float("nan"), "s", "–"),
    ],
)
def test_a_quantity_is_printed_with_a_prefix_and_its_unit(
    value: object, unit: str, text: str
) -> None:
    assert quantity(value, unit) == text


def test_a_long_table_says_how_many_rows_it_leaves_out() -> None:
    frame = pd.DataFrame({"y": range(30)})
    table = Table(name="t", caption="All.", frame=frame, rows_shown=5)
    bundle = table._repr_mimebundle_()
    assert "The first 5 of 30 rows." in bundle["text/html"]
    assert len(bundle[TABLE_TYPE]["rows"]) == 30


def test_missing_and_infinite_numbers_are_null_in_the_data() -> None:
    frame = pd.DataFrame({"y": [float("nan"), float("inf"), 1.5]})
    rows = Table(name="t", caption="c", frame=frame)._repr_mimebundle_()[TABLE_TYPE]
    assert [row["y"] for row in rows["rows"]] == [None, None, 1.5]


def test_an_unknown_verdict_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed: yes, no, undecided"):
        Finding(text="x", verdict="maybe")


def test_the_same_drawing_gives_the_same_bytes() -> None:
    def drawn() -> str:
        drawing = Drawing()
        drawing.subplots().plot([1, 2])
        return figure("line", drawing, "A line.").svg

    assert drawn() == drawn()
