"""The command line of `studies`: which commands there are."""

from __future__ import annotations

from measure.command_group import LazyGroup
from perfmodel.errors import PerfmodelError
from studies.errors import StudyError

__all__ = ["main"]

main = LazyGroup(
    {
        "list": ("studies.commands:list_command", "List the studies there are."),
        "run": (
            "studies.commands:run_command",
            "Measure what a study lacks, and leave a notebook and a page.",
        ),
        "report": (
            "studies.commands:report_command",
            "Report on any store or table, without measuring.",
        ),
    },
    expected=(PerfmodelError, StudyError),
    name="studies",
    help="""Studies: measurements, models and a page to show.

    \b
    Example:
      python -m studies run quickstart
    """,
)
