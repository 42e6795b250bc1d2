"""Approximate designs: weights of configurations, and the largest variance of all.

This module imports numba; import it inside the functions that use it.
"""

from __future__ import annotations

from typing import NamedTuple

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
_HALVINGS = 40


class Blocks(NamedTuple):
    """The blocks of an information matrix, and what stands beside the weights."""

    starts: np.ndarray  # (blocks + 1,): where the columns of each block start
    times: np.ndarray  # (blocks,): how often each is there
    base: np.ndarray  # (q, q): added to the information of the weights
    most: float  # the largest weight that one row may have


@compiled
def information(
    blocks: Blocks, rows: np.ndarray, weights: np.ndarray, inverse: np.ndarray
) -> float:
    """Write the inverse of the weighted information matrix; return log det of it.

    Each block is counted as often as it is there.
    """
    inverse[:, :] = 0.0
    total = 0.0
    for block in range(blocks.times.size):
        first = blocks.starts[block]
        p = blocks.starts[block + 1] - first
        matrix = np.zeros((p, p))
        for i in range(rows.shape[0]):
            if weights[i] > 0.0:
                for a in range(p):
                    value = weights[i] * rows[i, first + a]
                    for b in range(a + 1):
                        matrix[a, b] += value * rows[i, first + b]
        for a in range(p):
            matrix[a, a] += blocks.base[first + a, first + a]
            for b in range(a):
                matrix[a, b] += blocks.base[first + a, first + b]
                matrix[b, a] = matrix[a, b]
        part = np.empty((p, p))
        log_det = invert(matrix, part)
        if not np.isfinite(log_det):
            return -np.inf
        total += blocks.times[block] * log_det
        for a in range(p):
            for b in range(p):
                inverse[first + a, first + b] = part[a, b]
    return total


@compiled
def variances(
    blocks: Blocks, rows: np.ndarray, inverse: np.ndarray, result: np.ndarray
) -> None:
    """Write f'Wf of each row, over all blocks."""
    result[:] = 0.0
    for block in range(blocks.times.size):
        first = blocks.starts[block]
        last = blocks.starts[block + 1]
        for i in range(rows.shape[0]):
            value = 0.0
            for a in range(first, last):
                value += rows[i, a] * dot(inverse[a, first:last], rows[i, first:last])
            result[i] += blocks.times[block] * value


@compiled
def _best_amount(
    times: np.ndarray, dii: np.ndarray, djj: np.ndarray, dij: np.ndarray, most: float
) -> float:
    """Return the weight to move from row j to row i, at most `most`.

    The log determinant is concave in it; its slope is halved down to zero.
    """
    low = 0.0
    high = most
    for step in range(_HALVINGS):
        amount = most if step == 0 else 0.5 * (low + high)
        slope = 0.0
        for block in range(times.size):
            area = dii[block] * djj[block] - dij[block] * dij[block]
            ratio = 1.0 + amount * (dii[block] - djj[block]) - amount * amount * area
            rise = dii[block] - djj[block] - 2.0 * amount * area
            if not ratio > _ZERO:
                slope = -1.0
                break
            slope += times[block] * rise / ratio
        if slope > 0.0:
            if step == 0:
                return most
            low = amount
        else:
            high = amount
    return low


@compiled
def exchange_weights(
    blocks: Blocks,
    rows: np.ndarray,
    weights: np.ndarray,
    inverse: np.ndarray,
    variance: np.ndarray,
    tolerance: float,
    steps: int,
) -> int:
    """Move weight from the row of least to that of largest variance until they agree.

    Each step is the best for its pair (Boehning's vertex exchange), and changes W by
    rank two. Ends where the largest variance exceeds the mean over the weights by less
    than `tolerance`; returns how many steps it took.
    """
    m, q = rows.shape
    n_blocks = blocks.times.size
    information(blocks, rows, weights, inverse)
    variances(blocks, rows, inverse, variance)
    y = np.empty(q)
    z = np.empty(q)
    dii = np.empty(n_blocks)
    djj = np.empty(n_blocks)
    dij = np.empty(n_blocks)
    taken = 0
    for step in range(1, steps + 1):
        taken = step
        i = -1
        j = -1
        mean = 0.0
        for r in range(m):
            mean += weights[r] * variance[r]
            if weights[r] < blocks.most and (i < 0 or variance[r] > variance[i]):
                i = r
            if weights[r] > 0.0 and (j < 0 or variance[r] < variance[j]):
                j = r
        if i < 0:
            break
        if blocks.most < 1.0:
            mean = variance[j]
        if variance[i] < mean + tolerance or i == j:
            break
        for block in range(n_blocks):
            first = blocks.starts[block]
            last = blocks.starts[block + 1]
            for a in range(first, last):
                y[a] = dot(inverse[a, first:last], rows[i, first:last])
                z[a] = dot(inverse[a, first:last], rows[j, first:last])
            dii[block] = dot(rows[i, first:last], y[first:last])
            djj[block] = dot(rows[j, first:last], z[first:last])
            dij[block] = dot(rows[i, first:last], z[first:last])
        amount = _best_amount(
            blocks.times, dii, djj, dij, min(weights[j], blocks.most - weights[i])
        )
        if not amount > 0.0:
            break
        weights[i] += amount
        weights[j] -= amount
        if weights[j] < _ZERO:
            weights[j] = 0.0
        if step % _STEPS_BETWEEN_REFRESH == 0:
            information(blocks, rows, weights, inverse)
            variances(blocks, rows, inverse, variance)
            continue
        # (A + [f g] D [f g]')^-1 with D = diag(amount, -amount)
        for block in range(n_blocks):
            first = blocks.starts[block]
            last = blocks.starts[block + 1]
            s00 = 1.0 / amount + dii[block]
            s11 = -1.0 / amount + djj[block]
            det = s00 * s11 - dij[block] * dij[block]
            k00 = s11 / det
            k01 = -dij[block] / det
            k11 = s00 / det
            for a in range(first, last):
                wy = k00 * y[a] + k01 * z[a]
                wz = k01 * y[a] + k11 * z[a]
                for b in range(first, last):
                    inverse[a, b] -= wy * y[b] + wz * z[b]
            for r in range(m):
                fy = dot(rows[r, first:last], y[first:last])
                fz = dot(rows[r, first:last], z[first:last])
                variance[r] -= blocks.times[block] * (
                    k00 * fy * fy + 2.0 * k01 * fy * fz + k11 * fz * fz
                )
    information(blocks, rows, weights, inverse)
    variances(blocks, rows, inverse, variance)
    return taken


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
                reached = _take_up(problem, state, run)
                if reached > value:
                    value = reached
                    since = 0
                else:
                    # Rounding promised more than there is: else it might go in circles.
                    state.levels[run, option] = current
                    value = _take_up(problem, state, run)
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
