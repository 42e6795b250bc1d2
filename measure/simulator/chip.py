"""A board's silicon over time: it draws power, warms up, and its sensor looks on.

Power is known ahead, as far as it is known what the board does: at rest until
something is set or begins, and call by call while a network runs. What the sensor
reads at each of its updates follows from that, all at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from measure.simulator.boards import Board, FloatArray
from measure.simulator.latency import CallCost, Clocks
from measure.simulator.power import RailPower, call_powers, idle_power
from measure.simulator.runtimes import CO_RUNNERS, CoRunner
from measure.simulator.thermal import temperature_after, throttled
from measure.simulator.unit import CHANNELS, Unit

AHEAD_S, AHEAD_PERIODS = 1.0, 8
"""A rest is thought ahead for so long, and so many updates of the sensor."""
SOC_SHARE = 0.5
"""Of the module's base, what its system-on-chip takes beside its units (assumed)."""
_REST_STEPS = 4
_SAME_S = 1e-9


class SimClock:
    """Time that passes when somebody waits.

    Examples
    --------
    >>> clock = SimClock()
    >>> clock.sleep(2.5)
    >>> clock.now()
    2.5
    """

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """Return seconds since the board was switched on.

        Returns
        -------
        float
            Its own.
        """
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let time pass.

        Parameters
        ----------
        seconds : float
            How much.
        """
        self._now += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What was truly drawn over some time.

    Parameters
    ----------
    gross_j : float
        In all.
    idle_j : float
        What it would have been at rest, as warm as the chip was.
    """

    gross_j: float
    idle_j: float

    @property
    def net_j(self) -> float:
        """What the load added."""
        return self.gross_j - self.idle_j

    def __add__(self, other: Drawn) -> Drawn:
        return Drawn(
            gross_j=self.gross_j + other.gross_j, idle_j=self.idle_j + other.idle_j
        )


class Chip:
    """The silicon of one board.

    Parameters
    ----------
    unit : Unit
        Which board of many, in which room.
    clock : callable
        Returns seconds.
    clocks : Clocks
        What is set.
    temperature_c : float
        At the beginning.
    rng : Generator
        Of the sensor's noise.

    Attributes
    ----------
    beside : CoRunner
        Another program on the CPU.
    working : bool
        Whether a load is on it.
    on_load : callable
        Called when one begins or ends.
    """

    def __init__(
        self,
        unit: Unit,
        clock: Callable[[], float],
        clocks: Clocks,
        temperature_c: float,
        rng: np.random.Generator,
    ) -> None:
        self.unit, self.clock, self.rng = unit, clock, rng
        self.beside = CO_RUNNERS["none"]
        self._asked = clocks
        self.working = False
        self.on_load: Callable[[], None] = lambda: None
        part = unit.board.sensor
        self._ahead_s = max(AHEAD_S, AHEAD_PERIODS * part.period_s)
        # Of what is drawn since `_from_s`: its end, temperatures, mean power.
        self._from_s = self._until_s = clock()
        self._from_c = self._to_c = temperature_c
        self._mean_w = 0.0
        # The board has been at rest for as long as the first value is the mean over.
        now = throttled(unit.board, clocks, temperature_c)
        idle = by_channel(idle_power(unit.board, now, temperature_c), unit.board)
        early_s = 3.0 * part.period_s
        self._edges = np.array([self._from_s - early_s, self._from_s])
        self._energy = np.array([np.zeros_like(idle), idle * early_s])
        self._first = self.unit.updates_until(self._from_s)
        self._read: list[list[int]] = []
        self._sense(self._first)

    @property
    def clocks(self) -> Clocks:
        """Clocks as they are, throttling included."""
        if not self.capped:
            return self._asked
        return throttled(self.unit.board, self._asked, self.temperature_c())

    @property
    def capped(self) -> bool:
        """Whether the GPU is held down because the chip is hot."""
        limit_c = self.unit.board.thermal.limit_c
        if self.clock() <= self._until_s and max(self._from_c, self._to_c) <= limit_c:
            return False
        return self.temperature_c() > limit_c

    def set(self, clocks: Clocks) -> None:
        """Take note of clocks that were set; a load goes on with its old ones.

        Parameters
        ----------
        clocks : Clocks
            As asked for.
        """
        if clocks != self._asked:
            if not self.working:
                self._begin()
            self._asked = clocks

    def accompany(self, program: CoRunner) -> None:
        """Let another program run on the CPU from now on.

        Parameters
        ----------
        program : CoRunner
            Which.
        """
        if program != self.beside:
            self._begin()
            self.beside = program

    def temperature_c(self) -> float:
        """Return how warm the chip is now.

        Returns
        -------
        float
            Degrees Celsius.
        """
        self._advance()
        return self._celsius(self.clock())

    def milliamperes(self, channel: int, *, single: bool = False) -> int:
        """Return what the power sensor reads now.

        Parameters
        ----------
        channel : int
            Of `CHANNELS`, by its place.
        single : bool, default=False
            Whether it takes single shots, and does not average.

        Returns
        -------
        int
            Of the rail, before its regulator.
        """
        now = self.clock()
        if now > self._until_s:
            self._advance()
        if single:
            last = int(np.searchsorted(self._edges, now))
            last = min(max(1, last), len(self._edges) - 1)
            step = slice(last - 1, last + 1)
            seconds = float(np.diff(self._edges[step])[0])
            power_w = np.diff(self._energy[step], axis=0) / seconds
            return self.unit.milliamperes(power_w, self.rng)[0][channel]
        place = self.unit.updates_until(now) - self._first
        return self._read[min(place, len(self._read) - 1)][channel]

    def work(self, durations_s: FloatArray, cost: CallCost) -> Drawn:
        """Draw the power of calls, from now on.

        Parameters
        ----------
        durations_s : ndarray
            Of the calls, which follow each other; whoever runs them waits so long.
        cost : CallCost
            The parts of each.

        Returns
        -------
        Drawn
            In all of them.
        """
        self._begin()
        unit, clocks = self.unit, self.clocks
        seconds, cold_c = float(durations_s.sum()), self._from_c
        shares = np.array([cost.cpu_s, cost.wait_s, cost.gpu_s]) / cost.latency_s

        def powers_at(celsius: float) -> FloatArray:
            parts = call_powers(unit.board, clocks, cost, celsius, self.beside)
            return np.array([by_channel(part, unit.board) for part in parts])

        cold = powers_at(cold_c)
        mean_w = float(shares @ cold[:, 0])
        warm_c = self._after(cold_c, mean_w, seconds)
        progress = np.linspace(0.0, 1.0, len(durations_s))[:, None, None]
        powers = cold + progress * (powers_at(warm_c) - cold)
        before = float(self._energy[-1, 0])
        self._mean_w, self._to_c = mean_w, warm_c
        self._append(
            np.outer(durations_s, shares).ravel(), powers.reshape(-1, powers.shape[2])
        )
        idle = [
            idle_power(unit.board, clocks, celsius, self.beside).total_w
            for celsius in (cold_c, warm_c)
        ]
        return Drawn(
            gross_j=float(self._energy[-1, 0]) - before,
            idle_j=seconds * sum(idle) / 2.0,
        )

    def busy(self, working: bool) -> None:
        """Take note that a load begins or ends, and tell whoever wants to know.

        Parameters
        ----------
        working : bool
            Whether it does: clocks that are set meanwhile are its next ones.
        """
        self._begin()
        self.working = working
        self.on_load()

    def pass_over(self, celsius: float) -> None:
        """Take note that nobody looked for a while.

        Parameters
        ----------
        celsius : float
            How warm the chip is now.
        """
        self._begin()
        self._from_c = self._to_c = celsius

    def _celsius(self, time_s: float) -> float:
        return self._after(self._from_c, self._mean_w, time_s - self._from_s)

    def _after(self, celsius: float, watts: float, seconds: float) -> float:
        heat = self.unit.board.thermal
        return temperature_after(heat, celsius, watts, seconds, self.unit.ambient_c)

    def _begin(self) -> None:
        """Let something new begin now: what was thought ahead is not so."""
        self._advance()
        now = self.clock()
        self._from_c, self._from_s = self._celsius(now), now
        if now < self._until_s:
            last = int(np.searchsorted(self._edges, now))
            here = [np.interp(now, self._edges, one) for one in self._energy.T]
            self._edges = np.append(self._edges[:last], now)
            self._energy = np.vstack((self._energy[:last], here))
            del self._read[self.unit.updates_until(now) - self._first + 1 :]
            self._until_s = now

    def _advance(self) -> None:
        """Let the board rest until now, and somewhat ahead."""
        now = self.clock()
        if now <= self._until_s + _SAME_S:
            return
        unit, start_s = self.unit, self._until_s
        self._from_c, self._from_s = self._celsius(start_s), start_s
        seconds = now - start_s + self._ahead_s
        clocks = throttled(unit.board, self._asked, self._from_c)

        def power_at(celsius: float) -> FloatArray:
            idle = idle_power(unit.board, clocks, celsius, self.beside)
            return by_channel(idle, unit.board)

        first = power_at(self._from_c)
        self._mean_w = float(first[0])
        self._to_c = self._after(self._from_c, self._mean_w, seconds)
        last = power_at(self._to_c)
        steps = np.linspace(0.0, 1.0, _REST_STEPS)[:, None]
        self._append(
            np.full(_REST_STEPS, seconds / _REST_STEPS), first + steps * (last - first)
        )

    def _append(self, durations_s: FloatArray, powers_w: FloatArray) -> None:
        """Add what is drawn next, and let the sensor see it."""
        now, period = self.clock(), self.unit.board.sensor.period_s
        edges = self._until_s + np.cumsum(durations_s)
        energy = self._energy[-1] + np.cumsum(durations_s[:, None] * powers_w, axis=0)
        old = max(
            0, int(np.searchsorted(self._edges, self._until_s - 3.0 * period)) - 1
        )
        self._edges = np.concatenate((self._edges[old:], edges))
        self._energy = np.concatenate((self._energy[old:], energy))
        self._until_s = float(edges[-1])
        past = max(
            0, min(self.unit.updates_until(now) - self._first, len(self._read) - 1)
        )
        del self._read[:past]
        self._first += past
        self._sense(self._first + len(self._read))

    def _sense(self, first: int) -> None:
        """Let the sensor make its updates from one to the end of what is known."""
        last = self.unit.updates_until(self._until_s)
        if last >= first:
            times = self.unit.update_times(first - 1, last)
            until = [np.interp(times, self._edges, one) for one in self._energy.T]
            true_w = np.diff(np.array(until)).T / self.unit.board.sensor.period_s
            self._read += self.unit.milliamperes(true_w, self.rng)


def by_channel(power: RailPower, board: Board) -> FloatArray:
    """Return what each channel of a sensor measures.

    Parameters
    ----------
    power : RailPower
        Of the board.
    board : Board
        Its parameters.

    Returns
    -------
    ndarray
        Watts, in the order of `CHANNELS`.
    """
    rest_w = power.total_w - power.gpu_w - power.cpu_w
    parts: dict[str, float] = {
        "total": power.total_w,
        "gpu": power.gpu_w,
        "cpu": power.cpu_w,
        "memory": rest_w - board.base_w,
        "soc": SOC_SHARE * board.base_w,
    }
    return np.array([parts[name] for name in CHANNELS])
