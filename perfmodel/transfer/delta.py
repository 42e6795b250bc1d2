"""Processes on what a source leaves to explain: the log difference, or all but it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perfmodel.transfer.inputs import Inputs
from perfmodel.transfer.process import Prior, Process, fit_process

Floats = NDArray[np.float64]

# Priors of the log difference, in units of the source's log standard deviation.
LINEAR_VARIANCE, LINEAR_SD = 0.1, 1.5
MATERN_VARIANCE, MATERN_SD = 0.05, 1.5
NOISE_VARIANCE, NOISE_SD = 1e-2, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """The sources' mean log prediction, plus a process for the difference.

    Parameters
    ----------
    process : Process
        Of the log difference.
    base : callable
        Gives the sources' mean log prediction at rows.
    """

    process: Process
    base: Callable[[Inputs], Floats]

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
        return self.base(inputs) + self.process.mean(inputs)

    def sd(self, inputs: Inputs, noise: bool = True) -> Floats:
        """Give the standard deviation of a new run, or of the mean.

        Parameters
        ----------
        inputs : Inputs
            Rows with source values, shape (m, ..).
        noise : bool, default=True
            Whether the noise of one run counts.

        Returns
        -------
        ndarray of shape (m,)
            Log units.
        """
        return self.process.sd(inputs, noise)

    @property
    def noise_sd(self) -> float:
        """Standard deviation of one run about the mean, log units."""
        return self.process.noise_sd

    def draws(self, inputs: Inputs, n_draws: int, rng: np.random.Generator) -> Floats:
        """Draw mean functions.

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
        return self.base(inputs) + self.process.draws(inputs, n_draws, rng)


def fit_delta(
    inputs: Inputs,
    log_y: Floats,
    base: Callable[[Inputs], Floats],
    scale: float,
    log_lengths: Floats,
) -> Delta:
    """Fit a process to the log difference from the sources' prediction.

    Parameters
    ----------
    inputs : Inputs
        Runs with standardised source values, shape (n, ..).
    log_y : ndarray of shape (n,)
        Log responses of the target.
    base : callable
        Gives the sources' mean log prediction at rows.
    scale : float
        Standard deviation of the sources' log response, the unit of the priors.
    log_lengths : ndarray of shape (n_inputs,)
        Log length scales of the sources, the centre of the prior.

    Returns
    -------
    Delta
        Fitted.

    References
    ----------
    .. [1] Kennedy and O'Hagan, "Predicting the output from a complex computer code when
       fast approximations are available", Biometrika 87, 2000.
    """
    prior = Prior(
        log_lengths=log_lengths,
        matern=MATERN_VARIANCE,
        matern_sd=MATERN_SD,
        linear=LINEAR_VARIANCE,
        linear_sd=LINEAR_SD,
        noise=NOISE_VARIANCE,
        noise_sd=NOISE_SD,
    )
    process = fit_process(inputs, log_y - base(inputs), prior, scale=scale)
    return Delta(process=process, base=base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A process that sees the sources' predictions as further inputs.

    Parameters
    ----------
    process : Process
        Of the log response.
    """

    process: Process

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
        return self.process.mean(with_sources(inputs))

    def sd(self, inputs: Inputs, noise: bool = True) -> Floats:
        """Give the standard deviation of a new run, or of the mean.

        Parameters
        ----------
        inputs : Inputs
            Rows with source values, shape (m, ..).
        noise : bool, default=True
            Whether the noise of one run counts.

        Returns
        -------
        ndarray of shape (m,)
            Log units.
        """
        return self.process.sd(with_sources(inputs), noise)

    @property
    def noise_sd(self) -> float:
        """Standard deviation of one run about the mean, log units."""
        return self.process.noise_sd

    def draws(self, inputs: Inputs, n_draws: int, rng: np.random.Generator) -> Floats:
        """Draw mean functions.

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
        return self.process.draws(with_sources(inputs), n_draws, rng)


def with_sources(inputs: Inputs) -> Inputs:
    """Make each source value a feature of its own, a quarter of its unit wide.

    Parameters
    ----------
    inputs : Inputs
        Rows with source values.

    Returns
    -------
    Inputs
        With as many more features as there are sources.
    """
    more = tuple(inputs.n_inputs + k for k in range(inputs.z.shape[1]))
    return replace(
        inputs,
        x=np.column_stack([inputs.x, inputs.z / 4.0]),
        groups=inputs.groups + more,
    )


def fit_feature(inputs: Inputs, log_y: Floats) -> Feature:
    """Fit a process to the log response, with the sources as inputs.

    Parameters
    ----------
    inputs : Inputs
        Runs with standardised source values, shape (n, ..).
    log_y : ndarray of shape (n,)
        Log responses of the target.

    Returns
    -------
    Feature
        Fitted.
    """
    wide = with_sources(inputs)
    prior = replace(Prior.alone(wide.n_inputs), linear=1.0)
    return Feature(process=fit_process(wide, log_y, prior))
