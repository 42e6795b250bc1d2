"""Readings of a power sensor: which are news, how often, and their integral."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSensor:
    """What is known of a sensor.

    Parameters
    ----------
    name : str
        Such as ``VDD_IN``.
    period_s : float
        Between two updates, measured.
    step_w : float
        One step of its reading.
    gain_u : float
        Standard uncertainty of its gain, relative.
    offset_u_w : float, default=0.0
        Standard uncertainty of its zero.
    averages : bool, default=True
        Whether a value is the mean over the period before it, or of a moment.
    """

    name: str
    period_s: float
    step_w: float
    gain_u: float
    offset_u_w: float = 0.0
    averages: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Readings of one sensor.

    Parameters
    ----------
    times_s : ndarray, shape (n,)
        On a monotonic clock, ascending: when each value was read.
    power_w : ndarray, shape (n,)
        The values.
    """

    times_s: FloatArray
    power_w: FloatArray

    def between(self, start_s: float, stop_s: float) -> Samples:
        """Return those within a time.

        Parameters
        ----------
        start_s, stop_s : float
            Both inclusive.

        Returns
        -------
        Samples
            Perhaps none.
        """
        inside = (self.times_s >= start_s) & (self.times_s <= stop_s)
        return Samples(times_s=self.times_s[inside], power_w=self.power_w[inside])


def distinct(samples: Samples, period_s: float) -> Samples:
    """Leave out readings that only repeat what stood before.

    Parameters
    ----------
    samples : Samples
        Read as often as one likes.
    period_s : float
        Between two updates of the sensor.

    Returns
    -------
    Samples
        The first reading of each value; one that stands for longer than a period
        was confirmed by an update and counts again.

    Examples
    --------
    >>> read = Samples(times_s=np.arange(5) * 0.1, power_w=np.array([4, 4, 5, 5, 5.0]))
    >>> distinct(read, 0.25).power_w
    array([4., 5.])
    """
    kept: list[int] = []
    limit = period_s * (1.0 - 1e-6)
    for index, (time_s, power_w) in enumerate(
        zip(samples.times_s.tolist(), samples.power_w.tolist(), strict=True)
    ):
        if kept:
            last = kept[-1]
            same = power_w == samples.power_w[last]
            if same and time_s - samples.times_s[last] < limit:
                continue
        kept.append(index)
    return Samples(times_s=samples.times_s[kept], power_w=samples.power_w[kept])


def update_period(samples: Samples) -> float | None:
    """Return the time between two updates of a sensor that was read faster.

    Parameters
    ----------
    samples : Samples
        Under a load that moves the value.

    Returns
    -------
    float or None
        Mean time between updates that changed the value, each such time divided by
        how many updates it spans; None with fewer than five changes.

    Examples
    --------
    >>> times = np.arange(40) * 0.1
    >>> update_period(Samples(times_s=times, power_w=np.floor(times / 0.4 + 1e-9)))
    0.4
    """
    changed = np.flatnonzero(np.diff(samples.power_w)) + 1
    if len(changed) < 5:
        return None
    apart = np.diff(changed)
    if np.median(apart) > 2.0:
        # Volts and amperes of one update may have been read before and after it.
        changed = changed[np.append(True, apart > 1)]
    gaps = np.diff(samples.times_s[changed])
    # Of a value that hardly moves many an update is not seen.
    single = float(gaps[gaps < 1.5 * gaps.min()].mean())
    spans = np.maximum(1.0, np.round(gaps / single))
    return round(float(gaps.sum() / spans.sum()), 9)


def integrate(samples: Samples, start_s: float, stop_s: float) -> float:
    """Return the energy between two times, by the trapezoid rule.

    Parameters
    ----------
    samples : Samples
        At least one; the power at a boundary is interpolated between the samples
        about it, and beyond the last sample it is the last one's.
    start_s, stop_s : float
        Exact boundaries.

    Returns
    -------
    float
        Joules.

    Examples
    --------
    >>> ramp = Samples(times_s=np.array([0.0, 1.0, 3.0]), power_w=np.array([0, 1.0, 3]))
    >>> integrate(ramp, 0.5, 2.0)
    1.875
    """
    inside = samples.between(start_s, stop_s)
    times = np.concatenate(([start_s], inside.times_s, [stop_s]))
    ends = np.interp([start_s, stop_s], samples.times_s, samples.power_w)
    powers = np.concatenate((ends[:1], inside.power_w, ends[1:]))
    return float(np.trapezoid(powers, times))


def centred(samples: Samples, sensor: PowerSensor) -> Samples:
    """Move each value to the middle of the time that it is the mean over.

    Parameters
    ----------
    samples : Samples
        As read.
    sensor : PowerSensor
        What gave them.

    Returns
    -------
    Samples
        Earlier by half a period, if the sensor averages.
    """
    lag = sensor.period_s / 2.0 if sensor.averages else 0.0
    return Samples(times_s=samples.times_s - lag, power_w=samples.power_w)
