"""``python -m measure design``: choose configurations and say what they can tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from measure.commands.shared import MODEL_HELP
from measure.console import INTERRUPTED, Output, check_folder, output_options

if TYPE_CHECKING:
    from measure.designs.diagnostics import DesignReport

_PICTURES = (".png", ".svg", ".pdf")

_HELP = """Choose the configurations of a sweep, and say what they can tell.

\b
Example:
  python -m measure design --space space.yaml --design d-optimal --runs 40 --out d.csv
  python -m measure sweep --space space.yaml --design d.csv
  python -m measure design --space space.yaml --design d-optimal --runs 60 \\
    --augment measured.csv --out all.csv --added next.csv
"""


@click.command("design", help=_HELP)
@click.option(
    "--space",
    "space_file",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="Space file: options, levels, what is forbidden.",
)
@click.option(
    "--design",
    "name",
    metavar="NAME|FILE.csv",
    required=True,
    help="d-optimal, plackett-burman, full-factorial, fractional-factorial, "
    "definitive-screening, split-plot, random, latin-hypercube, sobol, pairwise, or "
    "a file to judge.",
)
@click.option("--runs", type=click.IntRange(min=1), help="How many.")
@click.option("--model", metavar="main|interactions|quadratic|FORMULA", help=MODEL_HELP)
@click.option(
    "--criterion",
    type=click.Choice(["d", "a", "i", "bayes-d"]),
    help="What an optimal design is best at; bayes-d for fewer runs than terms."
    "  [default: d]",
)
@click.option(
    "--augment",
    metavar="FIXED.csv",
    type=click.Path(path_type=Path),
    help="Runs to keep, made already: a design, or what export wrote; they count and "
    "stand first.",
)
@click.option(
    "--added",
    metavar="NEW.csv",
    type=click.Path(path_type=Path),
    help="With --augment: the runs that are not kept, alone, for sweep --design.",
)
@click.option(
    "--whole-plots",
    metavar="N",
    type=click.IntRange(min=1),
    help="Of split-plot: how often dear options are set; by default what tells most "
    "in the time it takes.",
)
@click.option(
    "--variance-ratio",
    metavar="ETA",
    type=click.FloatRange(min=0),
    help="Of split-plot: variance between whole plots over that within, as fit says."
    "  [default: 1]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of what is drawn.",
)
@click.option(
    "--budget-s",
    type=click.FloatRange(min=0, min_open=True),
    help="CPU seconds of a search; Ctrl-C keeps the best so far.  [default: 4]",
)
@click.option(
    "--iterations", type=click.IntRange(min=1), help="Of a search, instead of a budget."
)
@click.option(
    "--effect",
    type=click.FloatRange(min=0, min_open=True),
    default=2.0,
    show_default=True,
    help="Of a term, from its lowest to its highest value, in standard deviations of "
    "the noise: what the power is given for.",
)
@click.option(
    "--picture",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Power, correlations, aliases and the variance over the space, drawn: .png, "
    ".svg or .pdf.",
)
@click.option(
    "--out",
    metavar="D.csv",
    required=True,
    type=click.Path(path_type=Path),
    help="The design, one row a run.",
)
@output_options
def design(
    output: Output,
    space_file: Path,
    name: str,
    runs: int | None,
    model: str | None,
    criterion: str | None,
    augment: Path | None,
    added: Path | None,
    whole_plots: int | None,
    variance_ratio: float | None,
    seed: int,
    budget_s: float | None,
    iterations: int | None,
    effect: float,
    picture: Path | None,
    out: Path,
) -> None:
    """Make the design, write it, print its diagnostics."""
    from dataclasses import replace

    from measure.commands.telling import searching
    from measure.designs.diagnostics import evaluate
    from measure.designs.earlier import read_earlier
    from measure.designs.making import make_design
    from measure.designs.plot_advice import changes_in, changes_text
    from measure.designs.reading import write_design
    from measure.space import ConfigurationSpace

    if budget_s is not None and iterations is not None:
        raise click.UsageError("--budget-s and --iterations exclude each other")
    if added is not None and augment is None:
        raise click.UsageError("--added needs --augment: without it, all runs are new")
    check_folder(out, "--out")
    if added is not None:
        check_folder(added, "--added")
    if picture is not None:
        check_folder(picture, "--picture")
        if picture.suffix not in _PICTURES:
            raise click.UsageError(
                f"--picture {picture}: choose an ending of {', '.join(_PICTURES)}"
            )
    space = ConfigurationSpace.from_file(space_file)
    fixed, notes = (None, ()) if augment is None else read_earlier(augment, space)
    with searching(output) as progress:
        made = make_design(
            name,
            space,
            runs,
            model,
            seed,
            criterion=criterion or "d",
            budget_s=4.0 if budget_s is None else budget_s,
            iterations=iterations,
            fixed=fixed,
            variance_ratio=variance_ratio,
            whole_plots=whole_plots,
            progress=progress,
        )
    made = replace(made, notes=(*notes, *made.notes))
    write_design(made, out)
    if added is not None and fixed is not None:
        write_design(replace(made, frame=made.frame.iloc[len(fixed) :]), added)
    report = evaluate(made, effect=effect)
    changes = changes_in(made)
    said = None if changes is None else changes_text(made, changes)
    _print(output, report, said, out)
    if added is not None and fixed is not None:
        output.print(f"written: {added}, the {made.runs - len(fixed)} added runs")
    if picture is not None:
        report.picture(picture)
        output.print(f"drawn: {picture}")
    output.finish(
        {
            **report.to_dict(),
            "seed": seed,
            "changes": None if changes is None else changes.to_dict(),
            "out": str(out),
            "kept": 0 if fixed is None else len(fixed),
            "added": None if added is None else str(added),
            "picture": None if picture is None else str(picture),
        }
    )
    if made.interrupted:
        click.echo(
            f"measure: interrupted after {made.iterations} iterations of the search; "
            f"{out} is the best design it had found, the same command searches anew",
            err=True,
        )
        raise click.exceptions.Exit(INTERRUPTED)


def _print(
    output: Output, report: DesignReport, changes: str | None, out: Path
) -> None:
    from measure.designs import report_text as words

    for line in words.lines_above(report):
        output.print(line)
    rows = words.power_rows(report)
    if rows:
        output.table(words.COLUMNS, rows, words.power_title(report))
    for line in words.lines_below(report):
        output.print(line)
    if changes is not None:
        output.print(changes)
    output.print(f"written: {out}")
