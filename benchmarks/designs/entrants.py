"""The programs that make designs: ours here, peers in processes of their own."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.designs.scoring import score
from measure.designs.base import Design
from measure.designs.bound import upper_bound
from measure.designs.local_search import Progress
from measure.designs.making import columns_of
from measure.designs.optimal import d_optimal
from measure.designs.whole_plots import split_plot
from measure.space import ConfigurationSpace
from measure.terms import model_terms

HERE = Path(__file__).parent
LARGE_RUNS = 331
PEER_LIMIT_S = 300  # of wall time


def ours(problem: dict[str, Any], seed: int, budget_s: float) -> dict[str, Any]:
    """Make our design; return its figures, and efficiency against CPU time."""
    space = ConfigurationSpace.from_dict(problem["space"])
    curve: list[tuple[float, float]] = []

    def see(progress: Progress) -> None:
        value = math.exp(progress.log_value) / problem["runs"]
        curve.append((progress.cpu_s, value))

    if "whole_plots" in problem:
        design = split_plot(
            space,
            problem["whole_plots"],
            problem["runs_per_whole_plot"],
            problem["hard_to_change"],
            problem["variance_ratio"],
            problem["model"],
            seed,
            budget_s,
            progress=see,
        )
        plots = design.frame["whole_plot"].tolist()
    else:
        fixed = pd.DataFrame(problem["fixed"]) if "fixed" in problem else None
        design = d_optimal(
            space,
            problem["runs"],
            problem["model"],
            seed,
            budget_s,
            fixed=fixed,
            progress=see,
        )
        plots = None
    rows = _records(design)
    value = score(problem, rows, plots)
    # A search that ends at its start reports no progress.
    curve.append((design.cpu_s, value))
    return {
        "program": "ours",
        "seed": seed,
        "d_efficiency": value,
        "cpu_s": design.cpu_s,
        "iterations": design.iterations,
        "curve": curve,
    }


def _records(design: Design) -> list[dict[str, Any]]:
    return [
        {str(name): level for name, level in row.items()}
        for row in design.frame.to_dict("records")
    ]


def peer(
    name: str, problem: dict[str, Any], seed: int, budget_s: float, python: Path
) -> dict[str, Any]:
    """Run a peer as a subprocess over CSV; return its figures, or why it has none."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "problem.json", Path(folder) / "design.csv"
        given.write_text(json.dumps(problem))
        script = HERE / "peers" / f"{name}_peer.py"
        words = [python.absolute(), script, given, seed, budget_s, out]
        environment = dict(os.environ, OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
        try:
            done = subprocess.run(
                [str(word) for word in words],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
                timeout=PEER_LIMIT_S,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            lines = str(getattr(error, "stderr", "") or error).strip().splitlines()
            failed = lines[-1] if lines else type(error).__name__
            return {"program": name, "seed": seed, "failed": failed}
        with open(out, newline="") as file:
            table = list(csv.DictReader(file))
        rows = [_levels(problem, row) for row in table]
        plots = [int(row["whole_plot"]) for row in table] if _plots(problem) else None
        return {
            "program": name,
            "seed": seed,
            "d_efficiency": score(problem, rows, plots),
            "cpu_s": float(done.stdout.split()[-1]),
        }


def _plots(problem: dict[str, Any]) -> bool:
    return "whole_plots" in problem


def _levels(problem: dict[str, Any], row: dict[str, str]) -> dict[str, Any]:
    """Return a peer's row with the nearest level of each numeric option."""
    levels = {}
    for name, option in problem["space"]["options"].items():
        if option["kind"] == "numeric":
            value = float(row[name])
            levels[name] = min(option["levels"], key=lambda have: abs(have - value))
        else:
            levels[name] = row[name]
    return levels


def against_the_bound(
    problem: dict[str, Any], runs: int, seed: int, budget_s: float
) -> dict[str, Any]:
    """Return our design of so many runs beside the bound of what there can be."""
    space = ConfigurationSpace.from_dict(problem["space"])
    model = problem["model"]
    bound = upper_bound(space, model_terms(space, model).terms, runs)
    assert bound is not None
    design = d_optimal(space, runs, model, seed, budget_s)
    value = score({**problem, "runs": runs, "fixed": []}, _records(design))
    return {
        "program": "ours",
        "seed": seed,
        "runs": runs,
        "columns": columns_of(space, model),
        "d_efficiency": value,
        "cpu_s": design.cpu_s,
        "bound": bound.value,
        "bound_kind": bound.kind,
        "weights_over_bound": bound.reached / bound.value,
        "share": value / bound.value,
    }


def sizes(problem: dict[str, Any]) -> tuple[int, int, int]:
    """Return p + 5, 2 p and 3 p runs of a problem."""
    p = columns_of(ConfigurationSpace.from_dict(problem["space"]), problem["model"])
    return p + 5, 2 * p, 3 * p


def large() -> dict[str, Any]:
    """Return the problem of 15 two-level and 5 three-level options, 321 columns."""
    options: dict[str, Any] = {
        f"x{i}": {"kind": "categorical", "levels": ["a", "b"]} for i in range(15)
    }
    options |= {
        f"c{i}": {"kind": "categorical", "levels": ["a", "b", "c"]} for i in range(5)
    }
    names = list(options)
    pairs = [f"{a}:{b}" for i, a in enumerate(names) for b in names[i + 1 :]]
    return {
        "space": {"options": options},
        "model": " + ".join(["1", *names, *pairs]),
        "runs": LARGE_RUNS,
    }
