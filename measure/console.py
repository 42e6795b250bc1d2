"""What every command line here shares: errors, exit codes, JSON, tables, progress."""

from __future__ import annotations

import json
import math
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

import click

from measure.errors import MeasureError

__all__ = [
    "DONE",
    "INTERRUPTED",
    "REFUSED",
    "UNTRUSTED",
    "WRONG_USAGE",
    "LazyGroup",
    "Output",
    "output_options",
    "check_folder",
    "plain_data",
    "refuse",
    "run_command",
]

DONE, REFUSED, WRONG_USAGE, UNTRUSTED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes; docs/reference/cli.md says what each means."""

# Progress off a terminal is a line this often, so that a log stays readable.
_LINE_EVERY_S = 10.0


class _Interrupted(Exception):
    """Ctrl-C; of a KeyboardInterrupt click would print a line of its own."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run, so ``--help`` is quick.

    Parameters
    ----------
    commands : mapping of str to tuple of str
        Name to the place of its `click.Command`, as ``module:attribute``, and the
        line that the group's help has for it.
    expected : sequence of type
        Errors that are reported in one line, beside `MeasureError` and `OSError`.
    **settings : object
        As for `click.Group`.
    """

    def __init__(
        self,
        commands: Mapping[str, tuple[str, str]],
        expected: Sequence[type[Exception]] = (),
        **settings: Any,
    ) -> None:
        super().__init__(
            invoke_without_command=True, callback=_help_without_command, **settings
        )
        self.places = dict(commands)
        self.expected = tuple(expected)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names, in the order given.

        Parameters
        ----------
        ctx : click.Context
            Not used.

        Returns
        -------
        list of str
            Names.
        """
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Parameters
        ----------
        ctx : click.Context
            Not used.
        cmd_name : str
            The name.

        Returns
        -------
        click.Command or None
            None if there is no such command.
        """
        if cmd_name not in self.places:
            return None
        module, _, attribute = self.places[cmd_name][0].partition(":")
        return getattr(import_module(module), attribute)  # type: ignore[no-any-return]

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the list of commands without importing any.

        Parameters
        ----------
        ctx : click.Context
            Not used.
        formatter : click.HelpFormatter
            Written to.
        """
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, line) for name, (_, line) in self.places.items()]
            )

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command.

        Parameters
        ----------
        ctx : click.Context
            Of the group.

        Returns
        -------
        object
            What the command returned.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _Interrupted(str(error)) from error

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command, and end the process with the exit code it calls for.

        Parameters
        ----------
        args : sequence of str, optional
            Words of the command line; by default the process's own.
        prog_name : str, optional
            What help calls the program.
        standalone_mode : bool, default=True
            If False, errors are raised and nothing ends.
        **extra : object
            As for `click.Group.main`.

        Returns
        -------
        object
            What the command returned, if not standalone.
        """
        words = list(sys.argv[1:] if args is None else args)
        if not standalone_mode:
            return super().main(words, prog_name, standalone_mode=False, **extra)
        expected: tuple[type[Exception], ...] = (
            MeasureError,
            OSError,
            *self.expected,
        )
        program = (prog_name or self.name or "").split()[-1:] or [""]

        def call() -> Any:
            return super(LazyGroup, self).main(
                words, prog_name, standalone_mode=False, **extra
            )

        sys.exit(run_command(call, program[0], expected, "--debug" in words))


@click.pass_context
def _help_without_command(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run_command(
    call: Callable[[], Any],
    program: str,
    expected: tuple[type[Exception], ...],
    debug: bool,
) -> int:
    """Call a command and return its exit code; an error becomes one line.

    Parameters
    ----------
    call : Callable
        Runs a click command with ``standalone_mode=False``.
    program : str
        What the line begins with.
    expected : tuple of type
        Errors that a user can cause.
    debug : bool
        Whether to print the traceback too, and let warnings through.

    Returns
    -------
    int
        One of the exit codes.
    """
    try:
        with warnings.catch_warnings():
            if not debug:
                # Standard error holds nothing but the error.
                warnings.simplefilter("ignore")
            result = call()
        return result if isinstance(result, int) else DONE
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.UsageError as error:
        error.show()
        return WRONG_USAGE
    except (_Interrupted, KeyboardInterrupt, click.Abort) as error:
        _say_error(program, str(error) or "interrupted", debug)
        return INTERRUPTED
    except click.ClickException as error:
        _say_error(program, error.format_message(), debug)
        return REFUSED
    except expected as error:
        _say_error(program, _described(error), debug)
        return REFUSED
    except Exception as error:
        name = type(error).__name__
        _say_error(
            program, f"internal error, {name}: {error}; --debug shows where", debug
        )
        return REFUSED


def _described(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    return str(error)


def _say_error(program: str, message: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    line = " ".join(message.split())
    click.echo(f"{program}: {line}" if program else line, err=True)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json`` and ``--debug``, which every command has.

    Parameters
    ----------
    command : Callable
        Takes ``output``, an `Output`, in place of them.

    Returns
    -------
    Callable
        With the options.
    """
    from functools import wraps

    @wraps(command)
    def wrapped(*args: Any, json_path: str | None, debug: bool, **words: Any) -> Any:
        return command(*args, output=Output(json_path), **words)

    for option in (
        click.option("--debug", is_flag=True, help="Show the traceback of an error."),
        click.option(
            "--json",
            "json_path",
            metavar="FILE",
            help="Write all that is printed as JSON too; - is standard output.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


class Output:
    """Where a command's text and JSON go.

    Parameters
    ----------
    json_path : str, optional
        File for the JSON; ``-``: standard output, and the text to standard error.

    Raises
    ------
    click.ClickException
        If the file's folder does not exist.
    """

    def __init__(self, json_path: str | None = None) -> None:
        self.json_path = json_path
        self.reasons: list[str] = []
        if json_path not in (None, "-"):
            check_folder(Path(str(json_path)), "--json")

    @property
    def stream(self) -> IO[str]:
        """Where text goes."""
        return sys.stderr if self.json_path == "-" else sys.stdout

    def print(self, text: str = "") -> None:
        """Print a line.

        Parameters
        ----------
        text : str, optional
            The line.
        """
        try:
            click.echo(text, file=self.stream)
        except BrokenPipeError:
            _print_to_nowhere(self.stream)

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        title: str = "",
    ) -> None:
        """Print a table: with rules on a terminal, else plain and aligned.

        Parameters
        ----------
        columns : sequence of str
            Headings; columns of numbers are set to the right.
        rows : sequence of sequence
            Cells, as they shall be printed.
        title : str, optional
            A line above.
        """
        cells = [[str(cell) for cell in row] for row in rows]
        right = [
            bool(cells) and all(_is_number(row[place]) for row in cells)
            for place in range(len(columns))
        ]
        if self.stream.isatty():
            _rich_table(self.stream, columns, cells, right, title)
            return
        if title:
            self.print(title)
        widths = [
            max(len(text) for text in column)
            for column in zip(columns, *cells, strict=True)
        ]
        for row in [list(columns), *cells]:
            words = [
                text.rjust(width) if to_right else text.ljust(width)
                for text, width, to_right in zip(row, widths, right, strict=True)
            ]
            self.print(("  " + "  ".join(words)).rstrip())

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[str], None]]:
        """Show how far a loop is: a bar on a terminal, else a line now and then.

        Parameters
        ----------
        what : str
            What is being done.
        total : int
            How many steps there are.

        Yields
        ------
        Callable
            To be called after each step, with what was done.
        """
        if sys.stderr.isatty():
            with _bar(what, total) as advance:
                yield advance
            return
        started = last = time.perf_counter()
        done = 0

        def line(step: str) -> None:
            nonlocal last, done
            done += 1
            now = time.perf_counter()
            if now - last >= _LINE_EVERY_S and done < total:
                last = now
                left = (now - started) / done * (total - done)
                self.print(f"{what}: {done} of {total}, {left:.0f} s left")

        yield line

    def untrusted(self, reason: str) -> None:
        """Note why the result cannot be trusted: the exit code will be 3.

        Parameters
        ----------
        reason : str
            In one line; it is printed.
        """
        self.reasons.append(reason)
        self.print(f"not to be trusted: {reason}")

    def finish(self, document: Mapping[str, Any]) -> None:
        """Write the JSON, and leave with exit code 3 if the result is not trusted.

        Parameters
        ----------
        document : mapping
            What was printed.
        """
        if self.json_path is not None:
            text = json.dumps(
                plain_data(document), indent=1, ensure_ascii=False, allow_nan=False
            )
            if self.json_path == "-":
                try:
                    click.echo(text)
                except BrokenPipeError:
                    _print_to_nowhere(sys.stdout)
            else:
                Path(self.json_path).write_text(text + "\n", encoding="utf-8")
        if self.reasons:
            raise click.exceptions.Exit(UNTRUSTED)


def _print_to_nowhere(stream: IO[str]) -> None:
    """Go on without the reader, who has left (``| head``): the work is not lost."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def check_folder(path: Path, flag: str) -> None:
    """Refuse an output file whose folder is not there, before any work is done.

    Parameters
    ----------
    path : Path
        The file to be written.
    flag : str
        Which option said so.

    Raises
    ------
    click.ClickException
        If the folder does not exist, or the file is a folder.
    """
    if not path.parent.is_dir():
        raise click.ClickException(
            f"{flag} {path}: there is no folder {path.parent}; make it first"
        )
    if path.is_dir():
        raise click.ClickException(f"{flag} {path}: is a folder; name a file")


def plain_data(value: Any) -> Any:
    """Return a value as JSON can hold it: what is missing or infinite is None.

    Parameters
    ----------
    value : object
        Mappings, sequences, numbers (numpy's too), text, paths.

    Returns
    -------
    object
        Of dict, list, str, int, float, bool and None.

    Examples
    --------
    >>> plain_data({"a": (1, float("nan"))})
    {'a': [1, None]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain_data(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):
        return plain_data(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_data(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in ("", "-")
    return True


def _rich_table(
    stream: IO[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    right: Sequence[bool],
    title: str,
) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left")
    for name, to_right in zip(columns, right, strict=True):
        table.add_column(name, justify="right" if to_right else "left")
    for row in cells:
        table.add_row(*row)
    Console(file=stream, markup=False, highlight=False).print(table)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[str], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=4,
        # Lines above the bar go through it, but not those that go to a file.
        redirect_stdout=sys.stdout.isatty(),
    ) as progress:
        task = progress.add_task(what, total=total)

        def advance(step: str) -> None:
            progress.update(task, advance=1, description=f"{what}: {step}")

        yield advance


def refuse(message: str) -> NoReturn:
    """End a command with one line and exit code 1.

    Parameters
    ----------
    message : str
        Where, what came, what is allowed, how to go on.

    Raises
    ------
    click.ClickException
        Always.
    """
    raise click.ClickException(message)
