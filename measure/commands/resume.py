"""``python -m measure resume``: go on with each unfinished sweep of a store."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from measure.commands.boards import held_device
from measure.commands.shared import log_of, store_option
from measure.console import Output, output_options

if TYPE_CHECKING:
    from measure.records import Plan
    from measure.store import SqliteStore
    from measure.sweep import Outcome

_HELP = """Go on with each unfinished sweep of a store.

A finished run is never measured again; one that failed from outside is, once; one that
its configuration made fail is not. Nothing to do is no error.

\b
Example:
  python -m measure resume
  python -m measure resume --store results/kitchen.db
"""


@click.command("resume", help=_HELP)
@store_option
@output_options
def resume(output: Output, store: Path) -> None:
    """Measure what is left, print what came of it."""
    start = time.perf_counter()
    from measure.commands.outcome import Swept, print_outcome, totals
    from measure.commands.sweep import leave_interrupted
    from measure.errors import MeasureError, SweepError
    from measure.judgement import is_unfinished
    from measure.store import SqliteStore, planned_sweeps

    with SqliteStore(store, read_only=True) as opened:
        planned_sweeps(opened, str(store))
    refused: list[MeasureError] = []
    stopped = ""
    with SqliteStore(store) as opened:
        every = opened.plans()
        plans = [p for p in every if is_unfinished(p, opened.runs(p.sweep_id))]
        swept: list[Swept] = []
        for plan in plans:
            try:
                outcome = _go_on(output, plan, opened)
            except MeasureError as error:
                refused.append(error)
                continue
            runs = opened.runs(plan.sweep_id)
            swept.append(
                Swept(
                    plan=plan,
                    runs=runs,
                    wall_s=outcome.wall_s,
                    done_now=outcome.runs_done,
                )
            )
            stopped = outcome.stopped
            if stopped:
                break
    document = totals(str(store), swept, time.perf_counter() - start)
    if stopped == "interrupted":
        leave_interrupted(document, store)
    if swept:
        print_outcome(output, document, [run for one in swept for run in one.runs])
    elif not refused:
        output.print(f"{store}: nothing to do, all {len(every)} sweeps are finished")
    if refused:
        raise SweepError("; ".join(map(str, refused)))
    output.finish(document)


def _go_on(output: Output, plan: Plan, store: SqliteStore) -> Outcome:
    """Open the device that a sweep was begun on, and measure what is left."""
    from measure.commands.telling import Teller
    from measure.judgement import pending
    from measure.sweep import Sweep, check_resumable

    networks = tuple(dict.fromkeys(e.network for e in plan.environments))
    arguments = dict(plan.device_arguments)
    log = log_of(store.path)
    with held_device(
        plan.device, Path(store.path), networks=networks, log=log, **arguments
    ) as device:
        check_resumable(plan, device)
        left = len(pending(plan, store.runs(plan.sweep_id)))
        output.print(f"sweep {plan.sweep_id} on {plan.device}: {left} runs left")
        with Teller(output) as teller:
            return Sweep.of_plan(device, plan, store).run(tell=teller.tell)
