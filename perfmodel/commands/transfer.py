"""``python -m perfmodel transfer``."""

from __future__ import annotations

from pathlib import Path

import click

from measure.console import Output, output_options
from perfmodel.commands.data import DataChoice, data_options, seed_option
from perfmodel.commands.saving import check_save, save_models
from perfmodel.commands.sections import usual_responses, with_responses

__all__ = ["command"]


@click.command("transfer")
@data_options
@click.option(
    "--src",
    required=True,
    metavar="ENV[,ENV..]|all",
    help="Where runs are to be learned from.",
)
@click.option(
    "--dst", required=True, metavar="ENV", help="Where they are to be of use."
)
@click.option(
    "--target-runs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Learn from N configurations of the target, spread over what the source "
    "predicts, and score on the rest.",
)
@click.option(
    "--metrics",
    type=click.Choice(["ase17"]),
    help="Print the metrics M1 to M18 of Jamshidi et al. (ASE 2017) too.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Save the model in this folder; several models in a folder each beneath it.",
)
@seed_option
@output_options
def command(
    choice: DataChoice,
    src: str,
    dst: str,
    target_runs: int | None,
    metrics: str | None,
    save: Path | None,
    seed: int,
    output: Output,
) -> None:
    """Say what holds on the target of what was learned on the source.

    An ENV selects environments by values: resnet is looked up in all environment
    columns (exact first, then as a prefix); parts are joined by /, or written as
    network=resnet50,workload=images. Source and target are paired on the columns that
    neither names.

    \b
    Example:
      python -m perfmodel transfer --src resnet --dst mobilenet
      python -m perfmodel transfer --src resnet --dst mobilenet --target-runs 20
    """
    check_save(save)
    data = choice.read()
    if choice.table is None and choice.responses is None:
        data = with_responses(data, usual_responses(data))
    from perfmodel.transfer.selected import transfer_reports

    with output.progress("transfer", 1) as step:
        reports = transfer_reports(
            data,
            src,
            dst,
            target_runs=target_runs,
            metrics=metrics,
            seed=seed,
            progress=step,
        )
    for position, report in enumerate(reports):
        if position:
            output.print()
        for line in report.lines():
            output.print(line)
    if data.notes:
        output.print()
    for note in data.notes:
        output.print(f"note: {note}")
    transfers = [report.to_dict() for report in reports]
    if save is not None:
        places = save_models([report.model for report in reports], save, output)
        for entry, place in zip(transfers, places, strict=True):
            entry["saved"] = place
    output.finish({**choice.record, "seed": seed, "transfers": transfers})
