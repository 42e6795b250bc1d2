"""Any command, measured on this machine in fresh processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from measure.configuration import Configuration
from measure.designs.making import make_design
from measure.devices.base import Device
from measure.devices.command_host import CommandDevice
from measure.devices.host_power import HostPower
from measure.devices.opening import open_device
from measure.errors import DeviceError, RunFailed, WorkloadError
from measure.planning import make_plan
from measure.protocol import MeasurementProtocol
from measure.workloads.base import Timing
from tests.contracts.devices import DeviceContract
from tests.measure.devices.test_rapl import burning, tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures on Linux")

SPACE: dict[str, dict[str, Any]] = {
    "options": {
        "delay": {"kind": "numeric", "levels": [0.01, 0.02]},
        "mode": {"kind": "categorical", "levels": ["fast", "slow"], "default": "fast"},
    }
}
COMMAND = "sh -c 'sleep $0; echo $1 took $0 s' {delay} {mode}"
QUICK = Timing(seconds=0.01, min_calls=1, quick=True)
PAIR = ("command", "own")


class TestCommandDevice(DeviceContract):
    @pytest.fixture
    def device(self) -> Iterator[Device]:
        delay = {**SPACE["options"]["delay"], "default": 0.01}
        space = {"options": {**SPACE["options"], "delay": delay}}
        with CommandDevice(COMMAND, space=space) as device:
            yield device


def measure(device: Device, timing: Timing = QUICK, **levels: Any) -> Any:
    return device.measure(*PAIR, Configuration(levels), timing)


def test_latency_is_the_wall_time_of_the_command() -> None:
    with CommandDevice(COMMAND, space=SPACE) as device:
        found = measure(device, delay=0.02, mode="fast")
    assert all(0.02 < value < 1.0 for value in found.calls_s)
    assert found.cpu_time_s > 0
    assert found.read_back == {"delay": None, "mode": None}
    assert "does not tell" in found.read_back_reason["delay"]
    assert {reading.name for reading in found.readings} >= {"energy_j"}


def test_latency_is_what_the_pattern_finds() -> None:
    with CommandDevice(COMMAND, r"(?P<ms>\S+) s", SPACE) as device:
        found = measure(device, delay=0.01, mode="fast")
    assert set(found.calls_s) == {0.01e-3}


def test_a_name_that_the_machine_knows_needs_no_file() -> None:
    with CommandDevice("echo {batch_size}") as device:
        assert device.offers()["batch_size"].levels == (1, 8)
        assert measure(device, batch_size=8).batch_size == 8


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("echo {delay} {mode} {size}", "{size} names no option"),
        ("echo {delay}", "'mode' is set by no one"),
        ("no-such-program {delay} {mode}", "not on the PATH"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is(
    command: str, reason: str
) -> None:
    with pytest.raises(WorkloadError, match=reason):
        CommandDevice(command, space=SPACE)


def test_an_environment_tells_commands_and_programs_apart(tmp_path: Path) -> None:
    program = tmp_path / "bench"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    with CommandDevice("./bench", folder=str(tmp_path)) as device:
        one = device.environment(*PAIR)
        assert measure(device).calls_s
    with CommandDevice("./bench -v", folder=str(tmp_path)) as device:
        other = device.environment(*PAIR)
    program.write_text("#!/bin/sh\n# changed\n")
    with CommandDevice("./bench", folder=str(tmp_path)) as device:
        changed = device.environment(*PAIR)
    assert one.version == other.version == "bench"
    assert len({one.key, other.key, changed.key}) == 3
    assert "tensorflow" not in one.fingerprint and one.fingerprint["kernel"]


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_began() -> None:
    command = "sh -c 'sleep 77 & echo $!; wait'"
    with CommandDevice(command) as device:
        start = time.monotonic()
        with pytest.raises(RunFailed, match="time limit") as failure:
            measure(device, Timing(seconds=0.1, time_limit_s=0.5))
    assert failure.value.final and time.monotonic() - start < 5
    left = subprocess.run(["pgrep", "-f", "^sleep 77$"], capture_output=True, text=True)
    mine = [p for p in left.stdout.split() if _group(int(p)) == os.getpgrp()]
    assert mine == []


def _group(process: int) -> int:
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return 0


def test_a_kill_from_outside_is_no_fault_of_the_configuration() -> None:
    with CommandDevice("sh -c 'kill -KILL $PPID'") as device:
        with pytest.raises(RunFailed, match="SIGKILL") as failure:
            measure(device)
    assert not failure.value.final


def test_what_a_command_prints_is_in_the_log(tmp_path: Path) -> None:
    with CommandDevice("echo hello log", log=tmp_path / "log") as device:
        measure(device)
    assert "hello log" in (tmp_path / "log").read_text()


def test_an_interruption_ends_the_command() -> None:
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    with CommandDevice("sleep 5") as device:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            measure(device, Timing(seconds=0.1))
    timer.join()


@pytest.mark.parametrize("address", ["sim:tx1", "sim:effects", "replay:t.csv"])
def test_a_device_that_runs_nothing_refuses_a_command(address: str) -> None:
    with pytest.raises(DeviceError, match="runs no commands"):
        open_device(address, command="true")


def test_a_sweep_of_a_command_is_resumed_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from measure.cli import main

    program = tmp_path / "bench"
    program.write_text("#!/bin/sh\nsleep $1; echo $2 took $1 s\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(json.dumps(SPACE))
    words = ["sweep", "--command", "./bench {delay} {mode}", "--store", "s.db"]
    words += ["--latency-pattern", "took (.*) s", "--space", "space.yaml"]
    words += ["--design", "full-factorial", "--protocol", "quick", "--json", "s.json"]
    done = CliRunner().invoke(main, [*words, "--budget", "0.001"])
    assert done.exit_code in (0, 3), done.output
    told = json.loads(Path("s.json").read_text())
    assert told["runs_done"] < told["runs_planned"] == 4
    assert told["environments"] == [
        {"device": "host", "network": "command", "workload": "own", "version": "bench"}
    ]
    monkeypatch.chdir("/")
    words = ["resume", "--store", str(tmp_path / "s.db")]
    done = CliRunner().invoke(main, [*words, "--json", str(tmp_path / "r.json")])
    assert done.exit_code in (0, 3), done.output
    told = json.loads((tmp_path / "r.json").read_text())
    assert told["runs_done"] == 4 and not told["runs_failed"]


def test_a_name_that_nothing_gives_a_level_is_refused_before_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from measure.cli import main

    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(json.dumps(SPACE))
    words = ["sweep", "--command", COMMAND, "--space", "space.yaml", "--store", "s.db"]
    done = CliRunner().invoke(main, [*words, "--options", "mode"])
    assert done.exit_code == 1 and "{delay} has no level" in done.output
    assert not Path("s.db").exists()
    done = CliRunner().invoke(main, ["sweep", "--latency-pattern", "x"])
    assert done.exit_code == 2


def test_where_the_processor_tells_it_a_command_has_energy(tmp_path: Path) -> None:
    tree(tmp_path, {"intel-rapl:0": "package-0"})
    with CommandDevice(COMMAND, space=SPACE) as device:
        device._power = HostPower.find(tmp_path)
        with burning(tmp_path, [25.0]):
            found = measure(device, Timing(seconds=0.2, min_calls=2), delay=0.02)
    readings = {reading.name: reading for reading in found.readings}
    assert readings["power_w"].value == pytest.approx(25.0, rel=0.2)
    assert readings["energy_gross_j"].value > 25.0 * 0.02
    assert readings["energy_j"].uncertainty > 0.0


def test_a_default_that_no_one_set_is_held_by_the_plan() -> None:
    batch = {"kind": "numeric", "levels": [1, 8], "default": 8}
    space = {"options": {**SPACE["options"], "batch_size": batch}}
    command = f"{COMMAND} --batch {{batch_size}}"
    with CommandDevice(command, space=space) as device:
        design = make_design("random", device.space(["delay"]), runs=2, seed=0)
        plan = make_plan(device, [PAIR], design, MeasurementProtocol.quick())
        assert plan.held == {"mode": "fast", "batch_size": 8}
        for run in plan.runs:
            assert run.configuration["batch_size"] == 8
        found = device.measure(*PAIR, plan.runs[0].configuration, QUICK)
        assert found.batch_size == 8
        other = make_plan(
            device, [PAIR], design, MeasurementProtocol.quick(), held={"batch_size": 1}
        )
        assert {run.configuration["batch_size"] for run in other.runs} == {1}
