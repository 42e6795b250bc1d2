"""Fit a model to a dataset: one that is named, or the one that predicts best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from measure.spelling import runs_of
from perfmodel.catalogue import AUTO, RACING, make_model
from perfmodel.errors import DataError
from perfmodel.failures import failed_configurations, left_out
from perfmodel.ladders import sparse_ladders
from perfmodel.progress import Progress, part_of, silent
from perfmodel.racing import called, choose, race
from perfmodel.strata import plots_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfmodel.base import PerformanceModel
    from perfmodel.dataset import PerformanceDataset
    from perfmodel.strata import Plots
    from perfmodel.validation import CrossValidation

__all__ = ["fit"]

#: Fewer finite responses, or fewer different configurations, are refused.
FEWEST_RUNS = 5
FEWEST_CONFIGURATIONS = 3
#: Share of the time of a fit that judging the models takes.
RACE_SHARE = 0.8


def fit(
    data: PerformanceDataset,
    model: str | PerformanceModel = AUTO,
    seed: int = 0,
    *,
    progress: Progress = silent,
) -> PerformanceModel:
    """Fit a model, and find its error on unseen runs.

    Parameters
    ----------
    data : PerformanceDataset
        Runs of one environment and one response, at least five of them finite.
    model : str or PerformanceModel, default="auto"
        A name; ``auto`` takes the model with the least cross-validated error, all
        being judged in the same folds; the error that is reported is corrected for
        being the least of several. Or a model that is not fitted: one of ours, or any
        scikit-learn regressor that takes a frame of raw levels.
    seed : int, default=0
        Seed of the folds and of everything random in the models.
    progress : callable, optional
        Told what is being done, and the share done, from 0 to 1.

    Returns
    -------
    PerformanceModel
        Fitted to all runs; ``cross_validation_`` holds its error, ``choice_`` why it
        was chosen, ``notes_`` what was left out of the runs or averaged.

    Raises
    ------
    SelectionError
        If the data have several environments or responses; they are listed.
    DataError
        If there are fewer than five finite responses, or one is infinite.
    ModelError
        If there is no such model.

    Examples
    --------
    >>> import pandas as pd
    >>> from perfmodel.dataset import PerformanceDataset
    >>> frame = pd.DataFrame({"threads": [1, 2, 3, 4] * 2, "fast": [0] * 4 + [1] * 4})
    >>> frame["time"] = (1 + frame["fast"]) / frame["threads"]
    >>> data = PerformanceDataset.from_frame(
    ...     frame, options=["threads", "fast"], response="time")
    >>> model = fit(data, model="stepwise")
    >>> model.name, model.response_, model.cross_validation_ is not None
    ('stepwise', 'time', True)
    """
    X, y = data.X, data.y
    runs = int(data.replicates.sum())
    if runs < FEWEST_RUNS or len(y) < FEWEST_CONFIGURATIONS:
        raise DataError(
            f"{runs_of(runs, len(y))} with a finite {data.response}; a model needs "
            f"{runs_of(FEWEST_RUNS, FEWEST_CONFIGURATIONS)}: measure more"
        )
    if not isinstance(model, str):
        candidates = [model]
    elif model == AUTO:
        candidates = [make_model(name, data.space, seed) for name in RACING]
    else:
        candidates = [make_model(model, data.space, seed)]
    found = race(candidates, data, seed, part_of(progress, 0.0, RACE_SHARE))
    best, validation = choose(found, data, seed)
    progress(f"{called(candidates[best])}, all runs", RACE_SHARE)
    chosen = candidates[best]
    if data.groups is not None and hasattr(chosen, "sharing"):
        chosen.sharing(data.groups)
    plots = plots_of(data)
    if plots is not None and getattr(chosen, "takes_plots", False):
        chosen.fit(X, y, **{"plots": plots})
        told = chosen.notes_
    else:
        chosen.fit(X, y)
        told = _shared(plots, called(chosen))
    chosen.response_, chosen.unit_ = data.response, data.unit
    chosen.environment_ = data.environments()[0]
    chosen.runs_ = runs
    chosen.failed_ = failed_configurations(data, getattr(chosen, "space_", None))
    chosen.cross_validation_ = validation
    chosen.choice_ = _reason(candidates, found, validation)
    sparse = sparse_ladders(data.space, X)
    failed = left_out(len(chosen.failed_))
    chosen.notes_ = (*data.notes, *data.counted, *failed, *told, *sparse)
    return chosen


def _shared(plots: Plots | None, name: str) -> tuple[str, ...]:
    """Say that a model takes runs for independent that share whole plots."""
    if plots is None:
        return ()
    return (
        f"the runs share {plots.weights.shape[1]} whole plots, which {name} does not "
        "allow for: effects of options that stay within these are less sure than it "
        "says; stepwise (--model) allows for them",
    )


def _reason(
    candidates: Sequence[PerformanceModel],
    found: Sequence[CrossValidation],
    chosen: CrossValidation,
) -> str:
    """Say why the first of them by error was taken."""
    if len(candidates) == 1:
        return ""
    errors = [one.error_percent for one in found]
    order = np.argsort(errors, kind="stable")
    listed = ", ".join(f"{candidates[i].name} {errors[i]:.1f} %" for i in order)
    bias = chosen.selection_bias_percent
    return (
        f"least cross-validated error: {listed}; {bias:.1f} points are added to its "
        f"error for being the least of {len(candidates)}"
    )
