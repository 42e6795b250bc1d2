"""What the flags of runs say of a sweep: clocks, heat, power samples."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of flag.

    Parameters
    ----------
    marks : tuple of str
        A flag with one of these in it is of this kind.
    what : str
        The kind of finding.
    grave : bool
        Whether results cannot be trusted where many runs have it.
    advice : str
        What to do about it.
    """

    marks: tuple[str, ...]
    what: str
    grave: bool
    advice: str


KINDS = (
    Kind(
        marks=("throttled",),
        what="thermal",
        grave=False,
        advice="cool the board, or leave out the highest clocks; read-back and clock "
        "samples tell whether they fell",
    ),
    Kind(
        marks=("of samples off by more", "of samples not readable", "not sampled"),
        what="clock",
        grave=True,
        advice="find what moves the clock: heat, a power mode, another program",
    ),
    Kind(
        marks=("power", "energy", "sensor", "baseline", "the reads of", "samples of"),
        what="interference",
        grave=False,
        advice="this is about power and energy only: measure longer (--seconds), and "
        "see that nothing else reads the sensor",
    ),
)
"""The first that fits counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """How many runs have flags of one kind.

    Parameters
    ----------
    kind : Kind
        Which.
    runs : int
        How many have one.
    commonest : str
        The flag that most of them have.
    """

    kind: Kind
    runs: int
    commonest: str


def flagged(flags: Sequence[Sequence[str]]) -> Iterator[Flagged]:
    """Yield each kind of flag that runs have.

    Parameters
    ----------
    flags : sequence of sequence of str
        Those of each run.

    Yields
    ------
    Flagged
        In the order of `KINDS`.

    Examples
    --------
    >>> found = list(flagged([["throttled: GPU-cap at 2"], [], ["few calls"]]))
    >>> [(one.kind.what, one.runs, one.commonest) for one in found]
    [('thermal', 1, 'throttled: GPU-cap at 2')]
    """
    for kind in KINDS:
        of_kind = [[one for one in run if kind_of(one) is kind] for run in flags]
        every = [one for run in of_kind for one in run]
        if every:
            yield Flagged(
                kind=kind,
                runs=sum(bool(run) for run in of_kind),
                commonest=statistics.mode(every),
            )


def kind_of(flag: str) -> Kind | None:
    """Return the kind of a flag.

    Parameters
    ----------
    flag : str
        Such as ``throttled: GPU-cap at 2``.

    Returns
    -------
    Kind or None
        None for flags that are judged elsewhere, or are for readers of a run only.
    """
    found = (kind for kind in KINDS if any(mark in flag for mark in kind.marks))
    return next(found, None)
