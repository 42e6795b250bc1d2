"""What setting dear options takes."""

from __future__ import annotations

import pytest

from measure.changing import changes_of, dear_options, usual_change_s
from measure.configuration import Configuration
from measure.space import ConfigurationSpace

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "isa": {"kind": "boolean", "change_cost_s": 30},
            "emc": {"kind": "numeric", "levels": [1, 2, 3], "change_cost_s": 6},
            "threads": {"kind": "numeric", "levels": [1, 2]},
        }
    }
)


def runs(*levels: tuple[bool, int, int]) -> list[Configuration]:
    return [Configuration(dict(zip(SPACE.names, row, strict=True))) for row in levels]


def test_only_changes_of_dear_options_count() -> None:
    order = runs((True, 1, 1), (True, 1, 2), (True, 2, 1), (False, 3, 1))
    found = changes_of(SPACE, order, [True] * 4)
    assert found is not None and found.options == ("isa", "emc")
    assert (found.planned, found.planned_s) == (3, 30 + 2 * 6)
    assert dear_options(SPACE) == ("isa", "emc")


def test_random_order_is_what_the_runs_would_take_without_whole_plots() -> None:
    order = runs(*[(i < 20, 1, 1 + i % 2) for i in range(40)])
    found = changes_of(SPACE, order, [True] * 40)
    assert found is not None and found.planned == 1
    # 20 of each level: 39 steps, each a change with a chance of 20 / 39.
    assert found.random == pytest.approx(20, abs=1.5)
    assert found.random_s == pytest.approx(30 * found.random)
    assert "1 change, about 30 s, in this order; " in found.describe()
    assert found.describe(20.0).endswith("--design split-plot: about 20 s")


def test_nothing_is_said_where_no_option_is_dear() -> None:
    cheap = ConfigurationSpace.from_dict({"options": {"a": {"kind": "boolean"}}})
    configurations = [Configuration({"a": True}), Configuration({"a": False})]
    assert changes_of(cheap, configurations, [True, True]) is None
    assert usual_change_s(cheap) == 0
    assert usual_change_s(SPACE) == pytest.approx(30 / 2 + 6 * 2 / 3)
