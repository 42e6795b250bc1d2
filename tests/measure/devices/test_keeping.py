"""While a whole plot is measured, a board keeps the levels of its dear options."""

from __future__ import annotations

import pytest

from measure.configuration import Configuration
from measure.designs.whole_plots import split_plot
from measure.devices.base import Device
from measure.devices.jetson import JetsonDevice
from measure.devices.sim_board import BoardDevice
from measure.errors import RunFailed
from measure.planning import make_plan
from measure.protocol import MeasurementProtocol
from measure.sitting import Progress
from measure.space import ConfigurationSpace
from measure.store import MemoryStore
from measure.sweep import Sweep
from measure.workloads.base import Timing
from tests.measure.devices.fake_board import FakePrograms, RunningLink, fake_board

PLOTS, EACH = 4, 4


def measured(monkeypatch: pytest.MonkeyPatch, keeps: bool) -> tuple[int, MemoryStore]:
    """Sweep a simulated board; count how often its memory clock really changed."""
    device = BoardDevice("tx1")
    document = device.space(["gpu_freq_hz", "emc_freq_hz"]).to_dict()
    document["options"]["emc_freq_hz"]["change_cost_s"] = 20
    space = ConfigurationSpace.from_dict(document)
    design = split_plot(space, PLOTS, EACH, model="main", iterations=2)
    if not keeps:
        monkeypatch.setattr(BoardDevice, "keep_levels", Device.keep_levels)
    before = dict(device.tree.files)
    protocol = MeasurementProtocol.quick()
    plan = make_plan(device, [("resnet50", "images")], design, protocol)
    store, clocks = MemoryStore(), [device.controls.read(["emc_freq_hz"])]
    write = device.tree.write

    def watched(path: str, data: bytes) -> None:
        write(path, data)
        if "emc" not in path:
            return
        now = device.controls.read(["emc_freq_hz"])
        if now != clocks[-1]:
            clocks.append(now)

    monkeypatch.setattr(device.tree, "write", watched)
    Sweep.of_plan(device, plan, store).run()
    # Whatever was kept in between, all is put back.
    after = {path: device.tree.files[path] for path in before}
    changed = [p for p in before if after[p] != before[p] and "rate" in p]
    assert changed == []
    return len(clocks) - 1, store


def test_dear_options_are_set_once_a_whole_plot() -> None:
    with pytest.MonkeyPatch.context() as patch:
        kept, store = measured(patch, keeps=True)
    with pytest.MonkeyPatch.context() as patch:
        alone, _ = measured(patch, keeps=False)
    runs = [run for run in store.runs() if run.role == "design"]
    assert len(runs) == PLOTS * EACH
    for run in runs:
        assert run.status == "done"
        assert run.read_back["emc_freq_hz"] == run.configuration["emc_freq_hz"]
    # A level is set and put back, unless it is the one that the board has anyway.
    assert kept <= 2 * PLOTS
    assert alone >= EACH * kept / 2 and alone > 2 * PLOTS


LEVELS = Configuration({"emc_freq_hz": 408_000_000})


def kept(link: RunningLink) -> JetsonDevice:
    """A board that has been told to keep its levels."""
    device = JetsonDevice("tx1", link=link, programs=FakePrograms())
    device.keep_levels(True)
    return device


def test_levels_that_are_kept_are_put_back_when_it_is_over() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    before = {p: link.tree.files[p] for p in link.tree.settable}
    device = kept(link)
    device.measure("fake", "images", LEVELS, Timing())
    assert device.controls.read(LEVELS) == LEVELS
    assert {p: link.tree.files[p] for p in link.tree.settable} != before
    device.keep_levels(False)
    assert {p: link.tree.files[p] for p in link.tree.settable} == before


def test_a_run_that_fails_is_put_back_though_levels_are_kept() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    before = {p: link.tree.files[p] for p in link.tree.settable}
    device = kept(link)
    real = link.tree.write

    def swallowed(path: str, data: bytes) -> None:
        if "emc" not in path:
            real(path, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link.tree, "write", swallowed)
        with pytest.raises(RunFailed, match="emc"):
            device.measure("fake", "images", LEVELS, Timing())
    assert {p: link.tree.files[p] for p in link.tree.settable} == before


def test_a_whole_plot_whose_last_run_is_not_measured_is_put_back() -> None:
    link, programs = fake_board("tx1-r32", period_s=0.05), FakePrograms()
    before = {p: link.tree.files[p] for p in link.tree.settable}
    device = JetsonDevice("tx1", link=link, programs=programs)
    document = device.space(["gpu_freq_hz", "emc_freq_hz"]).to_dict()
    document["options"]["emc_freq_hz"]["change_cost_s"] = 20
    space = ConfigurationSpace.from_dict(document)
    design = split_plot(space, 2, 2, model="main", iterations=2)
    protocol = MeasurementProtocol.quick()
    plan = make_plan(device, [("fake", "images")], design, protocol)
    asked: list[object] = []
    stood: list[tuple[str, str, bool]] = []

    def artefact(configuration: object) -> str:
        asked.append(configuration)
        if len(asked) == 3:
            raise RunFailed("it cannot be built", final=True)
        return "fake"

    def tell(progress: Progress) -> None:
        if progress.run is not None:
            now = {p: link.tree.files[p] for p in link.tree.settable}
            stood.append((progress.run.role, progress.run.status, now == before))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs.one, "artefact", artefact)
        Sweep.of_plan(device, plan, MemoryStore()).run(tell=tell)
    assert stood[:3] == [
        ("reference", "done", True),
        ("design", "done", False),
        ("design", "failed", True),
    ]
    assert stood[-1][2]
