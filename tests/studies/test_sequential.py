"""What the last sweep brought, in a report."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perfmodel.dataset import PerformanceDataset
from studies import modelled, sequential
from studies.display import Finding, Table


def data_of(sweeps: int) -> PerformanceDataset:
    rng = np.random.default_rng(0)
    rows = []
    for sweep in range(sweeps):
        for _ in range((12, 30)[sweep]):
            a, b = int(rng.integers(1, 5)), bool(rng.integers(2))
            y = 0.1 * a**-0.5 * (1.3 if b else 1.0) * np.exp(0.02 * rng.normal())
            rows.append({"a": a, "b": b, "latency_s": y, "sweep_id": f"s{sweep}"})
    return PerformanceDataset.from_frame(
        pd.DataFrame(rows),
        options=["a", "b"],
        response={"latency_s": "s"},
        meta=["sweep_id"],
    )


def test_each_environment_is_compared_with_the_runs_before() -> None:
    models = modelled.fit_all(data_of(2), "latency_s", model="stepwise")
    table, finding = sequential.what_was_added(models)
    assert isinstance(table, Table) and isinstance(finding, Finding)
    row = table.frame.iloc[0]
    assert (row["runs before"], row["runs added"]) == (12, 30)
    assert row["terms before"] <= row["terms now"] == 3
    assert "the 30 runs of the last sweep make predictions" in finding.text


def test_one_sweep_has_nothing_to_compare_with() -> None:
    models = modelled.fit_all(data_of(1), "latency_s", model="stepwise")
    assert sequential.what_was_added(models) == []
