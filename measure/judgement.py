"""What came of a sweep: runs done and left, drift, and whether it can be trusted.

Pure functions of a plan and its runs; ``sweep``, ``resume``, ``show`` and ``check``
all say what is said here.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from measure.counting import (
    Tally,
    columns,
    is_of,
    is_unfinished,
    last_attempts,
    pending,
    seconds_of,
    tally,
)
from measure.flagging import flagged
from measure.records import Environment, Plan, Run
from measure.stability import Drift, drift, replicates_needed, spread

__all__ = [
    "DRIFT_LIMIT",
    "Finding",
    "Tally",
    "as_json",
    "columns",
    "describe_drift",
    "drift_of",
    "findings",
    "is_unfinished",
    "last_attempts",
    "pending",
    "percent",
    "reasons",
    "seconds_of",
    "tally",
]

#: Drift of the reference, and spread between runs of one configuration, tolerated.
DRIFT_LIMIT, SPREAD_LIMIT = 0.05, 0.10
#: Reference runs that differ more than this tell nothing that could be trusted.
WORST_SPREAD = 0.25
#: More than this share of runs with a flag is worth a warning.
FLAG_SHARE = 0.10
#: Fewer finished runs than this in an environment: no model is fitted.
MIN_RUNS = 5
#: Half-width that the advice on replicates aims at.
HALF_WIDTH = 0.02
#: A load above this share of the cores, before a run, is interference.
BUSY_SHARE = 0.75
#: Levels of a finding: an error means that the result cannot be trusted.
ERROR, WARNING, NOTE = "error", "warning", "note"
#: The response whose drift and spread are judged.
JUDGED = "latency_s"
NO_STEADY_STATE = "no steady state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a reader of the results must know.

    Parameters
    ----------
    level : str
        ``error`` (the result cannot be trusted), ``warning`` or ``note``.
    what : str
        Kind: drift, spread, failed, ...
    where : str
        The environment or option.
    text : str
        What was found, in words.
    advice : str
        What to do about it.
    """

    level: str
    what: str
    where: str
    text: str
    advice: str

    def to_dict(self) -> dict[str, str]:
        """Return the finding as plain data.

        Returns
        -------
        dict
            Keys level, what, where, text, advice.
        """
        names = ("level", "what", "where", "text", "advice")
        return {name: getattr(self, name) for name in names}


def drift_of(runs: Sequence[Run], response: str = JUDGED) -> Drift:
    """Return the drift that the reference runs tell, one slope for all environments.

    Parameters
    ----------
    runs : sequence of Run
        Of one sweep.
    response : str, default="latency_s"
        Which response.

    Returns
    -------
    Drift
        Relative change over the sweep.
    """
    found = [run for run in runs if run.role == "reference" and run.status == "done"]
    return drift(
        [seconds_of(run.started_at) for run in found],
        [run.response(response) for run in found],
        [run.environment.key for run in found],
    )


def findings(plan: Plan, runs: Sequence[Run]) -> list[Finding]:
    """Return what speaks against trusting a sweep, and what a reader must know.

    Parameters
    ----------
    plan : Plan
        The sweep.
    runs : sequence of Run
        What it has.

    Returns
    -------
    list of Finding
        Errors first.
    """
    # A replay has no reference runs: a recording does not drift while it is read.
    found = list(_drift_findings(runs)) if plan.planned("reference") else []
    for position, environment in enumerate(plan.environments):
        where = f"{environment.network}/{environment.workload}"
        mine = [run for run in runs if _same(run.environment, environment)]
        found += _count_findings(plan, runs, position, where)
        found += _run_findings(mine, where)
    order = (ERROR, WARNING, NOTE)
    return sorted(found, key=lambda finding: order.index(finding.level))


def reasons(found: Sequence[Finding]) -> list[str]:
    """Return why the result cannot be trusted, one line each; none: it can.

    Parameters
    ----------
    found : sequence of Finding
        What `findings` returned.

    Returns
    -------
    list of str
        Texts of the errors.
    """
    return [f"{f.where}: {f.text}" for f in found if f.level == ERROR]


def percent(value: float) -> str:
    """Return a relative change as people read it.

    Parameters
    ----------
    value : float
        0.2 is 20 %.

    Returns
    -------
    str
        With a sign.

    Examples
    --------
    >>> percent(0.2), percent(-0.012), percent(float("nan"))
    ('+20 %', '-1.2 %', 'unknown')
    """
    if not math.isfinite(value):
        return "unknown"
    return f"{100 * value:+.{0 if abs(value) >= 0.1 else 1}f} %"


def describe_drift(found: Drift) -> str:
    """Return a drift with its interval in words.

    Parameters
    ----------
    found : Drift
        What `drift_of` returned.

    Returns
    -------
    str
        One phrase.
    """
    if math.isnan(found.estimate):
        return f"unknown ({found.reason})"
    if math.isnan(found.lower):
        return f"{percent(found.estimate)} ({found.reason})"
    # Of few runs that differ much, the logarithm's interval reaches astronomic ratios.
    upper = "beyond +100 %" if found.upper > 1 else percent(found.upper)
    interval = f"{percent(found.lower)} to {upper}"
    return f"{percent(found.estimate)} ({interval}, {found.runs} reference runs)"


def _same(one: Environment, other: Environment) -> bool:
    return (one.network, one.workload) == (other.network, other.workload)


def _drift_findings(runs: Sequence[Run]) -> Iterator[Finding]:
    found = drift_of(runs)
    text = f"the reference changed by {describe_drift(found)} in the sweep"
    if found.exceeds(DRIFT_LIMIT):
        advice = (
            "measure on a quieter or cooler machine; compare runs of this sweep only, "
            "its random order and reference runs allow for the drift"
        )
        yield Finding(
            level=ERROR, what="drift", where="reference", text=text, advice=advice
        )
    elif math.isnan(found.estimate) or math.isnan(found.lower):
        yield Finding(
            level=NOTE,
            what="drift",
            where="reference",
            text=f"the drift is {describe_drift(found)}",
            advice="more design runs bring more reference runs",
        )
    elif max(-found.lower, found.upper) > DRIFT_LIMIT:
        yield Finding(
            level=WARNING,
            what="drift",
            where="reference",
            text=f"a drift of {percent(DRIFT_LIMIT)} cannot be excluded: {text}",
            advice="more runs, or a quieter machine, would tell",
        )


def _count_findings(
    plan: Plan, runs: Sequence[Run], position: int, where: str
) -> Iterator[Finding]:
    count = tally(plan, runs, position)
    if count.failed:
        failed = [
            run
            for slot, run in last_attempts(runs).items()
            if run.status == "failed"
            and run.role == "design"
            and is_of(plan, slot, position)
        ]
        yield Finding(
            level=ERROR,
            what="failed",
            where=where,
            text=f"{count.failed} of {count.planned} runs failed "
            f"({_commonest([run.reason for run in failed])})",
            advice="`python -m measure resume` measures those that failed from "
            "outside again; forbid configurations that always fail",
        )
    if count.done < MIN_RUNS:
        yield Finding(
            level=WARNING,
            what="replicates",
            where=where,
            text=f"{count.done} finished runs; no model is fitted to fewer than "
            f"{MIN_RUNS}",
            advice="`python -m measure resume`, or plan more --runs",
        )
    terms = int(plan.design.get("columns", 0))
    if MIN_RUNS <= count.done < terms:
        yield Finding(
            level=WARNING,
            what="replicates",
            where=where,
            text=f"{count.done} finished runs for a model of {terms} parameters "
            f"({plan.design.get('model', '')})",
            advice="`python -m measure resume`, plan more --runs, or a smaller --model",
        )
    if count.identical:
        yield Finding(
            level=NOTE,
            what="identical",
            where=where,
            text=f"{count.identical} runs share the measurement of another, their "
            "compiled artefacts being equal",
            advice="the options in which they differ do nothing there",
        )


def _run_findings(runs: Sequence[Run], where: str) -> Iterator[Finding]:
    done = [run for run in runs if run.status == "done" and not run.identical_to]
    if not done:
        return
    astray = {name for run in done for name in _astray(run)}
    for name in sorted(astray):
        count = sum(name in _astray(run) for run in done)
        yield Finding(
            level=ERROR,
            what="readback",
            where=name,
            text=f"{count} of {len(done)} runs in {where} read back another level than "
            "was set",
            advice="drop the option, or find what resets it",
        )
    unsteady = sum(NO_STEADY_STATE in run.flags for run in done)
    if unsteady > FLAG_SHARE * len(done):
        yield Finding(
            level=WARNING,
            what="warm_up",
            where=where,
            text=f"{unsteady} of {len(done)} runs had no steady state when the "
            "warm-up's time was up",
            advice="measure longer: --seconds",
        )
    for kind in flagged([run.flags for run in done]):
        many = kind.runs > FLAG_SHARE * len(done)
        yield Finding(
            level=ERROR if kind.kind.grave and many else WARNING,
            what=kind.kind.what,
            where=where,
            text=f"{kind.runs} of {len(done)} runs are flagged: {kind.commonest}",
            advice=kind.kind.advice,
        )
    yield from _reference_findings(done, where)
    yield from _spread_findings(done, where)
    on_battery = sum(run.conditions.power_source == "battery" for run in done)
    if on_battery:
        yield Finding(
            level=WARNING,
            what="interference",
            where=where,
            text=f"{on_battery} of {len(done)} runs were made on battery",
            advice="connect the mains: clocks are held down on battery",
        )
    loads = [run.conditions.load_1min for run in done]
    cores = [sum(run.conditions.cores.values()) for run in done]
    known = [x / n for x, n in zip(loads, cores) if x is not None and n]
    # The measuring itself is load too: only more than all of the cores is others'.
    if known and statistics.median(known) > 1 + BUSY_SHARE:
        yield Finding(
            level=WARNING,
            what="interference",
            where=where,
            text=f"the load was {statistics.median(known):.1f} times the cores",
            advice="stop other programs while measuring",
        )


def _reference_findings(done: Sequence[Run], where: str) -> Iterator[Finding]:
    """Judge the spread of the reference configuration, in whatever role it ran."""
    same = {run.configuration.key for run in done if run.role == "reference"}
    values = [run.response(JUDGED) for run in done if run.configuration.key in same]
    values = [value for value in values if math.isfinite(value)]
    if len(values) < 3:
        return
    found = spread(values).relative_sd
    if found > SPREAD_LIMIT:
        yield Finding(
            level=ERROR if found > WORST_SPREAD else WARNING,
            what="spread",
            where=where,
            text=f"the {len(values)} runs of the reference configuration differ by "
            f"{100 * found:.0f} % (standard deviation)",
            advice="measure longer (--seconds), or on a quieter machine",
        )


def _spread_findings(done: Sequence[Run], where: str) -> Iterator[Finding]:
    groups: dict[str, list[float]] = defaultdict(list)
    for run in done:
        value = run.response(JUDGED)
        if run.role == "design" and math.isfinite(value):
            groups[run.configuration.key].append(value)
    repeated = [spread(v).relative_sd for v in groups.values() if len(v) > 1]
    if not repeated:
        noise = "only the reference runs tell the noise"
        if all(run.role == "design" for run in done):
            noise = "nothing tells the noise"
        yield Finding(
            level=NOTE,
            what="replicates",
            where=where,
            text=f"each configuration was run once; {noise}",
            advice="--replicates 2 or more measures it",
        )
        return
    typical = math.sqrt(statistics.fmean(sd * sd for sd in repeated))
    if typical > SPREAD_LIMIT:
        needed = replicates_needed(typical, HALF_WIDTH)
        yield Finding(
            level=WARNING,
            what="spread",
            where=where,
            text=f"runs of one configuration differ by {100 * typical:.0f} % (standard "
            "deviation)",
            advice=f"{needed} replicates would give a mean within "
            f"{100 * HALF_WIDTH:.0f} %; a quieter machine needs fewer",
        )


def _astray(run: Run) -> list[str]:
    """Return the options that read back another level than was asked for."""
    return [
        name
        for name, level in run.read_back.items()
        if level is not None
        and name in run.configuration
        and level != run.configuration[name]
    ]


def _commonest(texts: Sequence[str]) -> str:
    text = statistics.mode(texts)
    return text if len(text) <= 120 else text[:117] + "..."


def as_json(plan: Plan, runs: Sequence[Run]) -> dict[str, Any]:
    """Return what the JSON of ``sweep`` and ``resume`` says of one sweep.

    Parameters
    ----------
    plan : Plan
        The sweep.
    runs : sequence of Run
        What it has.

    Returns
    -------
    dict
        Without the keys that only the caller knows: store and times.
    """
    count, found = tally(plan, runs), findings(plan, runs)
    why = reasons(found)
    return {
        "sweep_id": plan.sweep_id,
        "runs_planned": count.planned,
        "runs_done": count.done,
        "runs_failed": count.failed,
        "runs_identical": count.identical,
        "environments": [columns(environment) for environment in plan.environments],
        "drift": drift_of(runs).to_dict(),
        "trusted": not why,
        "reasons": why,
    }
