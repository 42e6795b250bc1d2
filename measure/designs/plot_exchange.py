"""Exchange of the levels of whole plots, as a block, beside that of single runs.

With the steps h_i of the model rows of a plot's runs, their sum s and
t_i = f~_i + (h_i - c s) / 2, the information matrix changes by the sum of
h_i t_i' + t_i h_i', and its determinant by the factor |det(J + U'WU)| with
U = [h_1 .. h_m, t_1 .. t_m] and J exchanging the two halves.

This module imports numba; import it inside the functions that search.
"""

from __future__ import annotations

import numpy as np

from measure.designs.compiling import compiled
from measure.designs.exchange import IMPROVEMENT, descend
from measure.designs.state import (
    RIDGE,
    Problem,
    State,
    below,
    copy_row,
    copy_rows,
    dot,
    is_valid,
    model_row,
    refresh,
    restore,
    save,
    score,
    snapshot,
    uniform,
)
from measure.designs.walks import draw, replace

_FIRST_RIDGE = 1e-4
_LARGEST_MOVE = 3
_TRIES = 8
_DRAWS = 40


@compiled
def _determinant(matrix: np.ndarray) -> float:
    """Return the absolute determinant, by elimination with pivots; overwrites."""
    n = matrix.shape[0]
    result = 1.0
    for i in range(n):
        pivot = i
        for r in range(i + 1, n):
            if abs(matrix[r, i]) > abs(matrix[pivot, i]):
                pivot = r
        if matrix[pivot, i] == 0.0:
            return 0.0
        if pivot != i:
            for c in range(n):
                matrix[i, c], matrix[pivot, c] = matrix[pivot, c], matrix[i, c]
        result *= abs(matrix[i, i])
        for r in range(i + 1, n):
            weight = matrix[r, i] / matrix[i, i]
            for c in range(i, n):
                matrix[r, c] -= weight * matrix[i, c]
    return result


@compiled
def block_ratio(
    problem: Problem, state: State, runs: np.ndarray, levels: np.ndarray
) -> float:
    """Ratio of the determinants if the `runs` of one plot had the `levels`."""
    m = runs.size
    p = state.rows.shape[1]
    c = problem.shrink[runs[0]]
    both = np.zeros((2 * m, p))
    old = np.empty(p)
    for i in range(m):
        model_row(problem, state.levels[runs[i]], old)
        model_row(problem, levels[i], both[i])
        for j in range(p):
            both[i, j] -= old[j]
    for j in range(p):
        total = 0.0
        for i in range(m):
            total += both[i, j]
        for i in range(m):
            both[m + i, j] = state.rows[runs[i], j] + 0.5 * (both[i, j] - c * total)
    across = np.empty(p)
    matrix = np.empty((2 * m, 2 * m))
    for i in range(2 * m):
        for j in range(p):
            across[j] = dot(state.inverse[j], both[i])
        for r in range(2 * m):
            matrix[i, r] = dot(across, both[r])
    for i in range(m):
        matrix[i, m + i] += 1.0
        matrix[m + i, i] += 1.0
    return _determinant(matrix)


@compiled
def _exchange_plots(
    problem: Problem, state: State, hard: np.ndarray, starts: np.ndarray
) -> bool:
    """Give each hard option of each plot its best level; tell whether one moved.

    The runs of plot w stand from `starts[w]` to `starts[w + 1]`; runs before
    `starts[0]` are kept.
    """
    changed = False
    for w in range(starts.size - 1):
        runs = np.arange(starts[w], starts[w + 1])
        levels = np.empty((runs.size, state.levels.shape[1]), np.int64)
        for h in range(hard.size):
            option = hard[h]
            best = 1.0 + IMPROVEMENT
            choice = int(np.int64(-1))
            current = state.levels[runs[0], option]
            for level in range(problem.n_levels[option]):
                if level == current:
                    continue
                allowed = True
                for i in range(runs.size):
                    copy_row(state.levels[runs[i]], levels[i])
                    levels[i, option] = level
                    allowed = allowed and is_valid(problem, levels[i])
                if allowed:
                    ratio = block_ratio(problem, state, runs, levels)
                    if ratio > best:
                        best = ratio
                        choice = level
            if choice >= 0:
                changed = True
                for i in range(runs.size):
                    state.levels[runs[i], option] = choice
                refresh(problem, state)
    return changed


@compiled
def descend_plots(
    problem: Problem, state: State, hard: np.ndarray, starts: np.ndarray
) -> bool:
    """Exchange runs and plots in turn until neither improves."""
    sound = descend(problem, state)
    while sound and _exchange_plots(problem, state, hard, starts):
        sound = descend(problem, state)
    return sound


@compiled
def _draw_plot(
    problem: Problem,
    state: State,
    random: np.ndarray,
    hard: np.ndarray,
    first: int,
    last: int,
) -> None:
    """Draw all levels of a plot: the hard ones together, the others run by run."""
    k = state.levels.shape[1]
    row = np.empty(k, np.int64)
    found = False
    for _ in range(_DRAWS):
        for option in range(k):
            row[option] = below(random, problem.n_levels[option])
        if is_valid(problem, row):
            found = True
            break
    if not found and problem.pool.shape[0] > 0:
        copy_row(problem.pool[below(random, problem.pool.shape[0])], row)
        found = True
    if not found:
        return
    new = np.empty(k, np.int64)
    for run in range(first, last):
        copy_row(row, state.levels[run])
        if draw(problem, random, run, row, new):
            copy_row(new, state.levels[run])


@compiled
def start_plots(
    problem: Problem,
    state: State,
    random: np.ndarray,
    hard: np.ndarray,
    starts: np.ndarray,
) -> bool:
    """Draw all plots, and exchange to a first local optimum."""
    for w in range(starts.size - 1):
        _draw_plot(problem, state, random, hard, starts[w], starts[w + 1])
    state.scalars[RIDGE] = _FIRST_RIDGE
    while not refresh(problem, state):
        state.scalars[RIDGE] *= 10.0
    descend_plots(problem, state, hard, starts)
    ridge = state.scalars[RIDGE]
    state.scalars[RIDGE] = 0.0
    if refresh(problem, state):
        return descend_plots(problem, state, hard, starts)
    state.scalars[RIDGE] = ridge
    refresh(problem, state)
    return False


@compiled
def improve_plots(
    problem: Problem,
    state: State,
    best: np.ndarray,
    memory: np.ndarray,
    random: np.ndarray,
    iterations: int,
    temperature: float,
    hard: np.ndarray,
    starts: np.ndarray,
) -> None:
    """Iterated local search: draw a plot or a few runs anew, exchange, keep or go back.

    `memory` holds the best score so far; `best` the levels that gave it.
    """
    n, k = state.levels.shape
    row = np.empty(k, np.int64)
    saved = snapshot(state)
    for _ in range(iterations):
        current = score(problem, state)
        save(state, saved)
        sound = True
        if hard.size > 0 and below(random, 2) == 0:
            w = below(random, starts.size - 1)
            _draw_plot(problem, state, random, hard, starts[w], starts[w + 1])
            sound = refresh(problem, state)
        else:
            for _move in range(1 + below(random, _LARGEST_MOVE)):
                for _try in range(_TRIES):
                    run = starts[0] + below(random, n - starts[0])
                    if draw(problem, random, run, state.levels[run], row):
                        if replace(problem, state, run, row):
                            break
        sound = sound and descend_plots(problem, state, hard, starts)
        reached = score(problem, state)
        if sound and reached > memory[0] + IMPROVEMENT:
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
