"""A board's options: set in the order that works, read back, put back."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from measure.devices.address import Address
from measure.devices.configured import configured
from measure.devices.jetson import USUAL, JetsonDevice
from measure.devices.settling import LevelRefused, settle
from measure.devices.transport import InProcessLink
from measure.errors import DeviceError, LevelError, RunFailed, WorkloadError
from measure.levels import Level
from measure.selection import select
from measure.simulator.disk_tree import DiskTree
from measure.simulator.tree import BoardTree
from measure.simulator.tree_layouts import CPU, DEBUG, LAYOUTS
from tests.measure.devices.fake_board import TreeClock


def board(name: str) -> tuple[BoardTree, JetsonDevice]:
    clock = TreeClock()
    tree = BoardTree(name, clock.now)
    return tree, JetsonDevice("auto", link=InProcessLink(tree, clock))


def content(tree: BoardTree) -> dict[str, bytes]:
    return {path: tree.files[path] for path in tree.settable if path in tree.files}


def corners(device: JetsonDevice) -> Iterator[dict[str, Level]]:
    """All combinations of the lowest, a middle and the highest level of each option."""
    options = device.space().options
    levels = [
        (o.levels[0], o.levels[len(o.levels) // 2], o.levels[-1]) for o in options
    ]
    for chosen in itertools.product(*levels):
        yield dict(zip(device.space().names, chosen, strict=True))


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_board_is_known_and_offers_cores_and_clocks(name: str) -> None:
    tree, device = board(name)
    assert device.name == name.partition("-")[0]
    assert device.space().names == USUAL
    offers = device.offers()
    assert offers["cpu_cores"].levels == (1, 2, 3, 4)
    assert offers["cpu_freq_hz"].levels == tuple(
        1000 * khz for khz in tree.layout.cpu_khz
    )
    assert offers["gpu_freq_hz"].levels == tree.layout.gpu_hz
    assert set(offers["emc_freq_hz"].levels) <= set(tree.layout.emc_hz)
    assert "performance" in offers["cpu_governor"].levels
    assert offers["power_mode"].available == (name in ("tx1-r32", "tx2"))


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_configuration_stands_and_is_put_back(name: str) -> None:
    tree, device = board(name)
    before = content(tree)
    for configuration in corners(device):
        with configured(device.controls, configuration):
            clocks = tree.clocks()
            assert clocks.cores == configuration["cpu_cores"]
            assert clocks.cpu_hz == configuration["cpu_freq_hz"]
            assert clocks.gpu_hz == configuration["gpu_freq_hz"]
            assert clocks.emc_hz == configuration["emc_freq_hz"]
            assert device.controls.read(USUAL) == configuration
        assert content(tree) == before


def test_configurations_in_any_order_without_restoring_between_them() -> None:
    tree, device = board("tx1-r32")
    before = content(tree)
    rows = list(corners(device))
    random.Random(0).shuffle(rows)
    for configuration in rows[:30]:
        device.controls.apply(configuration)
        assert device.controls.read(USUAL) == configuration
    device.close()
    assert content(tree) == before


def test_an_option_that_is_not_chosen_stays() -> None:
    tree, device = board("tx1-r32")
    with configured(device.controls, {"cpu_freq_hz": 1_020_000_000}):
        assert tree.clocks().gpu_hz == tree.layout.gpu_hz[0]
        assert tree.read(tree.layout.railgate) == b"1\n"


def test_a_clock_off_its_ladder_by_less_than_half_a_step_is_the_level() -> None:
    tree, device = board("tx1-r32")
    with configured(device.controls, {"cpu_freq_hz": 1_555_000_000}):
        path = f"{CPU}/cpu0/cpufreq/scaling_cur_freq"
        assert tree.read(path) == b"1555500\n"
        assert device.controls.read(["cpu_freq_hz"]) == {"cpu_freq_hz": 1_555_000_000}


def test_a_governor_and_the_low_power_cluster_are_choices() -> None:
    tree, device = board("tx1-r24")
    chosen: dict[str, Level] = {"cpu_governor": "performance"}
    with configured(device.controls, chosen):
        assert tree.clocks().cpu_hz == 1_734_000_000
    space = device.space(["cpu_cluster", "cpu_cores"])
    assert space.is_valid({"cpu_cluster": "low-power", "cpu_cores": 1})
    assert not space.is_valid({"cpu_cluster": "low-power", "cpu_cores": 4})
    with pytest.raises(LevelError, match="no level 'fast'"):
        device.controls.apply({"cpu_governor": "fast"})


def test_options_of_the_kernel_are_set_and_those_it_lacks_are_named() -> None:
    tree, device = board("tx1-r32")
    before = content(tree)
    chosen: dict[str, Level] = {
        "io_scheduler": "noop",
        "vm_swappiness": 10,
        "sched_latency_ns": 96_000_000,
    }
    with configured(device.controls, chosen):
        assert device.controls.read(chosen) == chosen
        scheduler = tree.read("/sys/block/mmcblk0/queue/scheduler")
        assert scheduler == b"[noop] deadline cfq \n"
    assert content(tree) == before
    _, old = board("tk1")
    assert "no /proc/sys/kernel/sched_" in old.offers()["sched_nr_migrate"].reason
    assert old.offers()["vm_swappiness"].available


FAULTY = {
    "cpu_cores": f"{CPU}/cpu2/online",
    "cpu_freq_hz": f"{CPU}/cpufreq/policy0/scaling_max_freq",
    "gpu_freq_hz": "/sys/devices/57000000.gpu/devfreq/57000000.gpu/min_freq",
    "emc_freq_hz": f"{DEBUG}/clk/override.emc/clk_update_rate",
    "cpu_governor": f"{CPU}/cpufreq/policy0/scaling_governor",
}
TWO: dict[str, tuple[Level, Level]] = {
    "cpu_cores": (2, 4),
    "cpu_freq_hz": (1_020_000_000, 510_000_000),
    "gpu_freq_hz": (460_800_000, 230_400_000),
    "emc_freq_hz": (800_000_000, 408_000_000),
    "cpu_governor": ("performance", "powersave"),
}
NUMBERS = ("cpu_freq_hz", "gpu_freq_hz", "emc_freq_hz")
CASES = [
    *itertools.product(FAULTY, ("swallowed", "behind", "EINVAL", "EACCES", "vanished")),
    *itertools.product(NUMBERS, ("rounded",)),
]


@pytest.mark.parametrize(("option", "fault"), CASES)
def test_a_level_that_is_not_taken_names_path_written_and_read(
    option: str, fault: str
) -> None:
    tree, device = board("tx1-r32")
    before = content(tree)
    path, (one, other) = FAULTY[option], TWO[option]
    tree.faults[path] = fault
    with pytest.raises(RunFailed) as raised:
        # Going up and down, so that one of the two is no level that stood before.
        for level in (one, other):
            with configured(device.controls, {option: level}):
                pass
    error = raised.value
    assert isinstance(error, LevelRefused)
    # Where only the clock itself betrays it, the clock is named.
    clock = device.controls.actuators[option]
    assert error.path in (*clock.paths, getattr(clock, "now", ""))
    assert error.written in str(error) and error.read in str(error)
    assert error.final == (fault != "vanished")
    tree.faults.clear()
    if fault == "vanished":
        tree.files[path] = before[path]
    device.link.ask("restore")
    assert content(tree) == before


def test_a_board_whose_file_cannot_be_put_back_says_so() -> None:
    tree, device = board("tx1-r32")
    with pytest.raises(DeviceError, match="could not be put back.*measure restore"):
        with configured(device.controls, {"cpu_freq_hz": 1_020_000_000}):
            tree.faults[FAULTY["cpu_freq_hz"]] = "EACCES"
    tree.faults.clear()
    assert device.link.ask("restore")["failed"] == []


def test_what_was_set_before_an_error_inside_is_put_back() -> None:
    tree, device = board("tx1-r32")
    before = content(tree)
    with pytest.raises(KeyboardInterrupt):
        with configured(device.controls, {"cpu_cores": 1, "emc_freq_hz": 408_000_000}):
            raise KeyboardInterrupt
    assert content(tree) == before


def test_a_level_must_stand_for_a_tenth_of_a_second() -> None:
    tree, device = board("tx1-r32")
    clock = device.link.clock
    path = f"{CPU}/cpufreq/policy0/scaling_cur_freq"
    checks = device.controls.actuators["cpu_freq_hz"].checks(1_020_000_000)[-1:]
    real = tree.read

    def late(asked: str) -> bytes:
        # The clock gets there after 0.3 s, and falls back once after 0.35 s.
        now = clock.now()
        if asked == path.replace("cpufreq/policy0", "cpu0/cpufreq"):
            there = 0.3 <= now < 0.35 or now >= 0.5
            return b"1020000\n" if there else b"102000\n"
        return real(asked)

    tree.read = late  # type: ignore[method-assign]
    settle(device.link, checks)
    assert 0.6 <= clock.now() <= 0.7
    start = clock.now()
    with pytest.raises(LevelRefused, match="wrote 510000, read 1020000"):
        settle(
            device.link,
            device.controls.actuators["cpu_freq_hz"].checks(510_000_000)[-1:],
        )
    assert clock.now() - start == pytest.approx(2.0, abs=0.05)


def test_a_nano_is_not_a_tx1() -> None:
    tree = BoardTree("tx1-r32")
    tree.files["/proc/device-tree/compatible"] = b"nvidia,p3448-0000\0nvidia,tegra210\0"
    with pytest.raises(DeviceError, match="Jetson Nano"):
        JetsonDevice("tx1", link=InProcessLink(tree))


def test_another_board_than_the_one_said_is_refused() -> None:
    with pytest.raises(DeviceError, match="is a tx2; say --device tx2"):
        JetsonDevice("tx1", link=InProcessLink(BoardTree("tx2")))


def test_a_machine_without_a_chip_is_no_board() -> None:
    tree = BoardTree("tx1-r32")
    for path in [p for p in tree.files if "tegra_chip_id" in p or "compatible" in p]:
        del tree.files[path]
    with pytest.raises(DeviceError, match="there is no Jetson"):
        JetsonDevice("auto", link=InProcessLink(tree))


def test_what_only_root_may_write_says_how() -> None:
    tree = BoardTree("tx1-r32")
    tree.settable = frozenset()
    device = JetsonDevice("tx1", link=InProcessLink(tree))
    assert device.space is not None
    for name in USUAL:
        assert "--sudo" in device.offers()[name].reason, name
    with pytest.raises(DeviceError, match="cpu_cores cannot be set: .*--sudo"):
        device.controls.apply({"cpu_cores": 1})


def test_who_is_not_root_is_told_what_root_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    tree = BoardTree("tk1")
    tree.settable = frozenset()
    told = JetsonDevice("tk1", link=InProcessLink(tree)).describe()
    assert told["can be set"].startswith("0 of ") and "--sudo" in told["can be set"]
    assert "not as root" in told["agent"]
    assert "no INA3221" in told["power"]


def test_files_that_are_absent_are_options_that_are_missing() -> None:
    tree = BoardTree("tx1-r32")
    gone = [p for p in tree.files if "emc" in p or p in ("/proc/loadavg",)]
    for path in gone:
        del tree.files[path]
    device = JetsonDevice("tx1", link=InProcessLink(tree))
    assert "no override of the memory clock" in device.offers()["emc_freq_hz"].reason
    assert device.space().names == USUAL[:3]
    conditions = device.conditions()
    assert conditions.load_1min is None and conditions.missing["load_1min"]
    assert conditions.temperature_c["CPU-therm"] == 36.5
    assert "PMIC-Die" not in conditions.temperature_c


def test_a_board_without_programs_says_so() -> None:
    _, device = board("tx2")
    assert device.networks() == {}
    with pytest.raises(WorkloadError, match="nothing to run on it"):
        device.environment("resnet50", "images")
    with pytest.raises(WorkloadError, match="no network can be run on it yet"):
        select(device)


@pytest.mark.parametrize("name", ["tx1-r24", "tx1-r32"])
def test_a_live_board_on_a_disk_is_set_and_put_back(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with DiskTree(tmp_path / "root", name) as disk:
        before = disk.snapshot()
        where = Address(sysfs_root=str(disk.folder))
        with JetsonDevice("tx1", where) as device:
            rows = list(corners(device))
            for configuration in random.Random(1).sample(rows, 3):
                with configured(device.controls, configuration):
                    assert device.controls.read(USUAL) == configuration
                assert disk.snapshot() == before
            # The agent dies while a configuration is held.
            with pytest.raises(RunFailed, match="link to .* lost"):
                with configured(device.controls, rows[0]):
                    subprocess.run(["kill", "-9", str(device.link.hello["pid"])])
                    device.link.ask("beat")
            assert disk.snapshot() != before
            with configured(device.controls, rows[-1]):
                assert device.controls.read(USUAL) == rows[-1]
        assert disk.snapshot() == before
