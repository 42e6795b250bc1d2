"""Errors at growing numbers of target runs: ours, the target alone, a linear shift."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np
import pandas as pd

from benchmarks.transfer.cases import Case
from perfmodel.acquisition import stratified_rows
from perfmodel.catalogue import make_model
from perfmodel.encoding import Encoding
from perfmodel.transfer.base import TransferModel
from perfmodel.transfer.shift import fit_linear_shift
from perfmodel.transfer.source import learn_source
from perfmodel.validation import mape

SIZES = (5, 10, 20, 40)
MOST_SOURCE_RUNS = 200


def measure(cases: Iterable[Case], repeats: int, choice: str) -> pd.DataFrame:
    """Score every case at every size; the source has half its runs, 200 at most."""
    rows = []
    for case in cases:
        for repeat in range(repeats):
            rows += _repeat(case, repeat, choice)
    return pd.DataFrame(rows)


def _repeat(case: Case, repeat: int, choice: str) -> list[dict[str, object]]:
    rng = np.random.default_rng(repeat)
    space = case.target.space
    X, y, n = case.target.X, case.target.y, len(case.target.y)
    encoding = Encoding(space=space)
    known = rng.permutation(n)[: min(MOST_SOURCE_RUNS, n // 2)]
    source = learn_source(
        encoding.codes(case.source.X.iloc[known]),
        np.log(case.source.y[known]),
        encoding,
    )
    told = source.log_predict(encoding.codes(X), encoding)
    places = source.scaled(encoding.codes(X), encoding)
    rows = []
    for size in SIZES:
        if size > n // 3:
            continue
        learn = (
            stratified_rows(told, size, rng, places)
            if choice == "stratified"
            else rng.permutation(n)[:size]
        )
        rest = np.setdiff1d(np.arange(n), learn)
        errors = {"source as it is": mape(y[rest], np.exp(told[rest]))}
        line = fit_linear_shift(np.exp(told[learn]), y[learn])
        errors["linear shift"] = mape(y[rest], line.predict(np.exp(told[rest])))
        plain = make_model("gaussian-process", space, repeat).set_params(
            calibrate=False
        )
        plain.fit(X.iloc[learn], y[learn])
        errors["scikit-learn alone"] = mape(y[rest], plain.predict(X.iloc[rest]))
        began = time.process_time()
        for name, method in (("target alone", "alone"), ("guarded transfer", "auto")):
            model = TransferModel(method=method, space=space, seed=repeat)
            model.fit(X.iloc[learn], y[learn], [source])
            errors[name] = mape(y[rest], model.predict(X.iloc[rest]))
        found = model.predict_interval(X.iloc[rest])
        held = (found["lower"] <= y[rest]) & (y[rest] <= found["upper"])
        rows.append(
            {
                "family": case.family,
                "case": case.name,
                "related": case.related,
                "runs": size,
                "repeat": repeat,
                **errors,
                "transferred": model.report.decision == "transfer",
                "covered": float(held.mean()),
                "cpu_s": time.process_time() - began,
            }
        )
    return rows


METHODS = (
    "source as it is",
    "linear shift",
    "scikit-learn alone",
    "target alone",
    "guarded transfer",
)


def by_size(rows: pd.DataFrame) -> pd.DataFrame:
    """Geometric mean over cases of the mean error, and of the ratio to target alone."""
    cells = rows.groupby(["related", "case", "family", "runs"])[
        [*METHODS, "transferred", "covered", "cpu_s"]
    ].mean()
    logs = np.log(cells[list(METHODS)].clip(lower=1e-3))
    table = np.exp(logs.groupby(["related", "runs"]).mean())
    ratio = logs["guarded transfer"] - logs["target alone"]
    table["ratio"] = np.exp(ratio.groupby(["related", "runs"]).mean())
    others = cells[["transferred", "covered", "cpu_s"]]
    return table.join(others.groupby(["related", "runs"]).mean()).reset_index()


def by_family(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean errors of each data set, related pairs only."""
    related = rows[rows["related"]]
    return related.groupby(["family", "runs"])[list(METHODS)].mean().reset_index()


def guarantee(rows: pd.DataFrame) -> dict[str, float]:
    """How often, and by how much, the guarded transfer is worse than target alone."""
    cells = rows.groupby(["related", "case", "family", "runs"])[list(METHODS)].mean()
    ratio = cells["guarded transfer"] / cells["target alone"]
    single = rows["guarded transfer"] / rows["target alone"]
    return {
        "cells": float(len(ratio)),
        "worst_cell_ratio": float(ratio.max()),
        "cells_over_1.1": float((ratio > 1.1).sum()),
        "runs_over_1.25_percent": float(100 * (single > 1.25).mean()),
        "significantly_worse_cells": float(_significantly_worse(rows)),
    }


def _significantly_worse(rows: pd.DataFrame) -> int:
    """Cells in which the paired Wilcoxon test says worse, by Holm at 5 %."""
    from scipy.stats import wilcoxon

    from perfmodel.multiplicity import holm

    p_values = []
    for _, cell in rows.groupby(["related", "case", "family", "runs"]):
        loss = (cell["guarded transfer"] - cell["target alone"]).to_numpy()
        if len(loss) > 1 and np.any(loss != 0):
            p_values.append(float(wilcoxon(loss, alternative="greater").pvalue))
        else:
            p_values.append(1.0)
    return int(np.sum(holm(np.array(p_values)) < 0.05))
