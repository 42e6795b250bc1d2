"""``jetson_tx2_dnn_freq``: the right option in front, and the unseen rest predicted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from perfmodel import PerformanceDataset, explain, fit
from perfmodel.validation import mape

TABLE = Path("jetson_tx2_dnn_freq/jetson_tx2_dnn_freq.csv")
OPTIONS = ["num_cores", "core_freq_khz", "gpu_freq_hz", "emc_freq_hz"]
RESPONSES = ["inference_time_s", "power_consumption"]
ENVIRONMENT = ["board", "dnn", "image_size"]
LEARNED, LEVEL = 80, 0.9
PASS_ERROR, PASS_COVER = 6.0, (0.80, 0.97)


def dataset() -> PerformanceDataset | None:
    """Return the published table, or None where $PERFMODEL_DATA does not have it."""
    folder = os.environ.get("PERFMODEL_DATA", "")
    if not folder or not (Path(folder) / TABLE).exists():
        return None
    return PerformanceDataset.from_csv(
        Path(folder) / TABLE,
        options=OPTIONS,
        response=RESPONSES,
        environment=ENVIRONMENT,
    )


def largest_by_level_means(data: PerformanceDataset) -> str:
    """Return the option whose level means of the log response vary most."""
    logs = np.log(data.y)
    variances = {
        name: float(np.var([logs[data.X[name] == level].mean() for level in levels]))
        for name in data.space.names
        for levels in [data.space.options[name].levels]
    }
    return max(variances, key=variances.__getitem__)


def shares(data: PerformanceDataset, model: str = "auto") -> list[dict[str, Any]]:
    """Return, of each environment and response, which option has the largest share."""
    rows = []
    for place in data.environments():
        for response in RESPONSES:
            part = data.select(**place).for_response(response)
            fitted = fit(part, model=model)
            frame = explain(fitted, part).frame
            main = frame[frame["order"] == 1].iloc[0]
            truth = largest_by_level_means(part)
            rows.append(
                {
                    "environment": "/".join(place.values()),
                    "response": response,
                    "model": fitted.name,
                    "largest share": main["term"],
                    "share %": round(100 * main["share"], 1),
                    "true": truth,
                    "error %": round(fitted.cross_validation_.error_percent, 2),
                    "passed": main["term"] == truth,
                }
            )
    return rows


def prediction(
    data: PerformanceDataset, seeds: int = 10, model: str = "auto"
) -> dict[str, Any]:
    """Return error and coverage on the rest of Xception 600 x 600 after 80 runs."""
    part = data.select(dnn="xception", image_size="600x600")
    part = part.for_response("inference_time_s")
    errors, cover = [], []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(part.frame))
        learned, rest = part.take(order[:LEARNED]), part.take(order[LEARNED:])
        fitted = fit(learned, model=model, seed=seed)
        interval = fitted.predict_interval(rest.X, level=LEVEL)
        errors.append(mape(rest.y, interval["prediction"]))
        inside = (interval["lower"] <= rest.y) & (rest.y <= interval["upper"])
        cover.append(float(inside.mean()))
    low, high = PASS_COVER
    mean = float(np.mean(cover))
    return {
        "seeds": seeds,
        "error %": round(float(np.mean(errors)), 2),
        "worst error %": round(max(errors), 2),
        "90 % interval covers": round(mean, 3),
        "least": round(min(cover), 3),
        "most": round(max(cover), 3),
        "seeds within 80 to 97 %": sum(low <= one <= high for one in cover),
        "passed": max(errors) <= PASS_ERROR and low <= mean <= high,
    }
