"""Calls on a board: warmed up, in a window with load around it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure.stability import warm_up_end
from measure.workloads import board_timing
from measure.workloads.board_timing import Run, timed


def job(**changes: Any) -> dict[str, Any]:
    usual = {
        "seconds": 0.02,
        "window_s": 0.0,
        "lead_s": 0.0,
        "min_calls": 5,
        "quick": False,
        "warm_up_cap_s": 0.1,
        "limit_s": 10.0,
    }
    return {**usual, **changes}


class Calls:
    """Calls of given lengths; the last goes on."""

    def __init__(self, *lengths_s: float) -> None:
        self.lengths_s, self.begun_s = list(lengths_s), list[float]()

    def __call__(self) -> None:
        self.begun_s.append(time.monotonic())
        time.sleep(
            self.lengths_s.pop(0) if len(self.lengths_s) > 1 else self.lengths_s[0]
        )


def told(calls: Calls, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = Run(job(**changes), timed(calls), time.process_time).told()
    return found


@given(st.lists(st.floats(1e-5, 10.0), max_size=board_timing.MOST_POINTS))
def test_the_test_of_the_warm_up_is_that_of_the_host(calls: list[float]) -> None:
    assert board_timing.warm_up_end(calls) == warm_up_end(calls)


def test_many_calls_are_tested_by_their_means() -> None:
    rng = np.random.default_rng(0)
    calls = np.exp(rng.normal(0.0, 0.02, 5000))
    calls[:800] *= 2.0
    assert board_timing.warm_up_end(calls.tolist()) == pytest.approx(800, abs=50)
    rising = np.linspace(1.0, 3.0, 5000).tolist()
    assert board_timing.warm_up_end(rising) is None


def test_the_window_is_long_enough_and_ends_with_a_call() -> None:
    calls = Calls(0.002)
    found = told(calls, window_s=0.05)
    start, stop = found["window"]
    inside = [begin for begin in calls.begun_s if start <= begin < stop]
    assert stop - start >= 0.05
    assert found["window_calls"] == len(found["calls_s"]) == len(inside)
    assert sum(found["calls_s"]) == pytest.approx(stop - start, rel=0.1)
    assert not found["flags"]


def test_there_is_the_same_load_before_and_after_the_window() -> None:
    calls = Calls(0.002)
    begin = time.monotonic()
    found = told(calls, lead_s=0.03, quick=True)
    end = time.monotonic()
    start, stop = found["window"]
    assert start - begin >= 0.03 and end - stop >= 0.03
    assert sum(begun < start for begun in calls.begun_s) >= 5
    assert sum(begun >= stop for begun in calls.begun_s) >= 5
    assert len(found["warm_up_s"]) == 1


def test_slow_calls_at_first_are_warm_up() -> None:
    found = told(Calls(0.05, 0.02, 0.002), warm_up_cap_s=1.0)
    assert found["warm_up_s"][:2] == pytest.approx([0.05, 0.02], rel=0.3)
    assert max(found["calls_s"]) < 0.015


def test_calls_that_never_settle_are_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_timing, "warm_up_end", lambda calls: None)
    found = told(Calls(0.002), warm_up_cap_s=0.08)
    assert board_timing.NO_STEADY_STATE in found["flags"]
    assert found["calls_s"]


def test_quick_is_one_call_to_warm_up_and_one_short_batch() -> None:
    calls = Calls(0.005)
    found = told(calls, quick=True, seconds=0.001, min_calls=1)
    assert len(calls.begun_s) == 2 and len(found["calls_s"]) == 1


def test_slow_calls_are_few_and_say_so() -> None:
    found = told(Calls(0.03), seconds=0.01, quick=True)
    assert len(found["calls_s"]) == 3 and found["flags"] == [board_timing.FEW]


def test_where_time_is_short_the_only_call_counts() -> None:
    calls = Calls(0.06)
    found = told(calls, limit_s=0.1, lead_s=1.0)
    assert len(calls.begun_s) == len(found["calls_s"]) == 1
    assert found["flags"] == [board_timing.NO_STEADY_STATE, board_timing.FEW]
    assert found["window"][1] - found["window"][0] == pytest.approx(0.06, abs=0.03)


def test_of_very_many_calls_some_are_told_and_all_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(board_timing, "MOST_CALLS", 3)
    found = told(Calls(0.001), quick=True)
    assert len(found["calls_s"]) == 3 < found["window_calls"]


def test_cpu_time_is_that_of_one_call() -> None:
    def spin() -> None:
        until = time.process_time() + 0.002
        while time.process_time() < until:
            pass

    found = Run(job(quick=True), timed(spin), time.process_time).told()
    assert found["cpu_time_s"] == pytest.approx(0.002, rel=0.2)
