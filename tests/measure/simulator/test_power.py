"""Power, heat and throttling follow voltage, activity and temperature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from measure.simulator.boards import TX1, TX2, Board
from measure.simulator.latency import Clocks, call_cost
from measure.simulator.power import call_powers, idle_power, leakage_w, mean_power
from measure.simulator.runtimes import CAFFE, CO_RUNNERS
from measure.simulator.thermal import steady_c, temperature_after, throttled
from measure.workloads.architectures import layer_table


def test_a_tx1_at_rest_draws_what_one_was_seen_to_draw() -> None:
    """3.9 W in all, 1.76 W of it CPU, at 1734 MHz with the GPU at its lowest clock."""
    clocks = replace(Clocks.maximum(TX1), gpu_hz=TX1.gpu.frequencies_hz[0])
    power = idle_power(TX1, clocks, 40.0)
    assert power.total_w == pytest.approx(3.9, rel=0.1)
    assert power.cpu_w == pytest.approx(1.76, rel=0.15)
    assert power.gpu_w < 0.152  # two steps of its sensor


def test_alexnet_in_half_precision_draws_what_nvidia_published() -> None:
    """258 images a second at 45 a second and watt, with a slow CPU."""
    clocks = replace(Clocks.maximum(TX1), gpu_hz=691_200_000, cpu_hz=510_000_000)
    cost = call_cost(
        TX1, CAFFE, layer_table("alexnet"), clocks, batch=128, precision="float16"
    )
    assert mean_power(TX1, clocks, cost).total_w == pytest.approx(5.73, rel=0.1)


@pytest.mark.parametrize("board", [TX1, TX2])
def test_the_hardest_load_stays_within_the_modules_budget(board: Board) -> None:
    clocks = Clocks.maximum(board)
    cost = call_cost(board, CAFFE, layer_table("vgg16"), clocks, batch=16)
    power = mean_power(board, clocks, cost, 60.0, CO_RUNNERS["bitcount"])
    assert 7.0 < power.total_w < 16.0
    assert power.gpu_w + power.cpu_w < power.total_w


@pytest.mark.parametrize("name", ["cpu_hz", "gpu_hz", "emc_hz", "cores"])
def test_a_higher_clock_and_more_cores_draw_more_at_rest(name: str) -> None:
    top = Clocks.maximum(TX1)
    low = replace(top, **{name: getattr(top, name) // 4})
    assert idle_power(TX1, low, 40.0).total_w < idle_power(TX1, top, 40.0).total_w


def test_leakage_grows_with_temperature_and_voltage() -> None:
    cool, warm = (leakage_w(TX1.cpu_rail, 1.0, c) for c in (30.0, 80.0))
    assert warm == pytest.approx(cool * np.exp(50 / 60))
    assert leakage_w(TX1.cpu_rail, 1.2, 30.0) > 2 * cool


def test_the_gpu_rail_is_highest_while_it_works() -> None:
    clocks = Clocks.maximum(TX1)
    cost = call_cost(TX1, CAFFE, layer_table("vgg16"), clocks)
    launching, waiting, working = call_powers(TX1, clocks, cost, 40.0)
    assert working.gpu_w > 5 * waiting.gpu_w
    assert launching.cpu_w > waiting.cpu_w


def test_temperature_goes_to_its_steady_level_and_stays() -> None:
    heat = TX1.thermal
    goal = steady_c(heat, 8.0, 25.0)
    constant_s = heat.resistance_k_per_w * heat.capacity_j_per_k
    third = temperature_after(heat, 25.0, 8.0, constant_s, 25.0)
    assert third == pytest.approx(25.0 + (goal - 25.0) * (1 - np.exp(-1)))
    assert temperature_after(heat, goal, 8.0, 1e3, 25.0) == pytest.approx(goal)


def test_a_hot_board_caps_the_voltage_of_its_gpu() -> None:
    clocks = Clocks.maximum(TX1)
    assert throttled(TX1, clocks, 60.0) == clocks
    hot = throttled(TX1, clocks, 90.0)
    assert hot.gpu_hz == 768_000_000
    assert throttled(TX1, replace(clocks, gpu_hz=76.8e6), 90.0).gpu_hz == 76.8e6
