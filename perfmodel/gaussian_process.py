"""A Gaussian process: one length scale an option, plus noise, on the log response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perfmodel.archive import array
from perfmodel.base import LEAST_SPREAD, PerformanceModel
from perfmodel.errors import ArchiveError
from perfmodel.folds import split_folds
from perfmodel.intervals import Calibration
from perfmodel.matern import (
    bounds,
    conditioned,
    curvature_root,
    kernel,
    mode,
    objective,
    posterior,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from measure.space import ConfigurationSpace

    Floats = NDArray[np.float64]

__all__ = ["GaussianProcessModel"]

#: More runs than this do not sharpen hyperparameters: these learn from a part.
HYPER_RUNS = 300
#: More runs than this are not conditioned on, but a random part of so many: time grows
#: with the cube.
MOST_RUNS = 3000
#: Up to here held-out residuals are of refits; above, leave-one-out in closed form.
REFITTED_RUNS = 150
#: Share of the held-out mean square that any prediction's variance gets on top.
FLOOR_SHARE = 0.3
#: Times the runs are dealt anew for calibration.
CALIBRATION_REPEATS = 2
#: Parts that are held out in turn: refits learn from nearly all runs.
HELD_OUT_FOLDS = 20
#: Hyperparameters that draws are spread over, and candidates they are chosen from.
HYPER_DRAWS = 20
HYPER_CANDIDATES = 100
#: From so many rows on draws have fewer hyperparameters: time grows with the cube.
MANY_ROWS = 1000


class GaussianProcessModel(PerformanceModel):
    """Matern-5/2 process with a length scale an option, plus white noise.

    The model of scikit-learn's ``ConstantKernel() * Matern(nu=2.5) + WhiteKernel()``.
    Its hyperparameters are the mode of their posterior under weak priors [1]_: with a
    dozen options and a few dozen runs, the largest likelihood alone trusts chance.
    With more than 300 runs they are learned from 300, and with more than 3,000 the
    process is conditioned on 3,000; which, is drawn by the seed.

    Parameters
    ----------
    space : ConfigurationSpace, optional
        The options; by default what the rows show.
    seed : int, default=0
        Seed of the folds that calibrate intervals, and of the parts of many runs.
    calibrate : bool, default=True
        Whether prediction intervals are calibrated on held-out runs.

    Attributes
    ----------
    theta_ : ndarray
        Logarithms of signal variance, length scales (in units of an option's range)
        and noise variance, of the standardised response.

    References
    ----------
    .. [1] Rasmussen, Williams, *Gaussian Processes for Machine Learning*, 2006,
       chapters 2, 4.2 and 5.4.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> frame = pd.DataFrame({"threads": [1, 2, 4, 8] * 3, "fast": [True, False] * 6})
    >>> y = 10 / frame["threads"] + 2 * frame["fast"]
    >>> model = GaussianProcessModel().fit(frame, y)
    >>> np.round(model.predict(pd.DataFrame({"threads": [4], "fast": [True]})), 1)
    array([4.5])
    """

    name: ClassVar[str] = "gaussian-process"

    #: Where a refit to other runs begins its search.
    _start: Floats | None = None
    draws_are_refits: ClassVar[bool] = False

    def __init__(
        self,
        *,
        space: ConfigurationSpace | None = None,
        seed: int = 0,
        calibrate: bool = True,
    ) -> None:
        super().__init__(space=space, seed=seed, calibrate=calibrate)

    # -- learning ------------------------------------------------------------

    def _learn(self, codes: Floats, target: Floats) -> None:
        self._standardise(codes, target)
        rng = np.random.default_rng(self.seed)
        part = np.sort(rng.permutation(len(self.scaled_))[:HYPER_RUNS])
        shared = None if self.shared_ is None else self.shared_[np.ix_(part, part)]
        self.theta_ = mode(
            self.features_[part], self.scaled_[part], shared, self._start
        )
        self.floor_ = 0.0
        self._condition()

    def _blank(self) -> Self:
        fresh = super()._blank()
        fresh._start = self.theta_
        return fresh

    def _standardise(self, codes: Floats, target: Floats) -> None:
        """Scale what is learned from to zero mean and unit variance."""
        groups = self.groups_
        if len(target) > MOST_RUNS:
            rows = np.random.default_rng(self.seed).permutation(len(target))
            kept = np.sort(rows[:MOST_RUNS])
            codes, target = codes[kept], target[kept]
            groups = None if groups is None else groups[kept]
        # One where two rows have their noise in common, else zero.
        self.shared_ = None
        if groups is not None:
            self.shared_ = (groups[:, None] == groups[None, :]).astype(float)
        self.features_ = self.encoding_.features(codes)
        self.centre_ = float(target.mean())
        self.scale_ = float(target.std()) or 1.0
        self.scaled_ = (target - self.centre_) / self.scale_

    def _condition(self) -> None:
        """Condition the process of `theta_` on the runs."""
        self.factor_, self.weights_ = conditioned(
            self.theta_, self.features_, self.scaled_, self.shared_
        )
        self.noise_log_sd_ = self.scale_ * float(np.exp(self.theta_[-1] / 2))

    def _calibrate(self) -> None:
        n = len(self.target_)
        if n > REFITTED_RUNS:
            residuals, spread = self._left_one_out()
        else:
            residuals, spread = (
                np.mean(part, axis=0)
                for part in zip(
                    *(self._held_out(repeat) for repeat in range(CALIBRATION_REPEATS)),
                    strict=True,
                )
            )
        self.floor_ = float(np.sqrt(FLOOR_SHARE * np.mean(residuals**2)))
        spread = np.hypot(spread, self.floor_) + LEAST_SPREAD
        self.calibration_ = Calibration.from_residuals(residuals, spread, self.groups_)

    def _held_out(self, repeat: int) -> tuple[Floats, Floats]:
        """Absolute residuals and spreads of runs that a refit had not seen."""
        n = len(self.target_)
        residuals, spread = np.empty(n), np.empty(n)
        rng = np.random.default_rng([self.seed, repeat])
        for fold in split_folds(n, HELD_OUT_FOLDS, rng, self.groups_):
            learn = np.setdiff1d(np.arange(n), fold)
            fresh = self._refitted(learn)
            held = self.codes_[fold]
            residuals[fold] = np.abs(self.target_[fold] - fresh._mean(held))
            spread[fold] = fresh._spread(held)
        return residuals, spread

    def _left_one_out(self) -> tuple[Floats, Floats]:
        """Residuals and spreads of each run given all others, in closed form.

        Runs that share a measurement are left out together.
        """
        from scipy.linalg import cho_solve

        inverse = cho_solve((self.factor_, True), np.eye(len(self.scaled_)))
        precision = np.diag(inverse)
        residuals = self.scale_ * self.weights_ / precision
        spread = self.scale_ / np.sqrt(precision)
        if self.shared_ is None:
            return residuals, spread
        for row in np.flatnonzero(self.shared_.sum(axis=1) > 1):
            held = np.flatnonzero(self.shared_[row])
            block = np.linalg.inv(inverse[np.ix_(held, held)])
            residuals[held] = self.scale_ * (block @ self.weights_[held])
            spread[held] = self.scale_ * np.sqrt(np.diag(block))
        return residuals, spread

    # -- predicting ----------------------------------------------------------

    def _mean(self, codes: Floats) -> Floats:
        cross = kernel(self.theta_, self.encoding_.features(codes), self.features_)
        return np.asarray(self.centre_ + self.scale_ * (cross @ self.weights_))

    def _spread(self, codes: Floats) -> Floats:
        from scipy.linalg import solve_triangular

        cross = kernel(self.theta_, self.encoding_.features(codes), self.features_)
        known = solve_triangular(self.factor_, cross.T, lower=True)
        signal, noise = np.exp(self.theta_[0]), np.exp(self.theta_[-1])
        left = np.maximum(signal - np.sum(known**2, axis=0), 0.0) + noise
        return np.asarray(np.hypot(self.scale_ * np.sqrt(left), self.floor_))

    def _draws(self, codes: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        """Draw from the posterior of the function, hyperparameters included."""
        features = self.encoding_.features(codes)
        count = HYPER_DRAWS if len(codes) <= MANY_ROWS else HYPER_DRAWS // 3
        thetas = self._hyperparameters(min(n_draws, count), rng)
        shares = np.array_split(np.arange(n_draws), len(thetas))
        out = np.empty((n_draws, len(codes)))
        for theta, share in zip(thetas, shares, strict=True):
            factor, weights = conditioned(
                theta, self.features_, self.scaled_, self.shared_
            )
            mean, root = posterior(theta, factor, weights, self.features_, features)
            normal = rng.standard_normal((len(share), root.shape[1]))
            out[share] = self.centre_ + self.scale_ * (mean + normal @ root.T)
        return out

    def _hyperparameters(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw hyperparameters: importance resampling about the mode."""
        if len(self.scaled_) > HYPER_RUNS:
            return self.theta_[None, :]
        search = objective(self.features_, self.scaled_, self.shared_)
        root = curvature_root(search, self.theta_)
        normal = rng.standard_normal((HYPER_CANDIDATES, len(self.theta_)))
        ends = np.log(bounds(len(self.theta_) - 2))
        candidates = np.clip(self.theta_ + normal @ root.T, ends[:, 0], ends[:, 1])
        depth = np.array([search(theta)[0] for theta in candidates])
        log_weight = -depth + 0.5 * np.sum(normal**2, axis=1)
        weight = np.exp(log_weight - log_weight.max())
        # No candidate may stand for all others: weights are cut at a tenth.
        weight = np.minimum(weight / weight.sum(), 0.1)
        chosen = rng.choice(HYPER_CANDIDATES, size=count, p=weight / weight.sum())
        return np.asarray(candidates[chosen])

    # -- saving --------------------------------------------------------------

    def _state(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
        return {"floor": self.floor_}, {"theta": self.theta_}, {}

    def _restore(
        self,
        values: dict[str, Any],
        arrays: dict[str, Any],
        files: dict[str, bytes],
    ) -> None:
        self._standardise(self.codes_, self.target_)
        self.theta_ = array(arrays, "theta", "f", (self.features_.shape[1] + 2,))
        self.floor_ = float(values.get("floor", 0.0))
        ends = np.log(bounds(self.features_.shape[1]))
        inside = (ends[:, 0] <= self.theta_) & (self.theta_ <= ends[:, 1])
        if not inside.all() or not 0 <= self.floor_ < np.inf:
            raise ArchiveError(
                "the saved process has hyperparameters out of bounds; save it again"
            )
        self._condition()
