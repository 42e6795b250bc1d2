"""Run OApackage: python oapackage_peer.py PROBLEM.json SEED BUDGET_S OUT.csv.

Its exchange serves two-level options with all interactions of two. Prints the CPU
time.
"""

from __future__ import annotations

import csv
import json
import sys
import time

import numpy as np
import oapackage


def main() -> None:
    problem = json.load(open(sys.argv[1]))
    seed, budget_s, out = int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    names = list(problem["space"]["options"])
    array_class = oapackage.arraydata_t(2, problem["runs"], 0, len(names))
    alpha = oapackage.doubleVector([1.0, 0.0, 0.0])
    oapackage.set_srand(seed)
    began = time.process_time()
    best, most = None, -1.0
    while best is None or time.process_time() - began < budget_s:
        found = oapackage.Doptimize(array_class, 20, alpha, 0)
        for design in found.designs:
            efficiency = design.Defficiency()
            if efficiency > most:
                best, most = np.array(design), efficiency
    spent = time.process_time() - began
    with open(out, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows((2 * best - 1).tolist())
    print(spent)


main()
