"""An independent scorer: the D-efficiency of a design by its definition.

Written for this benchmark from the definitions alone; it shares no code with
`measure`, so that a mistake there cannot flatter our own designs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Problem = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]


def coded(option: Mapping[str, Any], values: Sequence[Any]) -> np.ndarray:
    """Return the columns of one option: scaled to [-1, 1], or Helmert contrasts."""
    levels = option["levels"]
    if option["kind"] == "numeric":
        low, high = min(levels), max(levels)
        scaled = (np.array(values, dtype=float) - low) / (high - low)
        return (2 * scaled - 1)[:, None]
    size = len(levels)
    contrasts = np.zeros((size, size - 1))
    for j in range(1, size):
        scale = np.sqrt(size / (j * (j + 1)))
        contrasts[:j, j - 1] = -scale
        contrasts[j, j - 1] = j * scale
    return np.asarray(contrasts[[levels.index(value) for value in values]])


def model_matrix(problem: Problem, rows: Rows) -> np.ndarray:
    """Return the model matrix of some runs, term after term."""
    options = problem["space"]["options"]
    columns = []
    for term in problem["model"].split(" + "):
        block = np.ones((len(rows), 1))
        for factor in [] if term == "1" else term.split(":"):
            power = 1
            if factor.startswith("I("):
                factor, _, exponent = factor[2:-1].partition("**")
                power = int(exponent)
            own = coded(options[factor], [row[factor] for row in rows]) ** power
            block = np.einsum("ij,ik->ijk", block, own).reshape(len(rows), -1)
        columns.append(block)
    return np.hstack(columns)


def is_forbidden(problem: Problem, row: Mapping[str, Any]) -> bool:
    """Tell whether a forbidden combination matches a run."""
    for item in problem["space"].get("forbid", []):
        matches = True
        for name, wanted in item.items():
            value = row[name]
            if isinstance(wanted, Mapping):
                low, high = wanted.get("min", -np.inf), wanted.get("max", np.inf)
                matches = matches and low <= value <= high
            else:
                matches = matches and value == wanted
        if matches:
            return True
    return False


def score(problem: Problem, rows: Rows, plots: Sequence[int] | None = None) -> float:
    """Return det(X'V^-1 X)^(1/p) / n of a design, after checking that it is one.

    Raises
    ------
    ValueError
        If the number of runs is wrong, a level is none, a fixed run is missing, a run
        is forbidden, or a hard option changes within a whole plot.
    """
    options = problem["space"]["options"]
    if len(rows) != problem["runs"]:
        raise ValueError(f"{len(rows)} runs, not {problem['runs']}")
    for row in rows:
        for name, option in options.items():
            if row[name] not in option["levels"]:
                raise ValueError(f"{name} has no level {row[name]}")
        if is_forbidden(problem, row):
            raise ValueError(f"forbidden: {row}")
    left = [tuple(row[name] for name in options) for row in rows]
    for run in problem.get("fixed", []):
        left.remove(tuple(run[name] for name in options))
    X = model_matrix(problem, rows)
    n, p = X.shape
    inverse = np.eye(n)
    if "whole_plots" in problem:
        if plots is None:
            raise ValueError("no whole plots")
        label = np.asarray(plots)
        for plot in np.unique(label):
            for name in problem["hard_to_change"]:
                inside = {row[name] for row, z in zip(rows, label) if z == plot}
                if len(inside) > 1:
                    raise ValueError(f"{name} changes within whole plot {plot}")
        same = label[:, None] == label[None, :]
        inverse = np.linalg.inv(np.eye(n) + problem["variance_ratio"] * same)
    sign, log_det = np.linalg.slogdet(X.T @ inverse @ X)
    return float(np.exp(log_det / p) / n) if sign > 0 else 0.0
