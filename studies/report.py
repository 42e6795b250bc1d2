"""A report on any store or table: read it, then execute the report's script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfmodel.commands.data import DataChoice
from studies.build import Built, build

if TYPE_CHECKING:
    from perfmodel.dataset import PerformanceDataset
    from studies.measured import MeasuredSweep
    from studies.notebook import Progress

__all__ = ["build_report", "read_data"]

SCRIPT = Path(__file__).parent / "templates" / "report.py"
TITLE = "Which options matter, and what carries over"


def read_data(
    *,
    store: str | None = None,
    table: str | None = None,
    options: Sequence[str] | None = None,
    responses: Sequence[str] | None = None,
    environment: Sequence[str] | None = None,
    space: str | None = None,
    sweeps: Sequence[str] | None = None,
) -> tuple[PerformanceDataset, tuple[MeasuredSweep, ...]]:
    """Read what the command line calls DATA, and the sweeps that it comes from.

    Parameters
    ----------
    store : str, optional
        A store; ``results/measurements.db`` if no table is named either.
    table : str, optional
        A CSV file.
    options, responses, environment : sequence of str, optional
        Its columns.
    space : str, optional
        Its space file.
    sweeps : sequence of str, optional
        Only these sweeps of the store.

    Returns
    -------
    PerformanceDataset
        The runs.
    tuple of MeasuredSweep
        Those of the store that the runs come from; none for a table.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    from studies.measured import read_sweeps

    choice = DataChoice(
        store=Path(store) if store else None,
        table=Path(table) if table else None,
        options=tuple(options) if options else None,
        responses=tuple(responses) if responses else None,
        environment=tuple(environment) if environment else None,
        space=Path(space) if space else None,
        sweeps=tuple(sweeps) if sweeps else None,
    )
    data = choice.read()
    if choice.table is not None:
        return data, ()
    used = set(data.frame["sweep_id"]) if "sweep_id" in data.frame else set()
    measured = read_sweeps(choice.store_path)
    return data, tuple(sweep for sweep in measured if sweep.plan.sweep_id in used)


def build_report(
    choice: DataChoice,
    *,
    out: Path,
    title: str | None = None,
    model: str = "auto",
    progress: Progress | None = None,
) -> Built:
    """Write ``report.ipynb`` and ``report.html`` on a store or a table.

    Parameters
    ----------
    choice : DataChoice
        What to read.
    out : pathlib.Path
        An existing folder.
    title : str, optional
        The page's heading.
    model : str, default="auto"
        As for `perfmodel.fit`.
    progress : callable, optional
        As for `studies.build.build`.

    Returns
    -------
    Built
        Paths and findings.

    Raises
    ------
    StudyError, DataError
        If DATA cannot be read, before anything is executed.
    """
    words: dict[str, object] = {
        "store": str(choice.store_path) if choice.table is None else None,
        "table": str(choice.table) if choice.table is not None else None,
        "options": choice.options,
        "responses": choice.responses,
        "environment": choice.environment,
        "space": str(choice.space) if choice.space is not None else None,
        "sweeps": choice.sweeps,
    }
    given = {name: value for name, value in words.items() if value is not None}
    choice.read()
    return build(
        SCRIPT,
        name="report",
        title=title or TITLE,
        out=out,
        parameters={"words": given, "model": model},
        progress=progress,
    )
