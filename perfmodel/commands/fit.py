"""``python -m perfmodel fit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from measure.console import Output, output_options
from perfmodel.commands.data import MODEL_NAMES, DataChoice, data_options, seed_option
from perfmodel.commands.saving import check_save, save_models
from perfmodel.commands.sections import (
    place_name,
    section_progress,
    sections,
    usual_responses,
    with_responses,
)

if TYPE_CHECKING:
    from perfmodel.commands.modelling import Described

__all__ = ["command"]

FIT_SHARE = 0.8
"""Share of a section's time that fitting takes; the rest explains the model."""


@click.command("fit")
@data_options
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="NAME",
    help=f"{MODEL_NAMES}, or auto: the one with the least error on unseen runs.",
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
    choice: DataChoice, model: str, save: Path | None, seed: int, output: Output
) -> None:
    """Model each environment and response, and say what matters.

    Prints, for each: the error on unseen runs against that of always saying the mean,
    the influential options and interactions with intervals, and the best
    configurations. Ends with exit code 3 where there are fewer runs than main effects
    and pairs. Of a store, latency and energy are modelled; --response says otherwise.

    \b
    Example:
      python -m perfmodel fit --store results/measurements.db --save results/models
      python -m perfmodel fit --data mine.csv --options threads,cache --response time_s
    """
    check_save(save)
    found = fit_sections(choice, model, seed, output)
    saved = []
    if save is not None:
        saved = save_models([described.model for described in found], save, output)
    if len(found) > 1:
        _print_overview(found, output)
    for described in found:
        if described.few:
            output.untrusted(described.few)
    models = [described.to_dict() for described in found]
    if save is not None:
        for entry, folder in zip(models, saved, strict=True):
            entry["saved"] = folder
    output.finish(
        {**choice.record, "seed": seed, "models": models, "reasons": output.reasons}
    )


def fit_sections(
    choice: DataChoice, name: str, seed: int, output: Output, *, full: bool = False
) -> list[Described]:
    """Fit and print a model of each environment and response.

    Parameters
    ----------
    choice : DataChoice
        Which runs.
    name : str
        Which kind of model.
    seed : int
        Seed of everything random.
    output : Output
        Where to print.
    full : bool, default=False
        Whether to print all terms, not only those reported.

    Returns
    -------
    list of Described
        One a section.
    """
    data = choice.read()
    left_out: list[str] = []
    if choice.table is None and choice.responses is None:
        usual = usual_responses(data)
        left_out = [one for one in data.responses if one not in usual]
        data = with_responses(data, usual)
    parts, notes = sections(data)
    # Only now is anything heavy needed: a refusal comes at once.
    from perfmodel.commands.explain import print_terms
    from perfmodel.commands.modelling import describe
    from perfmodel.fitting import fit
    from perfmodel.progress import part_of

    found: list[Described] = []
    with output.progress("fitting", len(parts)) as step:
        for place, part in enumerate(parts):
            told = section_progress(part, place, step)
            model = fit(
                part.data, model=name, seed=seed, progress=part_of(told, 0.0, FIT_SHARE)
            )
            described = describe(
                model,
                part.data,
                seed=seed,
                environment=part.environment,
                notes=model.notes_[len(part.data.notes) :],
                compare=not full,
                progress=part_of(told, FIT_SHARE, 1.0),
            )
            if found:
                output.print()
            if full:
                print_terms(described, output)
            else:
                described.print_summary(output)
            found.append(described)
            step(described.heading, place + 1.0)
    if left_out:
        notes.append(f"not modelled: {', '.join(left_out)}; choose with --response")
    if notes:
        output.print()
    for note in notes:
        output.print(f"note: {note}")
    return found


def _print_overview(found: list[Described], output: Output) -> None:
    """Print a line for each model."""
    rows = []
    for one in found:
        validation = one.model.cross_validation_
        top = one.influence.reported["term"].head(3).tolist()
        rows.append(
            [
                place_name(one.environment) or "-",
                one.influence.response,
                str(one.runs),
                one.model.name,
                f"{validation.error_percent:.1f}" if validation else "-",
                f"{validation.baseline_error_percent:.1f}" if validation else "-",
                ", ".join(top) if one.learnable else "no learnable signal",
            ]
        )
    output.print()
    output.table(
        (
            "environment",
            "response",
            "runs",
            "model",
            "error %",
            "mean's %",
            "top terms",
        ),
        rows,
        title="all models:",
    )
