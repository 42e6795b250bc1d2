"""What every performance model is: a scikit-learn regressor that knows its options.

A model learns the logarithm of a positive response, so its errors are relative ones.
A subclass says how to learn, and what mean, spread and draws are; checking, encoding,
the logarithm, calibrated intervals and saving are done here, once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from perfmodel.folds import drawn_rows, split_folds
from perfmodel.intervals import Calibration, check_level
from perfmodel.raw_rows import TakesRawRows
from perfmodel.validation import CrossValidation

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from measure.space import ConfigurationSpace

    Floats = NDArray[np.float64]

__all__ = ["PerformanceModel", "spread_draws"]

#: Below this many runs held-out residuals say nothing about an interval.
FEWEST_CALIBRATED = 5
#: Parts that calibration holds out in turn.
CALIBRATION_FOLDS = 10
#: Refits that draws of models without a posterior are made of.
BOOTSTRAP_REFITS = 50
#: Least spread on the scale learned on: exact fits must not divide by zero.
LEAST_SPREAD = 1e-9


def spread_draws(refits: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
    """Make any number of draws of a few refits.

    Parameters
    ----------
    refits : ndarray of shape (n_refits, n)
        What refits predict.
    n_draws : int
        How many are wanted.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray of shape (n_draws, n)
        The refits themselves if they are enough, else normal draws with their mean
        and covariance.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> spread_draws(np.array([[1.0], [2.0], [3.0]]), 4000, rng).std().round(1)
    np.float64(1.0)
    """
    if n_draws <= len(refits):
        return refits[:n_draws]
    mean = refits.mean(axis=0)
    root = (refits - mean) / np.sqrt(len(refits) - 1)
    return np.asarray(mean + rng.standard_normal((n_draws, len(refits))) @ root)


class PerformanceModel(RegressorMixin, TakesRawRows):  # type: ignore[misc]
    """A response as a function of options.

    Parameters
    ----------
    space : ConfigurationSpace, optional
        The options. By default they are what the rows show: a column of numbers is a
        numeric option, one of true and false boolean, any other categorical.
    seed : int, default=0
        Seed of everything random in it.
    calibrate : bool, default=True
        Whether prediction intervals are calibrated on held-out runs, which means
        further fits; without, they are the normal distribution's.

    Attributes
    ----------
    space_ : ConfigurationSpace
        The options that were learned from; those that never varied are not in it.
    encoding_ : Encoding
        How their levels became numbers.
    n_features_in_ : int
        Number of columns.
    log_response_ : bool
        Whether the logarithm was learned: whether every response was positive. If
        not, the response itself was, and draws are of it.
    noise_log_sd_ : float
        Standard deviation of one run about the mean function, on the scale learned.
    response_, unit_, environment_ : str, str, dict
        What was modelled, in what unit, where; empty unless `perfmodel.fitting.fit`
        was told by a dataset.
    groups_ : ndarray of int, or None
        Rows with equal numbers share a measurement; None: no two do.
    runs_ : int
        Runs behind it: more than rows where `perfmodel.fitting.fit` averaged repeats.
    cross_validation_ : CrossValidation or None
        Error on unseen runs, if `perfmodel.fitting.fit` found it.
    failed_ : ndarray of int, shape (n, n_options)
        Configurations of which every run failed, as far as `perfmodel.fitting.fit` was
        told: positions in each option's levels.
    choice_ : str
        Why this model and no other, if `perfmodel.fitting.fit` chose it.
    notes_ : tuple of str
        What was left out of the runs or averaged, one sentence each.
    """

    name: ClassVar[str] = ""
    #: Whether `draws` refits the model, so that each of them is dear.
    draws_are_refits: ClassVar[bool] = True
    _sharing: NDArray[np.int64] | None = None

    def __init__(
        self,
        *,
        space: ConfigurationSpace | None = None,
        seed: int = 0,
        calibrate: bool = True,
    ) -> None:
        self.space = space
        self.seed = seed
        self.calibrate = calibrate

    # -- what a subclass says ----------------------------------------------

    def _learn(self, codes: Floats, target: Floats) -> None:
        """Learn `target` (log response) from `codes`; sets attributes."""
        raise NotImplementedError

    def _mean(self, codes: Floats) -> Floats:
        """Predict the mean of the target, shape (n,)."""
        raise NotImplementedError

    def _spread(self, codes: Floats) -> Floats:
        """Give the standard deviation of a new run about the prediction, shape (n,)."""
        return np.full(len(codes), max(self.noise_log_sd_, LEAST_SPREAD))

    def _draws(self, codes: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        """Draw mean functions, shape (n_draws, n): refits on bootstrap samples.

        More draws than refits are normal draws with the refits' covariance.
        """
        n = len(self.target_)
        refits = np.empty((min(n_draws, BOOTSTRAP_REFITS), len(codes)))
        for place in range(len(refits)):
            rows = drawn_rows(n, rng, self.groups_)
            fresh = self._refitted(rows)
            refits[place] = fresh._mean(codes)
        return spread_draws(refits, n_draws, rng)

    def _state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
        """Give what was learned: plain values, arrays, further files."""
        raise NotImplementedError

    def _restore(
        self,
        values: dict[str, Any],
        arrays: dict[str, Any],
        files: dict[str, bytes],
    ) -> None:
        """Take back what `_state` gave, after checking it."""
        raise NotImplementedError

    # -- scikit-learn's interface ------------------------------------------

    def sharing(self, groups: NDArray[np.int64] | None) -> Self:
        """Say which of the rows that `fit` will be given share a measurement.

        They are held out together, and drawn together by the bootstrap; the Gaussian
        process takes their noise for one.

        Parameters
        ----------
        groups : ndarray of int of shape (n,), or None
            Rows with equal numbers share one; None: no two do.

        Returns
        -------
        PerformanceModel
            This model.
        """
        self._sharing = groups
        return self

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Learn a response from runs.

        Parameters
        ----------
        X : DataFrame of raw levels, or array-like of numbers, shape (n, k)
            One row a run.
        y : array-like of shape (n,)
            The response of each run, finite.

        Returns
        -------
        PerformanceModel
            This model.

        Raises
        ------
        ModelError
            If fewer than two rows, or no option that varies, are given.
        """
        codes, response = self._check_runs(X, y)
        self.groups_ = self._sharing
        self._sharing = None
        self.response_, self.unit_ = "", ""
        self.environment_: dict[str, str] = {}
        self.cross_validation_: CrossValidation | None = None
        self.choice_ = ""
        self.notes_: tuple[str, ...] = ()
        self.log_response_ = bool(np.all(response > 0))
        self.runs_ = len(response)
        self.failed_ = np.empty((0, codes.shape[1]), dtype=np.int64)
        self.codes_ = codes
        self.target_ = np.log(response) if self.log_response_ else response
        self.noise_log_sd_ = 0.0
        self._learn(codes, self.target_)
        self.calibration_ = Calibration(scores=())
        if self.calibrate and len(codes) >= FEWEST_CALIBRATED:
            self._calibrate()
        return self

    def predict(self, X: Any) -> Floats:
        """Predict the response.

        Parameters
        ----------
        X : DataFrame of raw levels, or array-like of numbers, shape (n, k)
            One row a configuration. A frame's further columns are ignored if the
            space was given.

        Returns
        -------
        ndarray of shape (n,)
            In the response's unit.
        """
        return self._response(self._mean(self._check_rows(X)))

    def predict_interval(self, X: Any, level: float = 0.9) -> pd.DataFrame:
        """Predict the response of one new run, with an interval.

        Parameters
        ----------
        X : DataFrame of raw levels, or array-like of numbers, shape (n, k)
            One row a configuration.
        level : float, default=0.9
            Share of new runs that the intervals shall hold.

        Returns
        -------
        DataFrame
            Columns prediction, lower and upper, with the index of `X`.
        """
        import pandas as pd

        check_level(level)
        codes = self._check_rows(X)
        mean = self._mean(codes)
        half = self.calibration_.factor(level) * self._spread(codes)
        prediction = self._response(mean)
        return pd.DataFrame(
            {
                "prediction": prediction,
                "lower": np.minimum(self._inverse(mean - half), prediction),
                "upper": np.maximum(self._inverse(mean + half), prediction),
            },
            index=getattr(X, "index", None),
        )

    def draws(self, X: Any, n_draws: int = 200, seed: int = 0) -> Floats:
        """Draw from what the mean function may be, given the runs.

        Parameters
        ----------
        X : DataFrame of raw levels, or array-like of numbers, shape (n, k)
            One row a configuration.
        n_draws : int, default=200
            How many functions.
        seed : int, default=0
            Seed of the draws.

        Returns
        -------
        ndarray of shape (n_draws, n)
            Of the log response; each row is one function at all configurations, from
            the posterior or from a refit on a bootstrap sample. Noise of single runs
            is not in it.
        """
        codes = self._check_rows(X)
        return self._draws(codes, n_draws, np.random.default_rng(seed))

    def extrapolated(self, X: Any) -> NDArray[np.bool_]:
        """Say which rows lie outside the declared space.

        Parameters
        ----------
        X : DataFrame of raw levels, or array-like of numbers, shape (n, k)
            One row a configuration.

        Returns
        -------
        ndarray of bool, shape (n,)
            True beyond the levels, or where the combination is forbidden.
        """
        return self.encoding_.extrapolated(self._check_rows(X))

    def save(self, folder: str | Path) -> Path:
        """Write the model to a folder that `perfmodel.load` reads.

        Parameters
        ----------
        folder : str or Path
            Made if it is not there; its parent must be.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        ArchiveError
            If the folder holds something else, or cannot be written.
        """
        from perfmodel.archive import write_folder

        check_is_fitted(self)
        values, arrays, files = self._state()
        cv = self.cross_validation_
        params = self.get_params()
        del params["space"]
        document = {
            "model": self.name,
            "params": params,
            "seed": self.seed,
            "space": self.space_.to_dict(),
            "space_given": self.space is not None,
            "columns": list(self._columns()),
            "columns_named": hasattr(self, "feature_names_in_"),
            "response": self.response_,
            "unit": self.unit_,
            "environment": dict(self.environment_),
            "runs": self.runs_,
            "log_response": self.log_response_,
            "noise_log_sd": self.noise_log_sd_,
            "calibration": list(self.calibration_.scores),
            "cross_validation": cv.to_dict() if cv is not None else None,
            "choice": self.choice_,
            "notes": list(self.notes_),
            "learned": values,
        }
        own = {"codes": self.codes_, "target": self.target_}
        if self.groups_ is not None:
            own["groups"] = self.groups_
        if len(self.failed_):
            own["failed"] = self.failed_
        if cv is not None:
            own["held_out"] = cv.predictions
        return write_folder(Path(folder), document, {**arrays, **own}, files)

    # -- beneath it --------------------------------------------------------

    def _refitted(self, rows: NDArray[np.intp]) -> Self:
        """Give a model of the same kind, learned from some of the rows."""
        fresh = self._blank()
        fresh.groups_ = None if self.groups_ is None else self.groups_[rows]
        fresh._relearn(self.codes_[rows], self.target_[rows])
        return fresh

    def _blank(self) -> Self:
        """Give a model of the same kind that knows its options, and nothing else."""
        fresh = type(self)(**{**self.get_params(deep=False), "calibrate": False})
        fresh.space_, fresh.encoding_ = self.space_, self.encoding_
        fresh.log_response_, fresh.groups_ = self.log_response_, None
        return fresh

    def _relearn(self, codes: Floats, target: Floats) -> None:
        """Learn from rows that are checked and encoded."""
        self.codes_, self.target_, self.noise_log_sd_ = codes, target, 0.0
        self._learn(codes, target)

    def _calibrate(self) -> None:
        """Hold runs out in turn; set calibration and noise by their residuals."""
        n = len(self.target_)
        residuals = np.empty(n)
        rng = np.random.default_rng(self.seed)
        for fold in split_folds(n, CALIBRATION_FOLDS, rng, self.groups_):
            learn = np.setdiff1d(np.arange(n), fold)
            fresh = self._refitted(learn)
            residuals[fold] = self.target_[fold] - fresh._mean(self.codes_[fold])
        self.noise_log_sd_ = float(np.sqrt(np.mean(residuals**2)))
        spread = self._spread(self.codes_)
        self.calibration_ = Calibration.from_residuals(residuals, spread, self.groups_)

    def _inverse(self, target: Floats) -> Floats:
        """Turn the scale learned on into the response's."""
        return np.exp(target) if self.log_response_ else target

    def _response(self, mean: Floats) -> Floats:
        """Turn a predicted mean into the point that is reported."""
        return self._inverse(mean)
