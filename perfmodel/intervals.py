"""Intervals: of means, of shares, and of predictions, calibrated on held-out runs.

A prediction interval is ``prediction -+ factor * spread``: the model says how wide one
prediction's spread is against another's, held-out residuals say the factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from perfmodel.errors import ModelError
from perfmodel.folds import by_group

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Calibration",
    "bootstrap_interval",
    "check_level",
    "coverage",
    "smooth_quantile",
    "wilson_interval",
]

#: Resamples of a bootstrap interval: its ends move by about 2 % of its width.
N_RESAMPLES = 2000
#: Imagined scores that agree with Student's distribution in a calibration.
PRIOR_SCORES = 5


def check_level(level: float) -> float:
    """Check that a confidence level lies strictly between 0 and 1.

    Parameters
    ----------
    level : float
        What was asked for.

    Returns
    -------
    float
        The same level.

    Raises
    ------
    ModelError
        If it does not lie between 0 and 1.

    Examples
    --------
    >>> check_level(90)
    Traceback (most recent call last):
    perfmodel.errors.ModelError: level 90 is not between 0 and 1; 90 % is 0.9
    """
    if not 0 < level < 1:
        raise ModelError(f"level {level:g} is not between 0 and 1; 90 % is 0.9")
    return float(level)


def bootstrap_interval(
    values: ArrayLike, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean.

    Parameters
    ----------
    values : array-like of shape (n,)
        Independent values.
    level : float, default=0.95
        Confidence level.
    seed : int, default=0
        Seed of the resamples.

    Returns
    -------
    tuple of float
        Lower and upper end; both the value itself if there is only one.

    References
    ----------
    .. [1] Efron, Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13.

    Examples
    --------
    >>> lower, upper = bootstrap_interval([1.0, 2.0, 3.0, 4.0])
    >>> 1 <= lower < 2.5 < upper <= 4
    True
    """
    x = np.asarray(values, dtype=float)
    alpha = (1 - check_level(level)) / 2
    rng = np.random.default_rng(seed)
    means = x[rng.integers(len(x), size=(N_RESAMPLES, len(x)))].mean(axis=1)
    lower, upper = np.quantile(means, [alpha, 1 - alpha])
    return float(lower), float(upper)


def wilson_interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Parameters
    ----------
    count : int
        How many of the `n` had the property.
    n : int
        How many there were.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    tuple of float
        Lower and upper end, within 0 and 1.

    References
    ----------
    .. [1] Wilson, "Probable inference, the law of succession, and statistical
       inference", JASA 22, 1927.

    Examples
    --------
    >>> lower, upper = wilson_interval(9, 10)
    >>> round(lower, 3), round(upper, 3)
    (0.596, 0.982)
    """
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + check_level(level)) / 2)
    share = count / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = (
        z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    )
    return max(middle - half, 0.0), min(middle + half, 1.0)


def coverage(y: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Share of values that lie within their intervals, ends included.

    Parameters
    ----------
    y, lower, upper : array-like of shape (n,)
        Values, and the ends of the interval of each.

    Returns
    -------
    float
        Between 0 and 1.

    Examples
    --------
    >>> coverage([1, 2, 3, 4], [0, 0, 0, 0], [3, 3, 3, 3])
    0.75
    """
    value = np.asarray(y, dtype=float)
    within = (np.asarray(lower) <= value) & (value <= np.asarray(upper))
    return float(within.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How wide intervals must be to hold the stated share of new runs.

    Parameters
    ----------
    scores : tuple of float
        Held-out ``|residual| / spread``, ascending; empty if there were none.

    Notes
    -----
    The factor is the conformal quantile of the scores [1]_, in the smooth form of
    Harrell and Davis [2]_, which varies less. A quantile of few scores is itself
    uncertain, so it is drawn towards Student's distribution by `PRIOR_SCORES` imagined
    scores that agree with it.

    References
    ----------
    .. [1] Lei et al., "Distribution-free predictive inference for regression",
       JASA 113, 2018.
    .. [2] Harrell, Davis, "A new distribution-free quantile estimator", Biometrika 69,
       1982.

    Examples
    --------
    >>> round(Calibration(scores=()).factor(0.9), 3)
    1.645
    """

    scores: tuple[float, ...]

    @classmethod
    def from_residuals(
        cls,
        residuals: ArrayLike,
        spread: ArrayLike,
        groups: NDArray[np.int64] | None = None,
    ) -> Calibration:
        """Calibrate on the residuals of runs that the model had not seen.

        Parameters
        ----------
        residuals : array-like of shape (n,)
            Truth minus prediction.
        spread : array-like of shape (n,)
            What the model held for the standard deviation of each, positive.
        groups : ndarray of int of shape (n,), optional
            Rows with equal numbers share a measurement.

        Returns
        -------
        Calibration
            With one score a measurement.
        """
        score = np.abs(np.asarray(residuals, dtype=float)) / np.asarray(spread)
        score = by_group(score, groups)
        return cls(scores=tuple(np.sort(score).tolist()))

    def factor(self, level: float) -> float:
        """Half width of an interval, in units of the spread.

        Parameters
        ----------
        level : float
            Share of new runs that the interval shall hold.

        Returns
        -------
        float
            Positive, or 0 if every residual was 0.
        """
        n = len(self.scores)
        if n == 0:
            return NormalDist().inv_cdf((1 + check_level(level)) / 2)
        from scipy.special import stdtrit

        student = float(stdtrit(max(n - 1, 2), (1 + check_level(level)) / 2))
        share = min(level * (n + 1) / n, 1.0 - 0.5 / n)
        empirical = smooth_quantile(self.scores, share)
        weight = n / (n + PRIOR_SCORES)
        return weight * empirical + (1 - weight) * student


def smooth_quantile(ascending: ArrayLike, share: float) -> float:
    """Harrell-Davis quantile: a mean of the order statistics about it.

    Parameters
    ----------
    ascending : array-like of shape (n,)
        Sorted values.
    share : float
        Share of the distribution below the quantile, between 0 and 1.

    Returns
    -------
    float
        The quantile.

    References
    ----------
    .. [1] Harrell, Davis, "A new distribution-free quantile estimator", Biometrika 69,
       1982.

    Examples
    --------
    >>> round(smooth_quantile([1.0, 2.0, 3.0, 4.0, 5.0], 0.5), 6)
    3.0
    """
    from scipy.special import betainc

    values: NDArray[np.float64] = np.asarray(ascending, dtype=float)
    n = len(values)
    a, b = (n + 1) * share, (n + 1) * (1 - share)
    weights = np.diff(betainc(a, b, np.arange(n + 1) / n))
    return float(weights @ values)
