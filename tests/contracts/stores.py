"""What every `ResultStore` must do: a subclass gives one fixture, ``store``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from measure.errors import StoreError
from measure.records import Environment
from measure.store import ResultStore
from tests.contracts.samples import sample_plan, sample_run


class StoreContract:
    """Inherit this and give the fixture ``store``: an empty store."""

    @pytest.fixture
    def store(self) -> ResultStore:
        raise NotImplementedError("a subclass gives an empty store")

    def test_an_empty_store_has_no_plans_and_no_runs(self, store: ResultStore) -> None:
        assert store.plans() == ()
        assert store.runs() == ()

    def test_plans_come_back_as_they_were_in_order(self, store: ResultStore) -> None:
        plans = (sample_plan("b"), sample_plan("a", seed=8, held={"isa": "avx2"}))
        for plan in plans:
            store.add_plan(plan)
        assert store.plans() == plans

    def test_runs_come_back_as_they_were_in_order(self, store: ResultStore) -> None:
        plan = sample_plan()
        store.add_plan(plan)
        runs = tuple(sample_run(plan, slot) for slot in (3, 0, 1))
        for run in runs:
            store.add_run(run)
        assert store.runs() == runs
        assert store.runs("s1") == runs
        assert store.runs("another") == ()

    def test_the_runs_of_one_sweep_are_told_apart(self, store: ResultStore) -> None:
        for name in ("a", "b"):
            store.add_plan(sample_plan(name))
            store.add_run(sample_run(sample_plan(name), 0))
        assert [run.run_id for run in store.runs("b")] == ["b-0"]
        assert len(store.runs()) == 2

    def test_a_run_keeps_its_own_environment(self, store: ResultStore) -> None:
        plan = sample_plan()
        store.add_plan(plan)
        other = replace(plan.environments[0], version="tensorflow-2.22")
        assert isinstance(other, Environment)
        store.add_run(sample_run(plan, 0))
        store.add_run(sample_run(plan, 1, environment=other))
        assert [run.environment.version for run in store.runs()] == [
            "tensorflow-2.21",
            "tensorflow-2.22",
        ]

    def test_a_planned_run_is_finished_once(self, store: ResultStore) -> None:
        plan = sample_plan()
        store.add_plan(plan)
        store.add_run(sample_run(plan, 1))
        with pytest.raises(StoreError, match="finished once"):
            store.add_run(sample_run(plan, 1, run_id="again"))
        assert len(store.runs()) == 1

    def test_a_failed_run_can_be_followed_by_a_finished_one(
        self, store: ResultStore
    ) -> None:
        plan = sample_plan()
        store.add_plan(plan)
        failed = {"status": "failed", "reason": "killed", "readings": (), "raw": {}}
        store.add_run(sample_run(plan, 1, run_id="f1", **failed))
        store.add_run(sample_run(plan, 1, run_id="f2", **failed))
        store.add_run(sample_run(plan, 1, run_id="d"))
        assert [run.status for run in store.runs()] == ["failed", "failed", "done"]

    def test_runs_beside_the_plan_may_be_many(self, store: ResultStore) -> None:
        plan = sample_plan()
        store.add_plan(plan)
        for name in ("x", "y"):
            store.add_run(sample_run(plan, None, run_id=name))
        assert [run.slot for run in store.runs()] == [None, None]

    def test_a_run_has_one_id(self, store: ResultStore) -> None:
        plan = sample_plan()
        store.add_plan(plan)
        store.add_run(sample_run(plan, 1))
        with pytest.raises(StoreError, match="there already"):
            store.add_run(sample_run(plan, 2, run_id="s1-1"))

    def test_a_run_that_was_not_planned_is_refused(self, store: ResultStore) -> None:
        plan = sample_plan()
        with pytest.raises(StoreError, match="not planned"):
            store.add_run(sample_run(plan, 1))
        store.add_plan(plan)
        with pytest.raises(StoreError, match="not planned"):
            store.add_run(replace(sample_run(plan, 1), slot=99))
        assert store.runs() == ()

    def test_a_sweep_is_planned_once(self, store: ResultStore) -> None:
        store.add_plan(sample_plan())
        with pytest.raises(StoreError, match="there already"):
            store.add_plan(sample_plan())
        assert len(store.plans()) == 1
