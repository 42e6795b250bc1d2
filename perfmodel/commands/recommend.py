"""``python -m perfmodel recommend``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from measure.console import Output, output_options
from perfmodel.commands.data import (
    DataChoice,
    data_options,
    predictor_option,
    seed_option,
)

if TYPE_CHECKING:
    from perfmodel.dataset import PerformanceDataset
    from perfmodel.pareto import ParetoFront

__all__ = ["command"]

SHOWN = 5


@click.command("recommend")
@data_options
@click.option(
    "--minimize",
    required=True,
    metavar="NAME",
    help="The response that shall be least; throughput_hz, accuracy and +NAME: most.",
)
@click.option(
    "--subject-to",
    multiple=True,
    metavar="CONSTRAINT",
    help="Such as 'latency_s<=0.05' or 'batch_size=1'; may be given again.",
)
@predictor_option
@click.option(
    "--measured", is_flag=True, help="Only measured configurations; predict nothing."
)
@seed_option
@output_options
def command(
    choice: DataChoice,
    minimize: str,
    subject_to: tuple[str, ...],
    model: str,
    measured: bool,
    seed: int,
    output: Output,
) -> None:
    """Find the best configuration that keeps constraints.

    A predicted configuration keeps a bound if the worse end of its 90 % interval does.
    The first row is the best; further rows cost more and keep the bounds by more.

    \b
    Example:
      python -m perfmodel recommend --minimize energy_j --subject-to "latency_s<=0.05"
    """
    from perfmodel.commands.fronts import finish, fronts, with_columns
    from perfmodel.constraints import direction, parse_constraint
    from perfmodel.pareto import recommend

    choice, names = with_columns(choice, (minimize, *subject_to))

    def check(data: PerformanceDataset) -> None:
        direction(minimize, data.responses)
        for text in subject_to:
            parse_constraint(text, list(data.responses), data.space)

    def make(sources: Any, data: Any) -> ParetoFront:
        return recommend(sources, minimize, subject_to, data=data, seed=seed)

    found, notes = fronts(
        choice,
        names,
        output,
        make,
        model=model,
        measured_only=measured,
        seed=seed,
        check=check,
    )
    title = f"least {minimize}" + "".join(f", {text}" for text in subject_to)
    finish(found, notes, output, title, {**choice.record, "seed": seed}, SHOWN)
