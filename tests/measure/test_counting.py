"""Planned runs, counted: which run says what came of one."""

from __future__ import annotations

from measure.counting import columns, decisive_runs, last_attempts, tally
from tests.contracts.samples import sample_plan, sample_run

FAILED = {"status": "failed", "reason": "killed", "readings": (), "raw": {}}


def test_the_finished_run_of_a_slot_decides_else_its_last_attempt() -> None:
    plan = sample_plan()
    runs = [
        sample_run(plan, 1, run_id="first", **FAILED),
        sample_run(plan, 1, run_id="done"),
        sample_run(plan, 1, run_id="late", **FAILED),
        sample_run(plan, 2, run_id="once", **FAILED),
        sample_run(plan, 2, run_id="twice", **FAILED),
    ]
    found = {slot: run.run_id for slot, run in last_attempts(runs).items()}
    assert found == {1: "done", 2: "twice"}
    assert [run.run_id for run in decisive_runs(runs)] == ["done", "twice"]


def test_runs_beside_the_plan_are_measurements_but_none_of_those_planned() -> None:
    plan = sample_plan()
    beside = sample_run(plan, None, run_id="beside")
    failed = sample_run(plan, None, run_id="failed", **FAILED)
    assert last_attempts([beside, failed]) == {}
    assert decisive_runs([beside, failed]) == [beside, failed]
    assert tally(plan, [beside, failed]).done == 0


def test_slots_of_two_sweeps_are_kept_apart() -> None:
    one, two = sample_plan("a"), sample_plan("b")
    runs = [sample_run(one, 1), sample_run(two, 1, run_id="b1", **FAILED)]
    assert decisive_runs(runs) == runs


def test_the_columns_of_an_environment_are_the_tables() -> None:
    environment = sample_plan().environments[0]
    assert list(columns(environment)) == ["device", "network", "workload", "version"]
