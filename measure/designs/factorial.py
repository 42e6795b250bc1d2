"""Factorial designs: every combination of the levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from measure.designs.base import Design, made, offered_rows
from measure.errors import DesignError
from measure.space import ConfigurationSpace

if TYPE_CHECKING:
    import pandas as pd

LARGEST_FACTORIAL = 10_000_000  # rows that a table of them can hold


def full_factorial(
    space: ConfigurationSpace,
    *,
    model: str = "main",
    candidates: pd.DataFrame | None = None,
) -> Design:
    """Return all valid configurations, the last option changing fastest.

    Parameters
    ----------
    space : ConfigurationSpace
        The options; forbidden combinations are left out, and the notes say how many.
    model : str, default="main"
        What the design is judged by.
    candidates : DataFrame, optional
        The only rows to take; the notes say how many others there are.

    Returns
    -------
    Design
        One run a valid configuration.

    Raises
    ------
    DesignError
        If there are more than ten million, or no candidate is valid.

    References
    ----------
    .. [1] Montgomery, *Design and Analysis of Experiments*, factorial designs.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2]},
    ...     "onednn": {"kind": "boolean"}},
    ...     "forbid": [{"threads": 1, "onednn": True}]})
    >>> full_factorial(space).frame
       threads  onednn
    0        1   False
    1        2   False
    2        2    True
    """
    size = space.size()
    if candidates is not None:
        rows = offered_rows(space, candidates)
        left_out = size - len(rows)
        told = f"{left_out} of {size} configurations are no candidates and left out"
        notes = (told,) if left_out else ()
        return made("full-factorial", space, rows, model=model, notes=notes)
    if size > LARGEST_FACTORIAL:
        raise DesignError(
            f"full-factorial design: {size} configurations, more than "
            f"{LARGEST_FACTORIAL}; name fewer options, or choose --design d-optimal"
        )
    total = 1
    for option in space.options:
        total *= len(option.levels)
    notes = ()
    if size < total:
        notes = (f"{total - size} of {total} combinations are forbidden and left out",)
    return made("full-factorial", space, space.all_rows(), model=model, notes=notes)
