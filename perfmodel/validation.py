"""Errors on runs that a model has not seen: repeated cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from measure.spelling import several
from perfmodel.errors import ModelError
from perfmodel.folds import by_group, deal
from perfmodel.intervals import bootstrap_interval

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from perfmodel.dataset import PerformanceDataset

__all__ = [
    "CrossValidation",
    "baseline_predictions",
    "cross_validate",
    "held_out_predictions",
    "mape",
    "run_errors",
    "summarise",
]

#: One-sided 5 % point of the normal distribution: what "better" has to exceed.
ONE_SIDED_5 = 1.645
#: Fewer runs than this cannot be split, learned from and judged.
FEWEST_RUNS = 3


class Regressor(Protocol):
    """What is validated: anything with scikit-learn's ``fit`` and ``predict``."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from rows."""

    def predict(self, X: Any) -> Any:
        """Predict rows."""


class Parted(Protocol):
    """What says something of rows, and can say it of some of them."""

    def take(self, rows: Any) -> Any:
        """Give it for some of the rows."""


def mape(y: ArrayLike, prediction: ArrayLike) -> float:
    """Mean absolute percentage error.

    Parameters
    ----------
    y : array-like of shape (n,)
        True values.
    prediction : array-like of shape (n,)
        Predicted values.

    Returns
    -------
    float
        Mean of ``|prediction - y| / |y|``, in per cent.

    Examples
    --------
    >>> mape([1.0, 2.0], [1.1, 1.8])
    10.0
    """
    return float(np.round(np.mean(relative_errors(y, prediction)), 12))


def relative_errors(y: ArrayLike, prediction: ArrayLike) -> NDArray[np.float64]:
    """Absolute percentage error of each value.

    Parameters
    ----------
    y, prediction : array-like of shape (n,)
        True and predicted values. An error on a value of 0 counts relative to the mean
        size of all.

    Returns
    -------
    ndarray of shape (n,)
        In per cent of the true value; of the mean absolute one where that is 0.
    """
    truth = np.asarray(y, dtype=float)
    error = np.abs(np.asarray(prediction, dtype=float) - truth)
    size = np.abs(truth)
    return np.asarray(100 * error / np.where(size > 0, size, size.mean() or 1.0))


def held_out_predictions(
    model: Regressor,
    X: pd.DataFrame,
    y: ArrayLike,
    folds: list[NDArray[np.intp]],
    plots: Parted | None = None,
) -> NDArray[np.float64]:
    """Predict each row by a model that was fitted without its fold.

    Parameters
    ----------
    model : scikit-learn regressor
        Cloned for each fold, so the one passed in stays as it is; if it has a
        parameter ``calibrate``, the clones do without calibration.
    X : DataFrame of shape (n, k)
        Configurations.
    y : array-like of shape (n,)
        Response.
    folds : list of ndarray
        As `split_folds` deals them.
    plots : Plots, optional
        The whole plots that the rows were made in, for models that take them.

    Returns
    -------
    ndarray of shape (n,)
        In the response's unit.
    """
    from sklearn.base import clone

    truth = np.asarray(y, dtype=float)
    out = np.full(len(truth), np.nan)
    for fold in folds:
        learn = np.setdiff1d(np.arange(len(truth)), fold)
        fresh: Any = clone(model)
        if "calibrate" in fresh.get_params():
            fresh.set_params(calibrate=False)
        more = {}
        if plots is not None and getattr(fresh, "takes_plots", False):
            more["plots"] = plots.take(learn)
        fresh.fit(X.iloc[learn], truth[learn], **more)
        out[fold] = fresh.predict(X.iloc[fold])
    return out


def baseline_predictions(
    y: ArrayLike, folds: list[NDArray[np.intp]]
) -> NDArray[np.float64]:
    """Predict each row by the mean of the rows outside its fold.

    Parameters
    ----------
    y : array-like of shape (n,)
        Response.
    folds : list of ndarray
        As `split_folds` deals them.

    Returns
    -------
    ndarray of shape (n,)
        The arithmetic mean, or the geometric mean if all responses are positive and
        its error is less: models of the log response must not win by skewness.
    """
    truth = np.asarray(y, dtype=float)
    arithmetic = np.empty(len(truth))
    geometric = np.empty(len(truth))
    positive = bool(np.all(truth > 0))
    for fold in folds:
        learn = np.delete(truth, fold)
        arithmetic[fold] = learn.mean()
        geometric[fold] = np.exp(np.log(learn).mean()) if positive else learn.mean()
    if positive and mape(truth, geometric) < mape(truth, arithmetic):
        return geometric
    return arithmetic


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossValidation:
    """What repeated cross-validation found.

    Parameters
    ----------
    error_percent : float
        Mean absolute percentage error over all held-out runs and repeats, with
        `selection_bias_percent`.
    lower, upper : float
        Its 95 % interval, by bootstrap over the runs.
    baseline_error_percent : float
        The same error of always predicting the mean, in the same folds.
    learnable : bool
        Whether the error is less than the mean's, on the log response by more than
        chance (one-sided 5 %, paired by run), and the log response is predicted better
        than by its mean in squares, too.
    predictions : ndarray of shape (repeats, n)
        Held-out predictions, in the response's unit.
    folds, repeats, seed : int
        How the runs were split.
    selection_bias_percent : float, default=0.0
        By how much the error was too low for being the least of several models'.

    Examples
    --------
    >>> cv = summarise([1.0, 2, 4, 8], np.array([[1.1, 2.2, 4.4, 8.8]]),
    ...                np.full((1, 4), 3.75), folds=4, seed=0)
    >>> round(cv.error_percent, 6), cv.learnable
    (10.0, True)
    """

    error_percent: float
    lower: float
    upper: float
    baseline_error_percent: float
    learnable: bool
    predictions: NDArray[np.float64]
    folds: int
    repeats: int
    seed: int
    selection_bias_percent: float = 0.0

    def to_dict(self) -> dict[str, float | int | bool]:
        """Give all but the predictions as plain data.

        Returns
        -------
        dict
            Field name to number.
        """
        return {
            "error_percent": self.error_percent,
            "lower": self.lower,
            "upper": self.upper,
            "baseline_error_percent": self.baseline_error_percent,
            "learnable": self.learnable,
            "folds": self.folds,
            "repeats": self.repeats,
            "seed": self.seed,
            "selection_bias_percent": self.selection_bias_percent,
        }


def summarise(
    y: ArrayLike,
    predictions: NDArray[np.float64],
    baseline: NDArray[np.float64],
    folds: int,
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> CrossValidation:
    """Turn held-out predictions into errors, intervals and a verdict.

    Parameters
    ----------
    y : array-like of shape (n,)
        Response.
    predictions, baseline : ndarray of shape (repeats, n)
        Held-out predictions of the model and of the mean.
    folds, seed : int
        How the runs were split, for the record.
    groups : ndarray of int of shape (n,), optional
        Rows with equal numbers share a measurement, and count as one.

    Returns
    -------
    CrossValidation
        With errors in per cent.
    """
    truth = np.asarray(y, dtype=float)
    errors = by_group(run_errors(truth, predictions), groups)
    mean_errors = by_group(run_errors(truth, baseline), groups)
    nearer = _distance(truth, baseline) - _distance(truth, predictions)
    lower, upper = bootstrap_interval(errors, level=0.95, seed=seed)
    return CrossValidation(
        error_percent=float(errors.mean()),
        lower=lower,
        upper=upper,
        baseline_error_percent=float(mean_errors.mean()),
        learnable=float(errors.mean()) < float(mean_errors.mean())
        and _better(by_group(nearer, groups))
        and _explains(truth, predictions),
        predictions=predictions,
        folds=folds,
        repeats=len(predictions),
        seed=seed,
    )


def run_errors(y: ArrayLike, predictions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Error of each run, averaged over the repeats.

    Parameters
    ----------
    y : array-like of shape (n,)
        Response.
    predictions : ndarray of shape (repeats, n)
        Held-out predictions.

    Returns
    -------
    ndarray of shape (n,)
        In per cent.
    """
    return np.asarray(np.mean([relative_errors(y, row) for row in predictions], axis=0))


def _distance(
    truth: NDArray[np.float64], predictions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean distance of each run from its predictions; of logarithms if it can be."""
    if np.all(truth > 0) and np.all(predictions > 0):
        truth, predictions = np.log(truth), np.log(predictions)
    return np.asarray(np.abs(predictions - truth).mean(axis=0))


def _better(gain: NDArray[np.float64]) -> bool:
    """Say whether a paired gain exceeds chance."""
    if len(gain) < 2:
        return False
    noise = float(gain.std(ddof=1)) / np.sqrt(len(gain))
    return bool(gain.mean() > ONE_SIDED_5 * noise)


def _explains(truth: NDArray[np.float64], predictions: NDArray[np.float64]) -> bool:
    """Say whether the held-out share of explained variance is positive."""
    guess = predictions
    if np.all(truth > 0) and np.all(predictions > 0):
        truth, guess = np.log(truth), np.log(predictions)
    left = float(np.mean((guess - truth) ** 2))
    return left < float(np.var(truth))


def cross_validate(
    model: Regressor,
    data: PerformanceDataset,
    folds: int = 10,
    repeats: int = 3,
    seed: int = 0,
) -> CrossValidation:
    """Judge a model on runs that it has not seen.

    Parameters
    ----------
    model : scikit-learn regressor
        Cloned for each fold; it need not be fitted.
    data : PerformanceDataset
        Runs of one environment and one response.
    folds : int, default=10
        Parts the runs are dealt into; each is held out once a repeat.
    repeats : int, default=3
        How often the runs are dealt anew. The folds depend on the number of runs and
        the seed alone, so models that are compared see the same ones.
    seed : int, default=0
        Seed of the folds.

    Returns
    -------
    CrossValidation
        Error with its interval, against the mean's.

    Raises
    ------
    ModelError
        If there are fewer than three runs.

    References
    ----------
    .. [1] Kohavi, "A study of cross-validation and bootstrap for accuracy estimation
       and model selection", IJCAI 1995.
    """
    X, y = data.X, data.y
    if len(y) < FEWEST_RUNS:
        raise ModelError(
            f"cross-validation got {several(len(y), 'configuration')} and needs at "
            f"least {FEWEST_RUNS}; "
            "measure more configurations"
        )
    deals = deal(len(y), folds, repeats, seed, data.groups)
    predictions = np.array([held_out_predictions(model, X, y, one) for one in deals])
    baseline = np.array([baseline_predictions(y, one) for one in deals])
    return summarise(
        y, predictions, baseline, folds=len(deals[0]), seed=seed, groups=data.groups
    )
