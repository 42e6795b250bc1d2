"""Point exchange: each run becomes the best row of a list of candidates.

This module imports numba; import it inside the functions that search.
"""

from __future__ import annotations

import numpy as np

from measure.designs.compiling import compiled
from measure.designs.exchange import IMPROVEMENT, REFRESH_AFTER, gain
from measure.designs.state import (
    CHANGES,
    RIDGE,
    Problem,
    State,
    below,
    change,
    copy_row,
    copy_rows,
    dot,
    is_taken,
    model_row,
    refresh,
    restore,
    row_key,
    save,
    score,
    snapshot,
    uniform,
)
from measure.designs.walks import replace

_FIRST_RIDGE = 1e-4
_LARGEST_MOVE = 4
_TRIES = 8


@compiled
def _quadratic(rows: np.ndarray, matrix: np.ndarray, result: np.ndarray) -> None:
    for c in range(rows.shape[0]):
        value = 0.0
        for i in range(rows.shape[1]):
            value += rows[c, i] * dot(matrix[i], rows[c])
        result[c] = value


@compiled
def descend_among(
    problem: Problem, state: State, candidates: np.ndarray, rows: np.ndarray
) -> bool:
    """Exchange runs for candidates until no single exchange is an improvement.

    `candidates` are level indices, `rows` their model rows.
    """
    n = state.levels.shape[0]
    m, p = rows.shape
    linear = problem.target.shape[0] > 0
    keys = np.empty(m, np.uint64)
    for c in range(m):
        keys[c] = row_key(problem, candidates[c])
    variance = np.empty(m)
    inner = np.zeros(m)
    _quadratic(rows, state.inverse, variance)
    if linear:
        _quadratic(rows, state.inner, inner)
    everywhere = np.arange(p)
    old = np.empty(p)
    since = 0
    run = int(np.int64(0))
    while since < n:
        since += 1
        if problem.movable[run].any():
            ff = dot(state.rows[run], state.spread[run])
            bff = 0.0
            if linear:
                bff = dot(state.rows[run], state.inner_spread[run])
            best = 1.0 + IMPROVEMENT
            choice = int(np.int64(-1))
            for c in range(m):
                gf = dot(rows[c], state.spread[run])
                bgg = 0.0
                bgf = 0.0
                if linear:
                    bgg = inner[c]
                    bgf = dot(rows[c], state.inner_spread[run])
                value = gain(
                    problem,
                    state,
                    variance[c] - 2.0 * gf + ff,
                    gf - ff,
                    ff,
                    bgg - 2.0 * bgf + bff,
                    bgf - bff,
                    bff,
                    1.0,
                )
                if value > best:
                    if problem.repeats or not is_taken(state, run, keys[c]):
                        best = value
                        choice = c
            if choice >= 0:
                since = 0
                model_row(problem, state.levels[run], old)
                y, z, k00, k01, k11 = change(
                    problem, state, run, everywhere, rows[choice] - old
                )
                copy_row(candidates[choice], state.levels[run])
                state.key[run] = keys[choice]
                if state.scalars[CHANGES] > REFRESH_AFTER:
                    if not refresh(problem, state):
                        return False
                    _quadratic(rows, state.inverse, variance)
                else:
                    for c in range(m):
                        gy = dot(rows[c], y)
                        gz = dot(rows[c], z)
                        variance[c] -= (
                            k00 * gy * gy + 2.0 * k01 * gy * gz + k11 * gz * gz
                        )
                if linear:
                    _quadratic(rows, state.inner, inner)
        run = (run + 1) % n
    return True


@compiled
def candidate_rows(problem: Problem, candidates: np.ndarray) -> np.ndarray:
    """Return the model rows of the candidates."""
    rows = np.empty((candidates.shape[0], problem.factors.shape[0]))
    for c in range(candidates.shape[0]):
        model_row(problem, candidates[c], rows[c])
    return rows


@compiled
def start_among(
    problem: Problem, state: State, random: np.ndarray, candidates: np.ndarray
) -> bool:
    """Draw all runs that may move from `candidates`, and exchange to an optimum."""
    n = state.levels.shape[0]
    m = candidates.shape[0]
    for run in range(n):
        state.key[run] = row_key(problem, state.levels[run])
    order = np.arange(m)
    next_one = m
    for run in range(n):
        if problem.movable[run].any() and m > 0:
            for _ in range(m):
                # Through all candidates in random order before any is repeated.
                if next_one == m:
                    for i in range(m - 1, 0, -1):
                        j = below(random, i + 1)
                        order[i], order[j] = order[j], order[i]
                    next_one = 0
                c = order[next_one]
                next_one += 1
                key = row_key(problem, candidates[c])
                if problem.repeats or not is_taken(state, run, key):
                    copy_row(candidates[c], state.levels[run])
                    state.key[run] = key
                    break
    rows = candidate_rows(problem, candidates)
    state.scalars[RIDGE] = _FIRST_RIDGE
    while not refresh(problem, state):
        state.scalars[RIDGE] *= 10.0
    descend_among(problem, state, candidates, rows)
    ridge = state.scalars[RIDGE]
    state.scalars[RIDGE] = 0.0
    if refresh(problem, state):
        return descend_among(problem, state, candidates, rows)
    state.scalars[RIDGE] = ridge
    refresh(problem, state)
    return False


@compiled
def improve_among(
    problem: Problem,
    state: State,
    best: np.ndarray,
    memory: np.ndarray,
    random: np.ndarray,
    iterations: int,
    temperature: float,
    candidates: np.ndarray,
) -> None:
    """Iterated local search as `exchange.improve`, over candidates alone."""
    n = state.levels.shape[0]
    m = candidates.shape[0]
    free = np.empty(n, np.int64)
    n_free = 0
    for run in range(n):
        if problem.movable[run].any():
            free[n_free] = run
            n_free += 1
    if n_free == 0 or m == 0:
        return
    rows = candidate_rows(problem, candidates)
    saved = snapshot(state)
    for _ in range(iterations):
        current = score(problem, state)
        save(state, saved)
        moves = 1 + below(random, min(_LARGEST_MOVE, n_free))
        for _move in range(moves):
            for _try in range(_TRIES):
                run = free[below(random, n_free)]
                if replace(problem, state, run, candidates[below(random, m)]):
                    break
        sound = descend_among(problem, state, candidates, rows)
        reached = score(problem, state)
        if sound and np.isfinite(reached):
            if reached > memory[0] + IMPROVEMENT:
                sound = refresh(problem, state)
                reached = score(problem, state)
                if sound and reached > memory[0]:
                    memory[0] = reached
                    copy_rows(state.levels, best)
        if sound and np.isfinite(reached):
            if reached >= current:
                continue
            if uniform(random) < np.exp((reached - current) / temperature):
                continue
        restore(state, saved)
