"""Rows of a front with equal predictions, joined."""

from __future__ import annotations

from itertools import product

import numpy as np

from measure.space import ConfigurationSpace, Option
from perfmodel.commands.alike import alike
from perfmodel.pareto import ParetoFront

SPACE = ConfigurationSpace(
    [
        Option(name="threads", levels=(1, 2, 4)),
        Option(name="backend", levels=("graph", "xla")),
    ]
)


def front(time: list[float], measured: list[bool] | None = None) -> ParetoFront:
    frame = SPACE.decode(SPACE.all_rows())
    frame["time_s"] = time
    frame["time_s_lower"], frame["time_s_upper"] = np.nan, np.nan
    frame["measured"] = False if measured is None else measured
    return ParetoFront(
        frame=frame,
        options=SPACE.names,
        responses={"time_s": "s"},
        maximised=(),
        reference_point={"time_s": 9.0},
        candidates=frame,
    )


def test_an_option_that_changes_nothing_reads_any() -> None:
    lines = alike(front([1.0, 1.0, 2.0, 2.0, 3.0, 3.0 * (1 + 1e-14)]), SPACE)
    assert [line.levels for line in lines] == [("1", "any"), ("2", "any"), ("4", "any")]
    assert [line.places for line in lines] == [(0, 1), (2, 3), (4, 5)]


def test_some_levels_of_many_are_listed() -> None:
    first, *others = alike(front([1.0, 2.0, 1.0, 2.0, 3.0, 4.0]), SPACE)
    assert first.levels == ("1, 2", "graph")
    assert [line.levels for line in others] == [
        ("1, 2", "xla"),
        ("4", "graph"),
        ("4", "xla"),
    ]


def test_every_row_stands_for_all_combinations_of_its_levels_and_no_other() -> None:
    measured = [False, False, False, True, False, False]
    data = front([1.0] * 6, measured)
    lines = alike(data, SPACE)
    places = sorted(place for line in lines for place in line.places)
    assert places == list(range(6))
    assert [line.places for line in lines if line.row["measured"]] == [(3,)]
    for line in lines:
        rows = data.frame.iloc[list(line.places)][list(SPACE.names)]
        sides = [rows[name].unique() for name in SPACE.names]
        told = set(rows.itertuples(index=False, name=None))
        assert told == set(product(*sides))
