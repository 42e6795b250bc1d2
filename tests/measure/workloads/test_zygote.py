"""Children that die, take too long or lose their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from measure.errors import DeviceError, RunFailed
from measure.workloads.zygote import Zygote

ROOT = Path(__file__).parents[3]
JOBS = "tests.measure.workloads.jobs"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zygote") / "log"


@pytest.fixture(scope="module")
def zygote(log: Path) -> Iterator[Zygote]:
    with Zygote(log=log) as zygote:
        yield zygote


def _wait_for(path: Path, seconds: float = 30.0) -> int:
    """Return the process id in a file, once it is there."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, "the child never began"
        time.sleep(0.01)
    return int(path.read_text())


def _is_gone(pid: int, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in (
                "Z",
                "X",
            ):
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_each_job_has_a_process_of_its_own(zygote: Zygote) -> None:
    pids = {zygote.call(f"{JOBS}:pid", None, limit_s=10)["value"] for _ in range(3)}
    assert len(pids) == 3 and os.getpid() not in pids


def test_what_a_child_prints_goes_to_the_log_only(
    zygote: Zygote, log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = zygote.call(f"{JOBS}:say", "hello", limit_s=10)
    assert answer["value"] == "hello"
    assert answer["printed"] == "hello out\nhello err\n"
    assert "hello out\nhello err\n" in log.read_text()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("target", "job", "reason", "final"),
    [
        ("signal:raise_signal", signal.SIGSEGV, "ended by SIGSEGV", True),
        ("signal:raise_signal", signal.SIGABRT, "ended by SIGABRT", True),
        ("signal:raise_signal", signal.SIGKILL, "ended by SIGKILL", False),
        ("os:_exit", 3, "ended with exit code 3", True),
        ("os:_exit", 0, "ended with exit code 0", True),
        ("operator:neg", "text", "TypeError: bad operand", True),
        ("time:sleep", 60, "took longer than the limit of 0.2 s", True),
    ],
)
def test_a_child_without_a_value_is_a_failed_run_with_its_reason(
    zygote: Zygote, target: str, job: object, reason: str, final: bool
) -> None:
    with pytest.raises(RunFailed, match=reason) as caught:
        zygote.call(target, job, limit_s=0.2 if target == "time:sleep" else 10.0)
    assert caught.value.final is final
    assert "\n" not in caught.value.reason
    assert zygote.call("operator:neg", 1, limit_s=10)["value"] == -1


def test_a_large_answer_arrives_whole(zygote: Zygote) -> None:
    job = list(range(200_000))
    assert zygote.call(f"{JOBS}:same", job, limit_s=30)["value"] == job


def test_a_killed_zygote_fails_the_run_and_starts_again(tmp_path: Path) -> None:
    with Zygote(log=tmp_path / "log") as zygote:
        zygote.wait()
        assert zygote.pid is not None
        os.kill(zygote.pid, signal.SIGKILL)
        with pytest.raises(RunFailed, match="died") as caught:
            zygote.call("operator:neg", 1, limit_s=10)
        assert not caught.value.final
        assert zygote.call("operator:neg", 1, limit_s=10)["value"] == -1


def test_variables_are_set_and_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKEN", "there")
    variables = {"TAKEN": None, "GIVEN": "1"}
    with Zygote(log=tmp_path / "log", environment=variables) as zygote:
        for name, value in variables.items():
            assert zygote.call("os:getenv", name, limit_s=10)["value"] == value


def test_what_cannot_be_imported_is_told_with_the_last_line(tmp_path: Path) -> None:
    zygote = Zygote(log=tmp_path / "log", modules=("no_such_module",))
    with pytest.raises(DeviceError, match="No module named 'no_such_module'"):
        zygote.wait()
    assert zygote.pid is None


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="log"):
        Zygote(log=tmp_path / "missing" / "log").start()


_PARENT = f"""
import pathlib, sys
from measure.workloads.zygote import Zygote
folder = pathlib.Path(sys.argv[1])
with Zygote(log=folder / "log") as zygote:
    zygote.wait()
    (folder / "zygote").write_text(str(zygote.pid))
    job = {{"file": str(folder / "child"), "seconds": 300}}
    zygote.call("{JOBS}:sleep_and_tell", job, limit_s=300)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_outlives_a_parent_that_dies(
    tmp_path: Path, number: signal.Signals
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    child = _wait_for(tmp_path / "child")
    zygote = int((tmp_path / "zygote").read_text())
    parent.send_signal(number)
    assert parent.wait(10) != 0
    assert _is_gone(child) and _is_gone(zygote)


def test_a_child_dies_with_its_zygote(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    child = _wait_for(tmp_path / "child")
    os.kill(int((tmp_path / "zygote").read_text()), signal.SIGKILL)
    assert _is_gone(child)
    assert parent.wait(10) != 0
