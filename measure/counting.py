"""Planned runs, counted: done, failed, identical, left.

Pure functions of a plan and its runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from measure.records import Environment, Plan, Run

#: Columns that tell environments apart.
ENVIRONMENT = ("device", "network", "workload", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Planned design runs, counted.

    Parameters
    ----------
    planned, done, failed, identical : int
        Reference runs not counted; `failed` are those without a finished
        measurement whose last attempt failed, `identical` the finished ones that
        share another run's measurement.
    """

    planned: int
    done: int
    failed: int
    identical: int

    @property
    def left(self) -> int:
        """Runs neither done nor failed."""
        return self.planned - self.done - self.failed


def last_attempts(runs: Sequence[Run]) -> dict[int, Run]:
    """Return the run that decides each slot: the finished one, else the last.

    Parameters
    ----------
    runs : sequence of Run
        Of one sweep, in the order they were added.

    Returns
    -------
    dict
        Slot to run; slots without a run are missing.
    """
    deciding: dict[int, Run] = {}
    for run in runs:
        if run.slot is None:
            continue
        earlier = deciding.get(run.slot)
        if earlier is None or earlier.status != "done":
            deciding[run.slot] = run
    return deciding


def decisive_runs(runs: Iterable[Run]) -> list[Run]:
    """Return the runs that say what came of each measurement that was wanted.

    Parameters
    ----------
    runs : iterable of Run
        Of any sweeps, in the order they were added.

    Returns
    -------
    list of Run
        Every finished run; of a planned run without one, its last attempt; and what
        failed beside the plan.
    """
    sweeps: dict[str, list[Run]] = {}
    runs = list(runs)
    for run in runs:
        sweeps.setdefault(run.sweep_id, []).append(run)
    deciding = {
        run.run_id for mine in sweeps.values() for run in last_attempts(mine).values()
    }
    return [
        run
        for run in runs
        if run.status == "done" or run.slot is None or run.run_id in deciding
    ]


def pending(plan: Plan, runs: Sequence[Run]) -> list[int]:
    """Return the slots that a resumed sweep has to measure, in planned order.

    Parameters
    ----------
    plan : Plan
        The sweep.
    runs : sequence of Run
        What it has.

    Returns
    -------
    list of int
        Neither done, nor failed by their own configuration's fault.
    """
    deciding = last_attempts(runs)
    ended = {s for s, run in deciding.items() if run.status == "done" or run.final}
    return [slot for slot in range(len(plan.runs)) if slot not in ended]


def is_unfinished(plan: Plan, runs: Sequence[Run]) -> bool:
    """Tell whether a design run of the sweep is still to be measured.

    Parameters
    ----------
    plan : Plan
        The sweep.
    runs : sequence of Run
        What it has.

    Returns
    -------
    bool
        True if `resume` has something to do; a missing reference run alone is not.
    """
    return any(plan.runs[slot].role == "design" for slot in pending(plan, runs))


def tally(plan: Plan, runs: Sequence[Run], environment: int | None = None) -> Tally:
    """Count the planned design runs.

    Parameters
    ----------
    plan : Plan
        The sweep.
    runs : sequence of Run
        What it has.
    environment : int, optional
        Position in the plan's environments, to count one alone.

    Returns
    -------
    Tally
        Planned, done, failed, identical.
    """
    deciding = last_attempts(runs)
    wanted = [slot for slot in plan.planned() if is_of(plan, slot, environment)]
    ended = [deciding[slot] for slot in wanted if slot in deciding]
    done = [run for run in ended if run.status == "done"]
    return Tally(
        planned=len(wanted),
        done=len(done),
        failed=len(ended) - len(done),
        identical=sum(bool(run.identical_to) for run in done),
    )


def seconds_of(moment: str) -> float:
    """Return an ISO 8601 time as seconds since 1970.

    Parameters
    ----------
    moment : str
        With its offset from UTC.

    Returns
    -------
    float
        Seconds.
    """
    return datetime.fromisoformat(moment).timestamp()


def columns(environment: Environment) -> dict[str, str]:
    """Return the environment columns of a table.

    Parameters
    ----------
    environment : Environment
        Any.

    Returns
    -------
    dict
        device, network, workload, version.
    """
    return {name: getattr(environment, name) for name in ENVIRONMENT}


def is_of(plan: Plan, slot: int, environment: int | None) -> bool:
    """Tell whether a slot is of an environment.

    Parameters
    ----------
    plan : Plan
        The sweep.
    slot : int
        Of the plan.
    environment : int or None
        Position in the plan's environments; None: any.

    Returns
    -------
    bool
        True if it is.
    """
    if environment is None:
        return True
    run, wanted = plan.runs[slot], plan.environments[environment]
    return (run.network, run.workload) == (wanted.network, wanted.workload)
