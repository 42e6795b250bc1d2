"""Sweeps: every planned run once, whatever fails or interrupts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from measure.asking import ask_design, ask_space
from measure.configuration import Configuration
from measure.designs.base import Design
from measure.designs.making import make_design
from measure.errors import (
    DeviceError,
    EnvironmentMismatch,
    LevelError,
    RunFailed,
    SpaceError,
    StoreError,
    SweepError,
    WorkloadError,
)
from measure.judgement import findings, is_unfinished, pending, reasons, tally
from measure.locks import device_lock
from measure.planning import runs_that_fit
from measure.protocol import MeasurementProtocol
from measure.records import Conditions, Run
from measure.selection import match_network, select
from measure.store import MemoryStore, SqliteStore
from measure.sweep import Progress, Sweep
from tests.measure.fakes import FakeDevice


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def full(device: FakeDevice) -> Design:
    """Return the ten valid configurations of the fake device."""
    return make_design("full-factorial", device.space())


def sweep_of(
    device: FakeDevice, store: MemoryStore, replicates: int = 1, **words: object
) -> Sweep:
    protocol = MeasurementProtocol(replicates=replicates, reference_every=4)
    return Sweep(
        device,
        full(device),
        store,
        networks=["resnet50"],
        protocol=protocol,
        **words,  # type: ignore[arg-type]
    )


def finished_slots(runs: tuple[Run, ...]) -> Counter[int | None]:
    return Counter(run.slot for run in runs if run.status == "done")


def fails(times: int, *, final: bool) -> Callable[[Configuration, int], None]:
    """Return what fails the first `times` measurements of one configuration."""
    left = [times]

    def check(configuration: Configuration, count: int) -> None:
        level = (configuration["threads"], configuration["backend"])
        if level == (4, "graph") and configuration["level"] == "O1" and left[0]:
            left[0] -= 1
            raise RunFailed("link lost" if not final else "crashed", final=final)

    return check


def test_every_planned_run_is_measured_once_with_references_all_along() -> None:
    device, store = FakeDevice(), MemoryStore()
    sweep = sweep_of(device, store, replicates=2)
    outcome = sweep.run()
    runs = store.runs()
    assert outcome.stopped == "" and outcome.runs_done == 20
    assert finished_slots(runs) == Counter(range(len(sweep.plan.runs)))
    assert [run.order for run in runs] == list(range(len(runs)))
    assert [run.role for run in runs][:1] + [runs[-1].role] == ["reference"] * 2
    configurations = Counter(r.configuration for r in runs if r.role == "design")
    assert set(configurations.values()) == {2} and len(configurations) == 10


def test_a_run_keeps_raw_values_and_the_responses_made_of_them() -> None:
    store = MemoryStore()
    sweep_of(FakeDevice(), store).run()
    run = store.runs()[0]
    assert run.raw["calls_s"] == pytest.approx((0.010001, 0.01010101, 0.00990099))
    assert run.raw["warm_up_s"] == pytest.approx((0.020002,))
    assert run.response("latency_s") == pytest.approx(0.010001)
    assert run.response("latency_per_item_s") == pytest.approx(0.0050005)
    assert run.response("throughput_hz") == pytest.approx(2 / 0.010001)
    assert run.response("latency_p90_s") == pytest.approx(0.010081, abs=1e-6)
    assert run.simulated and dict(run.read_back) == dict(run.configuration)


def test_environments_take_turns_and_each_has_its_own_order() -> None:
    device, store = FakeDevice(), MemoryStore()
    sweep = Sweep(
        device,
        full(device),
        store,
        networks=["resnet50", "tcn"],
        workloads=["series"],
        protocol=MeasurementProtocol(reference_every=4),
    )
    sweep.run()
    networks = [network for network, _, _ in device.calls]
    assert networks == (["resnet50"] * 5 + ["tcn"] * 5) * 2 + (
        ["resnet50"] * 3 + ["tcn"] * 3 + ["resnet50", "tcn"]
    )
    orders = [
        [
            r.configuration
            for r in sweep.plan.runs
            if r.network == n and r.role[0] == "d"
        ]
        for n in ("resnet50", "tcn")
    ]
    assert set(orders[0]) == set(orders[1]) and orders[0] != orders[1]


def test_a_run_that_fails_from_outside_is_queued_again_once() -> None:
    device, store = FakeDevice(fails(1, final=False)), MemoryStore()
    sweep = sweep_of(device, store)
    sweep.run()
    count = tally(sweep.plan, store.runs())
    assert (count.done, count.failed) == (10, 0)
    assert [run.reason for run in store.runs() if run.status == "failed"] == [
        "link lost"
    ]
    assert store.runs()[-1].role == "reference"


def test_a_run_that_keeps_failing_gets_one_more_chance_by_each_resume() -> None:
    device, store = FakeDevice(fails(3, final=False)), MemoryStore()
    sweep = sweep_of(device, store)
    sweep.run()

    def failures() -> int:
        return sum(run.status == "failed" for run in store.runs())

    assert failures() == 2 and is_unfinished(sweep.plan, store.runs())
    assert reasons(findings(sweep.plan, store.runs()))
    Sweep.of_plan(device, sweep.plan, store).run()
    assert failures() == 3 and is_unfinished(sweep.plan, store.runs())
    Sweep.of_plan(device, sweep.plan, store).run()
    assert failures() == 3 and not is_unfinished(sweep.plan, store.runs())
    assert tally(sweep.plan, store.runs()).done == 10


def test_a_run_that_its_configuration_fails_is_final() -> None:
    device, store = FakeDevice(fails(9, final=True)), MemoryStore()
    sweep = sweep_of(device, store)
    sweep.run()
    assert sum(run.status == "failed" for run in store.runs()) == 1
    assert not is_unfinished(sweep.plan, store.runs())
    count = tally(sweep.plan, store.runs())
    assert (count.planned, count.done, count.failed, count.left) == (10, 9, 1, 0)


@pytest.mark.parametrize("at", [1, 2, 7, 14])
def test_an_interrupted_sweep_loses_and_repeats_nothing(at: int) -> None:
    def stop(configuration: Configuration, count: int) -> None:
        if count == at:
            raise KeyboardInterrupt

    device, store = FakeDevice(stop), MemoryStore()
    sweep = sweep_of(device, store)
    outcome = sweep.run()
    assert outcome.stopped == "interrupted"
    assert len(store.runs()) == at - 1
    count = tally(sweep.plan, store.runs())
    assert count.failed == 0
    Sweep.of_plan(device, sweep.plan, store).run()
    slots = finished_slots(store.runs())
    slots.pop(None, None)
    assert slots == Counter(range(len(sweep.plan.runs)))


def test_a_resumed_sweep_begins_with_a_reference_run() -> None:
    def stop(configuration: Configuration, count: int) -> None:
        if count == 4:
            raise KeyboardInterrupt

    device, store = FakeDevice(stop), MemoryStore()
    sweep = sweep_of(device, store)
    sweep.run()
    Sweep.of_plan(device, sweep.plan, store).run()
    assert store.runs()[3].role == "reference" and store.runs()[3].slot is None


def test_a_sweep_on_another_environment_is_not_gone_on_with() -> None:
    def stop(configuration: Configuration, count: int) -> None:
        if count == 4:
            raise KeyboardInterrupt

    store = MemoryStore()
    sweep = sweep_of(FakeDevice(stop), store)
    sweep.run()
    with pytest.raises(EnvironmentMismatch, match="version is '1' here and '2' there"):
        Sweep.of_plan(FakeDevice(version="2"), sweep.plan, store).run()
    assert len(store.runs()) == 3


def test_a_spent_budget_ends_with_the_reference() -> None:
    device, store = FakeDevice(), MemoryStore()
    sweep = sweep_of(device, store)
    outcome = sweep.run(budget_s=0.0)
    assert outcome.stopped == "budget"
    assert [run.role for run in store.runs()] == ["reference"]
    assert is_unfinished(sweep.plan, store.runs())


def test_configurations_with_equal_artefacts_are_measured_once() -> None:
    device, store = FakeDevice(compile_options=["backend", "level"]), MemoryStore()
    sweep = sweep_of(device, store)
    sweep.run()
    count = tally(sweep.plan, store.runs())
    # O1 and O2 give equal artefacts: of ten configurations five are measured.
    assert (count.done, count.identical) == (10, 5)
    assert sum(run.role == "design" for run in store.runs()) == 10
    measured = {run.run_id: run for run in store.runs()}
    for run in store.runs():
        if run.identical_to:
            twin = measured[run.identical_to]
            assert twin.configuration["threads"] == run.configuration["threads"]
            assert twin.response("latency_s") == run.response("latency_s")
            assert not run.raw
    what = [finding.what for finding in findings(sweep.plan, store.runs())]
    assert "identical" in what


def test_replicates_of_one_configuration_are_not_taken_for_identical() -> None:
    device, store = FakeDevice(compile_options=["backend", "level"]), MemoryStore()
    sweep = sweep_of(device, store, replicates=2)
    sweep.run()
    assert tally(sweep.plan, store.runs()).identical == 10


def test_run_time_options_prove_nothing_by_equal_hashes() -> None:
    device, store = FakeDevice(compile_options=["backend"]), MemoryStore()
    sweep_of(device, store).run()
    assert not any(run.identical_to for run in store.runs())


def test_artefacts_are_built_before_the_first_run() -> None:
    device, store = FakeDevice(), MemoryStore()
    told: list[Progress] = []
    sweep_of(device, store).run(tell=told.append)
    assert device.prepared == [("resnet50", "images", 10)]
    steps = [progress.step for progress in told]
    assert steps == ["run"] * len(store.runs())
    assert told[-1].done == told[-1].total and told[-1].left_s == 0


def test_a_store_that_fails_ends_the_sweep_and_keeps_what_was_stored() -> None:
    class Full(MemoryStore):
        def add_run(self, run: Run) -> None:
            if len(self.runs()) == 3:
                raise StoreError("full.db: the disk is full")
            super().add_run(run)

    store = Full()
    with pytest.raises(StoreError, match="disk is full"):
        sweep_of(FakeDevice(), store).run()
    assert len(store.runs()) == 3


def test_the_second_sweep_is_told_who_holds_the_device(tmp_path: Path) -> None:
    code = """
import sys
from measure.locks import device_lock
with device_lock("fake", "kitchen.db"):
    print("held", flush=True)
    sys.stdin.read()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        store = MemoryStore()
        with pytest.raises(SweepError) as error:
            sweep_of(FakeDevice(), store).run()
        text = str(error.value)
        assert f"process {holder.pid}" in text and "kitchen.db" in text
        assert "since 20" in text
        assert store.plans() == ()
    finally:
        holder.kill()
        holder.communicate()
    sweep_of(FakeDevice(), MemoryStore()).run()


def test_a_device_may_be_held_twice_by_the_same_sweep() -> None:
    with device_lock("fake", "a.db"):
        assert sweep_of(FakeDevice(), MemoryStore()).run().runs_done == 10
        with pytest.raises(SweepError, match=f"process {os.getpid()}"):
            code = "from measure.locks import device_lock\n"
            code += "with device_lock('fake', 'b.db'): pass"
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True
            )
            raise SweepError(done.stderr.splitlines()[-1])


def test_labels_rename_the_environment_and_nothing_else() -> None:
    store = MemoryStore()
    sweep_of(FakeDevice(), store, labels={"device": "desk", "version": "b2"}).run()
    environment = store.runs()[0].environment
    assert (environment.device, environment.version) == ("desk", "b2")
    with pytest.raises(SweepError, match="label 'colour' is unknown"):
        sweep_of(FakeDevice(), store, labels={"colour": "red"})


def test_a_plan_round_trips_through_a_store(tmp_path: Path) -> None:
    device = FakeDevice()
    sweep = sweep_of(device, MemoryStore(), held={"isa": "avx2"})
    with SqliteStore(tmp_path / "m.db") as store:
        store.add_plan(sweep.plan)
        assert store.plans() == (sweep.plan,)
    assert json.loads(json.dumps(sweep.plan.to_dict())) == sweep.plan.to_dict()
    assert all(run.configuration["isa"] == "avx2" for run in sweep.plan.runs)


@pytest.mark.parametrize(
    ("word", "name"),
    [("tcn", "tcn"), ("mobile", "mobilenetv1"), ("resnet", "resnet50")],
)
def test_a_network_is_named_by_an_unambiguous_beginning(word: str, name: str) -> None:
    offered = ["resnet50", "resnet152", "mobilenetv1", "tcn", "tcn2"]
    assert match_network(word, offered, "host") == name


@pytest.mark.parametrize("word", ["t", "alexnet", "resnet5x"])
def test_a_network_that_is_unknown_or_ambiguous_is_refused(word: str) -> None:
    with pytest.raises(WorkloadError, match="choose from tcn, text"):
        match_network(word, ["tcn", "text"], "host")


def test_pairs_that_do_not_fit_are_named_and_left_out() -> None:
    selection = select(FakeDevice(), ["resnet", "tcn"], ["images", "series"])
    assert selection.pairs == (
        ("resnet50", "images"),
        ("resnet50", "series"),
        ("tcn", "series"),
    )
    assert selection.left_out == ("tcn/images",)
    assert select(FakeDevice()).pairs == (("resnet50", "images"),)
    with pytest.raises(WorkloadError, match="none of images fits any of tcn"):
        select(FakeDevice(), ["tcn"], ["images"])
    with pytest.raises(WorkloadError, match="no workload 'sound'"):
        select(FakeDevice(), ["tcn"], ["sound"])


def test_a_space_is_asked_of_the_device_with_what_it_forbids() -> None:
    device = FakeDevice()
    space, held = ask_space(device, ["backend", "level"], held={"threads": "4"})
    assert held == {"threads": 4}
    assert space.names == ("level",) or space.size() == 2
    with pytest.raises(LevelError, match="no level"):
        ask_space(device, held={"threads": "3"})
    with pytest.raises(DeviceError, match="no such hardware"):
        ask_space(device, held={"gpu_freq_hz": "1"})
    with pytest.raises(DeviceError, match="no option 'fan'"):
        ask_space(device, held={"fan": "1"})


def test_a_space_file_is_held_against_the_device(tmp_path: Path) -> None:
    device, path = FakeDevice(), tmp_path / "space.yaml"
    path.write_text(
        "options:\n  threads: {kind: numeric, range: [1.2, 4], count: 2}\n"
        "  backend: {kind: categorical, levels: [xla, graph]}\n"
        "forbid:\n  - {threads: {max: 2}, backend: graph}\n"
    )
    space, _ = ask_space(device, file=path)
    assert space.options["backend"].levels == ("xla", "graph")
    assert space.options["threads"].levels == (1, 4)
    assert not space.is_valid({"threads": 1, "backend": "graph"})
    assert not space.is_valid({"threads": 4, "backend": "xla"})
    path.write_text("options:\n  backend: {kind: categorical, levels: [xla, tvm]}\n")
    with pytest.raises(DeviceError, match="has no level 'tvm'"):
        ask_space(device, file=path)
    path.write_text("options:\n  fan: {kind: numeric, levels: [0, 255]}\n")
    with pytest.raises(DeviceError, match="no option 'fan'"):
        ask_space(device, file=path)


def test_a_design_without_a_size_fits_the_time() -> None:
    device, protocol = FakeDevice(), MeasurementProtocol()
    pairs = [("tcn", "series")]
    assert runs_that_fit(1.0, device, pairs, protocol) > 50
    device.simulated = False
    few = runs_that_fit(60.0, device, pairs, protocol)
    assert 20 < few < 40
    half = runs_that_fit(60.0, device, pairs * 2, protocol)
    assert half == pytest.approx(few / 2, abs=2)
    design = ask_design(
        "d-optimal", device.space(), device, pairs, protocol, budget_s=16.0
    )
    assert design.criterion == "bayes-d" and design.model == "interactions"
    assert "main effects first" in design.notes[0]


def test_a_read_back_that_differs_is_an_error_finding() -> None:
    device, store = FakeDevice(read_back={"threads": 1}), MemoryStore()
    sweep = sweep_of(device, store)
    sweep.run()
    found = [f for f in findings(sweep.plan, store.runs()) if f.what == "readback"]
    assert [(f.level, f.where) for f in found] == [("error", "threads")]


def test_battery_and_unsteady_runs_are_warned_of() -> None:
    device = FakeDevice(
        flags=("no steady state",), conditions=Conditions(power_source="battery")
    )
    store = MemoryStore()
    sweep = sweep_of(device, store)
    sweep.run()
    found = findings(sweep.plan, store.runs())
    assert {"warm_up", "interference"} <= {f.what for f in found}
    assert not reasons(found)


def test_a_drift_makes_a_sweep_untrusted() -> None:
    store = MemoryStore()
    sweep = sweep_of(FakeDevice(), store)
    sweep.run()
    runs = store.runs()
    slow = tuple(
        replace(
            run,
            started_at=f"2026-01-02T03:04:{run.order:02}+00:00",
            readings=tuple(
                replace(r, value=(r.value or 0) * (1 + 0.03 * run.order))
                for r in run.readings
            ),
        )
        for run in runs
    )
    assert not reasons(findings(sweep.plan, runs))
    assert any("changed by" in reason for reason in reasons(findings(sweep.plan, slow)))
    assert pending(sweep.plan, slow) == []


@pytest.mark.parametrize(
    ("factor", "level"), [(1.1, None), (1.3, "warning"), (2, "error")]
)
def test_reference_runs_that_differ_much_make_a_sweep_untrusted(
    factor: float, level: str | None
) -> None:
    store = MemoryStore()
    sweep = sweep_of(FakeDevice(), store)
    sweep.run()
    places = [run.order for run in store.runs() if run.role == "reference"]
    rough = tuple(
        replace(
            run,
            readings=tuple(
                replace(r, value=(r.value or 0) * factor ** (run.order in places[1:3]))
                for r in run.readings
            ),
        )
        for run in store.runs()
    )
    found = [f.level for f in findings(sweep.plan, rough) if f.what == "spread"]
    assert found == ([] if level is None else [level])


def test_whole_levels_of_a_design_frame_become_plain_values() -> None:
    device = FakeDevice()
    sweep = sweep_of(device, MemoryStore())
    kinds = {type(v) for run in sweep.plan.runs for v in run.configuration.values()}
    assert kinds == {int, str}


def test_a_space_where_nothing_is_left_is_refused() -> None:
    with pytest.raises(SpaceError):
        ask_space(FakeDevice(), ["threads"], held={"threads": "1"})
