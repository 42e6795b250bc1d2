"""``python -m benchmarks.sweep [--quick] [--json FILE]``: how fast a sweep is.

MobileNetV2 on photographs, 0.35 s of measuring a run, artefacts built beforehand.
Every valid configuration of the host's usual options is measured in a fresh process
and, right after it, in a forked one: do the two agree? Then ``python -m measure
sweep`` measures all of them, its start and its reference runs included in the time
but not in the count. Leaves with exit code 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.sweep.fresh import ROOT, measure_fresh
from measure.configuration import Configuration
from measure.devices.base import Measurement
from measure.devices.host import HostDevice
from measure.space import ConfigurationSpace
from measure.workloads.base import Timing

NETWORK, WORKLOAD = "mobilenetv2", "images"
SECONDS = 0.35
BOUND = 60 / SECONDS
TIMES_FRESH, SHARE_OF_BOUND = 3.5, 0.22
QUICK = 5
"""With ``--quick``, every so many-th configuration."""


def rows_of(space: ConfigurationSpace, every: int) -> list[Configuration]:
    """Return every so many-th valid configuration of a space."""
    table = space.decode(space.all_rows()).iloc[::every]
    rows = (dict(zip(space.names, row, strict=True)) for row in table.to_numpy())
    return [space.configuration(row) for row in rows]


def pairs_of(device: HostDevice, rows: list[Configuration]) -> list[dict[str, Any]]:
    """Measure each configuration in a fresh and in a forked process."""
    timing = Timing(seconds=SECONDS)
    found = []
    for number, row in enumerate(rows):
        job = device.job(NETWORK, WORKLOAD, row, timing)
        # Each goes first every other time, so that a drift favours neither.
        if number % 2:
            forked_s, forked = measure_forked(device, row, timing)
            fresh_s, fresh = measure_fresh(job)
        else:
            fresh_s, fresh = measure_fresh(job)
            forked_s, forked = measure_forked(device, row, timing)
        found.append(
            {
                **row,
                "fresh_s": fresh_s,
                "forked_s": forked_s,
                "fresh_latency_s": statistics.median(fresh["calls_s"]),
                "forked_latency_s": statistics.median(forked.calls_s),
                "fresh_cpu_s": fresh["cpu_time_s"],
                "forked_cpu_s": forked.cpu_time_s,
            }
        )
        print(f"{number + 1}/{len(rows)} {row.key}", file=sys.stderr, flush=True)
    return found


def measure_forked(
    device: HostDevice, row: Configuration, timing: Timing
) -> tuple[float, Measurement]:
    """Return the wall time of a forked process, and what it measured."""
    start = time.perf_counter()
    measured = device.measure(NETWORK, WORKLOAD, row, timing)
    return time.perf_counter() - start, measured


def sweep(folder: Path, rows: list[Configuration], replicates: int) -> dict[str, Any]:
    """Sweep all configurations from the command line and return what it says."""
    table = pd.DataFrame([dict(row) for row in rows])
    varies = [name for name in table if table[name].nunique() > 1]
    table[varies].to_csv(folder / "design.csv", index=False)
    command = [sys.executable, "-m", "measure", "sweep", "--device", "host"]
    command += ["--networks", NETWORK, "--workloads", WORKLOAD]
    command += ["--design", "design.csv", "--seconds", str(SECONDS)]
    command += ["--replicates", str(replicates), "--store", "m.db"]
    command += ["--json", "sweep.json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True
    )
    wall_s = time.perf_counter() - start
    if done.returncode not in (0, 3):
        raise SystemExit(f"the sweep failed: {done.stderr or done.stdout}")
    told: dict[str, Any] = json.loads((folder / "sweep.json").read_text())
    return {
        "runs_done": told["runs_done"],
        "runs_planned": told["runs_planned"],
        "wall_s": wall_s,
        "per_minute": 60 * told["runs_done"] / wall_s,
    }


def agreement(pairs: list[dict[str, Any]], kind: str) -> dict[str, float]:
    """Return the geometric mean of forked over fresh, and its 95 % interval."""
    logs = [math.log(p[f"forked_{kind}_s"] / p[f"fresh_{kind}_s"]) for p in pairs]
    centre = statistics.fmean(logs)
    half = 1.96 * statistics.stdev(logs) / math.sqrt(len(logs))
    values = {"ratio": centre, "lower": centre - half, "upper": centre + half}
    return {name: math.exp(value) for name, value in values.items()}


def table(title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows as a Markdown table."""
    print(f"\n## {title}\n")
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        cells = [f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()]
        print("| " + " | ".join(cells) + " |", flush=True)


def by_level(
    pairs: list[dict[str, Any]], names: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return mean seconds a configuration, for each level in the mix."""
    frame = pd.DataFrame(pairs)
    found = []
    for name in names:
        for level, part in frame.groupby(name, sort=False):
            found.append(
                {
                    "option": name,
                    "level": level,
                    "configurations": len(part),
                    "fresh s": float(part["fresh_s"].mean()),
                    "forked s": float(part["forked_s"].mean()),
                }
            )
    return found


def main() -> int:
    """Measure, print the tables and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the mix")
    parser.add_argument("--replicates", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", help="write the tables as JSON too")
    words = parser.parse_args()
    with HostDevice(
        networks=(NETWORK,)
    ) as device, tempfile.TemporaryDirectory() as name:
        space = device.space()
        rows = rows_of(space, QUICK if words.quick else 1)
        device.prepare(NETWORK, WORKLOAD, rows)
        load = os.getloadavg()[0]
        pairs = pairs_of(device, rows)
        device.close()
        swept = sweep(Path(name), rows, words.replicates)
    fresh_rate = 60 * len(pairs) / sum(pair["fresh_s"] for pair in pairs)
    rate = swept["per_minute"]
    summary = [
        {"what": "fresh process each", "configurations a minute": fresh_rate},
        {"what": "sweep, start-up included", "configurations a minute": rate},
        {"what": "bound: measuring time alone", "configurations a minute": BOUND},
    ]
    goals = [
        {
            "goal": "times a fresh process",
            "wanted": TIMES_FRESH,
            "measured": rate / fresh_rate,
        },
        {
            "goal": "share of the bound",
            "wanted": SHARE_OF_BOUND,
            "measured": rate / BOUND,
        },
    ]
    for goal in goals:
        goal["met"] = goal["measured"] >= goal["wanted"]
    agree = [
        {"response": label, **agreement(pairs, kind)}
        for label, kind in (("latency_s", "latency"), ("cpu_time_s", "cpu"))
    ]
    print(
        f"\n{NETWORK} on {WORKLOAD}, {SECONDS} s a run, {len(rows)} configurations, "
        f"{swept['runs_done']} of {swept['runs_planned']} runs done in "
        f"{swept['wall_s']:.0f} s; load average at the start {load:.1f} on "
        f"{len(os.sched_getaffinity(0))} cores"
    )
    table("Speed", summary)
    table("Goals", goals)
    table("Forked over fresh (geometric mean, 95 %)", agree)
    mix = by_level(pairs, space.names)
    table("The mix, and seconds a configuration", mix)
    if words.json:
        document = {
            "speed": summary,
            "goals": goals,
            "agreement": agree,
            "mix": mix,
            "pairs": pairs,
            "sweep": swept,
        }
        Path(words.json).write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0 if all(goal["met"] for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
