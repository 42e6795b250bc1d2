"""What carries over between two environments: yes, no, or undecided and why."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.transfer.similarity import (
    Estimate,
    best_overlap,
    invalid_overlap,
    pearson_interval,
    ratio_of_spreads,
    spearman_interval,
)

__all__ = [
    "FEWEST_RUNS",
    "MOST_RUNS",
    "NO",
    "UNDECIDED",
    "YES",
    "Verdict",
    "against",
    "judge_distribution",
    "judge_invalid",
    "judge_optimum",
    "judge_rank",
    "more_runs",
    "too_few",
    "undecided",
]

Floats = NDArray[np.float64]

YES, NO, UNDECIDED = "yes", "no", "undecided"
FEWEST_RUNS = 20  # target runs below which verdicts are right too rarely to print
RANK_HOLDS = 0.7  # Spearman's correlation
BEST_HOLDS = 0.5  # share of the best tenth that both have
INVALID_HOLDS = 0.5  # Jaccard index
SPREAD_MARGIN = 1.25  # factor within which two spreads count as equal
MOST_RUNS = 10_000  # more would not be measured: the estimate is at the limit


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
        How many further target runs would probably decide; None if it is decided, or
        if no reasonable number would.
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
    return _verdict(UNDECIDED, kind, estimate, None, reason)


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
    reason = f"{n} target runs are too few for a verdict: measure {more} more"
    return _verdict(UNDECIDED, kind, estimate, more, reason)


def _verdict(
    verdict: str,
    kind: str,
    estimate: Estimate | None,
    runs: int | None,
    reason: str,
    details: dict[str, Any] | None = None,
) -> Verdict:
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
        None if more than 10,000 would be needed, or there is no interval.

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


def against(
    kind: str,
    estimate: Estimate,
    margin: float,
    scale: Callable[[float], float],
    words: tuple[str, str],
    details: dict[str, Any],
    high_is_yes: bool = True,
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

    Returns
    -------
    Verdict
        Undecided if the interval holds the margin.
    """
    above, below = estimate.lower >= margin, estimate.upper < margin
    yes, no = (above, below) if high_is_yes else (below, above)
    if yes or no:
        verdict, reason = (YES, words[0]) if yes else (NO, words[1])
        return _verdict(verdict, kind, estimate, None, reason, details)
    runs = more_runs(estimate, margin, scale)
    ask = (
        f"measure {runs} more"
        if runs is not None
        else "no number of runs in reach would leave it out"
    )
    reason = (
        f"the interval {estimate.lower:.2f} to {estimate.upper:.2f} holds {margin:g}: "
        f"{ask}"
    )
    return _verdict(UNDECIDED, kind, estimate, runs, reason, details)


def _atanh(value: float) -> float:
    return math.atanh(min(max(value, -1 + 1e-9), 1 - 1e-9))


def judge_rank(source: Floats, target: Floats) -> Verdict:
    """Judge whether the order of configurations carries over.

    Parameters
    ----------
    source, target : ndarray of shape (n,)
        Log responses of the same configurations.

    Returns
    -------
    Verdict
        By Spearman's correlation against 0.7; Pearson's, of the log responses, stands
        in the details.
    """
    rho = spearman_interval(source, target)
    linear = pearson_interval(source, target)
    details = {
        "pearson": {
            "estimate": _plain(linear.estimate),
            "lower": _plain(linear.lower),
            "upper": _plain(linear.upper),
        }
    }
    if math.isnan(rho.estimate):
        return undecided("spearman", "one side does not vary: there is no order")
    if len(source) < FEWEST_RUNS:
        few = too_few("spearman", len(source), rho)
        return _with(few, details)
    return against(
        "spearman",
        rho,
        RANK_HOLDS,
        _atanh,
        ("the order carries over", "the order does not carry over"),
        details,
    )


def judge_optimum(source: Floats, target: Floats, top_share: float = 0.1) -> Verdict:
    """Judge whether the best configurations carry over.

    Parameters
    ----------
    source, target : ndarray of shape (n,)
        Log responses of the same configurations, low being good.
    top_share : float, default=0.1
        How many count as the best.

    Returns
    -------
    Verdict
        By the share of the best that both have, against 0.5. The details hold the
        hypergeometric p of as many by chance, and the regret: how much worse than the
        target's best the source's best is there.
    """
    found = best_overlap(source, target, top_share)
    regret = math.expm1(float(target[np.argmin(source)] - np.min(target)))
    details = {
        "common": found.common,
        "of": found.of,
        "p": _plain(found.p),
        "regret": regret,
    }
    kind = "overlap of the best tenth"
    if len(source) < FEWEST_RUNS:
        return _with(too_few(kind, len(source), found.share), details)
    return against(
        kind,
        found.share,
        BEST_HOLDS,
        float,
        (
            "the best of the source are mostly the best of the target",
            "the best of the source are mostly not the best of the target",
        ),
        details,
    )


def judge_distribution(source: Floats, target: Floats) -> Verdict:
    """Judge whether the log responses spread alike: an equivalence test.

    Parameters
    ----------
    source, target : ndarray of shape (n,)
        Log responses of the same configurations.

    Returns
    -------
    Verdict
        Yes if the interval of the ratio of spreads lies within 0.8 to 1.25.
    """
    ratio = ratio_of_spreads(source, target)
    kind = "ratio of spreads"
    if not math.isfinite(ratio.estimate):
        return undecided(kind, "one side does not vary: there is no spread")
    if len(source) < FEWEST_RUNS:
        return too_few(kind, len(source), ratio)
    low, high = 1 / SPREAD_MARGIN, SPREAD_MARGIN
    if low <= ratio.lower and ratio.upper <= high:
        return _verdict(YES, kind, ratio, None, "the log responses spread alike")
    if ratio.upper < low or ratio.lower > high:
        wider = "wider" if ratio.estimate > 1 else "narrower"
        reason = f"the target's log responses spread {wider} than the source's"
        return _verdict(NO, kind, ratio, None, reason)
    margin = low if ratio.estimate < 1 else high
    runs = more_runs(ratio, margin, math.log)
    reason = (
        f"the interval {ratio.lower:.2f} to {ratio.upper:.2f} is neither within "
        f"{low:g} to {high:g} nor outside"
    )
    if runs is not None:
        reason += f": measure {runs} more"
    return _verdict(UNDECIDED, kind, ratio, runs, reason)


def judge_invalid(source: NDArray[np.bool_], target: NDArray[np.bool_]) -> Verdict:
    """Judge whether the same configurations are invalid.

    Parameters
    ----------
    source, target : ndarray of bool of shape (n,)
        True where a configuration failed, of those that were tried on both sides.

    Returns
    -------
    Verdict
        By the Jaccard index against 0.5; the details hold how well the source's
        failures tell the target's (AUC).
    """
    found = invalid_overlap(source, target)
    kind = "Jaccard index of the invalid"
    if not found.of:
        return undecided(kind, "no configuration failed on either side")
    details: dict[str, Any] = {"common": found.common, "of": found.of}
    if target.any() and not target.all():
        caught = float(np.mean(source[target]))
        spared = float(np.mean(~source[~target]))
        details["auc"] = (caught + spared) / 2
    if len(source) < FEWEST_RUNS:
        return _with(too_few(kind, len(source), found.share), details)
    return against(
        kind,
        found.share,
        INVALID_HOLDS,
        float,
        (
            "mostly the same configurations are invalid",
            "mostly other configurations are invalid",
        ),
        details,
    )


def _with(verdict: Verdict, details: dict[str, Any]) -> Verdict:
    return replace(verdict, details={**verdict.details, **details})


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
