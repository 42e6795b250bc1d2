"""Cells of a table: as levels and numbers, and as the space that they show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.errors import MeasureError
from measure.levels import number, spelled
from measure.options import Option
from measure.space import ConfigurationSpace
from perfmodel.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "infer_space",
    "level_cells",
    "place_cells",
    "response_cells",
    "space_of",
    "without_options",
]

#: A column of numbers with at most this share of other cells holds mistakes in them.
STRAY_SHARE = 0.05
#: Fewer levels than this do not vary.
FEWEST_LEVELS = 2


def infer_space(frame: pd.DataFrame) -> ConfigurationSpace:
    """Make a space of what the columns of a table show.

    Parameters
    ----------
    frame : DataFrame
        Option columns.

    Returns
    -------
    ConfigurationSpace
        A column of numbers is a numeric option, one of true and false boolean, any
        other categorical; levels are sorted. Columns of one level are not in it.

    Raises
    ------
    DataError
        If no column varies, or a column of numbers holds a few cells of text.

    Examples
    --------
    >>> import pandas as pd
    >>> space = infer_space(pd.DataFrame({"a": [4, 1, 1], "b": ["x", "y", "x"]}))
    >>> [(option.name, option.kind, option.levels) for option in space.options]
    [('a', 'numeric', (1, 4)), ('b', 'categorical', ('x', 'y'))]
    """
    options = [
        option for name in frame.columns if (option := _inferred(frame[name], name))
    ]
    if not options:
        raise DataError(
            f"no option varies: {', '.join(map(str, frame.columns)) or 'none given'}; "
            "give at least one option column with two levels"
        )
    return ConfigurationSpace(options)


def space_of(
    frame: pd.DataFrame, space: ConfigurationSpace | None
) -> ConfigurationSpace:
    """Take the part of a space that the columns are, and infer the options it lacks.

    Parameters
    ----------
    frame : DataFrame
        Option columns.
    space : ConfigurationSpace or None
        What is known of them.

    Returns
    -------
    ConfigurationSpace
        Of options that are columns.
    """
    if space is None:
        return infer_space(frame)
    gone = [name for name in space.names if name not in frame.columns]
    if len(gone) < len(space.names):
        space = without_options(space, gone) if gone else space
    else:
        return infer_space(frame)
    new = [name for name in frame.columns if name not in space.names]
    inferred = [
        option for name in new if (option := _inferred(frame[name], name)) is not None
    ]
    if not inferred:
        return space
    return ConfigurationSpace([*space.options, *inferred], space.forbid)


def _inferred(column: pd.Series[Any], name: Any) -> Option | None:
    """Make an option of a column, or None if it does not vary."""
    from measure.table_reading import infer_option

    cells = column[column.notna()]
    levels = [level for level in dict.fromkeys(cells.astype(object)) if level != ""]
    numbers = {level for level in levels if number(level) is not None}
    stray = [level for level in levels if level not in numbers]
    if len(numbers) >= FEWEST_LEVELS and stray:
        wrong = column.isin(stray).to_numpy()
        if wrong.mean() <= STRAY_SHARE:
            raise DataError(
                f"row {int(np.flatnonzero(wrong)[0]) + 1}, column {name!r}: "
                f"{spelled(stray[0])!r} is text in a column of numbers; correct the "
                "cell, leave it empty, or give a space that says the option is "
                "categorical"
            )
    return infer_option(str(name), [spelled(level) for level in levels])


def without_options(
    space: ConfigurationSpace, gone: Iterable[str]
) -> ConfigurationSpace:
    """Drop options, and what is forbidden about them.

    Parameters
    ----------
    space : ConfigurationSpace
        The space.
    gone : iterable of str
        Names of options to drop.

    Returns
    -------
    ConfigurationSpace
        Of the others.

    Raises
    ------
    DataError
        If none is left.
    """
    names = set(gone)
    kept = [option for option in space.options if option.name not in names]
    forbid = [
        item
        for item in space.forbid
        if not names & {condition.option for condition in item.conditions}
    ]
    if not kept:
        raise DataError("every option is empty in these runs; choose other runs")
    return ConfigurationSpace(kept, forbid)


def response_cells(column: pd.Series[Any], name: str) -> pd.Series[float]:
    """Turn a response column into numbers.

    Parameters
    ----------
    column : Series
        Numbers, or text that spells them.
    name : str
        Its name, for messages.

    Returns
    -------
    Series
        NaN where the cell is empty.

    Raises
    ------
    DataError
        With the row of what is no number.
    """
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    empty = column.isna() | (column.astype(str).str.strip() == "")
    text = column.astype(str).str.strip().str.lower() == "nan"
    wrong = np.flatnonzero(numbers.isna() & ~empty & ~text)
    if len(wrong):
        cell = column.iloc[wrong[0]]
        raise DataError(
            f"row {wrong[0] + 1}, column {name!r}: {cell!r} is not a number; "
            "correct it, or leave the cell empty for a failed run"
        )
    return numbers.astype(float)


def place_cells(column: pd.Series[Any]) -> pd.Series[Any]:
    """Spell environment values as text.

    Parameters
    ----------
    column : Series
        An environment column.

    Returns
    -------
    Series
        An empty cell is the empty text.
    """
    import pandas as pd

    words = ["" if pd.isna(value) else spelled(value) for value in column]
    return pd.Series(words, index=column.index, dtype=object)


def level_cells(column: pd.Series[Any], option: Option) -> pd.Series[Any]:
    """Spell the cells of an option as the space does.

    Parameters
    ----------
    column : Series
        Levels, or what spells them.
    option : Option
        The option.

    Returns
    -------
    Series
        Empty cells stay missing.

    Raises
    ------
    DataError
        With the row of what is no level.
    """
    import pandas as pd

    places, values = pd.factorize(column.astype(object))
    levels = np.empty(len(values) + 1, dtype=object)
    levels[-1] = None
    for position, value in enumerate(values):
        try:
            levels[position] = option.check(value)
        except MeasureError as error:
            row = int(np.flatnonzero(places == position)[0]) + 1
            raise DataError(f"row {row}: {error}") from error
    out = pd.Series(levels[places], index=column.index, dtype=object)
    if option.kind == "categorical":
        return out
    return out.infer_objects()
