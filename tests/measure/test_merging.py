"""Stores that were filled apart are joined without loss or repetition."""

from __future__ import annotations

from pathlib import Path

import pytest

from measure.errors import StoreError
from measure.merging import merge
from measure.records import Plan
from measure.store import SqliteStore
from tests.contracts.samples import sample_plan, sample_run


def fill(path: Path, plan: Plan, slots: list[int], mark: str = "") -> SqliteStore:
    """Return a store with one sweep and a run of each slot."""
    store = SqliteStore(path)
    store.add_plan(plan)
    store.add_runs(
        sample_run(plan, slot, run_id=f"{plan.sweep_id}-{slot}{mark}") for slot in slots
    )
    return store


def test_sweeps_of_two_stores_stand_side_by_side(tmp_path: Path) -> None:
    one = fill(tmp_path / "one.db", sample_plan("a"), [0, 1])
    with one, fill(tmp_path / "two.db", sample_plan("b"), [0]) as other:
        done = merge(one, other)
        assert (done.sweeps, done.runs, done.known, done.skipped) == (1, 1, 0, ())
        assert [plan.sweep_id for plan in one.plans()] == ["a", "b"]
        assert [run.run_id for run in one.runs()] == ["a-0", "a-1", "b-0"]


def test_merging_twice_adds_nothing(tmp_path: Path) -> None:
    one = fill(tmp_path / "one.db", sample_plan("a"), [0])
    with one, fill(tmp_path / "two.db", sample_plan("b"), [0, 1]) as other:
        merge(one, other)
        again = merge(one, other)
        assert (again.sweeps, again.runs, again.known) == (0, 0, 2)
        assert len(one.runs()) == 3


def test_copies_of_a_sweep_that_went_on_apart_are_one_sweep_again(
    tmp_path: Path,
) -> None:
    plan = sample_plan("a")
    one = fill(tmp_path / "one.db", plan, [0, 1])
    with one, fill(tmp_path / "two.db", plan, [2, 3]) as other:
        assert merge(one, other).runs == 2
        assert sorted(run.slot or 0 for run in one.runs()) == [0, 1, 2, 3]


def test_a_planned_run_that_both_finished_stays_and_the_other_is_named(
    tmp_path: Path,
) -> None:
    plan = sample_plan("a")
    one = fill(tmp_path / "one.db", plan, [0, 1])
    with one, fill(tmp_path / "two.db", plan, [1, 2], mark="x") as other:
        done = merge(one, other)
        assert [run.run_id for run, _ in done.skipped] == ["a-1x"]
        assert "finished already" in done.skipped[0][1]
        assert [run.run_id for run in one.runs()] == ["a-0", "a-1", "a-2x"]


def test_sweeps_of_one_name_and_two_plans_are_refused_and_nothing_is_added(
    tmp_path: Path,
) -> None:
    one = fill(tmp_path / "one.db", sample_plan("a"), [0])
    with one, fill(tmp_path / "two.db", sample_plan("b"), [0]) as other:
        other.add_plan(sample_plan("a", seed=99))
        with pytest.raises(StoreError, match="planned otherwise"):
            merge(one, other)
        assert len(one.plans()) == len(one.runs()) == 1
