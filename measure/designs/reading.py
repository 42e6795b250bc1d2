"""Designs as files: a header of option names, one row a run."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from measure.designs.base import GROUP_COLUMNS, Design, shown
from measure.errors import DesignError, LevelError
from measure.levels import Level, number, spelled
from measure.options import Option
from measure.space import ConfigurationSpace
from measure.spelling import did_you_mean
from measure.terms import IntArray, model_terms

if TYPE_CHECKING:
    import pandas as pd


def write_design(design: Design, path: str | Path) -> None:
    """Write a design as a file that `read_design` reads.

    Parameters
    ----------
    design : Design
        What to write.
    path : str or Path
        The file; its folder must exist.

    Raises
    ------
    DesignError
        If it cannot be written.
    """
    groups = [name for name in GROUP_COLUMNS if name in design.frame]
    names = [*design.space.names, *groups]
    try:
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            for values in zip(*(design.frame[name] for name in names), strict=True):
                writer.writerow([spelled(_plain(value)) for value in values])
    except OSError as error:
        raise DesignError(f"{path}: cannot be written: {error.strerror}") from error


def _plain(value: object) -> Level:
    item = getattr(value, "item", None)
    found: Level = item() if callable(item) else value  # type: ignore[assignment]
    return found


def read_design(
    path: str | Path, space: ConfigurationSpace, *, model: str = "main"
) -> Design:
    """Read a design from a CSV file.

    Parameters
    ----------
    path : str or Path
        A header of option names, one row a run. Levels as in the space; booleans in
        any case; 1.0 is 1. The columns ``block`` and ``whole_plot`` group the runs.
    space : ConfigurationSpace
        The options there are. Those that the file lacks are not part of the design.
    model : str, default="main"
        What the design is judged by.

    Returns
    -------
    Design
        Its space holds the options of the file, in the order of `space`.

    Raises
    ------
    DesignError
        If the file cannot be read, has an unknown column or a value that is no level
        (the line is named), or holds a forbidden configuration.
    """
    import pandas as pd

    frame, lines = _read(path)
    unknown = [c for c in frame.columns if c not in space.names]
    unknown = [c for c in unknown if c not in GROUP_COLUMNS]
    if unknown:
        raise DesignError(
            f"{path}: column {unknown[0]!r} is no option; options are "
            f"{', '.join(space.names)}, beside {' and '.join(GROUP_COLUMNS)}"
            f"{did_you_mean(unknown[0], [*space.names, *GROUP_COLUMNS])}"
        )
    names = [name for name in space.names if name in frame.columns]
    if not names:
        raise DesignError(
            f"{path}: no column is an option; options are {', '.join(space.names)}"
        )
    absent = [name for name in space.names if name not in frame.columns]
    notes: tuple[str, ...] = ()
    if absent:
        there = ", ".join(absent)
        notes = (f"{path} does not set {there}: they stay as the device has them",)
        space = _part(space, names)
    for name in names:
        option = space.options[name]
        values = zip(frame[name], lines, strict=True)
        levels = [_level(option, text, path, line) for text, line in values]
        frame[name] = pd.Series(levels, dtype=object)
    runs = space.decode(space.encode(frame))
    for name in GROUP_COLUMNS:
        if name in frame:
            runs[name] = _groups(frame[name].tolist())
    _refuse_forbidden(space, space.encode(runs), path, lines)
    terms = model_terms(space, model)
    return Design(
        name=Path(path).name,
        space=space,
        model=model,
        terms=terms.terms,
        left_out=terms.left_out,
        frame=runs,
        notes=notes,
    )


def _read(path: str | Path) -> tuple[pd.DataFrame, list[int]]:
    import pandas as pd

    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            rows, lines = [], []
            for row in reader:
                if any(cell.strip() for cell in row):
                    rows.append([cell.strip() for cell in row])
                    lines.append(reader.line_num)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DesignError(f"{path}: cannot be read as a CSV file: {reason}") from error
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise DesignError(f"{path}: column {twice[0]!r} is there twice")
    if not header or not rows:
        what = "a header of option names" if not header else "a row for each run"
        raise DesignError(f"{path}: the file lacks {what}")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise DesignError(
                f"{path}, line {line}: {len(row)} cells, but {len(header)} columns"
            )
    return pd.DataFrame(rows, columns=header, dtype=object), lines


def _level(option: Option, text: str, path: str | Path, line: int) -> Level:
    try:
        return option.check(text)
    except LevelError as error:
        value = number(text)
        if value is not None:
            try:
                return option.check(spelled(value))
            except LevelError:
                pass
        raise DesignError(f"{path}, line {line}: {error}") from error


def _part(space: ConfigurationSpace, names: list[str]) -> ConfigurationSpace:
    """Return the space of some options, with what is forbidden among them alone."""
    forbid = [
        item for item in space.forbid if all(c.option in names for c in item.conditions)
    ]
    return ConfigurationSpace([space.options[name] for name in names], forbid)


def _groups(labels: list[str]) -> list[int]:
    """Return whole numbers for labels: their own, or in order of appearance."""
    values = [number(label) for label in labels]
    if all(isinstance(value, int) for value in values):
        return [value for value in values if isinstance(value, int)]
    order = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    return [order[label] for label in labels]


def _refuse_forbidden(
    space: ConfigurationSpace, indices: IntArray, path: str | Path, lines: list[int]
) -> None:
    valid = space.valid(indices)
    if not valid.all():
        row = int((~valid).argmax())
        raise DesignError(
            f"{path}, line {lines[row]}: the configuration is forbidden "
            f"({shown(space, indices[row])}); change it, or free the combination in "
            "the space file"
        )
