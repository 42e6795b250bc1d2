"""The name that a misspelt one stands for."""

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
