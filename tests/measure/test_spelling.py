"""The name that a misspelt one stands for."""

from __future__ import annotations

import pytest

from measure.spelling import did_you_mean, nearest

NAMES = ["threads", "cache", "time_s", "size_mb"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("tme_s", "time_s"),
        ("Time_S", "time_s"),
        ("thread", "threads"),
        ("energy", None),
        ("", None),
    ],
)
def test_the_name_most_like_it_is_meant_if_one_is(
    written: str, meant: str | None
) -> None:
    assert nearest(written, NAMES) == meant
    assert did_you_mean(written, NAMES) == (
        f"; did you mean {meant!r}?" if meant else ""
    )


def test_of_names_that_differ_in_case_the_first_is_meant() -> None:
    assert nearest("NAME", ["Name", "name"]) == "Name"
