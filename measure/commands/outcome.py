"""What came of a sweep, for people and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from measure.commands.shared import duration

if TYPE_CHECKING:
    from measure.console import Output
    from measure.records import Plan, Run


def response_text(run: Run) -> str:
    """Return a run in one line: what was measured, and what came of it.

    Parameters
    ----------
    run : Run
        Finished or failed.

    Returns
    -------
    str
        Network, workload, configuration, latency or reason.
    """
    from measure.levels import spelled

    where = f"{run.environment.network}/{run.environment.workload}"
    levels = " ".join(f"{name}={spelled(v)}" for name, v in run.configuration.items())
    if run.status == "failed":
        came = f"failed: {run.reason}"
    else:
        came = came_text(run)
    role = " (reference)" if run.role == "reference" else ""
    return f"{where}{role}  {levels}: {came}"


def came_text(run: Run) -> str:
    """Return what a finished run gave in a few words.

    Parameters
    ----------
    run : Run
        A finished run.

    Returns
    -------
    str
        Its latency, or its first response where it has none.
    """
    latency = run.response("latency_s")
    return f"{1e3 * latency:.4g} ms" if math.isfinite(latency) else first_response(run)


def first_response(run: Run) -> str:
    """Return the first response that a run has a value of.

    Parameters
    ----------
    run : Run
        A finished run.

    Returns
    -------
    str
        Name, value and unit.
    """
    for reading in run.readings:
        if reading.value is not None:
            return f"{reading.name} {reading.value:.4g} {reading.unit}".strip()
    return "no response"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """A sweep that a command went on with.

    Parameters
    ----------
    plan : Plan
        The sweep.
    runs : sequence of Run
        All that it has by now.
    wall_s : float
        How long the command spent on it.
    done_now : int
        Design runs finished in that time.
    """

    plan: Plan
    runs: Sequence[Run]
    wall_s: float
    done_now: int


def totals(store: str, sweeps: Sequence[Swept], wall_s: float) -> dict[str, Any]:
    """Return the JSON of ``sweep`` and ``resume``.

    Parameters
    ----------
    store : str
        Its path.
    sweeps : sequence of Swept
        The sweeps of this command.
    wall_s : float
        How long the command took, start-up included.

    Returns
    -------
    dict
        Totals, and ``sweeps`` with the same keys for each.
    """
    from measure.judgement import as_json, drift_of

    each: list[dict[str, Any]] = [
        {
            "store": store,
            **as_json(one.plan, one.runs),
            **_speed(one.wall_s, one.done_now),
        }
        for one in sweeps
    ]
    counts = ("runs_planned", "runs_done", "runs_failed", "runs_identical")
    pooled = [run for one in sweeps for run in one.runs]
    done_now = sum(one.done_now for one in sweeps)
    several = len(each) != 1
    total: dict[str, Any] = {
        "store": store,
        "sweep_id": ",".join(entry["sweep_id"] for entry in each) or None,
        **{name: sum(entry[name] for entry in each) for name in counts},
        "environments": [e for entry in each for e in entry["environments"]],
        **_speed(wall_s, done_now),
        "drift": drift_of([] if several else pooled).to_dict(),
        "trusted": all(entry["trusted"] for entry in each),
        "reasons": [
            f"sweep {entry['sweep_id']}: {reason}" if several else reason
            for entry in each
            for reason in entry["reasons"]
        ],
    }
    return {**total, "sweeps": each}


def _speed(wall_s: float, runs: int) -> dict[str, float]:
    return {
        "wall_s": wall_s,
        "configurations_per_minute": 60 * runs / wall_s if wall_s > 0 else 0.0,
    }


def print_outcome(output: Output, document: Mapping[str, Any], runs: Any) -> None:
    """Print what came of a command's sweeps, and note why it cannot be trusted.

    Parameters
    ----------
    output : Output
        Where to.
    document : mapping
        What `totals` returned.
    runs : sequence of Run
        The runs, for the drift in words.
    """
    from measure.judgement import describe_drift, drift_of

    left = document["runs_planned"] - document["runs_done"] - document["runs_failed"]
    parts = [f"{document['runs_done']} of {document['runs_planned']} runs done"]
    if document["runs_identical"]:
        parts.append(f"{document['runs_identical']} of them identical to another")
    if document["runs_failed"]:
        parts.append(f"{document['runs_failed']} failed")
    if left:
        parts.append(f"{left} left for `python -m measure resume`")
    output.print(
        f"{', '.join(parts)}, in {duration(document['wall_s'])} "
        f"({document['configurations_per_minute']:.1f} configurations a minute)"
    )
    has_reference = any(run.role == "reference" for run in runs)
    if len(document["sweeps"]) == 1 and has_reference:
        output.print(f"drift of the reference: {describe_drift(drift_of(runs))}")
    output.print(f"results: {document['store']}, sweep {document['sweep_id']}")
    for reason in document["reasons"]:
        output.untrusted(reason)
