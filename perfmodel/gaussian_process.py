"""A Gaussian process: one length scale an option, plus noise, on the log response."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perfmodel.archive import array
from perfmodel.base import LEAST_SPREAD, PerformanceModel
from perfmodel.errors import ArchiveError
from perfmodel.folds import split_folds
from perfmodel.intervals import Calibration

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from measure.space import ConfigurationSpace

    Floats = NDArray[np.float64]
    Objective = Callable[[Floats], tuple[float, Floats]]

__all__ = ["GaussianProcessModel"]

#: Prior of the logarithm of each hyperparameter, of the standardised response: mean
#: and standard deviation. A length scale's mean grows with the number of features.
SIGNAL_PRIOR = (0.0, 2.0)
LENGTH_PRIOR = (0.3, 1.5)
NOISE_PRIOR = (float(np.log(0.003)), 2.0)
#: Bounds of the same: signal variance, length scale, noise variance.
BOUNDS = ((1e-3, 1e3), (1e-2, 1e3), (1e-6, 1e1))
#: Noise variances that the search begins at.
STARTS = (0.01, 0.3)
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
JITTER = 1e-10
#: Share of the largest posterior variance that draws have on top.
ADDED = 1e-6
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
        self.theta_ = _mode(
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
        self.factor_, self.weights_ = _conditioned(
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
        cross = _kernel(self.theta_, self.encoding_.features(codes), self.features_)
        return np.asarray(self.centre_ + self.scale_ * (cross @ self.weights_))

    def _spread(self, codes: Floats) -> Floats:
        from scipy.linalg import solve_triangular

        cross = _kernel(self.theta_, self.encoding_.features(codes), self.features_)
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
            factor, weights = _conditioned(
                theta, self.features_, self.scaled_, self.shared_
            )
            mean, root = _posterior(theta, factor, weights, self.features_, features)
            normal = rng.standard_normal((len(share), root.shape[1]))
            out[share] = self.centre_ + self.scale_ * (mean + normal @ root.T)
        return out

    def _hyperparameters(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw hyperparameters: importance resampling about the mode."""
        if len(self.scaled_) > HYPER_RUNS:
            return self.theta_[None, :]
        objective = _objective(self.features_, self.scaled_, self.shared_)
        root = _curvature_root(objective, self.theta_)
        normal = rng.standard_normal((HYPER_CANDIDATES, len(self.theta_)))
        bounds = np.log(_bounds(len(self.theta_) - 2))
        candidates = np.clip(self.theta_ + normal @ root.T, bounds[:, 0], bounds[:, 1])
        depth = np.array([objective(theta)[0] for theta in candidates])
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
        bounds = np.log(_bounds(self.features_.shape[1]))
        inside = (bounds[:, 0] <= self.theta_) & (self.theta_ <= bounds[:, 1])
        if not inside.all() or not 0 <= self.floor_ < np.inf:
            raise ArchiveError(
                "the saved process has hyperparameters out of bounds; save it again"
            )
        self._condition()


def _bounds(n_features: int) -> Floats:
    """Bounds of the hyperparameters themselves, shape (n_features + 2, 2)."""
    return np.array([BOUNDS[0], *[BOUNDS[1]] * n_features, BOUNDS[2]])


def _kernel(theta: Floats, a: Floats, b: Floats) -> Floats:
    """Matern-5/2 covariances between rows, without noise."""
    from scipy.spatial.distance import cdist

    lengths = np.exp(theta[1:-1])
    root = np.sqrt(5.0) * cdist(a / lengths, b / lengths)
    return np.asarray(np.exp(theta[0] - root) * (1 + root + root**2 / 3))


def _conditioned(
    theta: Floats, features: Floats, scaled: Floats, shared: Floats | None
) -> tuple[Floats, Floats]:
    """Cholesky factor of the runs' covariance, and the weights of the runs."""
    from scipy.linalg import cho_solve, cholesky

    covariance = _kernel(theta, features, features)
    signal = np.exp(theta[0])
    diagonal = np.diag_indices_from(covariance)
    covariance[diagonal] += JITTER * signal
    if shared is None:
        covariance[diagonal] += np.exp(theta[-1])
    else:
        covariance += np.exp(theta[-1]) * shared
    factor = cholesky(covariance, lower=True, check_finite=False)
    return factor, np.asarray(cho_solve((factor, True), scaled, check_finite=False))


def _posterior(
    theta: Floats, factor: Floats, weights: Floats, runs: Floats, features: Floats
) -> tuple[Floats, Floats]:
    """Posterior mean of the function, and a root of its covariance.

    A millionth of the largest variance is added to each, so that the root is well
    conditioned, and draws do not depend on rounding.
    """
    from scipy.linalg import cholesky, solve_triangular

    cross = _kernel(theta, features, runs)
    known = solve_triangular(factor, cross.T, lower=True, check_finite=False)
    covariance = _kernel(theta, features, features) - known.T @ known
    diagonal = np.diag_indices_from(covariance)
    largest = max(float(covariance[diagonal].max()), JITTER * float(np.exp(theta[0])))
    covariance[diagonal] = np.maximum(covariance[diagonal], 0.0) + ADDED * largest
    root = cholesky(covariance, lower=True, check_finite=False)
    return np.asarray(cross @ weights), np.asarray(root)


def _objective(features: Floats, scaled: Floats, shared: Floats | None) -> Objective:
    """Negative log posterior of the hyperparameters, and its gradient."""
    mean, sd = _prior(features.shape[1])

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, gradient = log_likelihood(theta, features, scaled, shared)
        z = (theta - mean) / sd
        return float(0.5 * z @ z - value), z / sd - gradient

    return objective


def log_likelihood(
    theta: Floats, features: Floats, scaled: Floats, shared: Floats | None = None
) -> tuple[float, Floats]:
    """Log marginal likelihood of the hyperparameters, and its gradient.

    The same function as scikit-learn's, which a test compares, at a tenth of the time:
    the gradient in a length scale is a quadratic form, so no array has a row, a column
    and a feature.

    Parameters
    ----------
    theta : ndarray of shape (n_features + 2,)
        Logarithms of signal variance, length scales and noise variance.
    features : ndarray of shape (n, n_features)
        What was run.
    scaled : ndarray of shape (n,)
        Its standardised response.
    shared : ndarray of shape (n, n), optional
        One where two runs have their noise in common, else zero; by default, none.

    Returns
    -------
    float
        The likelihood; minus infinity where the covariance is not positive definite.
    ndarray of shape (n_features + 2,)
        Its gradient.

    References
    ----------
    .. [1] Rasmussen, Williams, *Gaussian Processes for Machine Learning*, 2006,
       equations 5.8 and 5.9.
    """
    from scipy.linalg.lapack import dpotrf, dpotri
    from scipy.spatial.distance import cdist

    n = len(scaled)
    signal, noise = np.exp(theta[0]), np.exp(theta[-1])
    rows = features / np.exp(theta[1:-1])
    root = np.sqrt(5.0) * cdist(rows, rows)
    decay = signal * np.exp(-root)
    clean = decay * (1 + root + root**2 / 3)
    own = np.eye(n)
    common = own if shared is None else shared
    covariance = clean + noise * common + JITTER * signal * own
    factor, failed = dpotrf(covariance, lower=1, clean=1)
    if failed:
        return -np.inf, np.zeros(len(theta))
    inverse, _ = dpotri(factor, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = inverse @ scaled
    value = (
        -0.5 * scaled @ weights
        - np.log(np.diag(factor)).sum()
        - 0.5 * n * np.log(2 * np.pi)
    )
    excess = np.outer(weights, weights) - inverse
    slope = excess * decay * (1 + root) * (5 / 3)
    lengths = slope.sum(axis=1) @ rows**2 - np.sum(rows * (slope @ rows), axis=0)
    gradient = np.empty(len(theta))
    gradient[0] = 0.5 * np.sum(excess * clean)
    gradient[1:-1] = lengths
    gradient[-1] = 0.5 * noise * np.sum(excess * common)
    return float(value), gradient


def _prior(n_features: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the log hyperparameters before any run."""
    length = LENGTH_PRIOR[0] + 0.5 * np.log(n_features)
    mean = np.array([SIGNAL_PRIOR[0], *[length] * n_features, NOISE_PRIOR[0]])
    sd = np.array([SIGNAL_PRIOR[1], *[LENGTH_PRIOR[1]] * n_features, NOISE_PRIOR[1]])
    return mean, sd


def _mode(
    features: Floats, scaled: Floats, shared: Floats | None, start: Floats | None
) -> Floats:
    """Most probable hyperparameters: best of two searches, or of one from `start`."""
    from scipy.optimize import minimize

    objective: Any = _objective(features, scaled, shared)
    mean, _ = _prior(features.shape[1])
    bounds = np.log(_bounds(features.shape[1]))
    starts: list[Any] = [np.append(mean[:-1], np.log(noise)) for noise in STARTS]
    if start is not None:
        starts = [start]
    found = [
        minimize(objective, begin, jac=True, method="L-BFGS-B", bounds=bounds.tolist())
        for begin in starts
    ]
    best = min(found, key=lambda result: float(result.fun))
    # Where a search ends depends on rounding, and that on threads: what is left of a
    # logarithm's thousandths has no influence on predictions.
    return np.clip(np.round(best.x, 3), bounds[:, 0], bounds[:, 1])


def _curvature_root(objective: Objective, theta: Floats) -> Floats:
    """Root of the inverse curvature at the mode, for draws about it."""
    step = 1e-3
    n = len(theta)
    curvature = np.empty((n, n))
    for i in range(n):
        shift = np.zeros(n)
        shift[i] = step
        up, down = objective(theta + shift)[1], objective(theta - shift)[1]
        curvature[i] = (up - down) / (2 * step)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    _, sd = _prior(n - 2)
    # The prior alone is this sharp: less curvature than that is a wrong sign.
    values = np.maximum(values, 0.5 / sd.max() ** 2)
    return np.asarray(vectors / np.sqrt(values) @ vectors.T)
