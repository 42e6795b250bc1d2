"""One line from the source's response to the target's: the least a transfer can be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfmodel.transfer.inputs import Inputs

Floats = NDArray[np.float64]

SLOPE_SD = 0.3  # of the log slope's prior about 1
LEAST_RESIDUAL = 1e-4  # log units
LEAST_SLOPE_SD = 1e-4  # as good as none
ROUNDS = 50
TAIL_DF = 4.0  # Student's t: a run far off the line counts less


@dataclass(frozen=True, slots=True, kw_only=True)
class LogShift:
    """``log y = level + slope z``: a factor, and a power of the source.

    Parameters
    ----------
    level : float
        Log response where the standardised source is 0.
    slopes : ndarray of shape (n_sources,)
        Log units for one unit of each standardised source.
    residual_sd : float
        Standard deviation about the line, log units.
    covariance : ndarray of shape (n_sources + 1, n_sources + 1)
        Of level and slopes.
    """

    level: float
    slopes: Floats
    residual_sd: float
    covariance: Floats

    def mean(self, inputs: Inputs) -> Floats:
        """Predict the log response.

        Parameters
        ----------
        inputs : Inputs
            Rows with source values, shape (m, ..).

        Returns
        -------
        ndarray of shape (m,)
            Log response.
        """
        return np.asarray(self.level + inputs.z @ self.slopes)

    def sd(self, inputs: Inputs, noise: bool = True) -> Floats:
        """Give the standard deviation of a new run, or of the line.

        Parameters
        ----------
        inputs : Inputs
            Rows with source values, shape (m, ..).
        noise : bool, default=True
            Whether what the line leaves counts.

        Returns
        -------
        ndarray of shape (m,)
            Log units.
        """
        A = np.column_stack([np.ones(len(inputs)), inputs.z])
        line = np.sum((A @ self.covariance) * A, axis=1)
        return np.asarray(np.sqrt(line + (self.residual_sd**2 if noise else 0.0)))

    @property
    def noise_sd(self) -> float:
        """Standard deviation of one run about the line, log units."""
        return self.residual_sd

    def draws(self, inputs: Inputs, n_draws: int, rng: np.random.Generator) -> Floats:
        """Draw lines.

        Parameters
        ----------
        inputs : Inputs
            Rows with source values, shape (m, ..).
        n_draws : int
            How many.
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        ndarray of shape (n_draws, m)
            Log response.
        """
        A = np.column_stack([np.ones(len(inputs)), inputs.z])
        root = np.linalg.cholesky(self.covariance)
        lines = root @ rng.standard_normal((len(root), n_draws))
        return np.asarray(self.mean(inputs) + (A @ lines).T)


def fit_log_shift(
    inputs: Inputs, log_y: Floats, scale: float, slope_sd: float = SLOPE_SD
) -> LogShift:
    """Fit a log shift whose slope is drawn towards 1, the mere factor.

    What the line leaves is Student's t of four degrees of freedom, fitted by iterative
    reweighting: one odd run does not move the line.

    Parameters
    ----------
    inputs : Inputs
        Runs with standardised source values, shape (n, ..).
    log_y : ndarray of shape (n,)
        Log responses of the target.
    scale : float
        Standard deviation of the source's log response: the slope that means a factor.
        With several sources each begins at an equal part of it.
    slope_sd : float, default=0.3
        How far the power of the source may be from 1, a priori; 0: a mere factor.

    Returns
    -------
    LogShift
        At the mode, with the residual found by iteration.

    Examples
    --------
    >>> z = np.array([[-1.0], [0.0], [1.0]])
    >>> inputs = Inputs(x=np.empty((3, 0)), z=z, groups=())
    >>> shift = fit_log_shift(inputs, 2.0 + 0.5 * z[:, 0], scale=0.5)
    >>> round(shift.level, 6), round(float(shift.slopes[0]), 6)
    (2.0, 0.5)
    """
    n, k = inputs.z.shape
    start = np.full(k, scale / k)
    A = np.column_stack([np.ones(n), inputs.z])
    width = max(slope_sd, LEAST_SLOPE_SD) * scale / math.sqrt(k)
    ridge = np.diag([0.0, *np.full(k, width**-2.0)])
    shifted = log_y - inputs.z @ start
    variance = max(float(np.var(shifted)), LEAST_RESIDUAL**2)
    weights = np.ones(n)
    for _ in range(ROUNDS):
        weighted = A * weights[:, None]
        covariance = np.linalg.inv(weighted.T @ A / variance + ridge)
        step = covariance @ (weighted.T @ shifted) / variance
        left = shifted - A @ step
        free = float(np.trace(weighted @ covariance @ A.T)) / variance
        new = float(weights @ left**2) / max(n - free, 0.5)
        new = max(new, LEAST_RESIDUAL**2)
        weights = (TAIL_DF + 1) / (TAIL_DF + left**2 / new)
        if abs(new - variance) <= 1e-6 * variance:
            break
        variance = new
    return LogShift(
        level=float(step[0]),
        slopes=start + step[1:],
        residual_sd=float(np.std(left)) if n > 2 else math.sqrt(variance),
        covariance=np.asarray(covariance, dtype=float),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearShift:
    """``y = intercept + slope x``: Valov's shift, in the response's own unit.

    Parameters
    ----------
    intercept, slope : float
        Of the line.
    """

    intercept: float
    slope: float

    def predict(self, source: Floats) -> Floats:
        """Predict the target's response.

        Parameters
        ----------
        source : ndarray of shape (m,)
            The source's response, in its unit.

        Returns
        -------
        ndarray of shape (m,)
            In the target's unit.
        """
        return np.asarray(self.intercept + self.slope * source)


def fit_linear_shift(source: Floats, target: Floats) -> LinearShift:
    """Fit a line by least squares.

    Parameters
    ----------
    source, target : ndarray of shape (n,)
        Responses of the same configurations.

    Returns
    -------
    LinearShift
        A constant if the source does not vary.

    References
    ----------
    .. [1] Valov et al., "Transferring performance prediction models across different
       hardware platforms", ICPE 2017.

    Examples
    --------
    >>> fit_linear_shift(np.array([1.0, 2.0]), np.array([3.0, 5.0])).slope
    2.0
    """
    centred = source - source.mean()
    power = float(centred @ centred)
    slope = float(centred @ (target - target.mean())) / power if power > 0 else 0.0
    return LinearShift(
        intercept=float(target.mean()) - slope * float(source.mean()), slope=slope
    )
