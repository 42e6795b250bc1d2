"""What one response costs in another: the front that models predict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from studies.display import Figure, Finding, Table, figure
from studies.wording import log_axis, quantity, spoken

if TYPE_CHECKING:
    import pandas as pd

    from perfmodel.pareto import ParetoFront
    from studies.modelled import Modelled

__all__ = ["predicted_fronts"]

ROWS = 12
"""Of a front's table, evenly spaced along it."""
LEVEL = 90


def predicted_fronts(
    first: Sequence[Modelled], second: Sequence[Modelled]
) -> list[Figure | Table | Finding]:
    """Show the front of two responses over all valid configurations.

    Parameters
    ----------
    first, second : sequence of Modelled
        Models of one response and of another, of the same environments in order.

    Returns
    -------
    list of Figure, Table or Finding
        For the notebook to display.
    """
    from perfmodel import pareto_front

    pairs = list(zip(first, second, strict=True))
    fronts = [pareto_front([one.model, other.model]) for one, other in pairs]
    found: list[Figure | Table | Finding] = [
        _figure(pairs, fronts),
        _table(pairs, fronts),
    ]
    for pair, front in zip(pairs, fronts, strict=True):
        found.append(_apart(*pair, front))
        found += _below_the_top(pair[1], front)
    return found


def _figure(
    pairs: Sequence[tuple[Modelled, Modelled]], fronts: Sequence[ParetoFront]
) -> Figure:
    from matplotlib import pyplot

    x, y = (one.data.response for one in pairs[0])
    drawing, axes = pyplot.subplots(
        len(pairs),
        1,
        figsize=(6.6, 3.2 * len(pairs)),
        squeeze=False,
        layout="constrained",
    )
    for (one, other), front, ax in zip(pairs, fronts, axes[:, 0], strict=True):
        front.plot(ax=ax)
        ax.set_title(one.name, loc="left", fontsize="medium")
        ax.spines[["top", "right"]].set_visible(False)
        log_axis(ax, "x", one.data.unit)
        log_axis(ax, "y", other.data.unit)
        ax.set_xlabel(spoken(x))
        ax.set_ylabel(spoken(y))
    return figure(
        "predicted-front",
        drawing,
        f"All valid configurations (grey) as the models predict their {spoken(x)} and "
        f"{spoken(y)}, and those that no other one beats in both (blue).",
    )


def _table(
    pairs: Sequence[tuple[Modelled, Modelled]], fronts: Sequence[ParetoFront]
) -> Table:
    import pandas as pd

    names = [one.data.response for one in pairs[0]]
    frames = []
    for (one, _), front in zip(pairs, fronts, strict=True):
        count = len(front.frame)
        rows = sorted({round(k * (count - 1) / (ROWS - 1)) for k in range(ROWS)})
        columns = [
            n for name in names for n in (name, f"{name}_lower", f"{name}_upper")
        ]
        frame = front.frame.iloc[rows][[*front.options, *columns]].copy()
        frame.insert(0, "environment", one.name)
        frames.append(frame)
    units = {option.name: option.unit for option in pairs[0][0].data.space.options}
    for one in pairs[0]:
        name, unit = one.data.response, one.data.unit
        units |= {name: unit, f"{name}_lower": unit, f"{name}_upper": unit}
    return Table(
        name="predicted-front",
        caption=f"Configurations of the predicted front, with {LEVEL} % intervals, "
        "evenly spaced along it.",
        frame=pd.concat(frames, ignore_index=True),
        units=units,
        rows_shown=2 * ROWS,
    )


def _apart(one: Modelled, other: Modelled, front: ParetoFront) -> Finding:
    """Say whether the best configuration in one response is so in the other."""
    x, y, unit = one.data.response, other.data.response, other.data.unit
    best = front.frame.iloc[0]
    place = int(front.frame[y].argmin())
    if place == 0:
        text = (
            f"one configuration is predicted to have the least {spoken(x)} and the "
            f"least {spoken(y)}"
        )
        return Finding(text=text, verdict="no", about=one.name)
    least = front.frame.iloc[place]
    saved = 1.0 - least[y] / best[y]
    slower = least[x] / best[x] - 1.0
    clear = least[f"{y}_upper"] < best[f"{y}_lower"]
    text = (
        f"the configuration of least {spoken(y)} is another than that of least "
        f"{spoken(x)}: predicted {_interval(least, y, unit)} against "
        f"{_interval(best, y, unit)}, {100 * saved:.0f} % less, for "
        f"{100 * slower:.0f} % more {spoken(x)}"
    )
    return Finding(text=text, verdict="yes" if clear else "undecided", about=one.name)


def _below_the_top(other: Modelled, front: ParetoFront) -> list[Finding]:
    """Say of which clocks the highest level is not the most frugal one."""
    response, unit = other.data.response, other.data.unit
    least = front.frame.iloc[int(front.frame[response].argmin())]
    found = []
    for option in other.data.space.options:
        if not option.name.endswith("_freq_hz"):
            continue
        top = max(option.levels)
        raised = least[list(front.options)].to_frame().T.assign(**{option.name: top})
        higher = {name: raised[name].iloc[0] for name in front.options}
        if least[option.name] == top or not other.data.space.is_valid(higher):
            continue
        row = _predicted(other, raised)
        clear = least[f"{response}_upper"] < row["lower"]
        found.append(
            Finding(
                text=f"{spoken(response)} is least below the highest {option.name}: at "
                f"{quantity(least[option.name], option.unit)} predicted "
                f"{_interval(least, response, unit)}, at {quantity(top, option.unit)} "
                f"{quantity(row['prediction'], unit)} "
                f"({quantity(row['lower'], unit)} to {quantity(row['upper'], unit)})",
                verdict="yes" if clear else "undecided",
                about=other.name,
            )
        )
    return found


def _predicted(one: Modelled, frame: pd.DataFrame) -> Any:
    typed = frame.astype({n: one.data.X[n].dtype for n in frame.columns})
    return one.model.predict_interval(typed).iloc[0]


def _interval(row: Any, name: str, unit: str) -> str:
    ends = (quantity(row[f"{name}_{end}"], unit) for end in ("lower", "upper"))
    return f"{quantity(row[name], unit)} ({' to '.join(ends)})"
