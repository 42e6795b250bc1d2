"""Whatever goes wrong with what is read during a run: missing, or the run is flagged.

Each rail of each board, with either driver; and each clock.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from itertools import product

import pytest

from measure.configuration import Configuration
from measure.devices.base import Measurement
from measure.devices.jetson import JetsonDevice
from measure.simulator.tree import BoardTree
from measure.workloads.base import Timing
from tests.measure.devices.fake_board import FakeProgram, RunningLink, fake_board

BOARDS = ("tx1-r24", "tx1-r28", "tx1-r32", "tx2")
RESPONSES = {"VDD_IN": ("power_w", "energy_j", "energy_gross_j")} | {
    rail: (f"power_{rail[-3:].lower()}_w",)
    for rail in ("VDD_GPU", "VDD_CPU", "VDD_SYS_GPU", "VDD_SYS_CPU")
}
CLOCKS = ("cpu_freq_hz", "gpu_freq_hz", "emc_freq_hz")


def failing(code: str, one_in: int) -> Callable[[BoardTree, str], None]:
    """Let one in so many reads fail."""

    def put(tree: BoardTree, place: str) -> None:
        real, count = tree.read, [0]

        def read(path: str) -> bytes:
            if tree.resolve(path) == place:
                count[0] += 1
                if count[0] % one_in == 0:
                    number = getattr(errno, code)
                    raise OSError(number, os.strerror(number), path)
            return real(path)

        tree.read = read  # type: ignore[method-assign]

    return put


def stuck(tree: BoardTree, place: str) -> None:
    """Let a file hold what it holds now, for ever."""
    real, held = tree.read, tree.read(place)

    def read(path: str) -> bytes:
        return held if tree.resolve(path) == place else real(path)

    tree.read = read  # type: ignore[method-assign]


FAULTS: dict[str, tuple[Callable[[BoardTree, str], None], str]] = {
    "EAGAIN": (failing("EAGAIN", 1), "EAGAIN"),
    "ENODATA": (failing("ENODATA", 1), "ENODATA"),
    "gone": (failing("ENOENT", 1), "ENOENT"),
    "a third is lost": (failing("EIO", 3), "% of the reads of"),
    "stuck": (stuck, "its sensor is stuck"),
}


def measured(link: RunningLink, device: JetsonDevice) -> Measurement:
    levels = {n: device.space([n]).options[0].levels[-1] for n in CLOCKS}
    return device.run.measure(FakeProgram(), Configuration(levels), Timing())


@pytest.mark.parametrize(("name", "fault"), list(product(BOARDS, FAULTS)))
def test_a_fault_of_a_rail_is_a_missing_reading_or_a_flag(
    name: str, fault: str
) -> None:
    put, says = FAULTS[fault]
    probed = JetsonDevice("auto", link=fake_board(name, period_s=0.05))
    for rail, one in probed.instruments().rails.items():
        link = fake_board(name, period_s=0.05)
        device = JetsonDevice("auto", link=link)
        # What the sensor is like was found out before it broke.
        device.instruments()
        put(link.tree, link.tree.resolve(one.paths[0]))
        found = measured(link, device)
        assert any(rail in f and says in f for f in found.flags), (rail, found.flags)
        gone = fault in ("EAGAIN", "ENODATA", "gone")
        for reading in found.readings:
            if reading.name in RESPONSES[rail] and gone:
                assert reading.value is None and reading.reason, reading


@pytest.mark.parametrize("name", BOARDS)
def test_a_single_shot_that_is_not_ready_is_read_again_and_no_fault(name: str) -> None:
    link = fake_board(name, period_s=0.05)
    device = JetsonDevice("auto", link=link)
    rail, *_ = device.instruments().rails.values()
    failing("EAGAIN", 2)(link.tree, link.tree.resolve(rail.paths[0]))
    assert measured(link, device).flags == ()


@pytest.mark.parametrize("name", BOARDS)
def test_a_rail_that_is_not_there_is_missing_with_its_reason(name: str) -> None:
    link = fake_board(name, period_s=0.05)
    for path in [p for p in link.tree.files if p.endswith(("rail_name_0",))]:
        link.tree.files[path] = b"VDD_OTHER\n"
    device = JetsonDevice("auto", link=link)
    found = measured(link, device)
    missing = {one.name: one.reason for one in found.readings if one.value is None}
    assert missing and all(missing.values())


@pytest.mark.parametrize(("name", "option"), list(product((*BOARDS, "tk1"), CLOCKS)))
@pytest.mark.parametrize("code", ["ENOENT", "EIO"])
def test_a_clock_that_cannot_be_read_during_a_run_flags_it(
    name: str, option: str, code: str
) -> None:
    link = fake_board(name, period_s=0.05)
    device = JetsonDevice("auto", link=link)
    now = device.controls.actuators[option].now  # type: ignore[attr-defined]
    link.during = lambda: failing(code, 1)(link.tree, link.tree.resolve(now))
    flag, *_ = (f for f in measured(link, device).flags if option in f)
    assert "% of samples not readable" in flag


@pytest.mark.parametrize(("name", "option"), list(product((*BOARDS, "tk1"), CLOCKS)))
def test_a_clock_that_falls_back_in_mid_run_flags_it(name: str, option: str) -> None:
    link = fake_board(name, period_s=0.05)
    device = JetsonDevice("auto", link=link)
    actuator = device.controls.actuators[option]

    def fall() -> None:
        for path, text in actuator.writes(actuator.levels[0]):
            link.tree.write(path, text.encode())

    link.during = fall
    found = measured(link, device)
    assert any(
        flag.startswith(option) and "off by more than 1 %" in flag
        for flag in found.flags
    ), found.flags
    assert found.read_back[option] == actuator.levels[0]
