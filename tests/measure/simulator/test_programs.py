"""What a simulated board runs: calls of a network, on the board's own clock."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from measure.simulator.boards import TX1
from measure.simulator.chip import Chip, SimClock
from measure.simulator.latency import Clocks, call_cost
from measure.simulator.power import mean_power
from measure.simulator.programs import FEW, Job, Programs
from measure.simulator.runtimes import CAFFE
from measure.simulator.unit import Unit
from measure.workloads.architectures import LAYER_TABLES, layer_table

TOP = Clocks.maximum(TX1)
JOB = Job(network="alexnet", seconds=0.35, window_s=8.4, lead_s=0.8, min_calls=5)


def runs(
    job: Job = JOB,
    *,
    seed: int = 0,
    celsius: float = 40.0,
    clocks: Clocks = TOP,
) -> tuple[dict[str, Any], dict[str, Any], Programs]:
    clock = SimClock()
    unit, rng = Unit(board=TX1), np.random.default_rng(seed)
    programs = Programs(Chip(unit, clock.now, clocks, celsius, rng))
    reply = programs({"argv": job.argv(), "limit_s": 1000.0}, clock)
    assert reply["stop_s"] == clock.now()
    said = json.loads(reply["stdout"])
    return said, reply, programs


def test_a_window_lies_within_its_load_and_ends_with_a_call() -> None:
    said, reply, _ = runs()
    start, stop = said["window"]
    assert (reply["rc"], reply["late"], said["flags"]) == (0, False, [])
    assert reply["start_s"] + JOB.lead_s < start
    assert reply["stop_s"] >= stop + JOB.lead_s
    assert stop - start >= JOB.window_s
    call_s = float(np.mean(said["calls_s"]))
    assert stop - start == pytest.approx(said["window_calls"] * call_s, rel=0.01)
    assert stop - start < JOB.window_s + 2 * call_s


@pytest.mark.parametrize("network", LAYER_TABLES)
def test_calls_take_what_the_model_says_with_the_usual_spread(network: str) -> None:
    said, _, _ = runs(replace(JOB, network=network, batch_size=4))
    cost = call_cost(TX1, CAFFE, layer_table(network), TOP, batch=4)
    assert np.median(said["calls_s"]) == pytest.approx(cost.latency_s, rel=0.03)
    assert np.std(said["calls_s"]) < 0.01 * np.mean(said["calls_s"])
    assert said["batch_size"] == 4
    assert said["cpu_time_s"] == pytest.approx(cost.cpu_s, rel=0.03)


def test_the_first_calls_are_slower() -> None:
    said, _, _ = runs()
    first, second, third = said["warm_up_s"]
    assert first > second > third > np.median(said["calls_s"])
    assert first == pytest.approx(1.5 * np.median(said["calls_s"]), rel=0.05)


def test_the_truth_of_the_window_is_kept() -> None:
    said, _, programs = runs()
    drawn, seconds = programs.drawn, said["window"][1] - said["window"][0]
    assert drawn is not None and programs.window_calls == said["window_calls"]
    cost = call_cost(TX1, CAFFE, layer_table("alexnet"), TOP)
    expected = mean_power(TX1, TOP, cost, 40.0).total_w
    assert drawn.gross_j == pytest.approx(expected * seconds, rel=0.02)
    assert 0.2 * drawn.gross_j < drawn.net_j < drawn.gross_j


def test_one_seed_gives_one_run() -> None:
    assert runs(seed=3)[0] == runs(seed=3)[0]
    assert runs(seed=3)[0] != runs(seed=4)[0]


def test_a_hot_board_runs_slower_once_it_is_throttled() -> None:
    cool, hot = (
        runs(replace(JOB, network="vgg16"), celsius=c)[0] for c in (40.0, 95.0)
    )
    # By the ratio of the clocks, where arithmetic is all.
    slower = np.median(hot["calls_s"]) / np.median(cool["calls_s"])
    assert 1.1 < slower < 998.4 / 768


def test_slow_calls_are_fewer_and_the_run_says_so() -> None:
    slow = replace(TOP, gpu_hz=TX1.gpu.frequencies_hz[0])
    said, reply, _ = runs(replace(JOB, network="vgg16", batch_size=4), clocks=slow)
    assert 3 <= said["window_calls"] < 5 and said["flags"] == [FEW]
    assert reply["stop_s"] - reply["start_s"] < 60.0


def test_a_call_that_takes_too_long_is_a_failure_of_the_program() -> None:
    slow = replace(TOP, gpu_hz=TX1.gpu.frequencies_hz[0])
    job = replace(JOB, network="vgg16", batch_size=16, limit_s=10.0)
    said, reply, _ = runs(job, clocks=slow)
    assert said["final"] and "time limit of 10 s" in said["failed"]
    assert reply["stop_s"] - reply["start_s"] < 10.0


def test_images_that_are_too_small_are_a_failure_of_the_program() -> None:
    said, reply, _ = runs(replace(JOB, network="inceptionv3", image_size=32))
    assert reply["rc"] == 0 and said["final"] and "larger" in said["failed"]
