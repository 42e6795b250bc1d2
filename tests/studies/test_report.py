"""The report's statements, on data whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest

import perfmodel
from measure.records import Plan, Run
from perfmodel.dataset import PerformanceDataset
from perfmodel.errors import DataError
from perfmodel.transfer.report import TransferReport
from perfmodel.transfer.verdicts import Verdict
from studies import described, discussion, fronts, measured, modelled, transfers
from studies.display import Finding
from studies.measured import MeasuredSweep

NOISE = 0.02


def table(rng: np.random.Generator, flipped: bool = False) -> pd.DataFrame:
    """Make runs of two networks: two options act, one does nothing."""
    rows = []
    levels = product(
        ("alpha", "beta"), (1, 2, 3, 4, 6, 8), (False, True), ("red", "blue")
    )
    for network, threads, cache, colour in levels:
        sign = -1 if flipped and network == "beta" else 1
        log = -0.5 * np.log(threads) - sign * 0.3 * cache + NOISE * rng.normal()
        rows.append(
            {
                "network": network,
                "threads": threads,
                "cache": cache,
                "colour": colour,
                "latency_s": 0.05 * np.exp(log),
            }
        )
    return pd.DataFrame(rows)


def dataset(flipped: bool = False) -> PerformanceDataset:
    return PerformanceDataset.from_frame(
        table(np.random.default_rng(7), flipped),
        options=["threads", "cache", "colour"],
        response={"latency_s": "s"},
        environment=["network"],
    )


@pytest.fixture(scope="module")
def models() -> Sequence[modelled.Modelled]:
    return modelled.fit_all(dataset(), "latency_s", model="stepwise")


def texts(findings: Sequence[object], verdict: str) -> str:
    return " ".join(
        finding.text
        for finding in findings
        if isinstance(finding, Finding) and finding.verdict == verdict
    )


def test_the_options_that_act_are_reported_and_the_inert_one_is_not(
    models: Sequence[modelled.Modelled],
) -> None:
    supported = texts(modelled.influence_findings(models, order=1), "yes")
    assert supported.count("threads") == supported.count("cache") == 2
    assert "colour" not in supported


def test_the_discussion_names_what_is_influential_everywhere(
    models: Sequence[modelled.Modelled],
) -> None:
    paragraphs = discussion.discussion(dataset(), (), models, ())
    text = "\n".join(paragraph.markdown for paragraph in paragraphs)
    assert "Influential everywhere:** `threads` and `cache`" in text
    assert "opposite directions" not in text


def test_an_option_that_acts_in_opposite_directions_is_named_in_the_discussion() -> (
    None
):
    data = dataset(flipped=True)
    models = modelled.fit_all(data, "latency_s", model="stepwise")
    text = discussion.discussion(data, (), models, ())[0].markdown
    assert "`cache` acts in opposite directions" in text


def test_noise_alone_is_called_no_learnable_signal() -> None:
    rng = np.random.default_rng(3)
    frame = table(rng)
    frame["latency_s"] = np.exp(rng.normal(size=len(frame)))
    data = PerformanceDataset.from_frame(
        frame,
        options=["threads", "cache", "colour"],
        response="latency_s",
        environment=["network"],
    )
    models = modelled.fit_all(data, "latency_s", model="stepwise")
    assert "no learnable signal" in texts(modelled.accuracy_findings(models), "no")
    text = discussion.discussion(data, (), models, ())[0].markdown
    assert text.startswith("**Nothing to interpret in `alpha` and `beta`.**")


def judged(target: str, **verdicts: Verdict) -> TransferReport:
    """Make a transfer report with nothing but what statements are made from."""
    return cast(
        TransferReport,
        SimpleNamespace(
            source="tx1/alpha/images",
            target=target,
            helps="undecided",
            sentence="undecided, measure 8 more: it seems so",
            verdicts=verdicts,
        ),
    )


def test_verdicts_are_statements_and_those_with_one_reason_are_one() -> None:
    few = "12 target runs are too few"
    report = judged(
        "tx1/beta/images",
        rank=Verdict(verdict="undecided", kind="spearman", reason=few),
        optimum=Verdict(verdict="undecided", kind="overlap", reason=few),
        options=Verdict(
            verdict="no", kind="shared options", estimate=0.5, reason="cache flipped"
        ),
        invalid=Verdict(verdict="undecided", kind="Jaccard", reason="none failed"),
    )
    findings = transfers.transfer_findings([report])
    assert [(finding.verdict, finding.text) for finding in findings] == [
        (
            "undecided",
            "knowing the source helps to predict the target: measure 8 more: it seems "
            "so",
        ),
        (
            "undecided",
            "the order of the configurations carries over; the best configurations "
            f"carry over: {few}",
        ),
        (
            "no",
            "the influential options carry over (shared options 0.50): cache flipped",
        ),
    ]
    assert {finding.about for finding in findings} == {"alpha to beta"}


def test_transfers_are_named_by_what_differs_among_all_of_them() -> None:
    reports = [judged("tx1/beta/images"), judged("tx1/alpha/text")]
    names = [finding.about for finding in transfers.transfer_findings(reports)]
    assert names == ["alpha/images to beta/images", "alpha/images to alpha/text"]


def test_one_environment_has_nothing_to_transfer() -> None:
    data = dataset().select(network="alpha")
    assert transfers.transfer_all(data, "latency_s") == ([], [])
    (text,) = transfers.transfer_displays([])
    assert "nothing to transfer" in text.markdown  # type: ignore[union-attr]


def test_environments_that_are_left_out_of_the_transfer_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def judge(source: PerformanceDataset, target: PerformanceDataset) -> str:
        name = target.environments()[0]["network"]
        if name == "odd":
            raise DataError("no option in common")
        return f"{source.environments()[0]['network']} to {name}"

    monkeypatch.setattr(perfmodel, "transferability", judge)
    one = table(np.random.default_rng(2)).query("network == 'alpha'")
    names = ("sparse", "first", "odd", "second", "third", "fourth", "fifth", "sixth")
    frame = pd.concat(
        one.head(3 if name == "sparse" else 9).assign(network=name) for name in names
    )
    data = PerformanceDataset.from_frame(
        frame,
        options=["threads", "cache", "colour"],
        response={"latency_s": "s"},
        environment=["network"],
    )
    found, (text,) = transfers.transfer_all(data, "latency_s")
    assert found == ["first to second", "first to third", "first to fourth"]
    for part in (
        "`sparse`: fewer than 5 runs",
        "`odd` (no option in common): nothing to judge by",
        "`fifth`, `sixth`: a report has 3 targets at most",
    ):
        assert part in text.markdown


def test_a_front_needs_two_responses_that_trade_off() -> None:
    assert fronts.front_responses(dataset()) is None


def test_a_table_without_reference_runs_says_that_drift_cannot_be_told() -> None:
    (text,) = measured.drift(())
    assert "cannot be told" in text.markdown  # type: ignore[union-attr]


def test_an_outsiders_table_has_no_reference_and_its_lost_rows_are_counted() -> None:
    data = dataset()
    frame = data.frame.copy()
    frame.loc[frame.index[:2], data.response] = float("nan")
    lossy = PerformanceDataset.from_frame(
        frame,
        options=list(data.space.names),
        response=data.response,
        environment=list(data.environment),
        space=data.space,
    )
    found = described.what_was_measured(lossy, (), data.response)
    (options,) = [one for one in found if getattr(one, "name", "") == "options"]
    assert "reference" not in options.frame.columns  # type: ignore[union-attr]
    assert "2 of 24 runs have no" in found[-1].markdown  # type: ignore[union-attr]


def test_limits_of_an_outsiders_table_name_the_unknown_order_and_the_missing_energy(
    models: Sequence[modelled.Modelled],
) -> None:
    text = discussion.limits(dataset(), (), models).markdown
    for limit in ("Few runs", "These levels only", "No energy", "How the rows came"):
        assert limit in text
    assert "Random weights" not in text


@pytest.fixture(scope="module")
def sweep(simulated_store: Path) -> MeasuredSweep:
    (read,) = measured.read_sweeps(simulated_store)
    return read


def test_a_simulated_device_is_named_on_top(sweep: MeasuredSweep) -> None:
    (notice,) = measured.nature([sweep])
    assert notice.level == "note"
    assert notice.text.startswith("Simulated: sim:effects is a simulator")


def test_a_replay_is_named_as_one_and_not_as_a_simulator(sweep: MeasuredSweep) -> None:
    plan = replace(sweep.plan, device="replay:recorded.csv")
    (notice,) = measured.nature([replace(sweep, plan=plan)])
    assert notice.text.startswith("Replayed: runs answer from the table recorded.csv")


def test_a_simulated_device_is_named_in_a_table_too() -> None:
    frame = table(np.random.default_rng(0)).assign(device="sim:effects")
    data = PerformanceDataset.from_frame(
        frame,
        options=["threads", "cache", "colour"],
        response="latency_s",
        environment=["device", "network"],
    )
    (notice,) = measured.nature((), data)
    assert "sim:effects is a simulator" in notice.text
    assert measured.nature((), dataset()) == []


def moved(sweep: MeasuredSweep, change: float) -> MeasuredSweep:
    """Let the reference configuration drift by so much over the sweep."""
    references = [run for run in sweep.runs if run.role == "reference"]
    step = change / max(len(references) - 1, 1)

    def slower(run: Run) -> Run:
        factor = 1 + step * references.index(run) if run in references else 1.0
        readings = tuple(
            replace(one, value=None if one.value is None else one.value * factor)
            for one in run.readings
        )
        return replace(run, readings=readings)

    return replace(sweep, runs=tuple(slower(run) for run in sweep.runs))


def test_a_drift_is_the_first_thing_that_a_report_says(sweep: MeasuredSweep) -> None:
    drifting = moved(sweep, 0.8)
    warnings = [n for n in measured.doubts([drifting]) if n.level == "warning"]
    assert any("reference" in notice.text for notice in warnings)
    assert "kept its speed" in texts(measured.drift([drifting]), "no")


def test_an_unfinished_sweep_is_named_with_the_command_that_goes_on(
    sweep: MeasuredSweep,
) -> None:
    cut = replace(sweep, runs=sweep.runs[:25])
    texts_of = [notice.text for notice in measured.doubts([cut])]
    assert any("python -m measure resume" in text for text in texts_of)


def test_the_design_is_judged_by_the_model_it_was_chosen_for(
    sweep: MeasuredSweep,
) -> None:
    shown = described.design(dataset(), [sweep])
    frame = shown[0].frame  # type: ignore[union-attr]
    assert frame["design"].tolist() == ["random"]
    assert 0 < frame["D-efficiency"][0] <= 1


def test_the_gain_over_the_reference_is_a_statement(sweep: MeasuredSweep) -> None:
    data = PerformanceDataset.from_table(_table(sweep.plan, sweep.runs))
    models = modelled.fit_all(data, "latency_s", model="cart")
    found = fronts.best_configurations(data, models, [sweep])
    assert "faster than the reference" in texts(found, "yes")


def gains(
    response: str, noise: float, references: Sequence[float], cache: float = 0.0
) -> Sequence[object]:
    """Compare runs of one network, where only a cache may act, with a reference."""
    rng = np.random.default_rng(5)
    frame = table(rng).query("network == 'alpha'").drop(columns="latency_s")
    frame[response] = np.exp(noise * rng.normal(size=len(frame)) + cache * frame.cache)
    data = PerformanceDataset.from_frame(
        frame,
        options=["threads", "cache", "colour"],
        response={response: "s"},
        environment=["network"],
    )
    usual = {"threads": 1, "cache": False, "colour": "red"}
    runs = [
        SimpleNamespace(
            role="reference",
            status="done",
            environment=SimpleNamespace(network="alpha"),
            configuration=usual,
            response=lambda name, value=value: value,
        )
        for value in references
    ]
    models = modelled.fit_all(data, response, model="stepwise")
    sweep = cast(MeasuredSweep, SimpleNamespace(runs=runs))
    return fronts.best_configurations(data, models, [sweep])


def test_fewer_seconds_an_item_are_faster_per_item() -> None:
    found = gains("latency_per_item_s", 0.02, (0.98, 1.0, 1.02), cache=-0.5)
    assert "is faster per item than the reference" in texts(found, "yes")


def test_the_luckiest_of_many_noisy_runs_is_no_gain() -> None:
    found = gains("latency_s", 0.1, (0.97, 1.0, 1.03))
    assert "is faster than the reference" in texts(found, "undecided")
    assert texts(found, "yes") == ""


def test_a_gain_names_the_levels_that_make_it_and_its_response() -> None:
    found = gains("energy_j", 0.02, (0.98, 1.0, 1.02), cache=-0.5)
    text = texts(found, "yes")
    assert "needs less energy than the reference (" in text
    assert "cache true" in text and "3 reference runs" in text


def test_more_throughput_is_the_gain_where_more_is_better() -> None:
    found = gains("throughput_hz", 0.02, (0.98, 1.0, 1.02), cache=0.5)
    assert "has more throughput than the reference" in texts(found, "yes")


def test_a_reference_that_nothing_beats_is_no_gain() -> None:
    found = gains("latency_s", 0.02, (0.49, 0.5, 0.51))
    assert "is faster than the reference" in texts(found, "no")


def test_two_reference_runs_do_not_tell_how_far_it_varies() -> None:
    found = gains("latency_s", 0.02, (1.0, 1.01), cache=-0.5)
    assert "too few reference runs" in texts(found, "undecided")


def _table(plan: Plan, runs: Sequence[Run]) -> object:
    from perfmodel.stored import runs_table

    return runs_table([plan], runs)[0]
