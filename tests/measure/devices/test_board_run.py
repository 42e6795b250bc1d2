"""One run on a board: what is set, watched, joined and put back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from measure.configuration import Configuration
from measure.devices.address import Address
from measure.devices.base import Measurement
from measure.devices.board_controls import BOOT_ID
from measure.devices.board_course import course_of, longer
from measure.devices.board_programs import Calls, calls_of
from measure.devices.jetson import JetsonDevice
from measure.devices.transport import Link, LinkLost, Reply
from measure.energy import energy_of
from measure.errors import DeviceError, RunFailed
from measure.power_samples import PowerSensor, Samples
from measure.records import Reading
from measure.simulator.tree_layouts import CPU, LAYOUTS
from measure.workloads.base import Timing
from tests.measure.devices.fake_board import (
    CALL_S,
    IDLE_W,
    LOAD_W,
    FakeProgram,
    FakePrograms,
    RunningLink,
    fake_board,
)

LEVELS = {
    "cpu_cores": 2,
    "cpu_freq_hz": 1_020_000_000,
    "gpu_freq_hz": 460_800_000,
    "emc_freq_hz": 800_000_000,
}


def measured(
    link: RunningLink, timing: Timing | None = None, program: FakeProgram | None = None
) -> Measurement:
    device = JetsonDevice("auto", link=link)
    return device.run.measure(
        program or FakeProgram(), Configuration(LEVELS), timing or Timing()
    )


def reading(measurement: Measurement, name: str) -> Reading:
    return next(one for one in measurement.readings if one.name == name)


@pytest.mark.parametrize("name", ["tx1-r24", "tx1-r28", "tx1-r32"])
@pytest.mark.parametrize("period_s", [0.422, 0.0066])
def test_a_run_tells_calls_energy_and_levels_and_leaves_no_trace(
    name: str, period_s: float
) -> None:
    link = fake_board(name, period_s=period_s)
    before = dict(link.tree.files)
    found = measured(link)
    assert set(found.calls_s) == {CALL_S} and found.batch_size == 4
    assert dict(found.read_back) == LEVELS
    assert set(found.read_back_reason) == set(LEVELS)
    net, gross = reading(found, "energy_j"), reading(found, "energy_gross_j")
    for one, watts in ((net, LOAD_W - IDLE_W), (gross, LOAD_W)):
        assert one.value is not None and one.uncertainty is not None
        assert one.value == pytest.approx(watts * CALL_S, abs=2.0 * one.uncertainty)
    per_item = reading(found, "energy_per_item_j")
    assert net.value is not None and per_item.value == pytest.approx(net.value / 4)
    for response, share in (("power_gpu_w", 0.4), ("power_cpu_w", 0.2)):
        assert reading(found, response).value == pytest.approx(share * LOAD_W, rel=0.1)
    assert found.flags == ()
    assert {p: link.tree.files[p] for p in link.tree.settable} == {
        p: before[p] for p in link.tree.settable
    }


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_quick_run_has_power_and_no_energy_on_every_board(name: str) -> None:
    link = fake_board(name)
    quick = Timing(seconds=0.05, min_calls=1, warm_up_cap_s=0.0, quick=True)
    device = JetsonDevice("auto", link=link)
    chosen = {n: device.space([n]).options[0].levels[-1] for n in LEVELS}
    start = link.clock.now()
    found = device.run.measure(FakeProgram(), Configuration(chosen), quick)
    assert reading(found, "energy_j").value is None
    power = reading(found, "power_w")
    if device.instruments().total:
        assert power.value == pytest.approx(LOAD_W, abs=0.3)
        assert "quick protocol" in reading(found, "energy_j").reason
    else:
        assert power.value is None and "no power sensor" in power.reason
        assert link.clock.now() - start < 2.0
    assert dict(found.read_back) == chosen and found.flags == ()


def test_the_mode_of_the_sensor_is_pinned_while_its_period_is_measured() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    device = JetsonDevice("tx1", link=link)
    modes: list[bytes] = []
    (pin,) = device.controls.pins
    (path,) = pin.paths
    link.during = lambda: modes.append(link.tree.read(path))
    device.run.measure(FakeProgram(), Configuration(LEVELS), Timing())
    assert modes and set(modes) == {b"1\n"}
    assert link.tree.read(path) == b"0\n"
    instruments = device.instruments()
    assert instruments.period_measured
    assert instruments.period_s == pytest.approx(0.05, rel=0.1)


def test_a_clock_that_falls_back_in_mid_run_flags_the_run() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    folder = "/sys/devices/57000000.gpu/devfreq/57000000.gpu"

    def fall() -> None:
        link.tree.write(f"{folder}/min_freq", b"76800000")
        link.tree.write(f"{folder}/max_freq", b"76800000")

    link.during = fall
    flags = " ".join(measured(link).flags)
    assert "gpu_freq_hz" in flags and "76.8 MHz, asked 460.8 MHz" in flags


def test_a_level_that_is_lost_in_mid_run_is_stored_as_observed() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    link.during = lambda: link.tree.write(f"{CPU}/cpu1/online", b"0")
    found = measured(link)
    assert found.read_back["cpu_cores"] == 1


def test_a_board_that_is_held_down_is_flagged() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    device = "/sys/devices/virtual/thermal/cooling_device9"
    link.tree.files[f"{device}/type"] = b"gpu-balanced\n"
    link.tree.files[f"{device}/cur_state"] = b"2\n"
    assert "throttled: gpu-balanced at 2" in measured(link).flags


def test_a_board_that_is_held_down_for_a_moment_of_its_run_is_flagged() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    state = "/sys/devices/virtual/thermal/cooling_device9/cur_state"
    link.tree.files[state.replace("cur_state", "type")] = b"gpu-balanced\n"
    link.tree.files[state] = b"0\n"

    def hold() -> None:
        link.tree.files[state] = b"3\n"
        link.clock.sleep(0.3)
        link.tree.files[state] = b"0\n"

    link.during = hold
    flags = [flag for flag in measured(link).flags if "throttled" in flag]
    assert flags == ["throttled: gpu-balanced at 3"]


@pytest.mark.parametrize("what", ["write", "watch", "run", "samples", "restore"])
def test_a_link_that_breaks_fails_one_run_and_the_next_goes_on(what: str) -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    device = JetsonDevice("tx1", link=link)
    before = {p: link.tree.files[p] for p in link.tree.settable}
    program = FakeProgram()
    link.lose = what
    with pytest.raises(LinkLost) as raised:
        device.run.measure(program, Configuration(LEVELS), Timing())
    assert not raised.value.final
    assert {p: link.tree.files[p] for p in link.tree.settable} == before
    found = device.run.measure(program, Configuration(LEVELS), Timing())
    assert dict(found.read_back) == LEVELS
    assert {p: link.tree.files[p] for p in link.tree.settable} == before


@pytest.mark.parametrize("boots", [True, False])
def test_a_board_that_was_started_anew_is_probed_again(boots: bool) -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    device = JetsonDevice("tx1", link=link)
    device.run.measure(FakeProgram(), Configuration(LEVELS), Timing())
    known, found = device.instruments(), device.controls.actuators
    link.lose = "run"
    with pytest.raises(LinkLost):
        device.run.measure(FakeProgram(), Configuration(LEVELS), Timing())
    if boots:
        link.tree.files[BOOT_ID] = b"another\n"
    told = device.run.measure(FakeProgram(), Configuration(LEVELS), Timing())
    assert dict(told.read_back) == LEVELS and told.flags == ()
    assert (device.instruments() is not known) == boots
    assert (device.controls.actuators is not found) == boots


def test_a_link_that_breaks_while_a_model_is_copied_is_made_again() -> None:
    programs = FakePrograms()
    device = JetsonDevice(
        "tx1", link=fake_board("tx1-r32", period_s=0.05), programs=programs
    )
    real = programs.one.copy

    def broken(link: Link) -> None:
        programs.one.copy = real  # type: ignore[method-assign]
        raise LinkLost("link to the board lost: it was cut")

    programs.one.copy = broken  # type: ignore[method-assign]
    configuration = Configuration(LEVELS)
    device.prepare("fake", "images", [configuration])
    assert device.controls.lost
    assert device.measure("fake", "images", configuration, Timing()).calls_s
    assert programs.one.copies == 1 and not device.controls.lost


def test_a_run_that_is_refused_does_not_leave_the_sampler_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = fake_board("tx1-r32", period_s=0.05)

    def refused(argv: list[str]) -> Reply:
        raise DeviceError("the board: argv: a list of words is needed")

    monkeypatch.setattr(link, "_run", refused)
    with pytest.raises(DeviceError, match="a list of words"):
        measured(link)
    with pytest.raises(DeviceError, match="nothing is watched"):
        link.ask("samples")


def test_windows_that_were_too_short_keep_their_calls_and_their_flags(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link, program = fake_board("tx1-r32", period_s=0.05), FakeProgram()
    lengths = iter([2.5, 4.0, None])
    monkeypatch.setattr(
        "measure.devices.board_run.longer", lambda energy, window_s: next(lengths)
    )
    told = iter(["no steady state", "", ""])

    def calls(reply: Reply) -> Calls:
        flag = next(told)
        return replace(calls_of(reply), flags=(flag,) if flag else ())

    monkeypatch.setattr(program, "calls", calls)
    found = measured(link, program=program)
    assert found.flags == ("no steady state",)
    counts = {name: len(values) for name, values in found.raw.items()}
    assert list(counts) == ["window_1_calls_s", "window_2_calls_s"]
    first, second = counts.values()
    assert first < second < len(found.calls_s)


def test_a_board_that_an_earlier_sweep_left_set_is_not_built_upon() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    device = JetsonDevice("tx1", link=link)
    left = {"path": "/sys/devices/system/cpu/cpu1/online", "error": "No such file"}
    link.restored = {"failed": [left]}  # type: ignore[attr-defined]
    with pytest.raises(DeviceError, match="cpu1/online is not as it was .* restore"):
        device.run.measure(FakeProgram(), Configuration(LEVELS), Timing())


def test_a_program_that_fails_does_not_keep_the_board_set() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    before = {p: link.tree.files[p] for p in link.tree.settable}
    with pytest.raises(RunFailed, match="CONV_3D") as raised:
        measured(link, program=FakeProgram(failed="the runtime lacks CONV_3D"))
    assert raised.value.final
    assert {p: link.tree.files[p] for p in link.tree.settable} == before


def test_a_program_without_a_window_has_calls_and_no_energy() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    found = measured(link, program=FakeProgram(window=None))
    assert found.calls_s
    assert "when it was under load" in reading(found, "energy_j").reason


def test_a_rail_that_cannot_be_read_is_missing_and_flagged() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    real = link.tree.read

    def broken(path: str) -> bytes:
        if path.endswith("ui_input_0"):
            raise OSError(61, "No data available")
        return real(path)

    link.tree.read = broken  # type: ignore[method-assign]
    found = measured(link)
    assert "ENODATA" in reading(found, "energy_j").reason
    assert any("VDD_IN" in flag for flag in found.flags)
    assert reading(found, "power_gpu_w").value == pytest.approx(2.0, rel=0.1)


def test_a_window_spans_twenty_updates_and_a_quick_batch_two() -> None:
    full = course_of(Timing(), 0.422)
    assert (full.rest_s, full.window_s) == (8.44, 8.44) and full.every_s == 0.1
    assert full.lead_s == pytest.approx(0.844)
    assert course_of(Timing(), 0.0066).window_s == 0.35
    alone = course_of(Timing(), None)
    assert (alone.rest_s, alone.lead_s, alone.window_s) == (0.0, 0.0, 0.35)
    assert course_of(Timing(seconds=0.05, quick=True), None).every_s == 0.01


def _energy(window_s: float, gain_u: float, noise_w: float = 0.0) -> float | None:
    rng = np.random.default_rng(0)
    times = np.arange(0.0, 3.0 * window_s, 0.1)
    load = (times > window_s) & (times < 2.0 * window_s)
    noise = noise_w * rng.standard_normal(len(times))
    power = np.where(load, 5.0 + noise, 3.0)
    samples = Samples(times_s=times, power_w=power)
    sensor = PowerSensor(name="VDD_IN", period_s=0.1, step_w=0.0, gain_u=gain_u)
    sides = [samples.between(0.2, window_s - 0.2)]
    sides.append(samples.between(2.0 * window_s + 0.3, 3.0 * window_s))
    energy = energy_of(
        samples,
        1.1 * window_s,
        1.9 * window_s,
        replace(sensor, averages=False),
        before=sides[0],
        after=sides[1],
    )
    return longer(energy, window_s)


def test_a_window_gets_longer_only_where_that_helps() -> None:
    assert _energy(20.0, gain_u=0.001) is None
    # A gain that is off by more than 2 % is off however long one waits.
    assert _energy(2.0, gain_u=0.05) is None
    length = _energy(2.0, gain_u=0.001, noise_w=0.2)
    assert length is not None and 2.0 < length <= 60.0


def test_the_environment_is_of_board_and_runtime_and_not_of_the_way_there() -> None:
    kitchen = Address(ssh="nvidia@kitchen")
    device = JetsonDevice(
        "tx1", kitchen, link=fake_board("tx1-r32"), programs=FakePrograms()
    )
    environment = device.environment("fake", "images")
    assert (environment.device, environment.version) == ("tx1", "fake-1.0")
    assert environment.fingerprint["power"] == "VDD_IN"
    assert environment.fingerprint["l4t"].startswith("R32")
    assert environment.fingerprint["runtime"] == "fake 1.0.2"
    assert "kitchen" not in str(environment.to_dict())


def test_a_plan_knows_how_long_the_sensor_makes_a_run() -> None:
    times = []
    for period_s in (0.02, 0.422):
        link = fake_board("tx1-r32", period_s=period_s)
        before = {p: link.tree.files[p] for p in link.tree.settable}
        device = JetsonDevice("tx1", link=link, programs=FakePrograms())
        times.append(device.run_time_s("fake", "images", Timing()))
        assert {p: link.tree.files[p] for p in link.tree.settable} == before
    assert times[0] < 6.0 and 25.0 < times[1] < 35.0


def test_conditions_are_those_under_load() -> None:
    link = fake_board("tx1-r32", period_s=0.05)
    found = measured(link).conditions
    assert found.clock_hz["gpu_freq_hz"] == LEVELS["gpu_freq_hz"]
    assert found.clock_hz["cpu_freq_hz"] == LEVELS["cpu_freq_hz"]
    assert found.temperature_c and "PMIC-Die" not in found.temperature_c
    assert found.load_1min is not None and found.missing["turbo"]
