"""Orthogonal arrays."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.designs.orthogonal import difference_matrix, orthogonal_array

# Runs, symbols of the columns: arrays that are tabulated under these names.
TABULATED = {
    "L8": (8, [2] * 7),
    "L9": (9, [3] * 4),
    "L12": (12, [2] * 11),
    "L16b": (16, [4] * 5),
    "L18": (18, [2] + [3] * 7),
    "L25": (25, [5] * 6),
    "L27": (27, [3] * 13),
    "L32": (32, [2] * 28 + [4]),
    "L36": (36, [2] * 11 + [3] * 12),
    "L49": (49, [7] * 8),
    "L50": (50, [2] + [5] * 11),
    "L54": (54, [2] + [3] * 25),
    "L64b": (64, [4] * 21),
    "L81": (81, [3] * 40),
    "L98": (98, [2] + [7] * 15),
}


def is_orthogonal(array: np.ndarray, symbols: list[int]) -> bool:
    """All pairs of symbols of all pairs of columns counted."""
    for (i, a), (j, b) in combinations(enumerate(symbols), 2):
        counts = np.bincount(array[:, i] * b + array[:, j], minlength=a * b)
        if len(counts) > a * b or (counts * a * b != len(array)).any():
            return False
    return True


@pytest.mark.parametrize("name", TABULATED)
def test_a_tabulated_array_is_whole(name: str) -> None:
    runs, symbols = TABULATED[name]
    array, served = orthogonal_array(runs, symbols)
    assert served.tolist() == list(range(len(symbols)))
    assert is_orthogonal(array, symbols)


@settings(max_examples=80, deadline=None)
@given(
    runs=st.integers(1, 150),
    symbols=st.lists(st.integers(2, 9), min_size=1, max_size=9),
)
def test_what_is_served_is_orthogonal_and_balanced(
    runs: int, symbols: list[int]
) -> None:
    array, served = orthogonal_array(runs, symbols)
    own = [symbols[i] for i in served]
    assert array.shape == (runs, len(own))
    assert len(set(served.tolist())) == len(own)
    assert is_orthogonal(array, own)
    for column, size in zip(array.T, own, strict=True):
        assert (np.bincount(column, minlength=size) * size == runs).all()


@pytest.mark.parametrize("group", [2, 3, 5, 7])
def test_columns_of_a_difference_matrix_differ_by_all_elements_equally(
    group: int,
) -> None:
    orders = [
        n for n in range(group, 60, group) if difference_matrix(n, group) is not None
    ]
    assert {group, 2 * group} <= set(orders)
    for order in orders:
        matrix = difference_matrix(order, group)
        assert matrix is not None and matrix.shape == (order, order)
        for a, b in combinations(matrix.T, 2):
            counts = np.bincount((a - b) % group, minlength=group)
            assert (counts == order // group).all()


def test_no_array_serves_what_none_is_known_for() -> None:
    array, served = orthogonal_array(10, [3, 4])
    assert array.shape == (10, 0) and served.size == 0
    assert difference_matrix(4, 3) is None and difference_matrix(6, 2) is None
