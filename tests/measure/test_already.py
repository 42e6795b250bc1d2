"""A sweep on top of what the store holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from measure.already import already_measured
from measure.cli import main
from measure.designs.factorial import full_factorial
from measure.devices.simulated import EffectsDevice
from measure.planning import make_plan
from measure.protocol import MeasurementProtocol
from measure.space import ConfigurationSpace
from measure.store import MemoryStore, SqliteStore
from measure.sweep import Sweep

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "turbo": {"kind": "boolean"},
            "precision": {"kind": "categorical", "levels": ["float32", "int8"]},
        }
    }
)
PAIRS = [("resnet50", "images"), ("mobilenetv2", "images")]


def test_rows_count_that_were_measured_everywhere_alike_and_often_enough() -> None:
    device, store, protocol = EffectsDevice(), MemoryStore(), MeasurementProtocol()
    design = full_factorial(SPACE)
    plan = make_plan(device, PAIRS, design, protocol)
    Sweep.of_plan(device, plan, store).run()

    def found(**words: Any) -> list[bool]:
        asked = {"environments": plan.environments, "protocol": protocol, **words}
        return already_measured(
            store.plans(), store.runs(), asked.pop("design", design), held={}, **asked
        )

    assert found() == [True] * 4
    assert found(protocol=MeasurementProtocol(reference_every=3)) == [True] * 4
    assert found(protocol=MeasurementProtocol(replicates=2)) == [False] * 4
    assert found(protocol=MeasurementProtocol.quick()) == [False] * 4
    other = plan.environments[0].to_dict() | {"version": "b2"}
    places = [type(plan.environments[0]).from_dict(other)]
    assert found(environments=places) == [False] * 4
    # A row that stands twice must have been measured twice.
    frame = design.frame.iloc[[0, 1, 0]]

    assert found(design=replace(design, frame=frame)) == [True, True, False]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    SPACE.to_file(tmp_path / "space.yaml")
    return tmp_path


def sweep(folder: Path, *words: str) -> tuple[int, str]:
    where = ["--space", str(folder / "space.yaml"), "--store", str(folder / "s.db")]
    device = ["--device", "sim:effects", "--networks", "resnet50"]
    ran = CliRunner().invoke(main, ["sweep", *device, *where, *words])
    return ran.exit_code, ran.output


def test_a_design_is_measured_on_top_of_what_the_store_holds(folder: Path) -> None:
    rows = ["turbo,precision", "true,float32", "false,int8"]
    design = folder / "d.csv"
    design.write_text("\n".join(rows) + "\n")
    assert sweep(folder, "--design", str(design))[0] in (0, 3)
    design.write_text("\n".join([*rows, "true,int8", "false,float32"]) + "\n")
    code, text = sweep(folder, "--design", str(design), "--dry-run")
    assert code == 0 and "2 of 4 rows of d.csv are in" in text
    assert "are measured again; --only-new leaves them out" in text
    report = folder / "r.json"
    words = ("--only-new", "--json", str(report))
    assert sweep(folder, "--design", str(design), *words)[0] in (0, 3)
    assert json.loads(report.read_text())["runs_planned"] == 2
    with SqliteStore(folder / "s.db", read_only=True) as store:
        runs = [run for run in store.runs() if run.role == "design"]
    assert len({run.configuration for run in runs}) == len(runs) == 4
    code, text = sweep(folder, "--design", str(design), "--only-new")
    assert code == 1 and "all 4 rows of d.csv are in" in text
