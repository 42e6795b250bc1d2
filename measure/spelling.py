"""Words as they are printed: the name that a misspelt one stands for, and counts."""

from __future__ import annotations

from collections.abc import Iterable

#: Least likeness of two names, from 0 to 1, for one to stand for the other.
_ALIKE = 0.6


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like another, if one is.

    Parameters
    ----------
    name : str
        As it was written.
    names : iterable of str
        As they are.

    Returns
    -------
    str or None
        The same in another case first; None if none is like it.

    Examples
    --------
    >>> nearest("tme_s", ["time_s", "size_mb"]), nearest("zzz", ["time_s"])
    ('time_s', None)
    """
    from difflib import get_close_matches

    there = {one.lower(): one for one in reversed(list(names))}
    found = get_close_matches(name.lower(), list(there), n=1, cutoff=_ALIKE)
    return there[found[0]] if found else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return the end of an error on a name that is not there.

    Parameters
    ----------
    name : str
        As it was written.
    names : iterable of str
        As they are.

    Returns
    -------
    str
        Empty if none is like it.

    Examples
    --------
    >>> did_you_mean("tme_s", ["time_s", "size_mb"])
    "; did you mean 'time_s'?"
    """
    found = nearest(name, names)
    return f"; did you mean {found!r}?" if found is not None else ""


def several(count: int, thing: str) -> str:
    """Return a number of things in words.

    Parameters
    ----------
    count : int
        How many.
    thing : str
        What one of them is called.

    Returns
    -------
    str
        In the plural unless it is one.

    Examples
    --------
    >>> several(1, "run"), several(40, "reference run")
    ('1 run', '40 reference runs')
    """
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def runs_of(runs: int, configurations: int) -> str:
    """Return how many runs there are, and of how many configurations if of fewer.

    A run is a measurement; models learn from the mean of each configuration's runs.

    Parameters
    ----------
    runs, configurations : int
        How many.

    Returns
    -------
    str
        In words.

    Examples
    --------
    >>> runs_of(32, 32), runs_of(40, 32)
    ('32 runs', '40 runs of 32 configurations')
    """
    if runs == configurations:
        return several(runs, "run")
    return f"{several(runs, 'run')} of {several(configurations, 'configuration')}"
