"""How far long work is, told to whoever asked."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "part_of", "silent"]

Progress = Callable[[str, float], None]
"""Takes what is being done, and the share of the whole that is done, from 0 to 1."""


def silent(what: str, share: float) -> None:
    """Tell nobody.

    Parameters
    ----------
    what : str
        What is being done.
    share : float
        What is done, from 0 to 1.
    """


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """Give a part of some work its share of the whole.

    Parameters
    ----------
    progress : Progress
        Of the whole.
    start, end : float
        Shares of the whole between which the part lies.

    Returns
    -------
    Progress
        Of the part, from 0 to 1.

    Examples
    --------
    >>> second_half = part_of(lambda what, share: print(what, share), 0.5, 1.0)
    >>> second_half("explaining", 0.5)
    explaining 0.75
    """

    def told(what: str, share: float) -> None:
        progress(what, start + (end - start) * share)

    return told
