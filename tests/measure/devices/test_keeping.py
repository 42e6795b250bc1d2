"""While a whole plot is measured, a board keeps the levels of its dear options."""

from __future__ import annotations

import pytest

from measure.designs.whole_plots import split_plot
from measure.devices.base import Device
from measure.devices.sim_board import BoardDevice
from measure.planning import make_plan
from measure.protocol import MeasurementProtocol
from measure.space import ConfigurationSpace
from measure.store import MemoryStore
from measure.sweep import Sweep

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
    assert not device.controls.keep
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
