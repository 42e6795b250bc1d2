"""Columns of a table: what they may be, and whether they are what was said."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.levels import number
from measure.spelling import did_you_mean, nearest
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
#: A column is of numbers if more than this share of its cells are.
STRAY_SHARE = 0.9
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
        found = map(number, values)
        numbers = [value for value in found if value is not None]
        levels = len(set(map(str, values)))
        # A misspelt number in a cell makes no other column the response.
        is_numeric = len(numbers) > STRAY_SHARE * len(values)
        if is_numeric:
            numeric.append(name)
        if name.lower() in PLACES:
            roles["environment"].append(name)
        elif is_numeric and _is_measured(numbers, levels):
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


def suggest_command(
    path: str | Path,
    cells: pd.DataFrame,
    options: Sequence[str] = (),
    response: Sequence[str] = (),
) -> str:
    """Write a `fit` command for a table that nothing describes.

    Parameters
    ----------
    path : str or Path
        The table.
    cells : DataFrame
        Its rows.
    options, response : sequence of str, optional
        What was said of it; a misspelt name stands for the one most like it.

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
    for role, names in (("response", response), ("options", options)):
        meant = [nearest(name, cells.columns) for name in names]
        said = [name for name in dict.fromkeys(meant) if name is not None]
        if said:
            roles = {
                other: [name for name in found if name not in said]
                for other, found in roles.items()
            }
            roles[role] = said
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
    from measure.table import description_path
    from measure.table_reading import read_cells

    if (options and response) or description_path(path).exists():
        return
    cells = read_cells(path)
    known = [names_of(said) for said in (options, response)]
    lacking = "options" if not options else "response"
    raise DataError(
        f"{path}: nothing says which columns are the {lacking}; the columns are "
        f"{', '.join(cells.columns)}; try: {suggest_command(path, cells, *known)}"
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
                    f"no column {name!r} ({role}); the columns are "
                    f"{', '.join(there)}{did_you_mean(name, there)}"
                )
            if name in seen:
                raise DataError(
                    f"column {name!r} is said to be {seen[name]} and {role}; one only"
                )
            seen[name] = role


def names_of(said: Any) -> tuple[str, ...]:
    """Return the names that were said.

    Parameters
    ----------
    said : object
        A name, several, a space, or nothing.

    Returns
    -------
    tuple of str
        Empty if nothing that names columns was said.
    """
    if isinstance(said, str):
        return (said,)
    names = getattr(said, "names", said)
    return tuple(map(str, names)) if names else ()


def _is_empty(value: Any) -> bool:
    """Say whether a cell holds nothing."""
    return value is None or value != value or value == ""


def _is_measured(numbers: list[Any], levels: int) -> bool:
    """Say whether numbers look measured, not set."""
    values = np.asarray(numbers, dtype=float)
    fractions = bool(np.any(values != np.round(values)))
    return fractions and levels > 2 and levels >= MEASURED_SHARE * len(values)
