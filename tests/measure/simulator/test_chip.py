"""A chip over time: what it draws, how warm it is, what its sensor reads of that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from measure.simulator.boards import TX1, TX2
from measure.simulator.chip import Chip, SimClock
from measure.simulator.latency import CallCost, Clocks, call_cost
from measure.simulator.power import idle_power, mean_power
from measure.simulator.runtimes import CAFFE
from measure.simulator.thermal import steady_c
from measure.simulator.tree import BoardTree
from measure.simulator.tree_layouts import CPU, DEBUG
from measure.simulator.unit import Unit
from measure.workloads.architectures import layer_table

TOP = Clocks.maximum(TX1)
LOW = replace(TOP, cpu_hz=102e6, gpu_hz=76.8e6, emc_hz=204e6)
PERIOD_S = TX1.sensor.period_s
VOLTS = TX1.sensor.bus_volts


def chip_of(
    clock: SimClock,
    clocks: Clocks = TOP,
    celsius: float = 40.0,
    unit: Unit | None = None,
) -> Chip:
    unit = unit or Unit(board=TX1)
    return Chip(unit, clock.now, clocks, celsius, np.random.default_rng(0))


def watts(chip: Chip, channel: int = 0) -> float:
    return VOLTS * chip.milliamperes(channel) / 1000.0


def alexnet(clocks: Clocks = TOP) -> CallCost:
    return call_cost(TX1, CAFFE, layer_table("alexnet"), clocks, batch=4)


def run(chip: Chip, clock: SimClock, calls: int) -> None:
    cost = alexnet(chip.clocks)
    durations = np.full(calls, cost.latency_s)
    chip.busy(True)
    chip.work(durations, cost)
    clock.sleep(float(durations.sum()))
    chip.busy(False)


def test_at_rest_the_sensor_reads_what_the_clocks_draw() -> None:
    clock = SimClock()
    chip = chip_of(clock)
    for seconds in (0.0, 0.1, 5.0, 60.0):
        clock.sleep(seconds)
        celsius = chip.temperature_c()
        idle = idle_power(TX1, TOP, celsius)
        assert watts(chip) == pytest.approx(idle.total_w, abs=0.08)
        assert watts(chip, 2) == pytest.approx(idle.cpu_w, abs=0.08)


def test_the_sensor_is_late_by_up_to_a_period_and_then_the_mean_of_one() -> None:
    clock = SimClock()
    chip = chip_of(clock, unit=Unit(board=TX1, phase_s=0.0))
    clock.sleep(4.5 * PERIOD_S)
    chip.set(LOW)
    high, low = (idle_power(TX1, c, 40.0).total_w for c in (TOP, LOW))
    assert watts(chip) == pytest.approx(high, abs=0.08)
    clock.sleep(0.6 * PERIOD_S)
    assert watts(chip) == pytest.approx((high + low) / 2.0, abs=0.15)
    clock.sleep(PERIOD_S)
    assert watts(chip) == pytest.approx(low, abs=0.08)


def test_a_load_is_seen_while_it_lasts_and_warms_the_chip() -> None:
    clock = SimClock()
    chip = chip_of(clock)
    before = chip.temperature_c()
    seconds = 30.0
    cost = alexnet()
    durations = np.full(round(seconds / cost.latency_s), cost.latency_s)
    drawn = chip.work(durations, cost)
    clock.sleep(float(durations.sum()) / 2)
    expected = mean_power(TX1, TOP, cost, chip.temperature_c())
    assert watts(chip) == pytest.approx(expected.total_w, abs=0.1)
    assert watts(chip, 1) == pytest.approx(expected.gpu_w, abs=0.15)
    clock.sleep(float(durations.sum()) / 2)
    assert chip.temperature_c() > before + 1.0
    assert drawn.gross_j == pytest.approx(expected.total_w * seconds, rel=0.01)
    assert 0.0 < drawn.net_j < drawn.gross_j
    clock.sleep(2 * PERIOD_S)
    assert watts(chip) == pytest.approx(
        idle_power(TX1, TOP, chip.temperature_c()).total_w, abs=0.08
    )


def test_what_is_read_does_not_depend_on_how_often_one_looks() -> None:
    def seen(looks: int) -> list[int]:
        clock = SimClock()
        chip = chip_of(clock, unit=Unit(board=TX1, phase_s=0.1))
        for _ in range(looks):
            chip.milliamperes(0)
            clock.sleep(8.0 / looks)
        run(chip, clock, 400)
        return [chip.milliamperes(0), round(1000 * chip.temperature_c())]

    assert seen(8) == pytest.approx(seen(800), abs=40)


def test_a_sensor_whose_mode_is_not_held_takes_single_shots() -> None:
    """They follow the parts of a call, where an average does not."""
    clock = SimClock()
    tree = BoardTree("tx1-r32", clock.now)
    chip = chip_of(clock)
    tree.attach(chip)
    folder = "/sys/bus/i2c/drivers/ina3221x/1-0040/iio:device0"
    tree.write(f"{CPU}/cpu0/cpufreq/scaling_governor", b"powersave")
    tree.write(f"{DEBUG}/clk/override.emc/clk_state", b"1")
    chip.busy(True)
    cost = alexnet(chip.clocks)
    assert cost.cpu_s > 0.1 * cost.latency_s

    def spread() -> float:
        read = []
        durations = np.full(100, cost.latency_s)
        chip.work(durations, cost)
        for _ in range(173):
            clock.sleep(float(durations.sum()) / 173)
            read.append(int(tree.read(f"{folder}/in_power1_input")))
        return float(np.std(read[60:])) / 1000.0

    shots = spread()
    tree.write(f"{folder}/running_mode", b"1")
    assert shots > 0.5 and spread() < 0.1


def test_a_chip_that_nobody_looks_at_settles_at_its_steady_temperature() -> None:
    clock = SimClock()
    chip = chip_of(clock, celsius=70.0)
    for _ in range(40):
        clock.sleep(60.0)
        celsius = chip.temperature_c()
    idle = idle_power(TX1, TOP, celsius).total_w
    assert celsius == pytest.approx(steady_c(TX1.thermal, idle, 25.0), abs=0.2)


def test_a_tree_shows_power_temperature_and_throttling_of_its_chip() -> None:
    clock = SimClock()
    tree = BoardTree("tx1-r32", clock.now)
    gpu = "/sys/class/devfreq/57000000.gpu"
    tree.write("/sys/devices/57000000.gpu/railgate_enable", b"0")
    tree.write(f"{gpu}/min_freq", b"998400000")

    def number(path: str) -> int:
        return int(tree.read(path).split()[-1])

    zone = "/sys/class/thermal/thermal_zone2/temp"
    state = "/sys/class/thermal/cooling_device0/cur_state"
    chip = chip_of(clock, tree.clocks(), celsius=82.0)
    tree.attach(chip)
    assert (number(f"{gpu}/cur_freq"), number(state)) == (998_400_000, 0)
    assert number(zone) == 82_000
    chip.pass_over(90.0)
    assert (number(f"{gpu}/cur_freq"), number(state)) == (768_000_000, 1)
    assert tree.clocks().gpu_hz == 768e6
    clock.sleep(1000.0)
    assert (number(f"{gpu}/cur_freq"), number(state)) == (998_400_000, 0)
    low = number("/sys/bus/i2c/drivers/ina3221x/1-0040/iio:device0/ui_input_0")
    tree.write(f"{CPU}/cpu0/cpufreq/scaling_min_freq", b"1734000")
    clock.sleep(1.0)
    assert (
        number("/sys/bus/i2c/drivers/ina3221x/1-0040/iio:device0/ui_input_0") > low + 30
    )


def test_every_rail_of_a_tx2_tells_its_own_power() -> None:
    clock = SimClock()
    tree = BoardTree("tx2", clock.now)
    unit = Unit.draw(TX2, np.random.default_rng(1))
    tree.attach(Chip(unit, clock.now, tree.clocks(), 40.0, np.random.default_rng(0)))
    clock.sleep(1.0)
    told = {}
    for folder, rails in tree.layout.sensors:
        for number, rail in enumerate(rails):
            told[rail] = int(tree.read(f"{folder}/in_power{number}_input"))
    assert told["VDD_4V0_WIFI"] == 0
    parts = sum(told.values()) - told["VDD_IN"]
    assert 0 < parts < told["VDD_IN"]


def test_an_automatic_governor_follows_the_load() -> None:
    clock = SimClock()
    tree = BoardTree("tx1-r32", clock.now)
    chip = chip_of(clock, tree.clocks())
    tree.attach(chip)
    low = tree.clocks()
    assert low.cpu_hz == 102e6 and low.gpu_hz == 76.8e6
    chip.busy(True)
    assert tree.clocks().cpu_hz == 1734e6 and tree.clocks().gpu_hz == 998.4e6
    # Without the override the memory goes with the CPU.
    assert tree.clocks().emc_hz == 1600e6
    tree.write(f"{CPU}/cpu0/cpufreq/scaling_governor", b"powersave")
    assert tree.clocks().cpu_hz == 102e6
    chip.busy(False)
    assert tree.clocks() == low
