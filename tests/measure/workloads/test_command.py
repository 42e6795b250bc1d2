"""Latencies in what a command says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from measure.workloads import command
from measure.workloads.board_timing import Failed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="runs on boards")


def job(*argv: str, **changes: Any) -> dict[str, Any]:
    usual = {
        "kind": "command",
        "argv": list(argv),
        "pattern": "",
        "seconds": 0.01,
        "window_s": 0.0,
        "lead_s": 0.0,
        "min_calls": 2,
        "quick": False,
        "warm_up_cap_s": 0.1,
        "limit_s": 10.0,
    }
    return {**usual, **changes}


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"took (\S+) s", "took 0.5 s\ntook 1e-3 s", [0.5, 0.001]),
        (r"mean = (?P<ms>\S+) ms", "mean = 12.5 ms", [0.0125]),
        (r"(?P<us>\d+) us", "7 us, 8 us", [7e-6, 8e-6]),
        (r"^(\d+)$", "x1\n2\n", [2.0]),
    ],
)
def test_each_match_is_a_call(pattern: str, text: str, found: list[float]) -> None:
    compiled = re.compile(pattern, re.MULTILINE)
    assert command.latencies(compiled, text) == pytest.approx(found)


@pytest.mark.parametrize(
    ("pattern", "text", "reason"),
    [
        (r"took (\S+) s", "never\nsaid so\n", "matches nothing .* ended with: said so"),
        (r"took (\S+) s", "", "it said nothing"),
        (r"took (\S+) s", "took long s", "'long', which is no time"),
        (r"took (\S+) s", "took 0 s", "no time"),
        (r"took (\S+) s", "took nan s", "no time"),
        (r"took ?(x)?", "took", "None, which is no time"),
    ],
)
def test_what_is_no_latency_is_a_failure(pattern: str, text: str, reason: str) -> None:
    with pytest.raises(Failed, match=reason) as failure:
        command.latencies(re.compile(pattern), text)
    assert failure.value.final


def test_without_a_pattern_latency_is_wall_time() -> None:
    found = command.run_command(job("sleep", "0.02"))
    assert len(found["calls_s"]) >= 2 and len(found["warm_up_s"]) == 1
    assert all(0.02 <= value < 0.5 for value in found["calls_s"])
    assert found["batch_size"] == 1 and not found["flags"]


def test_several_matches_are_several_calls_of_one_execution() -> None:
    say = "for i in 1 2 3; do echo $i took 0.00$i s; done"
    changes = {"pattern": r"took (\S+) s", "quick": True, "batch_size": 8}
    found = command.run_command(job("sh", "-c", say, **changes))
    assert found["calls_s"][:3] == [0.001, 0.002, 0.003]
    assert found["window_calls"] == len(found["calls_s"]) and found["batch_size"] == 8


def test_cpu_time_is_that_of_the_command() -> None:
    spin = "import time\nwhile time.process_time() < 0.1: pass"
    found = command.run_command(job(sys.executable, "-I", "-c", spin, quick=True))
    assert 0.09 < found["cpu_time_s"] < 1.0


@pytest.mark.parametrize(
    ("argv", "reason", "final"),
    [
        (["sh", "-c", "echo oh no >&2; exit 3"], "exit code 3; .* oh no", True),
        (["sh", "-c", "kill -SEGV $$"], "ended by signal 11", True),
        (["sh", "-c", "kill -KILL $$"], "ended by signal 9", False),
        (["/no/such/program"], "cannot be started: No such file", True),
    ],
)
def test_a_command_that_fails_says_why(
    argv: list[str], reason: str, final: bool
) -> None:
    with pytest.raises(Failed, match=reason) as failure:
        command.run_command(job(*argv))
    assert failure.value.final == final


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does it")
def test_a_command_ends_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    from measure.devices.copying import worker

    (tmp_path / "worker").write_bytes(worker())
    say = (
        f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; sleep 60"
    )
    words = [sys.executable, str(tmp_path / "worker"), json.dumps(job("sh", "-c", say))]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 20
        while not (tmp_path / "pid").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        child = int((tmp_path / "pid").read_text())
        os.kill(child, 0)
        process.kill()
    until = time.monotonic() + 20
    while _alive(child):
        assert time.monotonic() < until
        time.sleep(0.01)


def _alive(process: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def test_a_program_is_found_by_its_file(tmp_path: Path) -> None:
    program = tmp_path / "bench"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    found = command.find_program({"program": str(program)})
    assert found["path"] == str(program) and len(found["sha256"]) == 64
    with pytest.raises(Failed, match="not on the PATH"):
        command.find_program({"program": "no-such-program"})


def test_the_worker_tells_what_came_of_it_in_one_line(tmp_path: Path) -> None:
    from measure.devices.copying import worker

    (tmp_path / "worker").write_bytes(worker())
    for argv, key in ((["true"], "calls_s"), (["false"], "failed")):
        words = [sys.executable, str(tmp_path / "worker"), json.dumps(job(*argv))]
        done = subprocess.run(words, capture_output=True, check=True)
        assert key in json.loads(done.stdout)
