"""What a run on a board costs beside measuring, and what the agent takes meanwhile."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measure.configuration import Configuration
from measure.devices.address import Address
from measure.devices.board_course import course_of
from measure.devices.board_programs import Calls
from measure.devices.copying import copy_bytes
from measure.devices.jetson import JetsonDevice
from measure.devices.opening import open_device
from measure.devices.settling import STABLE_S
from measure.devices.transport import AgentLink, Link, Reply
from measure.devices.watching import begin, drain
from measure.levels import Level
from measure.workloads.base import Timing
from tests.measure.devices.fake_board import FakeProgram

RUNS, SIM_RUNS, WATCH_S, MODEL_BYTES = 20, 40, 20.0, 16_000_000
_LOAD = """
import json, sys, time
start = time.monotonic()
while time.monotonic() - start < float(sys.argv[1]):
    pass
print(json.dumps({"calls_s": [0.01] * 10}))
"""
"""It tells no window: that is not measured again, longer."""


_BOARD = """
import sys, time
from pathlib import Path
from measure.simulator.disk_tree import DiskTree
from tests.measure.devices.fake_board import board_tree
with DiskTree(Path(sys.argv[1]), board_tree("tx1-r32", time.monotonic, 0.02)):
    print("alive", flush=True)
    time.sleep(3600.0)
"""
"""Its sensor is fast, so that rests are short."""


class _Load(FakeProgram):
    """A program that keeps a core busy; it knows how long it took."""

    took_s = 0.0

    def copy(self, link: Link) -> None:
        pass

    def argv(
        self, configuration: Mapping[str, Level], **words: Any
    ) -> list[str]:  # type: ignore[override]
        return [sys.executable, "-S", "-c", _LOAD, str(words["window_s"])]

    def calls(self, reply: Reply) -> Calls:
        self.took_s = reply["stop_s"] - reply["start_s"]
        return super().calls(reply)


def costs(folder: Path) -> dict[str, float]:
    """Measure a board that is files, and a simulated one.

    Files of a kernel are in memory, so these are, where there is a place for that: a
    disk takes ten milliseconds to cut one off before it is written.
    """
    with TemporaryDirectory(dir=_memory(folder)) as name, _board(Path(name)) as root:
        with JetsonDevice("tx1", Address(sysfs_root=str(root))) as device:
            found = {"overhead_s": _overhead_s(device)}
            assert isinstance(device.link, AgentLink)
            copy_bytes(device.link, random.Random(0).randbytes(MODEL_BYTES))
            pid = device.link.hello["pid"]
            found["cpu_share"] = _cpu_share(device, pid)
            found["memory_mb"] = _peak_mb(pid)
    return {**found, **_simulated()}


def _memory(folder: Path) -> Path:
    """Return a folder whose files are in memory, else another."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else folder


@contextmanager
def _board(root: Path) -> Iterator[Path]:
    """A board that lives in a process of its own, as a kernel does."""
    words = [sys.executable, "-c", _BOARD, str(root)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield root
    finally:
        process.kill()
        process.communicate()


def _overhead_s(device: JetsonDevice) -> float:
    """Time of a run beside rests, the program, and the time a level must stand."""
    draw, timing, program = random.Random(0), Timing(seconds=0.05), _Load()
    options = device.space().options
    course = course_of(timing, device.instruments().period_s)
    took = []
    for _ in range(RUNS):
        levels = Configuration({o.name: draw.choice(o.levels) for o in options})
        start = time.perf_counter()
        device.run.measure(program, levels, timing)
        spent = time.perf_counter() - start
        took.append(spent - STABLE_S - 2.0 * course.rest_s - program.took_s)
    return statistics.median(took)


def _cpu_share(device: JetsonDevice, pid: int) -> float:
    """Share of a core that sampling all rails and clocks at 10 Hz takes."""
    begin(device.link, device.instruments().watch(0.1))
    used, start = _cpu_s(pid), time.monotonic()
    time.sleep(WATCH_S)
    share = (_cpu_s(pid) - used) / (time.monotonic() - start)
    drain(device.link, stop=True)
    return share


def _simulated() -> dict[str, float]:
    """Real time of a simulated run, and the longest."""
    draw, timing, took = random.Random(0), Timing(), []
    with open_device("sim:tx1") as device:
        options = device.space().options
        for _ in range(SIM_RUNS):
            levels = Configuration({o.name: draw.choice(o.levels) for o in options})
            start = time.perf_counter()
            device.measure("alexnet", "images", levels, timing)
            took.append(time.perf_counter() - start)
    return {"sim_run_s": statistics.median(took), "sim_longest_s": max(took)}


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/schedstat").read_text().split()
    return int(fields[0]) / 1e9


def _peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024.0
    return float("nan")
