"""Fronts and recommendations, of runs and of models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from measure.space import ConfigurationSpace, Option
from perfmodel import candidates
from perfmodel.dataset import PerformanceDataset
from perfmodel.errors import ModelError, SelectionError
from perfmodel.fitting import fit
from perfmodel.loading import load
from perfmodel.pareto import pareto_front, recommend
from tests.known_answers import brute_force_front

SPACE = ConfigurationSpace(
    [
        Option(name="threads", levels=(1, 2, 4, 8)),
        Option(name="backend", levels=("graph", "xla")),
    ]
)


class Line:
    """A model whose log response is linear in the level indices."""

    def __init__(self, response: str, slopes: tuple[float, float], half: float = 0.1):
        self.response_ = response
        self.unit_ = response[-1]
        self.space_ = SPACE
        self.slopes, self.half = slopes, half

    def predict(self, frame: pd.DataFrame) -> Any:
        return np.exp(SPACE.encode(frame) @ np.array(self.slopes))

    def predict_interval(self, frame: pd.DataFrame, level: float = 0.9) -> pd.DataFrame:
        mean = self.predict(frame)
        factor = np.exp(self.half * level / 0.9)
        return pd.DataFrame(
            {"prediction": mean, "lower": mean / factor, "upper": mean * factor},
            index=frame.index,
        )


LATENCY = Line("latency_s", (-0.5, 0.0))
ENERGY = Line("energy_j", (0.3, 0.2))


def runs(seed: int = 0, n: int = 8) -> PerformanceDataset:
    rng = np.random.default_rng(seed)
    frame = SPACE.decode(SPACE.all_rows()[:n])
    frame["latency_s"] = rng.integers(1, 6, n).astype(float)
    frame["energy_j"] = rng.integers(1, 6, n).astype(float)
    return PerformanceDataset.from_frame(
        frame, space=SPACE, response={"latency_s": "s", "energy_j": "J"}
    )


@pytest.mark.parametrize("seed", range(10))
def test_a_measured_front_is_the_brute_force_front(seed) -> None:
    data = runs(seed)
    points = data.frame[["latency_s", "energy_j"]].to_numpy()
    expected = data.frame[brute_force_front(points)]
    front = pareto_front(data)
    merged = front.frame.merge(expected, on=list(SPACE.names))
    assert len(merged) == len(front.frame) == len(expected)
    assert front.frame["measured"].all()
    assert front.frame["latency_s"].is_monotonic_increasing


def test_a_dataset_for_each_response_gives_the_same_front_as_one_for_both() -> None:
    data = runs()
    parts = [data.for_response(name) for name in data.responses]
    pd.testing.assert_frame_equal(pareto_front(parts).frame, pareto_front(data).frame)


def test_replicates_are_averaged_and_missing_responses_left_out() -> None:
    frame = pd.DataFrame(
        {
            "threads": [1, 1, 2, 4],
            "latency_s": [1.0, 3.0, 2.5, 0.1],
            "energy_j": [1.0, 1.0, 2.0, np.nan],
        }
    )
    data = PerformanceDataset.from_frame(
        frame, options=["threads"], response=["latency_s", "energy_j"]
    )
    front = pareto_front(data).frame
    assert front["threads"].tolist() == [1]
    assert front["latency_s"].tolist() == [2.0]


def test_a_predicted_front_has_intervals_and_is_not_measured() -> None:
    front = pareto_front([LATENCY, ENERGY]).frame
    assert front["threads"].tolist() == [8, 4, 2, 1]
    assert set(front["backend"]) == {"graph"}
    assert not front["measured"].any()
    for name in ("latency_s", "energy_j"):
        assert (front[f"{name}_lower"] < front[name]).all()
        assert (front[name] < front[f"{name}_upper"]).all()


def test_a_front_says_how_many_of_its_predictions_can_be_told_apart() -> None:
    sharp = pareto_front([LATENCY, ENERGY])
    assert sharp.told_apart == len(sharp.frame) == 4
    assert sharp.notes == ()
    wide = [Line("latency_s", (-0.5, 0.0), 0.4), Line("energy_j", (0.3, 0.2), 0.4)]
    front = pareto_front(wide)
    assert (len(front.frame), front.told_apart) == (4, 2)
    assert front.notes[-1] == (
        "of these 4 configurations 2 can be told apart: of the others, the 90 % "
        "interval overlaps that of one of them in all responses; measure them to tell "
        "more"
    )


def test_a_front_of_predictions_that_are_all_alike_says_so() -> None:
    wide = [Line("latency_s", (-0.5, 0.0), 2.0), Line("energy_j", (0.3, 0.2), 2.0)]
    assert pareto_front(wide).notes[-1] == (
        "these 4 configurations cannot be told apart: their 90 % intervals overlap "
        "that of the first in all responses; measure them to tell more"
    )


def test_what_was_measured_is_told_apart() -> None:
    front = pareto_front(runs())
    assert front.told_apart == len(
        front.frame[["latency_s", "energy_j"]].drop_duplicates()
    )


def test_what_was_measured_stands_in_place_of_predictions() -> None:
    data = runs(n=3)
    front = pareto_front([LATENCY, ENERGY], data=data)
    everything = front.candidates
    assert len(everything) == SPACE.size()
    assert everything["measured"].sum() == 3
    known = everything[everything["measured"]].merge(data.frame, on=list(SPACE.names))
    np.testing.assert_array_equal(known["latency_s_x"], known["latency_s_y"])
    measured = front.frame[front.frame["measured"]]
    assert measured[["latency_s_lower", "energy_j_upper"]].isna().all().all()


def test_throughput_is_maximised_unless_the_direction_says_otherwise() -> None:
    frame = pd.DataFrame({"threads": [1, 2, 4], "throughput_hz": [1.0, 2.0, 3.0]})
    data = PerformanceDataset.from_frame(
        frame, options=["threads"], response="throughput_hz"
    )
    best = pareto_front(data)
    assert best.frame["threads"].tolist() == [4]
    assert best.maximised == ("throughput_hz",)
    assert best.hypervolume() == 2.0
    least = pareto_front(data, directions=["-throughput_hz"])
    assert least.frame["threads"].tolist() == [1]


def test_the_hypervolume_ends_at_the_worst_candidate_or_where_it_is_told() -> None:
    front = pareto_front(runs())
    assert front.reference_point == {
        name: runs().frame[name].max() for name in ("latency_s", "energy_j")
    }
    assert front.hypervolume() == front.hypervolume(front.reference_point)
    assert front.hypervolume((9.0, 9.0)) > front.hypervolume()
    with pytest.raises(SelectionError, match="one value for each of latency_s, energ"):
        front.hypervolume((9.0,))


def test_a_large_space_is_sampled_and_the_front_says_so(monkeypatch) -> None:
    monkeypatch.setattr(candidates, "PREDICTED_LIMIT", 5)
    front = pareto_front([LATENCY, ENERGY])
    assert len(front.candidates) == 5
    assert "5 of 8 valid configurations" in front.notes[0]


def test_the_best_configuration_keeps_the_constraint_at_its_worse_end() -> None:
    bound = float(LATENCY.predict(SPACE.decode(SPACE.all_rows()))[2]) * 1.01
    best = recommend([LATENCY, ENERGY], "energy_j", [f"latency_s<={bound}"])
    assert best.frame["latency_s_upper"].iloc[0] <= bound
    assert best.frame["energy_j"].is_monotonic_increasing
    assert best.notes and "measure them" in best.notes[0]
    assert tuple(best.responses) == ("energy_j", "latency_s")


def test_of_measured_runs_the_best_is_found_without_intervals() -> None:
    data = runs()
    best = recommend(data, "latency_s").frame
    assert best["latency_s"].iloc[0] == data.frame["latency_s"].min()


def test_an_option_can_be_held_by_a_constraint() -> None:
    best = recommend([LATENCY], "latency_s", ["threads<=2", "backend=xla"]).frame
    assert best["threads"].tolist() == [2]
    assert best["backend"].tolist() == ["xla"]


def test_constraints_that_nothing_keeps_say_how_close_one_comes() -> None:
    with pytest.raises(SelectionError, match="latency_s reaches 0.2231"):
        recommend([LATENCY, ENERGY], "energy_j", ["latency_s<=0.01"])
    with pytest.raises(SelectionError, match="by prediction"):
        recommend([LATENCY, ENERGY], "energy_j", ["latency_s<=0.2233"])


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([LATENCY, LATENCY], "two sources have the response 'latency_s'"),
        ([LATENCY, runs()], "not both"),
        ([], "not nothing"),
    ],
)
def test_sources_that_do_not_go_together_are_refused(sources, message) -> None:
    with pytest.raises(SelectionError, match=message):
        pareto_front(sources)


def test_a_model_that_does_not_know_its_response_is_refused() -> None:
    with pytest.raises(ModelError, match="does not know its response"):
        pareto_front([_nameless()])


def test_models_of_different_options_are_refused() -> None:
    other = Line("energy_j", (0.0, 0.0))
    other.space_ = ConfigurationSpace([Option(name="cores", levels=(1, 2))])
    with pytest.raises(ModelError, match="energy_j has the option 'cores'"):
        pareto_front([LATENCY, other])


def _nameless() -> Line:
    model = Line("latency_s", (0.0, 0.0))
    model.response_ = ""
    return model


def test_a_front_draws_itself_over_all_candidates_with_units() -> None:
    import matplotlib.pyplot as plt
    from matplotlib import use

    use("Agg")
    ax = pareto_front([LATENCY, ENERGY]).plot()
    _, labels = ax.get_legend_handles_labels()
    assert labels == ["others", "front, predicted"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("latency_s (s)", "energy_j (j)")
    plt.close("all")


def test_a_front_of_one_response_has_no_picture() -> None:
    with pytest.raises(SelectionError, match="no picture"):
        recommend([LATENCY], "latency_s").plot()


def with_failure(status: bool = False) -> PerformanceDataset:
    """Runs of six of eight configurations; the quickest was tried and failed."""
    rows = np.append(np.arange(6), 6)
    frame = SPACE.decode(SPACE.all_rows()[rows])
    frame["latency_s"] = [5.0, 5.1, 4.0, 4.1, 3.0, 3.1, np.nan]
    frame["status"] = ["done"] * 6 + ["failed"]
    return PerformanceDataset.from_frame(
        frame,
        options=SPACE.names,
        space=SPACE,
        response={"latency_s": "s"},
        meta=["status"] if status else [],
    )


@pytest.mark.parametrize("status", [False, True])
def test_what_failed_is_never_recommended(status) -> None:
    data = with_failure(status)
    best = {"threads": 8, "backend": "graph"}
    assert best in recommend([LATENCY], "latency_s").frame[[*best]].to_dict("records")
    fitted = fit(data, model="stepwise")
    note = "1 configuration was tried and failed: left out of the best"
    for front in (
        recommend([LATENCY], "latency_s", data=data),
        recommend([fitted], "latency_s"),
        pareto_front([fitted], data=data),
        pareto_front(data),
    ):
        levels = front.candidates[list(SPACE.names)].to_dict("records")
        assert best not in levels and len(front.frame)
        assert note in front.notes
    assert note in fitted.notes_


def test_what_worked_once_is_recommended() -> None:
    data = with_failure()
    again = data.frame.tail(1).assign(latency_s=1.0)
    both = replace(data, frame=pd.concat([data.frame, again]))
    front = recommend([fit(both, model="stepwise")], "latency_s", data=both)
    assert front.frame["threads"].tolist() == [8]
    assert not any("failed" in note for note in front.notes)


def test_what_was_not_measured_in_a_run_that_was_made_is_no_failure() -> None:
    data = with_failure(status=True)
    data.frame["status"] = "done"
    front = recommend([fit(data, model="stepwise")], "latency_s", data=data)
    assert set(front.frame["threads"]) == {8}


def test_a_saved_model_knows_what_failed(tmp_path) -> None:
    fit(with_failure(), model="stepwise").save(tmp_path / "model")
    front = recommend([load(tmp_path / "model")], "latency_s")
    assert len(front.candidates) == 7
