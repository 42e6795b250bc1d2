"""Levels: the values that options take, their spelling and their reading."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

Level = bool | int | float | str


def plain(value: Any) -> Any:
    """Return `value` as a plain Python value: numpy scalars lose their type.

    Parameters
    ----------
    value : object
        Anything; what has no ``item`` method comes back as it is.

    Returns
    -------
    object
        A bool, int, float or str where `value` was a numpy scalar.
    """
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def spelled(level: Level) -> str:
    """Return the one spelling of a level that files, tables and messages use.

    Parameters
    ----------
    level : bool, int, float or str
        A level of an option.

    Returns
    -------
    str
        ``true`` or ``false`` for booleans, whole floats without a fraction.

    Examples
    --------
    >>> spelled(True), spelled(8.0), spelled(0.35), spelled("xla")
    ('true', '8', '0.35', 'xla')
    """
    if isinstance(level, bool):
        return "true" if level else "false"
    if isinstance(level, float) and level.is_integer() and abs(level) < 1e15:
        return str(int(level))
    return str(level)


def number(value: Any) -> int | float | None:
    """Return `value` as a finite number, or None if it is not one.

    Text that spells a number counts, since YAML reads ``1e9`` as text; whole
    numbers come back as int.

    Parameters
    ----------
    value : object
        What a file or a caller gave.

    Returns
    -------
    int, float or None
        The number, or None.

    Examples
    --------
    >>> number("1e9"), number(0.5), number("fast"), number(True)
    (1000000000, 0.5, None, None)
    """
    value = plain(value)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
        try:
            value = float(value)
        except ValueError:
            return None
        if value.is_integer() and abs(value) < 1e15:
            return int(value)
    if isinstance(value, int | float) and math.isfinite(value):
        return value
    return None


def listed(levels: Iterable[Level], limit: int = 20) -> str:
    """Return levels as a comma-separated list for a message.

    Parameters
    ----------
    levels : iterable of level
        What to list.
    limit : int, default=20
        How many at most; the rest is counted.

    Returns
    -------
    str
        Such as ``1, 2, 4``.
    """
    words = [spelled(level) for level in levels]
    more = f", .. ({len(words)} in all)" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more
