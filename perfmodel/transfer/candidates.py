"""What a transfer may be: ways from the source's to the target's response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from perfmodel.transfer.delta import fit_delta, fit_feature
from perfmodel.transfer.inputs import Inputs
from perfmodel.transfer.process import Prior, fit_process
from perfmodel.transfer.shift import fit_log_shift

Floats = NDArray[np.float64]

__all__ = [
    "ALONE",
    "DELTA",
    "FEATURE",
    "SCALE",
    "SHIFT",
    "Known",
    "candidates_for",
    "clipped",
]

ALONE, SCALE, SHIFT = "alone", "scale", "shift"
DELTA, FEATURE = "delta", "feature"
MOST_BEYOND = 0.7  # log units by which a prediction may leave the range seen


class Fitted(Protocol):
    """What a candidate gives: the log response at other rows."""

    def mean(self, inputs: Inputs) -> Floats:
        """Predict the log response."""

    def sd(self, inputs: Inputs, noise: bool = True) -> Floats:
        """Give the standard deviation of the log response."""

    def draws(self, inputs: Inputs, n_draws: int, rng: np.random.Generator) -> Floats:
        """Draw mean functions."""

    @property
    def noise_sd(self) -> float:
        """Standard deviation of one run about the mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the sources say, before a run of the target was seen.

    Parameters
    ----------
    means, sds : ndarray of shape (n_sources,)
        Mean and standard deviation of each source's log prediction: `Inputs.z` is in
        these units.
    log_lengths : ndarray of shape (n_inputs,)
        Mean log length scale of the sources' processes.
    """

    means: Floats
    sds: Floats
    log_lengths: Floats

    @property
    def scale(self) -> float:
        """Mean standard deviation of the sources' log response."""
        return float(np.mean(self.sds))

    def base(self, inputs: Inputs) -> Floats:
        """Give the mean of the sources' log predictions.

        Parameters
        ----------
        inputs : Inputs
            Rows with source values.

        Returns
        -------
        ndarray of shape (n,)
            Log response.
        """
        return np.asarray(np.mean(self.means + self.sds * inputs.z, axis=1))


Candidate = Callable[[Inputs, Floats], Fitted]


def candidates_for(known: Known | None, n_inputs: int) -> dict[str, Candidate]:
    """List what the guard chooses among; target alone stands first.

    Parameters
    ----------
    known : Known or None
        What the sources say; None if there is no source.
    n_inputs : int
        Number of options.

    Returns
    -------
    dict of str to callable
        Each learns from inputs and log responses.
    """

    def alone(inputs: Inputs, log_y: Floats) -> Fitted:
        return fit_process(inputs, log_y, Prior.alone(n_inputs))

    found: dict[str, Candidate] = {ALONE: alone}
    if known is None:
        return found
    told = known

    def scale(inputs: Inputs, log_y: Floats) -> Fitted:
        return fit_log_shift(inputs, log_y, told.scale, slope_sd=0.0)

    def shift(inputs: Inputs, log_y: Floats) -> Fitted:
        return fit_log_shift(inputs, log_y, told.scale)

    def delta(inputs: Inputs, log_y: Floats) -> Fitted:
        return fit_delta(inputs, log_y, told.base, told.scale, told.log_lengths)

    def feature(inputs: Inputs, log_y: Floats) -> Fitted:
        return fit_feature(inputs, log_y)

    found.update({SCALE: scale, SHIFT: shift, DELTA: delta, FEATURE: feature})
    return found


def clipped(prediction: Floats, log_y: Floats, base: Floats | None = None) -> Floats:
    """Keep log predictions near what was seen.

    Parameters
    ----------
    prediction : ndarray of shape (m,)
        Log predictions.
    log_y : ndarray of shape (n,)
        Log responses learned from.
    base : ndarray of shape (m,), optional
        What a shift of the sources predicts: a prediction may go as far.

    Returns
    -------
    ndarray of shape (m,)
        Within 0.7 of the range of `log_y` and of `base`.
    """
    low = np.full(len(prediction), float(np.min(log_y)))
    high = np.full(len(prediction), float(np.max(log_y)))
    if base is not None:
        low, high = np.minimum(low, base), np.maximum(high, base)
    return np.clip(prediction, low - MOST_BEYOND, high + MOST_BEYOND)
