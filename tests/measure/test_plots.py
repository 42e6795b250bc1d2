"""Pictures show what they are given, onto the ax that they are given."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from measure.designs.diagnostics import evaluate
from measure.designs.two_level import plackett_burman
from measure.plots import plot_drift, plot_power
from measure.records import Reading
from measure.space import ConfigurationSpace
from tests.contracts.samples import sample_plan, sample_run

matplotlib.use("Agg")


@pytest.fixture
def ax() -> Iterator[Axes]:
    figure = Figure()
    yield figure.subplots()
    figure.clear()


def test_the_drift_is_the_reference_runs_as_a_ratio_to_the_first(ax: Axes) -> None:
    plan = sample_plan()
    runs = [
        sample_run(
            plan, 0, readings=(Reading(name="latency_s", value=0.02, unit="s"),)
        ),
        sample_run(plan, 1),
        sample_run(
            plan, 5, readings=(Reading(name="latency_s", value=0.03, unit="s"),)
        ),
    ]
    assert plot_drift(runs, ax) is ax
    line = ax.get_lines()[1]
    assert list(line.get_ydata()) == pytest.approx([1.0, 1.5])
    assert list(line.get_xdata()) == pytest.approx([0.0, 5.0])
    assert ax.get_legend() is None


def test_a_sweep_without_reference_runs_gives_an_empty_picture(ax: Axes) -> None:
    assert len(plot_drift([], ax).get_lines()) == 1


def test_the_power_of_each_term_is_a_bar(ax: Axes) -> None:
    frame = pd.DataFrame(
        {
            "term": ["a", "a:b"],
            "power": [0.9, float("nan")],
            "estimable": [True, False],
        }
    )
    plot_power(frame, ax)
    assert [bar.get_width() for bar in ax.patches] == [0.0, 0.9]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a:b", "a"]


def test_a_design_report_draws_its_power(ax: Axes) -> None:
    space = ConfigurationSpace.from_dict(
        {"options": {name: {"kind": "boolean"} for name in "abc"}}
    )
    evaluate(plackett_burman(space, runs=8)).plot(ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["c", "b", "a"]
