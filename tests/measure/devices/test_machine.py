"""What is read of a machine, from trees of files that stand for one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from measure.devices import machine

Write = Callable[[Mapping[str, str]], Path]
CPU = "sys/devices/system/cpu"
SUPPLY = "sys/class/power_supply"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2})

    def write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        return tmp_path

    return write


def test_what_is_not_there_is_missing_with_its_reason(write: Write) -> None:
    found = machine.conditions(write({}))
    assert found.load_1min is None and found.turbo is None
    assert not found.temperature_c and not found.power_source
    wanted = {"load_1min", "temperature_c", "clock_hz", "power_source", "turbo"}
    assert set(found.missing) == wanted
    assert all(found.missing.values())
    assert found.cores == {"uniform": 3}


def test_a_laptop_tells_everything(write: Write) -> None:
    root = write(
        {
            "proc/loadavg": "1.25 0.9 0.5 2/300 1234",
            "sys/class/thermal/thermal_zone0/temp": "45500",
            "sys/class/thermal/thermal_zone0/type": "x86_pkg_temp",
            "sys/class/hwmon/hwmon1/name": "coretemp",
            "sys/class/hwmon/hwmon1/temp1_input": "47000",
            f"{CPU}/cpu0/cpufreq/scaling_cur_freq": "1800000",
            f"{CPU}/intel_pstate/no_turbo": "0",
            f"{SUPPLY}/AC/type": "Mains",
            f"{SUPPLY}/AC/online": "0",
            f"{SUPPLY}/BAT0/type": "Battery",
            f"{SUPPLY}/BAT0/status": "Discharging",
            "sys/devices/cpu_core/cpus": "0-1",
            "sys/devices/cpu_atom/cpus": "2",
        }
    )
    found = machine.conditions(root)
    assert not found.missing
    assert found.load_1min == 1.25
    assert found.temperature_c == {
        "thermal_zone0/x86_pkg_temp": 45.5,
        "coretemp/temp1": 47.0,
    }
    assert found.clock_hz == {"cpu0": 1.8e9}
    assert (found.power_source, found.turbo) == ("battery", True)
    assert found.cores == {"performance": 2, "efficient": 1}


@pytest.mark.parametrize(
    ("files", "source"),
    [
        ({"AC/type": "Mains", "AC/online": "1"}, "mains"),
        ({"BAT0/type": "Battery", "BAT0/status": "Full"}, "mains"),
    ],
)
def test_a_machine_on_mains_says_so(
    write: Write, files: dict[str, str], source: str
) -> None:
    root = write({f"{SUPPLY}/{name}": text for name, text in files.items()})
    assert machine.conditions(root).power_source == source


def test_turbo_of_other_drivers_is_read(write: Write) -> None:
    assert machine.conditions(write({f"{CPU}/cpufreq/boost": "0"})).turbo is False


def test_kinds_of_arm_cores_are_told_by_their_capacity(write: Write) -> None:
    capacities = {f"{CPU}/cpu{n}/cpu_capacity": c for n, c in enumerate("446")}
    assert machine.conditions(write(capacities)).cores == {
        "capacity-4": 2,
        "capacity-6": 1,
    }


def test_text_that_is_no_number_is_missing_not_a_crash(write: Write) -> None:
    assert "load_1min" in machine.conditions(write({"proc/loadavg": "x"})).missing


@pytest.mark.parametrize(
    ("text", "model", "flags"),
    [
        ("model name : A CPU\nflags : sse4_1 avx2", "A CPU", {"sse4_1", "avx2"}),
        ("Features : asimd\nModel : A board", "A board", {"asimd"}),
        ("", "unknown", set()),
    ],
)
def test_the_cpu_is_named_with_its_instruction_sets(
    write: Write, text: str, model: str, flags: set[str]
) -> None:
    root = write({"proc/cpuinfo": text})
    assert machine.cpu_model(root) == model
    assert machine.cpu_flags(root) == flags
