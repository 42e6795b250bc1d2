"""What a call costs: published times, and the shapes that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from measure.simulator.boards import TX1, TX2, Board
from measure.simulator.latency import Clocks, Precision, call_cost
from measure.simulator.power import mean_power
from measure.simulator.runtimes import (
    CAFFE,
    CAFFE_PROGRAM,
    CO_RUNNERS,
    TENSORFLOW,
    TENSORRT,
    Runtime,
)
from measure.workloads.architectures import LAYER_TABLES, layer_table

TOP = Clocks.maximum(TX1)
PRECISIONS: tuple[Precision, ...] = ("float32", "float16")
# NVIDIA's white-paper set-up, measured again: Caffe, cuDNN 4, GPU at 691 MHz;
# network, batch, precision, milliseconds.
ALEXNET: list[tuple[str, int, Precision, float]] = [
    ("alexnet", 1, "float32", 21.9),
    ("alexnet", 1, "float16", 15.4),
    ("alexnet", 64, "float32", 501.2),
    ("alexnet", 64, "float16", 252.8),
    ("alexnet", 128, "float32", 834.2),
    ("alexnet", 128, "float16", 496.6),
]
VGG16: list[tuple[str, int, Precision, float]] = [
    ("vgg16", 1, "float32", 156.1),
    ("vgg16", 1, "float16", 104.4),
    ("vgg16", 64, "float16", 5150.6),
]


def latency_s(network: str, clocks: Clocks, runtime: Runtime = CAFFE) -> float:
    return call_cost(TX1, runtime, layer_table(network), clocks).latency_s


def errors(published: list[tuple[str, int, Precision, float]]) -> list[float]:
    clocks = replace(TOP, gpu_hz=691_200_000)
    found = []
    for network, batch, precision, milliseconds in published:
        cost = call_cost(
            TX1, CAFFE, layer_table(network), clocks, batch=batch, precision=precision
        )
        found.append(abs(1e3 * cost.latency_s / milliseconds - 1.0))
    return found


def test_vgg16_is_predicted_from_parameters_that_alexnet_fixed() -> None:
    assert max(errors(ALEXNET)) <= 0.15
    assert np.median(errors(VGG16)) <= 0.15
    assert max(errors(VGG16)) <= 0.35


def test_parameters_lie_within_physical_bounds() -> None:
    launch_s = CAFFE.launch_cycles / TX1.cpu.maximum_hz
    assert 20e-6 <= launch_s <= 100e-6
    for board in (TX1, TX2):
        assert board.memory_share <= 0.8
        assert all(0 < share < 1 for share in board.compute_share)
        assert np.all(np.diff(board.cpu.volts) >= 0)
        assert np.all(np.diff(board.gpu.volts) >= 0)
        assert len(board.gpu.volts) == len(board.gpu.frequencies_hz)
        assert len(board.cpu.volts) == len(board.cpu.frequencies_hz)


@pytest.mark.parametrize("network", LAYER_TABLES)
@pytest.mark.parametrize("name", ["cpu_hz", "gpu_hz", "emc_hz"])
def test_a_higher_clock_never_makes_a_call_slower(network: str, name: str) -> None:
    times = [
        latency_s(network, replace(TOP, **{name: share * getattr(TOP, name)}))
        for share in (0.2, 0.5, 0.8, 1.0)
    ]
    assert np.all(np.diff(times) <= 1e-12)


def test_memory_clock_matters_only_where_the_gpu_is_fast() -> None:
    """The saturating interaction of GPU and memory clock."""

    def gain(gpu_hz: int) -> float:
        clocks = replace(TOP, gpu_hz=gpu_hz)
        slow = replace(clocks, emc_hz=TX1.emc_hz[2])
        return latency_s("vgg16", slow) / latency_s("vgg16", clocks)

    slow, fast = gain(TX1.gpu.frequencies_hz[0]), gain(TX1.gpu.maximum_hz)
    assert slow == pytest.approx(1.0, abs=0.01)
    assert fast > 1.15


def test_small_networks_are_bound_by_the_cpu_and_large_ones_are_not() -> None:
    slow = replace(TOP, cpu_hz=TX1.cpu.frequencies_hz[0])
    small = latency_s("squeezenet", slow) / latency_s("squeezenet", TOP)
    large = latency_s("vgg16", slow) / latency_s("vgg16", TOP)
    assert small > 4.0
    assert large < 1.6


def test_energy_is_least_below_the_highest_gpu_clock() -> None:
    def energy_j(gpu_hz: int) -> float:
        clocks = replace(TOP, gpu_hz=gpu_hz)
        cost = call_cost(TX1, CAFFE, layer_table("resnet50"), clocks, batch=4)
        return cost.latency_s * mean_power(TX1, clocks, cost).total_w

    energies = [energy_j(gpu_hz) for gpu_hz in TX1.gpu.frequencies_hz]
    best = int(np.argmin(energies))
    assert 2 < best < len(energies) - 1


def test_half_precision_and_fusion_save_time() -> None:
    table = layer_table("resnet50")
    full = call_cost(TX1, CAFFE, table, TOP)
    half = call_cost(TX1, CAFFE, table, TOP, precision="float16")
    fused = call_cost(TX1, TENSORRT, table, TOP)
    assert half.latency_s < full.latency_s
    assert fused.latency_s < full.latency_s
    assert fused.memory_bytes < full.memory_bytes


def test_a_batch_costs_less_for_each_item() -> None:
    table = layer_table("alexnet")
    one, many = (
        call_cost(TX1, CAFFE, table, TOP, batch=batch).latency_s / batch
        for batch in (1, 16)
    )
    assert many < 0.6 * one


def test_a_program_beside_it_takes_the_only_core_but_not_one_of_four() -> None:
    table = layer_table("alexnet")

    def cpu_s(cores: int, beside: str) -> float:
        clocks = replace(TOP, cores=cores)
        co_runner = CO_RUNNERS[beside]
        cost = call_cost(TX1, CAFFE_PROGRAM, table, clocks, co_runner=co_runner)
        return cost.cpu_s

    assert cpu_s(1, "bitcount") == pytest.approx(2 * cpu_s(1, "none"))
    assert 1.0 < cpu_s(4, "bitcount") / cpu_s(4, "none") < 1.1


def test_traffic_beside_it_slows_the_memory() -> None:
    table = layer_table("vgg16")
    alone = call_cost(TX1, CAFFE, table, TOP)
    beside = call_cost(TX1, CAFFE, table, TOP, co_runner=CO_RUNNERS["jpeg"])
    assert beside.gpu_s > alone.gpu_s


def test_parts_of_a_call_add_up() -> None:
    cost = call_cost(TX2, TENSORFLOW, layer_table("xception"), Clocks.maximum(TX2))
    assert cost.latency_s == pytest.approx(cost.cpu_s + cost.wait_s + cost.gpu_s)
    assert 0.0 < cost.compute_share <= 1.0


@pytest.mark.parametrize("network", LAYER_TABLES)
@pytest.mark.parametrize("board", [TX1, TX2])
def test_odd_batches_cost_more_in_all_and_hardly_more_for_an_item(
    network: str, board: Board
) -> None:
    top = Clocks.maximum(board)
    for runtime in (CAFFE, TENSORFLOW, TENSORRT):
        for precision in PRECISIONS:
            times = np.array(
                [
                    call_cost(
                        board,
                        runtime,
                        layer_table(network),
                        top,
                        batch=batch,
                        precision=precision,
                    ).latency_s
                    for batch in range(1, 34)
                ]
            )
            assert np.all(np.diff(times) > 0)
            # Whole tiles: one item more may begin a tile that it does not fill.
            items = times / np.arange(1, 34)
            assert np.all(items[1:] < 1.05 * items[:-1])


@pytest.mark.parametrize("network", LAYER_TABLES)
def test_images_of_any_size_cost_what_their_work_does(network: str) -> None:
    sizes = (75, 97, 128, 199, 224, 225, 299, 301, 512, 600, 1024, 2048)
    tables = [layer_table(network, size) for size in sizes]
    assert len({table.parameters for table in tables}) == 1
    macs = np.array([table.macs for table in tables])
    assert np.all(np.diff(macs) >= 0)
    # With the area, but for borders and for layers that see no image.
    assert macs[-1] / macs[4] == pytest.approx((2048 / 224) ** 2, rel=0.35)
    times = [call_cost(TX1, CAFFE, table, TOP).latency_s for table in tables]
    assert np.all(np.isfinite(times)) and np.all(np.diff(times) >= 0)
