"""What carries over between two environments: yes, no, or undecided and why."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from measure.spelling import several
from perfmodel.intervals import wilson_interval
from perfmodel.transfer.similarity import Estimate

__all__ = [
    "FEWEST_RUNS",
    "MOST_RUNS",
    "NO",
    "UNDECIDED",
    "YES",
    "Verdict",
    "against",
    "ask_for",
    "judged",
    "more_for_share",
    "more_runs",
    "too_few",
    "undecided",
]

YES, NO, UNDECIDED = "yes", "no", "undecided"
FEWEST_RUNS = (
    20  # target configurations below which verdicts are right too rarely to print
)
MOST_RUNS = 1000  # more would not be measured: the estimate is at the limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One judgement, what it rests on, and what would change it.

    Parameters
    ----------
    verdict : {"yes", "no", "undecided"}
        Whether it carries over.
    kind : str
        What was estimated, or how it carries over.
    estimate, lower, upper : float
        With its 95 % interval; NaN where there is none.
    runs_needed : int or None
        How many further target configurations would probably decide; None if it is
        decided, or if no reasonable number would.
    reason : str
        One sentence.
    details : dict
        What else was found, as plain data.
    """

    verdict: str
    kind: str
    estimate: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    runs_needed: int | None = None
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data, missing numbers as None.

        Returns
        -------
        dict
            Field name to value.
        """
        numbers = {
            name: getattr(self, name) if math.isfinite(getattr(self, name)) else None
            for name in ("estimate", "lower", "upper")
        }
        return {
            "verdict": self.verdict,
            "kind": self.kind,
            **numbers,
            "runs_needed": self.runs_needed,
            "reason": self.reason,
            **self.details,
        }


def undecided(kind: str, reason: str, estimate: Estimate | None = None) -> Verdict:
    """Say that nothing is said, and why.

    Parameters
    ----------
    kind : str
        What would have been judged.
    reason : str
        One sentence.
    estimate : Estimate, optional
        What is known nevertheless.

    Returns
    -------
    Verdict
        Undecided, without a number of runs that would help.
    """
    return judged(UNDECIDED, kind, estimate, None, reason)


def too_few(kind: str, n: int, estimate: Estimate | None = None) -> Verdict:
    """Say that the target has too few runs for this verdict.

    Parameters
    ----------
    kind : str
        What would have been judged.
    n : int
        Target runs there are.
    estimate : Estimate, optional
        What they say.

    Returns
    -------
    Verdict
        Undecided, with the number of further runs.
    """
    more = FEWEST_RUNS - n
    reason = (
        f"{several(n, 'target configuration')} are too few for a verdict: "
        f"{ask_for(more)}"
    )
    return judged(UNDECIDED, kind, estimate, more, reason)


def ask_for(configurations: int) -> str:
    """Say how much to measure; the same configurations again would not count.

    Parameters
    ----------
    configurations : int
        How many of the target are missing.

    Returns
    -------
    str
        A clause.

    Examples
    --------
    >>> ask_for(4)
    'measure 4 further configurations'
    """
    return f"measure {several(configurations, 'further configuration')}"


def judged(
    verdict: str,
    kind: str,
    estimate: Estimate | None,
    runs: int | None,
    reason: str,
    details: dict[str, Any] | None = None,
) -> Verdict:
    """Make a verdict of an estimate.

    Parameters
    ----------
    verdict : {"yes", "no", "undecided"}
        What is said.
    kind : str
        What was estimated.
    estimate : Estimate or None
        With its interval, if there is one.
    runs : int or None
        Further runs that would decide.
    reason : str
        One sentence.
    details : dict, optional
        What else was found.

    Returns
    -------
    Verdict
        With NaN where there is no estimate.
    """
    return Verdict(
        verdict=verdict,
        kind=kind,
        estimate=estimate.estimate if estimate else math.nan,
        lower=estimate.lower if estimate else math.nan,
        upper=estimate.upper if estimate else math.nan,
        runs_needed=runs,
        reason=reason,
        details=details or {},
    )


def more_runs(
    estimate: Estimate,
    margin: float,
    scale: Callable[[float], float] = float,
    n: int | None = None,
) -> int | None:
    """Further runs after which the interval would probably leave a margin out.

    Interval widths shrink with the root of the number of runs.

    Parameters
    ----------
    estimate : Estimate
        With its interval.
    margin : float
        What the interval shall not hold.
    scale : callable, default=float
        Scale on which the interval is symmetric.
    n : int, optional
        Runs there are; by default what the estimate rests on.

    Returns
    -------
    int or None
        None if more than 1000 would be needed, or there is no interval.

    Examples
    --------
    >>> more_runs(Estimate(estimate=0.6, lower=0.2, upper=1.0, n=20), 0.4)
    60
    """
    n = estimate.n if n is None else n
    if not math.isfinite(estimate.lower + estimate.upper + estimate.estimate):
        return None
    half = (scale(estimate.upper) - scale(estimate.lower)) / 2
    gap = abs(scale(estimate.estimate) - scale(margin))
    if gap == 0 or not half > 0:
        return None
    wanted = n * (half / gap) ** 2
    return max(math.ceil(round(wanted - n, 9)), 1) if wanted <= MOST_RUNS else None


def more_for_share(share: Estimate, of: int, margin: float) -> int | None:
    """Further runs after which Wilson's interval of a share would leave a margin out.

    Parameters
    ----------
    share : Estimate
        With the runs it rests on.
    of : int
        What it is a share of, among these runs.
    margin : float
        What the interval shall not hold.

    Returns
    -------
    int or None
        None if more than 1000 runs would be needed.

    Examples
    --------
    >>> more_for_share(Estimate(estimate=0.0, lower=0.0, upper=0.66, n=28), 2, 0.5)
    28
    """
    most = int(of * MOST_RUNS / share.n)
    for larger in range(of + 1, most + 1):
        lower, upper = wilson_interval(round(share.estimate * larger), larger)
        if lower >= margin or upper < margin:
            return max(math.ceil(share.n * larger / of) - share.n, 1)
    return None


def against(
    kind: str,
    estimate: Estimate,
    margin: float,
    scale: Callable[[float], float],
    words: tuple[str, str],
    details: dict[str, Any],
    high_is_yes: bool = True,
    of: int | None = None,
) -> Verdict:
    """Judge an interval against one margin.

    Parameters
    ----------
    kind : str
        What was estimated.
    estimate : Estimate
        With its interval.
    margin : float
        Where yes begins.
    scale : callable
        Scale on which the interval is symmetric.
    words : tuple of str
        What is so if the verdict is yes, and if it is no.
    details : dict
        For the record.
    high_is_yes : bool, default=True
        Whether estimates above the margin mean yes.
    of : int, optional
        What the estimate is a share of, if it is one with Wilson's interval.

    Returns
    -------
    Verdict
        Undecided if the interval holds the margin.
    """
    above, below = estimate.lower >= margin, estimate.upper < margin
    yes, no = (above, below) if high_is_yes else (below, above)
    if yes or no:
        verdict, reason = (YES, words[0]) if yes else (NO, words[1])
        return judged(verdict, kind, estimate, None, reason, details)
    runs = (
        more_runs(estimate, margin, scale)
        if of is None
        else more_for_share(estimate, of, margin)
    )
    ask = (
        ask_for(runs)
        if runs is not None
        else "no number of runs in reach would leave it out"
    )
    reason = (
        f"the interval {estimate.lower:.2f} to {estimate.upper:.2f} holds {margin:g}: "
        f"{ask}"
    )
    return judged(UNDECIDED, kind, estimate, runs, reason, details)
