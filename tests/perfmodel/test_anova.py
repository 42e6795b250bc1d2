"""Functional ANOVA against components that are written down, and least squares."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from perfmodel.anova import decompose
from tests import known_answers
from tests.known_answers import KnownAnswer

ANSWERS = [
    known_answers.additive,
    known_answers.interacting,
    known_answers.ishigami,
    known_answers.third_order,
]


def _holes(n: int = 70) -> np.ndarray:
    domain = np.array(list(product(range(3), range(2), range(4), range(5))))
    return domain[np.random.default_rng(3).permutation(len(domain))[:n]]


def _indicators(domain: np.ndarray, pairs: bool) -> np.ndarray:
    columns = [np.ones(len(domain))]
    n_options = domain.shape[1]
    for left in range(n_options):
        columns += [domain[:, left] == level for level in set(domain[:, left])]
        for right in range(left) if pairs else ():
            cells = {tuple(row) for row in domain[:, [left, right]].tolist()}
            columns += [
                (domain[:, left] == a) & (domain[:, right] == b) for a, b in cells
            ]
    return np.column_stack(columns).astype(float)


@pytest.mark.parametrize("make", ANSWERS)
def test_the_components_of_a_full_product_are_the_known_ones(make) -> None:
    answer: KnownAnswer = make()
    space = answer.space
    domain = space.all_rows()
    parts = decompose(domain, answer.log_response(space.decode(domain)))
    for position, name in enumerate(space.names):
        levels = len(space.options[name].levels)
        truth = answer.main.get(name, np.zeros(levels))
        np.testing.assert_allclose(parts.main[position].values[:, 0], truth, atol=1e-9)
    for part in parts.pairs:
        names = tuple(space.names[position] for position in part.options)
        truth = answer.pairs.get(names)
        expected = 0.0 if truth is None else truth[tuple(part.cells.T)]
        np.testing.assert_allclose(part.values[:, 0] - expected, 0, atol=1e-9)
    third = sum(np.mean(cube**2) for cube in answer.three_way.values())
    np.testing.assert_allclose(parts.residual_variance, third, atol=1e-9)


def test_variances_of_a_full_product_add_up_to_the_whole() -> None:
    domain = np.array(list(product(range(3), range(2), range(4))))
    values = np.random.default_rng(0).normal(size=(len(domain), 3))
    parts = decompose(domain, values)
    summed = sum(part.variance for part in (*parts.main, *parts.pairs))
    np.testing.assert_allclose(summed + parts.residual_variance, parts.variance)


@pytest.mark.parametrize("pairs", [False, True])
def test_on_a_domain_with_holes_it_is_the_least_squares_projection(pairs) -> None:
    domain = _holes()
    values = np.random.default_rng(1).normal(size=len(domain))
    parts = decompose(domain, values, None if pairs else [])
    main_matrix = _indicators(domain, pairs=False)
    fitted = main_matrix @ np.linalg.lstsq(main_matrix, values)[0]
    if pairs:
        matrix = _indicators(domain, pairs=True)
        fitted = matrix @ np.linalg.lstsq(matrix, values)[0]
    left = values - fitted
    np.testing.assert_allclose(parts.residual_variance, np.mean(left**2), rtol=1e-6)


def test_pairs_are_orthogonal_to_functions_of_either_option() -> None:
    domain = _holes()
    parts = decompose(domain, np.random.default_rng(2).normal(size=len(domain)))
    for part in (*parts.main, *parts.pairs):
        for position in range(len(part.options)):
            for level in np.unique(part.cells[:, position]):
                rows = part.cells[:, position] == level
                if len(part.options) == 2:
                    mean = part.weights[rows] @ part.values[rows, 0]
                    assert abs(mean) < 1e-9
        assert abs(part.weights @ part.values[:, 0]) < 1e-9


def test_an_option_is_not_credited_with_what_its_neighbour_does() -> None:
    # Two options that mostly go together; only the first has an effect.
    domain = np.array([[0, 0]] * 9 + [[1, 1]] * 9 + [[0, 1], [1, 0]])
    parts = decompose(domain, domain[:, 0].astype(float))
    first, second = parts.main
    np.testing.assert_allclose(np.ptp(first.values), 1.0, atol=1e-9)
    np.testing.assert_allclose(second.values, 0.0, atol=1e-9)


def test_options_that_always_go_together_share_an_effect() -> None:
    domain = np.array([[0, 0], [1, 1]] * 4)
    parts = decompose(domain, domain[:, 0].astype(float))
    extents = [float(np.ptp(part.values)) for part in parts.main]
    np.testing.assert_allclose(extents, [0.5, 0.5])


def test_functions_decomposed_together_are_those_decomposed_alone() -> None:
    domain = _holes()
    values = np.random.default_rng(4).normal(size=(len(domain), 4))
    together = decompose(domain, values)
    for column in range(values.shape[1]):
        alone = decompose(domain, values[:, column])
        for one, all_ in zip(alone.pairs, together.pairs):
            np.testing.assert_allclose(
                one.values[:, 0], all_.values[:, column], atol=1e-7
            )


def test_a_constant_function_has_no_components() -> None:
    parts = decompose(_holes(), np.full(70, 3.0))
    assert parts.mean == 3.0
    assert all((part.values == 0).all() for part in (*parts.main, *parts.pairs))


def test_a_sample_of_a_product_has_the_components_of_the_product() -> None:
    answer = known_answers.ishigami(n_levels=9)
    space = answer.space
    sample = space.sample(400, np.random.default_rng(0))
    values = answer.log_response(space.decode(sample))
    parts = decompose(sample, values, uniform=True)
    np.testing.assert_allclose(parts.main[0].values[:, 0], answer.main["x1"], atol=1e-6)
    np.testing.assert_allclose(parts.main[2].values, 0, atol=1e-6)
    np.testing.assert_allclose(
        parts.pairs[1].variance, np.mean(answer.pairs["x1", "x3"] ** 2), rtol=1e-4
    )
