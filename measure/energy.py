"""Energy of a window from power samples, with its uncertainty.

Samples are integrated by the trapezoid rule between the exact boundaries of the
window. Net energy is what the load took beyond the idle power at the same
configuration, which is measured before and after. The uncertainty budget is that
of an expanded combination of standard uncertainties [1]_:

- *quantisation*: a step of the sensor over the square root of 12, less where the
  values move by a good part of a step;
- *gain* (and, of gross energy, *offset*): of shunt and converter;
- *baseline*: how far idle power before and after differ, and their own spread;
- *edge*: a step of the power at a moment that is known to one sample interval only
  is off by ``step * interval / sqrt(12)``, at each end. Where samples outside show
  that the load goes on, the step is small; where there are none it is all of the
  power;
- *sampling*: the spread of the samples, where the sensor is read so rarely that
  they do not cover the window.

References
----------
.. [1] JCGM 100:2008, *Guide to the expression of uncertainty in measurement*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from measure.power_samples import PowerSensor, Samples, centred, distinct, integrate

MIN_PERIODS = 20
"""A window spans at least as many updates of the sensor."""
HALF_WIDTH = 0.02
"""Half of the 95 % interval over the energy at which a window is long enough."""
COVERAGE_FACTOR = 1.96
"""Standard uncertainties in half a 95 % interval."""
LOST_SHARE = 0.1
"""A larger share of missing samples is flagged."""
DISAGREEMENT = 0.02
"""A larger difference between energy and mean power times time is flagged."""
PARTS = 20
"""Of a window, whose means tell how far its mean is off."""
_ROOT_12 = math.sqrt(12.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Energy of one window.

    Parameters
    ----------
    sensor : str
        Which sensor it is from.
    duration_s : float
        Of the window.
    samples : int
        Distinct samples within it.
    mean_w : float
        Gross energy over the duration.
    baseline_w : float, optional
        Idle power; None if it was not measured.
    gross_j, gross_u : float
        Gross energy and its standard uncertainty.
    net_j, net_u : float, optional
        Net energy; None without a baseline.
    budget_j : mapping of str to float
        Standard uncertainty of the net energy by cause (of the gross energy where
        there is no net one).
    flags : tuple of str
        What speaks against trusting it.
    """

    sensor: str
    duration_s: float
    samples: int
    mean_w: float
    gross_j: float
    gross_u: float
    baseline_w: float | None = None
    net_j: float | None = None
    net_u: float | None = None
    budget_j: Mapping[str, float]
    flags: tuple[str, ...] = ()

    @property
    def relative_half_width(self) -> float:
        """Half of the 95 % interval over the energy, net if there is one."""
        value, u = self.gross_j, self.gross_u
        if self.net_j is not None and self.net_u is not None:
            value, u = self.net_j, self.net_u
        return COVERAGE_FACTOR * u / abs(value) if value else math.inf

    @property
    def long_enough(self) -> bool:
        """Whether a longer window is not needed."""
        return self.relative_half_width <= HALF_WIDTH


def energy_of(
    samples: Samples,
    start_s: float,
    stop_s: float,
    sensor: PowerSensor,
    *,
    before: Samples | None = None,
    after: Samples | None = None,
) -> Energy:
    """Return the energy of a window with its uncertainty.

    Parameters
    ----------
    samples : Samples
        As read; those outside the window tell whether the load goes on there.
    start_s, stop_s : float
        Exact boundaries of the window.
    sensor : PowerSensor
        What gave them.
    before, after : Samples, optional
        Idle at the same configuration, on either side.

    Returns
    -------
    Energy
        Gross, and net where there is a baseline.

    Raises
    ------
    ValueError
        If there is no sample in the window, or it has no length.
    """
    if stop_s <= start_s:
        raise ValueError(f"a window from {start_s:g} to {stop_s:g} s has no length")
    moved = centred(distinct(samples, sensor.period_s), sensor)
    inside = moved.between(start_s, stop_s)
    count, duration = len(inside.times_s), stop_s - start_s
    if not count:
        raise ValueError(
            f"no sample of {sensor.name} in a window of {duration:.3g} s: it updates "
            f"every {sensor.period_s:.3g} s; measure for longer"
        )
    gross = integrate(moved, start_s, stop_s)
    mean = gross / duration
    interval = max(sensor.period_s, _interval(inside, sensor.period_s))
    spread = float(np.std(inside.power_w, ddof=1)) if count > 1 else mean
    idle = _baseline(before, after, sensor)
    # The noise of a sensor is the same with and without a load, and more samples tell.
    noise = max(spread, idle.spread_w) if idle is not None else spread
    rounding = _rounding_u(sensor.step_w, noise)
    # What is not the same for all samples averages out.
    own = max(0.0, sensor.step_w**2 / 12.0 - rounding**2)
    quantisation = math.sqrt(rounding**2 + own / count)
    # At rest next to nothing but noise is left of what varies.
    own_noise = min(spread, idle.spread_w) if idle is not None else spread
    sampling = _sampling(inside, own_noise, interval, sensor)
    common = {
        "edge": _edges(moved, start_s, stop_s, interval, spread, mean),
        "sampling": sampling * duration,
    }
    gross_budget = {
        "quantisation": quantisation * duration,
        "gain": sensor.gain_u * gross,
        "offset": sensor.offset_u_w * duration,
        **common,
    }
    flags = _flags(inside, gross, duration, interval, sensor)
    if idle is None:
        return Energy(
            sensor=sensor.name,
            duration_s=duration,
            samples=count,
            mean_w=mean,
            gross_j=gross,
            gross_u=_combined(gross_budget),
            budget_j=gross_budget,
            flags=(*flags, "no idle baseline"),
        )
    net = gross - idle.power_w * duration
    if spread == 0.0 and idle.spread_w == 0.0 and net == 0.0:
        flags = (*flags, f"{sensor.name} reads the same with and without the load")
    elif net <= 0.0:
        flags = (*flags, "no more power with the load than without")
    budget = {
        "quantisation": math.hypot(quantisation, idle.rounding_w) * duration,
        "gain": sensor.gain_u * abs(net),
        "baseline": idle.u_w * duration,
        **common,
    }
    return Energy(
        sensor=sensor.name,
        duration_s=duration,
        samples=count,
        mean_w=mean,
        baseline_w=idle.power_w,
        gross_j=gross,
        gross_u=_combined(gross_budget),
        net_j=net,
        net_u=_combined(budget),
        budget_j=budget,
        flags=flags,
    )


def _interval(samples: Samples, period_s: float) -> float:
    if len(samples.times_s) < 2:
        return period_s
    return float(np.median(np.diff(samples.times_s)))


def _rounding_u(step: float, spread: float) -> float:
    """Return by how much rounding shifts a mean of values with some spread.

    All by the same where they do not move, hardly at all where they move by half a
    step: the root mean square of the Fourier series in Widrow and Kollar,
    *Quantization Noise*, 2008, for Gaussian values at an unknown place.
    """
    if not step:
        return 0.0
    variance = max(0.0, spread**2 - step**2 / 12.0) / step**2
    terms = (
        math.exp(-4.0 * math.pi**2 * k**2 * variance) / k**2 for k in range(1, 200)
    )
    return step / (math.pi * math.sqrt(2.0)) * math.sqrt(sum(terms))


def _sampling(
    inside: Samples, noise: float, interval: float, sensor: PowerSensor
) -> float:
    """Return how far the mean of values is off by what they miss and by their noise.

    Of the time between the means that were read nothing is known but how power varies.
    What goes up and down within a part of the window, call by call, averages out there:
    means of such parts tell what does not.
    """
    values, count = inside.power_w, len(inside.power_w)
    if count < 2:
        return noise if sensor.averages else float(values.mean())
    varies = float(np.std(values, ddof=1)) / math.sqrt(count)
    if count >= 2 * PARTS:
        means = [part.mean() for part in np.array_split(values, PARTS)]
        varies = min(varies, float(np.std(means, ddof=1)) / math.sqrt(PARTS))
    unseen = 1.0 - sensor.period_s / interval if sensor.averages else 1.0
    return math.hypot(varies * math.sqrt(max(0.0, unseen)), noise / math.sqrt(count))


def _edges(
    samples: Samples,
    start_s: float,
    stop_s: float,
    interval: float,
    spread: float,
    mean: float,
) -> float:
    """Return the joint uncertainty of both ends, in joules."""
    reach = 2.0 * interval
    steps = []
    for edge, outward in ((start_s, -1.0), (stop_s, 1.0)):
        beyond = outward * (samples.times_s - edge)
        outside = samples.power_w[(beyond > 0.0) & (beyond <= reach)]
        inside = samples.power_w[(beyond <= 0.0) & (beyond >= -reach)]
        if len(outside) and len(inside):
            steps.append(max(abs(float(outside.mean() - inside.mean())), spread))
        else:
            steps.append(mean)
    return math.hypot(*steps) * interval / _ROOT_12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Idle:
    """Idle power, its uncertainty, that of rounding it, and the samples' spread."""

    power_w: float
    u_w: float
    rounding_w: float
    spread_w: float


def _baseline(
    before: Samples | None, after: Samples | None, sensor: PowerSensor
) -> _Idle | None:
    sides = [
        distinct(side, sensor.period_s)
        for side in (before, after)
        if side is not None and len(side.times_s)
    ]
    if not sides:
        return None
    means = [float(side.power_w.mean()) for side in sides]
    spreads = [_spread(side, sensor) for side in sides]
    own = [
        spread**2 / len(side.power_w)
        for spread, side in zip(spreads, sides, strict=True)
    ]
    # How far values scatter depends on their place between two steps: the side that
    # lies near a step tells the noise.
    spread = max(spreads)
    if len(sides) == 2:
        # What noise does not explain of the difference is a drift. Were it steady, its
        # mean over the window would be the mean of the sides; it is taken to lie
        # anywhere in the middle half between them.
        apart = math.sqrt(max(0.0, (means[0] - means[1]) ** 2 - sum(own)))
        apart *= 0.5 / _ROOT_12
    else:
        apart = spread
    own_u = math.sqrt(sum(own)) / len(sides)
    rounding = _rounding_u(sensor.step_w, spread)
    return _Idle(
        power_w=float(np.mean(means)),
        u_w=math.hypot(apart, own_u),
        rounding_w=rounding,
        spread_w=spread,
    )


def _spread(samples: Samples, sensor: PowerSensor) -> float:
    """Return the standard deviation about a steady drift; a step where unknown."""
    if len(samples.power_w) < 3:
        return sensor.step_w
    return float(np.sqrt(np.mean(np.diff(samples.power_w) ** 2) / 2.0))


def _flags(
    inside: Samples,
    gross: float,
    duration: float,
    interval: float,
    sensor: PowerSensor,
) -> tuple[str, ...]:
    flags = []
    if duration < MIN_PERIODS * sensor.period_s * (1.0 - 1e-9):
        flags.append(f"window shorter than {MIN_PERIODS} sensor periods")
    expected = duration / interval
    gaps = np.diff(inside.times_s)
    lost = float(np.maximum(0.0, np.round(gaps / interval) - 1.0).sum())
    if lost > LOST_SHARE * expected:
        flags.append(f"lost {100 * lost / expected:.0f} % of the power samples")
    simple = float(inside.power_w.mean()) * duration
    if abs(gross - simple) > DISAGREEMENT * simple:
        flags.append("energy disagrees with mean power x time")
    return tuple(flags)


def _combined(budget: Mapping[str, float]) -> float:
    return math.hypot(*budget.values())
