"""``python -m perfmodel pareto``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from measure.commands.shared import words_option
from measure.console import Output, output_options
from perfmodel.commands.data import (
    DataChoice,
    data_options,
    predictor_option,
    seed_option,
)

if TYPE_CHECKING:
    from perfmodel.pareto import ParetoFront

__all__ = ["command"]


@click.command("pareto")
@data_options
@click.option(
    "--responses",
    "--minimize",
    "axes",
    metavar="NAME,..",
    callback=words_option,
    help="Responses to weigh, by either word: minimised, but throughput_hz and "
    "accuracy maximised; -NAME minimises, +NAME maximises.",
)
@predictor_option
@click.option(
    "--measured", is_flag=True, help="Only measured configurations; predict nothing."
)
@seed_option
@output_options
def command(
    choice: DataChoice,
    axes: tuple[str, ...] | None,
    model: str,
    measured: bool,
    seed: int,
    output: Output,
) -> None:
    """Find the configurations that no other one beats in all responses.

    Measured configurations count as measured; all other valid ones are predicted, with
    90 % intervals. All responses are minimised but throughput_hz and accuracy. By
    default latency and energy are weighed, or latency and throughput where energy is
    missing.

    \b
    Example:
      python -m perfmodel pareto --responses latency_s,energy_j
      python -m perfmodel pareto --data mine.csv --options a,b --response time_s,size
    """
    from perfmodel.commands.fronts import finish, fronts, with_columns
    from perfmodel.pareto import pareto_front

    words = axes if axes is not None else choice.responses
    choice, names = with_columns(choice, words)

    def make(sources: Any, data: Any) -> ParetoFront:
        return pareto_front(sources, data=data, directions=words or (), seed=seed)

    found, notes = fronts(
        choice, names, output, make, model=model, measured_only=measured, seed=seed
    )
    record = {**choice.record, "seed": seed}
    finish(found, notes, output, "Pareto front", record, apart_first=True)
