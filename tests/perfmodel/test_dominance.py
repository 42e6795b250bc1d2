"""Fronts and volumes against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perfmodel.dominance import dominated_volume, non_dominated, told_apart
from tests.known_answers import brute_force_front

POINTS = st.tuples(st.integers(1, 25), st.integers(1, 4)).flatmap(
    lambda shape: arrays(float, shape, elements=st.integers(0, 5).map(float))
)


@given(POINTS)
def test_the_front_is_the_brute_force_front(points) -> None:
    assert non_dominated(points).tolist() == brute_force_front(points).tolist()


@given(POINTS)
def test_the_volume_is_the_number_of_dominated_unit_cells(points) -> None:
    n_responses = points.shape[1]
    corners = np.stack(np.meshgrid(*[np.arange(6)] * n_responses), axis=-1)
    cells = corners.reshape(-1, n_responses)
    inside = sum(bool((points <= cell).all(axis=1).any()) for cell in cells)
    assert dominated_volume(points, np.full(n_responses, 6.0)) == pytest.approx(inside)


def test_a_point_with_a_missing_response_is_not_on_the_front() -> None:
    points = np.array([[1.0, np.nan], [2.0, 2.0]])
    assert non_dominated(points).tolist() == [False, True]


def test_equal_points_are_all_on_the_front() -> None:
    assert non_dominated(np.array([[1.0, 2.0]] * 3)).all()


def test_points_beyond_the_reference_add_no_volume() -> None:
    points = np.array([[1.0, 1.0], [0.0, 9.0]])
    assert dominated_volume(points, np.array([2.0, 2.0])) == 1.0


def test_a_front_of_many_points_takes_little_time() -> None:
    points = np.random.default_rng(0).random((200_000, 2))
    assert 1 <= non_dominated(points).sum() < 100


@given(POINTS, st.floats(0, 3))
def test_points_are_told_apart_where_no_interval_is_shared(points, half) -> None:
    taken = told_apart(points - half, points + half)
    gaps = np.abs(points[:, None] - points[None]).max(axis=2)
    among = gaps[np.ix_(taken, taken)]
    assert (among[~np.eye(len(taken), dtype=bool)] > 2 * half).all()
    # Each of the others shares its intervals with one that was taken.
    assert (gaps[:, taken].min(axis=1) <= 2 * half).all()
