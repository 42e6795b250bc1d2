"""How alike two environments are: correlations and overlaps, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from perfmodel.intervals import wilson_interval

__all__ = [
    "Estimate",
    "Overlap",
    "best_overlap",
    "invalid_overlap",
    "pearson",
    "pearson_interval",
    "ratio_of_spreads",
    "sd_interval",
    "spearman",
    "spearman_interval",
]

Floats = NDArray[np.float64]

LEVEL = 0.95
N_RESAMPLES = 2000
FEWEST = 5  # values below which an interval would be a guess


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number and its interval.

    Parameters
    ----------
    estimate : float
        NaN where it is not defined.
    lower, upper : float
        Ends of the interval, NaN where there is none.
    n : int
        How many configurations it rests on.
    """

    estimate: float
    lower: float
    upper: float
    n: int


def pearson(x: Floats, y: Floats) -> float:
    """Pearson's correlation.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Values of the same configurations.

    Returns
    -------
    float
        NaN for fewer than two values or a constant side.

    Examples
    --------
    >>> pearson(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    1.0
    """
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.round(np.corrcoef(x, y)[0, 1], 14))


def spearman(x: Floats, y: Floats) -> float:
    """Spearman's correlation, equal values at their average rank.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Values of the same configurations.

    Returns
    -------
    float
        NaN for fewer than two values or a constant side.

    Examples
    --------
    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 100.0]))
    1.0
    """
    from scipy.stats import rankdata

    return pearson(rankdata(x), rankdata(y)) if len(x) > 1 else math.nan


def spearman_interval(x: Floats, y: Floats, level: float = LEVEL) -> Estimate:
    """Spearman's correlation with Fisher's z and the error of Bonett and Wright.

    The quantile is Student's, which few values need.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Values of the same configurations.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    Estimate
        Without an interval for fewer than five values.

    References
    ----------
    .. [1] Bonett and Wright, "Sample size requirements for estimating Pearson, Kendall
       and Spearman correlations", Psychometrika 65, 2000.
    """
    n, rho = len(x), spearman(x, y)
    if n < FEWEST or math.isnan(rho):
        return Estimate(estimate=rho, lower=math.nan, upper=math.nan, n=n)
    z = NormalDist().inv_cdf((1 + _expanded(level, n)) / 2)
    half = z * math.sqrt((1 + rho**2 / 2) / (n - 3))
    centre = math.atanh(min(max(rho, -1 + 1e-12), 1 - 1e-12))
    return Estimate(
        estimate=rho,
        lower=math.tanh(centre - half),
        upper=math.tanh(centre + half) if abs(rho) < 1 else max(rho, -1.0),
        n=n,
    )


def pearson_interval(
    x: Floats, y: Floats, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """Pearson's correlation with a bias-corrected, accelerated bootstrap interval.

    With few values the bootstrap is too narrow: the level is raised to what Student's t
    asks of the mean [2]_.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Values of the same configurations.
    level : float, default=0.95
        Confidence level.
    seed : int, default=0
        Seed of the resamples.

    Returns
    -------
    Estimate
        Without an interval for fewer than five values.

    References
    ----------
    .. [1] Efron, "Better bootstrap confidence intervals", JASA 82, 1987.
    .. [2] Hesterberg, "What teachers should know about the bootstrap", The American
       Statistician 69, 2015, expanded percentiles.
    """
    n, r = len(x), pearson(x, y)
    if n < FEWEST or math.isnan(r):
        return Estimate(estimate=r, lower=math.nan, upper=math.nan, n=n)
    rng = np.random.default_rng(seed)
    resampled = _correlations(x, y, rng.integers(n, size=(N_RESAMPLES, n)))
    left_out = _correlations(
        x, y, np.array([np.delete(np.arange(n), i) for i in range(n)])
    )
    lower, upper = bca_ends(resampled, left_out, r, _expanded(level, n))
    return Estimate(estimate=r, lower=lower, upper=upper, n=n)


def _expanded(level: float, n: int) -> float:
    """Level of normal quantiles that are as far out as Student's t for n values."""
    from scipy.special import stdtrit

    t = math.sqrt(n / (n - 1)) * float(stdtrit(n - 1, (1 + level) / 2))
    return 2 * NormalDist().cdf(t) - 1


def _correlations(x: Floats, y: Floats, rows: NDArray[np.intp]) -> Floats:
    """Pearson's correlation of each line of rows; constant ones are left out."""
    a, b = x[rows], y[rows]
    a = a - a.mean(axis=1, keepdims=True)
    b = b - b.mean(axis=1, keepdims=True)
    power = np.sum(a**2, axis=1) * np.sum(b**2, axis=1)
    fine = power > 0
    return np.asarray(np.sum(a * b, axis=1)[fine] / np.sqrt(power[fine]))


def bca_ends(
    resampled: Floats, left_out: Floats, estimate: float, level: float
) -> tuple[float, float]:
    """Ends of the bias-corrected, accelerated bootstrap interval.

    Parameters
    ----------
    resampled : ndarray
        The statistic on each resample.
    left_out : ndarray
        The statistic without each value in turn.
    estimate : float
        The statistic on all values.
    level : float
        Confidence level.

    Returns
    -------
    tuple of float
        Lower and upper end.
    """
    normal = NormalDist()
    below = (np.sum(resampled < estimate) + 0.5 * np.sum(resampled == estimate)) / len(
        resampled
    )
    bias = normal.inv_cdf(min(max(float(below), 1e-4), 1 - 1e-4))
    centred = left_out.mean() - left_out
    power = float(np.sum(centred**2))
    skew = float(np.sum(centred**3)) / (6 * power**1.5) if power > 0 else 0.0
    ends = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        shifted = bias + normal.inv_cdf(share)
        at = normal.cdf(bias + shifted / (1 - skew * shifted))
        ends.append(float(np.quantile(resampled, at)))
    return ends[0], ends[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How many of the best or the invalid are common.

    Parameters
    ----------
    share : Estimate
        Common ones, as a share, with Wilson's interval.
    p : float
        Probability of as many common ones if the two sides had nothing to do with each
        other (hypergeometric); NaN where it does not apply.
    common, of : int
        How many are common, of how many.
    """

    share: Estimate
    p: float
    common: int
    of: int


def best_overlap(
    x: Floats, y: Floats, top_share: float = 0.1, level: float = LEVEL
) -> Overlap:
    """Share of the lowest values of one side that are among the lowest of the other.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Values of the same configurations; negate them if high is good.
    top_share : float, default=0.1
        How many count as the best: this share, at least one.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    Overlap
        With the hypergeometric probability of as many by chance.

    Examples
    --------
    >>> x = np.arange(40.0)
    >>> best_overlap(x, x).common, round(best_overlap(x, x).p, 6)
    (4, 1.1e-05)
    """
    from scipy.stats import hypergeom

    n = len(x)
    k = max(int(top_share * n), 1)
    best_x, best_y = (set(np.argsort(v, kind="stable")[:k].tolist()) for v in (x, y))
    common = len(best_x & best_y)
    lower, upper = wilson_interval(common, k, level)
    return Overlap(
        share=Estimate(estimate=common / k, lower=lower, upper=upper, n=n),
        p=float(hypergeom.sf(common - 1, n, k, k)),
        common=common,
        of=k,
    )


def invalid_overlap(
    x: NDArray[np.bool_], y: NDArray[np.bool_], level: float = LEVEL
) -> Overlap:
    """Jaccard index of two sets of invalid configurations.

    Parameters
    ----------
    x, y : ndarray of bool of shape (n,)
        True where a configuration is invalid.
    level : float, default=0.95
        Confidence level of Wilson's interval.

    Returns
    -------
    Overlap
        NaN if nothing is invalid on either side.

    Examples
    --------
    >>> found = invalid_overlap(np.array([True, True, False]),
    ...                         np.array([True, False, False]))
    >>> found.common, found.of
    (1, 2)
    """
    either, both = int(np.sum(x | y)), int(np.sum(x & y))
    if not either:
        none = Estimate(estimate=math.nan, lower=math.nan, upper=math.nan, n=len(x))
        return Overlap(share=none, p=math.nan, common=0, of=0)
    lower, upper = wilson_interval(both, either, level)
    share = Estimate(estimate=both / either, lower=lower, upper=upper, n=len(x))
    return Overlap(share=share, p=math.nan, common=both, of=either)


def sd_interval(values: Floats, level: float = LEVEL) -> Estimate:
    """Standard deviation of values that need not be normal.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Independent values.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    Estimate
        Without an interval for fewer than five values.

    References
    ----------
    .. [1] Bonett, "Approximate confidence interval for standard deviation of nonnormal
       distributions", Computational Statistics & Data Analysis 50, 2006.
    """
    from scipy.stats import trim_mean

    n = len(values)
    sd = float(np.std(values, ddof=1)) if n > 1 else math.nan
    if n < FEWEST or not sd > 0:
        return Estimate(estimate=sd, lower=math.nan, upper=math.nan, n=n)
    centre = trim_mean(values, 1 / (2 * math.sqrt(n - 4)))
    fourth = float(np.sum((values - centre) ** 4))
    kurtosis = n * fourth / float(np.sum((values - values.mean()) ** 2)) ** 2
    z = NormalDist().inv_cdf((1 + level) / 2)
    c = n / (n - z)
    z = NormalDist().inv_cdf((1 + _expanded(level, n)) / 2)
    error = c * math.sqrt(max(kurtosis - (n - 3) / n, 0.0) / (n - 1))
    centre_log = math.log(c * sd**2)
    return Estimate(
        estimate=sd,
        lower=math.exp(0.5 * (centre_log - z * error)),
        upper=math.exp(0.5 * (centre_log + z * error)),
        n=n,
    )


def ratio_of_spreads(x: Floats, y: Floats, level: float = LEVEL) -> Estimate:
    """Mean absolute deviation of y over that of x, of the same configurations.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Values of the same configurations.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    Estimate
        Without an interval for fewer than five values.

    References
    ----------
    .. [1] Bonett and Seier, "Statistical inference for a ratio of dispersions using
       paired samples", Journal of Educational and Behavioral Statistics 28, 2003.
    """
    n = len(x)
    deviations, logs, variances = [], [], []
    for side in (x, y):
        median = float(np.median(side))
        away = np.abs(side - median)
        mean = float(away.sum()) / (n - 1) if n > 1 else math.nan
        if not mean > 0:
            return Estimate(estimate=math.nan, lower=math.nan, upper=math.nan, n=n)
        off = (float(side.mean()) - median) / mean
        scatter = float(np.var(side, ddof=1)) / mean**2
        deviations.append(away)
        logs.append(math.log(mean))
        variances.append(max(off**2 + scatter - 1, 0.0) / n)
    ratio = math.exp(logs[1] - logs[0])
    if n < FEWEST:
        return Estimate(estimate=ratio, lower=math.nan, upper=math.nan, n=n)
    together = pearson(*deviations)
    together = 0.0 if math.isnan(together) else together
    variance = sum(variances) - 2 * together * math.sqrt(variances[0] * variances[1])
    half = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(max(variance, 0.0))
    return Estimate(
        estimate=ratio,
        lower=math.exp(logs[1] - logs[0] - half),
        upper=math.exp(logs[1] - logs[0] + half),
        n=n,
    )
