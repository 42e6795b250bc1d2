"""Stores as tables: sweeps of different spaces side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from measure.errors import StoreError
from measure.export import skipped, to_table
from measure.joining import joint_space
from measure.records import Plan, Reading
from measure.space import ConfigurationSpace
from measure.table import write_table
from measure.table_reading import read_table
from tests.contracts.samples import sample_plan, sample_run


def plan_of(
    sweep_id: str,
    options: dict[str, Any],
    held: dict[str, Any] | None = None,
    forbid: list[dict[str, Any]] | None = None,
) -> Plan:
    document = {"options": options, "forbid": forbid or []}
    space = ConfigurationSpace.from_dict(document).to_dict()
    return sample_plan(sweep_id, space=space, held=held or {})


THREADS = {"kind": "numeric", "levels": [1, 2], "unit": ""}
ISA = {"kind": "categorical", "levels": ["avx2", "sse"]}


def test_an_option_that_one_sweep_holds_and_another_varies_is_one() -> None:
    plans = [
        plan_of("a", {"threads": THREADS, "isa": ISA}),
        plan_of("b", {"isa": ISA}, held={"threads": 8}),
    ]
    space, constant = joint_space(plans)
    assert space.options["threads"].levels == (1, 2, 8)
    assert constant == {}


def test_options_held_at_two_levels_vary_and_at_one_are_constant() -> None:
    held = [{"threads": 2, "onednn": True}, {"threads": 1, "onednn": True}]
    plans = [
        plan_of(str(i), {"isa": ISA}, held=levels) for i, levels in enumerate(held)
    ]
    space, constant = joint_space(plans)
    assert space.options["threads"].levels == (1, 2)
    assert constant == {"onednn": True}


def test_a_combination_is_forbidden_where_every_sweep_forbids_it() -> None:
    both = {"threads": THREADS, "isa": ISA}
    one, other = {"threads": 1, "isa": "sse"}, {"threads": 2, "isa": "sse"}
    plans = [
        plan_of("a", both, forbid=[one, other]),
        plan_of("b", both, forbid=[one]),
        plan_of("c", {"threads": THREADS}),
    ]
    space, _ = joint_space(plans)
    assert [item.to_dict() for item in space.forbid] == [one]


def test_levels_of_different_kinds_are_refused() -> None:
    plans = [
        plan_of("a", {"threads": THREADS}),
        plan_of("b", {"threads": {"kind": "categorical", "levels": ["few", "many"]}}),
    ]
    with pytest.raises(StoreError, match="different kinds"):
        joint_space(plans)


def test_an_option_that_an_environment_lacks_is_empty(tmp_path: Path) -> None:
    both = plan_of("a", {"threads": THREADS, "backend": ISA})
    one = plan_of("b", {"threads": THREADS})
    runs = [
        sample_run(both, 1, configuration={"threads": 1, "backend": "sse"}),
        sample_run(one, 1, configuration={"threads": 2}),
    ]
    write_table(to_table([both, one], runs), tmp_path / "t.csv")
    table = read_table(tmp_path / "t.csv")
    assert list(table.frame["threads"]) == [1, 2]
    assert list(table.frame["backend"]) == ["sse", None]


def test_only_finished_design_runs_are_rows_unless_all_are_asked_for() -> None:
    plan = sample_plan()
    failed = {"status": "failed", "reason": "killed", "readings": (), "raw": {}}
    runs = [
        sample_run(plan, 0),
        sample_run(plan, 1),
        sample_run(plan, 2, **failed),
        sample_run(plan, 2, run_id="again"),
    ]
    table = to_table([plan], runs)
    assert list(table.frame["run_id"]) == ["s1-1", "again"]
    everything = to_table([plan], runs, everything=True)
    assert list(everything.frame["role"]) == ["reference"] + ["design"] * 3
    assert list(everything.frame["reason"])[2] == "killed"
    assert everything.frame["latency_s"].isna().tolist() == [False, False, True, False]
    assert list(everything.frame["threads_read"]) == [2, 2, 2, 2]


def test_what_is_left_out_is_said_with_the_reason() -> None:
    plan = sample_plan()
    runs = [sample_run(plan, 0), sample_run(plan, 1)]
    said = {entry["what"]: entry["why"] for entry in skipped(runs)}
    assert said["column energy_j"] == "missing in every run: no sensor"
    assert "1 reference run" in said
    assert "energy_j" not in to_table([plan], runs).responses


def test_a_response_that_some_runs_lack_is_a_column_with_gaps() -> None:
    plan = sample_plan()
    energy = (Reading(name="energy_j", value=2.0, unit="J", uncertainty=0.1),)
    runs = [sample_run(plan, 1), sample_run(plan, 2, readings=energy)]
    table = to_table([plan], runs)
    assert table.responses == {"latency_s": "s", "energy_j": "J"}
    assert table.frame["energy_j"].isna().tolist() == [True, False]
    assert table.frame["energy_j_u"].tolist()[1] == 0.1
    assert "energy_j_u" in table.meta and "latency_s_u" not in table.frame
