"""``python -m benchmarks.designs.power``: printed power against simulated experiments.

For each term of some designs its least favourable effect is put into the response,
normal noise is added, between whole plots as well where there are any, and the F test
of the term is made, thousands of times. Leaves with exit code 1 if the share that finds
the effect is further from the printed power than chance explains.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from measure.designs.base import Design
from measure.designs.diagnostics import evaluate
from measure.designs.optimal import d_optimal
from measure.designs.power import (
    ALPHA,
    held_columns,
    least_favourable,
    left_for_noise,
)
from measure.designs.two_level import plackett_burman
from measure.designs.whole_plots import split_plot
from measure.space import ConfigurationSpace
from measure.terms import model_matrix

HERE = Path(__file__).parent
_DEVIATIONS = 5.0  # standard errors of a share
_SLACK = 0.03  # of the test between plots of a design that is not balanced


def simulated(
    design: Design, effect: float, repeats: int, rng: np.random.Generator
) -> dict[str, float]:
    """Return the share of simulated experiments that find each term."""
    matrix = model_matrix(design.space, design.terms, design.indices)
    X, n = matrix.X, len(matrix.X)
    plots = design.whole_plots
    noise = rng.normal(size=(n, repeats))
    V = np.eye(n)
    label = np.arange(n) if plots is None else np.unique(plots, return_inverse=True)[1]
    Z = np.eye(label.max() + 1)[label]
    if plots is not None:
        spread = np.sqrt(design.variance_ratio)
        noise = noise + spread * (Z @ rng.normal(size=(Z.shape[1], repeats)))
        V = V + design.variance_ratio * Z @ Z.T
    inverse = np.linalg.inv(V)
    covariance = np.linalg.inv(X.T @ inverse @ X)
    estimates = covariance @ X.T @ inverse @ noise
    held = held_columns(X, plots)
    between, within = left_for_noise(held, n, plots)
    sizes = Z.sum(axis=0)
    # Noise between plots from their means, in units of the variance within.
    means = (Z.T @ noise) / sizes[:, None]
    coarse = (Z.T @ X[:, held]) / sizes[:, None]
    ratio = 0.0 if plots is None else design.variance_ratio
    scale = 1.0 / np.sqrt(ratio + 1.0 / sizes)[:, None]
    noise_between = _rest(scale * coarse, scale * means) / max(between, 1)
    noise_within = noise_between
    if plots is not None:
        inside = noise - Z @ means
        fine = X[:, ~held] - Z @ ((Z.T @ X[:, ~held]) / sizes[:, None])
        noise_within = _rest(fine, inside) / max(within, 1)
    found = {}
    for term in design.terms:
        if not term.factors:
            continue
        part = matrix.slices[term]
        precision = np.linalg.inv(covariance[part, part])
        size = part.stop - part.start
        own = held[part].all()
        rest = between if own else within
        if rest < 1:
            continue
        pattern = effect * least_favourable(design.space, term, precision)
        seen = estimates[part] + pattern[:, None]
        squares = np.einsum("ir,ij,jr->r", seen, precision, seen) / size
        quotient = squares / (noise_between if own else noise_within)
        found[str(term)] = float((quotient > stats.f.isf(ALPHA, size, rest)).mean())
    return found


def _rest(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the sums of squares that a regression leaves, a column each."""
    Q, _ = np.linalg.qr(X)
    return np.asarray(((y - Q @ (Q.T @ y)) ** 2).sum(axis=0))


def designs() -> dict[str, Design]:
    """Return the designs whose power is simulated."""
    problems = json.loads((HERE / "problems.json").read_text())
    tx1, plots = problems["b"], problems["g"]
    space = ConfigurationSpace.from_dict(tx1["space"])
    two = ConfigurationSpace.from_dict(
        {"options": {f"x{i}": {"kind": "boolean"} for i in range(7)}}
    )
    hard = ConfigurationSpace.from_dict(plots["space"])
    balanced = ConfigurationSpace.from_dict(
        {
            "options": {
                **{f"w{i}": {"kind": "boolean"} for i in range(2)},
                **{f"s{i}": {"kind": "boolean"} for i in range(3)},
            }
        }
    )
    return {
        "Plackett-Burman, 12 runs": plackett_burman(two, runs=12),
        "b, 80 runs": d_optimal(space, 80, tx1["model"], iterations=20),
        "d, main effects, 24 runs": d_optimal(
            ConfigurationSpace.from_dict(problems["d"]["space"]),
            24,
            "main",
            iterations=20,
        ),
        "split plot, 12 plots of 4": split_plot(
            balanced, 12, 4, ["w0", "w1"], 1.0, "interactions", iterations=20
        ),
        "g, 16 plots of 4": split_plot(
            hard, 16, 4, plots["hard_to_change"], 1.0, plots["model"], iterations=20
        ),
    }


def main() -> int:
    """Run the comparison; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.designs.power")
    parser.add_argument("--repeats", type=int, default=20_000, help="experiments")
    parser.add_argument("--effect", type=float, default=1.5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    error = _DEVIATIONS * np.sqrt(0.25 / given.repeats)
    figures: dict[str, Any] = {}
    wrong = []
    print("design                         terms  power, from .. to  furthest off")
    for name, design in designs().items():
        power = evaluate(design, effect=given.effect, tight=False).power
        shares = simulated(design, given.effect, given.repeats, rng)
        off = {term: share - power[term] for term, share in shares.items()}
        worst = max(off, key=lambda term: abs(off[term]))
        low, high = min(shares.values()), max(shares.values())
        print(
            f"{name:30s} {len(shares):5d}  {low:.3f} .. {high:.3f}      "
            f"{off[worst]:+.4f} ({worst})"
        )
        limit = error + (_SLACK if design.whole_plots is not None else 0.0)
        wrong += [f"{name}: {term}" for term, by in off.items() if abs(by) > limit]
        figures[name] = {"power": power, "simulated": shares}
    print(f"off by more than chance: {', '.join(wrong) or 'none'}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
