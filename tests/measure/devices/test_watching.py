"""One sampler for a run: what it saw, and what speaks against the run."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from measure.devices.probing import probe
from measure.devices.run_flags import clock_flags, power_flags
from measure.devices.sensors import find_rails
from measure.devices.transport import InProcessLink
from measure.devices.watching import (
    ClockSamples,
    Seen,
    Watch,
    begin,
    clock_files,
    drain,
    seen,
    spare_cores,
)
from measure.levels import Level
from measure.simulator.tree import BoardTree
from measure.simulator.tree_layouts import CPU, LAYOUTS
from tests.measure.devices.fake_board import TreeClock

ZONE = "/sys/devices/virtual/thermal/thermal_zone1/temp"
PERIOD_S = 0.422


def opened(name: str) -> tuple[BoardTree, InProcessLink, Watch]:
    clock = TreeClock()
    tree = BoardTree(name, clock.now)
    link = InProcessLink(tree, clock)
    actuators, _ = probe(link, name.partition("-")[0])
    watch = Watch(
        rails=tuple(find_rails(link, name.partition("-")[0]).values()),
        clocks=clock_files(actuators),
        zones={"CPU-therm": ZONE},
    )
    return tree, link, watch


def watched(link: InProcessLink, watch: Watch, seconds: float) -> Seen:
    begin(link, watch)
    link.clock.sleep(seconds)
    return seen(watch, drain(link, stop=True))


def clock(*hz: float) -> dict[str, ClockSamples]:
    times = np.arange(len(hz), dtype=float)
    return {"gpu_freq_hz": ClockSamples(times_s=times, hz=np.array(hz))}


@pytest.mark.parametrize("name", LAYOUTS)
def test_power_clocks_and_temperatures_come_from_one_sampler(name: str) -> None:
    tree, link, watch = opened(name)
    trace = watched(link, watch, 2.05)
    assert set(trace.clocks) == {"cpu_freq_hz", "gpu_freq_hz", "emc_freq_hz"}
    now = tree.clocks()
    for option, one in trace.clocks.items():
        assert len(one.hz) == 21, option
        told = {"cpu": now.cpu_hz, "gpu": now.gpu_hz, "emc": now.emc_hz}[option[:3]]
        assert set(one.hz) == {told}
    assert list(trace.power) == list(tree.layout.rails)
    assert all(len(power.times_s) == 21 for power in trace.power.values())
    # Seldom: once a second.
    assert trace.temperature_c == {"CPU-therm": (36.5, 36.5, 36.5)}
    assert trace.failed == {}


def test_samples_that_are_drained_on_the_way_are_all_there() -> None:
    _, link, watch = opened("tx1-r32")
    begin(link, watch)
    raw = []
    for _ in range(4):
        link.clock.sleep(0.5)
        raw.extend(drain(link))
    raw.extend(drain(link, stop=True))
    times = seen(watch, raw).times_s
    assert len(times) == 20 and np.allclose(np.diff(times), 0.1)


def test_clocks_that_stay_are_not_flagged() -> None:
    asked: dict[str, Level] = {
        "gpu_freq_hz": 998_400_000,
        "cpu_cores": 4,
        "backend": "graph",
    }
    assert clock_flags(clock(*[998_400_000] * 300), asked) == ()
    # A ladder and what a clock tells of itself differ a little.
    assert clock_flags(clock(*[998_900_000] * 300), asked) == ()
    # One in three hundred may be off.
    assert clock_flags(clock(*[998_400_000] * 299, 76_800_000), asked) == ()
    assert clock_flags(clock(76_800_000), {"cpu_freq_hz": 102_000_000}) == ()


@pytest.mark.parametrize(
    ("hz", "says"),
    [
        ([998.4e6] * 99 + [76.8e6], "1 % of samples off by more than 1 %"),
        ([921.6e6] * 50, "100 % of samples off .*921.6 MHz, asked 998.4 MHz"),
        ([998.4e6] * 99 + [np.nan], "1 % of samples not readable"),
        ([], "not sampled during the run"),
    ],
)
def test_a_clock_that_was_not_what_was_asked_for_is_flagged(
    hz: list[float], says: str
) -> None:
    (flag,) = clock_flags(clock(*hz), {"gpu_freq_hz": 998_400_000})
    with pytest.raises(ValueError, match=says):
        raise ValueError(flag)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_clock_that_falls_back_in_mid_run_is_flagged(name: str) -> None:
    tree, link, watch = opened(name)
    policy = f"{CPU}/cpu0/cpufreq"
    low, high = tree.layout.cpu_khz[0], tree.layout.cpu_khz[-1]
    tree.write(f"{policy}/scaling_min_freq", str(high).encode())
    asked: dict[str, Level] = {"cpu_freq_hz": 1000 * high}
    begin(link, watch)
    link.clock.sleep(9.9)
    tree.write(f"{policy}/scaling_min_freq", str(low).encode())
    link.clock.sleep(0.2)
    tree.write(f"{policy}/scaling_min_freq", str(high).encode())
    link.clock.sleep(9.9)
    trace = seen(watch, drain(link, stop=True))
    (flag,) = clock_flags(trace.clocks_between(0.0, 20.0), asked)
    assert "1 % of samples off by more than 1 %" in flag
    assert clock_flags(trace.clocks_between(0.0, 9.0), asked) == ()


def fail(tree: BoardTree, path: str, code: int, one_in: int = 1) -> None:
    """Let one in so many reads of a file fail."""
    real, count = tree.read, [0]
    place = tree.resolve(path)

    def read(path: str) -> bytes:
        if tree.resolve(path) == place:
            count[0] += 1
            if count[0] % one_in == 0:
                raise OSError(code, os.strerror(code), path)
        return real(path)

    tree.read = read  # type: ignore[method-assign]


def test_a_single_shot_that_is_not_ready_is_read_again() -> None:
    tree, link, watch = opened("tx1-r32")
    fail(tree, watch.rails[0].paths[0], errno.EAGAIN, one_in=2)
    trace = watched(link, watch, 10.0)
    assert trace.failed == {}
    assert power_flags(trace, "VDD_IN", PERIOD_S) == ()


@pytest.mark.parametrize("code", ["EAGAIN", "ENODATA", "EIO"])
def test_a_rail_that_cannot_be_read_is_missing_with_its_reason(code: str) -> None:
    tree, link, watch = opened("tx1-r32")
    fail(tree, watch.rails[0].paths[0], getattr(errno, code))
    trace = watched(link, watch, 10.0)
    assert trace.why_missing("VDD_IN") == f"VDD_IN could not be read: {code}"
    assert power_flags(trace, "VDD_IN", PERIOD_S) == (trace.why_missing("VDD_IN"),)
    assert trace.why_missing("VDD_CPU") == ""
    assert "no rail VDD_X" in trace.why_missing("VDD_X")


def test_a_third_of_the_reads_that_fail_is_flagged() -> None:
    tree, link, watch = opened("tx1-r32")
    fail(tree, watch.rails[0].paths[0], errno.EIO, one_in=3)
    flags = power_flags(watched(link, watch, 10.0), "VDD_IN", PERIOD_S)
    assert flags == ("33 % of the reads of VDD_IN failed (EIO)",)


def test_a_third_of_the_samples_that_are_not_there_is_flagged() -> None:
    _, link, watch = opened("tx1-r32")
    begin(link, watch)
    link.clock.sleep(12.0)
    raw = [one for number, one in enumerate(drain(link, stop=True)) if number % 3]
    flags = power_flags(seen(watch, raw), "VDD_IN", PERIOD_S)
    assert flags == ("33 % of the samples of VDD_IN are missing",)


def test_a_value_that_never_moves_is_flagged() -> None:
    tree, link, watch = opened("tx1-r32")
    held = dict(tree.files)
    tree._sense = lambda: tree.files.update(held)  # type: ignore[method-assign]
    (flag,) = power_flags(watched(link, watch, 10.0), "VDD_IN", PERIOD_S)
    assert flag.startswith("VDD_IN read the same for") and "stuck" in flag
    assert power_flags(watched(link, watch, 2.0), "VDD_IN", PERIOD_S) == ()


@pytest.mark.parametrize("name", LAYOUTS)
def test_sampling_is_on_other_cores_than_are_measured_where_there_are(
    name: str,
) -> None:
    tree, link, _ = opened(name)
    assert spare_cores(link) == ([1, 2] if name == "tx2" else [])
    if name == "tx2":
        tree.write(f"{CPU}/cpu1/online", b"0")
        assert spare_cores(link) == [2]
