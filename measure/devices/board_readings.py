"""Readings of a board's sensors: energy of a call, mean power, power by rail."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from measure.energy import Energy
from measure.power_samples import PowerSensor, Samples, centred, distinct
from measure.records import Reading

NO_QUICK_ENERGY = "the quick protocol has no energy window"
ENERGIES = ("energy_j", "energy_gross_j", "energy_per_item_j")


def missing(names: Iterable[str], reason: str) -> tuple[Reading, ...]:
    """Return readings without a value.

    Parameters
    ----------
    names : iterable of str
        Responses whose names end in ``_j`` or ``_w``.
    reason : str
        Why.

    Returns
    -------
    tuple of Reading
        One each.

    Examples
    --------
    >>> missing(["energy_j"], "no sensor")[0].unit
    'J'
    """
    return tuple(
        Reading(
            name=name,
            value=None,
            unit="J" if name.endswith("_j") else "W",
            reason=reason,
        )
        for name in names
    )


def energy_readings(energy: Energy, calls: int, batch: int) -> tuple[Reading, ...]:
    """Return mean power, and net and gross energy of a call.

    Parameters
    ----------
    energy : Energy
        Of the window.
    calls : int
        In the window.
    batch : int
        Items in a call.

    Returns
    -------
    tuple of Reading
        With their standard uncertainties; net energies are missing where there is no
        idle baseline.
    """
    power = Reading(
        name="power_w",
        value=energy.mean_w,
        unit="W",
        uncertainty=energy.gross_u / energy.duration_s,
    )
    gross = Reading(
        name="energy_gross_j",
        value=energy.gross_j / calls,
        unit="J",
        uncertainty=energy.gross_u / calls,
    )
    if energy.net_j is None or energy.net_u is None:
        net = missing(("energy_j", "energy_per_item_j"), "no idle power was measured")
        return (power, net[0], gross, net[1])
    per_call, u = energy.net_j / calls, energy.net_u / calls
    return (
        power,
        Reading(name="energy_j", value=per_call, unit="J", uncertainty=u),
        gross,
        Reading(
            name="energy_per_item_j",
            value=per_call / batch,
            unit="J",
            uncertainty=u / batch,
        ),
    )


def power_reading(
    name: str, samples: Samples, window: tuple[float, float], sensor: PowerSensor
) -> Reading:
    """Return the mean of a sensor's distinct samples in a window.

    Parameters
    ----------
    name : str
        Of the response.
    samples : Samples
        As read.
    window : tuple of float
        Begin and end.
    sensor : PowerSensor
        What gave them.

    Returns
    -------
    Reading
        With its standard uncertainty; missing, with the reason, where there was no
        update.

    Examples
    --------
    >>> sensor = PowerSensor(name="VDD_GPU", period_s=0.1, step_w=0.0, gain_u=0.01)
    >>> samples = Samples(times_s=np.arange(9) / 10, power_w=np.full(9, 2.0))
    >>> power_reading("power_gpu_w", samples, (0.2, 0.6), sensor).uncertainty
    0.02
    """
    kept = distinct(samples, sensor.period_s)
    power = centred(kept, sensor).between(*window).power_w
    if sensor.averages and len(power) > 1:
        # A mean that began before the window, as far as there are others.
        whole = kept.between(window[0] + sensor.period_s, window[1]).power_w
        power = whole if len(whole) else power[-1:]
    if not len(power):
        reason = f"no update of {sensor.name} in {window[1] - window[0]:.3g} s"
        return missing([name], reason)[0]
    mean = float(power.mean())
    scatter = float(np.std(power, ddof=1)) if len(power) > 1 else 0.0
    parts = (
        sensor.gain_u * mean,
        sensor.offset_u_w,
        sensor.step_w / math.sqrt(12.0),
        scatter / math.sqrt(len(power)),
    )
    return Reading(name=name, value=mean, unit="W", uncertainty=math.hypot(*parts))
