"""What a measured process does: set, load, warm up, measure, read back."""

from __future__ import annotations

import gc
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from measure.stability import warm_up_end
from measure.workloads.base import Timing

NO_STEADY_STATE = "no steady state"
"""Flag of a run whose warm-up ended at its cap."""
FEW = "few calls"
"""Flag of a run whose calls are so long that fewer than wanted were measured."""
FEWEST = 3
"""Calls that are measured at least, however long one takes."""
NOT_FINITE = "output is not finite"
"""Flag of a run whose network gave NaN or infinity."""
_VERBOSE = "onednn_verbose,"
_TEST_AGAIN = 1.1
"""The warm-up is tested anew when the calls have taken this much longer."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Times of the calls of one process.

    Parameters
    ----------
    seconds : tuple of float
        Of each call, from the first.
    cpu_seconds : tuple of float
        CPU time of all threads until the end of each.
    steady : int
        Position of the first measured call.
    stops : tuple of float
        When each ended, on `time.perf_counter`.
    flags : tuple of str
        `NO_STEADY_STATE` where the cap ended the warm-up.
    """

    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    steady: int
    stops: tuple[float, ...]
    flags: tuple[str, ...] = ()

    @property
    def cpu_time_s(self) -> float:
        """CPU seconds of one measured call."""
        count = len(self.seconds) - self.steady
        return (self.cpu_seconds[-1] - self.cpu_seconds[self.steady - 1]) / count

    @property
    def window(self) -> tuple[float, float]:
        """Begin of the first and end of the last measured call."""
        return self.stops[self.steady] - self.seconds[self.steady], self.stops[-1]


def time_calls(call: Callable[[], None], timing: Timing) -> Calls:
    """Call until the calls are steady and have been measured for long enough.

    All calls from the first steady one on are measured: none is thrown away that
    the test counts as steady. The first call never counts.

    Parameters
    ----------
    call : callable
        Runs one batch.
    timing : Timing
        How long.

    Returns
    -------
    Calls
        At least ``min_calls`` of them measured; or `FEWEST`, flagged, where one takes
        longer than all the measuring should.

    Examples
    --------
    >>> calls = time_calls(lambda: None, Timing(seconds=0.01))
    >>> sum(calls.seconds[calls.steady :]) >= 0.01
    True
    """
    seconds: list[float] = []
    cpu_seconds: list[float] = []
    stops: list[float] = []
    clock, cpu_clock = time.perf_counter, time.process_time

    def one() -> float:
        start = clock()
        call()
        stops.append(clock())
        seconds.append(stops[-1] - start)
        cpu_seconds.append(cpu_clock())
        return seconds[-1]

    def measured(steady: int, *flags: str) -> Calls:
        return Calls(tuple(seconds), tuple(cpu_seconds), steady, tuple(stops), flags)

    one()
    warm_s, test_s, least = 0.0, timing.seconds, timing.min_calls
    cap_s = timing.warm_up_cap_s + timing.seconds
    while True:
        while warm_s < test_s or len(seconds) <= least:
            warm_s += one()
            count = len(seconds) - 1
            if FEWEST <= count < least and warm_s >= count * timing.seconds:
                return measured(1, FEW)
        steady = 1 if timing.quick else warm_up_end(seconds)
        if steady is not None:
            steady = max(steady, 1)
            if _enough(seconds[steady:], timing):
                return measured(steady)
        if warm_s >= cap_s:
            # Nothing is steady: the latest calls are measured all the same.
            steady = len(seconds) - 1
            while steady > 1 and not _enough(seconds[steady:], timing):
                steady -= 1
            return measured(steady, NO_STEADY_STATE)
        test_s = warm_s * _TEST_AGAIN


def _enough(seconds: list[float], timing: Timing) -> bool:
    return len(seconds) >= timing.min_calls and sum(seconds) >= timing.seconds


def measure(job: Mapping[str, Any]) -> dict[str, Any]:
    """Measure one configuration in this process, which has run nothing yet.

    Parameters
    ----------
    job : mapping
        ``backend``, ``artefact``, ``inputs``, ``threads``, ``precision``,
        ``environment`` (variables to set first) and ``timing``.

    Returns
    -------
    dict
        ``calls_s``, ``warm_up_s``, ``window`` (on `time.perf_counter`),
        ``cpu_time_s``, ``flags``, ``read_back``, ``read_back_reason``, ``steps_s``
        (where the time went).
    """
    begin = time.perf_counter()
    os.environ.update(job["environment"])
    from measure.workloads.backends import load

    loaded = load(job)
    ready = time.perf_counter()
    gc.disable()
    calls = time_calls(loaded.call, Timing.from_dict(job["timing"]))
    end = time.perf_counter()
    output = loaded.output()
    flags = list(calls.flags)
    if not bool(np.isfinite(np.asarray(output, dtype=np.float64)).all()):
        flags.append(NOT_FINITE)
    sys.stdout.flush()
    observed, reasons = _read_back(job, loaded, len(output))
    _forget_kernels()
    return {
        "calls_s": calls.seconds[calls.steady :],
        "warm_up_s": calls.seconds[: calls.steady],
        "window": calls.window,
        "cpu_time_s": calls.cpu_time_s,
        "flags": flags,
        "read_back": observed,
        "read_back_reason": reasons,
        "steps_s": {
            "load": ready - begin,
            "first_call": calls.seconds[0],
            "calls": end - ready - calls.seconds[0],
            "read_back": time.perf_counter() - end,
        },
    }


def _read_back(
    job: Mapping[str, Any], loaded: Any, batch_size: int
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what was observed of each option, and how."""
    threads = loaded.threads()
    observed: dict[str, Any] = {
        "backend": loaded.backend,
        "batch_size": batch_size,
        "threads": threads,
        "precision": loaded.precision,
    }
    how = {
        "backend": "the runtime that loaded it, and whether it must compile",
        "batch_size": "first dimension of the output",
        "threads": "threads of the process",
        "precision": "types in the artefact",
    }
    if threads is None:
        how["threads"] = "the process does not show which of its threads compute"
    if job["backend"] == "graph":
        said = one_dnn_said(_printed())
        observed["onednn"], observed["isa"] = said.used, said.isa
        how["onednn"] = how["isa"] = "what oneDNN said of its kernels"
        if said.threads is not None:
            observed["threads"] = said.threads
            how["threads"] = "what oneDNN said of its thread pool"
        if not said.used:
            how["isa"] = "only oneDNN tells, and it computed nothing"
    else:
        observed["onednn"] = observed["isa"] = None
        how["onednn"] = how["isa"] = f"{job['backend']} does not use oneDNN"
    return observed, how


def _printed() -> str:
    """Return what this process printed so far, if that is a file."""
    size = os.lseek(1, 0, os.SEEK_END) if os.path.isfile("/proc/self/fd/1") else 0
    return os.pread(1, size, 0).decode(errors="replace") if size else ""


def _forget_kernels() -> None:
    """Take what oneDNN said out of our output once it is read: a log stays a log."""
    lines = _printed().splitlines(keepends=True)
    if any(line.startswith(_VERBOSE) for line in lines):
        kept = [line for line in lines if not line.startswith(_VERBOSE)]
        os.ftruncate(1, 0)
        os.lseek(1, 0, os.SEEK_SET)
        os.write(1, "".join(kept).encode())


@dataclass(frozen=True, slots=True)
class OneDnn:
    """What oneDNN told of itself.

    Parameters
    ----------
    used : bool
        Whether it made a kernel.
    isa : str or None
        Level of the option ``isa``; None where it is not used.
    threads : int or None
        Size of the thread pool that it was given.
    """

    used: bool
    isa: str | None
    threads: int | None


def one_dnn_said(printed: str) -> OneDnn:
    """Read what ``ONEDNN_VERBOSE=profile_create`` makes oneDNN print.

    Parameters
    ----------
    printed : str
        Everything the process printed.

    Returns
    -------
    OneDnn
        Its instruction set cap is named as in the option ``isa``.

    Examples
    --------
    >>> said = ["runtime:threadpool,nthr:2", "isa:Intel AVX2"]
    >>> lines = [f"onednn_verbose,v1,info,cpu,{what}" for what in said]
    >>> lines.append("onednn_verbose,v1,primitive,create:cache_miss,cpu,convolution")
    >>> one_dnn_said(chr(10).join(lines))
    OneDnn(used=True, isa='AVX2', threads=2)
    """
    if not re.search(r"^onednn_verbose,.*\bprimitive,create", printed, re.M):
        return OneDnn(False, None, None)
    isa = re.search(r"^onednn_verbose,.*info,cpu,isa:(.+)$", printed, re.M)
    threads = re.search(
        r"^onednn_verbose,.*info,cpu,runtime:.*nthr:(\d+)", printed, re.M
    )
    return OneDnn(
        True,
        _ISA_NAMES.get(isa.group(1).strip(), "default") if isa else None,
        int(threads.group(1)) if threads else None,
    )


_ISA_NAMES = {"Intel SSE4.1": "SSE41", "Intel AVX": "AVX", "Intel AVX2": "AVX2"}
