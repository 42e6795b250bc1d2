"""``sim:tx1`` and ``sim:tx2``: whole runs of a simulated board."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from measure.configuration import Configuration
from measure.devices.base import Device
from measure.devices.opening import open_device
from measure.devices.sim_board import BoardDevice
from measure.devices.sim_programs import SimPrograms
from measure.errors import DeviceError, RunFailed, WorkloadError
from measure.responses import readings_of
from measure.simulator.boards import TX1
from measure.simulator.latency import Clocks
from measure.simulator.programs import FEW
from measure.simulator.tree_layouts import CPU
from measure.workloads.base import Timing
from tests.contracts.devices import DeviceContract

TIMING = Timing()
QUICK = Timing(quick=True)


class TestTx1Contract(DeviceContract):
    @pytest.fixture
    def device(self) -> Device:
        return open_device("sim:tx1")


class TestTx2Contract(DeviceContract):
    timing = TIMING

    @pytest.fixture
    def device(self) -> Device:
        return open_device("sim:tx2")


def responses(
    device: BoardDevice, timing: Timing = TIMING, **levels: object
) -> dict[str, float]:
    space = device.space(levels) if levels else device.space()
    configuration = space.configuration(levels) if levels else space.reference()
    measured = device.measure("resnet50", "images", configuration, timing)
    return {
        reading.name: reading.value
        for reading in readings_of(measured)
        if reading.value is not None
    }


def test_everything_is_at_its_highest_by_default() -> None:
    reference = BoardDevice("tx1").space().reference()
    assert dict(reference) == {
        "cpu_cores": 4,
        "cpu_freq_hz": 1_734_000_000,
        "gpu_freq_hz": 998_400_000,
        "emc_freq_hz": 1_600_000_000,
    }


def test_it_says_that_it_is_simulated() -> None:
    device = BoardDevice("tx2")
    environment = device.environment("xception", "images-600")
    assert device.simulated
    assert environment.device == "sim:tx2"
    assert "simulated" in environment.version
    assert "simulated" in environment.fingerprint["board"]


def test_a_full_run_has_latency_power_and_energy_with_uncertainty() -> None:
    device = BoardDevice("tx1")
    reference = device.space().reference()
    measured = device.measure("resnet50", "images", reference, TIMING)
    found = {reading.name: reading for reading in measured.readings}
    for name in ("power_w", "energy_j", "energy_gross_j", "energy_per_item_j"):
        value, uncertainty = found[name].value, found[name].uncertainty
        assert value is not None and uncertainty is not None
        assert 0 < uncertainty < 0.05 * value
    assert measured.flags == ()
    values = responses(device)
    gross = values["power_w"] * values["latency_s"]
    assert values["energy_gross_j"] == pytest.approx(gross, rel=0.02)
    assert values["energy_j"] < values["energy_gross_j"]


def test_a_quick_run_has_power_and_says_why_there_is_no_energy() -> None:
    device = BoardDevice("tx1")
    reference = device.space().reference()
    measured = device.measure("resnet50", "images", reference, QUICK)
    found = {reading.name: reading for reading in measured.readings}
    assert found["power_w"].value is not None
    assert found["energy_j"].value is None
    assert "quick" in found["energy_j"].reason


@pytest.mark.parametrize("board", ["tx1", "tx2"])
@pytest.mark.parametrize("seed", range(4))
def test_quick_and_full_power_agree(board: str, seed: int) -> None:
    """Wherever in the quick batch the sensor has its updates."""
    device = BoardDevice(board, seed=seed)
    full, quick = responses(device), responses(device, QUICK)
    assert quick["power_w"] == pytest.approx(full["power_w"], rel=0.03)


def test_half_precision_and_larger_batches_cost_less_for_an_item() -> None:
    device = BoardDevice("tx1")
    base = responses(device)
    assert responses(device, precision="float16")["latency_s"] < base["latency_s"]
    many = responses(device, batch_size=8)
    assert many["latency_s"] > base["latency_s"]
    assert many["latency_per_item_s"] < base["latency_per_item_s"]
    assert many["energy_per_item_j"] == pytest.approx(many["energy_j"] / 8)


def test_runtimes_differ_and_each_board_has_its_usual_one() -> None:
    device = BoardDevice("tx1")
    base = responses(device)["latency_s"]
    assert responses(device, runtime="caffe")["latency_s"] == pytest.approx(base, 0.05)
    assert responses(device, runtime="tensorflow")["latency_s"] > 1.5 * base
    assert responses(device, runtime="tensorrt")["latency_s"] < 0.8 * base


def test_programs_beside_it_and_loading_images_cost_something() -> None:
    device = BoardDevice("tx1")
    base = responses(device)
    assert responses(device, load_images=True)["latency_s"] > base["latency_s"]
    beside = responses(device, co_runner="bitcount")
    assert beside["power_w"] > base["power_w"] + 0.3


def test_runs_scatter_and_the_board_remembers_its_temperature() -> None:
    device = BoardDevice("tx1", seed=2)
    before = device.conditions().temperature_c["GPU-therm"]
    latencies = [responses(device, QUICK)["latency_s"] for _ in range(60)]
    spread = np.std(np.log(latencies))
    assert 0.003 < spread < 0.012
    assert device.conditions().temperature_c["GPU-therm"] != before


def test_one_seed_gives_one_board() -> None:
    one, two, other = (responses(BoardDevice("tx1", seed=s)) for s in (5, 5, 6))
    assert one == two
    assert one != other


def test_a_call_beyond_the_time_limit_is_a_final_failure() -> None:
    device = BoardDevice("tx1")
    space = device.space(["gpu_freq_hz", "batch_size"])
    slow = space.configuration({"gpu_freq_hz": 76_800_000, "batch_size": 16})
    with pytest.raises(RunFailed, match="time limit") as caught:
        device.measure("vgg16", "images", slow, Timing(time_limit_s=2.0))
    assert caught.value.final


def test_a_workload_that_is_no_image_and_an_unknown_board_are_refused() -> None:
    with pytest.raises(WorkloadError, match="images-N"):
        BoardDevice("tx1").environment("resnet50", "text")
    with pytest.raises(DeviceError, match="sim:tx1, sim:tx2"):
        BoardDevice("tx9")


def test_a_run_sets_the_boards_files_and_leaves_them_as_they_were() -> None:
    device = BoardDevice("tx1")
    tree = device.tree
    before = {path: tree.files[path] for path in tree.settable}
    seen: list[bytes] = []
    run = device.runner.__call__

    def looking(request: Any, clock: Any) -> Any:
        seen.append(tree.read(f"{CPU}/cpu0/cpufreq/scaling_max_freq"))
        seen.append(tree.read(f"{CPU}/online"))
        return run(request, clock)

    device.link._programs = looking  # type: ignore[attr-defined]
    device.measure(
        "alexnet",
        "images",
        Configuration({"cpu_freq_hz": 1_020_000_000, "cpu_cores": 2}),
        QUICK,
    )
    assert seen == [b"1020000\n", b"0-1\n"]
    assert {path: tree.files[path] for path in tree.settable} == before
    assert tree.clocks() == Clocks.maximum(TX1)


def test_energy_is_what_the_boards_sensor_tells() -> None:
    device = BoardDevice("tx1")
    real = device.tree.read

    def broken(path: str) -> bytes:
        if path.endswith("ui_input_0"):
            raise OSError(61, "No data available")
        return real(path)

    device.tree.read = broken  # type: ignore[method-assign]
    measured = device.measure(
        "alexnet", "images", Configuration({"cpu_cores": 1}), TIMING
    )
    found = {reading.name: reading for reading in measured.readings}
    assert found["energy_j"].value is None and "ENODATA" in found["energy_j"].reason
    assert found["power_gpu_w"].value is not None


def test_a_level_that_a_board_does_not_take_fails_the_run() -> None:
    device = BoardDevice("tx1")
    path = device.tree.resolve("/sys/class/devfreq/57000000.gpu/max_freq")
    device.tree.faults[path] = "swallowed"
    with pytest.raises(RunFailed, match="max_freq: wrote 460800000, read 998400000"):
        device.measure(
            "alexnet", "images", Configuration({"gpu_freq_hz": 460_800_000}), QUICK
        )


def test_options_of_the_board_that_do_nothing_here_say_so() -> None:
    offers = BoardDevice("tx1").offers()
    assert offers["vm_swappiness"].available
    assert "does not feel it" in offers["vm_swappiness"].reason
    assert "does not feel it" not in offers["gpu_freq_hz"].reason
    assert offers["runtime"].available


def test_a_board_that_gets_too_hot_is_throttled_and_its_run_flagged() -> None:
    oven = replace(TX1, thermal=replace(TX1.thermal, ambient_c=75.0))
    device = BoardDevice("tx1", part=oven)
    device.know()
    device.chip.pass_over(82.5)
    highest = Configuration({"gpu_freq_hz": 998_400_000})
    hot = device.measure("vgg16", "images", highest, TIMING)
    flags = " ".join(hot.flags)
    assert "throttled: GPU-cap" in flags and "768 MHz, asked 998.4 MHz" in flags


def test_what_runs_beside_a_network_is_no_energy_of_it() -> None:
    device = BoardDevice("tx1")
    alone, beside = responses(device), responses(device, co_runner="bitcount")
    assert beside["energy_gross_j"] > 1.05 * alone["energy_gross_j"]
    assert beside["energy_j"] == pytest.approx(alone["energy_j"], rel=0.05)


def test_a_resumed_sweep_has_the_noise_of_one_that_was_not_interrupted() -> None:
    def latency(device: BoardDevice) -> float:
        return responses(device, QUICK)["latency_s"]

    whole, resumed = BoardDevice("tx1", seed=1), BoardDevice("tx1", seed=1)
    runs = [latency(whole) for _ in range(3)]
    for _ in range(2):
        resumed.recall("resnet50", "images", resumed.space().reference())
    assert latency(resumed) == pytest.approx(runs[2], rel=1e-6)
    assert latency(BoardDevice("tx1", seed=1)) != pytest.approx(runs[2], rel=1e-6)


@pytest.mark.parametrize("board", ["tx1", "tx2"])
def test_a_run_takes_less_than_50_ms_of_real_time(board: str) -> None:
    device = BoardDevice(board)
    reference = device.space().reference()
    device.measure("resnet50", "images", reference, TIMING)
    took = []
    for network in ("alexnet", "resnet50", "mobilenetv1", "vgg16", "squeezenet"):
        started = time.process_time()
        device.measure(network, "images", reference, TIMING)
        took.append(time.process_time() - started)
    assert np.median(took) < 0.05


@pytest.mark.parametrize("network", SimPrograms("tx1").networks())
def test_every_network_runs_on_both_boards_with_images_of_odd_sizes(
    network: str,
) -> None:
    for board, size in (("tx1", 75), ("tx1", 301), ("tx2", 225), ("tx2", 600)):
        device = BoardDevice(board)
        levels = {"batch_size": 2, "precision": "float16", "cpu_cores": 3}
        configuration = device.space(levels).configuration(levels)
        measured = device.measure(network, f"images-{size}", configuration, QUICK)
        found = {one.name: one.value for one in readings_of(measured)}
        assert found["latency_s"] and 0.5e-3 < found["latency_s"] < 10.0
        assert found["power_w"] and 2.0 < found["power_w"] < 16.0
        assert measured.read_back == levels and set(measured.flags) <= {FEW}


@pytest.mark.parametrize("board", ["tx1", "tx2"])
def test_measured_energy_is_least_below_the_highest_gpu_clock(board: str) -> None:
    device = BoardDevice(board)
    (option,) = device.space(["gpu_freq_hz"]).options
    energies = []
    for level in option.levels:
        measured = device.measure(
            "resnet50", "images", Configuration({option.name: level}), TIMING
        )
        found = {one.name: one.value for one in measured.readings}
        assert found["energy_gross_j"] and found["energy_j"]
        assert 0.0 < found["energy_j"] < found["energy_gross_j"]
        energies.append(found["energy_gross_j"])
    assert 0 < int(np.argmin(energies)) < len(energies) - 1
