"""Exit codes, one-line errors, JSON and tables of every command line."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

from measure import console
from measure.command_group import LazyGroup
from measure.console import Output, output_options
from measure.errors import StoreError


@pytest.fixture()
def group(monkeypatch) -> Callable[[Callable[[Output], Any]], LazyGroup]:
    """Make a group with one command, ``go``, that does as told."""

    def make(does: Callable[[Output], Any]) -> LazyGroup:
        @click.command("go")
        @output_options
        def go(output: Output) -> None:
            does(output)

        module = types.ModuleType("commands_of_a_test")
        module.go = go  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        places = {
            "go": (f"{module.__name__}:go", "Do as told."),
            "gone": ("no_such_module:command", "Cannot be imported."),
        }
        return LazyGroup(places, expected=(KeyError,), name="tool")

    return make


def _raise(error: BaseException) -> Callable[[Output], None]:
    def does(output: Output) -> None:
        raise error

    return does


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (StoreError("x.db: no such\nstore"), "tool: x.db: no such store"),
        (KeyError("a"), "tool: 'a'"),
        (click.ClickException("refused"), "tool: refused"),
        (
            FileNotFoundError(2, "No such file or directory", "x.csv"),
            "tool: x.csv: No such file or directory",
        ),
        (
            ValueError("odd"),
            "tool: internal error, ValueError: odd; --debug shows where",
        ),
    ],
)
def test_an_error_is_one_line_on_standard_error_and_exit_code_1(
    group, error, line
) -> None:
    result = CliRunner().invoke(group(_raise(error)), ["go"])
    assert result.exit_code == console.REFUSED
    assert result.stderr == line + "\n"
    assert result.stdout == ""


def test_debug_adds_the_traceback(group) -> None:
    result = CliRunner().invoke(group(_raise(StoreError("odd"))), ["go", "--debug"])
    assert result.exit_code == console.REFUSED
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("tool: odd\n")


def test_an_interrupted_command_ends_with_130(group) -> None:
    result = CliRunner().invoke(group(_raise(KeyboardInterrupt())), ["go"])
    assert result.exit_code == console.INTERRUPTED


def test_wrong_usage_ends_with_2(group) -> None:
    result = CliRunner().invoke(group(lambda output: None), ["go", "--nothing"])
    assert result.exit_code == console.WRONG_USAGE
    assert "No such option" in result.stderr


def test_help_imports_no_command_and_no_words_are_help(group) -> None:
    tool = group(lambda output: None)
    asked = CliRunner().invoke(tool, ["--help"])
    assert asked.exit_code == console.DONE
    assert "Cannot be imported." in asked.stdout
    assert CliRunner().invoke(tool, []).stdout == asked.stdout


def test_json_on_standard_output_sends_text_to_standard_error(group) -> None:
    def does(output: Output) -> None:
        output.print("text")
        output.finish({"a": np.float64("nan"), "b": np.arange(2), "c": (True, None)})

    result = CliRunner().invoke(group(does), ["go", "--json", "-"])
    assert json.loads(result.stdout) == {"a": None, "b": [0, 1], "c": [True, None]}
    assert result.stderr == "text\n"


def test_an_untrusted_result_writes_its_json_and_ends_with_3(group, tmp_path) -> None:
    def does(output: Output) -> None:
        output.untrusted("the clock was throttled")
        output.finish({"trusted": False})

    path = tmp_path / "r.json"
    result = CliRunner().invoke(group(does), ["go", "--json", str(path)])
    assert result.exit_code == console.UNTRUSTED
    assert json.loads(path.read_text()) == {"trusted": False}
    assert result.stdout == "not to be trusted: the clock was throttled\n"
    assert result.stderr == ""


def test_a_json_file_in_no_folder_is_refused_before_any_work(group, tmp_path) -> None:
    worked = []
    path = tmp_path / "none" / "r.json"
    result = CliRunner().invoke(group(worked.append), ["go", "--json", str(path)])
    assert result.exit_code == console.REFUSED
    assert "there is no folder" in result.stderr
    assert not worked


def test_a_table_off_a_terminal_is_plain_with_numbers_to_the_right(capsys) -> None:
    Output().table(
        ["option", "effect"], [["threads", "12.5"], ["xla", "3.0"]], title="What"
    )
    assert capsys.readouterr().out.splitlines() == [
        "What",
        "  option   effect",
        "  threads    12.5",
        "  xla         3.0",
    ]


def test_a_table_on_a_terminal_shows_square_brackets_as_they_are(
    capsys, monkeypatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    Output().table(["option"], [["[bold]a"]])
    assert "[bold]a" in capsys.readouterr().out


def test_warnings_of_libraries_do_not_reach_standard_error(group) -> None:
    import warnings

    def does(output: Output) -> None:
        warnings.warn("not for users", UserWarning, stacklevel=1)

    assert CliRunner().invoke(group(does), ["go"]).stderr == ""
