"""A board's files follow the rules of a board, in memory and on a disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from measure.simulator.disk_tree import DiskTree
from measure.simulator.tree import BoardTree
from measure.simulator.tree_layouts import CPU, CPUQUIET, DEBUG, LAYOUTS

INA = "/sys/bus/i2c/drivers/ina3221x/1-0040/iio:device0"
POLICY = f"{CPU}/cpu0/cpufreq"


def text(tree: BoardTree, path: str) -> str:
    return tree.read(path).decode("latin-1").strip()


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_offline_core_has_no_cpufreq(name: str) -> None:
    tree = BoardTree(name)
    assert tree.exists(f"{CPU}/cpu3/cpufreq/scaling_max_freq")
    tree.write(f"{CPU}/cpu3/online", b"0\n")
    assert not tree.exists(f"{CPU}/cpu3/cpufreq/scaling_max_freq")
    assert 3 not in tree.online()
    if CPUQUIET in tree.files:
        tree.write(f"{CPU}/cpu3/online", b"1")
        assert 3 not in tree.online(), "cpuquiet is at work"
        tree.write(CPUQUIET, b"0")
    tree.write(f"{CPU}/cpu3/online", b"1")
    assert tree.exists(f"{CPU}/cpu3/cpufreq/scaling_max_freq")
    assert not tree.exists(f"{CPU}/cpu0/online")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_minimum_stays_below_its_maximum(name: str) -> None:
    tree = BoardTree(name)
    ladder = tree.layout.cpu_khz
    tree.write(f"{POLICY}/scaling_max_freq", f"{ladder[2]}".encode())
    with pytest.raises(OSError, match="Invalid argument"):
        tree.write(f"{POLICY}/scaling_min_freq", f"{ladder[3]}".encode())
    tree.write(f"{POLICY}/scaling_min_freq", f"{ladder[2]}".encode())
    assert tree.clocks().cpu_hz == 1000 * ladder[2]
    with pytest.raises(OSError, match="Invalid argument"):
        tree.write(f"{POLICY}/scaling_min_freq", b"fast")


def test_the_memory_clock_follows_the_cpu_until_it_is_overridden() -> None:
    tree = BoardTree("tx1-r32")
    now = f"{DEBUG}/clk/emc/clk_rate"
    low = text(tree, now)
    tree.write(f"{POLICY}/scaling_min_freq", b"1734000")
    assert (low, text(tree, now)) == ("68000000", "1600000000")
    tree.write(f"{DEBUG}/clk/override.emc/clk_update_rate", b"408000000")
    assert text(tree, now) == "1600000000"
    tree.write(f"{DEBUG}/clk/override.emc/clk_state", b"1")
    assert text(tree, now) == "408000000"


def test_a_gated_gpu_lies_about_its_clock() -> None:
    tree = BoardTree("tx1-r32")
    folder = "/sys/class/devfreq/57000000.gpu"
    tree.write(f"{folder}/min_freq", b"998400000")
    assert text(tree, f"{folder}/cur_freq") == "76800000"
    tree.write("/sys/devices/57000000.gpu/railgate_enable", b"0")
    assert text(tree, f"{folder}/cur_freq") == "998400000"


def test_rates_of_debugfs_are_listed_in_khz() -> None:
    tree = BoardTree("tx1-r24")
    rates = text(tree, f"{DEBUG}/clock/gbus/possible_rates")
    assert rates.startswith("76800 153600 ") and rates.endswith("998400 (kHz)")
    tree.write(tree.layout.railgate, b"0")
    tree.write(f"{DEBUG}/clock/override.gbus/rate", b"307200000")
    tree.write(f"{DEBUG}/clock/override.gbus/state", b"1")
    assert text(tree, f"{DEBUG}/clock/gbus/rate") == "307200000"


def test_the_power_sensor_moves_on_once_in_a_period() -> None:
    now = [0.0]
    tree = BoardTree("tx1-r32", lambda: now[0])
    seen = []
    for step in range(422):
        now[0] = step * 0.01
        seen.append(text(tree, f"{INA}/in_power0_input"))
    changes = sum(one != other for one, other in zip(seen, seen[1:], strict=False))
    assert 1 <= changes <= 9
    low = int(seen[-1])
    tree.write(f"{POLICY}/scaling_min_freq", b"1734000")
    now[0] += 1.0
    assert int(text(tree, f"{INA}/in_power0_input")) > low + 500


@pytest.mark.parametrize(
    ("fault", "reads"),
    [("swallowed", "1734000"), ("rounded", "714000"), ("behind", "1734000")],
)
def test_a_fault_can_be_put_on_a_file(fault: str, reads: str) -> None:
    tree = BoardTree("tx1-r32")
    path = tree.resolve(f"{POLICY}/scaling_max_freq")
    tree.faults[path] = fault
    tree.write(path, b"1020000")
    assert text(tree, path) == reads


@pytest.mark.parametrize("fault", ["EINVAL", "EACCES", "vanished"])
def test_a_fault_can_be_an_error(fault: str) -> None:
    tree = BoardTree("tx1-r32")
    path = tree.resolve(f"{POLICY}/scaling_max_freq")
    tree.faults[path] = fault
    with pytest.raises(OSError):
        tree.write(path, b"1020000")


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_files_on_a_disk_are_those_in_memory(name: str, tmp_path: Path) -> None:
    disk = DiskTree(tmp_path, name)
    for path, content in disk.tree.files.items():
        assert disk._place(path).read_bytes() == content
    for path in disk.tree.links:
        assert (tmp_path / path[1:]).is_dir()


def test_files_on_a_disk_behave_as_those_in_memory(tmp_path: Path) -> None:
    with DiskTree(tmp_path, "tx1-r32") as disk:
        before = disk.snapshot()
        cpu = tmp_path / CPU[1:]
        (cpu / "cpu2/online").write_text("0")
        assert within(5.0, lambda: not (cpu / "cpu2/cpufreq").exists())
        policy = cpu / "cpu0/cpufreq"
        (policy / "scaling_max_freq").write_text("51000\n")
        assert within(
            5.0, lambda: (policy / "scaling_max_freq").read_text() == "102000\n"
        )
        # In the wrong order and at once: what the kernel would refuse is undone.
        (policy / "scaling_min_freq").write_text("204000\n")
        assert within(
            5.0, lambda: (policy / "scaling_min_freq").read_text() == "102000\n"
        )
        (tmp_path / CPUQUIET[1:]).write_text("0\n")
        (cpu / "cpu2/online").write_text("1\n")
        assert within(5.0, lambda: (cpu / "cpu2/cpufreq").exists())
        (policy / "scaling_max_freq").write_text("1734000\n")
        time.sleep(0.05)
        (tmp_path / CPUQUIET[1:]).write_text("1\n")
        assert within(5.0, lambda: disk.snapshot() == before)


def test_what_a_look_has_missed_is_not_taken_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = DiskTree(tmp_path, "tx1-r32")
    before = disk.snapshot()
    online, quiet = tmp_path / f"{CPU[1:]}/cpu2/online", tmp_path / CPUQUIET[1:]
    quiet.write_text("0\n")
    online.write_text("0\n")
    disk.step()
    assert disk.tree.online() == [0, 1, 3]
    online.write_text("1\n")
    time.sleep(0.02)
    quiet.write_text("1\n")
    looks = []
    look = disk._look

    def late(found: dict[str, Any]) -> dict[str, Any]:
        fresh = look(found)
        looks.append(dict(fresh))
        if len(looks) == 1:
            # The core was written just after it had been looked at.
            del fresh[f"{CPU}/cpu2/online"]
        return fresh

    monkeypatch.setattr(disk, "_look", late)
    disk.step()
    assert len(looks) == 3
    assert disk.tree.online() == [0, 1, 2, 3] and disk.snapshot() == before
