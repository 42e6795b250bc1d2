"""``sim:effects``: are the true effects found, and what else is reported?"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd

from measure.designs import d_optimal
from measure.devices.simulated import EffectsDevice, true_effects
from measure.space import ConfigurationSpace
from measure.workloads.base import Timing
from perfmodel import PerformanceDataset, explain, fit

RUNS, SEEDS = 60, 20
LARGEST = 5
INERT = ("cpu_governor", "huge_pages")
PASS_FOUND, PASS_INERT = 17, 3


def measured(
    design: str, network: str, runs: int, seed: int
) -> tuple[ConfigurationSpace, pd.DataFrame]:
    """Return the space, and a design's runs in random order with their latency."""
    rng = np.random.default_rng([seed, 60])
    with EffectsDevice(seed=seed) as device:
        space = device.space()
        if design == "d-optimal":
            chosen = d_optimal(
                space, runs=runs, model="interactions", seed=seed, budget_s=2.0
            )
            frame = chosen.frame[list(space.names)]
        else:
            frame = space.decode(space.sample(runs, rng))
        frame = frame.iloc[rng.permutation(runs)].reset_index(drop=True)
        latency = [
            float(
                np.median(
                    device.measure(
                        network,
                        "images",
                        space.configuration(dict(zip(space.names, row, strict=True))),
                        Timing(),
                    ).calls_s
                )
            )
            for row in frame.itertuples(index=False)
        ]
    return space, frame.assign(latency_s=latency)


def one_seed(design: str, network: str, model: str, seed: int) -> dict[str, Any]:
    """Fit and explain the runs of one seed, and compare with the truth."""
    space, frame = measured(design, network, RUNS, seed)
    data = PerformanceDataset.from_frame(
        frame, space=space, response={"latency_s": "s"}
    )
    begun = time.process_time()
    fitted = fit(data, model=model, seed=seed)
    report = explain(fitted, data, seed=seed).frame.set_index("term")
    cpu_s = time.process_time() - begun
    truth = {entry["term"]: entry for entry in true_effects(network)}
    largest = list(truth)[:LARGEST]
    reported = set(report.index[report["reported"]])
    pairs = {term for term in reported if report.loc[term, "order"] == 2}
    covered = [
        report.loc[term, "lower"] <= entry["effect"] <= report.loc[term, "upper"]
        for term, entry in truth.items()
    ]
    return {
        "design": design,
        "network": network,
        "model": fitted.name,
        "seed": seed,
        "found": set(largest) <= reported,
        "signs": all(
            report.loc[term, "sign"] == truth[term]["sign"] for term in largest
        ),
        "inert": bool(reported & set(INERT)),
        "inert_in_any_term": any(name in term for term in reported for name in INERT),
        "pairs": len(pairs),
        "false_pairs": len(pairs - set(truth)),
        "true_pairs": len(pairs & set(truth)),
        "covered": sum(covered),
        "effects": len(covered),
        "error_percent": fitted.cross_validation_.error_percent,
        "cpu_s": cpu_s,
    }


def study(
    design: str,
    network: str = "resnet50",
    model: str = "auto",
    seeds: int = SEEDS,
) -> dict[str, Any]:
    """Return one row of the table: counts over all seeds."""
    rows = pd.DataFrame(
        [one_seed(design, network, model, seed) for seed in range(seeds)]
    )
    found, inert = int(rows["found"].sum()), int(rows["inert"].sum())
    return {
        "design": design,
        "network": network,
        "model": "/".join(sorted(set(rows["model"]))),
        "seeds": seeds,
        "largest five reported": found,
        "signs right": int(rows["signs"].sum()),
        "inert option reported": inert,
        "inert in any term": int(rows["inert_in_any_term"].sum()),
        "true pairs": f"{rows['true_pairs'].sum()} of {3 * seeds}",
        "false pairs": f"{rows['false_pairs'].sum()} of {rows['pairs'].sum()}",
        "intervals cover": round(rows["covered"].sum() / rows["effects"].sum(), 3),
        "error %": round(rows["error_percent"].mean(), 2),
        "CPU s": round(rows["cpu_s"].mean(), 2),
        "passed": found * SEEDS >= PASS_FOUND * seeds
        and inert * SEEDS <= PASS_INERT * seeds,
    }
