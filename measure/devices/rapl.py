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

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from measure.power_samples import FloatArray

FOLDER = "sys/class/powercap"
EVERY_S = 0.01
"""Between two reads."""
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
        path = zone / "max_energy_range_uj"
        try:
            # Without it, a counter that begins anew would look like a gain of energy.
            range_uj = int(path.read_text(encoding="ascii"))
            path = zone / "energy_uj"
            one = Counter(name=name, path=path, range_uj=range_uj)
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
