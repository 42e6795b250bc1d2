"""What samples of a run say against it: clocks, reads that failed, a stuck sensor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from measure.devices.watching import ClockSamples, Seen
from measure.levels import Level

OFF_SHARE, OFF_BY = 0.005, 0.01
"""A run is flagged if a larger share of its clock samples is off by more than that."""
LOST_SHARE = 0.1
"""A larger share of power samples that could not be read, or were late, is flagged."""
STUCK_PERIODS = 20
"""A sensor that reads the same over so many of its updates is flagged."""


def clock_flags(
    samples: Mapping[str, ClockSamples], asked: Mapping[str, Level]
) -> tuple[str, ...]:
    """Say which clocks were not what was asked for during a run.

    Parameters
    ----------
    samples : mapping of str to ClockSamples
        Within the window, by option.
    asked : mapping of str to level
        The configuration; options that are no clocks have no say.

    Returns
    -------
    tuple of str
        One for each option with more than `OFF_SHARE` of its samples off by more than
        `OFF_BY`, not readable, or without a sample.

    Examples
    --------
    >>> hz = np.array([9.984e8] * 99 + [7.68e8])
    >>> samples = {"gpu_freq_hz": ClockSamples(times_s=np.arange(100.0), hz=hz)}
    >>> clock_flags(samples, {"gpu_freq_hz": 998_400_000})
    ('gpu_freq_hz: 1 % of samples off by more than 1 % (768 MHz, asked 998.4 MHz)',)
    >>> clock_flags(samples, {"cpu_cores": 4})
    ()
    """
    flags = []
    for option, one in samples.items():
        level = asked.get(option)
        if level is None:
            continue
        wanted, count = float(level), len(one.hz)
        if not count:
            flags.append(f"{option}: not sampled during the run")
            continue
        unread = int(np.isnan(one.hz).sum())
        off = np.abs(one.hz - wanted) > OFF_BY * wanted
        if unread > OFF_SHARE * count:
            flags.append(f"{option}: {_percent(unread, count)} of samples not readable")
        if off.sum() > OFF_SHARE * count:
            worst = max(one.hz[off], key=lambda hz: abs(hz - wanted))
            flags.append(
                f"{option}: {_percent(int(off.sum()), count)} of samples off by more "
                f"than {100 * OFF_BY:g} % ({worst / 1e6:g} MHz, asked "
                f"{wanted / 1e6:g} MHz)"
            )
    return tuple(flags)


def power_flags(trace: Seen, rail: str, period_s: float) -> tuple[str, ...]:
    """Say what speaks against the power samples of a rail, over a whole watch.

    Parameters
    ----------
    trace : Seen
        At rest, under load and at rest again.
    rail : str
        Which.
    period_s : float
        Between two updates of its sensor.

    Returns
    -------
    tuple of str
        Failed reads, samples that were not taken in time, a value that never moves.
    """
    why = trace.why_missing(rail)
    if why:
        return (why,)
    flags = []
    count, bad = len(trace.times_s), sum(trace.failed.get(rail, {}).values())
    if bad > LOST_SHARE * count:
        reasons = ", ".join(trace.failed[rail])
        flags.append(
            f"{_percent(bad, count)} of the reads of {rail} failed ({reasons})"
        )
    gaps = np.diff(trace.times_s)
    # A sampler that is slower than asked all the time loses nothing that it promised.
    pace = max(trace.every_s, float(np.median(gaps))) if len(gaps) else trace.every_s
    missed = float(np.maximum(0.0, np.round(gaps / pace) - 1.0).sum())
    if missed > LOST_SHARE * (count + missed):
        flags.append(
            f"{_percent(missed, count + missed)} of the samples of {rail} are missing"
        )
    power = trace.power[rail]
    span = float(power.times_s[-1] - power.times_s[0])
    if span >= STUCK_PERIODS * period_s and np.ptp(power.power_w) == 0.0:
        flags.append(f"{rail} read the same for {span:.3g} s: its sensor is stuck")
    return tuple(flags)


def _percent(part: float, whole: float) -> str:
    return f"{float(f'{100.0 * part / whole:.2g}'):g} %"
