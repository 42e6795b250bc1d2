"""The commands of `studies`: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from measure.console import Output, output_options
from perfmodel.commands.data import DataChoice, data_options
from studies.errors import StudyError

if TYPE_CHECKING:
    from studies.build import Built

__all__ = ["list_command", "report_command", "run_command"]

RESULTS = Path("results")

_out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="An existing folder for notebook and page.  [default: results]",
)


def _folder(out: Path | None) -> Path:
    """Return the output folder; only ``results`` is made."""
    if out is None:
        RESULTS.mkdir(exist_ok=True)
        return RESULTS
    if not out.is_dir():
        raise StudyError(f"--out {out}: no such folder; make it first")
    return out


def _finish(built: Built, output: Output) -> None:
    """Print what was found and where it stands; a warning makes it exit code 3."""
    for finding in built.findings:
        about = f"{finding['about']}: " if finding["about"] else ""
        output.print(f"[{finding['verdict']}] {about}{finding['text']}")
    output.print()
    for notice in built.notices:
        if notice["level"] == "warning":
            output.untrusted(notice["text"])
        else:
            output.print(notice["text"])
    output.print(f"{len(built.figures)} figures, {len(built.tables)} tables")
    output.print(f"notebook: {built.notebook}")
    output.print(f"page: {built.html}")
    output.finish(built.to_dict())


@click.command("list")
@output_options
def list_command(output: Output) -> None:
    """List the studies there are.

    \b
    Example:
      python -m studies list
    """
    from studies.catalogue import list_studies

    rows = [
        {"name": one.name, "title": one.title, "summary": one.summary}
        for one in list_studies()
    ]
    for row in rows:
        output.print(f"{row['name']}: {row['summary']}")
    output.finish({"studies": rows})


@click.command("run")
@click.argument("name")
@_out_option
@click.option("--store", metavar="DB", help="Another store than the study's own.")
@output_options
def run_command(name: str, out: Path | None, store: str | None, output: Output) -> None:
    """Measure what a study lacks, execute it, and leave a notebook and a page.

    An unfinished sweep is resumed and a finished one is used as it is, so the
    command can be repeated. NAME is one of `list`, or a folder with a study.cfg.

    \b
    Example:
      python -m studies run quickstart
    """
    from studies.build import build
    from studies.catalogue import find_study
    from studies.measuring import ensure_measured

    study = find_study(name)
    folder = _folder(out)
    parameters: dict[str, Any] = {}
    if study.store or store:
        path = Path(store or study.store)
        ensure_measured(path, study.sweep, output)
        parameters["store"] = str(path)
    built = build(
        study.script,
        name=study.name,
        title=study.title,
        out=folder,
        parameters=parameters,
        progress=output.progress,
    )
    _finish(built, output)


@click.command("report")
@data_options
@click.option("--title", help="The page's heading.")
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="As for `perfmodel fit`.",
)
@_out_option
@output_options
def report_command(
    choice: DataChoice,
    title: str | None,
    model: str,
    out: Path | None,
    output: Output,
) -> None:
    """Report on any store or table, without measuring.

    DATA is --store DB (results/measurements.db by default) or --data T.csv; a CSV
    file without a T.json beside it needs --options and --response too.

    \b
    Example:
      python -m studies report --data t.csv --options a,b --response y
    """
    from studies.report import build_report

    choice.read()  # refused before a folder is made
    built = build_report(
        choice, title=title, model=model, out=_folder(out), progress=output.progress
    )
    _finish(built, output)
