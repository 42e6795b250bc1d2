"""``python -m benchmarks.designs``: our designs against those of other programs.

Each problem is given to ours and to each peer that serves it, for the same CPU time of
one thread, compiling aside, from the same seeds; all designs are scored by
`benchmarks.designs.scoring`, which shares no code with `measure`. Peers run from a
virtual environment of their own; of those that cannot be installed the stored figures
are shown. Leaves with exit code 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.designs import showing
from benchmarks.designs.entrants import (
    HERE,
    against_the_bound,
    large,
    ours,
    peer,
    sizes,
)

PEERS = {"pyoptex": "abdefghmw", "oapackage": "a", "pydoe": "fh"}
SLOW = "w"  # one seed of the peers will do: a single start takes longer than allowed
BOUNDED = "bd"
LARGE_GOAL, LARGE_BUDGET_S = 0.6403, 24.0
ROUNDING = 1e-9


class Notebook:
    """Figures by what they are of; with a file, those of an earlier run count."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        self.known: dict[str, dict[str, Any]] = {}
        if path is not None and path.is_file():
            self.known = json.loads(path.read_text())

    def note(self, problem: str, key: str, make: Callable[[], dict[str, Any]]) -> Any:
        """Return figures, made now unless they are known; print a line."""
        key = f"{problem} {key}"
        known = key in self.known and "failed" not in self.known[key]
        if not known:
            self.known[key] = {"problem": problem, **make()}
            if self.path is not None:
                part = self.path.with_suffix(".part")
                part.write_text(json.dumps(self.known) + "\n")
                os.replace(part, self.path)
        row = self.known[key]
        self.rows.append(row)
        _print(row, " (from before)" if known else "")
        return row


def _print(row: dict[str, Any], note: str = "") -> None:
    if "failed" in row:
        print(f"  {row['program']:24s} failed: {row['failed']}", flush=True)
        return
    seed = f"seed {row['seed']}" if "seed" in row else ""
    share = ""
    if "share" in row:
        share = f", {row['runs']} runs, {row['share']:.4f} of bound"
    print(
        f"  {row['program']:24s} {seed:7s} {row['d_efficiency']:.6f} "
        f"{row['cpu_s']:7.2f} CPU s{share}{note}",
        flush=True,
    )


def run(given: argparse.Namespace, problems: dict[str, Any], book: Notebook) -> Any:
    """Run what was asked for; return the goals that were missed."""
    seeds = [1] if given.quick else [int(seed) for seed in given.seeds.split(",")]
    peers = PEERS if given.peers.is_file() and not given.quick else {}
    missed = []
    for key, problem in problems.items():
        goal = problem["goal_within_4_cpu_s"]
        print(f"{key}: {problem['what']}; goal {goal}", flush=True)
        for seed in seeds:
            what = f"ours {seed} {given.budget_s}"
            row = book.note(key, what, partial(ours, problem, seed, given.budget_s))
            if row["d_efficiency"] < goal - ROUNDING:
                missed.append(f"{key} seed {seed}")
        for name, served in peers.items():
            few = seeds[:1] if key in SLOW else seeds
            for seed in few if key in served else []:
                book.note(
                    key,
                    f"{name} {seed} {given.budget_s}",
                    partial(peer, name, problem, seed, given.budget_s, given.peers),
                )
        for name, stored in problem["peers"].items():
            _print({"program": f"{name} (stored)", **stored})
    for key in [key for key in BOUNDED if key in problems and not given.quick]:
        print(f"{key}: beside the bound", flush=True)
        for runs in sizes(problems[key]):
            book.note(
                f"{key} bounded",
                f"{runs} {given.budget_s}",
                partial(against_the_bound, problems[key], runs, 1, given.budget_s),
            )
    for seed in seeds if given.large else []:
        print(f"large: 321 columns, 331 runs; goal {LARGE_GOAL}", flush=True)
        row = book.note(
            "large", f"ours {seed}", partial(ours, large(), seed, LARGE_BUDGET_S)
        )
        if row["d_efficiency"] < LARGE_GOAL:
            missed.append(f"large seed {seed}")
    return missed


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.designs")
    parser.add_argument("--problems", default="abdefhgmw", help="letters, such as bd")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--budget-s", type=float, default=4.0)
    parser.add_argument("--large", action="store_true", help="the 321 columns too")
    parser.add_argument("--quick", action="store_true", help="one seed, no peers")
    parser.add_argument(
        "--peers", type=Path, default=Path(".venv-peers/bin/python"), help="a Python"
    )
    parser.add_argument("--keep", type=Path, help="JSON of figures; goes on from it")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument(
        "--readme", action="store_true", help="put tables and picture in README.md"
    )
    given = parser.parse_args()
    every = json.loads((HERE / "problems.json").read_text())
    problems = {key: every[key] for key in given.problems}
    book = Notebook(given.keep)
    missed = run(given, problems, book)
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, {given.budget_s:g} CPU s of "
        "one thread each, worst and best of the seeds; stored figures are those of "
        "other programs at their own best, at any CPU time:"
    )
    text = showing.tables(problems, book.rows, machine)
    print(f"\n{text}")
    if given.json:
        document = {"results": book.rows, "missed": missed}
        given.json.write_text(json.dumps(document, indent=1) + "\n")
    if given.picture or given.readme:
        path = given.picture or HERE / "efficiency.png"
        showing.draw(problems, book.rows, path)
        if given.readme:
            showing.write_readme(HERE / "README.md", text, path.name)
    print(f"goals missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
