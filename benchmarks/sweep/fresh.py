"""What a sweep without a zygote would do: one new process for each configuration.

It loads the same artefact and measures it with the same code; it pays the start of
the interpreter and ``import tensorflow`` each time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_PROGRAM = (
    "import json, os, sys\n"
    "from measure.workloads.measuring import measure\n"
    "job, answer = sys.argv[1:]\n"
    "value = measure(json.load(open(job)))\n"
    "json.dump(value, open(answer, 'w'))\n"
    "sys.stdout.flush()\n"
)


def measure_fresh(job: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """Return the wall time of a fresh process, and what it measured."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "job.json").write_text(json.dumps(job))
        environment = {
            **os.environ,
            **job["environment"],
            "TF_ENABLE_ONEDNN_OPTS": str(int(job["onednn"])),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-c", _PROGRAM, "job.json", "answer.json"]
        with (folder / "log").open("w+") as log:
            start = time.perf_counter()
            subprocess.run(
                command, cwd=folder, env=environment, check=True, stdout=log, stderr=log
            )
            wall_s = time.perf_counter() - start
        answer: dict[str, Any] = json.loads((folder / "answer.json").read_text())
    return wall_s, answer
