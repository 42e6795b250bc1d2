"""Runs of a store as a table: what is pooled, what is left out, and why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure.levels import number
from measure.options import Option
from measure.space import ConfigurationSpace
from perfmodel.errors import DataError, SelectionError

if TYPE_CHECKING:
    from measure.records import Environment, Plan, Run
    from measure.table import Table

__all__ = ["read_store", "runs_table"]

PLACE = ("device", "network", "workload", "version")
META = (
    "run_id",
    "sweep_id",
    "replicate",
    "order",
    "block",
    "whole_plot",
    "status",
    "reason",
    "started_at",
)
#: Of a protocol: how many runs are made, which changes none of them.
HOW_MANY = ("replicates", "reference_every")
#: A sweep that lies off the others by less than this is not worth a note.
NOTED_OFFSET = 0.005


def read_store(
    path: Path, sweeps: Iterable[str] | None = None
) -> tuple[Table, tuple[str, ...]]:
    """Read the design runs of a SQLite store.

    Parameters
    ----------
    path : Path
        The store.
    sweeps : iterable of str, optional
        Only these sweeps.

    Returns
    -------
    Table
        One row a run, failed ones without response.
    tuple of str
        What was left out or moved, one sentence each.

    Raises
    ------
    DataError
        If there is no such store, or no finished run in it.
    """
    from measure.store import SqliteStore, planned_sweeps

    if not path.exists():
        raise DataError(
            f"{path}: no such store; measure with `python -m measure sweep`, name "
            "another --store, or give a table with --data"
        )
    with SqliteStore(path, read_only=True) as store:
        plans = planned_sweeps(store, str(path))
        return runs_table(plans, store.runs(), sweeps, where=str(path))


def runs_table(
    plans: Sequence[Plan],
    runs: Sequence[Run],
    sweeps: Iterable[str] | None = None,
    where: str = "the store",
) -> tuple[Table, tuple[str, ...]]:
    """Make a table of design runs, each sweep moved to the level of its reference runs.

    Parameters
    ----------
    plans : sequence of Plan
        What was planned.
    runs : sequence of Run
        What was measured.
    sweeps : iterable of str, optional
        Only these sweeps; by default, in each environment, all that were made under
        the protocol of the latest.
    where : str, default="the store"
        Its name in messages.

    Returns
    -------
    Table
        One row a run, failed ones without response.
    tuple of str
        What was left out or moved, one sentence each.

    Raises
    ------
    SelectionError
        If there is no such sweep.
    DataError
        If no design run is finished, or environments of one name do not match.
    """
    import pandas as pd

    from measure.table import Table

    by_id = {plan.sweep_id: plan for plan in plans}
    notes: list[str] = []
    if sweeps is not None:
        wanted = list(sweeps)
        for sweep in wanted:
            if sweep not in by_id:
                raise SelectionError(
                    f"{where} has no sweep {sweep!r}; choose from {', '.join(by_id)}"
                )
        by_id = {sweep: by_id[sweep] for sweep in wanted}
    kept = [run for run in runs if run.sweep_id in by_id]
    design = _last_attempts(run for run in kept if run.role == "design")
    if sweeps is None:
        design, left = _one_protocol(design, by_id)
        notes += left
    if not any(run.status == "done" for run in design):
        raise DataError(
            f"{where}: no design run is finished; go on with `python -m measure resume`"
        )
    _check_environments(design)
    references = [
        run for run in kept if run.role == "reference" and run.status == "done"
    ]
    units, missing = _responses(design)
    notes += missing
    offsets = {name: _offsets(name, design, references, by_id) for name in units}
    for name, moved in offsets.items():
        notes += [
            f"{name} of sweep {sweep} in {place} is divided by "
            f"{math.exp(offset):.4f}, as its reference runs say"
            for (place, sweep), offset in moved.items()
            if abs(offset) > NOTED_OFFSET
        ]
    used = {run.sweep_id for run in design}
    space, constant = _space([plan for plan in plans if plan.sweep_id in used])
    rows = []
    for run in design:
        plan = by_id[run.sweep_id]
        row: dict[str, Any] = {name: getattr(run.environment, name) for name in PLACE}
        levels = {**plan.held, **run.configuration}
        row |= {name: levels.get(name) for name in (*space.names, *constant)}
        for name in units:
            offset = offsets[name].get((str(run.environment), run.sweep_id), 0.0)
            done = run.status == "done"
            row[name] = run.response(name) / math.exp(offset) if done else math.nan
        row |= {name: getattr(run, name) for name in META}
        rows.append(row)
    table = Table(
        frame=pd.DataFrame(rows),
        space=space,
        responses=units,
        environment=PLACE,
        meta=META,
        constant=constant,
    )
    return table, tuple(notes)


def _last_attempts(runs: Iterable[Run]) -> list[Run]:
    """Keep finished runs, and one failed run where no attempt of a slot finished."""
    slots: dict[tuple[str, Any], Run] = {}
    for run in runs:
        key = (run.sweep_id, run.run_id if run.slot is None else run.slot)
        if key not in slots or slots[key].status != "done":
            slots[key] = run
    return list(slots.values())


def _one_protocol(
    runs: list[Run], plans: dict[str, Plan]
) -> tuple[list[Run], list[str]]:
    """Keep, in each environment, the sweeps that measure as the latest does."""
    latest: dict[Environment, Plan] = {}
    for run in runs:
        plan = plans[run.sweep_id]
        best = latest.get(run.environment)
        # A sweep that finished nothing must not push out one that did.
        if run.status == "done" and (
            best is None or plan.created_at >= best.created_at
        ):
            latest[run.environment] = plan
    kept, left = [], dict[str, int]()
    for run in runs:
        plan = plans[run.sweep_id]
        if _how(plan) == _how(latest.get(run.environment, plan)):
            kept.append(run)
        else:
            left[run.sweep_id] = left.get(run.sweep_id, 0) + 1
    notes = [
        f"{count} runs of sweep {sweep} are left out: its protocol is not the latest "
        f"sweep's (choose with --sweep {sweep})"
        for sweep, count in left.items()
    ]
    return kept, notes


def _how(plan: Plan) -> dict[str, Any]:
    """Give what of a plan's protocol says how a run is measured."""
    return {name: v for name, v in plan.protocol.items() if name not in HOW_MANY}


def _check_environments(runs: Iterable[Run]) -> None:
    """Refuse to pool environments that have one name and do not match."""
    from measure.errors import EnvironmentMismatch

    first: dict[str, Run] = {}
    for run in runs:
        known = first.setdefault(str(run.environment), run)
        try:
            known.environment.require_match(run.environment)
        except EnvironmentMismatch as error:
            raise DataError(
                f"sweeps {known.sweep_id} and {run.sweep_id}: {error}, or choose one "
                f"with --sweep {run.sweep_id}"
            ) from error


def _responses(runs: Iterable[Run]) -> tuple[dict[str, str], list[str]]:
    """Find the responses that have a value, and why others have none."""
    units: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for run in runs:
        for reading in run.readings:
            if reading.value is not None:
                units.setdefault(reading.name, reading.unit)
            else:
                reasons.setdefault(reading.name, reading.reason)
    notes = [
        f"{name} is missing in every run: {reason or 'no reason recorded'}"
        for name, reason in reasons.items()
        if name not in units
    ]
    return units, notes


def _offsets(
    response: str,
    design: Iterable[Run],
    references: Iterable[Run],
    plans: dict[str, Plan],
) -> dict[tuple[str, str], float]:
    """Find how far the log response of each sweep lies off its environment's mean.

    Told by the reference runs, and only where all sweeps of an environment have some,
    of one configuration.
    """
    logs: dict[tuple[str, str], list[float]] = {}
    for run in references:
        value = run.response(response)
        if value > 0:
            key = (str(run.environment), run.sweep_id)
            logs.setdefault(key, []).append(math.log(value))
    sizes: dict[str, dict[str, int]] = {}
    for run in design:
        counts = sizes.setdefault(str(run.environment), {})
        counts[run.sweep_id] = counts.get(run.sweep_id, 0) + 1
    offsets: dict[tuple[str, str], float] = {}
    for place, counts in sizes.items():
        one = len({plans[sweep].reference for sweep in counts}) == 1
        if len(counts) < 2 or not one or any((place, s) not in logs for s in counts):
            continue
        means = {s: sum(logs[place, s]) / len(logs[place, s]) for s in counts}
        middle = sum(means[s] * n for s, n in counts.items()) / sum(counts.values())
        offsets |= {(place, s): mean - middle for s, mean in means.items()}
    return offsets


def _space(plans: Sequence[Plan]) -> tuple[ConfigurationSpace, dict[str, Any]]:
    """Join the spaces of sweeps; options held at different levels vary, too."""
    spaces = [ConfigurationSpace.from_dict(plan.space) for plan in plans]
    levels: dict[str, list[Any]] = {}
    options: dict[str, Option] = {}
    for space in spaces:
        for option in space.options:
            options.setdefault(option.name, option)
            there = levels.setdefault(option.name, [])
            there += [level for level in option.levels if level not in there]
    for plan in plans:
        for name, level in plan.held.items():
            if level not in levels.setdefault(name, []):
                levels[name].append(level)
    joined, constant = [], dict[str, Any]()
    for name, there in levels.items():
        known = options.get(name)
        if known is not None and tuple(there) == known.levels:
            joined.append(known)
        elif len(there) < 2:
            constant[name] = there[0]
        else:
            if None not in map(number, there):
                there = sorted(there, key=float)
            joined.append(
                Option(name=name, levels=tuple(there))
                if known is None
                else replace(known, levels=tuple(there), range=None, count=None)
            )
    forbid = [
        item
        for item in spaces[0].forbid
        if all(
            item in space.forbid
            for space in spaces
            if {c.option for c in item.conditions} <= set(space.names)
        )
    ]
    return ConfigurationSpace(joined, forbid), constant
