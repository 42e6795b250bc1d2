"""Run pyoptex on a problem: python pyoptex_peer.py PROBLEM.json SEED BUDGET_S OUT.csv.

Coordinate exchange from random starts until the CPU time is spent; compiling is
done before the clock starts. Prints the CPU time.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pandas as pd
from pyoptex._seed import set_seed
from pyoptex.doe.constraints import parse_constraints_script
from pyoptex.doe.fixed_structure.splitk_plot.metric import Dopt
from pyoptex.doe.fixed_structure.splitk_plot.utils import Plot
from pyoptex.doe.fixed_structure.splitk_plot.wrapper import (
    create_parameters,
    create_splitk_plot_design,
    default_fn,
)
from pyoptex.doe.fixed_structure.utils import Factor
from pyoptex.utils.model import model2Y2X


def model_of(problem: dict, names: list[str]) -> pd.DataFrame:
    rows = []
    for term in problem["model"].split(" + "):
        row = dict.fromkeys(names, 0)
        for factor in [] if term == "1" else term.split(":"):
            if factor.startswith("I("):
                row[factor[2:-1].split("**")[0]] = 2
            else:
                row[factor] = 1
        rows.append(row)
    return pd.DataFrame(rows, columns=names)


def constraint_of(problem: dict) -> str:
    parts = []
    for item in problem["space"].get("forbid", []):
        conditions = []
        for name, wanted in item.items():
            if isinstance(wanted, dict):
                if "max" in wanted:
                    conditions.append(f"(`{name}` <= {wanted['max'] + 1e-6})")
                if "min" in wanted:
                    conditions.append(f"(`{name}` >= {wanted['min'] - 1e-6})")
            elif isinstance(wanted, str):
                conditions.append(f'(`{name}` == "{wanted}")')
            elif wanted == max(problem["space"]["options"][name]["levels"]):
                conditions.append(f"(`{name}` >= {wanted - 1e-6})")
            else:
                conditions.append(f"(`{name}` <= {wanted + 1e-6})")
        parts.append("(" + " & ".join(conditions) + ")")
    return " | ".join(parts)


def main() -> None:
    problem = json.load(open(sys.argv[1]))
    seed, budget_s, out = int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    hard = problem.get("hard_to_change", [])
    if hard:
        easy_plot = Plot(level=0, size=problem["runs_per_whole_plot"])
        hard_plot = Plot(
            level=1, size=problem["whole_plots"], ratio=problem["variance_ratio"]
        )
    else:
        easy_plot = hard_plot = Plot(level=0, size=problem["runs"])
    factors = []
    for name, option in problem["space"]["options"].items():
        plot = hard_plot if name in hard else easy_plot
        if option["kind"] == "numeric":
            levels = [float(level) for level in option["levels"]]
            factors.append(
                Factor(
                    name,
                    plot,
                    type="cont",
                    min=min(levels),
                    max=max(levels),
                    levels=levels,
                )
            )
        else:
            factors.append(Factor(name, plot, type="cat", levels=option["levels"]))
    names = list(problem["space"]["options"])
    Y2X = model2Y2X(model_of(problem, names), factors)
    script = constraint_of(problem)
    constraints = parse_constraints_script(script, factors) if script else None
    extra = {} if constraints is None else {"constraints": constraints}
    prior = None
    if "fixed" in problem:
        frame = pd.DataFrame(problem["fixed"])[names]
        prior = (frame, [Plot(level=0, size=len(frame))])
    fn = default_fn(factors, Dopt(), Y2X, **extra)
    params = create_parameters(factors, fn, prior=prior)
    set_seed(seed)
    create_splitk_plot_design(params, n_tries=1, validate=False)  # compiles
    began = time.process_time()
    best, most = None, -np.inf
    while best is None or time.process_time() - began < budget_s:
        design, state = create_splitk_plot_design(params, n_tries=1, validate=False)
        if np.sum(state.metric) > most:
            best, most = design, np.sum(state.metric)
    spent = time.process_time() - began
    if hard:
        best = best.copy()
        best["whole_plot"] = np.repeat(
            np.arange(problem["whole_plots"]), problem["runs_per_whole_plot"]
        )
    best.to_csv(out, index=False)
    print(spent)


main()
