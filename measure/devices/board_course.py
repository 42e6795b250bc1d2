"""How long each part of a run on a board takes, and when a window is long enough.

The window is 20 updates of the power sensor long. It is measured again, longer, where
that brings the 95 % interval of the energy within 2 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from measure.energy import COVERAGE_FACTOR, HALF_WIDTH, MIN_PERIODS, Energy

if TYPE_CHECKING:
    from measure.workloads.base import Timing

CAP_S = 60.0
"""A window is not made longer than this."""
MIN_REST_S = 0.5
"""Idle power is watched for so long at least, however fast the sensor is."""
LEAD_PERIODS = 2.0
"""The load goes on for so many sensor periods on either side of the window."""
QUICK_PERIODS = 2.0
"""A quick batch is repeated until it spans so many updates of the power sensor."""
EVERY_S = (0.01, 0.1)
"""Time between samples, at least and at most: a sample costs the board some CPU."""
STEP = 1.25
"""By so much a window is made longer, or by a power of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How long each part of a run takes.

    Parameters
    ----------
    rest_s : float
        Idle, before and after.
    lead_s : float
        Under load, before and after the window.
    window_s : float
        The window, at least.
    every_s : float
        Between samples.
    """

    rest_s: float
    lead_s: float
    window_s: float
    every_s: float


def course_of(timing: Timing, period_s: float | None) -> Course:
    """Return how long each part of a run takes.

    Parameters
    ----------
    timing : Timing
        Of the protocol.
    period_s : float or None
        Update period of the power sensor; None without one.

    Returns
    -------
    Course
        Without a sensor, or under the quick protocol, there is no rest.

    Examples
    --------
    >>> from measure.workloads.base import Timing
    >>> course_of(Timing(), 0.422).window_s
    8.44
    >>> course_of(Timing(quick=True, seconds=0.05), 0.422).window_s
    0.844
    """
    window = timing.seconds
    rest = lead = 0.0
    if period_s is not None:
        periods = QUICK_PERIODS if timing.quick else MIN_PERIODS
        window = max(window, periods * period_s)
        if not timing.quick:
            rest = max(MIN_REST_S, MIN_PERIODS * period_s)
            lead = LEAD_PERIODS * period_s
    every = min(window / 10.0, math.inf if period_s is None else period_s / 4.0)
    return Course(
        rest_s=rest,
        lead_s=lead,
        window_s=window,
        every_s=min(max(every, EVERY_S[0]), EVERY_S[1]),
    )


def longer(energy: Energy, window_s: float, cap_s: float = CAP_S) -> float | None:
    """Return the length at which a window's energy would be good enough.

    Parameters
    ----------
    energy : Energy
        Of a window.
    window_s : float
        How long it was meant to be.
    cap_s : float, optional
        At most.

    Returns
    -------
    float or None
        None where it is good enough, or where no window up to the cap would make it
        so: of what is left, gain and rounding do not get less with time.
    """
    if energy.long_enough or window_s >= cap_s or energy.net_j is None:
        return None
    # The ends are off by the same joules however long the window is; what varies from
    # sample to sample grows with the root of the time; the rest grows with the time.
    ends, noise = energy.budget_j["edge"], energy.budget_j["sampling"]
    rest = (energy.net_u or 0.0) ** 2 - ends**2 - noise**2
    wanted = (HALF_WIDTH * energy.net_j / COVERAGE_FACTOR) ** 2
    times = 1.0
    while times * window_s < cap_s:
        times *= STEP
        if rest + (ends / times) ** 2 + noise**2 / times <= wanted:
            return min(times * window_s, cap_s)
    return None
