"""Can repeated measurements be trusted: spread, outliers, drift, warm-up, replicates.

Pure functions of numbers. Nothing here removes a value: outliers are *flagged*,
and the caller keeps every raw value.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: An outlier's distance from the median in robust standard deviations [Iglewicz].
OUTLIER_SCORE = 3.5
#: Fewer calls than this say nothing about an end of the warm-up.
MIN_WARM_UP_CALLS = 5
#: The steady end that a truncation point leaves, at least (calls, share of calls).
MIN_STEADY_CALLS, MIN_STEADY_SHARE = 3, 0.25
#: Late calls slower than this many interquartile ranges are clipped before the change
#: point is looked for: one interruption is not a warm-up.
CLIP_RANGES = 3.0
#: Calls of prior knowledge about the noise, lest a few late calls that happen to agree
#: look steadier than all; the noise comes from the late calls' successive differences.
PRIOR_CALLS = 5
MEDIAN_CHI_SQUARE = 0.4549
#: Calls are never taken to vary less than this (relative standard deviation).
LEAST_NOISE = 0.005
#: Residuals of fewer reference runs than this tell nothing about autocorrelation.
MIN_RUNS_AUTOCORRELATION = 8
#: No interval is wanted of more replicates than this.
MAX_REPLICATES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far repeated values lie apart.

    Parameters
    ----------
    count : int
        Number of values.
    median, mean : float
        Centre, in the values' own unit.
    relative_sd : float
        Sample standard deviation over the mean; NaN for fewer than two values.
    relative_mad : float
        Median absolute deviation, scaled to a normal's standard deviation, over the
        median; the robust sister of `relative_sd`.
    """

    count: int
    median: float
    mean: float
    relative_sd: float
    relative_mad: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Relative change of the reference configuration over a sweep.

    Parameters
    ----------
    estimate : float
        Relative change from the first to the last reference run (0.2 is 20 % slower
        at the end); NaN where it cannot be told.
    lower, upper : float
        Its 95 % interval; NaN where there are too few runs for one.
    runs : int
        Reference runs that it rests on.
    reason : str, default=""
        Why a number is missing.
    """

    estimate: float
    lower: float
    upper: float
    runs: int
    reason: str = ""

    def to_dict(self) -> dict[str, float | None]:
        """Return estimate and interval as JSON has them, missing ones as None.

        Returns
        -------
        dict
            Keys ``estimate``, ``lower``, ``upper``.
        """
        numbers = {"estimate": self.estimate, "lower": self.lower, "upper": self.upper}
        return {k: v if math.isfinite(v) else None for k, v in numbers.items()}

    def exceeds(self, limit: float) -> bool:
        """Tell whether there is a drift, and more than `limit`.

        Parameters
        ----------
        limit : float
            Relative change that is still tolerated.

        Returns
        -------
        bool
            True if the interval excludes zero and the estimate exceeds `limit`;
            without an interval the estimate alone decides.
        """
        if not math.isfinite(self.estimate) or abs(self.estimate) <= limit:
            return False
        return math.isnan(self.lower) or self.lower > 0 or self.upper < 0


def spread(values: Sequence[float]) -> Spread:
    """Return centre and spread of `values`.

    Parameters
    ----------
    values : sequence of float
        At least one finite number.

    Returns
    -------
    Spread
        Centre and relative spread.

    Raises
    ------
    ValueError
        If `values` is empty.

    Examples
    --------
    >>> spread([1.0, 1.1, 0.9]).median
    1.0
    """
    if not len(values):
        raise ValueError("spread of no values")
    x = np.asarray(values, dtype=float)
    median, mean = float(np.median(x)), float(x.mean())
    relative_sd = float(x.std(ddof=1)) / abs(mean) if len(x) > 1 and mean else math.nan
    mad = 1.4826 * float(np.median(np.abs(x - median)))
    relative_mad = mad / abs(median) if len(x) > 1 and median else math.nan
    return Spread(
        count=len(x),
        median=median,
        mean=mean,
        relative_sd=relative_sd,
        relative_mad=relative_mad,
    )


def outliers(values: Sequence[float], score: float = OUTLIER_SCORE) -> tuple[int, ...]:
    """Return the positions of outliers, by the modified z-score.

    Parameters
    ----------
    values : sequence of float
        Repeated measurements of one thing.
    score : float, default=3.5
        Distance from the median, in robust standard deviations, that makes one.

    Returns
    -------
    tuple of int
        Positions in `values`; flagged only, the caller removes nothing.

    References
    ----------
    .. [1] Iglewicz and Hoaglin, *How to Detect and Handle Outliers*, ASQC, 1993.

    Examples
    --------
    >>> outliers([1.0, 1.01, 0.99, 1.02, 9.0])
    (4,)
    """
    x = np.asarray(values, dtype=float)
    if len(x) < 3:
        return ()
    distance = np.abs(x - np.median(x))
    scale = 1.4826 * float(np.median(distance))
    if scale == 0:  # more than half of the values are equal
        scale = 1.253314 * float(distance.mean())
    if scale == 0:
        return ()
    return tuple(int(i) for i in np.flatnonzero(distance / scale > score))


def warm_up_end(calls: Sequence[float]) -> int | None:
    """Return the first steady call, or None while there is no steady state.

    The truncation point is the one that makes the standard error of the mean of all
    later calls least [1]_, steadied by the noise between successive calls; it counts
    only if it lies in the first half, since else what follows it is too short to be
    called steady. A process that still speeds up, or slows down, gives None, and the
    caller measures on up to its cap.

    Parameters
    ----------
    calls : sequence of float
        Seconds of each call since the start of the process.

    Returns
    -------
    int or None
        Position of the first steady call; None for fewer than five calls as well.

    References
    ----------
    .. [1] White, *An effective truncation heuristic for bias reduction in simulation
       output*, Simulation 69(6), 1997 (the marginal standard error rule, MSER).
    .. [2] Barrett et al., *Virtual machine warmup blows hot and cold*, OOPSLA 2017:
       many processes never reach a steady state, hence the None.

    Examples
    --------
    >>> warm_up_end([9.0, 3.0, 1.01, 1.0, 0.99, 1.0, 1.01, 1.0])
    2
    >>> warm_up_end([8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]) is None
    True
    """
    count = len(calls)
    if count < MIN_WARM_UP_CALLS:
        return None
    x = np.asarray(calls, dtype=float).copy()
    late = x[count // 2 :]
    low, high = np.quantile(late, (0.25, 0.75))
    np.minimum(late, high + CLIP_RANGES * max(high - low, 0.01 * high), out=late)
    steps = np.diff(late)
    noise = float(np.median((steps - np.median(steps)) ** 2)) / (2 * MEDIAN_CHI_SQUARE)
    noise = max(noise, (LEAST_NOISE * float(np.median(late))) ** 2)
    steady = max(MIN_STEADY_CALLS, math.ceil(MIN_STEADY_SHARE * count))
    starts = np.arange(count - steady + 1)
    remaining = count - starts
    total = np.cumsum(x[::-1])[::-1][starts]
    square = np.cumsum((x * x)[::-1])[::-1][starts]
    scatter = np.maximum(square - total * total / remaining, 0.0)
    error = (scatter + PRIOR_CALLS * noise) / remaining**2
    # Rounding must not move the point: the earliest of equals is meant.
    best = int(np.flatnonzero(error <= error.min() + 1e-12 * float(square[0]))[0])
    return best if best <= count // 2 else None


def drift(
    times_s: Sequence[float],
    values: Sequence[float],
    groups: Sequence[Hashable] | None = None,
) -> Drift:
    """Return the relative change of the reference runs, with a 95 % interval.

    A straight line through the logarithm of the response against time, one line
    offset for each group (environment) and one slope for all; from eight runs on
    the interval is widened by the residuals' lag-1 autocorrelation.

    Parameters
    ----------
    times_s : sequence of float
        When each reference run was made.
    values : sequence of float
        Its response, positive.
    groups : sequence of hashable, optional
        Which environment each run belongs to.

    Returns
    -------
    Drift
        Change from the first to the last run; NaN with a reason if there are too few.

    Examples
    --------
    >>> round(drift([0, 1, 2], [1.0, 1.1, 1.21]).estimate, 3)
    0.21
    """
    t, y = np.asarray(times_s, dtype=float), np.asarray(values, dtype=float)
    labels = [0] * len(y) if groups is None else list(groups)
    good = np.isfinite(t) & np.isfinite(y) & (y > 0)
    t, y = t[good], np.log(y[good])
    labels = [label for label, kept in zip(labels, good) if kept]
    if len(y) < 2:
        return _no_drift(len(y), f"{len(y)} reference runs; at least 2 are needed")
    duration = float(t.max() - t.min())
    centred_t, centred_y, distinct = _centre(t, y, labels)
    sum_t = float(centred_t @ centred_t)
    if sum_t <= 0:
        return _no_drift(len(y), "all reference runs at one time")
    slope = float(centred_t @ centred_y) / sum_t
    freedom = len(y) - distinct - 1
    change = slope * duration
    if freedom < 1:
        reason = f"{len(y)} reference runs are too few for an interval"
        return Drift(
            estimate=math.expm1(change),
            lower=math.nan,
            upper=math.nan,
            runs=len(y),
            reason=reason,
        )
    residual = centred_y - slope * centred_t
    error = math.sqrt(float(residual @ residual) / freedom / sum_t) * duration
    half = student_quantile(freedom) * error * _inflation(residual)
    return Drift(
        estimate=math.expm1(change),
        lower=math.expm1(change - half),
        upper=math.expm1(min(change + half, 700.0)),
        runs=len(y),
    )


def replicates_needed(relative_sd: float, half_width: float) -> int:
    """Return how many replicates a mean needs for the wished 95 % half-width.

    Parameters
    ----------
    relative_sd : float
        Standard deviation between replicates, relative to their mean.
    half_width : float
        Wished half-width of the 95 % interval, relative to the mean.

    Returns
    -------
    int
        Number of replicates, at least two, at most `MAX_REPLICATES`.

    Raises
    ------
    ValueError
        If `half_width` is not positive or `relative_sd` is not a number.

    References
    ----------
    .. [1] Kalibera and Jones, *Rigorous benchmarking in reasonable time*, ISMM 2013.

    Examples
    --------
    >>> replicates_needed(0.02, 0.01)
    18
    """
    if not half_width > 0 or not relative_sd >= 0:
        raise ValueError(f"no replicates for sd {relative_sd}, half-width {half_width}")
    low, high = 2, MAX_REPLICATES
    while low < high:  # the half-width falls as the count grows
        middle = (low + high) // 2
        half = student_quantile(middle - 1) * relative_sd / math.sqrt(middle)
        low, high = (low, middle) if half <= half_width else (middle + 1, high)
    return low


def student_quantile(freedom: float, level: float = 0.95) -> float:
    """Return the two-sided quantile of Student's t distribution.

    Parameters
    ----------
    freedom : float
        Degrees of freedom, positive.
    level : float, default=0.95
        Coverage of the interval.

    Returns
    -------
    float
        Number of standard errors on either side.

    Examples
    --------
    >>> round(student_quantile(10), 3)
    2.228
    """
    from scipy.special import stdtrit  # scipy.stats would cost half a second

    return float(stdtrit(freedom, 0.5 + level / 2))


def _no_drift(runs: int, reason: str) -> Drift:
    return Drift(
        estimate=math.nan, lower=math.nan, upper=math.nan, runs=runs, reason=reason
    )


def _centre(
    t: NDArray[np.float64], y: NDArray[np.float64], labels: Sequence[Hashable]
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Take each group's own mean off both; return them and the number of groups."""
    t, y = t.copy(), y.copy()
    distinct = dict.fromkeys(labels)
    for label in distinct:
        rows = np.array([other == label for other in labels])
        t[rows] -= t[rows].mean()
        y[rows] -= y[rows].mean()
    return t, y, len(distinct)


def _inflation(residual: NDArray[np.float64]) -> float:
    """Return what positive lag-1 autocorrelation widens a standard error by."""
    total = float(residual @ residual)
    if len(residual) < MIN_RUNS_AUTOCORRELATION or total <= 0:
        return 1.0
    lag_one = min(max(float(residual[1:] @ residual[:-1]) / total, 0.0), 0.9)
    return math.sqrt((1 + lag_one) / (1 - lag_one))
