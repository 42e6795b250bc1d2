"""The command line of the studies: parse, call, print."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from measure.errors import MeasureError
from perfmodel.errors import PerfmodelError
from studies.errors import StudyError

if TYPE_CHECKING:
    from studies.build import Built

__all__ = ["main"]

REFUSED, UNTRUSTED, INTERRUPTED = 1, 3, 130
RESULTS = Path("results")


def _output_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every command has."""
    for option in (
        click.option("--debug", is_flag=True, help="Show the traceback of an error."),
        click.option(
            "--json",
            "json_path",
            metavar="FILE",
            help="Write what is printed as JSON; - for standard output.",
        ),
    ):
        command = option(command)
    return command


@contextmanager
def _one_line_errors(debug: bool, resume: str) -> Iterator[None]:
    """Print a foreseen error in one line, and say how to go on after Ctrl-C."""
    try:
        yield
    except (StudyError, MeasureError, PerfmodelError, OSError) as error:
        if debug:
            raise
        print(f"studies: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(REFUSED)
    except KeyboardInterrupt:
        print(f"interrupted; go on with: {resume}", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _say(json_path: str | None) -> Callable[[str], None]:
    """Return where text goes: standard output belongs to JSON if it was asked for."""
    stream = sys.stderr if json_path == "-" else sys.stdout
    return lambda text: print(text, file=stream, flush=True)


def _write_json(path: str | None, content: object) -> None:
    if path == "-":
        print(json.dumps(content, indent=2))
    elif path:
        Path(path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _progress(say: Callable[[str], None]) -> Callable[[int, int, str], None]:
    started = time.monotonic()

    def show(number: int, count: int, heading: str) -> None:
        say(
            f"[{time.monotonic() - started:5.1f} s] cell {number} of {count}: {heading}"
        )

    return show


def _finish(
    built: Built, say: Callable[[str], None], json_path: str | None
) -> NoReturn:
    """Print what was found and where it stands; leave with the right exit code."""
    say("")
    for notice in built.notices:
        say(f"{notice['level']}: {notice['text']}")
    for finding in built.findings:
        about = f"{finding['about']}: " if finding["about"] else ""
        say(f"[{finding['verdict']}] {about}{finding['text']}")
    say("")
    say(f"{len(built.figures)} figures, {len(built.tables)} tables")
    say(f"notebook: {built.notebook}")
    say(f"page:     {built.html}")
    _write_json(json_path, built.to_dict())
    doubt = any(notice["level"] == "warning" for notice in built.notices)
    sys.exit(UNTRUSTED if doubt else 0)


def _folder(out: Path | None) -> Path:
    if out is None:
        RESULTS.mkdir(exist_ok=True)
        return RESULTS
    return out


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run a study, or report on a store or a table.

    \b
    Example:
      python -m studies run quickstart
    """


@main.command("list")
@_output_options
def list_command(json_path: str | None, debug: bool) -> None:
    """List the studies that can be run.

    \b
    Example:
      python -m studies list
    """
    from studies.catalogue import list_studies

    with _one_line_errors(debug, "python -m studies list"):
        studies = list_studies()
        say = _say(json_path)
        for study in studies:
            say(f"{study.name}: {study.summary}")
        rows = [
            {"name": s.name, "title": s.title, "summary": s.summary} for s in studies
        ]
        _write_json(json_path, {"studies": rows})


@main.command("run")
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="An existing folder for notebook and page.  [default: results]",
)
@click.option(
    "--store",
    metavar="DB",
    help="Another store than the study's own; measured into where it lacks runs.",
)
@_output_options
def run_command(
    name: str, out: Path | None, store: str | None, json_path: str | None, debug: bool
) -> None:
    """Measure what a study lacks, execute it, and leave a notebook and a page.

    An unfinished sweep is resumed, a finished one is used as it is.

    \b
    Example:
      python -m studies run quickstart
    """
    from studies.build import build
    from studies.catalogue import find_study
    from studies.measuring import ensure_measured

    with _one_line_errors(debug, f"python -m studies run {name}"):
        study = find_study(name)
        say = _say(json_path)
        folder = _folder(out)
        if not folder.is_dir():
            raise StudyError(f"--out {folder}: no such folder; make it first")
        parameters: dict[str, Any] = {}
        if study.store or store:
            path = Path(store or study.store)
            ensure_measured(path, study.sweep, say)
            parameters["store"] = str(path)
        built = build(
            study.script,
            name=study.name,
            title=study.title,
            out=folder,
            parameters=parameters,
            progress=_progress(say),
        )
        _finish(built, say, json_path)


@main.command("report")
@click.option("--store", metavar="DB", help="A store that `measure sweep` filled.")
@click.option("--data", metavar="T.csv", help="A table: exported, or of your own.")
@click.option("--options", metavar="NAME,..", help="Its option columns.")
@click.option("--response", metavar="NAME,..", help="Its response columns.")
@click.option("--environment", metavar="NAME,..", help="Its environment columns.")
@click.option("--space", metavar="FILE", help="A space file that describes it.")
@click.option("--title", help="The page's heading.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="An existing folder for notebook and page.  [default: results]",
)
@_output_options
def report_command(
    store: str | None,
    data: str | None,
    options: str | None,
    response: str | None,
    environment: str | None,
    space: str | None,
    title: str | None,
    out: Path | None,
    json_path: str | None,
    debug: bool,
) -> None:
    """Report on any store or table: the same page as a study's, without measuring.

    Without DATA it takes results/measurements.db.

    \b
    Example:
      python -m studies report --data t.csv --options a,b --response y
    """
    from studies.report import build_report

    with _one_line_errors(debug, "the same command"):
        say = _say(json_path)
        built = build_report(
            store=store,
            data=data,
            options=options,
            response=response,
            environment=environment,
            space=space,
            title=title,
            out=_folder(out),
            progress=_progress(say),
        )
        _finish(built, say, json_path)


if __name__ == "__main__":
    main(prog_name="python -m studies")
