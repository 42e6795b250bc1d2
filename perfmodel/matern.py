"""A Matern-5/2 process with a length scale a feature: pure functions of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Objective = Callable[[Floats], tuple[float, Floats]]

__all__ = [
    "bounds",
    "conditioned",
    "curvature_root",
    "kernel",
    "log_likelihood",
    "log_prior",
    "mode",
    "objective",
    "posterior",
]

#: Prior of the logarithm of each hyperparameter, of the standardised response: mean
#: and standard deviation. A length scale's mean grows with the number of features.
SIGNAL_PRIOR = (0.0, 2.0)
LENGTH_PRIOR = (0.3, 1.5)
NOISE_PRIOR = (float(np.log(0.003)), 2.0)
#: Bounds of the same: signal variance, length scale, noise variance.
BOUNDS = ((1e-3, 1e3), (1e-2, 1e3), (1e-6, 1e1))
#: Noise variances that the search begins at.
STARTS = (0.01, 0.3)
JITTER = 1e-10
#: Share of the largest posterior variance that draws have on top.
ADDED = 1e-6


def bounds(n_features: int) -> Floats:
    """Give the bounds of the hyperparameters themselves.

    Parameters
    ----------
    n_features : int
        Number of length scales.

    Returns
    -------
    ndarray of shape (n_features + 2, 2)
        Signal variance, length scales, noise variance.
    """
    return np.array([BOUNDS[0], *[BOUNDS[1]] * n_features, BOUNDS[2]])


def kernel(theta: Floats, a: Floats, b: Floats) -> Floats:
    """Matern-5/2 covariances between rows, without noise.

    Parameters
    ----------
    theta : ndarray of shape (n_features + 2,)
        Logarithms of signal variance, length scales and noise variance.
    a, b : ndarray of shape (n, n_features), (m, n_features)
        Rows.

    Returns
    -------
    ndarray of shape (n, m)
        Of the standardised response.
    """
    from scipy.spatial.distance import cdist

    lengths = np.exp(theta[1:-1])
    root = np.sqrt(5.0) * cdist(a / lengths, b / lengths)
    return np.asarray(np.exp(theta[0] - root) * (1 + root + root**2 / 3))


def conditioned(
    theta: Floats, features: Floats, scaled: Floats, shared: Floats | None
) -> tuple[Floats, Floats]:
    """Condition a process on runs.

    Parameters
    ----------
    theta : ndarray of shape (n_features + 2,)
        Logarithms of signal variance, length scales and noise variance.
    features : ndarray of shape (n, n_features)
        What was run.
    scaled : ndarray of shape (n,)
        Its standardised response.
    shared : ndarray of shape (n, n), or None
        One where two runs have their noise in common, else zero; None: none have.

    Returns
    -------
    factor : ndarray of shape (n, n)
        Lower Cholesky factor of the runs' covariance.
    weights : ndarray of shape (n,)
        Of the runs in a prediction.
    """
    from scipy.linalg import cho_solve, cholesky

    covariance = kernel(theta, features, features)
    signal = np.exp(theta[0])
    diagonal = np.diag_indices_from(covariance)
    covariance[diagonal] += JITTER * signal
    if shared is None:
        covariance[diagonal] += np.exp(theta[-1])
    else:
        covariance += np.exp(theta[-1]) * shared
    factor = cholesky(covariance, lower=True, check_finite=False)
    return factor, np.asarray(cho_solve((factor, True), scaled, check_finite=False))


def posterior(
    theta: Floats, factor: Floats, weights: Floats, runs: Floats, features: Floats
) -> tuple[Floats, Floats]:
    """Posterior mean of the function, and a root of its covariance.

    A millionth of the largest variance is added to each, so that the root is well
    conditioned, and draws do not depend on rounding.

    Parameters
    ----------
    theta : ndarray of shape (n_features + 2,)
        Logarithms of signal variance, length scales and noise variance.
    factor, weights : ndarray
        As `conditioned` gives them.
    runs, features : ndarray of shape (n, n_features), (m, n_features)
        What was run, and where the function is wanted.

    Returns
    -------
    mean : ndarray of shape (m,)
        Of the standardised response.
    root : ndarray of shape (m, m)
        Lower Cholesky factor of its covariance.
    """
    from scipy.linalg import cholesky, solve_triangular

    cross = kernel(theta, features, runs)
    known = solve_triangular(factor, cross.T, lower=True, check_finite=False)
    covariance = kernel(theta, features, features) - known.T @ known
    diagonal = np.diag_indices_from(covariance)
    largest = max(float(covariance[diagonal].max()), JITTER * float(np.exp(theta[0])))
    covariance[diagonal] = np.maximum(covariance[diagonal], 0.0) + ADDED * largest
    root = cholesky(covariance, lower=True, check_finite=False)
    return np.asarray(cross @ weights), np.asarray(root)


def objective(features: Floats, scaled: Floats, shared: Floats | None) -> Objective:
    """Give the negative log posterior of the hyperparameters, and its gradient.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
        What was run.
    scaled : ndarray of shape (n,)
        Its standardised response.
    shared : ndarray of shape (n, n), or None
        One where two runs have their noise in common, else zero; None: none have.

    Returns
    -------
    callable
        Takes the hyperparameters' logarithms; gives value and gradient.
    """
    mean, sd = log_prior(features.shape[1])

    def posterior_depth(theta: Floats) -> tuple[float, Floats]:
        value, gradient = log_likelihood(theta, features, scaled, shared)
        z = (theta - mean) / sd
        return float(0.5 * z @ z - value), z / sd - gradient

    return posterior_depth


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


def log_prior(n_features: int) -> tuple[Floats, Floats]:
    """Give mean and standard deviation of the log hyperparameters before any run.

    Parameters
    ----------
    n_features : int
        Number of length scales.

    Returns
    -------
    tuple of ndarray of shape (n_features + 2,)
        Mean, standard deviation.
    """
    length = LENGTH_PRIOR[0] + 0.5 * np.log(n_features)
    mean = np.array([SIGNAL_PRIOR[0], *[length] * n_features, NOISE_PRIOR[0]])
    sd = np.array([SIGNAL_PRIOR[1], *[LENGTH_PRIOR[1]] * n_features, NOISE_PRIOR[1]])
    return mean, sd


def mode(
    features: Floats, scaled: Floats, shared: Floats | None, start: Floats | None
) -> Floats:
    """Find the most probable hyperparameters.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
        What was run.
    scaled : ndarray of shape (n,)
        Its standardised response.
    shared : ndarray of shape (n, n), or None
        One where two runs have their noise in common, else zero; None: none have.
    start : ndarray of shape (n_features + 2,), or None
        Where to search from; None: the best of two searches.

    Returns
    -------
    ndarray of shape (n_features + 2,)
        Their logarithms.
    """
    from scipy.optimize import minimize

    search: Any = objective(features, scaled, shared)
    mean, _ = log_prior(features.shape[1])
    ends = np.log(bounds(features.shape[1]))
    starts: list[Any] = [np.append(mean[:-1], np.log(noise)) for noise in STARTS]
    if start is not None:
        starts = [start]
    found = [
        minimize(search, begin, jac=True, method="L-BFGS-B", bounds=ends.tolist())
        for begin in starts
    ]
    best = min(found, key=lambda result: float(result.fun))
    # Where a search ends depends on rounding, and that on threads: what is left of a
    # logarithm's thousandths has no influence on predictions.
    return np.clip(np.round(best.x, 3), ends[:, 0], ends[:, 1])


def curvature_root(depth: Objective, theta: Floats) -> Floats:
    """Give a root of the inverse curvature at the mode, for draws about it.

    Parameters
    ----------
    depth : callable
        As `objective` gives it.
    theta : ndarray of shape (n_features + 2,)
        The mode.

    Returns
    -------
    ndarray of shape (n_features + 2, n_features + 2)
        Normal numbers times its transpose have the posterior's covariance.
    """
    step = 1e-3
    n = len(theta)
    curvature = np.empty((n, n))
    for i in range(n):
        shift = np.zeros(n)
        shift[i] = step
        up, down = depth(theta + shift)[1], depth(theta - shift)[1]
        curvature[i] = (up - down) / (2 * step)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    _, sd = log_prior(n - 2)
    # The prior alone is this sharp: less curvature than that is a wrong sign.
    values = np.maximum(values, 0.5 / sd.max() ** 2)
    return np.asarray(vectors / np.sqrt(values) @ vectors.T)
