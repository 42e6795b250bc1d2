"""Whether noise or the model is to blame where nothing was learned."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perfmodel.commands.repeats import how_to_go_on, repeats_of
from perfmodel.dataset import PerformanceDataset


def data(noise: float, replicates: int = 3) -> PerformanceDataset:
    """Runs of eight configurations that are 13-fold apart, without a trend."""
    rng = np.random.default_rng(0)
    true = np.array([1.0, 13.0, 2.0, 9.0, 1.5, 11.0, 3.0, 7.0])
    frame = pd.DataFrame({"size": np.tile(np.arange(8), replicates)})
    frame["time_s"] = true[frame["size"]] * rng.lognormal(0, noise, len(frame))
    return PerformanceDataset.from_frame(
        frame, options=["size"], response={"time_s": "s"}
    )


def test_lack_of_fit_is_told_from_noise() -> None:
    found = repeats_of(data(0.008))
    assert found is not None and found.noise_is_small
    assert found.percent == pytest.approx(0.8, rel=0.5)
    assert found.fold == pytest.approx(13, rel=0.05)
    text = how_to_go_on(found, "stepwise", False)
    assert "the model does not fit; try --model auto or gaussian-process, or" in text
    assert "--design random" in text and "quieter" not in text


def test_what_was_tried_is_not_advised_again() -> None:
    found = repeats_of(data(0.008))
    assert "auto" not in how_to_go_on(found, "cart", True)
    assert "gaussian" not in how_to_go_on(found, "gaussian-process", True)


@pytest.mark.parametrize("runs", [data(2.0), data(0.01, replicates=1)])
def test_noise_and_single_runs_are_answered_with_more_runs(runs) -> None:
    found = repeats_of(runs)
    assert found is None or not found.noise_is_small
    assert "a quieter machine" in how_to_go_on(found, "stepwise", False)
