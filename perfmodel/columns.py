"""Columns of a table: what they may be, and whether they are what was said."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.levels import number
from perfmodel.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_columns", "check_described", "guess_roles", "suggest_command"]

#: Columns that are called so say where a run was made.
PLACES = (
    "board",
    "device",
    "dnn",
    "environment",
    "hardware",
    "host",
    "image_size",
    "machine",
    "network",
    "version",
    "workload",
)
#: A measured number differs from run to run: at least this share of it is distinct.
MEASURED_SHARE = 0.3
#: An option has few levels: at most this many, unless they are numbers set by hand.
MANY_LEVELS = 30


def guess_roles(cells: pd.DataFrame) -> dict[str, list[str]]:
    """Guess which columns are options, responses and environment.

    Parameters
    ----------
    cells : DataFrame
        Text or values.

    Returns
    -------
    dict of str to list of str
        The keys options, response and environment; a column may be none of them.

    Examples
    --------
    >>> import pandas as pd
    >>> guess_roles(pd.DataFrame({
    ...     "device": ["tx1", "tx1", "tx2", "tx2"], "threads": [1, 2, 1, 2],
    ...     "time": [8.13, 4.2, 6.01, 3.3]}))
    {'options': ['threads'], 'response': ['time'], 'environment': ['device']}
    """
    roles: dict[str, list[str]] = {"options": [], "response": [], "environment": []}
    numeric = []
    for name in map(str, cells.columns):
        values = [value for value in cells[name].tolist() if not _is_empty(value)]
        numbers = [number(value) for value in values]
        levels = len(set(map(str, values)))
        if values and None not in numbers:
            numeric.append(name)
        if name.lower() in PLACES:
            roles["environment"].append(name)
        elif values and None not in numbers and _is_measured(numbers, levels):
            roles["response"].append(name)
        elif 1 < levels <= MANY_LEVELS:
            roles["options"].append(name)
    if not roles["response"] and numeric:
        last = numeric[-1]
        roles["response"].append(last)
        for others in (roles["options"], roles["environment"]):
            if last in others:
                others.remove(last)
    return roles


def suggest_command(path: str | Path, cells: pd.DataFrame) -> str:
    """Write a `fit` command for a table that nothing describes.

    Parameters
    ----------
    path : str or Path
        The table.
    cells : DataFrame
        Its rows.

    Returns
    -------
    str
        One line to copy.

    Examples
    --------
    >>> import pandas as pd
    >>> suggest_command("my.csv", pd.DataFrame({"a": [1, 2, 1], "y": [.1, .2, .3]}))
    'python -m perfmodel fit --data my.csv --options a --response y'
    """
    roles = guess_roles(cells)
    words = ["python", "-m", "perfmodel", "fit", "--data", str(path)]
    words += ["--options", ",".join(roles["options"]) or "NAME,.."]
    words += ["--response", ",".join(roles["response"]) or "NAME"]
    if roles["environment"]:
        words += ["--environment", ",".join(roles["environment"])]
    return " ".join(word if word == "NAME,.." else shlex.quote(word) for word in words)


def check_described(path: Path, options: Any, response: Any) -> None:
    """Refuse a table whose columns nobody says; give a command to copy.

    Parameters
    ----------
    path : Path
        The table.
    options, response : object
        What was said, empty if nothing.

    Raises
    ------
    DataError
        If something was not said and no T.json lies beside the table.
    """
    from measure.table import description_path, read_cells

    if (options and response) or description_path(path).exists():
        return
    cells = read_cells(path)
    lacking = "options" if not options else "response"
    raise DataError(
        f"{path}: nothing says which columns are the {lacking}; the columns are "
        f"{', '.join(cells.columns)}; try: {suggest_command(path, cells)}"
    )


def check_columns(
    frame: pd.DataFrame,
    options: Sequence[str],
    responses: Mapping[str, str],
    environment: Sequence[str],
) -> None:
    """Check that each column is there, and said to be one thing.

    Parameters
    ----------
    frame : DataFrame
        The table.
    options : sequence of str
        Names of option columns.
    responses : mapping of str to str
        Name of each response, and its unit.
    environment : sequence of str
        Names of environment columns.

    Raises
    ------
    DataError
        With the columns there are.
    """
    there = [str(name) for name in frame.columns]
    if not options or not responses:
        what = "options" if not options else "a response"
        raise DataError(
            f"the data need {what}; the columns are {', '.join(there)}: say "
            "options=[..], response=.., environment=[..]"
        )
    roles = {"option": options, "response": responses, "environment": environment}
    seen: dict[str, str] = {}
    for role, names in roles.items():
        for name in names:
            if name not in there:
                raise DataError(
                    f"no column {name!r} ({role}); the columns are {', '.join(there)}"
                )
            if name in seen:
                raise DataError(
                    f"column {name!r} is said to be {seen[name]} and {role}; one only"
                )
            seen[name] = role


def _is_empty(value: Any) -> bool:
    """Say whether a cell holds nothing."""
    return value is None or value != value or value == ""


def _is_measured(numbers: list[Any], levels: int) -> bool:
    """Say whether numbers look measured, not set."""
    values = np.asarray(numbers, dtype=float)
    fractions = bool(np.any(values != np.round(values)))
    return fractions and levels > 2 and levels >= MEASURED_SHARE * len(values)
