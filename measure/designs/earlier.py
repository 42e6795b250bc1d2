"""Runs that were made already, read from what a sweep's export or a design holds."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from measure.designs.base import GROUP_COLUMNS
from measure.designs.reading import read_design
from measure.errors import DesignError, LevelError
from measure.space import ConfigurationSpace

if TYPE_CHECKING:
    import pandas as pd

#: Columns of an export that tell environments apart, and repeats of a row.
_PLACE = ("device", "network", "workload", "version")
_REPEAT = "replicate"
_SWEEP = "sweep_id"


def read_earlier(
    path: str | Path, space: ConfigurationSpace
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read the runs that a design shall keep.

    Parameters
    ----------
    path : str or Path
        A D.csv; or a table of runs, such as ``measure export`` writes: its further
        columns are left out.
    space : ConfigurationSpace
        The options of the design; the file must have a column for each.

    Returns
    -------
    DataFrame
        Option columns with levels, and ``whole_plot`` where the file has it. Of a
        table of several environments the rows of one, since all measure the same
        design; repeats of a row once.
    tuple of str
        What was left out, a sentence each.

    Raises
    ------
    DesignError
        If the file cannot be read, lacks an option or holds a value that is no level.

    Examples
    --------
    >>> read_earlier("no.csv", ConfigurationSpace.from_dict(
    ...     {"options": {"onednn": {"kind": "boolean"}}}))
    Traceback (most recent call last):
    measure.errors.DesignError: no.csv: cannot be read as a CSV file: No such file or \
directory
    """
    header = _header(path)
    lacking = [name for name in space.names if name not in header]
    if lacking and header:
        raise DesignError(
            f"{path}: runs to keep need a level of every option; it lacks the column "
            f"{lacking[0]!r}: name another file, or leave it out of the space file"
        )
    is_table = bool(set(header) - {*space.names, *GROUP_COLUMNS})
    if not is_table:
        frame = read_design(path, space).frame
        return frame.drop(columns="block", errors="ignore"), ()
    return _from_table(Path(path), space)


def _header(path: str | Path) -> list[str]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return [name.strip() for name in next(csv.reader(file), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DesignError(f"{path}: cannot be read as a CSV file: {reason}") from error


def _from_table(
    path: Path, space: ConfigurationSpace
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the distinct design rows of a table of runs."""
    import pandas as pd

    cells = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    cells.columns = [str(name).strip() for name in cells.columns]
    notes = [f"{path}: {len(cells)} runs"]
    if "role" in cells:
        cells = cells[cells["role"] != "reference"]
    if "status" in cells and "status" not in space.names:
        failed = cells["status"] == "failed"
        if failed.any():
            notes.append(f"{int(failed.sum())} failed and are left out")
        cells = cells[~failed]
    place = [name for name in _PLACE if name in cells and name not in space.names]
    if place and len(cells):
        several = cells.groupby(place, sort=False)
        if several.ngroups > 1:
            first = max(several.groups, key=lambda key: len(several.groups[key]))
            cells = several.get_group(first)
            shown = "/".join(first if isinstance(first, tuple) else (first,))
            notes.append(
                f"it holds {several.ngroups} environments: kept are the rows of {shown}"
            )
    if _REPEAT in cells and _REPEAT not in space.names:
        cells = _each_row_once(cells, list(space.names))
    rows = []
    for line, row in zip(cells.index, cells[list(space.names)].to_numpy()):
        try:
            rows.append([o.check(text) for o, text in zip(space.options, row)])
        except LevelError as error:
            raise DesignError(f"{path}, line {int(line) + 2}: {error}") from error
    if not rows:
        raise DesignError(f"{path}: it holds no run to keep; leave out --augment")
    frame = pd.DataFrame(rows, columns=list(space.names), dtype=object)
    frame = space.decode(space.encode(frame))
    plots = _plots(cells)
    if plots is not None:
        frame["whole_plot"] = plots
    return frame, tuple(notes)


def _each_row_once(cells: pd.DataFrame, options: list[str]) -> pd.DataFrame:
    """Return one run of each design row: repeats of a row are no rows of their own.

    A row is known by its configuration alone, which a design may hold several times:
    as often as one number of repeat has it.
    """
    row = [name for name in (_SWEEP, *options) if name in cells]
    nth = cells.groupby([*row, _REPEAT], sort=False).cumcount()
    return cells[~cells[row].assign(nth=nth).duplicated()]


def _plots(cells: pd.DataFrame) -> list[int] | None:
    """Return numbers of the whole plots: those of two sweeps are not the same."""
    if "whole_plot" not in cells or not (cells["whole_plot"] != "").any():
        return None
    names = [n for n in (_SWEEP, "block", "whole_plot") if n in cells]
    keys: dict[tuple[str, ...], int] = {}
    found = []
    for place, row in enumerate(cells[names].itertuples(index=False, name=None)):
        key = row if row[-1] != "" else (str(place), "no plot")
        found.append(keys.setdefault(key, len(keys)))
    return found
