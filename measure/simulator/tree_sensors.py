"""Files of a board that tell power and temperature as they are when they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from measure.simulator.chip import Chip
from measure.simulator.tree_layouts import COOLING, INPUT_MV, ZONES
from measure.simulator.unit import CHANNELS

RAILS: Mapping[str, str] = {
    "VDD_IN": "total",
    "VDD_GPU": "gpu",
    "VDD_SYS_GPU": "gpu",
    "VDD_CPU": "cpu",
    "VDD_SYS_CPU": "cpu",
    "VDD_SYS_DDR": "memory",
    "VDD_SYS_SOC": "soc",
}
"""What is behind each rail; a rail that is not here feeds nothing."""
_TEXTS: Mapping[str, Callable[[int], bytes]] = {
    "in_power#_input": lambda ma: b"%.0f\n" % (INPUT_MV * ma / 1000.0),
    "in_current#_input": lambda ma: b"%d\n" % ma,
    "ui_input_#": lambda ma: b"%d %d\n" % (INPUT_MV, ma),
}


def power_files(
    sensors: Sequence[tuple[str, tuple[str, ...]]],
    milliamperes: Callable[[int, str], int],
) -> dict[str, Callable[[], bytes]]:
    """Return what power sensors tell.

    Parameters
    ----------
    sensors : sequence of (str, tuple of str)
        Their folders, and the rails of each.
    milliamperes : callable
        Returns what a channel reads now, by its place in `CHANNELS` and the file with
        the mode of the sensor.

    Returns
    -------
    dict of str to callable
        What makes the content of each file.
    """
    found: dict[str, Callable[[], bytes]] = {}
    for folder, rails in sensors:
        for number, rail in enumerate(rails):
            for name, text in _TEXTS.items():
                path = f"{folder}/{name.replace('#', str(number))}"
                if rail in RAILS:
                    place = CHANNELS.index(RAILS[rail])
                    mode = f"{folder}/running_mode"
                    found[path] = partial(_power, text, milliamperes, place, mode)
                else:
                    found[path] = partial(text, 0)
    return found


def _power(
    text: Callable[[int], bytes],
    milliamperes: Callable[[int, str], int],
    place: int,
    mode: str,
) -> bytes:
    return text(milliamperes(place, mode))


def heat_files(chip: Chip) -> dict[str, Callable[[], bytes]]:
    """Return what thermal zones tell, and what holds a hot GPU down.

    Parameters
    ----------
    chip : Chip
        Whose heat it is.

    Returns
    -------
    dict of str to callable
        What makes the content of each file.
    """
    found: dict[str, Callable[[], bytes]] = {
        f"{place}/temp": partial(_millidegrees, chip, zone)
        for zone, place in ZONES.items()
        if zone != "PMIC-Die"
    }
    found[f"{COOLING['GPU-cap']}/cur_state"] = lambda: b"%d\n" % chip.capped
    return found


def _millidegrees(chip: Chip, zone: str) -> bytes:
    celsius = chip.temperature_c()
    if zone == "Tboard_tegra":
        celsius = 0.5 * (celsius + chip.unit.ambient_c)
    # Zones tell half degrees.
    return b"%d\n" % (500 * round(2.0 * celsius))
