"""Ladders of clocks: how kernels list them, and when two clocks are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EMC_HZ: Mapping[str, tuple[int, ...]] = {
    "tx1": (204_000_000, 408_000_000, 665_600_000, 800_000_000)
    + (1_065_600_000, 1_331_200_000, 1_600_000_000),
    "tx2": (204_000_000, 408_000_000, 665_600_000, 800_000_000)
    + (1_062_400_000, 1_331_200_000, 1_600_000_000, 1_866_000_000),
}
"""Memory clocks of boards whose kernel does not list them, as [L4T] device trees do."""
_SAME = 0.01
"""A clock outside a ladder's rungs may be off by this share."""


def parse_rates(text: str, unit_hz: int = 1) -> tuple[int, ...]:
    """Return the clocks that a kernel lists, in hertz, ascending.

    Parameters
    ----------
    text : str
        Numbers; a last word ``(kHz)`` says their unit.
    unit_hz : int, default=1
        Their unit where nothing does.

    Returns
    -------
    tuple of int
        Each once; empty if there is something else in the text.

    Examples
    --------
    >>> parse_rates("72000 108000 (kHz)\\n")
    (72000000, 108000000)
    >>> parse_rates("102000 204000 \\n", 1000)
    (102000000, 204000000)
    """
    words = text.split()
    if words and words[-1].lower() == "(khz)":
        words, unit_hz = words[:-1], 1000
    if not all(word.isdigit() for word in words):
        return ()
    return tuple(sorted({int(word) * unit_hz for word in words}))


def tolerance_hz(ladder: Sequence[int], level: int) -> float:
    """Return how far an observed clock may be off and still be a level.

    Parameters
    ----------
    ladder : sequence of int
        Clocks, ascending.
    level : int
        One of them.

    Returns
    -------
    float
        Less than half the way to the next rung: a ladder and what the clock tells of
        itself differ by up to 0.5 MHz on a TX1.

    Examples
    --------
    >>> tolerance_hz((1_428_000_000, 1_555_000_000), 1_555_000_000) > 500_000
    True
    """
    steps = [abs(other - level) for other in ladder if other != level]
    return 0.49 * min(steps) if steps else _SAME * level


def nearest(ladder: Sequence[int], observed: int) -> int | None:
    """Return the rung that an observed clock is on.

    Parameters
    ----------
    ladder : sequence of int
        Clocks, ascending.
    observed : int
        What was read, in hertz.

    Returns
    -------
    int or None
        None where it is between two.

    Examples
    --------
    >>> nearest((1_428_000_000, 1_555_000_000), 1_555_500_000)
    1555000000
    >>> nearest((1_428_000_000, 1_555_000_000), 1_491_500_000)
    """
    if not ladder:
        return None
    level = min(ladder, key=lambda one: abs(one - observed))
    return level if abs(level - observed) <= tolerance_hz(ladder, level) else None
