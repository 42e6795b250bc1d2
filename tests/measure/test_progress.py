"""How far work is: a bar on a terminal, lines in a log."""

from __future__ import annotations

import sys

import pytest

from measure import progress
from measure.console import Output


def test_off_a_terminal_it_is_a_line_now_and_then(capsys, monkeypatch) -> None:
    monkeypatch.setattr(progress, "FIRST_LINE_S", 0.0)
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with Output().progress("fitting", 2) as step:
        step("a")
        step("b")
    captured = capsys.readouterr()
    assert captured.out == "fitting: 50 %, 0 s left (a)\n"
    assert captured.err == ""


def test_steps_may_be_done_in_part(capsys, monkeypatch) -> None:
    monkeypatch.setattr(progress, "FIRST_LINE_S", 0.0)
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with Output().progress("fitting", 2) as step:
        step("first fold", 0.0)
        step("second fold", 0.5)
    assert capsys.readouterr().out.splitlines() == [
        "fitting: 0 % (first fold)",
        "fitting: 25 %, 0 s left (second fold)",
    ]


def test_what_is_quick_says_nothing(capsys) -> None:
    with Output().progress("fitting", 3) as step:
        step("a")
        step("b")
    assert capsys.readouterr().out == ""


def test_text_goes_to_its_file_though_progress_is_on_a_terminal(
    capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    output = Output()
    with output.progress("fitting", 1) as step:
        output.print("a line")
        step("half", 0.5)
        step("one")
    assert capsys.readouterr().out == "a line\n"


def test_lines_go_where_text_goes_when_the_json_takes_standard_output(
    capsys, monkeypatch
) -> None:
    monkeypatch.setattr(progress, "FIRST_LINE_S", 0.0)
    with Output("-").progress("fitting", 2) as step:
        step("a")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("fitting: 50 %")
