"""One measured window on a board: rest, warm-up, calls, rest, on its own clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from measure.simulator.boards import Board, FloatArray
from measure.simulator.latency import CallCost, Clocks
from measure.simulator.power import RailPower, call_powers, idle_power, mean_power
from measure.simulator.runtimes import CO_RUNNERS, CoRunner
from measure.simulator.sensor import SensorUnit, draw_sensor
from measure.simulator.thermal import temperature_after
from measure.simulator.trace import Trace, joined

RUN_NOISE = 0.006
"""Standard deviation of the log latency from run to run: the usual spread of repeats
on a TX1."""
CALL_NOISE = 0.003
"""The same from call to call (assumed)."""
DRIFT_PER_HOUR = 0.001
"""Relative change of the latency (assumed)."""
COLD_CALLS = 3
"""Calls that find caches cold: each takes half as much longer as the one before."""
GUARD_PERIODS = 2.0
"""The load goes on for so many sensor periods on either side of the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One board of many, in one room.

    Parameters
    ----------
    board : Board
        What it is.
    sensor : SensorUnit
        Its power sensor.
    ambient_c : float
        The air about it.
    """

    board: Board
    sensor: SensorUnit
    ambient_c: float

    @classmethod
    def draw(cls, board: Board, rng: np.random.Generator) -> Unit:
        """Return a board with sensor and air drawn at random.

        Parameters
        ----------
        board : Board
            What it is.
        rng : Generator
            Source of randomness.

        Returns
        -------
        Unit
            One of many.
        """
        ambient = board.thermal.ambient_c + 2.0 * float(rng.standard_normal())
        sensor = draw_sensor(board.sensor, rng)
        return cls(board=board, sensor=sensor, ambient_c=ambient)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a board remembers from one run to the next.

    Parameters
    ----------
    clock_s : float
        Its own clock.
    temperature_c : float
        Of the chip.
    """

    clock_s: float
    temperature_c: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What happened in one run.

    Parameters
    ----------
    trace : Trace
        True power from the first rest to the end of the last.
    calls_s, warm_up_s : ndarray
        Duration of each call in the window, and of those before it.
    before, within, after : tuple of float
        Start and end of the first rest, the window, the last rest.
    idle_j : float
        What the board would have drawn at rest during the window, as warm as it was.
    end : State
        Afterwards.
    """

    trace: Trace
    calls_s: FloatArray
    warm_up_s: FloatArray
    before: tuple[float, float]
    within: tuple[float, float]
    after: tuple[float, float]
    idle_j: float
    end: State

    @property
    def gross_j(self) -> float:
        """True energy of the window."""
        return self.trace.energy_j(*self.within)

    @property
    def net_j(self) -> float:
        """True energy beyond that at rest."""
        return self.gross_j - self.idle_j


def run_window(
    unit: Unit,
    state: State,
    clocks: Clocks,
    cost: CallCost,
    rng: np.random.Generator,
    *,
    window_s: float,
    rest_s: float,
    min_calls: int = 5,
    co_runner: CoRunner = CO_RUNNERS["none"],
) -> Window:
    """Let a board rest, run calls for some time, and rest again.

    Parameters
    ----------
    unit : Unit
        The board.
    state : State
        Clock and temperature at the beginning.
    clocks : Clocks
        What it has, throttling included.
    cost : CallCost
        A call, without noise.
    rng : Generator
        Source of randomness.
    window_s : float
        The window is at least as long, and ends with a call.
    rest_s : float
        Length of either rest; none is taken with 0.
    min_calls : int, default=5
        Of the window.
    co_runner : CoRunner, optional
        A program beside it.

    Returns
    -------
    Window
        What happened.
    """
    board, heat = unit.board, unit.board.thermal
    guard_s = GUARD_PERIODS * unit.sensor.part.period_s if rest_s else 0.0
    drift = 1.0 + DRIFT_PER_HOUR * state.clock_s / 3600.0
    call_s = cost.latency_s * drift * float(np.exp(RUN_NOISE * rng.standard_normal()))
    counts = [
        max(COLD_CALLS, int(np.ceil(guard_s / call_s))),
        max(min_calls, int(np.ceil(1.002 * window_s / call_s)) + 1),
        int(np.ceil(guard_s / call_s)),
    ]
    durations = call_s * np.exp(CALL_NOISE * rng.standard_normal(sum(counts)))
    durations[:COLD_CALLS] *= 1.0 + 0.5 ** np.arange(1, COLD_CALLS + 1)
    load_s = float(durations.sum())

    cold_c = state.temperature_c
    rest = idle_power(board, clocks, cold_c, co_runner)
    start_c = temperature_after(heat, cold_c, rest.total_w, rest_s, unit.ambient_c)
    mean = mean_power(board, clocks, cost, start_c, co_runner).total_w
    warm_c = temperature_after(heat, start_c, mean, load_s, unit.ambient_c)
    cool = idle_power(board, clocks, warm_c, co_runner)
    end_c = temperature_after(heat, warm_c, cool.total_w, rest_s, unit.ambient_c)

    first = np.cumsum(durations) - durations
    warmth = first / load_s
    parts = [_resting(board, clocks, cold_c, start_c, rest_s, co_runner)]
    parts.append(_loaded(board, clocks, cost, start_c, warm_c, durations, co_runner))
    parts.append(_resting(board, clocks, warm_c, end_c, rest_s, co_runner))
    trace = joined(state.clock_s, parts)

    load_start = state.clock_s + rest_s
    inside = slice(counts[0], counts[0] + counts[1])
    start = load_start + float(durations[: counts[0]].sum())
    stop = start + float(durations[inside].sum())
    load_stop = load_start + load_s
    idle = [
        idle_power(board, clocks, celsius, co_runner).total_w
        for celsius in (start_c, warm_c)
    ]
    idle_w = idle[0] + (idle[1] - idle[0]) * warmth[inside]
    return Window(
        trace=trace,
        calls_s=durations[inside],
        warm_up_s=durations[: counts[0]],
        before=(state.clock_s, load_start),
        within=(start, stop),
        after=(load_stop, load_stop + rest_s),
        idle_j=float((idle_w * durations[inside]).sum()),
        end=replace(state, clock_s=load_stop + rest_s, temperature_c=end_c),
    )


def _resting(
    board: Board,
    clocks: Clocks,
    from_c: float,
    to_c: float,
    seconds: float,
    co_runner: CoRunner,
) -> tuple[FloatArray, FloatArray]:
    """Return durations and powers of a rest, in a few steps of temperature."""
    if not seconds:
        return np.empty(0), np.empty(0)
    ends = [idle_power(board, clocks, c, co_runner).total_w for c in (from_c, to_c)]
    return np.full(8, seconds / 8), np.linspace(ends[0], ends[1], 8)


def _loaded(
    board: Board,
    clocks: Clocks,
    cost: CallCost,
    from_c: float,
    to_c: float,
    durations: FloatArray,
    co_runner: CoRunner,
) -> tuple[FloatArray, FloatArray]:
    """Return durations and powers of calls, three parts each, as the chip warms up."""
    shares = np.array([cost.cpu_s, cost.wait_s, cost.gpu_s]) / cost.latency_s
    cold, warm = (
        np.array(
            [_total(part) for part in call_powers(board, clocks, cost, c, co_runner)]
        )
        for c in (from_c, to_c)
    )
    progress = np.linspace(0.0, 1.0, len(durations))
    powers = cold + np.outer(progress, warm - cold)
    return np.outer(durations, shares).ravel(), powers.ravel()


def _total(power: RailPower) -> float:
    return power.total_w
