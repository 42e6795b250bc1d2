"""Runs at the ends of ladders are told from runs all along them."""

from __future__ import annotations

import pandas as pd
import pytest

from measure.designs.optimal import d_optimal
from measure.designs.space_filling import random_design
from measure.devices.simulated import EffectsDevice, true_log_latency
from measure.options import Option
from measure.space import ConfigurationSpace
from perfmodel.dataset import PerformanceDataset
from perfmodel.fitting import fit
from perfmodel.ladders import sparse_ladders

LADDER = ConfigurationSpace(
    [Option(name="f", levels=tuple(range(1, 13))), Option(name="b", kind="boolean")]
)


def test_a_design_for_interactions_is_said_to_leave_out_the_middle() -> None:
    design = d_optimal(LADDER, 20, "interactions", 0, iterations=3)
    (phrase,) = sparse_ladders(LADDER, design.frame)
    assert "between the ends of f:" in phrase and "quadratic" in phrase


def test_a_quadratic_design_is_not_advised_after_a_quadratic_design() -> None:
    design = d_optimal(LADDER, 20, "quadratic", 0, iterations=3)
    for phrase in sparse_ladders(LADDER, design.frame):
        assert "quadratic" not in phrase and "--design random" in phrase
    ends = pd.DataFrame({"f": [1, 6] * 8 + [3, 4]})
    (phrase,) = sparse_ladders(
        ConfigurationSpace([Option(name="f", levels=(1, 2, 3, 4, 5, 6))]), ends
    )
    assert "quadratic" not in phrase and "--design random" in phrase


def test_random_runs_and_short_ladders_are_not_spoken_of() -> None:
    assert sparse_ladders(LADDER, random_design(LADDER, 20, seed=0).frame) == ()
    short = ConfigurationSpace([Option(name="f", levels=(1, 2, 3, 4))])
    assert sparse_ladders(short, pd.DataFrame({"f": [1, 4, 1, 4]})) == ()


@pytest.mark.parametrize(("model", "said"), [("interactions", True), ("random", False)])
def test_the_note_stands_in_the_fitted_model(model: str, said: bool) -> None:
    space = EffectsDevice().space(["cpu_freq_hz", "gpu_freq_hz", "turbo"])
    if model == "random":
        frame = random_design(space, 30, seed=1).frame
    else:
        frame = d_optimal(space, 30, model, 1, iterations=3).frame
    middle = EffectsDevice().space().reference()
    rows = [{**middle, **row} for row in frame.to_dict("records")]
    frame = frame.assign(y=true_log_latency("resnet50", rows) ** 2)
    data = PerformanceDataset.from_frame(
        frame, options=list(space.names), response="y", space=space
    )
    notes = " ".join(fit(data, model="stepwise").notes_)
    assert ("hardly measured between" in notes) is said
