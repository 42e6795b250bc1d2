"""What "runs" on a simulated board: a network by its layer table, call by call.

It says what the program on a real board says, in the same form. While it runs, time
passes on the board's own clock, so that whoever samples the board's files meanwhile
sees power, temperature and clocks as they are under the load.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, Self, cast

import numpy as np

from measure.errors import WorkloadError
from measure.simulator.boards import FloatArray
from measure.simulator.chip import Chip, Drawn
from measure.simulator.latency import CallCost, Clocks, Precision, call_cost
from measure.simulator.runtimes import IMAGE_CYCLES, RUNTIMES
from measure.workloads.architectures import layer_table

RUN_NOISE = 0.006
"""Standard deviation of the log latency from run to run: the usual spread of repeats
on a TX1."""
CALL_NOISE = 0.003
"""The same from call to call (assumed)."""
DRIFT_PER_HOUR = 0.001
"""Relative change of the latency (assumed)."""
COLD_CALLS = 3
"""Calls that find caches cold: each takes half as much longer as the one before."""
FEWEST, FEW = 3, "few calls"
"""Calls that are measured at least, however long one takes; the flag if they are less
than asked for."""
CHUNK_S = 4.0
"""Clocks and temperature are looked at anew after so long."""
MOST_CALLS = 200
"""No more calls than these are told of, evenly spaced."""
WORD = "simulated"
"""The first of the words that start a program."""


class Waiting(Protocol):
    """The board's clock, on which samples are taken while one waits."""

    def now(self) -> float:
        """Return seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait.

        Parameters
        ----------
        seconds : float
            How long.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What shall run, and for how long.

    Parameters
    ----------
    network : str
        Of `LAYER_TABLES`.
    image_size : int
        Pixels a side.
    batch_size : int, default=1
        Items in a call.
    precision : str, default="float32"
        Of weights and activations.
    runtime : str, default="caffe"
        Of `RUNTIMES`.
    load_images : bool, default=False
        Whether each call reads its images first.
    seconds, window_s : float
        The window is at least as long as either.
    lead_s : float
        The load goes on for so long on either side of it.
    min_calls : int
        Calls in the window.
    limit_s : float, default=60.0
        It is done after so long, with fewer calls if need be.

    Examples
    --------
    >>> job = Job(network="vgg16", seconds=0.35, window_s=8.4, lead_s=0.8, min_calls=5)
    >>> Job.of(job.argv()) == job
    True
    """

    network: str
    image_size: int = 224
    batch_size: int = 1
    precision: str = "float32"
    runtime: str = "caffe"
    load_images: bool = False
    seconds: float
    window_s: float
    lead_s: float
    min_calls: int
    limit_s: float = 60.0

    def argv(self) -> list[str]:
        """Return the words that start it.

        Returns
        -------
        list of str
            For the agent's request ``run``.
        """
        return [WORD, self.network, json.dumps(asdict(self))]

    @classmethod
    def of(cls, argv: Sequence[str]) -> Self:
        """Return the job that some words mean.

        Parameters
        ----------
        argv : sequence of str
            As `argv` gave them.

        Returns
        -------
        Job
            Equal to the one that gave them.
        """
        return cls(**json.loads(argv[2]))


class Programs:
    """Runs programs on one simulated board.

    Parameters
    ----------
    chip : Chip
        Of the board; draws the power.

    Attributes
    ----------
    drawn : Drawn or None
        What was truly drawn in the last window.
    window_calls : int
        Calls in it.
    """

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.rng = chip.rng
        self.drawn: Drawn | None = None
        self.window_calls = 0

    def __call__(self, request: Mapping[str, Any], clock: Waiting) -> dict[str, Any]:
        """Answer the agent's request ``run``.

        Parameters
        ----------
        request : mapping
            With the words that start the program, and its time limit.
        clock : Waiting
            The board's.

        Returns
        -------
        dict
            As the agent on a board answers.
        """
        start_s = clock.now()
        said: dict[str, Any]
        try:
            load = _Load(self.chip, Job.of(request["argv"]), clock, self.rng)
            self.chip.busy(True)
            said = load.told()
            self.drawn, self.window_calls = load.drawn, int(said["window_calls"])
        except (WorkloadError, _TooLong) as error:
            said = {"failed": str(error), "final": True}
        finally:
            self.chip.busy(False)
        return {
            "rc": 0,
            "late": False,
            "stdout": json.dumps(said) + "\n",
            "stderr": "",
            "start_s": start_s,
            "stop_s": clock.now(),
        }


class _TooLong(Exception):
    """There is no time for a single call."""


class _Load:
    """Calls of one network that follow each other."""

    def __init__(
        self,
        chip: Chip,
        job: Job,
        clock: Waiting,
        rng: np.random.Generator,
    ) -> None:
        self.chip, self.job, self.clock, self.rng = chip, job, clock, rng
        self.until_s = clock.now() + job.limit_s
        self.table = layer_table(job.network, job.image_size)
        runtime = RUNTIMES[job.runtime]
        if job.load_images:
            runtime = replace(runtime, input_cycles=IMAGE_CYCLES)
        self.runtime = runtime
        drift = 1.0 + DRIFT_PER_HOUR * clock.now() / 3600.0
        self.factor = drift * float(np.exp(RUN_NOISE * rng.standard_normal()))
        self.drawn = Drawn(gross_j=0.0, idle_j=0.0)
        self._costs: dict[Clocks, CallCost] = {}

    def told(self) -> dict[str, Any]:
        """Run it, and return what it says."""
        job = self.job
        warm_up = self.calls(COLD_CALLS, 0.0, spare=1, cold=True)
        self.calls(0, job.lead_s, spare=2)
        self.drawn = Drawn(gross_j=0.0, idle_j=0.0)
        start_s, cost = self.clock.now(), self.cost()
        # A call that is slow by itself is not asked for as often.
        enough = FEWEST if cost.latency_s >= job.seconds else job.min_calls
        least = min(job.min_calls, enough)
        calls = self.calls(least, max(job.seconds, job.window_s), spare=0)
        stop_s, drawn = self.clock.now(), self.drawn
        self.calls(0, job.lead_s, spare=1)
        self.drawn = drawn
        if not len(calls):
            raise _TooLong(
                f"a call takes {cost.latency_s:.3g} s, too long for the time limit of "
                f"{job.limit_s:.3g} s"
            )
        return {
            "calls_s": _thinned(calls),
            "warm_up_s": _thinned(warm_up),
            "window": [start_s, stop_s],
            "window_calls": len(calls),
            "cpu_time_s": cost.cpu_s * self.factor,
            "batch_size": job.batch_size,
            "flags": [FEW] * (len(calls) < job.min_calls),
        }

    def cost(self) -> CallCost:
        """Return what a call costs with the clocks as they are."""
        clocks = self.chip.clocks
        if clocks not in self._costs:
            self._costs[clocks] = call_cost(
                self.chip.unit.board,
                self.runtime,
                self.table,
                clocks,
                batch=self.job.batch_size,
                precision=cast(Precision, self.job.precision),
                co_runner=self.chip.beside,
            )
        return self._costs[clocks]

    def calls(
        self, least: int, seconds: float, *, spare: int, cold: bool = False
    ) -> FloatArray:
        """Run so many calls, and for so long, but end in time for some more."""
        done: list[FloatArray] = []
        count, spent = 0, 0.0
        while count < least or spent < seconds:
            cost = self.cost()
            call_s = cost.latency_s * self.factor
            left_s = self.until_s - self.clock.now()
            # Half of the first call's time is what a cold call may take longer.
            room = int(left_s / call_s - (0.5 if cold else 0.05)) - spare
            wanted = max(least - count, int((seconds - spent) / call_s) + 2)
            number = min(wanted, room, max(1, int(CHUNK_S / call_s)))
            if number < 1:
                break
            noise = CALL_NOISE * self.rng.standard_normal(number)
            durations = call_s * np.exp(noise)
            if cold:
                begun = np.arange(count, count + number)
                durations *= 1.0 + (begun < COLD_CALLS) * 0.5 ** (begun + 1.0)
            until = spent + np.cumsum(durations)
            last = max(least - count, int(np.searchsorted(until, seconds)) + 1)
            durations = durations[:last]
            self.drawn += self.chip.work(durations, cost)
            self.clock.sleep(float(durations.sum()))
            done.append(durations)
            count, spent = count + len(durations), float(until[len(durations) - 1])
        return np.concatenate(done) if done else np.empty(0)


def _thinned(calls: FloatArray) -> list[float]:
    places = np.linspace(0, len(calls) - 1, min(len(calls), MOST_CALLS))
    return [float(f"{calls[int(place)]:.9g}") for place in places]
