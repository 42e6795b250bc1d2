"""The exchange format: T.csv with one row a run, and T.json that describes it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure.errors import TableError
from measure.levels import Level, spelled
from measure.space import ConfigurationSpace

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Runs as rows, and what the columns are.

    Parameters
    ----------
    frame : DataFrame
        Option columns hold levels (None where an environment lacks the
        option), response columns float with NaN for missing.
    space : ConfigurationSpace
        The options that vary.
    responses : mapping of str to str
        Response column to SI symbol, empty if unknown.
    environment : tuple of str
        Columns that tell environments apart; none if the table is one.
    meta : tuple of str
        Columns that are neither.
    constant : mapping of str to level
        Options asked for that have one level throughout.
    """

    frame: pd.DataFrame
    space: ConfigurationSpace
    responses: Mapping[str, str]
    environment: tuple[str, ...] = ()
    meta: tuple[str, ...] = ()
    constant: Mapping[str, Level] | None = None


def description_path(path: str | Path) -> Path:
    """Return where the description of a table lies.

    Parameters
    ----------
    path : str or Path
        The table, such as ``T.csv`` or ``T.csv.gz``.

    Returns
    -------
    Path
        ``T.json`` beside it.

    Examples
    --------
    >>> description_path("results/T.csv.gz").as_posix()
    'results/T.json'
    """
    path = Path(path)
    name = path.name.removesuffix(".gz").removesuffix(".csv")
    return path.with_name(name + ".json")


def describe(table: Table) -> dict[str, Any]:
    """Return what T.json holds.

    Parameters
    ----------
    table : Table
        The runs.

    Returns
    -------
    dict
        A space file with the keys responses, environment and meta beside.
    """
    return {
        **table.space.to_dict(),
        "responses": dict(table.responses),
        "environment": list(table.environment),
        "meta": list(table.meta),
    }


def write_table(table: Table, path: str | Path) -> None:
    """Write T.csv and T.json.

    Both are written under another name first and then renamed, so that what
    stood there is never half overwritten.

    Parameters
    ----------
    table : Table
        The runs; a table without rows writes the header.
    path : str or Path
        The CSV file; its folder must exist.

    Raises
    ------
    TableError
        If they cannot be written.
    """
    import json

    path = Path(path)
    frame = table.frame.copy()
    for name in frame.columns:
        if frame[name].dtype == bool or frame[name].dtype == object:
            frame[name] = [_cell(value) for value in frame[name]]
    text = frame.to_csv(index=False, lineterminator="\n")
    write_whole(path, text)
    write_whole(
        description_path(path),
        json.dumps(describe(table), indent=1, ensure_ascii=False) + "\n",
    )


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return spelled(value) if isinstance(value, bool) else value


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all: what stood there is never half overwritten.

    Parameters
    ----------
    path : pathlib.Path
        What ``--out`` named, or what lies beside it; compressed if the name ends in
        ``.gz``.
    text : str
        What it shall hold.

    Raises
    ------
    TableError
        If it cannot be written.
    """
    import gzip

    temporary = path.with_name(path.name + ".writing")
    content = text.encode()
    try:
        temporary.write_bytes(
            gzip.compress(content, mtime=0) if path.suffix == ".gz" else content
        )
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise TableError(
            f"{path}: cannot be written: {error.strerror}; choose another --out"
        ) from error
