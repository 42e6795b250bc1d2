"""What this machine is, and how it is at the moment, read from /proc and /sys."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from measure.errors import DeviceError
from measure.records import Conditions

_RUNTIMES = ("tensorflow-cpu", "tensorflow")
_LIBRARIES = ("numpy", "keras")
ROOT = Path("/")


def tensorflow_version() -> str:
    """Return the version of TensorFlow, without importing it.

    Returns
    -------
    str
        As installed.

    Raises
    ------
    DeviceError
        If it is not installed.
    """
    for name in _RUNTIMES:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    raise DeviceError(
        "host: TensorFlow is not installed; install tensorflow-cpu, or tensorflow "
        "where there is no such wheel"
    )


@lru_cache(maxsize=1)
def fingerprint() -> dict[str, str]:
    """Return what must match for runs on two machines to be pooled.

    Returns
    -------
    dict of str to str
        CPU, cores in the affinity mask, kernel, Python, libraries.

    Examples
    --------
    >>> fingerprint()["system"] == platform.system()
    True
    """
    found = {
        "system": platform.system(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "cpu": cpu_model(),
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        "tensorflow": tensorflow_version(),
    }
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def cpu_model(root: Path = ROOT) -> str:
    """Return the name of the CPU.

    Parameters
    ----------
    root : pathlib.Path, optional
        Stands for ``/``.

    Returns
    -------
    str
        ``unknown`` where the kernel does not tell.
    """
    fields = _cpu_fields(root)
    return fields.get("model name") or fields.get("Model") or "unknown"


def cpu_flags(root: Path = ROOT) -> frozenset[str]:
    """Return the instruction sets of the CPU.

    Parameters
    ----------
    root : pathlib.Path, optional
        Stands for ``/``.

    Returns
    -------
    frozenset of str
        As Linux names them.
    """
    fields = _cpu_fields(root)
    return frozenset((fields.get("flags") or fields.get("Features") or "").split())


def _cpu_fields(root: Path) -> dict[str, str]:
    try:
        text = (root / "proc/cpuinfo").read_text()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found


def conditions(root: Path = ROOT) -> Conditions:
    """Return what varies from run to run.

    Parameters
    ----------
    root : pathlib.Path, optional
        Stands for ``/``.

    Returns
    -------
    Conditions
        What cannot be read is missing, with its reason.
    """
    readers: dict[str, Callable[[Path], Any]] = {
        "load_1min": _load,
        "temperature_c": _temperatures,
        "clock_hz": _clocks,
        "power_source": _power_source,
        "turbo": _turbo,
        "cores": _cores,
    }
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, read in readers.items():
        try:
            found[name] = read(root)
        except (OSError, ValueError, IndexError) as error:
            missing[name] = _why(error)
    return Conditions(**found, missing=missing)


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _text(path: Path) -> str:
    return path.read_text().strip()


def _load(root: Path) -> float:
    return float(_text(root / "proc/loadavg").split()[0])


def _temperatures(root: Path) -> dict[str, float]:
    found = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        try:
            celsius = int(_text(zone / "temp")) / 1000
            found[f"{zone.name}/{_text(zone / 'type')}"] = celsius
        except (OSError, ValueError):
            continue
    for sensor in sorted((root / "sys/class/hwmon").glob("hwmon*/temp*_input")):
        try:
            name = f"{_text(sensor.parent / 'name')}/{sensor.name[:-6]}"
            found[name] = int(_text(sensor)) / 1000
        except (OSError, ValueError):
            continue
    if not found:
        raise ValueError("no thermal zone or hwmon sensor can be read")
    return found


def _clocks(root: Path) -> dict[str, float]:
    found = {}
    for core in sorted(os.sched_getaffinity(0)):
        path = root / f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq"
        if path.is_file():
            found[f"cpu{core}"] = int(_text(path)) * 1e3
    if not found:
        raise ValueError("there is no cpufreq in /sys/devices/system/cpu")
    return found


def _power_source(root: Path) -> str:
    """Return the source in use: mains unless only batteries feed the machine."""
    supplies = sorted((root / "sys/class/power_supply").glob("*"))
    kinds = {supply: _text(supply / "type") for supply in supplies}
    mains = [supply for supply, kind in kinds.items() if kind in ("Mains", "USB")]
    if any(_text(supply / "online") == "1" for supply in mains):
        return "mains"
    batteries = [supply for supply, kind in kinds.items() if kind == "Battery"]
    if any(_text(supply / "status") == "Discharging" for supply in batteries):
        return "battery"
    if batteries:
        return "mains"
    raise ValueError("no power supply is told of in /sys/class/power_supply")


def _turbo(root: Path) -> bool:
    cpu = root / "sys/devices/system/cpu"
    pstate = cpu / "intel_pstate/no_turbo"
    if pstate.is_file():
        return _text(pstate) == "0"
    boost = cpu / "cpufreq/boost"
    if boost.is_file():
        return _text(boost) == "1"
    raise ValueError("neither intel_pstate/no_turbo nor cpufreq/boost is there")


def _cores(root: Path) -> dict[str, int]:
    """Return the number of cores that this process may use, by kind."""
    kinds: dict[int, str] = {}
    devices = root / "sys/devices"
    for folder, kind in (("cpu_core", "performance"), ("cpu_atom", "efficient")):
        try:
            listed = _text(devices / folder / "cpus")
        except OSError:
            continue
        kinds.update(dict.fromkeys(_core_list(listed), kind))
    found: dict[str, int] = {}
    for core in sorted(os.sched_getaffinity(0)):
        kind = kinds.get(core) or _capacity(devices, core)
        found[kind] = found.get(kind, 0) + 1
    return found


def _capacity(devices: Path, core: int) -> str:
    """Return the kind of a core of an Arm machine, ``uniform`` elsewhere."""
    try:
        capacity = _text(devices / f"system/cpu/cpu{core}/cpu_capacity")
    except OSError:
        return "uniform"
    return f"capacity-{capacity}"


def _core_list(text: str) -> list[int]:
    """Return the numbers in a list such as ``0-3,8``.

    Examples
    --------
    >>> _core_list("0-2,8")
    [0, 1, 2, 8]
    """
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found
