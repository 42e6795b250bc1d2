"""The guard and the transfer models that it chooses among."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from perfmodel.dataset import PerformanceDataset
from perfmodel.errors import ArchiveError, DataError, ModelError
from perfmodel.loading import load
from perfmodel.transfer.base import SourceRuns, TransferModel
from perfmodel.transfer.guard import (
    blend_weights,
    fit_transfer,
    guard_folds,
    paired_t,
    relative_error,
)

OPTIONS = ["threads", "cache", "backend"]


def configurations() -> pd.DataFrame:
    """All 96 configurations of three options."""
    grid = pd.MultiIndex.from_product(
        [[1, 2, 3, 4, 6, 8], [1, 4, 16, 64], ["graph", "xla", "tflite", "off"]],
        names=OPTIONS,
    )
    return grid.to_frame(index=False)


def source_log_response(frame: pd.DataFrame) -> np.ndarray:
    slow = frame["backend"].map({"graph": 0.0, "xla": -0.4, "tflite": 0.3, "off": 0.9})
    together = 0.2 * slow * np.log(frame["cache"])
    return (
        -0.8 * np.log(frame["threads"]) + 0.1 * np.log(frame["cache"]) + slow + together
    ).to_numpy()


def dataset(
    log_response: np.ndarray, rows: Any = None, noise: float = 0.01, seed: int = 0
) -> PerformanceDataset:
    frame = configurations()
    rng = np.random.default_rng(seed)
    response = np.exp(log_response + noise * rng.standard_normal(len(frame)))
    data = PerformanceDataset.from_frame(
        frame.assign(latency_s=response),
        options=OPTIONS,
        response={"latency_s": "s"},
    )
    return data if rows is None else data.take(rows)


@pytest.fixture(scope="module")
def source() -> PerformanceDataset:
    return dataset(source_log_response(configurations()))


def some_rows(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).permutation(96)[:n]


def error_percent(model: TransferModel, truth: PerformanceDataset) -> float:
    return float(100 * np.mean(np.abs(model.predict(truth.X) / truth.y - 1)))


@pytest.mark.parametrize("n", [6, 10, 16])
def test_a_scaled_source_is_transferred(source: PerformanceDataset, n: int) -> None:
    log_target = 1.5 + 0.9 * source_log_response(configurations())
    truth = dataset(log_target, noise=0.0)
    model = fit_transfer([source], dataset(log_target, some_rows(n), seed=2))
    assert model.report.decision == "transfer"
    assert model.report.statistic > 1.3
    assert error_percent(model, truth) < 6


@pytest.mark.parametrize("n", [10, 16, 30])
def test_a_source_that_misleads_is_left(source: PerformanceDataset, n: int) -> None:
    frame = configurations()
    shuffled = np.random.default_rng(3).permutation(source_log_response(frame))
    misleading = dataset(shuffled)
    target = dataset(1.5 + source_log_response(frame), some_rows(n), seed=4)
    guarded = fit_transfer([misleading], target)
    alone = fit_transfer([misleading], target, method="alone")
    assert guarded.report.decision == guarded.report.method == "alone"
    assert np.array_equal(guarded.predict(frame), alone.predict(frame))


def test_a_method_that_was_asked_for_is_taken(source: PerformanceDataset) -> None:
    target = dataset(source_log_response(configurations()) + 1, some_rows(12))
    for method in ("scale", "shift", "delta", "feature"):
        model = fit_transfer([source], target, method=method)
        assert model.report.decision == "forced"
        assert model.report.weights == {method: 1.0}


def test_several_sources_are_used_together(source: PerformanceDataset) -> None:
    frame = configurations()
    log_source = source_log_response(frame)
    other = dataset(0.8 * log_source - 1, seed=5)
    log_target = log_source + 0.5
    model = fit_transfer([source, other], dataset(log_target, some_rows(8), seed=6))
    assert len(model.sources_) == 2
    assert error_percent(model, dataset(log_target, noise=0.0)) < 6


def test_the_same_seed_gives_the_same_model(source: PerformanceDataset) -> None:
    target = dataset(source_log_response(configurations()) + 1, some_rows(12))
    one, other = (fit_transfer([source], target, seed=7) for _ in range(2))
    frame = configurations()
    assert np.array_equal(one.predict(frame), other.predict(frame))


def test_prediction_intervals_hold_their_share(source: PerformanceDataset) -> None:
    frame = configurations()
    log_target = 1 + 0.9 * source_log_response(frame) + 0.1 * np.log(frame["cache"])
    held = []
    for seed in range(6):
        rows = some_rows(20, seed)
        target = dataset(log_target.to_numpy(), noise=0.05, seed=seed)
        model = fit_transfer([source], target.take(rows))
        rest = target.take(np.setdiff1d(np.arange(96), rows))
        found = model.predict_interval(rest.X)
        held.append(np.mean((found["lower"] <= rest.y) & (rest.y <= found["upper"])))
    assert 0.8 <= np.mean(held) <= 0.99


def test_an_option_of_one_side_stands_at_its_default_on_the_other() -> None:
    frame = configurations()
    log_target = source_log_response(frame)
    narrow = frame[frame["cache"] == 4].drop(columns="cache")
    of_source = source_log_response(frame[frame["cache"] == 4])
    source = PerformanceDataset.from_frame(
        narrow.assign(latency_s=np.exp(of_source)),
        options=["threads", "backend"],
        response="latency_s",
    )
    model = fit_transfer([source], dataset(log_target + 1, some_rows(20)))
    assert any("cache is not on every side" in note for note in model.notes_)
    assert np.all(np.isfinite(model.predict(frame)))


def test_environments_without_a_common_option_are_refused(
    source: PerformanceDataset,
) -> None:
    other = PerformanceDataset.from_frame(
        pd.DataFrame({"tile": [1, 2, 3], "y": [1.0, 2.0, 3.0]}),
        options=["tile"],
        response="y",
    )
    with pytest.raises(DataError, match="no option in common"):
        fit_transfer([other], source)


def test_an_unknown_method_is_refused(source: PerformanceDataset) -> None:
    with pytest.raises(ModelError, match="choose one of auto, alone"):
        fit_transfer([source], source, method="magic")


def test_a_method_that_needs_a_source_is_refused_without(
    source: PerformanceDataset,
) -> None:
    with pytest.raises(ModelError, match="needs a source"):
        fit_transfer([], source, method="delta")


def test_a_response_that_is_not_positive_cannot_be_transferred() -> None:
    frame = configurations().head(6)
    model = TransferModel()
    runs = SourceRuns(X=frame, y=np.ones(6))
    with pytest.raises(ModelError, match="positive"):
        model.fit(frame, np.array([1.0, -1.0, 2.0, 3.0, 4.0, 5.0]), [runs])


def test_too_few_runs_for_the_guard_are_shifted_and_it_says_so(
    source: PerformanceDataset,
) -> None:
    target = dataset(source_log_response(configurations()) + 1, some_rows(3))
    model = fit_transfer([source], target)
    assert model.report.method == "shift"
    assert model.report.reason.startswith("not judged: fewer than five runs")
    assert model.report.to_dict()["statistic"] is None


def test_each_run_is_held_out_once() -> None:
    for n in (4, 10, 11, 37):
        folds = guard_folds(n, 0)
        assert sorted(np.concatenate(folds).tolist()) == list(range(n))
        assert len(folds) == (n if n <= 10 else 5)


def test_weights_add_up_and_fall_with_the_error() -> None:
    weights = blend_weights({"alone": 20.0, "shift": 10.0, "delta": 9.0}, 20)
    assert sum(weights.values()) == pytest.approx(1)
    assert "alone" not in weights
    assert weights["delta"] > weights["shift"]


def test_an_equal_gain_everywhere_is_as_sure_as_can_be() -> None:
    assert paired_t(np.full(5, 0.1)) == 100
    assert paired_t(np.zeros(5)) == 0


def test_one_wild_prediction_counts_no_more_than_threefold() -> None:
    assert relative_error(np.array([50.0]), np.array([0.0])) == pytest.approx([3.0])


@parametrize_with_checks([TransferModel()])
def test_it_is_a_scikit_learn_regressor(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(
    "method", ["auto", "scale", "shift", "delta", "feature", "alone"]
)
def test_a_saved_transfer_predicts_the_same(
    source: PerformanceDataset, tmp_path: Path, method: str
) -> None:
    target = dataset(source_log_response(configurations()) + 1, some_rows(15))
    model = fit_transfer([source], target, method=method)
    again: Any = load(model.save(tmp_path / "model"))
    frame = configurations()
    assert again.predict(frame) == pytest.approx(model.predict(frame), rel=1e-9)
    one, other = (m.predict_interval(frame) for m in (model, again))
    assert np.allclose(one, other)
    assert again.report.to_dict() == model.report.to_dict()
    assert np.allclose(again.draws(frame, 3), model.draws(frame, 3))


def test_a_saved_transfer_with_another_method_in_its_blend_is_refused(
    source: PerformanceDataset, tmp_path: Path
) -> None:
    target = dataset(source_log_response(configurations()) + 1, some_rows(15))
    model = fit_transfer([source], target, method="shift")
    values, arrays, files = model._state()
    values["report"]["weights"] = {"magic": 1.0}
    values["magic"] = {}
    with pytest.raises(ArchiveError, match="blends 'magic'"):
        model._restore(values, arrays, files)
    values["report"]["colour"] = "red"
    with pytest.raises(ArchiveError, match="'report' has other keys"):
        model._restore(values, arrays, files)
