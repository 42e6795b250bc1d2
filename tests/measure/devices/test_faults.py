"""Whatever goes wrong with what is written: a named error, and the board put back.

Each option of each board, each of its files, each fault. What a fault leaves as it
would be without it is no fault; all else must be told.
"""

from __future__ import annotations

import os
import signal
from itertools import product
from pathlib import Path

import pytest

from measure.devices import settling
from measure.devices.actuators import Actuator, apply, available, restore
from measure.devices.address import Address
from measure.devices.board_agent import Agent, Clock, Disk, MemoryJournal
from measure.devices.idling import still
from measure.devices.power_mode import PowerMode, parse_modes
from measure.devices.probing import identify, probe
from measure.devices.settling import LevelRefused
from measure.devices.transport import AgentLink, InProcessLink
from measure.levels import Level
from measure.simulator.disk_tree import DiskTree
from measure.simulator.tree import FAULTS, BoardTree
from measure.simulator.tree_layouts import LAYOUTS
from measure.simulator.tree_modes import PROGRAM
from tests.measure.devices.fake_board import TreeClock


def opened(name: str) -> tuple[BoardTree, InProcessLink, dict[str, Actuator]]:
    clock = TreeClock()
    tree = BoardTree(name, clock.now)
    link = InProcessLink(tree, clock)
    found, _ = probe(link, identify(link).word)
    return tree, link, {one.name: one for one in found}


def content(tree: BoardTree) -> dict[str, bytes]:
    return {path: tree.files[path] for path in tree.settable if path in tree.files}


OPTIONS = [(name, option) for name in LAYOUTS for option in opened(name)[2]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    # The board's clock jumps: look seldom, and give up soon.
    monkeypatch.setattr(settling, "EVERY_S", 0.05)


def course(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """There and back again: one of them is no level that stood before."""
    middle = levels[len(levels) // 2]
    return (levels[-1], middle, levels[0])


def test_every_board_has_every_kind_of_option() -> None:
    by_board = {name: set(opened(name)[2]) for name in LAYOUTS}
    common = {"cpu_cores", "cpu_freq_hz", "gpu_freq_hz", "emc_freq_hz"}
    common |= {"cpu_governor", "cpu_idle", "io_scheduler", "vm_swappiness"}
    assert all(common <= found for found in by_board.values())
    with_mode = {name for name, found in by_board.items() if "power_mode" in found}
    assert with_mode == {"tx1-r32", "tx2"}
    assert {n for n, found in by_board.items() if "fan_pwm" not in found} == {"tk1"}
    assert {n for n, f in by_board.items() if "gpu_railgate" not in f} == {"tk1"}
    clusters = {n for n, found in by_board.items() if "cpu_cluster" in found}
    assert clusters == {"tx1-r24", "tk1"}


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_each_level_stands_and_is_put_back(name: str, option: str) -> None:
    tree, link, actuators = opened(name)
    actuator, before = actuators[option], content(tree)
    assert available(link, actuator) == ""
    assert actuator.meaning or option.startswith(("vm_", "sched_", "io_"))
    for level in actuator.levels:
        apply(link, [(actuator, level)])
        assert actuator.read() == level
        restore(link, [actuator])
        assert content(tree) == before, level


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_a_fault_is_told_or_is_none(name: str, option: str) -> None:
    _, _, healthy = opened(name)
    told = 0
    for path, fault in product(healthy[option].paths, FAULTS):
        tree, link, actuators = opened(name)
        twin, other, sound = opened(name)
        actuator, before = actuators[option], content(tree)
        real = tree.resolve(path)
        if fault == "rounded" and not before[real].strip().isdigit():
            continue
        tree.faults[real] = fault
        where = f"{option}, {path}, {fault}"
        for level in course(actuator.levels):
            apply(other, [(sound[option], level)])
            try:
                apply(link, [(actuator, level)])
            except LevelRefused as error:
                told += 1
                assert error.path and error.written in str(error), where
                assert error.read in str(error), where
                assert error.final == (real in tree.files), where
                break
            assert content(tree) == content(twin), where
        # What the fault did not let be put back stays in the journal.
        tree.faults.clear()
        if fault == "vanished":
            tree.files.setdefault(real, before[real])
        assert link.ask("restore")["failed"] == [], where
        assert content(tree) == before, where
    assert told >= 4


@pytest.mark.parametrize("name", ["tx1-r32", "tx2"])
def test_a_clock_beyond_the_limit_of_a_power_mode_wins_and_both_are_put_back(
    name: str,
) -> None:
    tree, link, actuators = opened(name)
    before = content(tree)
    mode, cores = actuators["power_mode"], actuators["cpu_cores"]
    clock, memory = actuators["cpu_freq_hz"], actuators["emc_freq_hz"]
    most = [(clock, clock.levels[-1]), (memory, memory.levels[-1])]
    apply(link, [(mode, mode.levels[-1]), (cores, 4), *most])
    assert tree.clocks().cpu_hz == clock.levels[-1] and tree.clocks().cores == 4
    assert tree.clocks().emc_hz == memory.levels[-1]
    assert mode.read() == mode.levels[-1]
    assert link.ask("restore")["failed"] == []
    assert content(tree) == before


def test_a_gpu_whose_rail_may_be_off_is_read_back_before_that() -> None:
    tree, link, actuators = opened("tx1-r32")
    clock, gate = actuators["gpu_freq_hz"], actuators["gpu_railgate"]
    apply(link, [(gate, True), (clock, 998_400_000)])
    assert gate.read() is True and clock.read() == 76_800_000
    assert tree.read(f"{tree.layout.gpu}/min_freq") == b"998400000\n"


def test_the_idle_states_of_a_core_that_is_offline_have_no_say() -> None:
    tree, link, actuators = opened("tx2")
    before = content(tree)
    apply(link, [(actuators["cpu_cores"], 1), (actuators["cpu_idle"], False)])
    assert actuators["cpu_idle"].read() is False
    off = "/sys/devices/system/cpu/cpu4/cpuidle/state1/disable"
    assert tree.read(off) == b"0\n"
    assert link.ask("restore")["failed"] == [] and content(tree) == before


def test_a_fan_that_no_sweep_sets_is_held_at_full_speed() -> None:
    for name in LAYOUTS:
        tree, link, _ = opened(name)
        before = content(tree)
        apply(link, still(link))
        duty = [tree.files[p] for p in tree.files if p.endswith("/target_pwm")]
        assert duty == ([] if name == "tk1" else [b"255\n"])
        assert link.ask("restore")["failed"] == [] and content(tree) == before


@pytest.mark.parametrize("name", ["tx1-r32", "tx2"])
def test_a_power_mode_is_set_by_its_program_on_a_live_board(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with DiskTree(tmp_path / "root", name) as disk:
        before = disk.snapshot()
        where = Address(sysfs_root=str(disk.folder))
        link = AgentLink(where)
        found, _ = probe(link, name.partition("-")[0])
        mode = found[0]
        apply(link, [(mode, mode.levels[-1])])
        assert mode.read() == mode.levels[-1]
        assert len(disk.tree.online()) == 4 - 2 * (name != "tx2")
        os.kill(link.hello["pid"], signal.SIGKILL)
        # The next agent sets the old mode, and then what it moves.
        AgentLink(where).close()
        assert disk.snapshot() == before
        link.close()


def test_a_program_that_fails_or_says_nothing_is_named(tmp_path: Path) -> None:
    program = tmp_path / PROGRAM[1:]
    program.parent.mkdir(parents=True)
    agent = Agent(Disk(str(tmp_path)), MemoryJournal(), Clock())
    request = {"do": "write", "items": [[PROGRAM, "1"]]}
    program.write_text(
        "#!/bin/sh\n[ $1 = -q ] && echo 0 && exit\necho no way; exit 3\n"
    )
    program.chmod(0o755)
    failed = agent.handle(request)["failed"]
    assert (failed["errno"], failed["error"]) == ("EINVAL", "no way")
    program.write_text("#!/bin/sh\necho NV Power Mode: MAXN\n")
    (entry,) = agent.handle({"do": "read", "paths": [PROGRAM]})["files"]
    assert entry["errno"] == "EIO" and "tells no mode" in entry["error"]
    # It is called, never written.
    assert program.read_text().startswith("#!/bin/sh")


def test_under_sudo_no_program_of_another_root_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DiskTree(tmp_path, "tx2")
    monkeypatch.setenv("SUDO_UID", "1000")
    with pytest.raises(PermissionError, match="not run under sudo"):
        Disk(str(tmp_path)).read(PROGRAM)


def test_the_limit_of_a_core_that_a_mode_takes_off_is_not_looked_for() -> None:
    tree, link, _ = opened("tx2")
    folder = "/sys/devices/system/cpu/cpu1"
    modes = parse_modes(f"""< PARAM TYPE=FILE NAME=CPU_ONLINE >
        CORE_1 {folder}/online
        < PARAM TYPE=CLOCK NAME=CPU_DENVER_0 >
        MAX_FREQ {folder}/cpufreq/scaling_max_freq
        < POWER_MODEL ID=0 NAME=MAXN >
        CPU_ONLINE CORE_1 1
        CPU_DENVER_0 MAX_FREQ 2035200
        < POWER_MODEL ID=1 NAME=MAXQ >
        CPU_ONLINE CORE_1 0
        CPU_DENVER_0 MAX_FREQ 1200000""")
    mode = PowerMode(link, PROGRAM, modes)
    limit = f"{folder}/cpufreq/scaling_max_freq"
    assert limit in [check.path for check in mode.checks("MAXN")]
    assert limit not in [check.path for check in mode.checks("MAXQ")]
    apply(link, [(mode, "MAXQ")])
    assert not tree.exists(limit) and mode.read() == "MAXQ"
