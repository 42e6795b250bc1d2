"""Energy of this machine by RAPL: counters of the processor, as Linux shows them.

A package's counter has its cores and its graphics in it, and not its memory, which
has one of its own where the processor counts it. What is added up is packages and
memory. ``psys``, of the whole platform, has both in it and stands in only where there
is no package; a second interface to the same package (``intel-rapl-mmio``) is left
alone [1]_. A counter goes back to zero at ``max_energy_range_uj``.

A thread reads the counters while a run goes on. They add up what was used, so the
energy between two moments is the difference of two values, interpolated between the
reads about them, and a read that comes late loses nothing.

References
----------
.. [1] Linux kernel, *Power Capping Framework*, Documentation/power/powercap.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np

from measure.energy import Energy
from measure.power_samples import FloatArray

FOLDER = "sys/class/powercap"
EVERY_S = 0.01
"""Between two reads."""
REST_S = 0.5
"""Idle power is watched for so long before and after a run."""
UPDATE_S = 0.001
"""Counters move on so often."""
GAIN_U = 0.05 / math.sqrt(3.0)
"""No data sheet tells it: limits of 5 %, rectangular, are assumed."""
T = TypeVar("T")
_ROOT_12 = math.sqrt(12.0)
_HOW = (
    "only root reads it since Linux 5.10: `sudo chmod a+r "
    "/sys/class/powercap/intel-rapl:*/energy_uj` allows it until the next boot (other "
    "users may then learn from it what programs do)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One energy counter.

    Parameters
    ----------
    name : str
        Such as ``package-0`` or ``package-0 dram``.
    path : pathlib.Path
        The file, in microjoules.
    range_uj : int
        After so much it begins anew.
    """

    name: str
    path: Path
    range_uj: int

    def read(self) -> int:
        """Return what it says.

        Returns
        -------
        int
            Microjoules.
        """
        return int(self.path.read_text(encoding="ascii"))

    def used_uj(self, before: int, now: int) -> int:
        """Return what was used between two reads.

        Parameters
        ----------
        before, now : int
            What it said.

        Returns
        -------
        int
            Microjoules; it went back to zero at most once.

        Examples
        --------
        >>> counter = Counter(name="package-0", path=Path("energy_uj"), range_uj=1000)
        >>> counter.used_uj(990, 20)
        30
        """
        return now - before if now >= before else now - before + self.range_uj


def find_counters(root: Path = Path("/")) -> tuple[tuple[Counter, ...], str]:
    """Return the counters that add up to this machine's energy.

    Parameters
    ----------
    root : pathlib.Path, optional
        Stands for ``/``.

    Returns
    -------
    counters : tuple of Counter
        None counted twice.
    why : str
        Why there are none; what to do.
    """
    folder = root / FOLDER
    zones = [
        zone
        for zone in sorted(folder.glob("intel-rapl:*"))
        if re.fullmatch(r"intel-rapl(:\d+)+", zone.name)
    ]
    if not zones:
        return (), (
            f"/{FOLDER} shows no RAPL: the processor or the virtual machine tells no "
            "energy, or the kernel's module is missing (`sudo modprobe intel_rapl_msr`)"
        )
    named = {zone: _text(zone / "name") for zone in zones}
    packages = {z.name: name for z, name in named.items() if name.startswith("package")}
    chosen = []
    for zone, name in named.items():
        parent = zone.name.rpartition(":")[0]
        if zone.name in packages:
            chosen.append((name, zone))
        elif name == "dram":
            chosen.append((f"{packages.get(parent, '')} dram".strip(), zone))
    if not packages:
        chosen = [(name, zone) for zone, name in named.items() if name == "psys"]
    found = []
    for name, zone in chosen:
        path = zone / "energy_uj"
        try:
            one = Counter(
                name=name,
                path=path,
                range_uj=int(_text(zone / "max_energy_range_uj") or 0),
            )
            one.read()
        except PermissionError:
            return (), f"/{path.relative_to(root)}: {_HOW}"
        except (OSError, ValueError) as error:
            return (), f"/{path.relative_to(root)} cannot be read: {error}"
        found.append(one)
    if not found:
        names = ", ".join(sorted({name or "?" for name in named.values()}))
        return (), f"/{FOLDER} shows neither package nor psys, only {names}"
    return tuple(found), ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What counters added up to, over time.

    Parameters
    ----------
    times_s : ndarray, shape (n,)
        On `time.perf_counter`, which all processes of a Linux machine share.
    joules : ndarray, shape (n,)
        Since the first read.
    """

    times_s: FloatArray
    joules: FloatArray

    def between(self, start_s: float, stop_s: float) -> float:
        """Return what was used between two moments.

        Parameters
        ----------
        start_s, stop_s : float
            Exact.

        Returns
        -------
        float
            Joules, interpolated between the reads about each moment.

        Examples
        --------
        >>> reads = Trace(times_s=np.array([0, 1, 3.0]), joules=np.array([0, 2, 10.0]))
        >>> reads.between(0.5, 2.0)
        5.0
        """
        first, last = np.interp([start_s, stop_s], self.times_s, self.joules)
        return float(last - first)

    def powers(self, start_s: float, stop_s: float) -> FloatArray:
        """Return the mean powers between reads that lie within a time.

        Parameters
        ----------
        start_s, stop_s : float
            Both inclusive.

        Returns
        -------
        ndarray
            Watts.
        """
        inside = (self.times_s >= start_s) & (self.times_s <= stop_s)
        times, joules = self.times_s[inside], self.joules[inside]
        return np.asarray(np.diff(joules) / np.diff(times), dtype=float)


class Watching:
    """Reads counters in a thread, for as long as it is open.

    Parameters
    ----------
    counters : sequence of Counter
        Which.
    clock : callable, optional
        Of the time stamps.

    Raises
    ------
    OSError
        If one cannot be read.
    """

    def __init__(
        self,
        counters: Sequence[Counter],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._counters, self._clock = tuple(counters), clock
        self._times: list[float] = []
        self._joules: list[float] = []
        self._sum_uj = 0
        self._last = [one.read() for one in self._counters]
        self._done = threading.Event()
        self._failed: OSError | ValueError | None = None
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self.step()

    def step(self) -> None:
        """Read all counters once."""
        before = self._clock()
        now = [one.read() for one in self._counters]
        self._times.append(0.5 * (before + self._clock()))
        for one, old, new in zip(self._counters, self._last, now, strict=True):
            self._sum_uj += one.used_uj(old, new)
        self._last = now
        self._joules.append(self._sum_uj / 1e6)

    def _go_on(self) -> None:
        try:
            while not self._done.wait(EVERY_S):
                self.step()
        except (OSError, ValueError) as error:
            self._failed = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def trace(self) -> Trace:
        """Return what was read.

        Returns
        -------
        Trace
            Up to now.

        Raises
        ------
        OSError
            If a counter went away.
        """
        if self._failed is not None:
            raise OSError(str(self._failed))
        return Trace(
            times_s=np.array(self._times, dtype=float),
            joules=np.array(self._joules, dtype=float),
        )


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
