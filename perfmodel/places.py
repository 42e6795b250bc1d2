"""Environments of a table: which there are, and the rows of some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.levels import spelled
from perfmodel.errors import SelectionError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["environments_of", "rows_of", "shown"]


def environments_of(
    frame: pd.DataFrame, columns: Sequence[str]
) -> list[dict[str, str]]:
    """List the environments, in the order of their first row.

    Parameters
    ----------
    frame : DataFrame
        The table.
    columns : sequence of str
        Those that say where a run was made.

    Returns
    -------
    list of dict
        Column to value; one empty dict if there are no columns.
    """
    if not columns:
        return [{}]
    rows = frame[list(columns)].drop_duplicates()
    return [dict(zip(columns, row, strict=True)) for row in rows.values]


def rows_of(
    frame: pd.DataFrame, columns: Sequence[str], values: Mapping[str, Any]
) -> NDArray[np.bool_]:
    """Find the rows of some environments.

    Parameters
    ----------
    frame : DataFrame
        The table.
    columns : sequence of str
        Those that say where a run was made.
    values : mapping of str to str, or to a sequence of str
        Column to its value, or to several.

    Returns
    -------
    ndarray of bool
        At least one is True.

    Raises
    ------
    SelectionError
        If there is no such column or value, or no row has all of them.
    """
    keep = np.ones(len(frame), dtype=bool)
    for column, value in values.items():
        if column not in columns:
            raise SelectionError(
                f"no environment column {column!r}; the data have "
                f"{', '.join(columns) or 'none'}"
            )
        there = dict.fromkeys(frame[column])
        several = isinstance(value, list | tuple | set | frozenset)
        wanted = {spelled(one) for one in (value if several else [value])}
        for one in sorted(wanted):
            if one not in there:
                raise SelectionError(
                    f"{column} has no {one!r}; choose one of {', '.join(there)}"
                )
        keep &= frame[column].isin(list(wanted)).to_numpy()
    if not keep.any():
        wanted_text = ", ".join(f"{k}={spelled(v)}" for k, v in values.items())
        raise SelectionError(
            f"no run has {wanted_text} together; there are "
            f"{'; '.join(map(shown, environments_of(frame, columns)))}"
        )
    return keep


def shown(place: Mapping[str, str]) -> str:
    """Write an environment in one line.

    Parameters
    ----------
    place : mapping of str to str
        Column to value.

    Returns
    -------
    str
        ``one`` where no column says.

    Examples
    --------
    >>> shown({"device": "tx1", "network": "resnet50"})
    'device=tx1, network=resnet50'
    """
    return ", ".join(f"{column}={value}" for column, value in place.items()) or "one"
