"""Models judged in the same folds, and what choosing the best of them is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from perfmodel.folds import by_group, deal
from perfmodel.progress import Progress, silent
from perfmodel.strata import plots_of
from perfmodel.validation import (
    CrossValidation,
    baseline_predictions,
    held_out_predictions,
    mape,
    run_errors,
    summarise,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from perfmodel.base import PerformanceModel
    from perfmodel.dataset import PerformanceDataset

    Floats = NDArray[np.float64]

__all__ = ["choose", "race", "selection_bias"]

#: After one deal of the folds, models with more than this times the least error are
#: out of the race: further deals would not bring them back.
OUT_OF_RACE = 1.3
#: Runs up to which cross-validation has ten folds, and is repeated.
FEW_RUNS, SOME_RUNS = 100, 300
#: Bootstrap samples that tell how much too low the least of several errors is.
RESAMPLES = 1000


def race(
    candidates: Sequence[PerformanceModel],
    data: PerformanceDataset,
    seed: int = 0,
    progress: Progress = silent,
) -> list[CrossValidation]:
    """Cross-validate models in the same folds; far losers after one deal only.

    Parameters
    ----------
    candidates : sequence of PerformanceModel
        Not fitted; they stay so.
    data : PerformanceDataset
        Runs of one environment and one response.
    seed : int, default=0
        Seed of the folds.
    progress : callable, optional
        Told what is being done, and the share done.

    Returns
    -------
    list of CrossValidation
        One a candidate.
    """
    X, y = data.X, data.y
    plots = plots_of(data)
    folds, repeats = _effort(len(y))
    deals = deal(len(y), folds, repeats, seed, data.groups)
    baseline = np.array([baseline_predictions(y, dealt) for dealt in deals])
    predictions: list[list[Floats]] = [[] for _ in candidates]
    racing = list(range(len(candidates)))
    for turn, dealt in enumerate(deals):
        for done, place in enumerate(racing):
            # Those that are out of the race count as done.
            share = (turn + done / len(racing)) / len(deals)
            progress(f"{called(candidates[place])}, cross-validation", share)
            predictions[place].append(
                held_out_predictions(candidates[place], X, y, dealt, plots)
            )
        errors = {place: mape(y, predictions[place][0]) for place in racing}
        least = min(errors.values())
        racing = [place for place in racing if errors[place] <= OUT_OF_RACE * least]
    return [
        summarise(
            y,
            np.array(those),
            baseline[: len(those)],
            folds=len(deals[0]),
            seed=seed,
            groups=data.groups,
        )
        for those in predictions
    ]


def choose(
    found: Sequence[CrossValidation], data: PerformanceDataset, seed: int = 0
) -> tuple[int, CrossValidation]:
    """Take the candidate with the least error, and correct it for being the least.

    Parameters
    ----------
    found : sequence of CrossValidation
        As `race` gives them.
    data : PerformanceDataset
        What they were judged on.
    seed : int, default=0
        Seed of the bootstrap.

    Returns
    -------
    int
        Which; the first of equals.
    CrossValidation
        Of it: `selection_bias` is added to its error and to both ends of the interval,
        and it is learnable only if that error, too, is less than the mean's.
    """
    best = int(np.argmin([one.error_percent for one in found]))
    chosen = found[best]
    errors = [run_errors(data.y, one.predictions) for one in found]
    bias = selection_bias([by_group(one, data.groups) for one in errors], seed)
    error = chosen.error_percent + bias
    return best, replace(
        chosen,
        error_percent=error,
        lower=chosen.lower + bias,
        upper=chosen.upper + bias,
        selection_bias_percent=bias,
        learnable=chosen.learnable and error < chosen.baseline_error_percent,
    )


def selection_bias(errors: Sequence[Floats], seed: int = 0) -> float:
    """Say by how much the least of several cross-validated errors is too low.

    In each of many bootstrap samples of the runs a model is chosen, and the runs that
    the sample lacks tell its error, less that of the model chosen by all runs. No model
    is fitted again.

    Parameters
    ----------
    errors : sequence of ndarray of shape (n,)
        Error of each measurement, for each model; the same ones in the same folds.
    seed : int, default=0
        Seed of the samples.

    Returns
    -------
    float
        Mean of the differences, in the errors' unit; 0 if all samples choose alike.

    References
    ----------
    .. [1] Tsamardinos, Greasidou, Borboudakis, "Bootstrapping the out-of-sample
       predictions for efficient and accurate cross-validation", Machine Learning 107,
       2018.
    .. [2] Tibshirani, Tibshirani, "A bias correction for the minimum error rate in
       cross-validation", Annals of Applied Statistics 3, 2009: fold by fold; with a few
       runs in each fold it corrects by too much (`benchmarks/modelling`).

    Examples
    --------
    >>> better, worse = np.full(20, 1.0), np.full(20, 2.0)
    >>> selection_bias([better, worse])
    0.0
    >>> rng = np.random.default_rng(0)
    >>> alike = [rng.exponential(10.0, 20) for _ in range(5)]
    >>> selection_bias(alike) > 1.0
    True
    """
    table = np.array(errors)
    n = table.shape[1]
    best = int(np.argmin(table.mean(axis=1)))
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    winners = np.argmin(counts @ table.T, axis=1)
    left = counts == 0
    some = left.any(axis=1)
    gaps = np.where(left, table[winners] - table[best], 0.0).sum(axis=1)
    if not some.any():
        return 0.0
    return max(float(np.mean(gaps[some] / left.sum(axis=1)[some])), 0.0)


def called(model: PerformanceModel) -> str:
    """Name a model, or a regressor of the user's by its class.

    Parameters
    ----------
    model : PerformanceModel
        Or any scikit-learn regressor.

    Returns
    -------
    str
        As it is printed.
    """
    return getattr(model, "name", type(model).__name__)


def _effort(n: int) -> tuple[int, int]:
    """Folds, and how often they are dealt: less where runs are many."""
    if n <= 10:
        return n, 1  # leave-one-out has one deal
    if n <= FEW_RUNS:
        return 10, 3
    return (10, 2) if n <= SOME_RUNS else (5, 1)
