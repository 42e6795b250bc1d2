"""``kill -9`` at any moment loses and repeats no finished run."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from measure.judgement import tally
from measure.records import Plan, Run
from measure.store import SqliteStore

ROOT = Path(__file__).parents[2]
DEVICE = "sim:effects?delay_s=0.01"
RUNS = 30


def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start ``python -m measure`` in a folder, its output thrown away."""
    return subprocess.Popen(
        [sys.executable, "-m", "measure", *words, "--store", "m.db"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def stored(path: Path) -> int:
    """Return how many runs a store has; -1 while no sweep is planned in it."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            ask = connection.execute
            if not ask("SELECT count(*) FROM sweeps").fetchone()[0]:
                return -1
            return int(ask("SELECT count(*) FROM runs").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return -1


def kill_when(process: subprocess.Popen[bytes], path: Path, runs: int) -> None:
    """Kill a process for good once its store has `runs` runs, and a moment more."""
    deadline = time.monotonic() + 60
    while process.poll() is None and stored(path) < runs:
        assert time.monotonic() < deadline, "the sweep does not get on"
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.012))
    process.kill()
    process.wait()


def read(path: Path) -> tuple[Plan, tuple[Run, ...]]:
    with SqliteStore(path, read_only=True) as store:
        (plan,) = store.plans()
        return plan, store.runs()


def test_kill_9_again_and_again_loses_and_repeats_no_finished_run(
    tmp_path: Path,
) -> None:
    path = tmp_path / "m.db"
    words = ("--device", DEVICE, "--design", "random", "--runs", str(RUNS))
    process = start(tmp_path, "sweep", *words)
    before: tuple[Run, ...] = ()
    for at in (0, 9, 17, 33, 52):
        kill_when(process, path, at)
        _, now = read(path)
        assert now[: len(before)] == before
        before = now
        process = start(tmp_path, "resume")
    assert process.wait(timeout=60) in (0, 3)
    plan, runs = read(path)
    assert runs[: len(before)] == before
    count = tally(plan, runs)
    assert (count.planned, count.done, count.failed) == (2 * RUNS, 2 * RUNS, 0)
    slots = Counter(run.slot for run in runs if run.slot is not None)
    assert slots == Counter(range(len(plan.runs)))
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()


def test_a_sweep_killed_before_its_plan_is_stored_leaves_nothing_in_the_way(
    tmp_path: Path,
) -> None:
    words = ("--device", DEVICE, "--design", "random", "--runs", "5")
    process = start(tmp_path, "sweep", *words)
    process.kill()
    process.wait()
    assert start(tmp_path, "resume").wait(timeout=60) == 1
    assert start(tmp_path, "sweep", *words).wait(timeout=60) in (0, 3)
    assert read(tmp_path / "m.db")[1]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_the_device_is_free_again_once_its_sweep_is_killed(tmp_path: Path) -> None:
    words = ("--device", DEVICE, "--design", "random", "--runs", str(RUNS))
    process = start(tmp_path, "sweep", *words)
    kill_when(process, tmp_path / "m.db", 1)
    assert start(tmp_path, "resume").wait(timeout=60) in (0, 3)
