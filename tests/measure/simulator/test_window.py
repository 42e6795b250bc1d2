"""Windows on the simulator's own clock, its sensor, and energy against the truth."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from measure.energy import COVERAGE_FACTOR
from measure.simulator.boards import TX1
from measure.simulator.latency import CallCost, Clocks, call_cost
from measure.simulator.reading import measure_energy
from measure.simulator.runtimes import CAFFE
from measure.simulator.sensor import SensorUnit, polled, samples
from measure.simulator.trace import Trace
from measure.simulator.window import State, Unit, run_window
from measure.workloads.architectures import layer_table

CLOCKS = Clocks.maximum(TX1)
START = State(clock_s=100.0, temperature_c=35.0)


def alexnet() -> CallCost:
    return call_cost(TX1, CAFFE, layer_table("alexnet"), CLOCKS, batch=4)


def unit(seed: int = 0) -> Unit:
    return Unit.draw(TX1, np.random.default_rng(seed))


def test_the_parts_of_a_window_follow_each_other() -> None:
    window = run_window(
        unit(),
        START,
        CLOCKS,
        alexnet(),
        np.random.default_rng(0),
        window_s=10.0,
        rest_s=5.0,
    )
    ends = [*window.before, *window.within, *window.after, window.end.clock_s]
    assert ends == sorted(ends)
    assert window.before == (100.0, 105.0)
    assert window.within[1] - window.within[0] == pytest.approx(window.calls_s.sum())
    assert window.calls_s.sum() >= 10.0
    assert window.trace.stop_s == pytest.approx(window.end.clock_s)
    assert 0.0 < window.net_j < window.gross_j


def test_a_run_warms_the_board_and_a_rest_cools_it() -> None:
    rng = np.random.default_rng(0)
    warm = run_window(
        unit(), START, CLOCKS, alexnet(), rng, window_s=200.0, rest_s=0.0
    ).end
    assert warm.temperature_c > START.temperature_c + 2.0


def test_the_first_calls_are_slower() -> None:
    window = run_window(
        unit(), START, CLOCKS, alexnet(), np.random.default_rng(0), window_s=1, rest_s=1
    )
    assert window.warm_up_s[0] > 1.3 * np.median(window.calls_s)
    assert np.std(window.calls_s) < 0.01 * np.mean(window.calls_s)


def test_one_seed_gives_one_window() -> None:
    one, two = (
        measure_energy(unit(), START, CLOCKS, alexnet(), np.random.default_rng(3))
        for _ in range(2)
    )
    assert one[1] == two[1]
    np.testing.assert_array_equal(one[0].calls_s, two[0].calls_s)


def test_a_run_takes_less_than_50_ms_of_real_time() -> None:
    measure_energy(unit(), START, CLOCKS, alexnet(), np.random.default_rng(0))
    started = time.perf_counter()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        measure_energy(unit(), START, CLOCKS, alexnet(), rng)
    assert (time.perf_counter() - started) / 10 < 0.05


def test_a_sensor_averages_is_late_and_rounds_to_steps() -> None:
    step = Trace(edges_s=np.array([0.0, 1.0, 3.0]), power_w=np.array([1.0, 5.0]))
    part = replace(TX1.sensor, period_s=0.4)
    times, power = samples(
        SensorUnit(part=part), step, np.random.default_rng(0), noise_w=0.0
    )
    assert times == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8])
    steps = power / part.step_w
    assert steps == pytest.approx(np.round(steps))
    assert power[2] == pytest.approx(3.0, abs=part.step_w)
    assert power[3] == pytest.approx(5.0, abs=part.step_w)


def test_polling_sees_the_value_that_stands() -> None:
    times, power = polled(
        np.array([1.0, 2.0]), np.array([5.0, 6.0]), np.array([0.5, 1.0, 1.9, 2.1])
    )
    assert times.tolist() == [1.0, 1.9, 2.1]
    assert power.tolist() == [5.0, 5.0, 6.0]


@pytest.mark.parametrize("period_s", [0.0066, 0.422])
def test_the_stated_interval_of_net_energy_holds_the_truth(period_s: float) -> None:
    """In 93 to 97 % of many windows: 150 of them allow for some chance."""
    board = replace(TX1, sensor=replace(TX1.sensor, period_s=period_s))
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(150):
        one = Unit.draw(board, rng)
        state = State(clock_s=0.0, temperature_c=one.ambient_c + rng.uniform(5, 30))
        window, energy = measure_energy(one, state, CLOCKS, alexnet(), rng)
        assert energy.net_j is not None and energy.net_u is not None
        assert energy.flags == ()
        inside += abs(energy.net_j - window.net_j) <= COVERAGE_FACTOR * energy.net_u
    assert 0.89 <= inside / 150 <= 0.99
