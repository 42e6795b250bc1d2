"""``python -m perfmodel predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from measure.console import Output, check_folder, output_options, refuse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["command"]

ADDED = ("prediction", "lower", "upper", "extrapolated")
CHUNK = 4_096
"""Rows that are predicted at a time."""


@click.command("predict")
@click.option(
    "--model",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of a saved model.",
)
@click.option(
    "--data",
    "table",
    required=True,
    type=click.Path(path_type=Path),
    metavar="T.csv",
    help="Configurations, one a row, with a column for each option.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="P.csv",
    help="Where to write the rows with their predictions.",
)
@click.option(
    "--level", default=0.9, show_default=True, help="Level of the prediction intervals."
)
@output_options
def command(folder: Path, table: Path, out: Path, level: float, output: Output) -> None:
    """Predict the rows of a table by a saved model.

    Writes the rows, and the columns prediction, lower, upper (a 90 % interval of a new
    run) and extrapolated (whether a level lies outside those declared, or the
    combination is forbidden). A row without a level for every option has no prediction;
    it is kept, and named.

    \b
    Example:
      python -m perfmodel predict --model results/models --data new.csv --out p.csv
    """
    from measure.spelling import several
    from measure.table import write_whole
    from measure.table_reading import read_cells
    from perfmodel.commands.loaded import load_one

    check_folder(out, "--out")
    if not 0 < level < 1:
        refuse(f"--level {level}: must lie between 0 and 1, such as 0.9")
    model = load_one(folder)
    cells = read_cells(table)
    missing = [name for name in model.space_.names if name not in cells.columns]
    if missing:
        refuse(
            f"{table}: no column {missing[0]!r}; the model's options are "
            f"{', '.join(model.space_.names)}; columns are {', '.join(cells.columns)}"
        )
    taken = [name for name in ADDED if name in cells.columns]
    if taken:
        refuse(f"{table}: has a column {taken[0]!r} already; rename it")
    levels, skipped = _levels(cells, model)
    rows = cells.assign(**dict.fromkeys(ADDED, ""))
    with output.progress("predicting", len(levels)) as step:
        for start in range(0, len(levels), CHUNK):
            step(f"row {start + 1}", start)
            part = levels.iloc[start : start + CHUNK]
            interval = model.predict_interval(part, level=level)
            outside = model.extrapolated(part)
            for name in ("prediction", "lower", "upper"):
                rows.loc[part.index, name] = [repr(float(x)) for x in interval[name]]
            rows.loc[part.index, "extrapolated"] = [
                "true" if far else "false" for far in outside
            ]
    write_whole(out, rows.to_csv(index=False, lineterminator="\n"))
    far = int((rows["extrapolated"] == "true").sum())
    unit = f" ({model.unit_})" if model.unit_ else ""
    output.print(
        f"{several(len(levels), 'row')} predicted: "
        f"{model.response_ or 'response'}{unit}; {out}"
    )
    if far:
        output.print(f"{far} of them extrapolated: outside the levels declared")
    elsewhere = _elsewhere(cells, model)
    if elsewhere:
        where = ", ".join(f"{k}={v}" for k, v in model.environment_.items())
        verb = "is" if elsewhere == 1 else "are"
        output.print(
            f"{several(elsewhere, 'row')} {verb} not of {where}, which the model was "
            "learned in: `transfer` makes a model for elsewhere"
        )
    for entry in skipped[:20]:
        output.print(f"row {entry['row']} skipped: {entry['reason']}")
    if len(skipped) > 20:
        output.print(f"and {several(len(skipped) - 20, 'more row')} skipped")
    output.finish(
        {
            "rows": len(rows),
            "predicted": len(levels),
            "extrapolated": far,
            "elsewhere": elsewhere,
            "skipped": skipped,
            "out": str(out),
            "response": model.response_,
            "unit": model.unit_,
            "level": level,
        }
    )


def _elsewhere(cells: pd.DataFrame, model: Any) -> int:
    """Return how many rows name another environment than the model's."""
    other = [
        (cells[name] != value) & (cells[name] != "")
        for name, value in model.environment_.items()
        if name in cells.columns
    ]
    return int(sum(other).astype(bool).sum()) if other else 0


def _levels(cells: pd.DataFrame, model: Any) -> tuple[pd.DataFrame, list[Any]]:
    """Return the rows that have a level for every option, and why others have not."""
    import pandas as pd

    from measure.errors import LevelError
    from measure.levels import number

    columns: dict[str, list[Any]] = {}
    reasons: dict[int, str] = {}
    for option in model.space_.options:
        values: list[Any] = []
        for place, cell in enumerate(cells[option.name]):
            value: Any = None
            if cell == "":
                reasons.setdefault(place, f"{option.name} is empty")
            elif option.kind == "numeric":
                value = number(cell)
                if value is None:
                    reasons.setdefault(place, f"{option.name} is {cell!r}, no number")
            else:
                try:
                    value = option.check(cell)
                except LevelError as error:
                    reasons.setdefault(place, str(error))
            values.append(value)
        columns[option.name] = values
    whole = [place for place in range(len(cells)) if place not in reasons]
    frame = pd.DataFrame(
        {name: [values[place] for place in whole] for name, values in columns.items()},
        index=cells.index[whole],
    )
    skipped = [{"row": i + 1, "reason": reasons[i]} for i in sorted(reasons)]
    return frame, skipped
