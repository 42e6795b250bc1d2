"""Runs of a store as performance data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from measure.export import to_table
from measure.records import Environment, Plan, PlannedRun, Reading, Run
from measure.space import Configuration, ConfigurationSpace
from measure.store import SqliteStore
from measure.table import write_table
from perfmodel.dataset import PerformanceDataset
from perfmodel.errors import DataError, SelectionError
from perfmodel.stored import runs_table

SPACE: dict[str, Any] = {
    "options": {
        "threads": {"kind": "numeric", "levels": [1, 2, 4]},
        "xnnpack": {"kind": "boolean"},
    }
}
HOST = Environment(
    device="host",
    network="tcn",
    workload="series",
    version="2.21",
    fingerprint={"kernel": "6.1"},
)


def plan(sweep: str = "s1", **changes: Any) -> Plan:
    """A sweep of all six configurations."""
    space = ConfigurationSpace.from_dict(changes.get("space", SPACE))
    planned = [
        PlannedRun(
            network="tcn", workload="series", configuration=Configuration(levels)
        )
        for levels in space.decode(space.all_rows()).astype(object).to_dict("records")
    ]
    values: dict[str, Any] = {
        "sweep_id": sweep,
        "created_at": f"2026-01-0{len(sweep)}T00:00:00Z",
        "device": "host",
        "space": SPACE,
        "reference": space.reference(),
        "design": {"name": "full-factorial"},
        "protocol": {"name": "full"},
        "seed": 0,
        "runs": tuple(planned),
        "environments": (HOST,),
    }
    return Plan(**{**values, **changes})


def run(sweep: Plan, slot: int, latency: float | None, **changes: Any) -> Run:
    """One run of a planned row."""
    values: dict[str, Any] = {
        "run_id": f"{sweep.sweep_id}-{slot}-{len(changes)}",
        "sweep_id": sweep.sweep_id,
        "slot": slot,
        "environment": HOST,
        "configuration": sweep.runs[slot].configuration,
        "role": "design",
        "order": slot,
        "status": "failed" if latency is None else "done",
        "started_at": "2026-01-01T00:00:00Z",
        "readings": (
            ()
            if latency is None
            else (
                Reading(name="latency_s", value=latency, unit="s"),
                Reading(name="energy_j", value=None, unit="J", reason="no sensor"),
            )
        ),
    }
    return Run(**{**values, **changes})


def whole(sweep: Plan, factor: float = 1.0) -> list[Run]:
    """All runs of a sweep, each slower than the last."""
    return [run(sweep, slot, factor * (slot + 1)) for slot in range(len(sweep.runs))]


def references(sweep: Plan, latency: float) -> list[Run]:
    """Three reference runs."""
    one = replace(run(sweep, 0, latency), role="reference", slot=None)
    return [replace(one, run_id=f"{sweep.sweep_id}-r{i}") for i in range(3)]


def dataset(plans: list[Plan], runs: list[Run], **arguments: Any) -> Any:
    """Make a dataset of runs."""
    table, notes = runs_table(plans, runs, **arguments)
    return PerformanceDataset.from_table(table), notes


def test_a_store_gives_its_design_runs(tmp_path: Path) -> None:
    sweep = plan()
    with SqliteStore(tmp_path / "m.db") as store:
        store.add_plan(sweep)
        for one in [*references(sweep, 1.0), *whole(sweep)]:
            store.add_run(one)
    data = PerformanceDataset.from_store(tmp_path / "m.db")
    assert data.environments() == [
        {"device": "host", "network": "tcn", "workload": "series", "version": "2.21"}
    ]
    assert (data.response, data.unit) == ("latency_s", "s")
    assert data.space == ConfigurationSpace.from_dict(SPACE)
    np.testing.assert_array_equal(data.y, np.arange(1.0, 7))
    assert data.notes == ("energy_j is missing in every run: no sensor",)


def test_a_failed_run_has_no_response_unless_it_succeeds_later() -> None:
    sweep = plan()
    runs = [run(sweep, 0, None), *whole(sweep)[2:], run(sweep, 1, None)]
    runs.append(run(sweep, 1, 7.0, order=9))
    data, _ = dataset([sweep], runs)
    assert data.counted == ("1 of 6 runs has no latency_s and is left out",)
    assert sorted(data.y) == [3, 4, 5, 6, 7]


def test_sweeps_are_moved_to_one_level_by_their_reference_runs() -> None:
    one, two = plan("s1"), plan("s22")
    runs = [*whole(one), *whole(two, 1.2)]
    runs += [*references(one, 2.0), *references(two, 2.4)]
    data, notes = dataset([one, two], runs)
    middle = math.sqrt(1.2)
    np.testing.assert_allclose(data.y, middle * np.arange(1, 7))
    assert notes[-1] == (
        "latency_s in host/tcn/series/2.21 is divided, as reference runs say: of sweep "
        "s1 by 0.9129, of sweep s22 by 1.0954"
    )


def test_an_offset_within_the_scatter_of_the_reference_runs_is_left() -> None:
    one, two = plan("s1"), plan("s22")
    near = [replace(r, readings=()) for r in references(one, 2.0)]
    scattered = [
        replace(r, readings=(Reading(name="latency_s", value=v, unit="s"),))
        for r, v in zip(near, (1.8, 2.0, 2.3), strict=True)
    ]
    runs = [*whole(one), *whole(two), *scattered, *references(two, 2.05)]
    data, notes = dataset([one, two], runs)
    np.testing.assert_allclose(data.y, np.arange(1, 7))
    assert not any("divided" in note for note in notes)


def test_sweeps_without_reference_runs_stay_where_they_are() -> None:
    one, two = plan("s1"), plan("s22")
    runs = [*whole(one), *whole(two, 1.2), *references(one, 2.0)]
    data, notes = dataset([one, two], runs)
    np.testing.assert_allclose(data.y, 1.1 * np.arange(1, 7))
    assert not any("divided" in note for note in notes)
    assert any("sweeps s1, s22 in host/tcn" in note for note in notes)


def test_reference_runs_at_other_held_levels_tell_no_offset() -> None:
    one = plan("s1", held={"cpu_quota": 50})
    two = plan("s22", held={"cpu_quota": 100})
    runs = [*whole(one, 2.0), *whole(two), *references(one, 4.0), *references(two, 2.0)]
    data, notes = dataset([one, two], runs)
    assert sorted(data.y) == sorted([*(2.0 * np.arange(1, 7)), *np.arange(1.0, 7)])
    assert not any("divided" in note for note in notes)


def test_a_design_run_beside_the_plan_is_learned_from() -> None:
    sweep = plan()
    beside = replace(run(sweep, 5, 9.0), slot=None, run_id="beside")
    failed = replace(run(sweep, 4, None), slot=None, run_id="failed")
    data, _ = dataset([sweep], [*whole(sweep)[:5], beside, failed])
    assert sorted(data.y) == [1, 2, 3, 4, 5, 9]
    assert data.counted == ("1 of 7 runs has no latency_s and is left out",)


@pytest.mark.parametrize("everything", [True, False])
def test_a_table_of_a_store_is_learned_from_as_the_store_is(
    tmp_path: Path, everything: bool
) -> None:
    one, two = plan("s1"), plan("s22")
    failed = replace(run(one, 0, None), slot=None, run_id="x")
    runs = [*whole(one), *whole(two, 1.2), failed]
    runs += [*references(one, 2.0), *references(two, 2.4)]
    stored, notes = dataset([one, two], runs)
    write_table(to_table([one, two], runs, everything=everything), tmp_path / "t.csv")
    read = PerformanceDataset.from_csv(tmp_path / "t.csv")
    assert "protocol: --store does" in read.notes[-1]
    if everything:
        np.testing.assert_allclose(read.y, stored.y)
        assert read.counted == stored.counted
        assert set(read.notes[:-1]) <= set(notes)
    else:
        np.testing.assert_allclose(read.y, 1.1 * np.arange(1, 7))
        assert "used as measured: no reference runs" in read.notes[0]


@pytest.mark.parametrize("exported", [True, False])
def test_runs_that_share_a_measurement_are_one(tmp_path: Path, exported: bool) -> None:
    sweep = plan()
    first = whole(sweep)[:4]
    twin = replace(first[0], run_id="t", slot=5, identical_to=first[0].run_id)
    twin = replace(twin, configuration=sweep.runs[5].configuration)
    if exported:
        write_table(to_table([sweep], [*first, twin]), tmp_path / "t.csv")
        data: Any = PerformanceDataset.from_csv(tmp_path / "t.csv")
    else:
        data, _ = dataset([sweep], [*first, twin])
    assert data.y.tolist() == [1, 2, 3, 4, 1]
    assert data.groups.tolist() == [0, 1, 2, 3, 0]
    assert data.counted[0].startswith("1 configuration shares the measurement of")


def test_a_table_of_reference_runs_alone_is_refused(tmp_path: Path) -> None:
    sweep = plan()
    table = to_table([sweep], references(sweep, 2.0), everything=True)
    write_table(table, tmp_path / "t.csv")
    with pytest.raises(DataError, match="all rows are reference runs"):
        PerformanceDataset.from_csv(tmp_path / "t.csv")


def test_sweeps_that_differ_in_the_number_of_replicates_are_pooled() -> None:
    one = plan("s1", protocol={"name": "full", "replicates": 1})
    two = plan("s22", protocol={"name": "full", "replicates": 2})
    data, notes = dataset([one, two], [*whole(one), *whole(two)])
    assert len(data.frame) == 12
    assert not any("left out" in note for note in notes)


def test_a_sweep_that_finished_nothing_leaves_out_no_other() -> None:
    one, two = plan("s1", protocol={"name": "quick"}), plan("s22")
    data, notes = dataset([one, two], [*whole(one), run(two, 0, None)])
    np.testing.assert_array_equal(data.y, np.arange(1.0, 7))
    assert any("1 run of sweep s22 left out" in note for note in notes)


def test_only_the_latest_protocol_is_pooled_and_the_rest_is_said() -> None:
    one, two = plan("s1", protocol={"name": "quick"}), plan("s22")
    runs = [*whole(one, 3.0), *whole(two)]
    data, notes = dataset([one, two], runs)
    np.testing.assert_array_equal(data.y, np.arange(1.0, 7))
    assert notes[0].startswith("6 runs of sweep s1 left out: its protocol is not")
    data, _ = dataset([one, two], runs, sweeps=["s1"])
    np.testing.assert_array_equal(data.y, 3 * np.arange(1.0, 7))


def test_environments_of_one_name_that_do_not_match_are_refused() -> None:
    one, two = plan("s1"), plan("s22")
    other = replace(HOST, fingerprint={"kernel": "6.2"})
    runs = [*whole(one), *(replace(r, environment=other) for r in whole(two))]
    with pytest.raises(DataError, match="do not match.*--sweep s22"):
        dataset([one, two], runs)


def test_an_option_held_at_two_levels_varies() -> None:
    one = plan("s1", held={"cpu_quota": 50})
    two = plan("s22", held={"cpu_quota": 100})
    data, _ = dataset([one, two], [*whole(one, 2.0), *whole(two)])
    assert data.space.options["cpu_quota"].levels == (50, 100)
    assert len(data.y) == 12


def test_spaces_of_several_sweeps_are_joined() -> None:
    wider: Mapping[str, Any] = {
        "options": {
            "threads": {"kind": "numeric", "levels": [1, 8]},
            "backend": {"kind": "categorical", "levels": ["graph", "xla"]},
        }
    }
    one = plan("s1")
    two = plan("s22", space=wider, environments=(replace(HOST, network="mlp"),))
    moved = [replace(r, environment=two.environments[0]) for r in whole(two)]
    data, _ = dataset([one, two], [*whole(one), *moved])
    assert data.space.options["threads"].levels == (1, 2, 4, 8)
    assert data.select(network="mlp").space.names == ("threads", "backend")
    assert data.select(network="tcn").space.names == ("threads", "xnnpack")


def test_an_unknown_sweep_is_an_error_that_lists_them() -> None:
    with pytest.raises(SelectionError, match="has no sweep 'x'; choose from s1"):
        dataset([plan()], whole(plan()), sweeps=["x"])


def test_a_store_without_a_finished_run_says_how_to_go_on() -> None:
    sweep = plan()
    with pytest.raises(DataError, match="no design run is finished; go on with"):
        dataset([sweep], [run(sweep, 0, None)])


def test_a_store_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such store; measure with"):
        PerformanceDataset.from_store(tmp_path / "none.db")


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.db").write_text("not a database, and longer than its header is")
    with pytest.raises(DataError):
        PerformanceDataset.from_store(tmp_path / "m.db")
