"""A store as an exchange table: one row a run, options and responses as columns."""

from __future__ import annotations

from collections.abc import Sequence

from measure.joining import measured_units, table_of, unmeasured
from measure.records import Plan, Run
from measure.responses import UNITS
from measure.spelling import several
from measure.table import Table

__all__ = ["skipped", "to_table"]


def to_table(
    plans: Sequence[Plan], runs: Sequence[Run], *, everything: bool = False
) -> Table:
    """Return the runs of sweeps as a table.

    Parameters
    ----------
    plans : sequence of Plan
        At least one.
    runs : sequence of Run
        Of those sweeps.
    everything : bool, default=False
        Reference and failed runs too, and ``NAME_read``, what was read back of each
        option; else one row a finished design run.

    Returns
    -------
    Table
        Option columns hold the level asked for; empty where an environment lacks
        the option.

    Raises
    ------
    StoreError
        If the sweeps have no space in common that a table can have.
    """
    rows = [run for run in runs if everything or _is_result(run)]
    units = measured_units(rows) if rows else UNITS
    return table_of(plans, rows, units=units, read_back=everything)


def _is_result(run: Run) -> bool:
    return run.role == "design" and run.status == "done"


def skipped(runs: Sequence[Run], *, everything: bool = False) -> list[dict[str, str]]:
    """Return what a table leaves out, and why.

    Parameters
    ----------
    runs : sequence of Run
        What the table was made of.
    everything : bool, default=False
        As for `to_table`.

    Returns
    -------
    list of dict
        Keys ``what`` and ``why``.
    """
    found = []
    if not everything:
        reference = sum(run.role == "reference" for run in runs)
        failed = sum(run.role == "design" and run.status == "failed" for run in runs)
        if reference:
            why = "they tell the drift; --all exports them"
            found.append({"what": several(reference, "reference run"), "why": why})
        if failed:
            why = "they have no measurement; --all exports them"
            found.append({"what": several(failed, "failed run"), "why": why})
    rows = [run for run in runs if everything or _is_result(run)]
    found += [
        {"what": f"column {name}", "why": f"missing in every run: {why}"}
        for name, why in unmeasured(rows).items()
    ]
    return found
