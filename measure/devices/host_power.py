"""Energy of a run on this machine: what its counters added up to, net of idle power."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from measure.devices.rapl import EVERY_S, Counter, Trace, Watching, find_counters
from measure.energy import Energy
from measure.power_samples import FloatArray

REST_S = 0.5
"""Idle power is watched for so long before and after a run."""
UPDATE_S = 0.001
"""Counters move on so often."""
GAIN_U = 0.05 / math.sqrt(3.0)
"""No data sheet tells it: limits of 5 %, rectangular, are assumed."""
T = TypeVar("T")
_ROOT_12 = math.sqrt(12.0)


def energy_of_trace(
    trace: Trace,
    window: tuple[float, float],
    before: tuple[float, float],
    after: tuple[float, float],
    sensor: str = "RAPL",
) -> Energy:
    """Return the energy of a window with its uncertainty.

    The budget is that of `measure.energy`, without what counters do not have: steps
    to round to, and times that were not seen.

    Parameters
    ----------
    trace : Trace
        From the first rest to the last.
    window, before, after : tuple of float
        Begin and end of the load, and of the rests.
    sensor : str, default="RAPL"
        What was read.

    Returns
    -------
    Energy
        Gross and net.

    Raises
    ------
    ValueError
        If the counters did not move, or were not read about the window.
    """
    start_s, stop_s = window
    duration = stop_s - start_s
    gross = trace.between(start_s, stop_s)
    inside = (trace.times_s >= start_s) & (trace.times_s <= stop_s)
    reads = int(np.count_nonzero(inside))
    if reads < 2 or gross <= 0.0:
        raise ValueError(
            f"{sensor}: {reads} reads in a window of {duration:.3g} s, which add up to "
            f"{gross:.3g} J; measure for longer"
        )
    rests = [trace.between(*side) / (side[1] - side[0]) for side in (before, after)]
    own = [_own_u(trace.powers(*side)) for side in (before, after)]
    # As in `measure.energy`: what noise does not explain of the difference is drift.
    apart = math.sqrt(max(0.0, (rests[0] - rests[1]) ** 2 - own[0] ** 2 - own[1] ** 2))
    baseline_u = math.hypot(0.5 * apart / _ROOT_12, 0.5 * math.hypot(*own))
    idle = sum(rests) / 2.0
    net = gross - idle * duration
    edge = math.hypot(_edge_u(trace, start_s), _edge_u(trace, stop_s))
    flags = () if net > 0.0 else ("no more power with the load than without",)
    budget = {
        "gain": GAIN_U * abs(net),
        "baseline": baseline_u * duration,
        "edge": edge,
    }
    return Energy(
        sensor=sensor,
        duration_s=duration,
        samples=reads,
        mean_w=gross / duration,
        gross_j=gross,
        gross_u=math.hypot(GAIN_U * gross, edge),
        baseline_w=idle,
        net_j=net,
        net_u=math.hypot(*budget.values()),
        budget_j=budget,
        flags=flags,
    )


def _own_u(powers: FloatArray) -> float:
    """Return the standard uncertainty of the mean of powers."""
    if len(powers) < 2:
        return 0.0
    return float(np.std(powers, ddof=1)) / math.sqrt(len(powers))


def _edge_u(trace: Trace, moment_s: float) -> float:
    """Return by how many joules the interpolation at a moment may be off."""
    place = int(np.searchsorted(trace.times_s, moment_s))
    low, high = max(0, place - 2), min(len(trace.times_s), place + 2)
    times, joules = trace.times_s[low:high], trace.joules[low:high]
    powers = np.diff(joules) / np.diff(times)
    interval = float(np.max(np.diff(times)))
    step = float(np.ptp(powers)) * interval
    return math.hypot(step, float(np.max(powers)) * UPDATE_S) / _ROOT_12


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPower:
    """The energy of runs on this machine.

    Parameters
    ----------
    counters : tuple of Counter, optional
        What is added up.
    why : str, default=""
        Why nothing is; what to do.
    sleep : callable, optional
        Waits.
    """

    counters: tuple[Counter, ...] = ()
    why: str = ""
    sleep: Callable[[float], None] = field(default=time.sleep)

    @classmethod
    def find(cls, root: Path = Path("/")) -> HostPower:
        """Return what this machine has.

        Parameters
        ----------
        root : pathlib.Path, optional
            Stands for ``/``.

        Returns
        -------
        HostPower
            Perhaps without counters, and then with the reason.
        """
        counters, why = find_counters(root)
        return cls(counters=counters, why=why)

    @property
    def sensor(self) -> str:
        """What is read, by name."""
        return "RAPL " + " + ".join(one.name for one in self.counters)

    @property
    def rests_s(self) -> float:
        """What a run that is not quick takes longer."""
        return 2.0 * REST_S if self.counters else 0.0

    def watched(
        self,
        run: Callable[[], T],
        window_of: Callable[[T], tuple[float, float] | None],
        *,
        quick: bool,
    ) -> tuple[T, Energy | None, str]:
        """Run something, with a rest before and after.

        Parameters
        ----------
        run : callable
            What is to be run.
        window_of : callable
            Returns from what it returned the begin and end of its measured calls, on
            `time.perf_counter` (or `time.monotonic`: on Linux they are one).
        quick : bool
            Without rests, and so without a net energy.

        Returns
        -------
        answer : object
            Of `run`.
        energy : Energy or None
            None where there is none; of a quick run the gross energy alone counts.
        why : str
            Why there is none.
        """
        if not self.counters:
            return run(), None, self.why
        try:
            watching = Watching(self.counters)
        except (OSError, ValueError) as error:
            return run(), None, f"{self.sensor} cannot be read any more: {error}"
        clock, rest_s = time.perf_counter, 0.0 if quick else REST_S
        with watching:
            begin = clock()
            self.sleep(rest_s)
            loaded = clock()
            answer = run()
            unloaded = clock()
            self.sleep(rest_s or 2.0 * EVERY_S)
            end = clock()
        try:
            trace = watching.trace()
            window = window_of(answer)
            if window is None:
                return answer, None, "the program does not tell when it was under load"
            if quick:
                return answer, _gross(trace, window, self.sensor), ""
            rests = ((begin, loaded), (unloaded, end))
            return answer, energy_of_trace(trace, window, *rests, self.sensor), ""
        except (OSError, ValueError) as error:
            return answer, None, str(error)


def _gross(trace: Trace, window: tuple[float, float], sensor: str) -> Energy:
    gross, duration = trace.between(*window), window[1] - window[0]
    if gross <= 0.0:
        raise ValueError(f"{sensor} did not move in {duration:.3g} s")
    edge = math.hypot(*(_edge_u(trace, moment) for moment in window))
    budget = {"gain": GAIN_U * gross, "edge": edge}
    return Energy(
        sensor=sensor,
        duration_s=duration,
        samples=len(trace.times_s),
        mean_w=gross / duration,
        gross_j=gross,
        gross_u=math.hypot(*budget.values()),
        budget_j=budget,
    )
