"""``python -m benchmarks.simulator [--json FILE]``: all its tables."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from typing import Any


def table(title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows as a Markdown table."""
    print(f"\n## {title} (simulated)\n")
    columns = list(rows[0])
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        cells = [
            "yes" if v is True else "NO" if v is False else v for v in row.values()
        ]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def parts() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each table when it is done."""
    from benchmarks.simulator import coverage, published, shapes, speed

    yield "TX1, Caffe at 691 MHz", published.white_paper()
    yield from published.published()
    yield "Known shapes", list(shapes.shapes())
    yield "Net energy within its stated 95 % interval", [
        coverage.coverage(period_s) for period_s in coverage.PERIODS_S
    ]
    yield "Real time of a run", [speed.speed()]


def main() -> int:
    """Print all tables; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the tables as JSON too")
    words = parser.parse_args()
    started, tables = time.perf_counter(), {}
    for title, rows in parts():
        table(title, rows)
        tables[title] = rows
    print(f"\n{time.perf_counter() - started:.0f} s")
    if words.json:
        with open(words.json, "w", encoding="utf-8") as file:
            json.dump(tables, file, indent=1, default=str)
    return int(not all(row["passed"] for rows in tables.values() for row in rows))


if __name__ == "__main__":
    sys.exit(main())
