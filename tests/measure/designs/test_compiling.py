"""Machine code that is kept from one process to the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MODULE = """
from measure.designs.compiling import compiled, inlined

@inlined
def _twice(x):
    return 2.0 * x

@compiled
def four_times(x):
    return _twice(_twice(x))
"""
PROGRAM = """
import sys
from measure.designs import compiling
if len(sys.argv) > 1:
    compiling._STAMP = sys.argv[1]
from kept_kernel import four_times
before = compiling.is_compiled(four_times)
print(before, four_times(1.5), sum(four_times.stats.cache_hits.values()))
"""


def run(folder: Path, *stamp: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *stamp],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{folder}:{Path(__file__).parents[3]}", "PATH": ""},
    )
    return done.stdout.strip()


def test_a_second_process_compiles_nothing_until_a_source_changes(
    tmp_path: Path,
) -> None:
    (tmp_path / "kept_kernel.py").write_text(MODULE)
    assert run(tmp_path) == "False 6.0 0"
    assert run(tmp_path) == "True 6.0 1"
    # A function that it calls may stand in another file, which numba does not watch.
    assert run(tmp_path, "of other sources") == "False 6.0 0"
    assert run(tmp_path, "of other sources") == "True 6.0 1"
