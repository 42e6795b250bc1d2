"""``python -m measure merge``: join stores that were filled apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from measure.commands.shared import open_store, store_option
from measure.console import Output, output_options

_HELP = """Append to a store what other stores have and it lacks.

A run is known by its identifier, so that merging twice adds nothing; a planned run that
two stores finished stays as --store has it, and is named.

\b
Example:
  python -m measure merge --store results/all.db kitchen.db lab.db
"""


@click.command("merge", help=_HELP)
@store_option
@click.argument(
    "others",
    nargs=-1,
    required=True,
    metavar="OTHER.db..",
    type=click.Path(path_type=Path),
)
@output_options
def merge(output: Output, store: Path, others: tuple[Path, ...]) -> None:
    """Join the stores, say what was added and what was not."""
    from contextlib import ExitStack

    from measure.merging import merge as join
    from measure.store import SqliteStore, planned_sweeps

    rows, sweeps = 0, 0
    skipped: list[dict[str, Any]] = []
    with ExitStack() as stack:
        # All are looked at before anything is written.
        opened = []
        for path in others:
            other = stack.enter_context(SqliteStore(path, read_only=True))
            planned_sweeps(other, str(path))
            opened.append(other)
        target = stack.enter_context(open_store(store))
        for other in opened:
            done = join(target, other)
            rows, sweeps = rows + done.runs, sweeps + done.sweeps
            output.print(
                f"{other.path}: {done.sweeps} sweeps and {done.runs} runs added, "
                f"{done.known} runs were there"
            )
            for run, why in done.skipped:
                output.print(f"left out: run {run.run_id} of {other.path} ({why})")
                what = f"run {run.run_id} of {other.path}"
                skipped.append({"what": what, "why": why})
    output.finish(
        {"rows": rows, "sweeps": sweeps, "out": str(store), "skipped": skipped}
    )
