"""The metrics of ASE 2017: known answers, and the published rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perfmodel.dataset import PerformanceDataset
from perfmodel.errors import DataError
from perfmodel.transfer.ase17 import NAMES, ase17_metrics
from perfmodel.transfer.density import nice_edges, shape_kl
from perfmodel.transfer.splits import tree_importance
from perfmodel.transfer.stepwise import logistic_coefficients, stepwise_terms

OPTIONS = ["a", "b", "c", "d"]


def factorial(repeats: int = 2) -> pd.DataFrame:
    """All 16 configurations of four two-level options, repeated."""
    rows = [[i >> j & 1 for j in range(4)] for i in range(16)] * repeats
    return pd.DataFrame(rows, columns=OPTIONS)


def dataset(response: Any, frame: pd.DataFrame | None = None) -> PerformanceDataset:
    rows = factorial() if frame is None else frame
    rows = rows.assign(y=response)
    return PerformanceDataset.from_frame(rows, options=OPTIONS, response="y")


@pytest.fixture
def source_response() -> np.ndarray:
    rows = factorial()
    noise = np.random.default_rng(5).normal(0, 0.05, len(rows))
    wave = 1.0 + 2.0 * rows["a"] - rows["b"] * rows["c"] + noise + 3
    return wave.to_numpy()


def test_an_environment_is_like_itself(source_response: np.ndarray) -> None:
    data = dataset(source_response)
    found = ase17_metrics(data, data)
    assert tuple(found) == NAMES
    assert found["M1"] == pytest.approx(1)
    assert found["M2"] == pytest.approx(0, abs=1e-9)
    assert found["M3"] == pytest.approx(1)
    assert found["M6"] == found["M7"] == found["M8"] == 3
    assert found["M9"] == 0
    assert found["M11"] == found["M12"] == found["M13"]
    assert found["M15"] == found["M16"] == 0
    assert np.isnan(found["M17"]) and np.isnan(found["M18"])


def test_a_reversed_response_reverses_the_signs(source_response: np.ndarray) -> None:
    found = ase17_metrics(dataset(source_response), dataset(10 - source_response))
    assert found["M1"] == pytest.approx(-1)
    assert (found["M8"], found["M9"]) == (0, 3)


def test_rows_are_matched_by_configuration_and_not_by_place(
    source_response: np.ndarray,
) -> None:
    order = np.argsort(np.tile(np.random.default_rng(1).permutation(16), 2))
    order = np.sort(order.reshape(2, -1), axis=1).ravel()
    order = np.concatenate([order[order < 16][::-1], order[order >= 16]])
    shuffled = factorial().iloc[order]
    target = dataset(2 * source_response[order], shuffled)
    found = ase17_metrics(dataset(source_response), target)
    assert found["M1"] == pytest.approx(1)


def test_a_limit_makes_configurations_invalid(source_response: np.ndarray) -> None:
    data = dataset(source_response)
    limit = float(np.median(source_response))
    found = ase17_metrics(data, data, valid_below=limit)
    assert found["M15"] == found["M16"] == 0.5
    assert found["M17"] == 1
    assert ase17_metrics(data, data, valid_above=0.0)["M15"] == 0


def test_a_missing_response_is_invalid(source_response: np.ndarray) -> None:
    holed = source_response.copy()
    holed[:4] = np.nan
    found = ase17_metrics(dataset(source_response), dataset(holed))
    assert (found["M15"], found["M16"]) == (0, 4 / 32)


def test_options_of_more_levels_and_categories_are_coded() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "threads": np.repeat([1, 2, 4], 12),
            "backend": np.tile(np.repeat(["graph", "tflite", "xla"], 4), 3),
        }
    )
    frame["y"] = frame["threads"] + (frame["backend"] == "xla") + 1
    frame["y"] += rng.normal(0, 0.01, len(frame))
    data = PerformanceDataset.from_frame(
        frame, options=["threads", "backend"], response="y"
    )
    found = ase17_metrics(data, data)
    assert found["M6"] == found["M8"] == 2


def test_environments_without_a_common_configuration_are_refused() -> None:
    rows = factorial(1)
    low, high = rows[rows["a"] + rows["b"] < 2], rows[rows["a"] + rows["b"] == 2]
    source = dataset(np.arange(1.0, len(low) + 1), low)
    target = PerformanceDataset.from_frame(
        high.assign(y=1.5), options=["a", "b", "c", "d"], response="y"
    )
    with pytest.raises(DataError, match="measured in both environments"):
        ase17_metrics(source, target)


def test_an_unknown_correlation_is_refused(source_response: np.ndarray) -> None:
    data = dataset(source_response)
    with pytest.raises(DataError, match="choose pearson or spearman"):
        ase17_metrics(data, data, importance_correlation="kendall")


def test_bins_have_round_edges_that_hold_all_values() -> None:
    edges = nice_edges(np.array([13.91, 26.33]))
    assert len(edges) == 1001
    assert edges[0] == pytest.approx(13.91)
    assert np.diff(edges) == pytest.approx(0.01242)


def test_the_divergence_is_blind_to_shift_and_scale() -> None:
    x = np.random.default_rng(3).gamma(2.0, size=200)
    assert shape_kl(x, 10 * x) == pytest.approx(0, abs=1e-6)
    assert shape_kl(x, x.max() - x) > 0.5


def test_a_constant_response_has_a_shape() -> None:
    assert np.isfinite(shape_kl(np.ones(20), np.ones(20)))


def test_importance_is_the_squared_error_that_splits_take() -> None:
    rows = factorial().to_numpy(dtype=float)
    importance = tree_importance(rows, 4 * rows[:, 0] + rows[:, 1])
    assert importance[2] == importance[3] == 0
    assert importance[0] == pytest.approx(16 * importance[1])


def test_stepwise_finds_the_terms_with_marginality() -> None:
    rows = np.tile(factorial().to_numpy(dtype=float), (4, 1))
    noise = np.random.default_rng(4).normal(0, 0.1, len(rows))
    terms = stepwise_terms(rows, 5 + rows[:, 0] * rows[:, 2] + noise)
    assert {(), (0,), (2,), (0, 2)} <= set(terms)
    assert terms[0, 2] == pytest.approx(1, abs=0.1)
    assert terms[()] == pytest.approx(5, abs=0.1)


def test_logistic_coefficients_are_the_log_odds() -> None:
    x = np.repeat([0.0, 1.0], [100, 100])[:, None]
    failed = np.concatenate([np.arange(100) < 20, np.arange(100) < 50])
    intercept, slope = logistic_coefficients(x, failed)
    assert intercept == pytest.approx(np.log(0.25), abs=1e-6)
    assert slope == pytest.approx(np.log(4), abs=1e-6)


@pytest.mark.published_data
@pytest.mark.parametrize(
    ("places", "correlation", "printed"),
    [
        (
            [("feature1", "2762", "128"), ("feature8", "2762", "128")],
            "spearman",
            {"M1": 0.97, "M2": 1.0, "M3": 0.99, "M4": 0.97, "M5": 0.92}
            | {"M6": 9, "M7": 10, "M8": 8, "M9": 0, "M10": 0.86, "M11": 21}
            | {"M12": 33, "M13": 18, "M14": 1.0, "M15": 0.49, "M16": 0.49}
            | {"M17": 1, "M18": 1},
        ),
        (
            [("feature10", "2744", "8"), ("feature1", "2762", "128")],
            "spearman",
            {"M2": 14.51, "M3": 0.26, "M9": 2, "M10": 0.58, "M11": 33, "M14": 0.94},
        ),
    ],
)
def test_the_published_rows_of_x264_are_found_again(
    published_data: Path,
    places: list[tuple[str, str, str]],
    correlation: str,
    printed: dict[str, float],
) -> None:
    folder = published_data / "ase17_x264"
    table = pd.read_csv(folder / "ase17_x264.csv.gz")
    invalid = pd.read_csv(folder / "ase17_x264_invalid_configs.csv")
    options = [c for c in invalid.columns if c != "config_id"]
    sides = []
    for hardware, version, frames in places:
        rows = table[
            (table["hardware"] == hardware)
            & (table["version"].astype(str) == version)
            & (table["frames"].astype(str) == frames)
        ]
        rows = pd.concat([rows, invalid]).sort_values("config_id")
        sides.append(
            PerformanceDataset.from_frame(
                rows, options=options, response="encoding_time_s"
            )
        )
    found = ase17_metrics(*sides, importance_correlation=correlation)
    for name, value in printed.items():
        assert found[name] == pytest.approx(value, abs=0.005001), name


@pytest.mark.published_data
def test_a_published_row_of_sqlite_is_found_again(published_data: Path) -> None:
    table = pd.read_csv(published_data / "ase17_sqlite" / "ase17_sqlite.csv.gz")
    options = [c for c in table.columns if c.startswith("sqlite_")]
    sides = []
    for hardware, version, response in [
        ("feature4", "3.19.0", "fillseqbatch_us_per_op"),
        ("feature20", "3.7.6.3", "fillseq_us_per_op"),
    ]:
        rows = table[(table["hardware"] == hardware) & (table["version"] == version)]
        sides.append(
            PerformanceDataset.from_frame(
                rows.sort_values("config_id"), options=options, response=response
            )
        )
    found = ase17_metrics(*sides)
    printed = {"M1": 0.53, "M2": 4.91, "M3": 0.53, "M4": 0.42, "M5": 0.47, "M6": 3}
    printed |= {"M7": 5, "M8": 2, "M9": 1, "M10": 0.31, "M11": 7, "M12": 13}
    printed |= {"M13": 6, "M14": 0.97}
    for name, value in printed.items():
        assert found[name] == pytest.approx(value, abs=0.005001), name
