"""Pictures of designs and sweeps; always onto a given ax.

These draw frames and runs; they know neither designs nor stores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes as Axes

__all__ = [
    "plot_aliases",
    "plot_correlations",
    "plot_drift",
    "plot_power",
    "plot_space_fraction",
    "save_panels",
]

# Okabe and Ito's palette: told apart by colour-blind readers, and in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#999999"
_WIDTH, _LOWEST, _TALLEST, _PER_LABEL = 12.0, 4.0, 20.0, 0.18  # inches


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def plot_drift(
    runs: Iterable[Any], ax: Axes | None = None, *, response: str = "latency_s"
) -> Axes:
    """Draw the reference runs of a sweep through time, one line an environment.

    Parameters
    ----------
    runs : iterable of Run
        Of one sweep; only its finished reference runs are drawn.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    response : str, default="latency_s"
        Which response.

    Returns
    -------
    matplotlib Axes
        Each environment's response as a ratio to its first run.
    """
    ax = _axes(ax)
    lines: dict[str, list[tuple[float, float]]] = {}
    for run in runs:
        value = run.response(response)
        if run.role == "reference" and run.status == "done" and math.isfinite(value):
            place = f"{run.environment.network}, {run.environment.workload}"
            moment = datetime.fromisoformat(run.started_at).timestamp()
            lines.setdefault(place, []).append((moment, value))
    start = min((points[0][0] for points in lines.values()), default=0.0)
    longest = max((points[-1][0] for points in lines.values()), default=0.0) - start
    unit, scale = ("min", 60.0) if longest > 120 else ("s", 1.0)
    ax.axhline(1.0, color=GREY, linewidth=0.8, zorder=0)
    for number, (place, points) in enumerate(lines.items()):
        times = [(moment - start) / scale for moment, _ in points]
        ratios = [value / points[0][1] for _, value in points]
        colour = COLOURS[number % len(COLOURS)]
        ax.plot(times, ratios, "o-", color=colour, markersize=4, label=place)
    ax.set_xlabel(f"time since the first run ({unit})")
    ax.set_ylabel(f"{response}, ratio to the first")
    if len(lines) > 1:
        ax.legend(frameon=False)
    return ax


def plot_power(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the power that a design has to find each term.

    Parameters
    ----------
    frame : DataFrame
        With term, power and estimable, one row a term.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Terms that the design cannot estimate are grey, without a bar.
    """
    ax = _axes(ax)
    shown = frame.iloc[::-1]
    places = list(range(len(shown)))
    powers = [p if math.isfinite(p) else 0.0 for p in map(float, shown["power"])]
    ax.barh(places, powers, color=COLOURS[0], height=0.7)
    ax.set_yticks(places, list(shown["term"]))
    for label, estimable in zip(ax.get_yticklabels(), shown["estimable"], strict=True):
        if not estimable:
            label.set_color(GREY)
    ax.set_xlim(0, 1)
    ax.set_xlabel("power to find the effect")
    return ax


def plot_aliases(
    rows: Sequence[tuple[str, str, float]], ax: Axes | None = None
) -> Axes:
    """Draw which terms outside a model would bias which inside.

    Parameters
    ----------
    rows : sequence of (str, str, float)
        Term, alias and weight.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        A map of weights from -1 to 1.
    """
    import numpy as np

    ax = _axes(ax)
    terms = list(dict.fromkeys(term for term, _, _ in rows))
    aliases = list(dict.fromkeys(alias for _, alias, _ in rows))
    weights = np.zeros((max(len(terms), 1), max(len(aliases), 1)))
    for term, alias, weight in rows:
        weights[terms.index(term), aliases.index(alias)] = weight
    image = ax.imshow(weights, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
    ax.set_yticks(range(len(terms)), terms)
    ax.set_xticks(range(len(aliases)), aliases, rotation=90)
    ax.figure.colorbar(image, ax=ax, label="weight")
    ax.set_title("nothing is aliased" if not rows else "")
    return ax


def plot_correlations(
    terms: Sequence[str],
    rows: Sequence[tuple[str, str, float]],
    ax: Axes | None = None,
) -> Axes:
    """Draw how the estimates of the terms of a model are correlated.

    Parameters
    ----------
    terms : sequence of str
        In the order of the model.
    rows : sequence of (str, str, float)
        Two terms and their correlation; pairs that are missing have none.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        A symmetric map of correlations from -1 to 1.
    """
    import numpy as np

    ax = _axes(ax)
    place = {term: number for number, term in enumerate(terms)}
    values = np.eye(max(len(terms), 1))
    for term, other, value in rows:
        values[place[term], place[other]] = values[place[other], place[term]] = value
    image = ax.imshow(values, cmap="RdBu", vmin=-1, vmax=1)
    ax.set_yticks(range(len(terms)), terms)
    ax.set_xticks(range(len(terms)), terms, rotation=90)
    ax.figure.colorbar(image, ax=ax, label="correlation of estimates")
    return ax


def plot_space_fraction(quantiles: Sequence[float], ax: Axes | None = None) -> Axes:
    """Draw what share of the configurations is predicted with what variance.

    Parameters
    ----------
    quantiles : sequence of float
        The variance that 0, .., 100 % of the configurations do not exceed.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        The fraction-of-design-space curve.
    """
    ax = _axes(ax)
    last = max(len(quantiles) - 1, 1)
    shares = [position / last for position in range(len(quantiles))]
    ax.plot(shares, list(quantiles), color=COLOURS[0])
    ax.set_xlim(0, 1)
    ax.set_xlabel("fraction of the design space")
    ax.set_ylabel("variance of the prediction (noise: 1)")
    return ax


def save_panels(
    panels: Sequence[Callable[[Axes], object]], path: Path, *, rows: int = 0
) -> None:
    """Draw panels side by side, two in a row, and save the figure.

    Parameters
    ----------
    panels : sequence of callable
        Each draws onto the ax that it is given.
    path : Path
        Its ending says the format.
    rows : int, default=0
        Labels that stand below each other in a panel, which must find room.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = -(-len(panels) // 2)
    height = min(_TALLEST, max(_LOWEST, rows * _PER_LABEL))
    figure = Figure(figsize=(_WIDTH, lines * height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(lines, 2, squeeze=False).ravel()
    for panel, ax in zip(panels, axes, strict=False):
        panel(ax)
    for ax in axes[len(panels) :]:
        ax.axis("off")
    figure.savefig(path, dpi=120)
