"""``python -m benchmarks.store [--moments 20] [--json FILE]``: kill and resume.

For each random moment a sweep of the simulated device is started anew, killed by
``kill -9``, looked at, resumed and looked at again. Prints a table, and leaves with
exit code 1 if a finished run was lost, a planned run is missing or was measured twice,
or a store is damaged.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from measure.judgement import tally
from measure.records import Plan, Run
from measure.store import SqliteStore

ROOT = Path(__file__).parents[2]
ROWS, DELAY_S = 40, 0.02
#: What the planned runs of both networks take once the first has begun.
SPAN_S = 2 * ROWS * 1.15 * (DELAY_S + 0.006)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one moment."""

    moment_s: float
    before: int
    planned: int
    done: int
    lost: int
    repeated: int
    integrity: str

    @property
    def good(self) -> bool:
        """Whether all planned runs are there once and nothing is damaged."""
        whole = self.done == self.planned and not self.lost and not self.repeated
        return whole and self.integrity == "ok"


def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start ``python -m measure`` in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-m", "measure", *words, "--store", "m.db"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def is_planned(path: Path) -> bool:
    """Tell whether the sweep has begun: its plan is stored."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return bool(connection.execute("SELECT 1 FROM sweeps").fetchone())
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return False


def read(path: Path) -> tuple[Plan, tuple[Run, ...]]:
    """Return the one sweep of a store, and its runs."""
    with SqliteStore(path, read_only=True) as store:
        return store.plans()[0], store.runs()


def try_moment(moment_s: float) -> Result:
    """Kill a sweep `moment_s` after it began, resume it, and compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "m.db"
        device = f"sim:effects?delay_s={DELAY_S}"
        words = ("--device", device, "--design", "random", "--runs", str(ROWS))
        process = start(folder, "sweep", *words)
        while not is_planned(path):
            if process.poll() is not None:
                raise SystemExit(f"the sweep ended with {process.returncode}")
            time.sleep(0.001)
        time.sleep(moment_s)
        process.kill()
        process.wait()
        _, before = read(path)
        if start(folder, "resume").wait() not in (0, 3):
            raise SystemExit("resume failed")
        plan, after = read(path)
        connection = sqlite3.connect(path)
        integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
        connection.close()
    count = tally(plan, after)
    slots = Counter(run.slot for run in after if run.slot is not None)
    return Result(
        moment_s=moment_s,
        before=len(before),
        planned=count.planned,
        done=count.done,
        lost=sum(run not in after for run in before),
        repeated=sum(number - 1 for number in slots.values()),
        integrity=integrity,
    )


def main() -> int:
    """Try the moments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write the table as JSON too")
    words = parser.parse_args()
    rng = random.Random(words.seed)
    print(f"\n## kill -9 of a sweep of {2 * ROWS} runs, and resume\n")
    columns = [field.name for field in fields(Result)]
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    results = []
    for _ in range(words.moments):
        results.append(try_moment(rng.uniform(0, SPAN_S)))
        cells = [
            f"{v:.3f}" if isinstance(v, float) else str(v)
            for v in asdict(results[-1]).values()
        ]
        print("| " + " | ".join(cells) + " |", flush=True)
    good = sum(result.good for result in results)
    print(f"\n{good} of {words.moments} moments: all planned runs there, each once")
    if words.json:
        document = {"kill_resume": [asdict(result) for result in results]}
        Path(words.json).write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0 if good == words.moments else 1


if __name__ == "__main__":
    sys.exit(main())
