"""``python -m perfmodel explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from measure.console import Output, output_options, refuse
from measure.spelling import did_you_mean
from perfmodel.catalogue import AUTO, MODELS
from perfmodel.commands.data import DataChoice, data_options, seed_option

if TYPE_CHECKING:
    from perfmodel.commands.modelling import Described

__all__ = ["command", "print_terms"]


@click.command("explain")
@data_options
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="DIR|NAME",
    help="The folder of a saved model; or which kind to fit to DATA.",
)
@seed_option
@output_options
def command(choice: DataChoice, model: str, seed: int, output: Output) -> None:
    """List all main effects and interactions, with 95 % intervals.

    An effect is the largest less the smallest value of a term's functional-ANOVA
    component, in per cent of the geometric mean response; its share is of the variance
    of the log response over all valid configurations. Adjusted p-values are printed
    where the model has any. Terms marked * are those that the report stands by.

    \b
    Example:
      python -m perfmodel explain --model results/models
      python -m perfmodel explain --data mine.csv --options threads --response time_s
    """
    folder = Path(model)
    record: dict[str, object] = {"saved_model": model}
    named = choice.store is not None or choice.table is not None
    kinds = [AUTO, *MODELS]
    if not named and not folder.is_dir() and model not in kinds:
        refuse(
            f"--model {model}: there is no such folder and no such model; `fit --save "
            f"DIR` makes a folder, the models are {', '.join(kinds)}"
            f"{did_you_mean(model, kinds)}"
        )
    if not named and folder.is_dir():
        from perfmodel.commands.loaded import load_models
        from perfmodel.commands.modelling import describe

        found: list[Described] = []
        models = load_models(folder)
        with output.progress("explaining", len(models)) as step:
            for place, one in enumerate(models):
                name = " ".join([*one.environment_.values(), one.response_])

                def told(what: str, share: float, name: str = name) -> None:
                    step(f"{name}: {what}", len(found) + share)

                if place:
                    output.print()
                found.append(describe(one, seed=seed, notes=one.notes_, progress=told))
                print_terms(found[-1], output)
    else:
        from perfmodel.commands.fit import fit_sections

        found = fit_sections(choice, model, seed, output, full=True)
        record = choice.record
    for described in found:
        if described.few:
            output.untrusted(described.few)
    output.finish(
        {
            **record,
            "seed": seed,
            "models": [described.to_dict() for described in found],
            "reasons": output.reasons,
        }
    )


def print_terms(described: Described, output: Output) -> None:
    """Print all terms of a model.

    Parameters
    ----------
    described : Described
        The model.
    output : Output
        Where to.
    """
    from perfmodel.commands.modelling import TERM_COLUMNS, print_legend, term_rows

    described.print_accuracy(output)
    frame = described.influence.frame
    columns = ["", *TERM_COLUMNS]
    rows = [
        ["*" if reported else "", *cells]
        for reported, cells in zip(frame["reported"], term_rows(frame), strict=True)
    ]
    if frame["p_adjusted"].notna().any():
        columns.append("p adjusted")
        for row, p in zip(rows, frame["p_adjusted"], strict=True):
            row.append(f"{p:.2g}")
    output.table(columns, rows, title="all terms (95 % intervals; * reported):")
    print_legend(frame, output)
    output.print(
        "  of higher order: "
        f"{100 * described.influence.unexplained:.1f} % of the variance"
    )
    described.print_notes(output)
