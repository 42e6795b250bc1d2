"""``python -m measure show``: what a store holds, and what is left to measure."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from measure.commands.shared import store_option
from measure.console import Output, output_options

_HELP = """Show the sweeps of a store: environments, designs, runs done and left, drift.

\b
Example:
  python -m measure show
  python -m measure show --store results/kitchen.db --watch
"""
#: Between two looks of ``--watch``.
WATCH_EVERY_S = 2.0


@click.command("show", help=_HELP)
@store_option
@click.option("--watch", is_flag=True, help="Again and again, until all is finished.")
@output_options
def show(output: Output, store: Path, watch: bool) -> None:
    """Print one line for each sweep and environment."""
    document = _look(store)
    _print(output, document)
    while watch and any(entry["runs_left"] for entry in document["sweeps"]):
        time.sleep(WATCH_EVERY_S)
        before, document = document, _look(store)
        if document != before:
            _print(output, document)
    output.finish(document)


def _look(path: Path) -> dict[str, Any]:
    """Return what ``--json`` holds."""
    from measure.judgement import columns, drift_of, last_attempts, tally
    from measure.store import SqliteStore, planned_sweeps

    entries = []
    with SqliteStore(path, read_only=True) as store:
        for plan in planned_sweeps(store, str(path)):
            runs = store.runs(plan.sweep_id)
            for position, environment in enumerate(plan.environments):
                count = tally(plan, runs, position)
                pair = (environment.network, environment.workload)
                mine = [
                    run
                    for run in runs
                    if (run.environment.network, run.environment.workload) == pair
                ]
                failed = [
                    run
                    for run in last_attempts(mine).values()
                    if run.status == "failed" and run.role == "design"
                ]
                entries.append(
                    {
                        "sweep_id": plan.sweep_id,
                        "created_at": plan.created_at,
                        "environment": columns(environment),
                        "design": plan.design.get("name"),
                        "model": plan.design.get("model"),
                        "protocol": plan.protocol.get("name"),
                        "runs_planned": count.planned,
                        "runs_done": count.done,
                        "runs_failed": count.failed,
                        "runs_identical": count.identical,
                        "runs_left": count.left,
                        "drift": drift_of(mine).to_dict(),
                        "failures": [
                            {"configuration": dict(r.configuration), "reason": r.reason}
                            for r in failed
                        ],
                    }
                )
    return {"store": str(path), "sweeps": entries}


def _print(output: Output, document: dict[str, Any]) -> None:
    from measure.judgement import percent

    rows = []
    for entry in document["sweeps"]:
        drift = entry["drift"]["estimate"]
        rows.append(
            (
                entry["sweep_id"],
                "/".join(entry["environment"].values()),
                entry["design"],
                entry["runs_planned"],
                entry["runs_done"],
                entry["runs_left"],
                entry["runs_failed"],
                "-" if drift is None else percent(drift),
            )
        )
    names = ("sweep", "environment", "design", "planned", "done", "left", "failed")
    output.table((*names, "drift"), rows, document["store"])
    for entry in document["sweeps"]:
        for failure in entry["failures"]:
            levels = " ".join(f"{k}={v}" for k, v in failure["configuration"].items())
            output.print(f"failed: {levels}: {failure['reason']}")
