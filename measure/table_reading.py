"""Reading the exchange format, or any table that flags describe: nothing is guessed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure.documents import read_document
from measure.errors import LevelError, SpaceError, TableError
from measure.levels import Level, number
from measure.options import Kind, Option
from measure.space import ConfigurationSpace
from measure.spelling import did_you_mean
from measure.table import Table, description_path

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["infer_option", "read_cells", "read_table"]

# A column whose distinct values are words up to this share is meant to be numeric.
_STRAY_SHARE = 0.2
DESCRIPTION_KEYS = ("options", "forbid", "responses", "environment", "meta")


def read_cells(path: str | Path) -> pd.DataFrame:
    """Read a CSV file as text, so that nothing is guessed.

    Parameters
    ----------
    path : str or Path
        A header and rows; compressed if the name ends in ``.gz``.

    Returns
    -------
    DataFrame
        All columns str, empty cells ``""``.

    Raises
    ------
    TableError
        If it cannot be read, has no rows, or names a column twice.
    """
    import csv
    import gzip

    path = Path(path)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, strict=True) if row]
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TableError(f"{path}: cannot be read as CSV: {reason}") from error
    if not rows:
        raise TableError(f"{path}: empty; a header and at least one row are needed")
    header = [name.strip() for name in rows[0]]
    if len(header) == 1 and ";" in header[0]:
        raise TableError(f"{path}: columns are separated by ';'; commas are needed")
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise TableError(f"{path}: the column {twice[0]!r} stands twice in the header")
    if len(rows) == 1:
        raise TableError(f"{path}: no rows below the header")
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise TableError(
                f"{path}: row {line - 1} has {len(row)} cells; the header has "
                f"{len(header)}"
            )
    import pandas as pd

    return pd.DataFrame(rows[1:], columns=header, dtype=object)


def read_table(
    path: str | Path,
    *,
    options: Sequence[str] | None = None,
    responses: Sequence[str] | None = None,
    environment: Sequence[str] | None = None,
    space: ConfigurationSpace | None = None,
) -> Table:
    """Read a table, described by its T.json or by the arguments.

    Parameters
    ----------
    path : str or Path
        The CSV file.
    options, responses, environment : sequence of str, optional
        Columns; what is given here stands before T.json.
    space : ConfigurationSpace, optional
        Levels and forbidden combinations of the options; inferred if neither
        this nor T.json has them.

    Returns
    -------
    Table
        With levels and numbers in place of text.

    Raises
    ------
    TableError
        With the row and column of what does not fit, or the columns there are.
    """
    cells = read_cells(path)
    described = description_path(path)
    units: dict[str, str] = {}
    meta: list[str] = []
    if described.exists():
        given = _read_description(described)
        units = dict(given.get("responses", {}))
        meta = list(given.get("meta", []))
        if environment is None:
            environment = list(given.get("environment", []))
        if space is None and options is None and "options" in given:
            space = _space_of(given, described)
        if responses is None:
            responses = list(units)
    if options is None and space is not None:
        options = space.names
    if not options or not responses:
        lacking = "options" if not options else "response"
        raise TableError(
            f"{path}: no {described.name} beside it and no --{lacking} given; "
            f"columns are {', '.join(cells.columns)}"
        )
    environment = tuple(environment or ())
    _require(path, cells, [*options, *responses, *environment])
    columns: dict[str, Any] = {}
    constant: dict[str, Level] = {}
    known: list[Option] = []
    for name in cells.columns:
        values = list(cells[name])
        if name in options:
            option = space.options[name] if space and name in space.names else None
            option = option or _inferred(path, name, values)
            if option is None:
                levels = {value for value in values if value != ""}
                constant[name] = levels.pop() if levels else ""
                columns[name] = values
                continue
            known.append(option)
            columns[name] = _levels(path, option, values)
        elif name in responses:
            columns[name] = _numbers(path, name, values)
        else:
            columns[name] = values
    if space is None:
        if not known:
            raise TableError(f"{path}: every option has one level; nothing varies")
        order = {name: i for i, name in enumerate(options)}
        space = ConfigurationSpace(sorted(known, key=lambda o: order[o.name]))
    import pandas as pd

    frame = pd.DataFrame(
        {
            name: (
                pd.Series(column, dtype=object)
                if name not in responses
                else pd.Series(column, dtype=float)
            )
            for name, column in columns.items()
        }
    )
    for option in known:
        frame[option.name] = _narrow(frame[option.name])
    known_columns = {*options, *responses, *environment}
    return Table(
        frame=frame,
        space=space,
        responses={name: units.get(name, "") for name in responses},
        environment=environment,
        meta=tuple(name for name in meta if name not in known_columns),
        constant=constant,
    )


def infer_option(name: str, values: Iterable[str]) -> Option | None:
    """Return the option that a column's distinct values make.

    Parameters
    ----------
    name : str
        The column.
    values : iterable of str
        Its cells; empty ones are missing.

    Returns
    -------
    Option or None
        Numeric if all are numbers, boolean if all are true or false, else
        categorical, levels sorted; None if fewer than two differ.

    Examples
    --------
    >>> infer_option("threads", ["4", "1", "", "1.0"]).levels
    (1, 4)
    """
    distinct = sorted({value for value in values if value != ""})
    found = {float(n): n for n in map(number, distinct) if n is not None}
    words = {value.lower() for value in distinct}
    levels: tuple[Level, ...] = tuple(distinct)
    kind: Kind = "categorical"
    if all(number(value) is not None for value in distinct):
        levels, kind = tuple(found[key] for key in sorted(found)), "numeric"
    elif words == {"true", "false"}:
        levels, kind = (False, True), "boolean"
    if len(levels) < 2:
        return None
    return Option(name=name, levels=levels, kind=kind)


def _inferred(path: str | Path, name: str, values: Sequence[str]) -> Option | None:
    """Infer an option, but refuse a stray word in a column of many numbers."""
    distinct = set(values) - {""}
    words = {value for value in distinct if number(value) is None}
    if 0 < len(words) <= _STRAY_SHARE * len(distinct):
        word = next(value for value in values if value in words)
        raise TableError(
            f"{path}: row {values.index(word) + 1}: the option {name!r} is {word!r} "
            "where most cells are numbers; correct it, or declare the levels with "
            "--space"
        )
    return infer_option(name, values)


def _read_description(path: Path) -> Mapping[str, Any]:
    try:
        document, _ = read_document(path)
    except SpaceError as error:
        raise TableError(str(error)) from error
    if not isinstance(document, Mapping):
        raise TableError(f"{path}: not a mapping; a T.json has the key options")
    for key, kind in (("responses", dict), ("environment", list), ("meta", list)):
        if not isinstance(document.get(key, kind()), kind):
            raise TableError(f"{path}: {key} must be a {kind.__name__}")
    unknown = [key for key in document if key not in DESCRIPTION_KEYS]
    if unknown:
        raise TableError(
            f"{path}: no key {unknown[0]!r}; choose from {', '.join(DESCRIPTION_KEYS)}"
        )
    return document


def _space_of(document: Mapping[str, Any], path: Path) -> ConfigurationSpace:
    entries = {key: document[key] for key in ("options", "forbid") if key in document}
    try:
        return ConfigurationSpace.from_dict(entries)
    except SpaceError as error:
        raise TableError(f"{path}: {error}") from error


def _require(path: str | Path, cells: pd.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in cells.columns:
            raise TableError(
                f"{path}: no column {name!r}; columns are {', '.join(cells.columns)}"
                f"{did_you_mean(name, cells.columns)}"
            )
        if list(names).count(name) > 1:
            raise TableError(
                f"{path}: the column {name!r} is named twice; it is an option, a "
                "response or of the environment"
            )


def _levels(
    path: str | Path, option: Option, values: Sequence[str]
) -> list[Level | None]:
    found: dict[str, Level | None] = {"": None}
    for row, value in enumerate(values, start=1):
        if value not in found:
            try:
                found[value] = option.check(value)
            except LevelError as error:
                raise TableError(f"{path}: row {row}: {error}") from error
    return [found[value] for value in values]


def _numbers(path: str | Path, name: str, values: Sequence[str]) -> list[float]:
    numbers = []
    for row, value in enumerate(values, start=1):
        try:
            numbers.append(float(value) if value.strip() else math.nan)
        except ValueError as error:
            raise TableError(
                f"{path}: row {row}: the response {name!r} is {value!r}; a number or "
                "an empty cell is needed"
            ) from error
    return numbers


def _narrow(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give a complete column of numbers or booleans its own type."""
    values = list(column)
    kinds = {type(value) for value in values}
    if kinds in ({bool}, {int}, {float}, {int, float}) and None not in values:
        import pandas as pd

        narrow = bool if kinds == {bool} else int if kinds == {int} else float
        return pd.Series(values, dtype=narrow)
    return column
