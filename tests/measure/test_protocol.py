"""Protocols are plain data, and run orders are random where they may be."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure.errors import SweepError
from measure.protocol import MeasurementProtocol, run_order, run_orders, take_turns


def test_a_protocol_round_trips_through_plain_data() -> None:
    protocol = MeasurementProtocol.quick(replicates=3, cool_down_s=0.5)
    assert MeasurementProtocol.from_dict(protocol.to_dict()) == protocol


def test_quick_is_one_short_batch_without_a_warm_up_test() -> None:
    timing = MeasurementProtocol.quick().timing()
    assert timing.quick
    assert timing.min_calls == 1
    assert timing.seconds < MeasurementProtocol.full().seconds == 0.35


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": 0.0},
        {"seconds": 100.0},
        {"seconds": float("nan")},
        {"replicates": 0},
        {"reference_every": 0},
        {"cool_down_s": -1.0},
        {"name": "fast"},
        {"min_calls": 0},
    ],
)
def test_a_protocol_that_cannot_be_carried_out_is_refused(
    wrong: dict[str, float],
) -> None:
    with pytest.raises(SweepError):
        MeasurementProtocol(**wrong)  # type: ignore[arg-type]


def test_a_value_that_no_protocol_has_is_refused() -> None:
    with pytest.raises(SweepError, match="unknown value 'loops'"):
        MeasurementProtocol.from_dict({"loops": 3})


@given(rows=st.integers(1, 60), replicates=st.integers(1, 3), seed=st.integers(0, 99))
def test_every_row_is_run_once_a_replicate_and_the_reference_all_along(
    rows: int, replicates: int, seed: int
) -> None:
    order = run_order(rows, np.random.default_rng(seed), replicates=replicates)
    found = sorted((s.replicate, s.row) for s in order if s.row is not None)
    assert found == [(r, i) for r in range(replicates) for i in range(rows)]
    assert order[0].role == order[-1].role == "reference"
    stretches = [
        len(list(group)) for role, group in groupby(s.role for s in order) if role
    ]
    assert max(stretches) <= 10


def test_all_rows_are_run_before_any_is_repeated() -> None:
    order = run_order(9, np.random.default_rng(0), replicates=2)
    assert [s.replicate for s in order if s.row is not None] == [0] * 9 + [1] * 9


def test_the_order_is_random_and_repeats_with_its_seed() -> None:
    def rows(seed: int) -> list[int | None]:
        return [s.row for s in run_order(30, np.random.default_rng(seed))]

    assert rows(1) == rows(1)
    assert rows(1) != rows(2)
    assert [row for row in rows(1) if row is not None] != list(range(30))


def test_blocks_follow_each_other_and_are_random_within() -> None:
    blocks = [1] * 20 + [0] * 20
    order = run_order(40, np.random.default_rng(0), blocks=blocks)
    rows = [s.row for s in order if s.row is not None]
    assert [s.block for s in order if s.row is not None] == blocks
    assert set(rows[:20]) == set(range(20))
    assert rows[:20] != list(range(20))


def test_whole_plots_stay_together_and_no_reference_run_splits_one() -> None:
    plots = [plot for plot in range(6) for _ in range(4)]
    order = run_order(24, np.random.default_rng(3), whole_plots=plots)
    seen = [plot for plot, _ in groupby(s.whole_plot for s in order)]
    assert sorted(plot for plot in seen if plot is not None) == list(range(6))
    assert [plot for plot in seen if plot is not None] != list(range(6))


def test_a_repeat_of_a_whole_plot_is_a_whole_plot_of_its_own() -> None:
    plots = [7, 7, 9, 9]
    order = run_order(4, np.random.default_rng(0), replicates=2, whole_plots=plots)
    found = {(s.row, s.replicate): s.whole_plot for s in order if s.row is not None}
    first = [found[row, 0] for row in range(4)]
    again = [found[row, 1] for row in range(4)]
    assert first == plots and again == [10, 10, 12, 12]


def test_environments_share_the_order_of_whole_plots_and_visit_each_in_turn() -> None:
    plots = [plot for plot in range(6) for _ in range(3)]
    rng = np.random.default_rng(1)
    orders = run_orders(2, 18, rng, replicates=2, whole_plots=plots)
    assert [s.whole_plot for s in orders[0]] == [s.whole_plot for s in orders[1]]
    assert [s.row for s in orders[0]] != [s.row for s in orders[1]]
    turns = take_turns(orders)
    seen = [plot for plot, _ in groupby(s.whole_plot for _, s in turns)]
    visited = [plot for plot in seen if plot is not None]
    # Each whole plot, and each repeat of one, is set up once for both environments.
    assert sorted(visited) == list(range(12))
    for environment in (0, 1):
        own = [slot for index, slot in turns if index == environment]
        assert own == orders[environment]


def test_environments_without_whole_plots_take_turns_at_reference_runs() -> None:
    orders = run_orders(2, 12, np.random.default_rng(1), reference_every=5)
    turns = take_turns(orders)
    pieces = [(e, len(list(g))) for e, g in groupby(turns, key=lambda turn: turn[0])]
    assert pieces == [(0, 6), (1, 6), (0, 6), (1, 6), (0, 3), (1, 3), (0, 1), (1, 1)]
