"""A transfer report in words: one sentence, and the lines that are printed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from perfmodel.transfer.base import GuardReport
from perfmodel.transfer.guard import MOST_HELD_OUT
from perfmodel.transfer.verdicts import FEWEST_RUNS, MOST_RUNS, Verdict, ask_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from perfmodel.transfer.report import TransferReport

__all__ = ["claimed_above", "how_to_measure", "in_one_sentence", "written"]

WORTH_IT = 1.05  # ratio of errors below which a gain is none
EARLY_GAIN = 1.25  # ratio of errors from which few runs are worth a word
LEVEL = 0.05  # one-sided, of the claim that the source helps


def claimed_above(n: int, candidates: int) -> float:
    """Paired t above which the report claims that the source helps.

    The guard takes a source on weaker evidence than that, for it has to choose. What
    is claimed holds at a one-sided 5 % level, which Bonferroni's correction divides by
    the number of candidates of which the guard names the best.

    Parameters
    ----------
    n : int
        Target runs, of which 150 at most are held out.
    candidates : int
        Ways to transfer that were compared with the target alone.

    Returns
    -------
    float
        A quantile of Student's t.

    Examples
    --------
    >>> [round(claimed_above(20, k), 2) for k in (1, 4)]
    [1.73, 2.43]
    """
    from scipy.special import stdtrit

    held_out = min(n, MOST_HELD_OUT)
    return float(stdtrit(held_out - 1, 1 - LEVEL / max(candidates, 1)))


def in_one_sentence(
    guard: GuardReport, errors: dict[str, float], curve: pd.DataFrame, n: int
) -> tuple[str, str]:
    """Say in one sentence whether the transfer helps.

    Parameters
    ----------
    guard : GuardReport
        What the guard decided.
    errors : dict of str to float
        Of ``alone`` and ``transfer``, per cent.
    curve : DataFrame
        Error against the number of target runs.
    n : int
        Target runs.

    Returns
    -------
    tuple of str
        yes, no or undecided; and the sentence. It is yes only above `claimed_above`.
    """
    alone, transfer = errors["alone"], errors["transfer"]
    gain = (
        f"with {n} target configurations the transfer errs by {transfer:.3g} %, the "
        f"target alone by {alone:.3g} %"
    )
    if n < FEWEST_RUNS:
        chosen = "takes the source" if guard.decision == "transfer" else "leaves it"
        return (
            "undecided",
            f"undecided, {ask_for(FEWEST_RUNS - n)}: {gain} (the guard {chosen}), but "
            "what carries over cannot be told from so few",
        )
    early = _early_gain(curve)
    others = [error for name, error in guard.errors.items() if name != "alone"]
    least = claimed_above(n, len(others))
    more = _runs_to_decide(guard.statistic, least, n)
    ask = f"undecided, {ask_for(more)}: " if more else "undecided: "
    if guard.decision == "transfer":
        if guard.statistic > least:
            return "yes", f"the source helps: {gain}{early and '; ' + early}"
        return (
            "undecided",
            f"{ask}{gain} (the guard takes the source), but that may be chance: t = "
            f"{guard.statistic:.2f}, and above {least:.2f} is needed for the best of "
            f"{len(others)} at 5 %",
        )
    if early:
        return (
            "undecided",
            "undecided: the source seems to help while the target has few "
            f"configurations: {early}, on parts of the same, so that chance cannot be "
            f"told; with {n} of its own the target alone errs by {alone:.3g} % and "
            "needs no source",
        )
    small = not others or min(others) * WORTH_IT > guard.errors["alone"]
    if guard.statistic < 0 or small:
        return (
            "no",
            f"the source does not help: the target alone errs by {alone:.3g} % after "
            f"{n} configurations, and no transfer did much better",
        )
    return (
        "undecided",
        f"{ask}a transfer seems better than the target alone, but not surely "
        f"(t = {guard.statistic:.2f}); the target alone errs by {alone:.3g} %",
    )


def how_to_measure(sentence: str, verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """Say what further configurations are, if any are asked for.

    Parameters
    ----------
    sentence : str
        Of the report.
    verdicts : iterable of Verdict
        Of the report.

    Returns
    -------
    tuple of str
        One line, or none.
    """
    if "further config" not in sentence and not any(v.runs_needed for v in verdicts):
        return ()
    return (
        "further configurations are others than those measured (`python -m measure "
        "sweep --design random`, or `measure design --augment`): repeats of the same "
        "do not count",
    )


def _early_gain(curve: pd.DataFrame) -> str:
    """Say what the source brought with ten runs, or five, if it brought much."""
    rows = {int(row["runs"]): row for row in curve.to_dict("records")}
    for runs in (10, 5):
        row = rows.get(runs)
        if row is not None and row["alone"] > EARLY_GAIN * row["transfer"]:
            return (
                f"with {runs} it cuts the error from {row['alone']:.3g} to "
                f"{row['transfer']:.3g} %"
            )
    return ""


def _runs_to_decide(statistic: float, least: float, n: int) -> int | None:
    """Further runs after which t would pass its limit, if the gain stayed."""
    if not 0 < statistic <= least:
        return None
    wanted = n * (least / statistic) ** 2
    most = min(MOST_RUNS, MOST_HELD_OUT)  # further runs are not held out
    return max(math.ceil(wanted) - n, 1) if wanted <= most else None


def written(report: TransferReport) -> list[str]:
    """Write a report for a reader.

    Parameters
    ----------
    report : TransferReport
        What was found.

    Returns
    -------
    list of str
        Lines: the sentence, errors, the learning curve, verdicts, metrics, notes.
    """
    errors = report.error_percent
    out = [
        f"{report.source} to {report.target}, {report.response}: {report.sentence}",
        f"  error on {report.scored_on}: transfer {errors['transfer']:.3g} %, target "
        f"alone {errors['alone']:.3g} %, source as it is "
        f"{errors['source_as_is']:.3g} %",
        f"  method: {report.method}; {report.guard.reason}",
    ]
    if len(report.curve):
        out.append("  configurations   alone   shift   transfer   (error in %)")
        for row in report.curve.to_dict("records"):
            out.append(
                f"  {row['runs']:14d} {row['alone']:7.3g} {row['shift']:7.3g} "
                f"{row['transfer']:10.3g}"
            )
        even, least = report.break_even_runs, int(report.curve["runs"].min())
        if even is None:
            out.append("  the error is less with the source at the largest number, too")
        elif even == least:
            out.append("  the source helps at no number of runs tried")
        else:
            out.append(
                f"  from {even} target configurations on the source no longer helps"
            )
    for name, verdict in report.verdicts.items():
        out.append(f"  {name:12s} {verdict.verdict:9s} {_told(verdict)}")
    if report.metrics:
        shown = (f"{k} {_number(v)}" for k, v in report.metrics.items())
        out.append("  ASE 2017: " + ", ".join(shown))
    return out + [f"  note: {note}" for note in report.notes]


def _told(verdict: Verdict) -> str:
    """Write one verdict: the estimate, why, and what else was found."""
    parts = [verdict.reason]
    if math.isfinite(verdict.estimate):
        shown = f"{verdict.kind} {verdict.estimate:.2f}"
        if math.isfinite(verdict.lower):
            shown += f" ({verdict.lower:.2f} to {verdict.upper:.2f})"
        parts[0] = f"{shown}: {verdict.reason}"
    found = verdict.details
    linear = found.get("pearson")
    if linear and linear["lower"] is not None:
        parts.append(
            f"pearson {linear['estimate']:.2f} ({linear['lower']:.2f} to "
            f"{linear['upper']:.2f})"
        )
    if found.get("p") is not None:
        parts.append(f"p = {found['p']:.2g} by chance")
    if "regret" in found:
        parts.append(
            f"the source's best is {100 * found['regret']:.3g} % off the target's best"
        )
    if found.get("options_left"):
        names = ", ".join(row["option"] for row in found["options_left"])
        parts.append(f"left in the residual: {names}")
    if found.get("shared") and verdict.verdict != "yes":
        parts.append(f"shared: {', '.join(found['shared'])}")
    return "; ".join(parts)


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "-"
