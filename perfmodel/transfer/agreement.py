"""Whether order, best, spread and failures of two environments agree."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.transfer.similarity import (
    best_overlap,
    invalid_overlap,
    pearson_interval,
    ratio_of_spreads,
    spearman_interval,
)
from perfmodel.transfer.verdicts import (
    FEWEST_RUNS,
    NO,
    UNDECIDED,
    YES,
    Verdict,
    against,
    ask_for,
    judged,
    more_runs,
    too_few,
    undecided,
)

__all__ = ["judge_distribution", "judge_invalid", "judge_optimum", "judge_rank"]

Floats = NDArray[np.float64]

RANK_HOLDS = 0.7  # Spearman's correlation
BEST_HOLDS = 0.5  # share of the best tenth that both have
INVALID_HOLDS = 0.5  # Jaccard index
SPREAD_MARGIN = 1.25  # factor within which two spreads count as equal


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
        of=found.of,
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
        return judged(YES, kind, ratio, None, "the log responses spread alike")
    if ratio.upper < low or ratio.lower > high:
        wider = "wider" if ratio.estimate > 1 else "narrower"
        reason = f"the target's log responses spread {wider} than the source's"
        return judged(NO, kind, ratio, None, reason)
    margin = low if ratio.estimate < 1 else high
    runs = more_runs(ratio, margin, math.log)
    reason = (
        f"the interval {ratio.lower:.2f} to {ratio.upper:.2f} is neither within "
        f"{low:g} to {high:g} nor outside"
    )
    if runs is not None:
        reason += f": {ask_for(runs)}"
    return judged(UNDECIDED, kind, ratio, runs, reason)


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
        of=found.of,
    )


def _with(verdict: Verdict, details: dict[str, Any]) -> Verdict:
    return replace(verdict, details={**verdict.details, **details})


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
