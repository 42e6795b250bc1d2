"""What a board tells during a run: which rails, clocks and zones, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from measure.devices.board_controls import BoardControls
from measure.devices.sensors import (
    PARTS,
    TOTAL,
    Rail,
    find_rails,
    sensor_of,
)
from measure.devices.transport import Link, find, read_texts
from measure.devices.watching import (
    ClockFile,
    Raw,
    Watch,
    begin,
    clock_files,
    drain,
    seen,
)
from measure.power_samples import PowerSensor, Samples, update_period

POLL_S = 0.002
"""A sensor is read so often while its update period is measured."""
SLICE_S, PERIOD_LIMIT_S = 0.25, 6.0
CHANGES = 12
"""So many changes of a value tell the period; L4T's slowest mode gives them in 5 s."""
_ZONES = "/sys/devices/virtual/thermal/thermal_zone#"
_COOLING = "/sys/devices/virtual/thermal/cooling_device#"
_CONSTANT_ZONE = "PMIC-Die"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """What is watched while a program runs on a board.

    Parameters
    ----------
    total : str
        The rail that has all others in it, such as ``VDD_IN``; empty without one.
    parts : mapping of str to str
        Rails within it, by response.
    rails : mapping of str to Rail
        Of total and parts.
    sensors : mapping of str to PowerSensor
        What is known of each.
    clocks : tuple of ClockFile
        By option.
    zones : mapping of str to str
        Temperature files by type of zone.
    cooling : mapping of str to str
        State files of what may hold the board down, by their kind; fans do not.
    period_measured : bool, default=False
        Whether the update period was measured, or is the usual one.
    """

    total: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    rails: Mapping[str, Rail] = field(default_factory=dict)
    sensors: Mapping[str, PowerSensor] = field(default_factory=dict)
    clocks: tuple[ClockFile, ...] = ()
    zones: Mapping[str, str] = field(default_factory=dict)
    cooling: Mapping[str, str] = field(default_factory=dict)
    period_measured: bool = False

    @property
    def period_s(self) -> float | None:
        """Update period of the total rail's sensor; None without one."""
        return self.sensors[self.total].period_s if self.total else None

    @property
    def why_no_power(self) -> str:
        """Why there is no power of the whole board; empty if there is."""
        if self.total:
            return ""
        if not self.rails:
            return "no power sensor (INA3221) was found on the board"
        return "none of the board's rails has all others in it: they are not added up"

    def watch(self, every_s: float) -> Watch:
        """Return what is sampled, at a rate.

        Parameters
        ----------
        every_s : float
            Between samples.

        Returns
        -------
        Watch
            For `measure.devices.watching.begin`.
        """
        return Watch(
            rails=tuple(self.rails.values()),
            clocks=self.clocks,
            zones=self.zones,
            cooling=self.cooling,
            every_s=every_s,
        )


def find_instruments(controls: BoardControls) -> Instruments:
    """Find what a board tells, and measure how often its power sensor updates.

    To be called while the sensor's mode is pinned, or the period found is another
    one than that of the runs.

    Parameters
    ----------
    controls : BoardControls
        Of the board.

    Returns
    -------
    Instruments
        The same for all runs of a sitting.
    """
    link, word = controls.link, controls.identity.word
    known = find_rails(link, word)
    total = TOTAL.get(word, "")
    total = total if total in known else ""
    parts = {
        response: name
        for response, names in PARTS.items()
        for name in names
        if name in known
    }
    rails = {n: known[n] for n in dict.fromkeys([total, *parts.values()]) if n}
    sensors, measured = _sensors(link, rails)
    return Instruments(
        total=total,
        parts=parts,
        rails=rails,
        sensors=sensors,
        clocks=clock_files(controls.actuators.values()),
        zones=_named(link, _ZONES, "temp", _CONSTANT_ZONE),
        cooling=_named(link, _COOLING, "cur_state", "fan"),
        period_measured=measured,
    )


def hot(states: Mapping[str, str | None], cooling: Mapping[str, str]) -> set[str]:
    """Return flags for what holds a board down.

    Parameters
    ----------
    states : mapping of str to str or None
        Content of files.
    cooling : mapping of str to str
        Of `Instruments`.

    Returns
    -------
    set of str
        One a cooling device that is not at rest.

    Examples
    --------
    >>> hot({"/c/cur_state": "2"}, {"gpu-balanced": "/c/cur_state"})
    {'throttled: gpu-balanced at 2'}
    """
    told = {kind: states.get(path) or "" for kind, path in cooling.items()}
    return {
        f"throttled: {kind} at {text}"
        for kind, text in told.items()
        if text.isdigit() and int(text)
    }


def _sensors(
    link: Link, rails: Mapping[str, Rail]
) -> tuple[dict[str, PowerSensor], bool]:
    """Return what is known of sensors: channels of one chip, with one period."""
    if not rails:
        return {}, False
    samples = _polled(link, rails)
    periods = [update_period(one) for one in samples.values()]
    measured = min((period for period in periods if period), default=None)
    found = {}
    for name, rail in rails.items():
        texts = list(read_texts(link, rail.paths).values())
        both = rail.volts_amperes(texts)
        sensor = sensor_of(rail, samples[name], both[0] if both else 0.0)
        found[name] = sensor if measured is None else _with_period(sensor, measured)
    return found, measured is not None


def _with_period(sensor: PowerSensor, period_s: float) -> PowerSensor:
    return replace(sensor, period_s=period_s)


def _polled(link: Link, rails: Mapping[str, Rail]) -> dict[str, Samples]:
    """Read rails as fast as it goes until one of them has changed often enough."""
    start = link.clock.now()
    watch, raw = Watch(rails=tuple(rails.values()), every_s=POLL_S), list[Raw]()
    begin(link, watch)
    while True:
        link.clock.sleep(SLICE_S)
        raw += drain(link)
        power = seen(watch, raw).power
        changes = max(np.count_nonzero(np.diff(s.power_w)) for s in power.values())
        if changes >= CHANGES or link.clock.now() - start >= PERIOD_LIMIT_S:
            drain(link, stop=True)
            return dict(power)


def _named(link: Link, pattern: str, name: str, but: str) -> dict[str, str]:
    """Return a file of each folder by the folder's type, except some."""
    folders = find(link, pattern)
    kinds = read_texts(link, [f"{folder}/type" for folder in folders])
    named = {f"{folder}/{name}": kinds[f"{folder}/type"] for folder in folders}
    return {kind: path for path, kind in named.items() if kind and but not in kind}
