"""Calls on a board: warmed up, in a window with load around it; on a clock of ours."""

from __future__ import annotations

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


class Board:
    """A clock, and calls of given lengths on it; the last goes on."""

    def __init__(self) -> None:
        self.now_s, self.lengths_s, self.begun_s = 100.0, [0.002], list[float]()

    def monotonic(self) -> float:
        return self.now_s

    def call(self) -> None:
        self.begun_s.append(self.now_s)
        many = len(self.lengths_s) > 1
        self.now_s += self.lengths_s.pop(0) if many else self.lengths_s[0]

    def told(self, *lengths_s: float, **changes: Any) -> dict[str, Any]:
        self.lengths_s = list(lengths_s)
        run = Run(job(**changes), timed(self.call), lambda: 2.0 * self.now_s)
        found: dict[str, Any] = run.told()
        return found


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    found = Board()
    monkeypatch.setattr(board_timing, "time", found)
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


def test_the_window_is_long_enough_and_ends_with_a_call(board: Board) -> None:
    found = board.told(0.002, window_s=0.051)
    start, stop = found["window"]
    inside = [begin for begin in board.begun_s if start <= begin < stop]
    assert stop - start == pytest.approx(0.052)
    assert found["window_calls"] == len(found["calls_s"]) == len(inside) == 26
    assert found["calls_s"] == pytest.approx([0.002] * 26)
    assert not found["flags"]


def test_there_is_the_same_load_before_and_after_the_window(board: Board) -> None:
    found = board.told(0.002, lead_s=0.03, quick=True)
    start, stop = found["window"]
    # The last call before the window, or after it, may begin just before its time.
    assert 0.0319 < start - 100.0 < 0.0341 and found["warm_up_s"] == [0.002]
    assert 0.0299 < board.now_s - stop < 0.0321
    assert sum(begun >= stop for begun in board.begun_s) in (15, 16)


def test_slow_calls_at_first_are_warm_up(board: Board) -> None:
    found = board.told(0.05, 0.02, 0.002, warm_up_cap_s=1.0)
    assert found["warm_up_s"][:3] == pytest.approx([0.05, 0.02, 0.002])
    assert set(found["calls_s"]) == {0.002} and not found["flags"]


def test_calls_that_never_settle_are_flagged(board: Board) -> None:
    falling = [0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01]
    found = board.told(*falling, 0.005, seconds=0.275, warm_up_cap_s=0.275)
    assert found["flags"] == [board_timing.NO_STEADY_STATE]
    assert found["warm_up_s"] == falling and sum(found["calls_s"]) >= 0.2


def test_quick_is_one_call_to_warm_up_and_one_short_batch(board: Board) -> None:
    found = board.told(0.005, quick=True, seconds=0.001, min_calls=1)
    assert len(board.begun_s) == 2 and len(found["calls_s"]) == 1


def test_slow_calls_are_few_and_say_so(board: Board) -> None:
    found = board.told(0.03, seconds=0.01, quick=True)
    assert len(found["calls_s"]) == 3 and found["flags"] == [board_timing.FEW]
    assert board.told(0.03, seconds=0.01, window_s=0.2)["window_calls"] == 7


def test_where_time_is_short_fewer_calls_count(board: Board) -> None:
    found = board.told(2.0, limit_s=10.0, seconds=3.0)
    assert len(found["calls_s"]) >= 1 and board_timing.FEW in found["flags"]
    assert board.now_s - 100.0 <= 10.0


def test_where_it_is_shorter_the_only_call_counts(board: Board) -> None:
    found = board.told(6.0, limit_s=10.0, lead_s=1.0)
    assert len(board.begun_s) == len(found["calls_s"]) == 1
    assert found["flags"] == [board_timing.NO_STEADY_STATE, board_timing.FEW]
    assert found["window"] == [100.0, 106.0] and found["warm_up_s"] == []


def test_of_very_many_calls_some_are_told_and_all_are_counted(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_timing, "MOST_CALLS", 3)
    found = board.told(0.001, quick=True)
    assert len(found["calls_s"]) == 3 and found["window_calls"] in (20, 21)


def test_cpu_time_is_that_of_one_call(board: Board) -> None:
    assert board.told(0.002, quick=True)["cpu_time_s"] == pytest.approx(0.004)
