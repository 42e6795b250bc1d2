"""Which influential options and interactions both environments share."""

from __future__ import annotations

import math
from typing import Any

from perfmodel.influence import InfluenceReport
from perfmodel.transfer.verdicts import (
    MOST_RUNS,
    NO,
    UNDECIDED,
    YES,
    Verdict,
    ask_for,
)

__all__ = ["compare_terms", "judge_terms"]

SMALLER = 0.5  # an effect is lost if it is surely less than this part of the other
GROUPS = ("shared", "flipped", "lost", "new", "unsure")


def compare_terms(
    source: InfluenceReport, target: InfluenceReport, order: int
) -> dict[str, list[str]]:
    """Sort the terms that are reported on either side.

    Parameters
    ----------
    source, target : InfluenceReport
        Of one model a side, with the same options.
    order : int
        1 for options, 2 for interactions.

    Returns
    -------
    dict of str to list of str
        ``shared``: reported on both sides, not with opposite signs; ``flipped``: with
        opposite ones; ``lost``: reported on the source, and surely less than half as
        large on the target; ``new``: the other way round; ``unsure``: reported on one
        side, and neither on the other.
    """
    rows = []
    for report in (source, target):
        frame = report.frame[report.frame["order"] == order]
        rows.append({row["term"]: row for row in frame.to_dict("records")})
    of_source, of_target = rows
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    for term in dict.fromkeys([*of_source, *of_target]):
        a, b = of_source.get(term), of_target.get(term)
        group = _group(a, b)
        if group:
            found[group].append(str(term))
    return found


def _group(a: dict[Any, Any] | None, b: dict[Any, Any] | None) -> str | None:
    """Say what became of one term."""
    in_a, in_b = bool(a and a["reported"]), bool(b and b["reported"])
    if in_a and in_b and a and b:
        return "flipped" if a["sign"] * b["sign"] < 0 else "shared"
    if in_a and a:
        return "lost" if _surely_less(b, a) else "unsure"
    if in_b and b:
        return "new" if _surely_less(a, b) else "unsure"
    return None


def _surely_less(small: dict[Any, Any] | None, large: dict[Any, Any]) -> bool:
    return small is not None and bool(small["upper"] < SMALLER * large["lower"])


def judge_terms(
    source: InfluenceReport, target: InfluenceReport, order: int, target_runs: int = 0
) -> Verdict:
    """Judge whether the influential options, or interactions, carry over.

    Parameters
    ----------
    source, target : InfluenceReport
        Of one model a side, with the same options.
    order : int
        1 for options, 2 for interactions: these are compared by themselves.
    target_runs : int, default=0
        Runs behind the target's report, to say how many more would decide.

    Returns
    -------
    Verdict
        The estimate is the share of all reported terms that both sides share; no if one
        is flipped, lost or new, yes if all are shared.
    """
    word = "options" if order == 1 else "interactions"
    kind = f"shared {word}"
    found = compare_terms(source, target, order)
    counts = {group: len(terms) for group, terms in found.items()}
    total = sum(counts.values())
    details: dict[str, Any] = dict(found)
    if total == 0:
        return Verdict(
            verdict=UNDECIDED,
            kind=kind,
            reason=f"no influential {word} are reported on either side",
            details=details,
        )
    runs = None
    changed = [
        f"{term} {group}"
        for group in ("flipped", "lost", "new")
        for term in found[group]
    ]
    if changed:
        verdict, reason = NO, "; ".join(changed)
    elif counts["unsure"]:
        verdict = UNDECIDED
        runs = _more_runs(source, target, found["unsure"], target_runs)
        reason = (
            f"{', '.join(found['unsure'])}: reported on one side only, and not surely "
            "smaller on the other"
        )
        if runs is not None:
            reason += f": {ask_for(runs)}"
    else:
        verdict, reason = YES, f"{', '.join(found['shared'])} in both environments"
    return Verdict(
        verdict=verdict,
        kind=kind,
        estimate=counts["shared"] / total,
        runs_needed=runs,
        reason=reason,
        details=details,
    )


def _more_runs(
    source: InfluenceReport, target: InfluenceReport, terms: list[str], n: int
) -> int | None:
    """Further target runs after which each unsure term would probably be decided.

    The target's interval must either clear 0, or end below where the source's begins;
    interval widths shrink with the root of the number of runs.
    """
    if not n:
        return None
    most = 0.0
    for term in terms:
        rows = [
            report.frame[report.frame["term"] == term].to_dict("records")
            for report in (source, target)
        ]
        if not rows[0] or not rows[1]:
            return None
        a, b = rows[0][0], rows[1][0]
        half = b["upper"] - b["effect"]
        gap = max(SMALLER * a["lower"] - b["effect"], b["effect"])
        if not (math.isfinite(half) and gap > 0):
            return None
        most = max(most, n * (half / gap) ** 2)
    if most > MOST_RUNS:
        return None
    return max(math.ceil(most - n), 1)
