"""Sweeps of split-plot designs, from the command line to the exported table."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from measure.asking import ask_design
from measure.cli import main
from measure.designs.whole_plots import split_plot
from measure.devices.simulated import EffectsDevice
from measure.errors import RunFailed
from measure.planning import make_plan, runs_that_fit, runs_time_s
from measure.protocol import MeasurementProtocol
from measure.space import ConfigurationSpace
from measure.store import MemoryStore, SqliteStore
from measure.sweep import Sweep

SPACE = """
options:
  gpu_freq_hz: {kind: numeric, unit: Hz, levels: [2e8, 6e8, 1e9]}
  emc_freq_hz: {kind: numeric, unit: Hz, levels: [4e8, 8e8, 1.2e9], change_cost_s: 20}
  precision: {kind: categorical, levels: [float32, float16, int8], change_cost_s: 60}
  turbo: {kind: boolean}
"""
PAIRS = [("resnet50", "images"), ("mobilenetv2", "images")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "space.yaml").write_text(SPACE)
    return tmp_path


def measure(folder: Path, *words: str) -> dict[str, Any]:
    report = folder / "report.json"
    ran = CliRunner().invoke(main, [*words, "--json", str(report)])
    assert ran.exit_code in (0, 3), ran.output
    found: dict[str, Any] = json.loads(report.read_text())
    return {**found, "text": ran.output}


def sweep(folder: Path, *words: str) -> dict[str, Any]:
    place = ["--space", str(folder / "space.yaml"), "--store", str(folder / "s.db")]
    return measure(folder, "sweep", "--device", "sim:effects", *place, *words)


def test_a_sweep_follows_whole_plots_and_says_what_that_saves(folder: Path) -> None:
    found = sweep(folder, "--design", "split-plot", "--runs", "24", "--model", "main")
    changes = found["plan"]["design"]["changes"]
    assert changes["planned_s"] < changes["random_s"] / 3
    assert "whole plots of" in found["text"] and "in random order" in found["text"]
    with SqliteStore(folder / "s.db", read_only=True) as store:
        runs = sorted(store.runs(), key=lambda run: run.order)
    plots = [key for key, _ in groupby(run.whole_plot for run in runs)]
    plots = [plot for plot in plots if plot is not None]
    # Both networks are measured before the next whole plot is set up.
    assert len(plots) == len(set(plots)) == 6
    for plot in plots:
        inside = [run.configuration for run in runs if run.whole_plot == plot]
        assert len({(c["emc_freq_hz"], c["precision"]) for c in inside}) == 1
    measure(
        folder,
        "export",
        "--store",
        str(folder / "s.db"),
        "--out",
        str(folder / "t.csv"),
    )
    table = pd.read_csv(folder / "t.csv")
    assert set(table["whole_plot"]) == set(range(6)) and set(table["block"]) == {0}
    assert "whole_plot" in json.loads((folder / "t.json").read_text())["meta"]


def test_a_sweep_is_told_its_whole_plots_and_their_variance(folder: Path) -> None:
    words = ("--design", "split-plot", "--model", "main", "--runs", "24", "--dry-run")
    told = sweep(folder, *words, "--whole-plots", "8", "--variance-ratio", "3")
    assert "8 whole plots of 3 runs" in told["text"]
    alone = sweep(folder, *words[:4], "--dry-run", "--whole-plots", "7")
    assert "7 whole plots of" in alone["text"]


def test_a_design_file_brings_its_blocks_and_whole_plots(folder: Path) -> None:
    rows = [
        ("4e8", "float32", "3"),
        ("4e8", "float32", "3"),
        ("8e8", "int8", "1"),
        ("8e8", "int8", "1"),
        ("1.2e9", "float16", "5"),
        ("1.2e9", "float16", "5"),
    ]
    text = "emc_freq_hz,precision,turbo,block,whole_plot\n"
    for place, (emc, precision, plot) in enumerate(rows):
        turbo = ("true", "false")[place % 2]
        text += f"{emc},{precision},{turbo},{int(place > 3)},{plot}\n"
    (folder / "d.csv").write_text(text)
    sweep(folder, "--design", str(folder / "d.csv"), "--networks", "resnet50")
    with SqliteStore(folder / "s.db", read_only=True) as store:
        runs = [run for run in store.runs() if run.role == "design"]
    assert {(r.block, r.whole_plot) for r in runs} == {(0, 3), (0, 1), (1, 5)}
    assert [run.block for run in runs] == [0] * 4 + [1] * 2


def test_an_ordinary_sweep_says_what_whole_plots_would_save(folder: Path) -> None:
    words = ("--networks", "resnet50", "--runs", "30", "--model", "main", "--dry-run")
    found = sweep(folder, *words)
    assert "emc_freq_hz, precision: " in found["text"]
    assert "; --design split-plot: about" in found["text"]


class Flaky(EffectsDevice):
    """Fails once, in the middle of a whole plot."""

    def measure(self, *words):  # type: ignore[no-untyped-def]
        self.count = getattr(self, "count", 0) + 1
        if self.count == 4:
            raise RunFailed("link lost", final=False)
        return super().measure(*words)


def test_a_failed_run_is_made_again_before_its_whole_plot_is_left() -> None:
    space = ConfigurationSpace.from_dict(yaml.safe_load(SPACE))
    design = split_plot(space, 6, 4, model="main", iterations=2)
    device, store = Flaky(), MemoryStore()
    plan = make_plan(device, PAIRS[:1], design, MeasurementProtocol())
    Sweep.of_plan(device, plan, store).run()
    plots = [key for key, _ in groupby(run.whole_plot for run in store.runs())]
    plots = [plot for plot in plots if plot is not None]
    assert len(plots) == 6
    again = [run for run in store.runs() if run.status == "failed"]
    assert len(again) == 1 and again[0].whole_plot == plots[0]


def test_resuming_keeps_blocks_and_whole_plots() -> None:
    space = ConfigurationSpace.from_dict(yaml.safe_load(SPACE))
    design = split_plot(space, 6, 4, model="main", iterations=2)
    store = MemoryStore()
    plan = make_plan(EffectsDevice(), PAIRS, design, MeasurementProtocol())
    Sweep.of_plan(EffectsDevice(), plan, store).run(budget_s=0.0)
    assert len(store.runs()) < len(plan.runs)
    Sweep.of_plan(EffectsDevice(), plan, store).run()
    found = {run.slot: run for run in store.runs() if run.slot is not None}
    for slot, planned in enumerate(plan.runs):
        assert found[slot].whole_plot == planned.whole_plot
        assert found[slot].block == planned.block


class Real(EffectsDevice):
    """Says that its runs, and so changes of its options, take time."""

    simulated = False


@pytest.mark.parametrize("name", ["split-plot", "d-optimal"])
def test_as_many_runs_are_planned_as_fit_the_time_with_changes(name: str) -> None:
    space = ConfigurationSpace.from_dict(yaml.safe_load(SPACE))
    device, protocol = Real(), MeasurementProtocol()
    design = ask_design(
        name, space, device, PAIRS, protocol, model="main", budget_s=900.0
    )
    plan = make_plan(device, PAIRS, design, protocol)
    measuring_s = runs_time_s(design.runs, device, PAIRS, protocol)
    total_s = measuring_s + plan.design["changes"]["planned_s"]
    # Reference runs change options as well.
    assert 0.5 * 900 < total_s < 1.35 * 900
    alone = runs_that_fit(900.0, device, PAIRS, protocol)
    assert design.runs < min(alone, 60) or name == "split-plot"
