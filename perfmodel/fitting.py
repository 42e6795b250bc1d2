"""Fit a model to a dataset: one that is named, or the one that predicts best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perfmodel.catalogue import AUTO, RACING, make_model
from perfmodel.errors import DataError
from perfmodel.ladders import sparse_ladders
from perfmodel.progress import Progress, part_of, silent
from perfmodel.validation import (
    CrossValidation,
    baseline_predictions,
    deal,
    held_out_predictions,
    mape,
    summarise,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from perfmodel.base import PerformanceModel
    from perfmodel.dataset import PerformanceDataset

    Floats = NDArray[np.float64]

__all__ = ["fit"]

#: Fewer finite responses, or fewer different configurations, are refused.
FEWEST_RUNS = 5
FEWEST_CONFIGURATIONS = 3
#: After one deal of the folds, models with more than this times the least error are
#: out of the race: further deals would not bring them back.
OUT_OF_RACE = 1.3
#: Share of the time of a fit that judging the models takes.
RACE_SHARE = 0.8
#: Runs up to which cross-validation has ten folds, and is repeated.
FEW_RUNS, SOME_RUNS = 100, 300


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
        being judged in the same folds: that error is the least of several, and so a
        little optimistic. Or a model that is not fitted: one of ours,
        or any scikit-learn regressor that takes a frame of raw levels.
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
            f"{runs} runs of {len(y)} configurations have a finite {data.response}; a "
            f"model needs {FEWEST_RUNS} runs of {FEWEST_CONFIGURATIONS}: measure more"
        )
    if not isinstance(model, str):
        candidates = [model]
    elif model == AUTO:
        candidates = [make_model(name, data.space, seed) for name in RACING]
    else:
        candidates = [make_model(model, data.space, seed)]
    found = _race(candidates, data, seed, part_of(progress, 0.0, RACE_SHARE))
    errors = [one.error_percent for one in found]
    best = int(np.argmin(errors))
    progress(f"{_name(candidates[best])}, all runs", RACE_SHARE)
    chosen = candidates[best].fit(X, y)
    chosen.response_, chosen.unit_ = data.response, data.unit
    chosen.environment_ = data.environments()[0]
    chosen.runs_ = runs
    chosen.cross_validation_ = found[best]
    chosen.choice_ = _reason(candidates, errors)
    chosen.notes_ = (*data.notes, *data.counted, *sparse_ladders(data.space, X))
    return chosen


def _race(
    candidates: Sequence[PerformanceModel],
    data: PerformanceDataset,
    seed: int,
    progress: Progress,
) -> list[CrossValidation]:
    """Cross-validate models in the same folds; far losers after one deal only."""
    X, y = data.X, data.y
    folds, repeats = _effort(len(y))
    deals = deal(len(y), folds, repeats, seed)
    baseline = np.array([baseline_predictions(y, dealt) for dealt in deals])
    predictions: list[list[Floats]] = [[] for _ in candidates]
    racing = list(range(len(candidates)))
    for turn, dealt in enumerate(deals):
        for done, place in enumerate(racing):
            # Those that are out of the race count as done.
            share = (turn + done / len(racing)) / len(deals)
            progress(f"{_name(candidates[place])}, cross-validation", share)
            predictions[place].append(
                held_out_predictions(candidates[place], X, y, dealt)
            )
        errors = {place: mape(y, predictions[place][0]) for place in racing}
        least = min(errors.values())
        racing = [place for place in racing if errors[place] <= OUT_OF_RACE * least]
    return [
        summarise(
            y, np.array(those), baseline[: len(those)], folds=len(deals[0]), seed=seed
        )
        for those in predictions
    ]


def _name(model: PerformanceModel) -> str:
    """Name a model, or a regressor of the user's by its class."""
    return getattr(model, "name", type(model).__name__)


def _effort(n: int) -> tuple[int, int]:
    """Folds, and how often they are dealt: less where runs are many."""
    if n <= 10:
        return n, 1  # leave-one-out has one deal
    if n <= FEW_RUNS:
        return 10, 3
    return (10, 2) if n <= SOME_RUNS else (5, 1)


def _reason(candidates: Sequence[PerformanceModel], errors: Sequence[float]) -> str:
    """Say why the first of them by error was taken."""
    if len(candidates) == 1:
        return ""
    order = np.argsort(errors, kind="stable")
    listed = ", ".join(f"{candidates[i].name} {errors[i]:.1f} %" for i in order)
    return (
        f"least cross-validated error: {listed}; least of {len(candidates)}, so a "
        "little optimistic"
    )
