"""Run pydoe on a problem: python pydoe_peer.py PROBLEM.json SEED BUDGET_S OUT.csv.

Its exchange serves numeric options and full quadratic models, over all candidates.
Prints the CPU time.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from itertools import product

import numpy as np
import pydoe


def main() -> None:
    problem = json.load(open(sys.argv[1]))
    seed, budget_s, out = int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    options = problem["space"]["options"]
    candidates = np.array(list(product(*(o["levels"] for o in options.values()))))
    rng = np.random.default_rng(seed)
    began = time.process_time()
    best, most = None, -np.inf
    methods = ("simple_exchange", "fedorov", "modified_fedorov", "detmax")
    while best is None or time.process_time() - began < budget_s:
        for method in methods:
            design, info = pydoe.optimal_design(
                rng.permutation(candidates),
                problem["runs"],
                degree=2,
                criterion="D",
                method=method,
            )
            if len(design) == problem["runs"] and info["det_XTX"] > most:
                best, most = design, info["det_XTX"]
            if best is not None and time.process_time() - began > budget_s:
                break
    spent = time.process_time() - began
    with open(out, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(options)
        writer.writerows(best.tolist())
    print(spent)


main()
