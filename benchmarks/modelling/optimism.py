"""The error that `fit` prints against the error on what was not measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.modelling import tx2
from perfmodel import PerformanceDataset, fit
from perfmodel.validation import mape
from tests import known_answers

SEEDS = 12
SCORED = 600
NOISE = 0.1
#: Published systems, and how many runs are learned from.
SYSTEMS = {"llvm": (15, 33), "apache": (15, 36), "bdbc": (18, 36), "x264": (16, 32)}
#: Error printed by error on the rest, geometric mean over all fits.
PASS_RATIO = (0.97, 1.12)


def simulated(name: str, seed: int) -> PerformanceDataset:
    """Return all configurations of a known answer, or pure noise on them."""
    answer = known_answers.interacting()
    if name == "additive":
        answer = known_answers.additive()
    frame = answer.space.decode(answer.space.all_rows())
    frame["time_s"] = answer.noisy(frame, NOISE, seed)
    if name == "noise alone":
        noise = np.random.default_rng(seed).normal(0, 0.3, len(frame))
        frame["time_s"] = np.exp(noise)
    return PerformanceDataset.from_frame(frame, space=answer.space, response="time_s")


def published(name: str) -> PerformanceDataset | None:
    """Return a fully measured system, or None where $PERFMODEL_DATA lacks it."""
    folder = Path(os.environ.get("PERFMODEL_DATA", ""), "splconqueror_single_env")
    if not (folder / f"{name}.csv").exists():
        return None
    frame = pd.read_csv(folder / f"{name}.csv").drop(columns="system")
    options = [c for c in frame if c != "performance" and frame[c].nunique() > 1]
    return PerformanceDataset.from_frame(frame, options=options, response="performance")


def cases(seed: int) -> Iterator[tuple[str, PerformanceDataset, int]]:
    """Yield each system with a number of runs to learn from."""
    for name in ("additive", "interacting", "noise alone"):
        for runs in (12, 30):
            yield name, simulated(name, seed), runs
    for name, sizes in SYSTEMS.items():
        data = published(name)
        if data is not None:
            for runs in sizes:
                yield name, data, runs
    table = tx2.dataset()
    if table is not None:
        part = table.select(dnn="xception", image_size="600x600")
        for runs in (15, 40):
            yield "xception", part.for_response("inference_time_s"), runs


def one_fit(data: PerformanceDataset, runs: int, seed: int) -> dict[str, float]:
    """Learn from a few runs; return the least error, as printed, and on the rest."""
    order = np.random.default_rng([seed, runs]).permutation(len(data.y))
    rest = data.take(order[runs:][:SCORED])
    model = fit(data.take(order[:runs]), seed=seed)
    found = model.cross_validation_
    assert found is not None
    return {
        "least": found.error_percent - found.selection_bias_percent,
        "printed": found.error_percent,
        "rest": mape(rest.y, model.predict(rest.X)),
    }


def study(seeds: int = SEEDS) -> list[dict[str, Any]]:
    """Return a row a system and number of runs, and one of all together."""
    found = pd.DataFrame(
        [
            {"system": name, "runs": runs, **one_fit(data, runs, seed)}
            for seed in range(seeds)
            for name, data, runs in cases(seed)
        ]
    )
    names = ("least", "printed")
    for name in names:
        found[f"{name} / rest"] = np.log(found[name] / found["rest"])
    ratios = [f"{name} / rest" for name in names]
    rows = []
    for (system, runs), part in found.groupby(["system", "runs"], sort=False):
        means = part[["least", "printed", "rest"]].mean()
        row = {"system": system, "runs": runs, "fits": len(part)}
        row |= {f"{name} %": f"{value:.2f}" for name, value in means.items()}
        row |= {name: f"{np.exp(part[name].mean()):.2f}" for name in ratios}
        rows.append({**row, "passed": True})
    low, high = PASS_RATIO
    whole = np.exp(found[ratios].mean())
    rows.append(
        {
            **dict.fromkeys(rows[0], ""),
            "system": "all",
            "fits": len(found),
            **{name: f"{value:.3f}" for name, value in whole.items()},
            "passed": bool(low <= whole["printed / rest"] <= high),
        }
    )
    return rows
