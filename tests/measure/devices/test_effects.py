"""``sim:effects`` answers with effects that are exactly the ones it tells."""

from __future__ import annotations

import math

import numpy as np
import pytest

from measure.devices.simulated import (
    NOISE,
    EffectsDevice,
    true_effects,
    true_log_latency,
)
from measure.errors import DeviceError, WorkloadError
from measure.workloads.base import Timing
from perfmodel.anova import decompose


@pytest.mark.parametrize("network", ["resnet50", "mobilenetv2"])
def test_the_told_effects_are_the_functional_anova_of_the_true_latency(
    network: str,
) -> None:
    space = EffectsDevice().space()
    rows = space.all_rows()
    truth = true_log_latency(network, space.decode(rows).to_dict("records"))
    parts = decompose(rows, truth)
    found = {}
    for component in (*parts.main, *parts.pairs):
        values = component.values[:, 0]
        effect = 100 * (math.exp(values.max()) - math.exp(values.min()))
        if effect > 1e-6:
            term = ":".join(space.names[i] for i in component.options)
            found[term] = effect
    told = {entry["term"]: entry["effect"] for entry in true_effects(network)}
    assert found == pytest.approx(told)
    main = [term for term in told if ":" not in term]
    assert (len(main), len(told) - len(main)) == (5, 3)
    named = {name for term in told for name in term.split(":")}
    assert set(space.names) - named == {"cpu_governor", "huge_pages"}


def test_runs_scatter_by_the_noise_told_and_drift_slowly() -> None:
    device = EffectsDevice(seed=4)
    reference = device.space().reference()
    timing = Timing()
    runs = [device.measure("resnet50", "images", reference, timing) for _ in range(400)]
    logs = np.log([np.median(run.calls_s) for run in runs])
    slope = np.polyfit(np.arange(400), logs, 1)[0]
    assert logs.std() == pytest.approx(NOISE, rel=0.2)
    assert 0 < slope < 1e-4
    assert runs[0].warm_up_s[0] > max(runs[0].calls_s)


def test_the_same_seed_gives_the_same_measurements() -> None:
    def first(seed: int) -> tuple[float, ...]:
        device = EffectsDevice(seed=seed)
        one = device.space().reference()
        return device.measure("mobilenetv2", "images", one, Timing()).calls_s

    assert first(7) == first(7) != first(8)


def test_what_it_does_not_have_is_refused() -> None:
    device = EffectsDevice()
    with pytest.raises(DeviceError, match="no option 'threads'; choose from cpu_"):
        device.space(["threads"])
    with pytest.raises(WorkloadError, match="resnet50, mobilenetv2"):
        device.environment("vgg16", "images")


def test_a_resumed_sweep_goes_on_with_the_noise_where_it_stopped() -> None:
    one, again = EffectsDevice(seed=4), EffectsDevice(seed=4)
    job = ("resnet50", "images", one.space().reference())
    first, second = (one.measure(*job, Timing()) for _ in range(2))
    again.recall(*job)
    assert again.measure(*job, Timing()) == second != first
