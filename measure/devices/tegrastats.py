"""Lines of ``tegrastats``, of every release: what a board tells without its files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_CPU = re.compile(r"\bcpu \[([^\]]*)\](?:@(-?\d+))?", re.IGNORECASE)
_EMC = re.compile(r"\bEMC(?:_FREQ)? (\d+)%(?:@(\d+))?")
_GPU = re.compile(r"\bGR3D(?:_FREQ)? (\d+)%(?:@\[?(\d+))?")
_TEMPERATURE = re.compile(r"\b([A-Za-z]\w*)@(-?[\d.]+)C\b")
_POWER = re.compile(r"\b((?:VDD|POM|VIN)_\w+) (\d+)(?:mW)?/(\d+)(?:mW)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a line says.

    Parameters
    ----------
    cpu_load : tuple of float or None
        Share by core; None for one that is offline.
    cpu_hz : tuple of float or None
        Clock by core; None where it is offline or not told.
    emc_hz, gpu_hz : float, optional
        Clocks.
    power_w : dict of str to float
        By rail, of this moment; the mean since the start, beside it, is not used.
    temperature_c : dict of str to float
        By zone.
    """

    cpu_load: tuple[float | None, ...] = ()
    cpu_hz: tuple[float | None, ...] = ()
    emc_hz: float | None = None
    gpu_hz: float | None = None
    power_w: dict[str, float] = field(default_factory=dict)
    temperature_c: dict[str, float] = field(default_factory=dict)


def parse_line(text: str) -> Line:
    """Read a line of tegrastats.

    Parameters
    ----------
    text : str
        As printed by L4T 21 to 35, with or without a date.

    Returns
    -------
    Line
        What it does not tell is missing.

    Examples
    --------
    >>> line = parse_line("RAM 3/4MB cpu [0%,off]@1734 EMC 0%@1600 APE 25 GR3D 0%@998")
    >>> line.gpu_hz, line.cpu_hz
    (998000000.0, (1734000000.0, None))
    """
    loads: list[float | None] = []
    clocks: list[float | None] = []
    cpu = _CPU.search(text)
    if cpu is not None:
        for core in cpu.group(1).split(","):
            share, _, mhz = core.partition("@")
            offline = share == "off"
            loads.append(None if offline else float(share.rstrip("%")) / 100.0)
            clocks.append(None if offline else _hz(mhz or cpu.group(2)))
    emc, gpu = _EMC.search(text), _GPU.search(text)
    return Line(
        cpu_load=tuple(loads),
        cpu_hz=tuple(clocks),
        emc_hz=_hz(emc.group(2)) if emc else None,
        gpu_hz=_hz(gpu.group(2)) if gpu else None,
        power_w={m[1]: int(m[2]) / 1000.0 for m in _POWER.finditer(text)},
        temperature_c={
            m[1]: float(m[2]) for m in _TEMPERATURE.finditer(text) if m[1] != "PMIC"
        },
    )


def _hz(mhz: str | None) -> float | None:
    """Return a clock in hertz; one below zero is not known."""
    if not mhz or not mhz.isdigit():
        return None
    return 1e6 * int(mhz)
