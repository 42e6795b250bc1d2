"""Sensors of a board: power by rail, temperature by zone, tegrastats."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from measure.devices import sensors
from measure.devices.actuators import apply
from measure.devices.address import Address
from measure.devices.sensors import (
    PARTS,
    TOTAL,
    Rail,
    find_rails,
)
from measure.devices.tegrastats import parse_line
from measure.devices.transport import AgentLink, InProcessLink, Link
from measure.devices.watching import Watch, begin, drain, seen
from measure.energy import energy_of
from measure.power_samples import Samples
from measure.simulator.tree import BoardTree
from tests.measure.devices.fake_board import TreeClock

HWMON = "/sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon2"


def opened(name: str = "tx1-r32") -> tuple[BoardTree, InProcessLink]:
    clock = TreeClock()
    tree = BoardTree(name, clock.now)
    return tree, InProcessLink(tree, clock)


def with_hwmon() -> tuple[BoardTree, InProcessLink]:
    """A board with mainline's driver: more channels than rails, and no power."""
    tree, link = opened()
    for path in [p for p in tree.files if "iio:device" in p]:
        del tree.files[path]
    tree.layout = None  # type: ignore[assignment]
    tree._sense = lambda: None  # type: ignore[method-assign]
    names = ("VDD_IN", "VDD_GPU", "VDD_CPU", "shunt", "shunt", "shunt", "sum of shunt")
    for number, name in enumerate(names, 1):
        tree.files[f"{HWMON}/in{number}_label"] = f"{name}\n".encode()
        tree.files[f"{HWMON}/in{number}_input"] = b"19120\n"
        tree.files[f"{HWMON}/curr{number}_input"] = b"200\n"
        tree.files[f"{HWMON}/shunt{number}_resistor"] = b"20000\n"
    return tree, link


def watch(
    link: Link, rails: list[Rail], seconds: float, every_s: float
) -> tuple[dict[str, Samples], dict[str, int]]:
    watched = Watch(rails=tuple(rails), every_s=every_s)
    begin(link, watched)
    link.clock.sleep(seconds)
    found = seen(watched, drain(link, stop=True))
    failed = {rail.name: found.failed.get(rail.name, {}) for rail in rails}
    return dict(found.power), {name: sum(why.values()) for name, why in failed.items()}


def test_rails_are_found_by_name_with_either_driver() -> None:
    for _, link in (opened(), with_hwmon()):
        rails = find_rails(link, "tx1")
        assert list(rails) == ["VDD_IN", "VDD_GPU", "VDD_CPU"]
        assert rails[TOTAL["tx1"]].shunt_ohm == 0.02
        samples, lost = watch(link, list(rails.values()), 1.0, 0.1)
        assert len(samples["VDD_IN"].times_s) in (10, 11) and lost["VDD_IN"] == 0
        assert 1.0 < samples["VDD_IN"].power_w.mean() < 4.0
    assert {name for names in PARTS.values() for name in names} >= {"VDD_GPU"}


def test_a_board_without_a_sensor_has_no_rails() -> None:
    _, link = opened("tk1")
    assert find_rails(link, "tk1") == {}


def test_the_mode_of_the_sensor_is_pinned_and_put_back() -> None:
    tree, link = opened()
    (mode,) = sensors.pin_mode(link)
    before = mode.read()
    apply(link, [(mode, True)])
    assert (before, mode.read()) == (False, True)
    link.close()
    assert tree.read(mode.path) == b"0\n"


def test_a_read_that_fails_is_a_lost_sample() -> None:
    tree, link = opened()
    rail = find_rails(link, "tx1")["VDD_IN"]
    real, count = tree.read, [0]

    def often_broken(path: str) -> bytes:
        count[0] += 1
        if path in rail.paths and count[0] % 3 == 0:
            raise OSError(5, "Input/output error", path)
        return real(path)

    tree.read = often_broken  # type: ignore[method-assign]
    samples, lost = watch(link, [rail], 3.0, 0.1)
    assert 9 <= lost["VDD_IN"] <= 11 and 19 <= len(samples["VDD_IN"].times_s) <= 21


def test_the_update_period_is_measured_and_gives_an_energy() -> None:
    tree, link = opened()
    rng = np.random.default_rng(0)
    idle = tree.power

    def lively(clocks: object) -> object:
        power = idle(clocks)  # type: ignore[arg-type]
        extra = float(rng.uniform(0.0, 1.0))
        return type(power)(total_w=power.total_w + extra, gpu_w=0.1, cpu_w=0.1)

    tree.power = lively  # type: ignore[assignment]
    rail = find_rails(link, "tx1")["VDD_IN"]
    samples, _ = watch(link, [rail], 30.0, 0.02)
    sensor = sensors.sensor_of(rail, samples["VDD_IN"], 19.1)
    assert sensor.period_s == pytest.approx(0.422, abs=0.02)
    assert sensor.step_w == pytest.approx(0.0382)
    start = float(samples["VDD_IN"].times_s[0])
    energy = energy_of(samples["VDD_IN"], start + 1.0, start + 21.0, sensor)
    mean = float(samples["VDD_IN"].power_w.mean())
    assert energy.gross_j == pytest.approx(20.0 * mean, rel=0.05)


def test_zones_are_known_by_type_and_throttling_by_what_is_not_a_fan() -> None:
    tree, link = opened()
    assert sensors.temperatures(link)["GPU-therm"] == 36.5
    assert "PMIC-Die" not in sensors.temperatures(link)
    assert sensors.throttling(link) == {}
    folder = "/sys/devices/virtual/thermal/cooling_device"
    for number, (kind, state) in enumerate(
        (("pwm-fan", 3), ("GPU-cap", 1), ("cpu-balanced", 0))
    ):
        tree.files[f"{folder}{number}/type"] = f"{kind}\n".encode()
        tree.files[f"{folder}{number}/cur_state"] = f"{state}\n".encode()
    assert sensors.throttling(link) == {"GPU-cap": 1}


OLD = (
    "RAM 3468/3983MB (lfb 48x4MB) SWAP 873/8192MB (cached 295MB) "
    "cpu [17%,13%,29%,5%]@408 EMC 1%@408 APE 25 GR3D 3%@76"
)
TK1 = "RAM 598/1892MB (lfb 209x4MB) cpu [0%,off,off,off]@-1 VDE 0 EDP limit 0"
TX2 = (
    "RAM 1633/7853MB (lfb 1197x4MB) CPU [65%@960,off,off,28%@960,21%@960,16%@960] "
    "EMC_FREQ 8%@665 GR3D_FREQ 0%@140 MSENC 115 NVDEC 268 APE 150 BCPU@36.5C "
    "PMIC@100C VDD_IN 2455/2455 VDD_CPU 306/306"
)
NEW = (
    "12-27-2022 13:48:01 RAM 2/7MB CPU [1%@729,2%@729] EMC_FREQ 0%@2133 "
    "GR3D_FREQ 0%@[510] CPU@48.2C VDD_IN 5079mW/5079mW"
)


def test_lines_of_every_release_are_understood() -> None:
    old, tk1, tx2, new = map(parse_line, (OLD, TK1, TX2, NEW))
    assert old.cpu_load == (0.17, 0.13, 0.29, 0.05)
    assert (old.emc_hz, old.gpu_hz, old.cpu_hz[0]) == (408e6, 76e6, 408e6)
    assert tk1.cpu_hz == (None,) * 4 and tk1.gpu_hz is None
    assert tx2.cpu_hz[:2] == (960e6, None) and tx2.gpu_hz == 140e6
    assert tx2.power_w == {"VDD_IN": 2.455, "VDD_CPU": 0.306}
    assert tx2.temperature_c == {"BCPU": 36.5}
    assert (new.power_w["VDD_IN"], new.gpu_hz) == (5.079, 510e6)
    assert parse_line("") == parse_line("nonsense")


SCRIPT = """#!/bin/sh
[ "$1" = --interval ] {refuse}
n=2000
while :; do
    n=$((n + 7))
    echo "RAM 1/2MB CPU [1%@729] GR3D_FREQ 0%@140 VDD_IN $n/2 VDD_SYS_GPU 306/306"
    sleep 0.02
done
"""


@pytest.mark.parametrize("refuse", ["|| sleep 60", "&& exit 1"])
def test_where_no_file_tells_power_lines_of_tegrastats_do(
    refuse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    program = tmp_path / "root/usr/bin/tegrastats"
    program.parent.mkdir(parents=True)
    program.write_text(SCRIPT.format(refuse=refuse))
    program.chmod(0o755)
    link = AgentLink(Address(sysfs_root=str(tmp_path / "root")))
    rails = find_rails(link, "tx2")
    assert list(rails) == ["VDD_IN", "VDD_SYS_GPU"]
    samples, lost = watch(link, list(rails.values()), 1.0, 0.02)
    power = samples["VDD_IN"].power_w
    assert 2.0 < power[0] < power[-1] < 3.0 and len(set(power)) > 10
    assert set(samples["VDD_SYS_GPU"].power_w) == {0.306}
    # It needs a moment until its first line.
    assert lost["VDD_IN"] < 0.5 * len(power)
    # Whatever ends a watch ends the program.
    begin(link, Watch(rails=tuple(rails.values()), every_s=0.02))
    link.close()
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True)
    assert str(program) not in running.stdout


def test_a_tegrastats_that_says_nothing_is_no_sensor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    program = tmp_path / "root/usr/bin/tegrastats"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    link = AgentLink(Address(sysfs_root=str(tmp_path / "root")))
    assert find_rails(link, "tx2") == {}
    link.close()
