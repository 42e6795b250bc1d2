"""When a process is warm, how long it measures, and what it reads back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat

import pytest

from measure.workloads import measuring
from measure.workloads.base import Timing
from measure.workloads.measuring import FEW, NO_STEADY_STATE, one_dnn_said, time_calls


class Clock:
    """Time that passes in calls only."""

    def __init__(self, seconds: Iterator[float]) -> None:
        self.now, self._seconds = 0.0, seconds

    def call(self) -> None:
        self.now += next(self._seconds)

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return 2 * self.now


Timed = Callable[[Iterable[float], Timing], measuring.Calls]


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Timed:
    def run(durations: Iterable[float], timing: Timing) -> measuring.Calls:
        clock = Clock(iter(durations))
        monkeypatch.setattr(measuring, "time", clock)
        return time_calls(clock.call, timing)

    return run


def test_slow_first_calls_are_not_measured(timed: Timed) -> None:
    calls = timed(chain([3.0, 0.5, 0.2, 0.05], repeat(0.01)), Timing())
    assert calls.steady == 4 and not calls.flags
    assert sum(calls.seconds[calls.steady :]) >= 0.35
    assert max(calls.seconds[calls.steady :]) == pytest.approx(0.01)
    assert calls.cpu_time_s == pytest.approx(0.02)


def test_a_process_that_keeps_slowing_down_ends_at_the_cap_with_a_flag(
    timed: Timed,
) -> None:
    calls = timed((0.01 * 1.03**n for n in range(10_000)), Timing(warm_up_cap_s=1.0))
    assert calls.flags == (NO_STEADY_STATE,)
    assert sum(calls.seconds[1:]) < 1.6
    assert sum(calls.seconds[calls.steady :]) >= 0.35


def test_calls_of_many_seconds_are_few_and_flagged(timed: Timed) -> None:
    calls = timed(repeat(3.0), Timing())
    assert len(calls.seconds) - calls.steady == measuring.FEWEST
    assert calls.flags == (FEW,)


def test_calls_within_the_measuring_time_are_never_few(timed: Timed) -> None:
    calls = timed(repeat(0.3), Timing())
    assert len(calls.seconds) - calls.steady >= 5 and not calls.flags


def test_a_quick_run_has_one_call_to_warm_up_and_a_short_batch(timed: Timed) -> None:
    quick = Timing(quick=True, seconds=0.05, min_calls=1, warm_up_cap_s=0.0)
    calls = timed(chain([3.0], repeat(0.02)), quick)
    assert (calls.steady, len(calls.seconds), calls.flags) == (1, 4, ())


def test_min_calls_are_measured_even_when_the_time_is_over(timed: Timed) -> None:
    calls = timed(repeat(0.2), Timing(min_calls=7))
    assert len(calls.seconds) - calls.steady >= 7


@pytest.mark.parametrize(
    ("said", "isa"),
    [
        ("Intel SSE4.1", "SSE41"),
        ("Intel AVX2", "AVX2"),
        ("Intel AVX-512 with Intel DL Boost", "default"),
    ],
)
def test_one_dnn_tells_its_instruction_set_and_threads(said: str, isa: str) -> None:
    printed = (
        "some log line\n"
        "onednn_verbose,v1,info,cpu,runtime:threadpool,nthr:3\n"
        f"onednn_verbose,v1,info,cpu,isa:{said}\n"
        "onednn_verbose,v1,primitive,create:cache_miss,cpu,convolution,jit:x,1.0\n"
    )
    told = one_dnn_said(printed)
    assert (told.used, told.isa, told.threads) == (True, isa, 3)


def test_one_dnn_that_made_no_kernel_was_not_used() -> None:
    told = one_dnn_said("onednn_verbose,v1,info,cpu,isa:Intel AVX2\n")
    assert (told.used, told.isa, told.threads) == (False, None, None)
