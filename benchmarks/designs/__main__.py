"""``python -m benchmarks.designs``: our designs against those of other programs.

Each problem is given to ours and to each peer that serves it, for the same CPU time of
one thread, compiling aside, from the same seeds; all designs are scored by
`benchmarks.designs.scoring`, which shares no code with `measure`. Peers run from a
virtual environment of their own; of those that cannot be installed the stored figures
are shown. Leaves with exit code 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import subprocess
import sys
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
PEERS = {"pyoptex": "abdefgh", "oapackage": "a", "pydoe": "fh"}
LARGE_GOAL, LARGE_BUDGET_S, LARGE_RUNS = 0.6403, 24.0, 331
PEER_LIMIT_S = 600


def ours(
    problem: dict[str, Any], seed: int, budget_s: float
) -> tuple[dict[str, Any], list[tuple[float, float]]]:
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
    figures = {
        "program": "ours",
        "seed": seed,
        "d_efficiency": score(problem, rows, plots),
        "cpu_s": design.cpu_s,
        "iterations": design.iterations,
    }
    return figures, curve


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
        words = [python, script, given, seed, budget_s, out]
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
            return {"program": name, "seed": seed, "failed": lines[-1]}
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
    problem: dict[str, Any], budget_s: float
) -> list[dict[str, float]]:
    """Return our best design against the bound at n = p + 5, 2 p and 3 p."""
    space = ConfigurationSpace.from_dict(problem["space"])
    model = problem["model"]
    p = columns_of(space, model)
    bound = upper_bound(space, model_terms(space, model).terms)
    assert bound is not None
    rows = []
    for runs in (p + 5, 2 * p, 3 * p):
        design = d_optimal(space, runs, model, 1, budget_s)
        sized = {**problem, "runs": runs, "fixed": []}
        value = score(sized, _records(design))
        rows.append(
            {
                "runs": runs,
                "columns": p,
                "d_efficiency": value,
                "bound": bound.value,
                "weights_over_bound": bound.reached / bound.value,
                "share": value / bound.value,
            }
        )
    return rows


def large(budget_s: float) -> dict[str, float]:
    """Return our figures on 15 two-level and 5 three-level options, 321 columns."""
    options: dict[str, Any] = {
        f"x{i}": {"kind": "categorical", "levels": ["a", "b"]} for i in range(15)
    }
    options |= {
        f"c{i}": {"kind": "categorical", "levels": ["a", "b", "c"]} for i in range(5)
    }
    names = list(options)
    pairs = [f"{a}:{b}" for i, a in enumerate(names) for b in names[i + 1 :]]
    problem = {
        "space": {"options": options},
        "model": " + ".join(["1", *names, *pairs]),
        "runs": LARGE_RUNS,
    }
    figures, _ = ours(problem, 1, budget_s)
    return {**figures, "goal": LARGE_GOAL}


def draw(curves: dict[str, Any], results: list[dict[str, Any]], path: Path) -> None:
    """Draw efficiency against CPU time, a panel a problem."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    figure, axes = plt.subplots(2, 4, figsize=(13, 6), layout="constrained")
    for ax, (key, runs) in zip(axes.flat, curves.items(), strict=False):
        for curve in runs:
            ax.plot(*zip(*curve, strict=True), color="#0072B2", lw=1)
        marks = {"pyoptex": "s", "oapackage": "^", "pydoe": "v"}
        for row in results:
            if row["problem"] == key and row["program"] in marks:
                if "d_efficiency" in row:
                    ax.plot(
                        row["cpu_s"],
                        row["d_efficiency"],
                        marks[row["program"]],
                        color="#D55E00",
                    )
        ax.set_title(f"problem {key}", fontsize=10)
        ax.set_xscale("log")
        ax.set_xlabel("CPU s")
        ax.set_ylabel("D-efficiency")
    for ax in axes.flat[len(curves) :]:
        ax.axis("off")
    lines = [Line2D([], [], color="#0072B2", label="ours, a line a seed")]
    for name, mark in {"pyoptex": "s", "OApackage": "^", "pydoe": "v"}.items():
        lines.append(Line2D([], [], color="#D55E00", marker=mark, ls="", label=name))
    figure.legend(handles=lines, loc="lower right", frameon=False)
    figure.savefig(path, dpi=120)


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.designs")
    parser.add_argument("--problems", default="abdefhg", help="letters, such as bd")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--budget-s", type=float, default=4.0)
    parser.add_argument("--large", action="store_true", help="the 321 columns too")
    parser.add_argument("--quick", action="store_true", help="one seed, no peers")
    parser.add_argument(
        "--peers", type=Path, default=Path(".venv-peers/bin/python"), help="a Python"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    problems = json.loads((HERE / "problems.json").read_text())
    seeds = [1] if given.quick else [int(seed) for seed in given.seeds.split(",")]
    peers = PEERS if given.peers.is_file() and not given.quick else {}
    results: list[dict[str, Any]] = []
    curves: dict[str, Any] = {}
    missed = []
    for key in given.problems:
        problem = problems[key]
        goal = problem["goal_within_4_cpu_s"]
        print(f"{key}: {problem['what']}; goal {goal}", flush=True)
        curves[key] = []
        for seed in seeds:
            figures, curve = ours(problem, seed, given.budget_s)
            curves[key].append(curve or [(figures["cpu_s"], figures["d_efficiency"])])
            results.append({"problem": key, **figures})
            _print(figures)
            if figures["d_efficiency"] < goal:
                missed.append(f"{key} seed {seed}")
        for name, served in peers.items():
            for seed in seeds if key in served else []:
                figures = peer(name, problem, seed, given.budget_s, given.peers)
                results.append({"problem": key, **figures})
                _print(figures)
        for name, stored in problem["peers"].items():
            figures = {"program": f"{name} (stored)", **stored}
            results.append({"problem": key, **figures})
            _print(figures)
    bounds = {}
    for key in [key for key in given.problems if key in "bd" and not given.quick]:
        bounds[key] = against_the_bound(problems[key], given.budget_s)
        print(f"{key}: runs, D-efficiency, proved bound, share of it")
        for row in bounds[key]:
            print(
                f"  {row['runs']:4d} {row['d_efficiency']:.5f} {row['bound']:.5f} "
                f"{row['share']:.4f}"
            )
    if given.large:
        figures = large(LARGE_BUDGET_S)
        results.append({"problem": "large", **figures})
        _print(figures)
        if figures["d_efficiency"] < LARGE_GOAL:
            missed.append("large")
    if given.json:
        document = {"results": results, "bounds": bounds, "missed": missed}
        given.json.write_text(json.dumps(document, indent=1) + "\n")
    if given.picture:
        draw(curves, results, given.picture)
    print(f"goals missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


def _print(figures: dict[str, Any]) -> None:
    if "failed" in figures:
        print(f"  {figures['program']:24s} failed: {figures['failed']}", flush=True)
        return
    seed = f"seed {figures['seed']}" if "seed" in figures else ""
    print(
        f"  {figures['program']:24s} {seed:7s} {figures['d_efficiency']:.6f} "
        f"{figures['cpu_s']:7.2f} CPU s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
