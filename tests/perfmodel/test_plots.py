"""Pictures hold what they were given; only what a reader would miss is checked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from matplotlib import use
from matplotlib.colors import to_hex

from perfmodel import plots
from perfmodel.influence import explain
from tests import known_answers
from tests.known_answers import ExactModel


@pytest.fixture(autouse=True)
def _figures_are_closed() -> Iterator[None]:
    import matplotlib.pyplot as plt

    use("Agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return explain(ExactModel(known_answers.interacting(), doubt=0.05)).frame


def test_the_largest_share_is_on_top(frame) -> None:
    ax = plots.plot_effects(frame, most=5)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[::-1] == frame["term"].head(5).tolist()


def test_terms_that_are_not_reported_are_grey(frame) -> None:
    ax = plots.plot_effects(frame, most=len(frame))
    colours = [to_hex(bar.get_facecolor()).upper() for bar in ax.patches][::-1]
    assert [colour == plots.GREY for colour in colours] == [
        not reported for reported in frame["reported"]
    ]


def test_effects_without_intervals_can_be_drawn(frame) -> None:
    ax = plots.plot_effects(frame.assign(lower=np.nan, upper=np.nan))
    assert len(ax.patches) == 15


def test_a_report_draws_itself_on_a_given_ax() -> None:
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    report = explain(ExactModel(known_answers.third_order()))
    assert report.plot(ax) is ax
    assert report.plot() is not ax
    assert len(report.plot_interactions().images) == 1


def test_the_map_of_interactions_is_symmetric_with_main_effects_on_it(frame) -> None:
    ax = plots.plot_interactions(frame)
    effects = np.asarray(ax.images[0].get_array(), dtype=float)
    np.testing.assert_array_equal(effects, effects.T)
    names = [label.get_text() for label in ax.get_xticklabels()]
    main = frame[frame["order"] == 1].set_index("term")["effect"]
    np.testing.assert_allclose(np.diag(effects), main[names])


def test_option_names_with_a_colon_keep_their_place_in_the_map() -> None:
    terms = pd.DataFrame(
        {"term": ["a:b", "c", "a:b:c"], "order": [1, 1, 2], "effect": [1.0, 2.0, 3.0]}
    )
    effects = np.asarray(plots.plot_interactions(terms).images[0].get_array())
    assert effects.tolist() == [[1.0, 3.0], [3.0, 2.0]]


def test_a_front_shows_measured_and_predicted_points_apart() -> None:
    front = pd.DataFrame(
        {
            "latency_s": [1.0, 2.0],
            "energy_j": [4.0, 3.0],
            "latency_s_lower": [np.nan, 1.5],
            "latency_s_upper": [np.nan, 2.5],
            "energy_j_lower": [np.nan, 2.5],
            "energy_j_upper": [np.nan, 3.5],
            "measured": [True, False],
        }
    )
    ax = plots.plot_front(front, ["latency_s", "energy_j"], others=front)
    _, labels = ax.get_legend_handles_labels()
    assert labels == ["others", "front, measured", "front, predicted"]
    assert ax.get_xlabel() == "latency_s"
