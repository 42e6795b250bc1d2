"""What the last sweep brought."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from measure.space import ConfigurationSpace
from perfmodel.added import bought, designs_before_and_after, last_sweep
from perfmodel.dataset import PerformanceDataset
from perfmodel.fitting import fit
from perfmodel.influence import explain

SPACE = ConfigurationSpace.from_dict(
    {"options": {name: {"kind": "boolean"} for name in "abcd"}}
)
META = ("sweep_id", "started_at")


def runs(rows: list[int], sweep: str, day: int) -> pd.DataFrame:
    every = SPACE.decode(SPACE.all_rows())
    frame = every.iloc[rows].reset_index(drop=True)
    numbers = frame.astype(float)
    noise = 0.01 * np.random.default_rng(day).normal(size=len(frame))
    log = 0.3 * numbers["a"] + 0.1 * numbers["b"] + 0.2 * numbers["a"] * numbers["b"]
    frame["y"] = np.exp(log + noise)
    return frame.assign(sweep_id=sweep, started_at=f"2026-01-0{day}T00:00:00+00:00")


def half() -> list[int]:
    """Rows of a half fraction: a = bcd, so that ab and cd are one."""
    rows = SPACE.all_rows()
    return np.flatnonzero(rows.sum(axis=1) % 2 == 0).tolist()


def data_of(*frames: pd.DataFrame) -> PerformanceDataset:
    return PerformanceDataset.from_frame(
        pd.concat(frames, ignore_index=True),
        response={"y": "s"},
        space=SPACE,
        meta=META,
    )


@pytest.fixture(scope="module")
def data() -> PerformanceDataset:
    rest = [row for row in range(16) if row not in half()]
    # The later sweep stands first: what counts is when it began.
    return data_of(runs(rest, "z", 2), runs(half(), "x", 1))


def test_the_sweep_that_began_last_is_the_last(data: PerformanceDataset) -> None:
    assert last_sweep(data) == "z"
    assert last_sweep(data.take(range(8))) is None
    assert last_sweep(replace(data, meta=())) is None
    assert last_sweep(replace(data, meta=("sweep_id",))) == "x"


def test_terms_that_only_all_runs_can_tell_are_named(data: PerformanceDataset) -> None:
    found = designs_before_and_after(data_of(runs(half(), "x", 1)), data)
    assert found.model == "interactions" and found.terms == 10
    assert found.estimable_before == 7 and found.estimable_after == 10
    # b:c, b:d and c:d stand for a:d, a:c and a:b in the half fraction.
    assert set(found.gained) == {"b:c", "b:d", "c:d"}
    assert found.d_efficiency_before == 0.0 and found.variance_before is None
    assert found.d_efficiency_after == pytest.approx(1.0)
    # An orthogonal two-level design predicts with variance p / n everywhere.
    assert found.variance_after == pytest.approx(11 / 16)


def test_runs_that_tell_main_effects_alone_are_judged_by_these(
    data: PerformanceDataset,
) -> None:
    first = data_of(runs(half()[:6], "x", 1))
    found = designs_before_and_after(first, data_of(runs(half(), "x", 1)))
    assert found.model == "main" and found.gained
    assert found.variance_after == pytest.approx(5 / 8)
    assert found.variance_before is not None
    assert found.variance_before > found.variance_after


def test_what_was_bought_is_told_in_words_and_numbers(data: PerformanceDataset) -> None:
    model = fit(data, model="stepwise")
    found = bought(model, data, explain(model))
    assert found is not None
    assert (found.sweep_id, found.runs_before, found.runs_added) == ("z", 8, 8)
    assert found.error_after[0] < 3
    assert json.loads(json.dumps(found.to_dict()))["design"]["estimable_after"] == 10
    lines = found.lines()
    assert lines[0] == "what the 8 runs of the last sweep added to the 8 before:"
    assert "main effects and pairs that can be told: 7 of 10 before, 10 now" in lines[3]
    assert "unbounded before, 0.69 of a run's now" in lines[4]


def test_one_sweep_or_too_few_runs_before_bought_nothing() -> None:
    single = data_of(runs(list(range(16)), "x", 1))
    model = fit(single, model="stepwise")
    assert bought(model, single, explain(model)) is None
    few = data_of(runs([0, 5], "x", 1), runs(list(range(16)), "z", 2))
    model = fit(few, model="stepwise")
    assert bought(model, few, explain(model)) is None


def test_errors_before_and_after_are_both_of_a_model_that_was_not_chosen(
    data: PerformanceDataset,
) -> None:
    model = fit(data, model="stepwise")
    validation = model.cross_validation_
    assert validation is not None
    chosen = replace(
        validation,
        error_percent=validation.error_percent + 5.0,
        lower=validation.lower + 5.0,
        upper=validation.upper + 5.0,
        selection_bias_percent=5.0,
    )
    alone = bought(model, data, explain(model))
    model.cross_validation_ = chosen
    raced = bought(model, data, explain(model))
    assert alone is not None and raced is not None
    assert raced.error_after == pytest.approx(alone.error_after)
