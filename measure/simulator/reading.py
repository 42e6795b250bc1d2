"""Energy as it is measured on the simulated board, beside the truth."""

from __future__ import annotations

import numpy as np

from measure.energy import MIN_PERIODS, Energy, energy_of
from measure.power_samples import PowerSensor, Samples
from measure.simulator.boards import SensorPart
from measure.simulator.latency import CallCost, Clocks
from measure.simulator.runtimes import CO_RUNNERS, CoRunner
from measure.simulator.sensor import samples
from measure.simulator.window import State, Unit, Window, run_window

CAP_S = 60.0
"""A window is not made longer than this."""
MIN_WINDOW_S = 2.0
"""Nor shorter than this, however fast the sensor is."""


def known_of(part: SensorPart) -> PowerSensor:
    """Return what whoever measures knows of a sensor.

    Parameters
    ----------
    part : SensorPart
        The sensor.

    Returns
    -------
    PowerSensor
        Its uncertainties, not the gain and offset of the unit.
    """
    return PowerSensor(
        name=part.rail,
        period_s=part.period_s,
        step_w=part.step_w,
        gain_u=part.gain_u,
        offset_u_w=part.offset_u_w,
    )


def read_energy(unit: Unit, window: Window, rng: np.random.Generator) -> Energy:
    """Return the energy of a window from the board's own sensor.

    Parameters
    ----------
    unit : Unit
        The board.
    window : Window
        What happened.
    rng : Generator
        Of the sensor's noise.

    Returns
    -------
    Energy
        Net where there was a rest on either side.
    """
    part = unit.sensor.part
    times_s, power_w = samples(unit.sensor, window.trace, rng)
    read = Samples(times_s=times_s, power_w=power_w)
    sides: list[Samples | None] = []
    for start_s, stop_s in (window.before, window.after):
        # The first value of a rest is still a mean over what came before it.
        side = read.between(start_s + part.period_s, stop_s)
        sides.append(side if stop_s > start_s else None)
    return energy_of(
        read, *window.within, known_of(part), before=sides[0], after=sides[1]
    )


def measure_energy(
    unit: Unit,
    state: State,
    clocks: Clocks,
    cost: CallCost,
    rng: np.random.Generator,
    *,
    min_calls: int = 5,
    cap_s: float = CAP_S,
    co_runner: CoRunner = CO_RUNNERS["none"],
) -> tuple[Window, Energy]:
    """Measure windows until one is long enough, or as long as it may be.

    Parameters
    ----------
    unit : Unit
        The board.
    state : State
        Clock and temperature at the beginning.
    clocks : Clocks
        What it has.
    cost : CallCost
        A call, without noise.
    rng : Generator
        Source of randomness.
    min_calls : int, default=5
        Of a window.
    cap_s : float, default=60.0
        No window is meant to be longer.
    co_runner : CoRunner, optional
        A program beside it.

    Returns
    -------
    window : Window
        The last one.
    energy : Energy
        What the sensor gave of it.
    """
    rest_s = max(MIN_WINDOW_S, MIN_PERIODS * unit.sensor.part.period_s)
    window_s = rest_s
    while True:
        window = run_window(
            unit,
            state,
            clocks,
            cost,
            rng,
            window_s=window_s,
            rest_s=rest_s,
            min_calls=min_calls,
            co_runner=co_runner,
        )
        energy = read_energy(unit, window, rng)
        if energy.long_enough or window_s >= cap_s:
            return window, energy
        state, window_s = window.end, min(2.0 * window_s, cap_s)
