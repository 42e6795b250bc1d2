"""What an INA3221 reports of a board's power.

In continuous mode it averages conversions over its update period, and its value
stands until the next update: it is late, in steps, and off by gain and offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measure.simulator.boards import FloatArray, SensorPart
from measure.simulator.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorUnit:
    """One sensor as it came from the factory.

    Parameters
    ----------
    part : SensorPart
        What it is.
    gain : float, default=1.0
        Reported over true power.
    offset_w : float, default=0.0
        Reported at no power.
    phase_s : float, default=0.0
        Time of one of its updates.
    """

    part: SensorPart
    gain: float = 1.0
    offset_w: float = 0.0
    phase_s: float = 0.0


def draw_sensor(part: SensorPart, rng: np.random.Generator) -> SensorUnit:
    """Return a sensor with gain and offset drawn from their uncertainty.

    Parameters
    ----------
    part : SensorPart
        What it is.
    rng : Generator
        Source of randomness.

    Returns
    -------
    SensorUnit
        One of many.
    """
    return SensorUnit(
        part=part,
        gain=1.0 + part.gain_u * float(rng.standard_normal()),
        offset_w=part.offset_u_w * float(rng.standard_normal()),
        phase_s=part.period_s * float(rng.random()),
    )


def samples(
    unit: SensorUnit, trace: Trace, rng: np.random.Generator, *, noise_w: float = 0.01
) -> tuple[FloatArray, FloatArray]:
    """Return the updates of a sensor while it watches a trace.

    Parameters
    ----------
    unit : SensorUnit
        The sensor.
    trace : Trace
        True power.
    rng : Generator
        Source of randomness.
    noise_w : float, default=0.01
        Standard deviation of a value, before it is rounded to a step.

    Returns
    -------
    times_s : ndarray
        Of the updates that lie within the trace with their whole period.
    power_w : ndarray
        Reported there.
    """
    period = unit.part.period_s
    first = np.ceil((trace.start_s + period - unit.phase_s) / period)
    last = np.floor((trace.stop_s - unit.phase_s) / period)
    times = unit.phase_s + period * np.arange(first, last + 1)
    true = (trace.energy_until(times) - trace.energy_until(times - period)) / period
    noisy = unit.gain * true + unit.offset_w + noise_w * rng.standard_normal(len(times))
    step = unit.part.step_w
    return times, np.maximum(0.0, np.round(noisy / step)) * step


def polled(
    times_s: FloatArray, power_w: FloatArray, polls_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return what someone reads who asks at other times than the updates.

    Parameters
    ----------
    times_s, power_w : ndarray
        The updates.
    polls_s : ndarray
        Times of the readings; those before the first update are left out.

    Returns
    -------
    times_s : ndarray
        Of the readings.
    power_w : ndarray
        The value that stood then.
    """
    index = np.searchsorted(times_s, polls_s, side="right") - 1
    seen = index >= 0
    return polls_s[seen], power_w[index[seen]]
