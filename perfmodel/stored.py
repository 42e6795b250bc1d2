"""Runs of a store as a table: what is pooled, what is left out, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure.counting import decisive_runs
from measure.joining import measured_units, table_of, unmeasured
from measure.spelling import several
from perfmodel.errors import DataError, SelectionError
from perfmodel.sweeps import learned_from

if TYPE_CHECKING:
    from measure.records import Environment, Plan, Run
    from measure.table import Table

__all__ = ["read_store", "runs_table"]

#: Of a protocol: how many runs are made, which changes none of them.
HOW_MANY = ("replicates", "reference_every")


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
    design = decisive_runs(run for run in kept if run.role == "design")
    if sweeps is None:
        design, left = _one_protocol(design, by_id)
        notes += left
    if not any(run.status == "done" for run in design):
        raise DataError(
            f"{where}: no design run is finished; go on with `python -m measure resume`"
        )
    _check_environments(design)
    notes += [
        f"{name} is missing in every run: {why}"
        for name, why in unmeasured(design).items()
    ]
    used = {run.sweep_id for run in design}
    references = [
        run
        for run in kept
        if run.role == "reference" and run.status == "done" and run.sweep_id in used
    ]
    table = table_of(
        [plan for plan in plans if plan.sweep_id in used],
        [*design, *references],
        units=measured_units(design),
    )
    levelled, moved = learned_from(table)
    return levelled, (*notes, *moved)


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
        f"{several(count, 'run')} of sweep {sweep} left out: its protocol is not the "
        f"latest sweep's (choose with --sweep {sweep})"
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
