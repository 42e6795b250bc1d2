"""The transfer report: every key is there, and says what is so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from perfmodel.dataset import PerformanceDataset
from perfmodel.errors import DataError, SelectionError
from perfmodel.transfer.base import GuardReport
from perfmodel.transfer.curve import break_even
from perfmodel.transfer.report import VERDICTS, TransferReport, transferability
from perfmodel.transfer.selected import transfer_reports
from perfmodel.transfer.summary import claimed_above, in_one_sentence

OPTIONS = ["threads", "cache", "backend"]
VERDICT_KEYS = {"verdict", "kind", "estimate", "lower", "upper", "runs_needed"}


@pytest.fixture(scope="module", autouse=True)
def _one_repeat() -> Iterator[None]:
    """Learning curves of one repeat: their precision is not what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("perfmodel.transfer.curve.REPEATS_OF_FEW", 1)
        yield


def grid() -> pd.DataFrame:
    """All 64 configurations of three options."""
    return pd.MultiIndex.from_product(
        [[1, 2, 4, 8], [1, 4, 16, 64], ["graph", "xla", "tflite", "off"]],
        names=OPTIONS,
    ).to_frame(index=False)


def log_response(frame: pd.DataFrame) -> np.ndarray:
    slow = frame["backend"].map({"graph": 0.0, "xla": -0.4, "tflite": 0.3, "off": 0.9})
    return np.asarray(
        -0.8 * np.log(frame["threads"]) + 0.05 * np.log(frame["cache"]) + slow
    )


@pytest.fixture(scope="module")
def data() -> PerformanceDataset:
    """Two networks by two workloads, two responses; one response is missing once."""
    rng = np.random.default_rng(0)
    parts = []
    for network, factor in (("resnet50", 1.0), ("mobilenetv2", 0.3)):
        for workload, more in (("images", 1.0), ("text", 4.0)):
            frame = grid()
            noise = 0.02 * rng.standard_normal((2, len(frame)))
            latency = factor * more * np.exp(log_response(frame) + noise[0])
            frame["latency_s"] = latency
            frame["throughput_hz"] = np.exp(noise[1]) / latency
            if (network, workload) == ("mobilenetv2", "text"):
                frame["throughput_hz"] = np.nan
            parts.append(frame.assign(network=network, workload=workload))
    return PerformanceDataset.from_frame(
        pd.concat(parts),
        options=OPTIONS,
        response={"latency_s": "s", "throughput_hz": "Hz"},
        environment=["network", "workload"],
    )


@pytest.fixture(scope="module")
def reports(data: PerformanceDataset) -> list[TransferReport]:
    return transfer_reports(data, "resnet", "mobilenet", target_runs=24)


def test_environments_are_paired_on_what_neither_word_names(
    reports: list[TransferReport],
) -> None:
    assert [(r.source, r.target, r.response) for r in reports] == [
        ("resnet50/images", "mobilenetv2/images", "latency_s"),
        ("resnet50/images", "mobilenetv2/images", "throughput_hz"),
        ("resnet50/text", "mobilenetv2/text", "latency_s"),
    ]
    assert reports[0].notes[-1] == (
        "throughput_hz is missing in mobilenetv2/text: not judged"
    )


def test_every_key_is_there_and_is_plain_json(reports: list[TransferReport]) -> None:
    document = json.loads(json.dumps(reports[0].to_dict(), allow_nan=False))
    assert {"source", "target", "response", "target_runs", "method"} <= set(document)
    assert {"statistic", "decision", "reason"} <= set(document["guard"])
    assert {"alone", "transfer", "source_as_is"} == set(document["error_percent"])
    assert {"break_even_runs", "metrics"} <= set(document)
    assert list(document["verdicts"]) == list(VERDICTS)
    for verdict in document["verdicts"].values():
        assert VERDICT_KEYS <= set(verdict)
        assert verdict["verdict"] in ("yes", "no", "undecided")
        assert verdict["verdict"] != "undecided" or verdict["reason"]


def test_a_source_that_knows_what_few_runs_cannot_is_found_to_help() -> None:
    frame = grid()
    rough = log_response(frame) + 0.4 * np.random.default_rng(1).standard_normal(64)
    sides = [
        PerformanceDataset.from_frame(
            frame.assign(y=factor * np.exp(rough)), options=OPTIONS, response="y"
        )
        for factor in (1.0, 0.3)
    ]
    report = transferability(*sides, target_runs=24)
    assert report.helps == "yes"
    assert report.guard.statistic > claimed_above(24, len(report.guard.errors) - 1)
    assert report.sentence.startswith("the source helps: with 24 target conf")


def test_a_scaled_source_is_transferred(reports: list[TransferReport]) -> None:
    report = reports[0]
    assert report.target_runs == 24
    assert report.guard.decision == "transfer"
    assert report.error_percent["transfer"] < 4
    assert report.error_percent["source_as_is"] > 100
    assert report.verdicts["shift"].verdict == "yes"
    assert report.verdicts["shift"].kind == "scale"
    assert report.verdicts["rank"].verdict == "yes"
    assert set(report.verdicts["options"].details["shared"]) >= {"threads", "backend"}


def judged(t: float, decision: str = "transfer", n: int = 20) -> tuple[str, str]:
    """What is said of a guard with four candidates, without a curve."""
    errors = {"alone": 9.0, "scale": 8.0, "shift": 7.0, "delta": 7.0, "feature": 8.0}
    guard = GuardReport(
        method="shift", statistic=t, decision=decision, reason="", errors=errors
    )
    curve = pd.DataFrame(columns=["runs", "alone", "transfer"])
    return in_one_sentence(guard, {"alone": 9.0, "transfer": 7.0}, curve, n)


def test_help_is_claimed_only_at_five_percent_for_the_best_of_all_candidates() -> None:
    assert claimed_above(20, 4) == pytest.approx(student.ppf(1 - 0.05 / 4, 19))
    assert claimed_above(5000, 4) == claimed_above(150, 4)
    assert judged(2.5)[0] == "yes"
    verdict, sentence = judged(1.9)
    assert verdict == "undecided"
    assert sentence.startswith(
        "undecided, measure 13 further configurations: with 20 target configurations "
    )
    assert "t = 1.90, and above 2.43 is needed for the best of 4 at 5 %" in sentence
    assert judged(1.0, "alone")[0] == "undecided"
    assert judged(-1.0, "alone")[0] == "no"


def test_a_gain_with_few_runs_only_is_told_and_not_claimed() -> None:
    guard = GuardReport(
        method="alone", statistic=0.2, decision="alone", reason="", errors={"alone": 2}
    )
    curve = pd.DataFrame({"runs": [10], "alone": [30.0], "transfer": [8.0]})
    errors = {"alone": 2.0, "transfer": 2.0}
    verdict, sentence = in_one_sentence(guard, errors, curve, 60)
    assert verdict == "undecided"
    assert "with 10 it cuts the error from 30 to 8 %" in sentence


def test_the_best_throughput_is_the_highest(reports: list[TransferReport]) -> None:
    regret = reports[1].verdicts["optimum"].details["regret"]
    assert 0 <= regret < 0.2


def test_few_runs_are_undecided_and_say_how_many_more(
    data: PerformanceDataset,
) -> None:
    one = data.for_response("latency_s")
    source = one.select(network="resnet50", workload="images")
    target = one.select(network="mobilenetv2", workload="images")
    report = transferability(source, target, target_runs=8)
    assert report.helps == "undecided"
    assert report.sentence.startswith("undecided, measure 12 further config")
    assert "repeats of the same do not count" in report.notes[-1]
    assert "--design random" in report.notes[-1] and "--augment" in report.notes[-1]
    assert {v.verdict for v in report.verdicts.values()} == {"undecided"}


def test_all_runs_are_learned_from_by_default(data: PerformanceDataset) -> None:
    one = data.for_response("latency_s").select(workload="images")
    source, target = one.select(network="resnet50"), one.select(network="mobilenetv2")
    report = transferability(source, target, metrics="ase17")
    assert report.target_runs == 64
    assert report.scored_on == "64 held-out target configurations"
    assert report.metrics["M1"] == pytest.approx(0.99, abs=0.02)
    assert list(report.to_dict()["metrics"]) == [f"M{i}" for i in range(1, 19)]


def test_a_target_that_is_too_small_to_judge_is_refused(
    data: PerformanceDataset,
) -> None:
    one = data.for_response("latency_s").select(workload="images")
    source, target = one.select(network="resnet50"), one.select(network="mobilenetv2")
    with pytest.raises(DataError, match="at least 5 are needed"):
        transferability(source, target.take(np.arange(4)))
    with pytest.raises(DataError, match="choose 5 to 60"):
        transferability(source, target, target_runs=62)
    with pytest.raises(DataError, match="too small to be split"):
        transferability(source, target.take(np.arange(8)), target_runs=8)
    with pytest.raises(DataError, match="choose ase17"):
        transferability(source, target, metrics="ase18")


def test_a_source_that_agrees_with_no_other_is_named(
    data: PerformanceDataset,
) -> None:
    frame = grid()
    response = np.exp(log_response(frame))
    sides = [
        PerformanceDataset.from_frame(
            frame.assign(latency_s=values, device=name),
            options=OPTIONS,
            response="latency_s",
            environment=["device"],
        )
        for name, values in (
            ("tx1", response),
            ("tx2", 2 * response),
            ("odd", np.random.default_rng(0).permutation(response)),
            ("host", 3 * response),
        )
    ]
    report = transferability(sides[:3], sides[3], target_runs=12)
    assert report.source == "tx1 + tx2 + odd"
    assert any("source odd agrees with no other" in note for note in report.notes)
    assert sum("agrees with no other" in note for note in report.notes) == 1
    assert report.method == "blend"
    assert report.guard.reason.startswith("made of ")
    assert " %, because " in report.guard.reason


@pytest.mark.parametrize("constant", ["source", "target", "both"])
def test_a_response_that_does_not_vary_is_reported_all_the_same(constant: str) -> None:
    frame = grid()
    varied = np.exp(log_response(frame))
    sides = [
        PerformanceDataset.from_frame(
            frame.assign(
                y=np.ones(len(frame)) if constant in (side, "both") else varied
            ),
            options=OPTIONS,
            response="y",
        ).take(np.arange(24))
        for side in ("source", "target")
    ]
    report = transferability(*sides, metrics="ase17")
    assert report.verdicts["rank"].verdict == "undecided"
    assert np.isfinite(report.error_percent["transfer"])
    json.dumps(report.to_dict(), allow_nan=False)


def test_words_that_select_nothing_are_refused(data: PerformanceDataset) -> None:
    with pytest.raises(SelectionError, match="is no environment"):
        transfer_reports(data, "vgg", "mobilenet")


def test_failed_configurations_are_compared(data: PerformanceDataset) -> None:
    one = data.for_response("latency_s").select(workload="images")
    sides = []
    for network in ("resnet50", "mobilenetv2"):
        part = one.select(network=network)
        frame = part.frame.copy()
        frame.loc[frame["backend"] == "off", "latency_s"] = np.nan
        sides.append(
            PerformanceDataset.from_frame(
                frame,
                options=OPTIONS,
                response="latency_s",
                environment=["network"],
            )
        )
    found = transferability(*sides).verdicts["invalid"]
    assert found.verdict == "yes"
    assert (found.details["common"], found.details["auc"]) == (16, 1.0)


def test_the_lines_hold_the_verdict_and_all_errors(
    reports: list[TransferReport],
) -> None:
    text = "\n".join(reports[0].lines())
    where = "resnet50/images to mobilenetv2/images, latency_s: "
    assert text.startswith(where + reports[0].sentence)
    for word in ("target alone", "source as it is", "configurations", *VERDICTS):
        assert word in text


def test_the_table_and_the_picture_are_those_of_the_report(
    reports: list[TransferReport],
) -> None:
    matplotlib.use("Agg")
    frame = reports[0].to_frame()
    assert list(frame["name"]) == list(VERDICTS)
    ax = reports[0].plot()
    assert ax.get_xlabel() == "target runs"
    assert reports[0].plot(ax) is ax
    matplotlib.pyplot.close("all")


def test_the_source_no_longer_helps_from_where_all_larger_sizes_agree() -> None:
    def curve(*ratios: float) -> pd.DataFrame:
        return pd.DataFrame(
            {"runs": [5, 10, 20], "alone": ratios, "transfer": [1.0, 1.0, 1.0]}
        )

    assert break_even(curve(2.0, 1.5, 1.04)) == 20
    assert break_even(curve(1.0, 1.5, 1.0)) == 20
    assert break_even(curve(1.0, 0.9, 1.0)) == 5
    assert break_even(curve(2.0, 1.5, 1.2)) is None


@pytest.mark.published_data
def test_ten_runs_of_a_tx2_are_enough_for_five_percent(published_data: Path) -> None:
    options = ["num_cores", "core_freq_khz", "gpu_freq_hz", "emc_freq_hz"]
    data: Any = PerformanceDataset.from_csv(
        published_data / "jetson_tx2_dnn_freq" / "jetson_tx2_dnn_freq.csv",
        options=options,
        response="power_consumption",
        environment=["dnn", "image_size"],
    )
    report = transfer_reports(
        data, "inceptionv3/600x600", "xception/600x600", target_runs=10
    )[0]
    assert report.error_percent["transfer"] <= 5
    assert report.error_percent["alone"] > 15
