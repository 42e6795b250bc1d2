"""Hadamard matrices and Plackett-Burman designs."""

from __future__ import annotations

import numpy as np
import pytest

from measure.designs.two_level import ORDERS, hadamard, plackett_burman
from measure.errors import DesignError
from measure.space import ConfigurationSpace


def two_level_space(n_options: int) -> ConfigurationSpace:
    options = {f"x{i}": {"kind": "boolean"} for i in range(n_options)}
    return ConfigurationSpace.from_dict({"options": options})


@pytest.mark.parametrize("order", ORDERS)
def test_a_hadamard_matrix_has_orthogonal_columns_of_signs(order: int) -> None:
    matrix = hadamard(order)
    assert matrix.dtype == np.int8 and matrix.shape == (order, order)
    assert set(np.unique(matrix)) <= {-1, 1}
    assert (matrix[:, 0] == 1).all()
    wide = matrix.astype(int)
    assert (wide.T @ wide == order * np.eye(order, dtype=int)).all()


@pytest.mark.parametrize("order", [-4, 0, 3, 10, 104])
def test_another_order_is_refused_with_those_there_are(order: int) -> None:
    with pytest.raises(DesignError, match=f"order {order} .*multiples of 4 up to 100"):
        hadamard(order)


@pytest.mark.parametrize("n_options", [1, 7, 8, 23, 99])
def test_main_effects_of_a_plackett_burman_design_are_orthogonal(
    n_options: int,
) -> None:
    design = plackett_burman(two_level_space(n_options))
    assert design.runs == 4 * (n_options // 4 + 1)
    assert (
        np.abs(design.matrix.T @ design.matrix - design.runs * np.eye(n_options + 1))
        < 1e-9
    ).all()


def test_a_fold_over_frees_main_effects_of_interactions() -> None:
    space = two_level_space(7)
    design = plackett_burman(space, fold_over=True)
    signs = 2.0 * design.frame.to_numpy(dtype=float) - 1
    assert design.runs == 16
    pairs = np.array([signs[:, i] * signs[:, j] for i in range(7) for j in range(i)])
    assert np.abs(pairs @ signs).max() == 0


def test_options_with_more_levels_are_set_to_the_extremes_and_it_is_said() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {
                "cores": {"kind": "numeric", "levels": [4, 1, 2]},
                "backend": {"kind": "categorical", "levels": ["graph", "xla", "lite"]},
                "onednn": {"kind": "boolean"},
            }
        }
    )
    design = plackett_burman(space)
    assert set(design.frame["cores"]) == {1, 4}
    assert set(design.frame["backend"]) == {"graph", "lite"}
    assert design.notes == (
        "two levels of options that have more: cores 1 and 4; backend graph and lite",
    )
    named = plackett_burman(space, levels={"backend": ("xla", "lite")})
    assert set(named.frame["backend"]) == {"xla", "lite"}
    with pytest.raises(DesignError, match="'speed', which is no option"):
        plackett_burman(space, levels={"speed": (1, 2)})
    with pytest.raises(DesignError, match="two different levels"):
        plackett_burman(space, levels={"cores": (1, 1)})


def test_a_number_of_runs_that_does_not_fit_is_refused_with_those_that_do() -> None:
    with pytest.raises(DesignError, match="no 8 runs for 11 options; choose one of 12"):
        plackett_burman(two_level_space(11), runs=8)
    with pytest.raises(DesignError, match="with fold-over: no 12 .*one of 24, 32"):
        plackett_burman(two_level_space(11), runs=12, fold_over=True)
    with pytest.raises(DesignError, match="100 options, but 100 runs screen at most"):
        plackett_burman(two_level_space(100))


def test_a_forbidden_run_is_an_error_that_names_it_and_the_way_out() -> None:
    space = ConfigurationSpace.from_dict(
        {
            "options": {"a": {"kind": "boolean"}, "b": {"kind": "boolean"}},
            "forbid": [{"a": True, "b": True}],
        }
    )
    with pytest.raises(DesignError, match=r"\(a=true, b=true\); choose .*d-optimal"):
        plackett_burman(space)
