"""Stores that were filled apart, joined: what is there already is left alone."""

from __future__ import annotations

from dataclasses import dataclass

from measure.errors import StoreError
from measure.records import Plan, Run
from measure.store import SqliteStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What came of joining one store to another.

    Parameters
    ----------
    sweeps, runs : int
        That were added.
    known : int
        Runs that were there already.
    skipped : tuple of (Run, str)
        Runs that were left out, and why.
    """

    sweeps: int
    runs: int
    known: int
    skipped: tuple[tuple[Run, str], ...] = ()


def merge(target: SqliteStore, source: SqliteStore) -> Merged:
    """Append to a store what another one has and it lacks.

    Parameters
    ----------
    target : SqliteStore
        Appended to.
    source : SqliteStore
        Only read.

    Returns
    -------
    Merged
        A planned run that both finished stays as the target has it.

    Raises
    ------
    StoreError
        If a sweep is planned differently in the two; nothing is added then.
    """
    known = {plan.sweep_id: plan for plan in target.plans()}
    plans = source.plans()
    for plan in plans:
        _refuse_another(target, source, known.get(plan.sweep_id), plan)
    there = target.runs()
    ids = {run.run_id for run in there}
    finished = {_place(run) for run in there if _is_finished(run)}
    new: list[Run] = []
    skipped: list[tuple[Run, str]] = []
    runs = source.runs()
    for run in runs:
        if run.run_id in ids:
            continue
        if _is_finished(run) and _place(run) in finished:
            why = f"planned run {run.slot} of sweep {run.sweep_id} is finished already"
            skipped.append((run, why))
            continue
        new.append(run)
    added = [plan for plan in plans if plan.sweep_id not in known]
    for plan in added:
        target.add_plan(plan)
    target.add_runs(new)
    return Merged(
        sweeps=len(added),
        runs=len(new),
        known=len(runs) - len(new) - len(skipped),
        skipped=tuple(skipped),
    )


def _refuse_another(
    target: SqliteStore, source: SqliteStore, known: Plan | None, plan: Plan
) -> None:
    if known is not None and known != plan:
        raise StoreError(
            f"{source.path}: sweep {plan.sweep_id} is planned otherwise in "
            f"{target.path}; the two cannot be joined"
        )


def _is_finished(run: Run) -> bool:
    return run.status == "done" and run.slot is not None


def _place(run: Run) -> tuple[str, int | None]:
    return run.sweep_id, run.slot
