"""``python -m measure export``: a store as T.csv and T.json."""

from __future__ import annotations

from pathlib import Path

import click

from measure.commands.shared import store_option
from measure.console import Output, check_folder, output_options

_HELP = """Write a store as a CSV table, one row a finished design run.

T.json beside it describes it: options, levels, units, what other columns are.

\b
Example:
  python -m measure export --out table.csv
  python -m measure export --store results/kitchen.db --all --out everything.csv
"""


@click.command("export", help=_HELP)
@store_option
@click.option(
    "--all", "everything", is_flag=True, help="Reference and failed runs too."
)
@click.option(
    "--out",
    metavar="T.csv",
    required=True,
    type=click.Path(path_type=Path),
    help="The table; its folder must exist.",
)
@output_options
def export(output: Output, store: Path, everything: bool, out: Path) -> None:
    """Write the table, say how many rows and what was left out."""
    from measure.export import skipped, to_table
    from measure.spelling import several
    from measure.store import SqliteStore, planned_sweeps
    from measure.table import description_path, write_table

    check_folder(out, "--out")
    with SqliteStore(store, read_only=True) as opened:
        plans, runs = planned_sweeps(opened, str(store)), opened.runs()
    table = to_table(plans, runs, everything=everything)
    write_table(table, out)
    left_out = skipped(runs, everything=everything)
    rows = len(table.frame)
    output.print(f"{several(rows, 'row')}: {out}, described by {description_path(out)}")
    for entry in left_out:
        output.print(f"left out: {entry['what']} ({entry['why']})")
    output.finish(
        {
            "rows": rows,
            "out": str(out),
            "description": str(description_path(out)),
            "skipped": left_out,
        }
    )
