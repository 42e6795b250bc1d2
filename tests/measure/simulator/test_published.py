"""The simulator ranks configurations as published campaigns measured them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.simulator.published import TABLES, published
from benchmarks.simulator.shapes import shapes


@pytest.mark.published_data
def test_every_published_campaign_is_ranked_as_it_was_measured(
    published_data: Path,
) -> None:
    there = {t for t, (name, _) in TABLES.items() if (published_data / name).is_file()}
    judged = dict(published())
    assert set(judged) == there
    missed = [
        (title, row)
        for title, rows in judged.items()
        for row in rows
        if not row["passed"]
    ]
    assert not missed


def test_known_shapes_of_boards_are_there() -> None:
    assert [row for row in shapes() if not row["passed"]] == []
