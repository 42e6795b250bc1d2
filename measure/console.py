"""What every command shares: exit codes, text, JSON, tables, progress."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

import click

from measure.progress import Step, shown_progress

__all__ = [
    "DONE",
    "INTERRUPTED",
    "REFUSED",
    "UNTRUSTED",
    "WRONG_USAGE",
    "Output",
    "output_options",
    "check_folder",
    "plain_data",
    "refuse",
]

DONE, REFUSED, WRONG_USAGE, UNTRUSTED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes; docs/reference/cli.md says what each means."""


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
    def progress(self, what: str, total: int) -> Iterator[Step]:
        """Show how far work is: a bar on a terminal, else a line now and then.

        Parameters
        ----------
        what : str
            What is being done.
        total : int
            How many steps there are.

        Yields
        ------
        Step
            To be called after each step, with what was done; or at any time, with what
            is being done and how many steps are done so far.
        """
        with shown_progress(what, total, self.print) as step:
            yield step

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
