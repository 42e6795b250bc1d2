"""Definitive screening designs."""

from __future__ import annotations

import numpy as np
import pytest

from measure.designs.screening import conference_matrix, definitive_screening
from measure.errors import DesignError
from measure.space import ConfigurationSpace


def three_levels(k: int) -> ConfigurationSpace:
    return ConfigurationSpace.from_dict(
        {
            "options": {
                f"x{i}": {"kind": "numeric", "levels": [-1, 0, 1]} for i in range(k)
            }
        }
    )


@pytest.mark.parametrize("order", [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 26, 28, 30])
def test_a_conference_matrix_has_orthogonal_columns(order: int) -> None:
    matrix = conference_matrix(order)
    assert matrix is not None
    assert (np.diag(matrix) == 0).all()
    assert (np.abs(matrix).sum(axis=0) == order - 1).all()
    assert (matrix.T @ matrix == (order - 1) * np.eye(order)).all()


def test_orders_that_do_not_exist_are_none() -> None:
    assert conference_matrix(22) is None and conference_matrix(34) is None


@pytest.mark.parametrize("k", [1, 3, 4, 5, 8, 9, 12, 16, 21])
def test_main_effects_are_orthogonal_to_each_other_and_to_second_order(k: int) -> None:
    design = definitive_screening(three_levels(k))
    X = design.frame.to_numpy(dtype=float)
    gram = X.T @ X
    assert (gram == np.diag(np.diag(gram))).all()
    assert (np.diag(gram) >= 2 * (k - 1)).all()
    second = np.array([X[:, i] * X[:, j] for i in range(k) for j in range(i + 1)])
    assert np.abs(second @ X).max() == 0
    assert (X[-1] == 0).all()


def test_two_level_options_keep_main_effects_clear_of_interactions() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                "a": {"kind": "numeric", "levels": [1, 2, 3]},
                "b": {"kind": "boolean"},
                "c": {"kind": "numeric", "levels": [10, 11, 12, 20]},
                "d": {"kind": "categorical", "levels": ["x", "y", "z"]},
                "e": {"kind": "numeric", "levels": [0, 1, 2]},
            }
        }
    )
    design = definitive_screening(space)
    assert design.runs == 14
    assert set(design.frame["d"]) == {"x", "z"} and set(design.frame["c"]) == {
        10,
        12,
        20,
    }
    codes = np.column_stack(
        [
            design.frame["a"] - 2,
            2 * design.frame["b"].astype(int) - 1,
            design.frame["d"].map({"x": -1, "z": 1}).astype(int),
            design.frame["e"] - 1,
        ]
    )
    k = codes.shape[1]
    pairs = np.array(
        [codes[:, i] * codes[:, j] for i in range(k) for j in range(i + 1)]
    )
    assert np.abs(pairs @ codes).max() == 0
    assert design.notes == (
        "three levels of options that have more: the ends and c 12",
        "the first and the last level of d, which have more",
        "the middle level of c is not in the middle of the range: main effects are "
        "not quite orthogonal",
    )


def test_a_design_without_a_third_level_is_refused() -> None:
    space = ConfigurationSpace.from_dict({"options": {"a": {"kind": "boolean"}}})
    with pytest.raises(DesignError, match="no numeric option has three levels"):
        definitive_screening(space)
    with pytest.raises(DesignError, match="51 options, more than 50"):
        definitive_screening(three_levels(51))
