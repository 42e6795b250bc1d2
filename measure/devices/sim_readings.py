"""Readings of a simulated board: energy, mean power and rails."""

from __future__ import annotations

import math

from measure.energy import Energy
from measure.records import Reading
from measure.simulator.boards import Board
from measure.simulator.power import RailPower

NO_QUICK_ENERGY = "the quick protocol has no energy window"


def energy_readings(energy: Energy, calls: int, batch: int) -> tuple[Reading, ...]:
    """Return mean power, and net and gross energy of a call.

    Parameters
    ----------
    energy : Energy
        Of the window, with a baseline.
    calls : int
        In the window.
    batch : int
        Items in a call.

    Returns
    -------
    tuple of Reading
        With their standard uncertainties.
    """
    assert energy.net_j is not None and energy.net_u is not None
    net, net_u = energy.net_j / calls, energy.net_u / calls
    return (
        Reading(
            name="power_w",
            value=energy.mean_w,
            unit="W",
            uncertainty=energy.gross_u / energy.duration_s,
        ),
        Reading(name="energy_j", value=net, unit="J", uncertainty=net_u),
        Reading(
            name="energy_gross_j",
            value=energy.gross_j / calls,
            unit="J",
            uncertainty=energy.gross_u / calls,
        ),
        Reading(
            name="energy_per_item_j",
            value=net / batch,
            unit="J",
            uncertainty=net_u / batch,
        ),
    )


def quick_readings(power_w: float | None, board: Board) -> tuple[Reading, ...]:
    """Return mean power only: a batch is too short for an energy.

    Parameters
    ----------
    power_w : float or None
        Mean of the updates within the batch; None if there was none.
    board : Board
        Its parameters.

    Returns
    -------
    tuple of Reading
        Energies are missing, with the reason.
    """
    missing = (
        Reading(name=name, value=None, unit="J", reason=NO_QUICK_ENERGY)
        for name in ("energy_j", "energy_gross_j", "energy_per_item_j")
    )
    part = board.sensor
    uncertainty = None
    if power_w is not None:
        parts = (part.gain_u * power_w, part.offset_u_w, part.step_w / math.sqrt(12))
        uncertainty = math.hypot(*parts)
    power = Reading(
        name="power_w",
        value=power_w,
        unit="W",
        uncertainty=uncertainty,
        reason="" if power_w is not None else f"no update of {part.rail}",
    )
    return (power, *missing)


def rail_readings(power: RailPower, board: Board) -> tuple[Reading, ...]:
    """Return the power of GPU and CPU, rounded as their sensors do.

    Parameters
    ----------
    power : RailPower
        True means.
    board : Board
        Its parameters.

    Returns
    -------
    tuple of Reading
        Their shunts are half as large, so that a step is twice that of the total.
    """
    step = 2.0 * board.sensor.step_w
    return tuple(
        Reading(
            name=name,
            value=round(watts / step) * step,
            unit="W",
            uncertainty=math.hypot(board.sensor.gain_u * watts, step / math.sqrt(12)),
        )
        for name, watts in (("power_gpu_w", power.gpu_w), ("power_cpu_w", power.cpu_w))
    )
