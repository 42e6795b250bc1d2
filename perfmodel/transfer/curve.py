"""Error against the number of target runs, with and without the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.acquisition import stratified_rows
from perfmodel.encoding import Encoding
from perfmodel.folds import unlike
from perfmodel.progress import Progress, silent
from perfmodel.transfer.base import TransferModel
from perfmodel.transfer.source import Source
from perfmodel.validation import mape

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from measure.space import ConfigurationSpace

__all__ = ["break_even", "curve_sizes", "learning_curve", "plot_curve"]

Floats = NDArray[np.float64]

SIZES = (5, 10, 20, 40, 80)
FEWEST_SCORED = 4
SCORED_SHARE = 0.15
MOST_SCORED = 400
REPEATS_OF_FEW, REPEATS_OF_MANY, FEW = 5, 3, 100
AS_GOOD = 1.05  # target alone within this factor: the source no longer helps

METHODS = ("alone", "shift", "transfer", "source_as_is")
LABELS = {
    "alone": "target alone",
    "shift": "shift of the source",
    "transfer": "guarded transfer",
    "source_as_is": "source as it is",
}


def curve_sizes(n: int) -> tuple[int, ...]:
    """Numbers of runs to learn from, so that enough are left to score.

    Parameters
    ----------
    n : int
        Target runs there are.

    Returns
    -------
    tuple of int
        Ascending; empty if there are too few.

    Examples
    --------
    >>> curve_sizes(24), curve_sizes(768), curve_sizes(7)
    ((5, 10, 20), (5, 10, 20, 40, 80), ())
    """
    spare = max(FEWEST_SCORED, int(SCORED_SHARE * n))
    return tuple(size for size in SIZES if size <= n - spare)


def learning_curve(
    space: ConfigurationSpace,
    sources: Sequence[Source],
    frame: pd.DataFrame,
    y: Floats,
    seed: int = 0,
    *,
    groups: NDArray[np.int64] | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Learn from growing parts of the target's runs, and score on the rest.

    Parameters
    ----------
    space : ConfigurationSpace
        Options of all sides.
    sources : sequence of Source
        What is known of each.
    frame : DataFrame of shape (n, n_options)
        The target's configurations.
    y : ndarray of shape (n,)
        Their responses.
    seed : int, default=0
        Seed of the parts.
    groups : ndarray of int of shape (n,), optional
        Rows with equal numbers share a measurement: one is not scored on where another
        is learned from.
    progress : callable, optional
        Told what is being done, and the share done.

    Returns
    -------
    DataFrame
        One row a size: runs, repeats, and the mean relative error in per cent of the
        target alone, a shift, the guarded transfer, and the source as it is.
    """
    import pandas as pd

    encoding = Encoding(space=space)
    codes = encoding.codes(frame)
    told = np.mean([s.log_predict(codes, encoding) for s in sources], axis=0)
    places = sources[0].scaled(codes, encoding)
    repeats = REPEATS_OF_FEW if len(y) <= FEW else REPEATS_OF_MANY
    rows = []
    sizes = curve_sizes(len(y))
    done, whole = 0.0, float(sum(sizes) * repeats or 1)
    for size in sizes:
        errors = []
        for repeat in range(repeats):
            progress(f"learning from {size} target runs", done / whole)
            done += size
            rng = np.random.default_rng([seed, size, repeat])
            learn = stratified_rows(told, size, rng, places)
            rest = unlike(len(y), learn, groups)
            if not len(rest):
                continue
            rest = rng.permutation(rest)[:MOST_SCORED]
            errors.append(
                score(space, sources, frame, y, told, learn, rest, seed + repeat)
            )
        if not errors:
            continue
        means = {name: float(np.mean([e[name] for e in errors])) for name in METHODS}
        rows.append({"runs": size, "repeats": repeats, **means})
    return pd.DataFrame(rows, columns=["runs", "repeats", *METHODS])


def score(
    space: ConfigurationSpace,
    sources: Sequence[Source],
    frame: pd.DataFrame,
    y: Floats,
    told: Floats,
    learn: NDArray[np.intp],
    rest: NDArray[np.intp],
    seed: int = 0,
) -> dict[str, float]:
    """Error of each method that learned from some runs, on others.

    Parameters
    ----------
    space : ConfigurationSpace
        Options of all sides.
    sources : sequence of Source
        What is known of each.
    frame : DataFrame of shape (n, n_options)
        The target's configurations.
    y : ndarray of shape (n,)
        Their responses.
    told : ndarray of shape (n,)
        The sources' mean log prediction.
    learn, rest : ndarray of int
        Rows to learn from, and to score.
    seed : int, default=0
        Seed of the guard.

    Returns
    -------
    dict of str to float
        Mean relative error of each of `METHODS`, per cent.
    """
    out = {"source_as_is": mape(y[rest], np.exp(told[rest]))}
    for name, method in (("alone", "alone"), ("shift", "shift"), ("transfer", "auto")):
        model = TransferModel(method=method, space=space, seed=seed, calibrate=False)
        model.fit(frame.iloc[learn], y[learn], sources)
        out[name] = mape(y[rest], model.predict(frame.iloc[rest]))
    return out


def break_even(curve: pd.DataFrame) -> int | None:
    """Runs from which on the source no longer helps.

    Parameters
    ----------
    curve : DataFrame
        As `learning_curve` gives it.

    Returns
    -------
    int or None
        The first size at which, and at all larger ones, the target alone errs at most
        1.05 times as much as the guarded transfer; None if there is none.
    """
    found = None
    for row in reversed(curve.to_dict("records")):
        if row["alone"] > AS_GOOD * row["transfer"]:
            break
        found = int(row["runs"])
    return found


def plot_curve(curve: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the errors against the number of target runs.

    Parameters
    ----------
    curve : DataFrame
        As `learning_curve` gives it.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        With both axes logarithmic.
    """
    axes: Any = ax
    if axes is None:
        import matplotlib.pyplot as plt

        axes = plt.subplots(layout="constrained")[1]
    styles = {"transfer": "-", "alone": "--", "shift": ":", "source_as_is": "-."}
    for name in ("transfer", "alone", "shift", "source_as_is"):
        axes.plot(
            curve["runs"],
            curve[name],
            styles[name],
            marker="o",
            markersize=4,
            label=LABELS[name],
        )
    if len(curve):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(curve["runs"].tolist(), [str(n) for n in curve["runs"]])
        axes.minorticks_off()
        axes.legend(frameon=False)
    axes.set_xlabel("target runs")
    axes.set_ylabel("error on unseen configurations (%)")
    return axes  # type: ignore[no-any-return]
