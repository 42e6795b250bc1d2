"""The compiled exchange against the formulas that it shortens."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from measure.designs import exchange, point_exchange
from measure.designs import state as states
from measure.designs import walks
from measure.designs.criteria import criterion_of, moments
from measure.designs.local_search import Task, make_problem, make_state
from measure.designs.problem import code
from measure.space import ConfigurationSpace
from measure.terms import model_matrix, model_terms

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "a": {"kind": "numeric", "levels": [1, 2, 4, 8]},
            "b": {"kind": "categorical", "levels": ["x", "y", "z"]},
            "c": {"kind": "boolean"},
            "d": {"kind": "numeric", "levels": [1, 2, 3]},
        },
        "forbid": [{"a": 8, "b": "z"}, {"c": True, "d": {"max": 1}}],
    }
)
MODELS = ("main", "interactions", "quadratic", "a*b*c + I(d**2):a + I(a**3)")


def task_of(model: str, criterion: str = "d", runs: int = 40) -> Task:
    terms = model_terms(SPACE, model).terms
    coding = code(SPACE, terms)
    found = criterion_of(criterion, SPACE, terms, coding)
    return Task(
        coding=coding,
        levels=np.zeros((runs, len(SPACE.options)), dtype=np.int64),
        free=np.ones(runs, dtype=bool),
        prior=found.precision,
        target=found.target,
        pool=SPACE.all_rows(),
    )


def value(task: Task, levels: np.ndarray) -> float:
    """The criterion from its definition, as a score to maximise."""
    rows = np.array([row(task, level) for level in levels])
    information = rows.T @ rows + np.diag(task.prior)
    if task.target.size:
        p = len(information)
        return float(-p * np.log(np.trace(np.linalg.inv(information) @ task.target)))
    return float(np.linalg.slogdet(information)[1])


def row(task: Task, levels: np.ndarray) -> np.ndarray:
    tables, factors = task.coding.tables, task.coding.factors
    picked = [tables[i, level][factors[:, i]] for i, level in enumerate(levels)]
    return np.asarray(np.prod(picked, axis=0))


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_those_of_the_model_matrix(model: str) -> None:
    task = task_of(model)
    indices = SPACE.all_rows()
    expected = model_matrix(SPACE, model_terms(SPACE, model).terms, indices).X
    rows = point_exchange.candidate_rows(make_problem(task), indices)
    np.testing.assert_allclose(rows, expected, atol=1e-12)


@pytest.mark.parametrize("criterion", ["d", "a", "i", "bayes-d"])
@pytest.mark.parametrize("model", MODELS)
def test_updates_keep_what_computing_afresh_gives(model: str, criterion: str) -> None:
    task = task_of(model, criterion)
    problem, state = make_problem(task), make_state(task)
    random = np.array([5], dtype=np.uint64)
    assert walks.start(problem, state, random)
    for _ in range(5):
        run = int(states.below(random, 40))
        levels = problem.pool[int(states.below(random, len(problem.pool)))]
        walks.replace(problem, state, run, levels)
        exchange.descend(problem, state)
    fresh = states.snapshot(state)
    states.refresh(problem, fresh)
    np.testing.assert_allclose(state.inverse, fresh.inverse, atol=1e-9)
    np.testing.assert_allclose(state.spread, fresh.spread, atol=1e-9)
    np.testing.assert_allclose(state.inner, fresh.inner, atol=1e-9)
    np.testing.assert_array_equal(state.key, fresh.key)
    reached = states.score(problem, state)
    assert reached == pytest.approx(states.score(problem, fresh), abs=1e-9)
    assert reached == pytest.approx(value(task, state.levels), abs=1e-8)
    assert SPACE.valid(state.levels).all()


@pytest.mark.parametrize("criterion", ["d", "a", "i", "bayes-d"])
def test_no_single_change_improves_what_the_descent_returns(criterion: str) -> None:
    task = task_of("quadratic", criterion)
    problem, state = make_problem(task), make_state(task)
    walks.start(problem, state, np.array([1], dtype=np.uint64))
    reached = value(task, state.levels)
    for run, option in product(range(40), range(len(SPACE.options))):
        for level in range(len(SPACE.options[option].levels)):
            levels = state.levels.copy()
            levels[run, option] = level
            if SPACE.valid(levels[run : run + 1])[0]:
                assert value(task, levels) < reached + 1e-7


@pytest.mark.parametrize("criterion", ["d", "a", "i"])
def test_no_exchange_of_a_run_improves_what_point_exchange_returns(
    criterion: str,
) -> None:
    task = task_of("main", criterion, runs=12)
    problem, state = make_problem(task), make_state(task)
    candidates = SPACE.all_rows()
    point_exchange.start_among(
        problem, state, np.array([1], dtype=np.uint64), candidates
    )
    reached = value(task, state.levels)
    for run in range(12):
        for candidate in candidates:
            levels = state.levels.copy()
            levels[run] = candidate
            assert value(task, levels) < reached + 1e-7


def test_the_inverse_and_log_determinant_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(30, 20))
    matrix = root.T @ root
    result = np.empty_like(matrix)
    log_det = states.invert(matrix.copy(), result)
    assert log_det == pytest.approx(np.linalg.slogdet(matrix)[1])
    np.testing.assert_allclose(result @ matrix, np.eye(20), atol=1e-8)
    singular = np.ones((3, 3))
    assert states.invert(singular, np.empty((3, 3))) == -np.inf


def test_moments_of_a_free_space_are_the_mean_over_all_configurations() -> None:
    free = ConfigurationSpace(SPACE.options)
    terms = model_terms(free, "quadratic").terms
    matrix = model_matrix(free, terms, free.all_rows()).X
    expected = matrix.T @ matrix / len(matrix)
    np.testing.assert_allclose(
        moments(free, terms, code(free, terms)), expected, atol=1e-12
    )
