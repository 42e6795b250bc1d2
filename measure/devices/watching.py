"""One sampler on the board for a whole run: power, clocks and, rarely, temperatures.

The agent reads all files at one rate and stamps each sample before and after. Here
those samples get their meaning; `measure.devices.run_flags` says what speaks against
a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from measure.devices.actuators import Actuator
from measure.devices.sensors import Rail
from measure.devices.transport import Link, read_texts
from measure.power_samples import FloatArray, Samples

_CPU = "/sys/devices/system/cpu"
SELDOM_S, SOMETIMES_S = 1.0, 0.25
"""Temperatures are slow, and are read once in so long; cooling states in this."""
Raw = Sequence[Any]
"""A sample as the agent gives it: time before, time after, texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFile:
    """Where a board tells a clock as it is.

    Parameters
    ----------
    option : str
        Such as ``gpu_freq_hz``.
    path : str
        The file.
    unit_hz : int, default=1
        Its unit.
    """

    option: str
    path: str
    unit_hz: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSamples:
    """A clock over time.

    Parameters
    ----------
    times_s : ndarray, shape (n,)
        On the board's clock.
    hz : ndarray, shape (n,)
        Not a number where it could not be read.
    """

    times_s: FloatArray
    hz: FloatArray

    def between(self, start_s: float, stop_s: float) -> ClockSamples:
        """Return those within a time.

        Parameters
        ----------
        start_s, stop_s : float
            Both inclusive.

        Returns
        -------
        ClockSamples
            Perhaps none.
        """
        inside = (self.times_s >= start_s) & (self.times_s <= stop_s)
        return ClockSamples(times_s=self.times_s[inside], hz=self.hz[inside])


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is sampled during a run.

    Parameters
    ----------
    rails : tuple of Rail
        Whose power.
    clocks : tuple of ClockFile, default=()
        Which clocks.
    zones : mapping of str to str, optional
        Thermal zones by type, and the file of each; read once in `SELDOM_S`.
    cooling : mapping of str to str, optional
        Cooling devices by type, and the file of each one's state; read once in
        `SOMETIMES_S`.
    every_s : float, default=0.1
        Between samples.
    """

    rails: tuple[Rail, ...]
    clocks: tuple[ClockFile, ...] = ()
    zones: Mapping[str, str] = field(default_factory=dict)
    cooling: Mapping[str, str] = field(default_factory=dict)
    every_s: float = 0.1

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that are read, in order."""
        power = [path for rail in self.rails for path in rail.paths]
        clocks = [clock.path for clock in self.clocks]
        return (*power, *clocks, *self.zones.values(), *self.cooling.values())

    @property
    def strides(self) -> tuple[int, ...]:
        """Each file is read in one of so many samples."""
        often = len(self.paths) - len(self.zones) - len(self.cooling)
        zones, cooling = (
            (max(1, round(seconds / self.every_s)),) * len(files)
            for seconds, files in ((SELDOM_S, self.zones), (SOMETIMES_S, self.cooling))
        )
        return (1,) * often + zones + cooling


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a watch saw.

    Parameters
    ----------
    every_s : float
        Between samples, as asked for.
    power : mapping of str to Samples
        By rail; reads that failed are not in it.
    clocks : mapping of str to ClockSamples
        By option.
    temperature_c : mapping of str to tuple of float
        By zone, in order of time.
    cooling : mapping of str to int
        Highest state of each cooling device.
    failed : mapping of str to dict of str to int
        By rail or option: how many reads failed, by the reason.
    times_s : ndarray, shape (n,)
        Of all samples, in the middle of each.
    """

    every_s: float
    power: Mapping[str, Samples]
    clocks: Mapping[str, ClockSamples]
    temperature_c: Mapping[str, tuple[float, ...]]
    cooling: Mapping[str, int]
    failed: Mapping[str, Mapping[str, int]]
    times_s: FloatArray

    def clocks_between(self, start_s: float, stop_s: float) -> dict[str, ClockSamples]:
        """Return the clocks of a window, for `measure.devices.run_flags.clock_flags`.

        Parameters
        ----------
        start_s, stop_s : float
            Boundaries.

        Returns
        -------
        dict of str to ClockSamples
            By option.
        """
        return {n: one.between(start_s, stop_s) for n, one in self.clocks.items()}

    def why_missing(self, rail: str) -> str:
        """Say why there is no power of a rail.

        Parameters
        ----------
        rail : str
            Its name.

        Returns
        -------
        str
            Empty if there is.
        """
        if rail not in self.power:
            return f"the board has no rail {rail}"
        if len(self.power[rail].times_s):
            return ""
        reasons = ", ".join(self.failed.get(rail, {})) or "it was not sampled"
        return f"{rail} could not be read: {reasons}"


def clock_files(actuators: Iterable[Actuator]) -> tuple[ClockFile, ...]:
    """Return the clocks that a board tells.

    Parameters
    ----------
    actuators : iterable of Actuator
        Those of a board.

    Returns
    -------
    tuple of ClockFile
        Of those that set one.
    """
    return tuple(
        ClockFile(option=one.name, path=now, unit_hz=getattr(one, "unit_hz", 1))
        for one in actuators
        if (now := getattr(one, "now", ""))
    )


def begin(link: Link, watch: Watch) -> float:
    """Begin to sample, off the cores that are measured where there are others.

    Parameters
    ----------
    link : Link
        Leads to the board.
    watch : Watch
        What.

    Returns
    -------
    float
        The board's time of the first sample.
    """
    reply = link.ask(
        "watch",
        paths=list(watch.paths),
        strides=list(watch.strides),
        period_s=watch.every_s,
        aside=spare_cores(link),
    )
    return float(reply["now"])


def spare_cores(link: Link) -> list[int]:
    """Return the cores that are online and not of the first one's cluster.

    Parameters
    ----------
    link : Link
        Leads to the board.

    Returns
    -------
    list of int
        Such as those of a TX2's other kind; empty where all are measured.
    """
    online, related = f"{_CPU}/online", f"{_CPU}/cpu0/cpufreq/related_cpus"
    read = read_texts(link, [online, related])
    if not read[related]:
        return []
    measured = _cores(read[related] or "")
    return sorted(_cores(read[online] or "") - measured)


def drain(link: Link, *, stop: bool = False) -> list[Raw]:
    """Return what was sampled since the last time.

    Parameters
    ----------
    link : Link
        Leads to the board.
    stop : bool, default=False
        Whether to end the watch.

    Returns
    -------
    list of sequence
        As `seen` takes them; those of several calls may be joined.
    """
    return list(link.ask("samples", stop=stop)["samples"])


def seen(watch: Watch, raw: Sequence[Raw]) -> Seen:
    """Give samples their meaning.

    Parameters
    ----------
    watch : Watch
        As it was begun.
    raw : sequence of sequence
        All samples, in order.

    Returns
    -------
    Seen
        By rail, clock and zone.

    Examples
    --------
    >>> watch = Watch(rails=(), clocks=(ClockFile(option="gpu_freq_hz", path="/f"),))
    >>> trace = seen(watch, [[0.0, 0.1, ["998400000\\n"]], [0.2, 0.3, [["EIO"]]]])
    >>> trace.clocks["gpu_freq_hz"].hz.tolist(), dict(trace.failed["gpu_freq_hz"])
    ([998400000.0, nan], {'EIO': 1})
    """
    times = np.array([0.5 * (one[0] + one[1]) for one in raw], dtype=float)
    power: dict[str, Samples] = {}
    failed: dict[str, Counter[str]] = {}
    first = 0
    for rail in watch.rails:
        last = first + len(rail.paths)
        both = [rail.volts_amperes(one[2][first:last]) for one in raw]
        there = np.array([pair is not None for pair in both], dtype=bool)
        watts = [pair[0] * pair[1] for pair in both if pair is not None]
        power[rail.name] = Samples(
            times_s=times[there], power_w=np.array(watts, dtype=float)
        )
        reasons = (
            _reason(one[2][first:last])
            for one, pair in zip(raw, both, strict=True)
            if pair is None
        )
        failed[rail.name] = Counter(reasons)
        first = last
    clocks: dict[str, ClockSamples] = {}
    for clock in watch.clocks:
        values = [_number(one[2][first]) for one in raw]
        hz = np.array([np.nan if v is None else v * clock.unit_hz for v in values])
        clocks[clock.option] = ClockSamples(times_s=times, hz=hz.astype(float))
        failed[clock.option] = Counter(
            _reason([one[2][first]])
            for one, value in zip(raw, values, strict=True)
            if value is None
        )
        first += 1
    celsius, states = {}, {}
    for number, name in enumerate((*watch.zones, *watch.cooling), first):
        read = [_number(one[2][number]) for one in raw if one[2][number] is not None]
        told = [value for value in read if value is not None]
        if number < first + len(watch.zones):
            celsius[name] = tuple(value / 1000.0 for value in told)
        elif told:
            states[name] = max(told)
    return Seen(
        every_s=watch.every_s,
        power=power,
        clocks=clocks,
        temperature_c=celsius,
        cooling=states,
        failed={name: dict(count) for name, count in failed.items() if count},
        times_s=times,
    )


def _cores(text: str) -> set[int]:
    """Return the cores of a list.

    Examples
    --------
    >>> sorted(_cores("0-2,5")), sorted(_cores("0 3 4"))
    ([0, 1, 2, 5], [0, 3, 4])
    """
    found: set[int] = set()
    for part in text.replace(",", " ").split():
        first, _, last = part.partition("-")
        if first.isdigit() and (last or first).isdigit():
            found.update(range(int(first), int(last or first) + 1))
    return found


def _number(text: Any) -> int | None:
    words = text.split() if isinstance(text, str) else []
    return int(words[0]) if words and words[0].lstrip("-").isdigit() else None


def _reason(texts: Sequence[Any]) -> str:
    """Return the error of the first that failed."""
    for text in texts:
        if not isinstance(text, str):
            return str(text[0]) if text else "not read"
    return "unreadable text" if "".join(texts).strip() else "empty"
