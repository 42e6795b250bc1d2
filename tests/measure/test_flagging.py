"""Flags of runs become findings of their sweep."""

from __future__ import annotations

import pytest

from measure.designs.making import make_design
from measure.devices.jetson import JetsonDevice
from measure.flagging import kind_of
from measure.judgement import ERROR, WARNING, Finding, findings
from measure.protocol import MeasurementProtocol
from measure.store import MemoryStore
from measure.sweep import Sweep
from tests.measure.devices.fake_board import FakePrograms, RunningLink, fake_board

GPU = "/sys/devices/57000000.gpu/devfreq/57000000.gpu"


def found(link: RunningLink) -> list[Finding]:
    """What is said of a sweep of a board."""
    store = MemoryStore()
    with JetsonDevice("tx1", link=link, programs=FakePrograms()) as device:
        space = device.space(["gpu_freq_hz"])
        design = make_design("random", space, runs=6, seed=1)
        sweep = Sweep(device, design, store, protocol=MeasurementProtocol.quick())
        sweep.run()
    return findings(sweep.plan, store.runs())


def test_a_sweep_without_flags_has_no_such_finding() -> None:
    kinds = {one.what for one in found(fake_board("tx1-r32", period_s=0.05))}
    assert not kinds & {"clock", "thermal", "interference"}


def test_clocks_that_fall_back_in_many_runs_are_not_to_be_trusted() -> None:
    link = fake_board("tx1-r32", period_s=0.05)

    def fall() -> None:
        link.tree.write(f"{GPU}/min_freq", b"76800000")
        link.tree.write(f"{GPU}/max_freq", b"76800000")

    link.during = fall
    (clock,) = [one for one in found(link) if one.what == "clock"]
    assert clock.level == ERROR and "flagged: gpu_freq_hz" in clock.text


def test_heat_is_a_warning() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    device = "/sys/devices/virtual/thermal/cooling_device9"
    link.tree.files[f"{device}/type"] = b"gpu-balanced\n"
    link.tree.files[f"{device}/cur_state"] = b"2\n"
    (heat,) = [one for one in found(link) if one.what == "thermal"]
    assert heat.level == WARNING and "8 of 8 runs are flagged" in heat.text
    assert "cool" in heat.advice


@pytest.mark.parametrize(
    ("flag", "what"),
    [
        ("gpu_freq_hz: not sampled during the run", "clock"),
        ("lost 12 % of the power samples", "interference"),
        ("window shorter than 20 sensor periods", "interference"),
        ("VDD_IN read the same for 9 s: its sensor is stuck", "interference"),
        ("no steady state", None),
        ("few calls", None),
    ],
)
def test_each_flag_has_one_kind(flag: str, what: str | None) -> None:
    kind = kind_of(flag)
    assert (None if kind is None else kind.what) == what
