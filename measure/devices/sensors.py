"""Sensors of a Jetson: power by rail, temperature by zone, signs of throttling.

Power is that of an INA3221 on the input side of the regulators. L4T's own driver has
``rail_name_N`` and, in one coherent read, ``ui_input_N`` (mV and mA); mainline's hwmon
has ``inN_label``, ``inN_input`` and ``currN_input``, and no power. Where neither is
there, lines of ``tegrastats`` may tell power. The total rail has the others in it:
rails are never added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from measure.devices.board_agent import TELLERS
from measure.devices.switches import Choice
from measure.devices.tegrastats import parse_line
from measure.devices.transport import Link, find, read_texts
from measure.levels import Level
from measure.power_samples import PowerSensor, Samples, update_period

TOTAL: Mapping[str, str] = {"tx1": "VDD_IN", "tx2": "VDD_IN"}
"""The rail that feeds the module, by board; without its carrier."""
PARTS: Mapping[str, tuple[str, ...]] = {
    "power_gpu_w": ("VDD_GPU", "VDD_SYS_GPU"),
    "power_cpu_w": ("VDD_CPU", "VDD_SYS_CPU"),
}
"""Rails within it, by response."""
SHUNT_OHM: Mapping[tuple[str, str], float] = {
    ("tx1", "VDD_IN"): 0.020,
    ("tx1", "VDD_GPU"): 0.010,
    ("tx1", "VDD_CPU"): 0.010,
}
"""Where neither board nor table tells, 10 mOhm is taken."""
SHUNT_STEP_V = 40e-6
GAIN_U, OFFSET_U_V = 0.006, 46e-6
"""Shunt of 1 % and gain of 0.25 %; offset of 80 uV: rectangular limits."""
INPUT_V = 19.1
"""On the input side of the regulators, where only power is told."""
DEFAULT_PERIOD_S = 0.422
"""Of L4T's continuous mode, where it could not be measured."""
_IIO = "/sys/bus/i2c/drivers/ina3221x/*/iio*device*"
_HWMON = "/sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """One channel of a power sensor.

    Parameters
    ----------
    name : str
        Such as ``VDD_IN``.
    paths : tuple of str
        What is read for one value: one file with both, or volts and amperes.
    shunt_ohm : float
        Its resistor.
    in_lines : bool, default=False
        Whether its power stands in lines of ``tegrastats``.
    """

    name: str
    paths: tuple[str, ...]
    shunt_ohm: float
    in_lines: bool = False

    def volts_amperes(self, texts: Sequence[Any]) -> tuple[float, float] | None:
        """Return what a reading means.

        Parameters
        ----------
        texts : sequence of str
            Content of `paths`; something else where a read failed.

        Returns
        -------
        tuple of float or None
            None for a sample that is lost.

        Examples
        --------
        >>> rail = Rail(name="VDD_IN", paths=("ui_input_0",), shunt_ohm=0.02)
        >>> rail.volts_amperes(["19072 204\\n"])
        (19.072, 0.204)
        >>> rail.volts_amperes([["EAGAIN"]])
        """
        if not all(isinstance(text, str) for text in texts):
            return None
        if self.in_lines:
            watts = parse_line(texts[0]).power_w.get(self.name)
            return None if watts is None else (INPUT_V, watts / INPUT_V)
        words = " ".join(texts).split()
        if len(words) != 2 or not all(w.lstrip("-").isdigit() for w in words):
            return None
        return int(words[0]) / 1000.0, int(words[1]) / 1000.0


def find_rails(link: Link, word: str) -> dict[str, Rail]:
    """Return the rails whose power a board tells.

    Parameters
    ----------
    link : Link
        Leads to the board.
    word : str
        Which board it is.

    Returns
    -------
    dict of str to Rail
        By name, each once; empty where there is no sensor.
    """
    found: dict[str, Rail] = {}
    names = find(link, f"{_IIO}/rail_name_#")
    for path, name in read_texts(link, names).items():
        folder, _, channel = path.rpartition("/rail_name_")
        if name:
            one = (f"{folder}/ui_input_{channel}",)
            found.setdefault(name, _rail(word, name, one))
    labels = find(link, f"{_HWMON}/in#_label")
    for path, name in read_texts(link, labels).items():
        folder, _, channel = path.removesuffix("_label").rpartition("/in")
        # Beyond the third are shunt voltages and their sum.
        if name and channel in ("1", "2", "3"):
            paths = (f"{folder}/in{channel}_input", f"{folder}/curr{channel}_input")
            shunt = f"{folder}/shunt{channel}_resistor"
            told = read_texts(link, [shunt])[shunt] or ""
            ohm = int(told) / 1e6 if told.isdigit() and int(told) else None
            found.setdefault(name, _rail(word, name, paths, ohm))
    return found or _rails_in_lines(link, word)


def _rails_in_lines(link: Link, word: str) -> dict[str, Rail]:
    """Return the rails of ``tegrastats``, where no file tells any."""
    for program in find(link, *TELLERS):
        line = read_texts(link, [program])[program]
        return {
            name: replace(_rail(word, name, (program,)), in_lines=True)
            for name in parse_line(line or "").power_w
        }
    return {}


def _rail(
    word: str, name: str, paths: tuple[str, ...], ohm: float | None = None
) -> Rail:
    known = SHUNT_OHM.get((word, name), 0.010)
    return Rail(name=name, paths=paths, shunt_ohm=known if ohm is None else ohm)


def pin_mode(link: Link) -> list[Choice]:
    """Return what holds the sensors in continuous mode.

    Left alone the driver averages, or takes single shots, by cores online and CPU
    clock: by the very options that are varied.

    Parameters
    ----------
    link : Link
        Leads to the board.

    Returns
    -------
    list of Choice
        To be applied with the level True; the journal puts them back.
    """
    words: dict[Level, str] = {False: "0", True: "1"}
    paths = find(link, f"{_IIO}/running_mode")
    return [Choice(link, "running_mode", path, words) for path in paths]


def sensor_of(rail: Rail, samples: Samples, volts: float) -> PowerSensor:
    """Return what is known of a rail's sensor, its update period as measured.

    Parameters
    ----------
    rail : Rail
        Which.
    samples : Samples
        Read faster than it updates, under a load that moves.
    volts : float
        On the rail.

    Returns
    -------
    PowerSensor
        For `measure.energy.energy_of`.
    """
    period_s = update_period(samples)
    return PowerSensor(
        name=rail.name,
        period_s=DEFAULT_PERIOD_S if period_s is None else period_s,
        step_w=volts * SHUNT_STEP_V / rail.shunt_ohm,
        gain_u=GAIN_U,
        offset_u_w=volts * OFFSET_U_V / rail.shunt_ohm,
    )


def temperatures(link: Link) -> dict[str, float]:
    """Return temperatures by the type of their zone, never by its number.

    Parameters
    ----------
    link : Link
        Leads to the board.

    Returns
    -------
    dict of str to float
        Degrees Celsius; without the zone of the power chip, which is a constant.
    """
    zones = find(link, "/sys/devices/virtual/thermal/thermal_zone#")
    read = read_texts(link, [f"{z}/{n}" for z in zones for n in ("type", "temp")])
    found = {}
    for zone in zones:
        kind, milli = read[f"{zone}/type"], read[f"{zone}/temp"] or ""
        if kind and kind != "PMIC-Die" and milli.lstrip("-").isdigit():
            found[kind] = int(milli) / 1000.0
    return found


def throttling(link: Link) -> dict[str, int]:
    """Return the cooling devices that hold something down now.

    Parameters
    ----------
    link : Link
        Leads to the board.

    Returns
    -------
    dict of str to int
        Type to state, of those that are not fans and not at rest.
    """
    devices = find(link, "/sys/devices/virtual/thermal/cooling_device#")
    read = read_texts(
        link, [f"{d}/{n}" for d in devices for n in ("type", "cur_state")]
    )
    found = {}
    for device in devices:
        kind, state = read[f"{device}/type"], read[f"{device}/cur_state"] or ""
        if kind and "fan" not in kind and state.isdigit() and int(state):
            found[kind] = int(state)
    return found
