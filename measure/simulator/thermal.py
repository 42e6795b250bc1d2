"""How warm the chip is, and what it does when it is too warm.

One thermal resistance and one capacity: after a step of power the temperature
goes to its new level as ``exp(-t / RC)``.
"""

from __future__ import annotations

import math
from dataclasses import replace

from measure.simulator.boards import Board, Thermal
from measure.simulator.latency import Clocks


def steady_c(thermal: Thermal, power_w: float, ambient_c: float) -> float:
    """Return the temperature that a constant power leads to.

    Parameters
    ----------
    thermal : Thermal
        The board's.
    power_w : float
        Of the module.
    ambient_c : float
        Of the air.

    Returns
    -------
    float
        Degrees Celsius.
    """
    return ambient_c + thermal.resistance_k_per_w * power_w


def temperature_after(
    thermal: Thermal, start_c: float, power_w: float, seconds: float, ambient_c: float
) -> float:
    """Return the temperature after some time at a constant power.

    Parameters
    ----------
    thermal : Thermal
        The board's.
    start_c : float
        Temperature at the beginning.
    power_w : float
        Of the module.
    seconds : float
        How long.
    ambient_c : float
        Of the air.

    Returns
    -------
    float
        Degrees Celsius.

    Examples
    --------
    >>> heat = Thermal(resistance_k_per_w=2.0, capacity_j_per_k=50.0, limit_c=83.0,
    ...                capped_volts=0.95)
    >>> round(temperature_after(heat, 25.0, 10.0, 1e9, 25.0), 1)
    45.0
    """
    goal = steady_c(thermal, power_w, ambient_c)
    constant_s = thermal.resistance_k_per_w * thermal.capacity_j_per_k
    return goal + (start_c - goal) * math.exp(-seconds / constant_s)


def throttled(board: Board, clocks: Clocks, temperature_c: float) -> Clocks:
    """Return the clocks that a board at some temperature really has.

    Parameters
    ----------
    board : Board
        Its parameters.
    clocks : Clocks
        What is set.
    temperature_c : float
        Of the chip.

    Returns
    -------
    Clocks
        With a lower GPU clock where the cap on its voltage asks for it.
    """
    if temperature_c <= board.thermal.limit_c:
        return clocks
    highest = board.gpu.highest_below(board.thermal.capped_volts)
    return replace(clocks, gpu_hz=min(clocks.gpu_hz, highest))
