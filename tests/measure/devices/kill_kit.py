"""Sweeps of a board that are killed, restored and resumed: what is left of them."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure.devices.address import Address
from measure.records import Run
from measure.simulator.disk_tree import DiskTree
from measure.store import SqliteStore

ROOT = Path(__file__).parents[3]
LIMIT_S = 180.0
HAD_ENDED = "had ended"


@dataclass(frozen=True)
class BoardSweep:
    """A sweep by the command line, on a board in a folder."""

    where: Address
    word: str
    python: Path
    folder: Path
    state: Path
    words: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        return self.folder / "m.db"

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "measure", *words]

    def sweep(self) -> list[str]:
        where = self.where
        words = ["--device", self.word, "--sysfs-root", where.sysfs_root]
        if where.ssh:
            words += ["--ssh", where.ssh, "--ssh-config", where.ssh_config]
        words += ["--python", str(self.python), "--networks", "tcn"]
        words += ["--design", "random", "--protocol", "quick", *self.words]
        return self.command("sweep", *words, "--store", str(self.store))

    def start(self) -> subprocess.Popen[str]:
        """Start it; wait until its first run has ended."""
        program = subprocess.Popen(
            self.sweep(),
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert program.stdout is not None
        said = []
        for line in program.stdout:
            said.append(line)
            if line.startswith("run 1 "):
                return program
        raise AssertionError("".join(said))

    def agent(self) -> int:
        """The process that holds the board."""
        root = os.path.realpath(self.where.sysfs_root)
        key = hashlib.sha256(root.encode()).hexdigest()[:16]
        lock = self.state / "measure" / "boards" / f"journal-{key}.jsonl.lock"
        return int(lock.read_text() or 0)

    def victims(self, host: int, kind: str) -> list[int]:
        """The processes to kill, for ``host``, ``agent``, ``ssh`` joined by ``+``."""
        found = {"host": [host], "agent": [self.agent()], "ssh": _ways(host)}
        return [pid for one in kind.split("+") for pid in found[one]]

    def call(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run a command to its end; return its exit code and what it said."""
        said = self.folder / "said.json"
        said.unlink(missing_ok=True)
        done = subprocess.run(
            self.command(*words, "--json", str(said)),
            env=self._environment(),
            capture_output=True,
            timeout=LIMIT_S,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 3):
            return done.returncode, {"error": done.stderr}
        return done.returncode, json.loads(said.read_text())

    def runs(self) -> list[Run]:
        with SqliteStore(self.store, read_only=True) as store:
            return list(store.runs())

    def planned(self) -> int:
        with SqliteStore(self.store, read_only=True) as store:
            (plan,) = store.plans()
            return len(plan.planned("design"))

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), **self.environment}


def _ways(host: int) -> list[int]:
    """The ssh processes that a host started."""
    threads = Path(f"/proc/{host}/task").iterdir()
    text = " ".join((thread / "children").read_text() for thread in threads)
    children = [int(pid) for pid in text.split()]
    return [
        pid
        for pid in children
        if Path(f"/proc/{pid}/comm").read_text().strip() == "ssh"
    ]


@dataclass(frozen=True)
class Aftermath:
    """What a kill at one moment left."""

    killed: str
    alone: bool
    restored: bool
    lost: int
    twice: int
    unfinished: int
    code: int

    @property
    def good(self) -> bool:
        return self.restored and not (self.lost or self.twice or self.unfinished)


def kill_at_random(
    sweep: BoardSweep, disk: DiskTree, kind: str, draw: random.Random, span_s: float
) -> Aftermath:
    """Kill at some moment of a sweep, restore, resume, and look at what is left."""
    before = disk.snapshot()
    program = sweep.start()
    time.sleep(draw.uniform(0.0, span_s))
    try:
        for pid in sweep.victims(program.pid, kind):
            os.kill(pid, signal.SIGKILL)
    except (OSError, ValueError):
        kind += f" ({HAD_ENDED})"
    program.communicate(timeout=LIMIT_S)
    alone = _is(disk, before, 0.5)
    known = [run.run_id for run in sweep.runs()]
    code, _ = sweep.call("restore")
    restored = code == 0 and _is(disk, before, 1.0)
    code, said = sweep.call("resume", "--store", str(sweep.store))
    assert code in (0, 3), said
    runs = sweep.runs()
    ids = {run.run_id for run in runs}
    done = Counter(
        run.slot for run in runs if run.status == "done" and run.role == "design"
    )
    return Aftermath(
        killed=kind,
        alone=alone,
        restored=restored and _is(disk, before, 1.0),
        lost=len(set(known) - ids),
        twice=sum(count - 1 for count in done.values()) + len(runs) - len(ids),
        unfinished=sweep.planned() - len(done),
        code=code,
    )


def _is(disk: DiskTree, before: dict[str, bytes], limit_s: float) -> bool:
    """Tell whether a board is what it was, once its thread has had the time to be."""
    until = time.monotonic() + limit_s
    while disk.snapshot() != before:
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
