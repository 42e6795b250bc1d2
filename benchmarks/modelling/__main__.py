"""``python -m benchmarks.modelling [--quick] [--json FILE]``: all its tables."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from typing import Any

QUICK_SEEDS = 3


def table(title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows as a Markdown table."""
    print(f"\n## {title}\n")
    columns = list(rows[0])
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        cells = [
            "yes" if v is True else "NO" if v is False else v for v in row.values()
        ]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def parts(quick: bool) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each table when it is done."""
    from benchmarks.modelling import effects, optimism, startup, tx2, whole_plots

    yield "Start-up", startup.startup()
    seeds = QUICK_SEEDS if quick else effects.SEEDS
    yield f"sim:effects, {effects.RUNS} runs", [
        effects.study(design, network, seeds=seeds)
        for design, network in (("random", "resnet50"), ("d-optimal", "mobilenetv2"))
    ]
    yield "Inert dear options found, 4 runs a whole plot", whole_plots.study(
        seeds=40 if quick else whole_plots.SEEDS
    )
    yield "Error printed, and on the rest", optimism.study(
        seeds=QUICK_SEEDS if quick else optimism.SEEDS
    )
    data = tx2.dataset()
    if data is None:
        print("\njetson_tx2_dnn_freq: left out, $PERFMODEL_DATA has no such table")
        return
    yield "jetson_tx2_dnn_freq, whole tables", tx2.shares(data)
    yield "Xception 600x600 from 80 random runs", [
        tx2.prediction(data, seeds=QUICK_SEEDS if quick else 10)
    ]


def main() -> int:
    """Print all tables; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three seeds a study")
    parser.add_argument("--json", metavar="FILE", help="write the tables as JSON too")
    words = parser.parse_args()
    # Models run on one thread each, so that CPU seconds can be compared.
    os.environ["OMP_NUM_THREADS"] = "1"
    print(f"Python {platform.python_version()}, {platform.machine()}, one thread")
    tables = {}
    for title, rows in parts(words.quick):
        table(title, rows)
        tables[title] = rows
    if words.json:
        with open(words.json, "w", encoding="utf-8") as file:
            json.dump(tables, file, indent=1, default=str)
    return int(not all(row["passed"] for rows in tables.values() for row in rows))


if __name__ == "__main__":
    sys.exit(main())
