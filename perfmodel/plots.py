"""Pictures of models: effects, interactions, fronts; always onto a given ax.

These draw frames and arrays; they know no report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_effects", "plot_front", "plot_interactions"]

# Okabe and Ito's palette: told apart by colour-blind readers, and in grey.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#999999"


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def plot_effects(
    frame: pd.DataFrame,
    ax: Axes | None = None,
    *,
    most: int = 15,
    xlabel: str = "effect (%)",
) -> Axes:
    """Draw effects with their intervals, the largest share on top.

    Parameters
    ----------
    frame : DataFrame
        With term, effect, lower, upper, order and reported, best first.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    most : int, default=15
        How many terms to show.
    xlabel : str, default="effect (%)"
        What the axis says.

    Returns
    -------
    matplotlib Axes
        Terms that are not reported are grey; pairs are a second colour.
    """
    ax = _axes(ax)
    shown = frame.head(most).iloc[::-1]
    by_order = np.where(shown["order"].to_numpy() > 1, ORANGE, BLUE)
    colours = np.where(shown["reported"].to_numpy(), by_order, GREY)
    places = np.arange(len(shown))
    ax.barh(places, shown["effect"], color=list(colours), height=0.6)
    low = (shown["effect"] - shown["lower"]).clip(lower=0)
    high = (shown["upper"] - shown["effect"]).clip(lower=0)
    known = (low.notna() & high.notna()).to_numpy()
    ax.errorbar(
        shown["effect"][known],
        places[known],
        xerr=np.array([low[known], high[known]]),
        fmt="none",
        ecolor="black",
        elinewidth=1,
        capsize=2,
    )
    ax.set_yticks(places, shown["term"])
    ax.set_xlabel(xlabel)
    ax.set_xlim(left=0)
    return ax


def plot_interactions(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw a map of all pairs: main effects on the diagonal, pairs beside it.

    Parameters
    ----------
    frame : DataFrame
        With term, order and effect.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        A cell for each option and pair, its effect written in it.
    """
    ax = _axes(ax)
    names = list(frame.loc[frame["order"] == 1, "term"])
    place = {name: position for position, name in enumerate(names)}
    effects = np.full((len(names), len(names)), np.nan)
    for row in frame.itertuples():
        # A pair's name is two option names, which may hold a colon themselves.
        for left, right in _parts(str(row.term), place):
            effects[place[left], place[right]] = row.effect
            effects[place[right], place[left]] = row.effect
    image = ax.imshow(effects, cmap="Blues", vmin=0)
    for (down, across), effect in np.ndenumerate(effects):
        if np.isfinite(effect):
            dark = effect > 0.6 * np.nanmax(effects)
            ax.text(
                across,
                down,
                f"{effect:.0f}",
                ha="center",
                va="center",
                color="white" if dark else "black",
            )
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.figure.colorbar(image, ax=ax, label="effect (%)")
    return ax


def _parts(term: str, names: dict[str, int]) -> list[tuple[str, str]]:
    if term in names:
        return [(term, term)]
    cuts = [i for i, letter in enumerate(term) if letter == ":"]
    halves = [(term[:cut], term[cut + 1 :]) for cut in cuts]
    return [half for half in halves if half[0] in names and half[1] in names]


def plot_front(
    frame: pd.DataFrame,
    responses: Sequence[str],
    ax: Axes | None = None,
    *,
    others: pd.DataFrame | None = None,
    labels: Sequence[str] = (),
) -> Axes:
    """Draw a front in its first two responses, with intervals where predicted.

    Parameters
    ----------
    frame : DataFrame
        A column for each response; for predicted rows ``NAME_lower`` and
        ``NAME_upper``; ``measured``.
    responses : sequence of str
        Which two responses to draw.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    others : DataFrame, optional
        Points that are not on the front, drawn small.
    labels : sequence of str, optional
        What the axes say; the responses' names by default.

    Returns
    -------
    matplotlib Axes
        Measured points are filled, predicted ones open.
    """
    ax = _axes(ax)
    across, up = responses[:2]
    if others is not None:
        ax.scatter(others[across], others[up], s=6, color=GREY, label="others")
    for measured, name in ((True, "measured"), (False, "predicted")):
        rows = frame[frame["measured"] == measured]
        if rows.empty:
            continue
        ax.scatter(
            rows[across],
            rows[up],
            s=30,
            edgecolor=BLUE,
            facecolor=BLUE if measured else "none",
            label=f"front, {name}",
            zorder=3,
        )
        if not measured and f"{across}_lower" in rows:
            ax.errorbar(
                rows[across],
                rows[up],
                xerr=_reach(rows, across),
                yerr=_reach(rows, up),
                fmt="none",
                ecolor=BLUE,
                elinewidth=0.6,
            )
    words = list(labels) or [across, up]
    ax.set_xlabel(words[0])
    ax.set_ylabel(words[1])
    ax.legend()
    return ax


def _reach(rows: pd.DataFrame, name: str) -> np.ndarray:
    low = (rows[name] - rows[f"{name}_lower"]).clip(lower=0)
    high = (rows[f"{name}_upper"] - rows[name]).clip(lower=0)
    return np.array([low, high])
