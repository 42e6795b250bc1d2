"""Energy of this machine: counters that add up, wrap, and may not be readable."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from measure.devices import rapl
from measure.devices.host_power import GAIN_U, HostPower, energy_of_trace
from measure.devices.rapl import FOLDER, Trace, Watching, find_counters
from measure.errors import RunFailed

RANGE_UJ = 262_143_328_850
SERVER = {
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "core",
    "intel-rapl:0:1": "dram",
    "intel-rapl:1": "package-1",
    "intel-rapl:1:0": "dram",
}
LAPTOP = {
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "core",
    "intel-rapl:0:1": "uncore",
    "intel-rapl:1": "psys",
    "intel-rapl-mmio:0": "package-0",
}


def tree(root: Path, zones: dict[str, str], energy_uj: int = 0) -> Path:
    """Zones as Linux shows them: links into a nested folder."""
    (root / FOLDER / "intel-rapl").mkdir(parents=True)
    for zone, name in zones.items():
        real = root / "sys/devices/virtual/powercap" / zone
        real.mkdir(parents=True)
        (real / "name").write_text(f"{name}\n")
        (real / "energy_uj").write_text(f"{energy_uj}\n")
        (real / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
        (root / FOLDER / zone).symlink_to(real)
    return root


@pytest.mark.parametrize(
    ("zones", "names"),
    [
        (SERVER, ["package-0", "package-0 dram", "package-1", "package-1 dram"]),
        (LAPTOP, ["package-0"]),
        ({"intel-rapl:0": "package-0-die-0"}, ["package-0-die-0"]),
        ({"intel-rapl:0": "psys"}, ["psys"]),
    ],
)
def test_what_is_added_up_has_nothing_twice(
    zones: dict[str, str], names: list[str], tmp_path: Path
) -> None:
    counters, why = find_counters(tree(tmp_path, zones))
    assert [one.name for one in counters] == names and why == ""


def test_a_machine_without_counters_says_so(tmp_path: Path) -> None:
    counters, why = find_counters(tmp_path)
    assert counters == () and "shows no RAPL" in why and "modprobe" in why
    _, why = find_counters(tree(tmp_path / "b", {"intel-rapl:0": "core"}))
    assert "neither package nor psys, only core" in why


def test_counters_that_only_root_may_read_say_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, SERVER)

    def refuse(self: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(rapl.Counter, "read", refuse)
    counters, why = find_counters(tmp_path)
    assert counters == ()
    assert "intel-rapl:0/energy_uj: only root" in why and "chmod a+r" in why


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_reason(tmp_path: Path) -> None:
    tree(tmp_path, SERVER)
    (tmp_path / FOLDER / "intel-rapl:0/energy_uj").chmod(0)
    assert "only root reads it" in find_counters(tmp_path)[1]


@pytest.mark.parametrize("text", ["", "many\n"])
def test_a_counter_that_tells_no_number_is_a_reason(tmp_path: Path, text: str) -> None:
    tree(tmp_path, SERVER)
    (tmp_path / FOLDER / "intel-rapl:0/energy_uj").write_text(text)
    counters, why = find_counters(tmp_path)
    assert counters == () and "intel-rapl:0/energy_uj cannot be read" in why


def test_a_counter_that_begins_anew_goes_on(tmp_path: Path) -> None:
    tree(tmp_path, {"intel-rapl:0": "package-0"}, RANGE_UJ - 1_500_000)
    counters, _ = find_counters(tmp_path)
    now = [0.0]

    def clock() -> float:
        now[0] += 0.5
        return now[0]

    watching = Watching(counters, clock)
    for value in (RANGE_UJ - 500_000, 500_000, 1_500_000):
        counters[0].path.write_text(f"{value}\n")
        watching.step()
    assert watching.trace().joules.tolist() == pytest.approx([0.0, 1.0, 2.0, 3.0])


def steps(watts: list[tuple[float, float]], every_s: float = 0.01) -> Trace:
    """A trace whose power is piecewise constant, read at odd moments."""
    rng = np.random.default_rng(0)
    times = np.arange(0.0, sum(s for s, _ in watts), every_s)
    times[1:-1] += rng.uniform(-0.4, 0.4, len(times) - 2) * every_s
    edges = np.cumsum([0.0, *(s for s, _ in watts)])
    joules = np.cumsum([0.0, *(s * w for s, w in watts)])
    return Trace(times_s=times, joules=np.interp(times, edges, joules))


def test_net_energy_is_gross_less_the_power_of_both_rests() -> None:
    trace = steps([(1.0, 10.0), (3.0, 50.0), (1.0, 12.0)])
    energy = energy_of_trace(trace, (1.5, 3.5), (0.0, 0.9), (4.1, 4.9))
    assert energy.gross_j == pytest.approx(100.0, rel=1e-9)
    assert energy.baseline_w == pytest.approx(11.0)
    assert energy.net_j == pytest.approx(78.0)
    assert energy.net_u is not None and energy.net_u >= GAIN_U * 78.0
    assert set(energy.budget_j) == {"gain", "baseline", "edge"}
    assert energy.budget_j["baseline"] == pytest.approx(0.5 * 2 / 12**0.5 * 2.0)
    assert energy.flags == ()


def test_a_window_whose_edge_lies_at_a_step_is_less_certain() -> None:
    trace = steps([(1.0, 10.0), (2.0, 50.0), (1.0, 10.0)])
    rests = ((0.0, 0.9), (3.1, 3.9))
    sharp, edge = (
        energy_of_trace(trace, window, *rests) for window in ((1.5, 2.5), (1.0, 3.0))
    )
    assert edge.budget_j["edge"] > 3.0 * sharp.budget_j["edge"]
    assert abs(edge.gross_j - 100.0) < 3.0 * edge.budget_j["edge"]


def test_a_load_without_power_is_flagged_and_a_still_counter_an_error() -> None:
    flat = steps([(5.0, 10.0)])
    energy = energy_of_trace(flat, (1.5, 3.5), (0.0, 0.9), (4.1, 4.9))
    assert abs(energy.net_j or 0.0) < 1e-6
    still = Trace(times_s=flat.times_s, joules=np.zeros(len(flat.times_s)))
    with pytest.raises(ValueError, match="add up to 0 J"):
        energy_of_trace(still, (1.5, 3.5), (0.0, 0.9), (4.1, 4.9))


def window_of(said: dict[str, Any]) -> tuple[float, float] | None:
    return said.get("window")


@contextmanager
def burning(root: Path, load: list[float]) -> Iterator[None]:
    """Counters that move by what is in `load`, in watts."""
    done = threading.Event()
    path = root / FOLDER / "intel-rapl:0/energy_uj"

    def move() -> None:
        total, last = 0.0, time.perf_counter()
        while not done.wait(0.001):
            now = time.perf_counter()
            total += load[0] * (now - last) * 1e6
            last = now
            other = path.with_name("energy_uj.new")
            other.write_text(f"{int(total)}\n")
            other.replace(path)

    thread = threading.Thread(target=move)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("quick", [False, True])
def test_a_run_is_watched_from_rest_to_rest(tmp_path: Path, quick: bool) -> None:
    tree(tmp_path, {"intel-rapl:0": "package-0"})
    power, load = HostPower.find(tmp_path), [10.0]

    def run() -> dict[str, Any]:
        load[0] = 30.0
        time.sleep(0.1)
        begin = time.perf_counter()
        time.sleep(0.3)
        end = time.perf_counter()
        time.sleep(0.1)
        load[0] = 10.0
        return {"window": (begin, end)}

    with burning(tmp_path, load):
        _, energy, why = power.watched(run, window_of, quick=quick)
    assert why == "" and energy is not None and energy.sensor == "RAPL package-0"
    assert energy.mean_w == pytest.approx(30.0, rel=0.15)
    assert (energy.net_j is None) == quick
    if energy.net_j is not None:
        assert energy.net_j == pytest.approx(0.3 * 20.0, rel=0.2)


def test_counters_that_go_away_in_mid_run_leave_the_run_and_a_reason(
    tmp_path: Path,
) -> None:
    tree(tmp_path, {"intel-rapl:0": "package-0"})
    power = HostPower.find(tmp_path)

    def run() -> dict[str, Any]:
        (tmp_path / FOLDER / "intel-rapl:0/energy_uj").unlink()
        time.sleep(0.05)
        return {"window": (0.0, 1.0)}

    answer, energy, why = power.watched(run, window_of, quick=True)
    assert answer["window"] == (0.0, 1.0) and energy is None and "energy_uj" in why
    again, energy, why = power.watched(lambda: answer, window_of, quick=True)
    assert again and energy is None and "cannot be read any more" in why


def test_without_counters_a_run_is_just_run() -> None:
    power = HostPower(why="none here")
    told: dict[str, Any] = {"a": 1}
    assert power.watched(lambda: told, window_of, quick=False) == (
        told,
        None,
        "none here",
    )
    assert power.rests_s == 0.0


def test_a_run_that_does_not_tell_its_window_has_no_energy(tmp_path: Path) -> None:
    power = HostPower.find(tree(tmp_path, {"intel-rapl:0": "package-0"}))
    told: dict[str, Any] = {}
    _, energy, why = power.watched(lambda: told, window_of, quick=True)
    assert energy is None and "when it was under load" in why


def test_a_run_that_fails_fails(tmp_path: Path) -> None:
    power = HostPower.find(tree(tmp_path, {"intel-rapl:0": "package-0"}))
    before = threading.active_count()

    def run() -> dict[str, Any]:
        raise RunFailed("it died", final=True)

    with pytest.raises(RunFailed, match="it died"):
        power.watched(run, window_of, quick=True)
    assert threading.active_count() == before


@pytest.mark.parametrize("text", [None, "", "unknown"])
def test_a_counter_whose_range_is_not_told_is_not_used(
    tmp_path: Path, text: str | None
) -> None:
    root = tree(tmp_path, {"intel-rapl:0": "package-0"})
    path = root / FOLDER / "intel-rapl:0" / "max_energy_range_uj"
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    counters, reason = find_counters(root)
    assert counters == () and "max_energy_range_uj cannot be read" in reason
