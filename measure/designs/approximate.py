"""Approximate designs: weights of configurations, and the largest variance of all.

This module imports numba; import it inside the functions that use it.
"""

from __future__ import annotations

import numpy as np

from measure.designs.compiling import compiled
from measure.designs.exchange import collapse
from measure.designs.state import (
    Problem,
    State,
    copy_row,
    dot,
    invert,
    is_valid,
    model_row,
)

_STEPS_BETWEEN_REFRESH = 200
_COUNTS_BETWEEN_REFRESH = 1000  # configurations until f'Wf is computed afresh
_ZERO = 1e-12


@compiled
def information(rows: np.ndarray, weights: np.ndarray, inverse: np.ndarray) -> float:
    """Write the inverse of the weighted information matrix; return log det of it."""
    m, p = rows.shape
    matrix = np.zeros((p, p))
    for i in range(m):
        if weights[i] > 0.0:
            for a in range(p):
                value = weights[i] * rows[i, a]
                for b in range(a + 1):
                    matrix[a, b] += value * rows[i, b]
    for a in range(p):
        for b in range(a):
            matrix[b, a] = matrix[a, b]
    return invert(matrix, inverse)


@compiled
def variances(rows: np.ndarray, inverse: np.ndarray, result: np.ndarray) -> None:
    """Write f'Wf of each row."""
    for i in range(rows.shape[0]):
        value = 0.0
        for a in range(rows.shape[1]):
            value += rows[i, a] * dot(inverse[a], rows[i])
        result[i] = value


@compiled
def exchange_weights(
    rows: np.ndarray,
    weights: np.ndarray,
    inverse: np.ndarray,
    variance: np.ndarray,
    tolerance: float,
    steps: int,
) -> tuple[float, int]:
    """Move weight from the row of least to that of largest variance until they agree.

    Each step is the best for its pair (Boehning's vertex exchange), and changes W by
    rank two. Returns the largest variance over p, and the steps it took.
    """
    m, p = rows.shape
    information(rows, weights, inverse)
    variances(rows, inverse, variance)
    y = np.empty(p)
    z = np.empty(p)
    largest = 0.0
    taken = 0
    for step in range(1, steps + 1):
        taken = step
        i = 0
        j = -1
        for r in range(m):
            if variance[r] > variance[i]:
                i = r
            if weights[r] > 0.0 and (j < 0 or variance[r] < variance[j]):
                j = r
        largest = variance[i] / p
        if largest < 1.0 + tolerance:
            break
        for a in range(p):
            y[a] = dot(inverse[a], rows[i])
            z[a] = dot(inverse[a], rows[j])
        dii = dot(rows[i], y)
        djj = dot(rows[j], z)
        dij = dot(rows[i], z)
        curve = 2.0 * (dii * djj - dij * dij)
        amount = weights[j]
        if curve > _ZERO:
            amount = min(amount, (dii - djj) / curve)
        if not amount > 0.0:
            break
        weights[i] += amount
        weights[j] -= amount
        if weights[j] < _ZERO:
            weights[j] = 0.0
        if step % _STEPS_BETWEEN_REFRESH == 0:
            information(rows, weights, inverse)
            variances(rows, inverse, variance)
            continue
        # (A + [f g] D [f g]')^-1 with D = diag(amount, -amount)
        s00 = 1.0 / amount + dii
        s11 = -1.0 / amount + djj
        det = s00 * s11 - dij * dij
        k00 = s11 / det
        k01 = -dij / det
        k11 = s00 / det
        for a in range(p):
            wy = k00 * y[a] + k01 * z[a]
            wz = k01 * y[a] + k11 * z[a]
            for b in range(p):
                inverse[a, b] -= wy * y[b] + wz * z[b]
        for r in range(m):
            fy = dot(rows[r], y)
            fz = dot(rows[r], z)
            variance[r] -= k00 * fy * fy + 2.0 * k01 * fy * fz + k11 * fz * fz
    information(rows, weights, inverse)
    variances(rows, inverse, variance)
    for r in range(m):
        largest = variance[r] / p if r == 0 else max(largest, variance[r] / p)
    return largest, taken


@compiled
def _step_value(
    problem: Problem, state: State, option: int, current: int, level: int
) -> float:
    """Change of f'Wf from one level to another; `collapse` must stand before."""
    n_columns = problem.n_columns[option]
    hh = 0.0
    hf = 0.0
    for c1 in range(n_columns):
        step = (
            problem.tables[option, level, c1 + 1]
            - problem.tables[option, current, c1 + 1]
        )
        hf += step * state.collapsed[0, c1]
        hh += step * step * state.collapsed[3 + c1, c1]
        for c2 in range(c1):
            other = (
                problem.tables[option, level, c2 + 1]
                - problem.tables[option, current, c2 + 1]
            )
            hh += 2.0 * step * other * state.collapsed[3 + c1, c2]
    return 2.0 * hf + hh


@compiled
def _take_up(problem: Problem, state: State, run: int) -> float:
    """Compute the row of `run` and W times it; return f'Wf."""
    p = state.rows.shape[1]
    model_row(problem, state.levels[run], state.rows[run])
    for a in range(p):
        state.spread[run, a] = dot(state.inverse[a], state.rows[run])
    return dot(state.rows[run], state.spread[run])


@compiled
def _shift(problem: Problem, state: State, option: int, level: int) -> float:
    """Give `option` of the first run the `level`; return the change of f'Wf."""
    current = state.levels[0, option]
    collapse(problem, state, 0, option)
    change = _step_value(problem, state, option, current, level)
    first = problem.group[option, 0]
    for c1 in range(problem.n_columns[option]):
        step = (
            problem.tables[option, level, c1 + 1]
            - problem.tables[option, current, c1 + 1]
        )
        for s in range(problem.group[option, c1], problem.group[option, c1 + 1]):
            a = problem.members[s]
            weight = step * state.rest[s - first]
            state.rows[0, a] += weight
            for b in range(state.rows.shape[1]):
                state.spread[0, b] += weight * state.inverse[a, b]
    state.levels[0, option] = level
    return change


@compiled
def climb(problem: Problem, state: State, values: np.ndarray) -> None:
    """Take each run up to a local maximum of f'Wf, and write the values."""
    n, k = state.levels.shape
    for run in range(n):
        value = _take_up(problem, state, run)
        since = 0
        option = int(np.int64(0))
        while since < k:
            since += 1
            collapse(problem, state, run, option)
            current = state.levels[run, option]
            best = value * (1.0 + 1e-9)
            choice = current
            for level in range(problem.n_levels[option]):
                reached = value + _step_value(problem, state, option, current, level)
                if reached > best:
                    state.levels[run, option] = level
                    if is_valid(problem, state.levels[run]):
                        best = reached
                        choice = level
            state.levels[run, option] = choice
            if choice != current:
                value = _take_up(problem, state, run)
                since = 0
            option = (option + 1) % k
        values[run] = value


@compiled
def enumerate_largest(
    problem: Problem,
    state: State,
    widest: int,
    threshold: float,
    found: np.ndarray,
    values: np.ndarray,
) -> float:
    """Return the largest f'Wf over all valid configurations.

    All combinations of the options but `widest` are gone through, and the levels of
    that one evaluated together. `found` and `values` keep the largest above
    `threshold`, in a ring, the best of each combination.
    """
    k = state.levels.shape[1]
    levels = state.levels[0]
    for option in range(k):
        levels[option] = 0
    largest = 0.0
    n_found = 0
    base = _take_up(problem, state, 0)
    since = 0
    while True:
        collapse(problem, state, 0, widest)
        best = -1.0
        choice = 0
        for level in range(problem.n_levels[widest]):
            value = base + _step_value(problem, state, widest, 0, level)
            if value > best:
                levels[widest] = level
                if is_valid(problem, levels):
                    best = value
                    choice = level
        levels[widest] = 0
        if best > largest:
            largest = best
        if best > threshold:
            slot = n_found % found.shape[0]
            if n_found < found.shape[0] or best > values[slot]:
                copy_row(levels, found[slot])
                found[slot, widest] = choice
                values[slot] = best
            n_found += 1
        option = int(np.int64(k - 1))
        while option >= 0:
            if option != widest:
                if levels[option] + 1 < problem.n_levels[option]:
                    base += _shift(problem, state, option, levels[option] + 1)
                    break
                base += _shift(problem, state, option, 0)
            option -= 1
        if option < 0:
            return largest
        since += 1
        if since % _COUNTS_BETWEEN_REFRESH == 0:
            base = _take_up(problem, state, 0)
