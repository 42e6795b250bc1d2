"""A small Gaussian process with priors: few runs, many options, one source or none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfmodel.transfer.inputs import Inputs

Floats = NDArray[np.float64]

ROOT5 = math.sqrt(5.0)
CONSTANT_VARIANCE = 10.0  # of the level, after the mean of the runs is taken out
LEAST_NOISE = 1e-6
MOST_STEPS = 60
STEP_TOLERANCE = 1e-5
RUNS_FOR_PARAMETERS = 250  # more hardly move length scales, and cost their cube
RUNS_FOR_WEIGHTS = 1000
BOUND = 7.0  # log parameters stay within this many of their prior's centre


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Log-normal priors: centres and standard deviations of the logarithms.

    Parameters
    ----------
    log_lengths : ndarray of shape (d,)
        Centre of the log length scale of each input.
    length_sd : float, default=1.0
        Their standard deviation.
    matern, linear, noise : float
        Centre of each variance; `linear` 0 leaves that part out.
    matern_sd, linear_sd, noise_sd : float
        Standard deviations of their logarithms.
    """

    log_lengths: Floats
    length_sd: float = 1.0
    matern: float = 1.0
    matern_sd: float = 1.5
    linear: float = 0.0
    linear_sd: float = 1.5
    noise: float = 3e-2
    noise_sd: float = 2.0

    @classmethod
    def alone(cls, n_inputs: int) -> Prior:
        """Return the prior for a response that nothing is known about.

        Parameters
        ----------
        n_inputs : int
            Number of inputs d: length scales grow with its root, as distances do.

        Returns
        -------
        Prior
            For a standardised log response.

        References
        ----------
        .. [1] Hvarfner, Hellsten and Nardi, "Vanilla Bayesian optimization performs
           great
           in high dimensions", ICML 2024.
        """
        centre = 0.5 * math.log(max(n_inputs, 1)) + 0.3
        return cls(log_lengths=np.full(n_inputs, centre))


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A fitted process: its inputs, parameters and weights.

    Parameters
    ----------
    inputs : Inputs
        The runs that it learned from.
    parameters : ndarray of shape (3 + n_inputs,)
        Logarithms of the Matern, linear and noise variances, then of the length scales.
    linear : bool
        Whether there is a linear part in the sources.
    offset, scale : float
        Mean and unit of the response.
    weights : ndarray of shape (n,)
        ``K^-1 y``.
    factor : ndarray of shape (n, n)
        Lower Cholesky factor of K.
    """

    inputs: Inputs
    parameters: Floats
    linear: bool
    offset: float
    scale: float
    weights: Floats
    factor: Floats

    @property
    def noise_sd(self) -> float:
        """Standard deviation of one run, in the response's unit."""
        return self.scale * math.exp(0.5 * float(self.parameters[2]))

    @property
    def log_lengths(self) -> Floats:
        """Logarithms of the length scales."""
        return self.parameters[3:]

    def mean(self, inputs: Inputs) -> Floats:
        """Predict the mean function.

        Parameters
        ----------
        inputs : Inputs
            Rows, shape (m, ..).

        Returns
        -------
        ndarray of shape (m,)
            In the response's unit.
        """
        cross = _kernel(self.parameters, self.linear, self.inputs, inputs)
        return np.asarray(self.offset + self.scale * (cross.T @ self.weights))

    def sd(self, inputs: Inputs, noise: bool = True) -> Floats:
        """Give the standard deviation of a new run, or of the mean function.

        Parameters
        ----------
        inputs : Inputs
            Rows, shape (m, ..).
        noise : bool, default=True
            Whether the noise of one run counts.

        Returns
        -------
        ndarray of shape (m,)
            In the response's unit.
        """
        from scipy.linalg import solve_triangular

        cross = _kernel(self.parameters, self.linear, self.inputs, inputs)
        solved = solve_triangular(self.factor, cross, lower=True)
        matern, linear, own = np.exp(self.parameters[:3])
        prior = np.full(len(inputs), CONSTANT_VARIANCE + matern)
        if self.linear:
            prior += linear * np.sum(inputs.z**2, axis=1)
        left = np.maximum(prior - np.sum(solved**2, axis=0), 0.0)
        return np.asarray(self.scale * np.sqrt(left + (own if noise else 0.0)))

    def draws(self, inputs: Inputs, n_draws: int, rng: np.random.Generator) -> Floats:
        """Draw mean functions from the posterior.

        Parameters
        ----------
        inputs : Inputs
            Rows, shape (m, ..).
        n_draws : int
            How many.
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        ndarray of shape (n_draws, m)
            In the response's unit.
        """
        from scipy.linalg import cholesky, solve_triangular

        cross = _kernel(self.parameters, self.linear, self.inputs, inputs)
        solved = solve_triangular(self.factor, cross, lower=True)
        cov = _kernel(self.parameters, self.linear, inputs, inputs) - solved.T @ solved
        jitter = 1e-8 * (1.0 + float(np.trace(cov)) / max(len(inputs), 1))
        for _ in range(6):
            try:
                root = cholesky(cov + jitter * np.eye(len(inputs)), lower=True)
                break
            except np.linalg.LinAlgError:
                jitter *= 10.0
        else:
            root = np.diag(np.sqrt(np.maximum(np.diag(cov), 0.0)))
        normal = rng.standard_normal((len(inputs), n_draws))
        return self.mean(inputs) + self.scale * (root @ normal).T


def fit_process(
    inputs: Inputs,
    y: Floats,
    prior: Prior,
    scale: float | None = None,
) -> Process:
    """Fit a process at the mode of its parameters.

    ``y ~ constant + linear(z) + Matern 5/2 (x) + noise``, with a length scale an
    option.

    Parameters
    ----------
    inputs : Inputs
        The runs, shape (n, ..).
    y : ndarray of shape (n,)
        Their log response, or what is left of it.
    prior : Prior
        Of the parameters.
    scale : float, optional
        Unit of y; by default its standard deviation.

    Returns
    -------
    Process
        At the mode of the posterior of the parameters. Of more than 250 runs, as many
        tell the parameters, and at most 1000 are conditioned on: always the same.

    References
    ----------
    .. [1] Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006,
       sections 4.2 and 5.4.

    Examples
    --------
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> inputs = Inputs(x=x, z=np.empty((8, 0)), groups=(0,))
    >>> process = fit_process(inputs, np.sin(3 * x[:, 0]), Prior.alone(1))
    >>> bool(abs(process.mean(inputs)[3] - np.sin(3 * x[3, 0])) < 0.01)
    True
    """
    from scipy.optimize import minimize

    offset = float(np.mean(y))
    if scale is None:
        scale = float(np.std(y))
    scale = scale if scale > 0 else 1.0
    centred = (y - offset) / scale
    linear = prior.linear > 0 and inputs.z.shape[1] > 0
    centre = np.concatenate(
        [
            np.log([prior.matern, prior.linear if linear else 1.0, prior.noise]),
            prior.log_lengths,
        ]
    )
    sd = np.concatenate(
        [
            [prior.matern_sd, prior.linear_sd, prior.noise_sd],
            np.full(len(prior.log_lengths), prior.length_sd),
        ]
    )
    few = rows_conditioned_on(len(y), RUNS_FOR_PARAMETERS)
    some = inputs[few]
    squares = some.squared_distances(some)
    gram = some.z @ some.z.T if linear else np.zeros((len(few), len(few)))
    found = minimize(
        _negative_log_posterior,
        centre,
        args=(squares, gram, centred[few], centre, sd),
        jac=True,
        method="L-BFGS-B",
        bounds=[
            (max(c - BOUND, math.log(LEAST_NOISE)) if i == 2 else c - BOUND, c + BOUND)
            for i, c in enumerate(centre)
        ],
        options={"maxiter": MOST_STEPS, "ftol": STEP_TOLERANCE},
    )
    kept = rows_conditioned_on(len(y))
    parameters = np.asarray(found.x)
    return conditioned(inputs[kept], y[kept], parameters, linear, offset, scale)


def rows_conditioned_on(n: int, most: int = RUNS_FOR_WEIGHTS) -> NDArray[np.intp]:
    """Give the runs that a process rests on, of `n`: the same ones every time.

    Parameters
    ----------
    n : int
        Number of runs.
    most : int, default=1000
        How many at most.

    Returns
    -------
    ndarray
        Rows, ascending.
    """
    return np.sort(np.random.default_rng(0).permutation(n)[:most])


def conditioned(
    inputs: Inputs,
    y: Floats,
    parameters: Floats,
    linear: bool,
    offset: float,
    scale: float,
) -> Process:
    """Return the process with these parameters, given these runs.

    Parameters
    ----------
    inputs : Inputs
        The runs.
    y : ndarray of shape (n,)
        Their responses.
    parameters : ndarray
        As in `Process`.
    linear : bool
        Whether there is a linear part.
    offset, scale : float
        Mean and unit of y.

    Returns
    -------
    Process
        Ready to predict.
    """
    from scipy.linalg import cho_solve, cholesky

    K = _kernel(parameters, linear, inputs, inputs)
    K[np.diag_indices_from(K)] += math.exp(float(parameters[2])) + 1e-9
    factor = cholesky(K, lower=True)
    return Process(
        inputs=inputs,
        parameters=parameters,
        linear=linear,
        offset=offset,
        scale=scale,
        weights=cho_solve((factor, True), (y - offset) / scale),
        factor=factor,
    )


def _kernel(parameters: Floats, linear: bool, one: Inputs, other: Inputs) -> Floats:
    """Covariance of the mean function between rows."""
    matern, slope, _ = np.exp(parameters[:3])
    weights = np.exp(-parameters[3:])
    scaled = weights[list(one.groups)] if one.groups else np.empty(0)
    r = _distances(one.x * scaled, other.x * scaled)
    K = CONSTANT_VARIANCE + matern * (1 + ROOT5 * r + 5 / 3 * r**2) * np.exp(-ROOT5 * r)
    if linear:
        K += slope * (one.z @ other.z.T)
    return np.asarray(K)


def _distances(one: Floats, other: Floats) -> Floats:
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(one, other))


def _negative_log_posterior(
    theta: Floats,
    squares: Floats,
    gram: Floats,
    y: Floats,
    centre: Floats,
    sd: Floats,
) -> tuple[float, Floats]:
    """Minus the log posterior of the log parameters, and its gradient."""
    from scipy.linalg import cho_solve, cholesky
    from scipy.linalg.lapack import dpotri

    n = len(y)
    matern, slope, noise = np.exp(theta[:3])
    inverse = np.exp(-2 * theta[3:])
    r = np.sqrt(np.tensordot(inverse, squares, axes=1))
    decay = np.exp(-ROOT5 * r)
    shape = matern * (1 + ROOT5 * r + 5 / 3 * r**2) * decay
    K = CONSTANT_VARIANCE + shape + slope * gram
    K[np.diag_indices(n)] += noise + 1e-9
    try:
        factor = cholesky(K, lower=True)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(theta)
    alpha = cho_solve((factor, True), y)
    distance = (theta - centre) / sd
    value = 0.5 * float(y @ alpha) + float(np.sum(np.log(np.diag(factor))))
    value += 0.5 * float(distance @ distance)
    half, _ = dpotri(factor, lower=1)
    K_inverse = np.tril(half) + np.tril(half, -1).T
    M = K_inverse - np.outer(alpha, alpha)
    common = M * (matern * 5 / 3 * (1 + ROOT5 * r) * decay)
    gradient = np.concatenate(
        [
            [
                0.5 * float(np.sum(M * shape)),
                0.5 * slope * float(np.sum(M * gram)),
                0.5 * noise * float(np.trace(M)),
            ],
            0.5 * inverse * np.tensordot(squares, common, axes=([1, 2], [0, 1])),
        ]
    )
    return value, gradient + distance / sd
