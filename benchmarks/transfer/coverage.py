"""How often the printed 95 % intervals hold the truth, by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perfmodel.transfer.kinds import judge_shift
from perfmodel.transfer.similarity import (
    best_overlap,
    pearson,
    pearson_interval,
    ratio_of_spreads,
    spearman,
    spearman_interval,
)

SIZES = (20, 40)
POPULATION = 5000


def populations(seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Log responses of source and target: normal, skew, discrete, with a jump."""
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((2, POPULATION))
    skew = rng.gamma(2.0, size=(2, POPULATION))
    levels = rng.integers(0, 4, (3, POPULATION)).sum(axis=0) / 3.0
    jump = np.where(rng.random(POPULATION) < 0.2, 1.5, 0.0)
    return {
        "normal": (normal[0], normal[0] + 0.4 * normal[1]),
        "skew": (skew[0], skew[0] + 0.3 * skew[1]),
        "levels": (levels, 0.8 * levels + 0.05 * normal[1]),
        "jump": (normal[0] + jump, 0.7 * normal[0] + jump + 0.3 * normal[1]),
    }


def measure(repeats: int, seed: int = 0) -> pd.DataFrame:
    """Share of intervals that hold the truth, by population, interval and size."""
    rng = np.random.default_rng(seed + 1)
    rows = []
    for name, (source, target) in populations(seed).items():
        truths = {
            "spearman": (spearman_interval, spearman(source, target)),
            "pearson": (pearson_interval, pearson(source, target)),
            "ratio of spreads": (
                ratio_of_spreads,
                ratio_of_spreads(source, target).estimate,
            ),
            "overlap of the best": (
                lambda a, b: best_overlap(a, b).share,
                best_overlap(source, target).share.estimate,
            ),
        }
        for n in SIZES:
            for interval, (estimate, truth) in truths.items():
                held = []
                for _ in range(repeats):
                    some = rng.permutation(POPULATION)[:n]
                    found = estimate(source[some], target[some])
                    held.append(found.lower <= truth <= found.upper)
                rows.append(_row(name, interval, n, held))
    for name, residual in residuals(seed).items():
        for n in SIZES:
            held = []
            for _ in range(repeats):
                source = rng.normal(0, 0.5, n)
                left = residual[rng.permutation(POPULATION)[:n]]
                verdict = judge_shift(source, source + 1 + left)
                held.append(verdict.lower <= np.std(residual) <= verdict.upper)
            rows.append(_row(name, "residual of a shift", n, held))
    return pd.DataFrame(rows)


def residuals(seed: int) -> dict[str, np.ndarray]:
    """What a scale shift may leave, 5 % on average."""
    rng = np.random.default_rng(seed + 2)
    skew = rng.gamma(2.0, size=POPULATION) - 2.0
    levels = rng.integers(-1, 2, (2, POPULATION)).sum(axis=0)
    return {
        "normal": 0.05 * rng.standard_normal(POPULATION),
        "skew": 0.05 * skew / skew.std(),
        "levels": 0.05 * levels / levels.std(),
    }


def _row(population: str, interval: str, n: int, held: list[bool]) -> dict[str, object]:
    return {
        "population": population,
        "interval": interval,
        "runs": n,
        "covered": float(np.mean(held)) if held else float("nan"),
        "simulated": len(held),
    }
