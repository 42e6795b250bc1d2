"""Responses of a run from what was measured; the raw values stay beside them."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from measure.records import Reading

if TYPE_CHECKING:
    from measure.devices.base import Measurement

#: Responses that every device gives, and their units, in the order of a table.
UNITS = {
    "latency_s": "s",
    "latency_mean_s": "s",
    "latency_p90_s": "s",
    "latency_per_item_s": "s",
    "throughput_hz": "Hz",
    "cpu_time_s": "s",
}


def readings_of(measured: Measurement) -> tuple[Reading, ...]:
    """Return a run's responses.

    Parameters
    ----------
    measured : Measurement
        With the time of each call; a call is one batch.

    Returns
    -------
    tuple of Reading
        Times from the calls, then what the device's own sensors gave; where both
        have a name, the device's.
    """
    own = {reading.name: reading for reading in measured.readings}
    found: dict[str, Reading] = {}
    if measured.calls_s:
        found = {
            name: Reading(name=name, value=value, unit=UNITS[name])
            for name, value in _times(measured.calls_s, measured.batch_size).items()
        }
        found["cpu_time_s"] = Reading(
            name="cpu_time_s",
            value=measured.cpu_time_s,
            unit="s",
            reason="" if measured.cpu_time_s is not None else "the device has none",
        )
    return tuple({**found, **own}.values())


def percentile(values: tuple[float, ...], share: float) -> float:
    """Return a percentile, interpolated between the order statistics.

    Parameters
    ----------
    values : tuple of float
        At least one.
    share : float
        0.9 is the 90th percentile.

    Returns
    -------
    float
        As numpy's default does it.

    Examples
    --------
    >>> percentile((1.0, 2.0, 3.0), 0.5)
    2.0
    """
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _times(calls_s: tuple[float, ...], batch_size: int) -> dict[str, float]:
    median = statistics.median(calls_s)
    return {
        "latency_s": median,
        "latency_mean_s": statistics.fmean(calls_s),
        "latency_p90_s": percentile(calls_s, 0.9),
        "latency_per_item_s": median / batch_size,
        "throughput_hz": batch_size / median,
    }
