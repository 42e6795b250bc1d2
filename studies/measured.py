"""The sweeps of a store: what they are of, and whether they can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure.judgement import (
    DRIFT_LIMIT,
    describe_drift,
    drift_of,
    findings,
    is_unfinished,
    reasons,
    tally,
)
from measure.records import Environment, Plan, Run
from studies.display import Figure, Finding, Notice, Text, figure

if TYPE_CHECKING:
    from perfmodel.dataset import PerformanceDataset

__all__ = [
    "MeasuredSweep",
    "doubts",
    "drift",
    "nature",
    "read_sweeps",
    "shown",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSweep:
    """A planned sweep and the runs that it has.

    Parameters
    ----------
    plan : Plan
        What was to be measured, and how.
    runs : tuple of Run
        Finished and failed ones, in the order they ended.
    """

    plan: Plan
    runs: tuple[Run, ...]

    def of(self, environment: Environment) -> list[Run]:
        """Return the runs of one environment.

        Parameters
        ----------
        environment : Environment
            One of the plan's.

        Returns
        -------
        list of Run
            Design and reference runs.
        """
        names = (environment.network, environment.workload)
        return [
            run
            for run in self.runs
            if (run.environment.network, run.environment.workload) == names
        ]


def read_sweeps(store: str | Path) -> tuple[MeasuredSweep, ...]:
    """Read the sweeps of a store.

    Parameters
    ----------
    store : path-like
        A store that `measure sweep` filled.

    Returns
    -------
    tuple of MeasuredSweep
        The oldest first.

    Raises
    ------
    StoreError
        If it is not there, damaged, or nothing was planned in it.
    """
    from measure.store import SqliteStore, planned_sweeps

    with SqliteStore(store, read_only=True) as opened:
        plans = planned_sweeps(opened, str(store))
        return tuple(
            MeasuredSweep(plan=plan, runs=opened.runs(plan.sweep_id)) for plan in plans
        )


def nature(
    sweeps: Sequence[MeasuredSweep], data: PerformanceDataset | None = None
) -> list[Notice]:
    """Say what the results are of: a simulator, a replay, networks without training.

    Parameters
    ----------
    sweeps : sequence of MeasuredSweep
        What the report is about.
    data : PerformanceDataset, optional
        Where there are no sweeps: a simulated device is known by its name then.

    Returns
    -------
    list of Notice
        Notes, none for a real device and trained networks.
    """
    texts = [_replayed(address) for address in _addresses(sweeps, "replay:")]
    simulators = _addresses(sweeps, "sim:")
    if not texts and not simulators:
        simulators = _simulated(sweeps, data)
    if simulators:
        texts.append(
            f"Simulated: {', '.join(simulators)} is a simulator. Its results are no "
            "measurement of real hardware."
        )
    untrained = _untrained(sweeps)
    if untrained:
        texts.append(
            f"Random weights: {', '.join(untrained)} were not trained. Latency does "
            "not depend on the weights; nothing is said about accuracy."
        )
    return [Notice(text=text, level="note") for text in texts]


def _addresses(sweeps: Sequence[MeasuredSweep], start: str) -> list[str]:
    devices = dict.fromkeys(sweep.plan.device for sweep in sweeps)
    return [device for device in devices if device.startswith(start)]


def _replayed(address: str) -> str:
    table = address.partition(":")[2]
    return f"Replayed: runs answer from the table {table}, nothing ran anew."


def _simulated(
    sweeps: Sequence[MeasuredSweep], data: PerformanceDataset | None
) -> list[str]:
    """Name simulated devices that no address tells: by their runs, or their name."""
    runs = [run for sweep in sweeps for run in sweep.runs]
    found = {run.environment.device for run in runs if run.simulated}
    for place in data.environments() if data is not None else ():
        if place.get("version") == "simulated":
            found.add(place.get("device", "the device"))
        found |= {value for value in place.values() if value.startswith("sim:")}
    return sorted(found)


def _untrained(sweeps: Sequence[MeasuredSweep]) -> list[str]:
    """Name the networks measured on this machine whose weights are random."""
    from measure.workloads.networks import BUILT_IN

    names = [
        environment.network
        for sweep in sweeps
        if sweep.plan.device == "host"
        for environment in sweep.plan.environments
    ]
    return [
        name
        for name in dict.fromkeys(names)
        if name in BUILT_IN and "random" in BUILT_IN[name].weights
    ]


def doubts(sweeps: Sequence[MeasuredSweep]) -> list[Notice]:
    """Say why the results cannot be trusted: what a report opens with.

    Parameters
    ----------
    sweeps : sequence of MeasuredSweep
        What the report is about.

    Returns
    -------
    list of Notice
        Warnings, none where all is well.
    """
    notices = []
    for sweep in sweeps:
        count = tally(sweep.plan, sweep.runs)
        where = f" (sweep {sweep.plan.sweep_id})" if len(sweeps) > 1 else ""
        if is_unfinished(sweep.plan, sweep.runs):
            text = (
                f"Unfinished{where}: {count.done} of {count.planned} runs are done. Go "
                "on with python -m measure resume, then repeat this report."
            )
            notices.append(Notice(text=text))
        why = reasons(findings(sweep.plan, sweep.runs))
        if why:
            text = f"Not to be trusted as it stands{where}: {'; '.join(why)}."
            notices.append(Notice(text=text))
    return notices


def drift(sweeps: Sequence[MeasuredSweep]) -> list[Finding | Figure | Text]:
    """Draw the reference configuration through time; say if the machine kept its speed.

    Parameters
    ----------
    sweeps : sequence of MeasuredSweep
        What the report is about.

    Returns
    -------
    list of Finding, Figure or Text
        For the notebook to display.
    """
    measured = [sweep for sweep in sweeps if drift_of(sweep.runs).runs]
    if not measured:
        return [
            Text(
                markdown="The data hold no runs of a reference configuration, so a "
                "drift of the machine cannot be told from an effect of an option that "
                "was varied slowly."
            )
        ]
    found: list[Finding | Figure | Text] = []
    for sweep in measured:
        found.append(_drift_figure(sweep))
        found.append(_drift_finding(sweep, alone=len(measured) == 1))
    return found


def _drift_figure(sweep: MeasuredSweep) -> Figure:
    from matplotlib import pyplot

    from measure.plots import plot_drift

    drawing, ax = pyplot.subplots(figsize=(6.6, 3.0), layout="constrained")
    plot_drift(sweep.runs, ax=ax)
    ax.spines[["top", "right"]].set_visible(False)
    return figure(
        f"drift-{sweep.plan.sweep_id}",
        drawing,
        "The reference configuration through the sweep, as a ratio to its first run. "
        "It never changes: its line is the machine's own.",
    )


def _drift_finding(sweep: MeasuredSweep, *, alone: bool) -> Finding:
    change = drift_of(sweep.runs)
    text = (
        f"the machine kept its speed within {100 * DRIFT_LIMIT:.0f} % over the sweep; "
        f"the reference configuration changed by {describe_drift(change)}"
    )
    if change.exceeds(DRIFT_LIMIT):
        verdict = "no"
    elif max(-change.lower, change.upper) <= DRIFT_LIMIT:
        verdict = "yes"
    else:
        verdict = "undecided"
    about = "" if alone else f"sweep {sweep.plan.sweep_id}"
    return Finding(text=text, verdict=verdict, about=about)


def shown(place: dict[str, str], data: PerformanceDataset) -> str:
    """Name an environment by the columns in which the data differ.

    Parameters
    ----------
    place : dict of str
        Environment column to value.
    data : PerformanceDataset
        All environments.

    Returns
    -------
    str
        Such as ``resnet50``; all values if nothing differs.

    Examples
    --------
    >>> import pandas as pd
    >>> from perfmodel.dataset import PerformanceDataset
    >>> frame = pd.DataFrame({"net": ["a", "b"], "on": ["x", "x"], "t": [1, 2],
    ...                       "y": [1.0, 2.0]})
    >>> data = PerformanceDataset.from_frame(
    ...     frame, options=["t"], response="y", environment=["net", "on"])
    >>> shown({"net": "a", "on": "x"}, data)
    'a'
    """
    places: list[dict[str, Any]] = data.environments()
    varied = [name for name in place if len({other.get(name) for other in places}) > 1]
    return "/".join(place[name] for name in varied or place) or "all runs"
