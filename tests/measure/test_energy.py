"""Energy of windows: exact integrals, baselines, uncertainty, and what is flagged."""

from __future__ import annotations

import math

import numpy as np
import pytest

from measure.energy import energy_of
from measure.power_samples import (
    PowerSensor,
    Samples,
    distinct,
    integrate,
    update_period,
)

SENSOR = PowerSensor(
    name="VDD_IN", period_s=0.1, step_w=0.04, gain_u=0.006, averages=False
)


def constant(
    power_w: float, start_s: float, stop_s: float, noise: float = 0.0
) -> Samples:
    times = np.arange(start_s, stop_s, 0.1)
    scatter = noise * np.random.default_rng(0).standard_normal(len(times))
    return Samples(times_s=times, power_w=power_w + scatter)


def test_a_polygon_is_integrated_exactly_between_boundaries_off_the_samples() -> None:
    times = np.array([0.0, 0.3, 1.1, 1.2, 2.0])
    samples = Samples(times_s=times, power_w=2.0 + 3.0 * times)
    exact = 2.0 * (1.7 - 0.25) + 1.5 * (1.7**2 - 0.25**2)
    assert integrate(samples, 0.25, 1.7) == pytest.approx(exact, rel=1e-12)


def test_beyond_the_last_sample_its_value_holds() -> None:
    samples = Samples(times_s=np.array([1.0, 2.0]), power_w=np.array([3.0, 5.0]))
    assert integrate(samples, 0.0, 3.0) == pytest.approx(3.0 + 4.0 + 5.0)


def test_duplicates_of_a_slow_sensor_are_not_counted() -> None:
    updates = np.array([1.0, 2.0, 2.0, 3.0])
    polls = np.arange(0.0, 1.6, 0.02)
    read = Samples(times_s=polls, power_w=updates[(polls / 0.4 + 1e-9).astype(int)])
    assert len(distinct(read, 0.4).power_w) == 4


@pytest.mark.parametrize("period_s", [0.0066, 0.0538, 0.422])
def test_updates_that_leave_a_value_as_it_was_do_not_make_the_period_longer(
    period_s: float,
) -> None:
    rng = np.random.default_rng(3)
    polls = np.arange(0.0, 40 * period_s, 0.002)
    updates = np.cumsum(rng.random(100) < 0.4).astype(float)
    read = Samples(times_s=polls, power_w=updates[(polls / period_s).astype(int)])
    assert update_period(read) == pytest.approx(period_s, rel=0.12)


def test_the_update_period_is_found_and_missing_where_nothing_changes() -> None:
    polls = np.arange(0.0, 20.0, 0.01)
    read = Samples(times_s=polls, power_w=np.floor(polls / 0.422))
    assert update_period(read) == pytest.approx(0.42, abs=0.011)
    assert update_period(Samples(times_s=polls, power_w=np.ones(len(polls)))) is None


def test_net_energy_is_gross_less_the_mean_of_both_rests() -> None:
    energy = energy_of(
        constant(6.0, 0.0, 10.0),
        2.0,
        7.0,
        SENSOR,
        before=constant(2.0, -5.0, 0.0),
        after=constant(2.2, 10.0, 15.0),
    )
    assert energy.gross_j == pytest.approx(30.0)
    assert energy.baseline_w == pytest.approx(2.1)
    assert energy.net_j == pytest.approx(30.0 - 5 * 2.1)
    assert energy.net_u is not None
    assert energy.net_u == pytest.approx(math.hypot(*energy.budget_j.values()))
    assert energy.flags == ()


def test_without_a_baseline_there_is_no_net_energy_and_it_is_flagged() -> None:
    energy = energy_of(constant(6.0, 0.0, 10.0), 2.0, 7.0, SENSOR)
    assert energy.net_j is None and energy.net_u is None
    assert energy.flags == ("no idle baseline",)


def test_the_budget_has_its_named_parts_and_the_values_of_its_formulas() -> None:
    rest = constant(2.0, -5.0, 0.0)
    energy = energy_of(
        constant(6.0, 2.0, 6.95), 2.0, 7.0, SENSOR, before=rest, after=rest
    )
    budget = energy.budget_j
    assert set(budget) == {"quantisation", "gain", "baseline", "edge", "sampling"}
    assert budget["gain"] == pytest.approx(0.006 * 20.0)
    # Nothing moves: window and rest are off by a step over the root of 12 each.
    step_u = 0.04 / np.sqrt(12.0)
    assert budget["quantisation"] == pytest.approx(5 * np.sqrt(2) * step_u, rel=0.01)
    assert budget["baseline"] == 0.0
    # No sample outside: all of the power may begin and end within one period.
    assert budget["edge"] == pytest.approx(np.sqrt(2) * 6.0 * 0.1 / np.sqrt(12.0))


def test_a_load_that_goes_on_outside_the_window_has_sharp_edges() -> None:
    inside = energy_of(constant(6.0, 2.0, 7.0, 0.01), 2.0, 7.0, SENSOR)
    beyond = energy_of(constant(6.0, 0.0, 9.0, 0.01), 2.0, 7.0, SENSOR)
    assert beyond.budget_j["edge"] < 0.01 * inside.budget_j["edge"]


def test_rests_that_differ_make_the_net_energy_uncertain() -> None:
    window, rest = constant(6.0, 0.0, 10.0), constant(2.0, -5.0, 0.0)
    same = energy_of(window, 2.0, 7.0, SENSOR, before=rest, after=rest)
    other = energy_of(
        window, 2.0, 7.0, SENSOR, before=rest, after=constant(3.0, 10.0, 15.0)
    )
    assert other.budget_j["baseline"] > 0.5 > same.budget_j["baseline"]


def test_a_short_window_is_flagged_and_its_uncertainty_says_so() -> None:
    rest = constant(2.0, -5.0, 0.0)
    short, long = (
        energy_of(constant(6.0, 0.0, 60.0), 1.0, stop, SENSOR, before=rest, after=rest)
        for stop in (1.5, 51.0)
    )
    assert "window shorter than 20 sensor periods" in short.flags
    assert not long.flags
    edges_only = energy_of(
        constant(6.0, 1.0, 1.5), 1.0, 1.5, SENSOR, before=rest, after=rest
    )
    assert not edges_only.long_enough
    assert long.relative_half_width < edges_only.relative_half_width


def test_lost_samples_are_flagged() -> None:
    samples = constant(6.0, 0.0, 10.0)
    kept = np.ones(len(samples.times_s), dtype=bool)
    kept[30:60] = False
    thinned = Samples(times_s=samples.times_s[kept], power_w=samples.power_w[kept])
    flags = energy_of(thinned, 0.0, 9.9, SENSOR).flags
    assert any(flag.startswith("lost 30 %") for flag in flags)


def test_a_third_of_the_samples_lost_at_random_is_flagged() -> None:
    samples = constant(6.0, 0.0, 10.0)
    kept = np.random.default_rng(0).random(len(samples.times_s)) > 1 / 3
    thinned = Samples(times_s=samples.times_s[kept], power_w=samples.power_w[kept])
    flags = energy_of(thinned, 0.0, 9.9, SENSOR).flags
    assert any(flag.startswith("lost") for flag in flags)


def test_energy_that_disagrees_with_mean_power_times_time_is_flagged() -> None:
    times = np.concatenate((np.arange(0.0, 5.0, 0.1), np.arange(9.0, 10.0, 0.1)))
    samples = Samples(times_s=times, power_w=np.where(times < 4.9, 2.0, 8.0))
    flags = energy_of(samples, 0.0, 9.9, SENSOR).flags
    assert "energy disagrees with mean power x time" in flags


def test_a_stuck_sensor_and_a_load_without_power_are_flagged() -> None:
    rest = constant(4.0, -5.0, 0.0)
    stuck = energy_of(
        constant(4.0, 0.0, 10.0), 2.0, 7.0, SENSOR, before=rest, after=rest
    )
    assert stuck.flags == ("VDD_IN reads the same with and without the load",)
    low = energy_of(constant(3.0, 0.0, 10.0), 2.0, 7.0, SENSOR, before=rest, after=rest)
    assert low.flags == ("no more power with the load than without",)


def test_a_sensor_read_too_rarely_has_the_uncertainty_of_a_sample() -> None:
    rng = np.random.default_rng(0)
    times = np.arange(0.0, 10.0, 0.5)
    samples = Samples(times_s=times, power_w=6 + rng.standard_normal(len(times)))
    sensor = PowerSensor(name="VDD_IN", period_s=0.01, step_w=0.04, gain_u=0.006)
    energy = energy_of(samples, 0.0, 9.0, sensor)
    assert energy.budget_j["sampling"] == pytest.approx(9.0 / np.sqrt(19), rel=0.3)


def test_the_mean_of_an_averaging_sensor_belongs_to_the_time_before_it() -> None:
    """A ramp is seen half a period late; its integral is right all the same."""
    sensor = PowerSensor(name="VDD_IN", period_s=0.5, step_w=0.0, gain_u=0.0)
    times = np.arange(0.0, 20.0, 0.5)
    samples = Samples(times_s=times, power_w=1.0 + (times - 0.25))
    energy = energy_of(samples, 3.1, 15.7, sensor)
    exact = 12.6 + 0.5 * (15.7**2 - 3.1**2)
    assert energy.gross_j == pytest.approx(exact, rel=1e-9)


def test_a_window_without_samples_or_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="measure for longer"):
        energy_of(constant(6.0, 0.0, 1.0), 3.0, 3.05, SENSOR)
    with pytest.raises(ValueError, match="has no length"):
        energy_of(constant(6.0, 0.0, 1.0), 0.5, 0.5, SENSOR)


@pytest.mark.parametrize("share_seen", [1.0, 0.66])
def test_noise_and_time_that_is_not_seen_are_in_the_budget(share_seen: float) -> None:
    """A load that varies from update to update, of which some or all is averaged."""
    rng = np.random.default_rng(0)
    every_s, noise_w = 0.1, 0.03
    sensor = PowerSensor(
        name="VDD_IN", period_s=share_seen * every_s, step_w=0.04, gain_u=1e-6
    )
    inside = 0
    for _ in range(400):
        seen, hidden = 5.0 + 0.1 * rng.standard_normal((2, 80))
        idle = slice(0, 25), slice(55, 80)
        for one in (seen, hidden):
            one[idle[0]] = one[idle[1]] = 3.01
        true_w = share_seen * seen + (1.0 - share_seen) * hidden
        read = seen + noise_w * rng.standard_normal(80)
        # A value stands for the time that ends when it is read.
        times = every_s * (np.arange(80) + share_seen)
        samples = Samples(times_s=times, power_w=0.04 * np.round(read / 0.04))
        energy = energy_of(
            samples,
            27 * every_s,
            53 * every_s,
            sensor,
            before=samples.between(0.0, 25 * every_s),
            after=samples.between(56 * every_s, 81 * every_s),
        )
        assert energy.net_u is not None and energy.net_j is not None
        truth = every_s * float((true_w[27:53] - 3.01).sum())
        inside += abs(energy.net_j - truth) <= 1.96 * energy.net_u
    assert 0.92 <= inside / 400 <= 0.99
