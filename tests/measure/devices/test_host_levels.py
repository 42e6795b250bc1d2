"""From levels to variables, and from what was read back to a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from measure.devices.host_levels import (
    check_read_back,
    complete_levels,
    energy_of_run,
    import_variables,
    run_time_s,
    variables,
)
from measure.errors import RunFailed
from measure.workloads.base import Timing
from measure.workloads.networks import Network, find_network


def test_options_that_are_not_set_are_as_tensorflow_has_them() -> None:
    levels = complete_levels(find_network("tcn"), {"batch_size": 8})
    assert levels["backend"] == "graph" and levels["batch_size"] == 8
    assert levels["onednn"] is True and levels["isa"] == "default"
    file = Network(name="my.tflite", file=Path("my.tflite"), format="tflite")
    assert complete_levels(file, {})["backend"] == "tflite"


def test_levels_that_exclude_each_other_fail_for_good() -> None:
    levels = {"backend": "xla", "isa": "AVX2"}
    with pytest.raises(RunFailed, match="backend xla and isa AVX2") as caught:
        complete_levels(find_network("tcn"), levels)
    assert caught.value.final


def test_only_a_graph_has_variables_of_onednn() -> None:
    levels = complete_levels(find_network("tcn"), {"isa": "SSE41"})
    assert variables(levels)["ONEDNN_MAX_CPU_ISA"] == "SSE41"
    assert variables({**levels, "backend": "xla"}) == {}


def test_variables_of_the_shell_do_not_reach_measured_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    found = import_variables(False)
    assert found["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert found["ONEDNN_MAX_CPU_ISA"] is None
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert "TF_ENABLE_ONEDNN_OPTS" not in import_variables(True)


def test_a_level_that_did_not_take_effect_fails_the_run() -> None:
    how = {"threads": "counted", "isa": "cannot be read"}
    check_read_back({"threads": 2, "isa": "AVX2"}, {"threads": 2, "isa": None}, how)
    with pytest.raises(RunFailed, match=r"threads: 1 was set and 2 read back \(count"):
        check_read_back({"threads": 1}, {"threads": 2}, how)


def test_energy_is_missing_with_its_reason() -> None:
    found = energy_of_run(None, "no counters", calls=5, batch=1, quick=False)
    assert {one.name for one in found} >= {"energy_j", "energy_per_item_j", "power_w"}
    assert all(one.value is None and one.reason == "no counters" for one in found)


def test_a_quick_run_of_a_small_network_is_the_shortest() -> None:
    quick = Timing(seconds=0.05, quick=True)
    assert run_time_s("tcn", quick) < run_time_s("tcn", Timing())
    assert run_time_s("tcn", Timing()) < run_time_s("resnet50", Timing())
