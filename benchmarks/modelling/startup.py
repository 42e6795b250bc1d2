"""How long starting takes: importing, and each program's help."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

REPEATS = 5
PASS_S = 1.5

COMMANDS = {
    "import perfmodel": ["-c", "import perfmodel"],
    "python -m perfmodel --help": ["-m", "perfmodel", "--help"],
    "python -m perfmodel fit --help": ["-m", "perfmodel", "fit", "--help"],
    "python -m measure --help": ["-m", "measure", "--help"],
}


def startup(repeats: int = REPEATS) -> list[dict[str, Any]]:
    """Return the wall time of each, the first start of a process included."""
    rows = []
    for what, words in COMMANDS.items():
        times = []
        for _ in range(repeats):
            begun = time.perf_counter()
            subprocess.run(
                [sys.executable, *words], check=True, stdout=subprocess.DEVNULL
            )
            times.append(time.perf_counter() - begun)
        rows.append(
            {
                "what": what,
                "first s": round(times[0], 2),
                "median s": round(statistics.median(times), 2),
                "passed": max(times) < PASS_S,
            }
        )
    return rows
