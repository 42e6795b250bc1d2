"""Run: OMP_NUM_THREADS=1 PERFMODEL_DATA=DIR python -m benchmarks.transfer."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from benchmarks.transfer import coverage, errors
from benchmarks.transfer.cases import cases


def main() -> int:
    """Measure, print tables of aggregate errors, and write them as JSON if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transfer")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--choice", choices=["stratified", "random"])
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    document: dict[str, object] = {}
    found = coverage.measure(arguments.simulations, arguments.seed)
    table = found.pivot(
        index=["population", "interval"], columns="runs", values="covered"
    )
    print("Share of 95 % intervals that hold the truth, by number of runs")
    print(table.round(3).to_string(), end="\n\n")
    document["coverage"] = found.to_dict("records")
    folder = os.environ.get("PERFMODEL_DATA", "")
    if not Path(folder).is_dir() or not folder:
        print("errors: skipped, $PERFMODEL_DATA names no folder of published data")
    else:
        rows = errors.measure(
            cases(Path(folder), arguments.seed),
            arguments.repeats,
            arguments.choice or "stratified",
        )
        print("Error in per cent, geometric mean over pairs; ratio: to target alone")
        print(errors.by_size(rows).round(3).to_string(index=False), end="\n\n")
        print("Mean error in per cent by data set, related pairs")
        print(errors.by_family(rows).round(2).to_string(index=False), end="\n\n")
        told = errors.guarantee(rows)
        print("Guard: " + ", ".join(f"{k} {v:.3g}" for k, v in told.items()))
        document["errors"] = errors.by_size(rows).to_dict("records")
        document["families"] = errors.by_family(rows).to_dict("records")
        document["guard"] = told
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
