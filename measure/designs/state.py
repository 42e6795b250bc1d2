"""A design under search as arrays, and what is kept up to date with it.

With the information matrix A = X'V^-1 X, W = A^-1, a changed run g = f + h and the
run's own part f~ of V^-1 X, the new information matrix is A + h t' + t h' where
t = f~ + b h / 2 (b = 1 without whole plots), a change of rank two. W, the products
W f~ of all runs and, for criteria that are linear in W, the matrix B = W C W follow
by the same low-rank change.

This module imports numba; import it inside the functions that search.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from measure.designs.compiling import compiled, inlined

_TINY = 1e-12
LOG_DET, TRACE, CHANGES, RIDGE = 0, 1, 2, 3  # of State.scalars


class Problem(NamedTuple):
    """What a search may not change, as arrays that compiled code can read."""

    tables: np.ndarray  # (k, levels, columns): coded value, column 0 is all ones
    n_levels: np.ndarray  # (k,)
    factors: np.ndarray  # (p, k): column of each option's table in a model column
    members: np.ndarray  # model columns that hold an option, by option and column
    group: np.ndarray  # (k, columns + 1): where each table column's members start
    n_columns: np.ndarray  # (k,): columns of an option's table, the ones not counted
    other_start: np.ndarray  # for each member, where its other factors start
    other_option: np.ndarray
    other_column: np.ndarray
    clause: np.ndarray  # (m, k, levels) bool: level matches the forbidden clause
    prior: np.ndarray  # (p,) precision added to the information matrix
    target: np.ndarray  # (p, p): the C of a criterion trace(W C), or (0, 0) for D
    pool: np.ndarray  # (N, k): valid rows to draw from, or (0, k): draw each level
    movable: np.ndarray  # (n, k) bool: options of a run that the exchange may change
    plot: np.ndarray  # (n,): whole plot of a run
    shrink: np.ndarray  # (n,): eta / (1 + eta m) of the run's whole plot, else 0
    keys: np.ndarray  # (k, levels) uint64: random numbers that identify a row
    repeats: bool  # whether two runs may have one configuration


class State(NamedTuple):
    """A design and what is kept up to date with it."""

    levels: np.ndarray  # (n, k)
    rows: np.ndarray  # (n, p): f~, the run's part of V^-1 X
    inverse: np.ndarray  # (p, p): W
    spread: np.ndarray  # (n, p): W f~
    inner: np.ndarray  # (p, p): B = W C W, or (0, 0)
    inner_spread: np.ndarray  # (n, p): B f~, or (0, 0)
    key: np.ndarray  # (n,) uint64
    scalars: np.ndarray  # (4,): log det A, trace(W C), changes since refresh, ridge
    rest: np.ndarray  # (p,) scratch: product of the other factors of each member
    collapsed: np.ndarray  # (5 + 2 columns, columns) scratch of a trial


@compiled
def _next(random: np.ndarray) -> np.uint64:
    """Give the next number of a splitmix64 generator."""
    random[0] += np.uint64(0x9E3779B97F4A7C15)
    z = random[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.uint64(z ^ (z >> np.uint64(31)))


@compiled
def below(random: np.ndarray, n: int) -> int:
    """Draw an integer from 0 to n - 1."""
    return int((_next(random) >> np.uint64(11)) % np.uint64(n))


@compiled
def uniform(random: np.ndarray) -> float:
    """Draw a number from 0 to 1, 1 left out."""
    return float(_next(random) >> np.uint64(11)) / 9007199254740992.0


@compiled
def model_row(problem: Problem, levels: np.ndarray, row: np.ndarray) -> None:
    """Write the model row of one run's `levels` into `row`."""
    for j in range(row.size):
        value = 1.0
        for option in range(levels.size):
            column = problem.factors[j, option]
            if column > 0:
                value *= problem.tables[option, levels[option], column]
        row[j] = value


@inlined
def is_valid(problem: Problem, levels: np.ndarray) -> bool:
    """Tell whether no forbidden clause matches `levels`."""
    for m in range(problem.clause.shape[0]):
        matches = True
        for option in range(levels.size):
            if not problem.clause[m, option, levels[option]]:
                matches = False
                break
        if matches:
            return False
    return True


@compiled
def row_key(problem: Problem, levels: np.ndarray) -> np.uint64:
    """Give a run's `levels` as a hash, a sum over its options."""
    key = np.uint64(0)
    for option in range(levels.size):
        key += problem.keys[option, levels[option]]
    return key


@compiled
def is_taken(state: State, run: int, key: np.uint64) -> bool:
    """Tell whether another run has that key."""
    for other in range(state.key.size):
        if other != run and state.key[other] == key:
            return True
    return False


@inlined
def _partial_dot(a: np.ndarray, b: np.ndarray, size: int) -> float:
    s0 = 0.0
    s1 = 0.0
    s2 = 0.0
    s3 = 0.0
    s4 = 0.0
    s5 = 0.0
    s6 = 0.0
    s7 = 0.0
    whole = size - size % 8
    for j in range(0, whole, 8):
        s0 += a[j] * b[j]
        s1 += a[j + 1] * b[j + 1]
        s2 += a[j + 2] * b[j + 2]
        s3 += a[j + 3] * b[j + 3]
        s4 += a[j + 4] * b[j + 4]
        s5 += a[j + 5] * b[j + 5]
        s6 += a[j + 6] * b[j + 6]
        s7 += a[j + 7] * b[j + 7]
    value = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
    for j in range(whole, size):
        value += a[j] * b[j]
    return value


@inlined
def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Return the scalar product, summed in eight lanes that can share a register."""
    return _partial_dot(a, b, a.size)


@compiled
def invert(matrix: np.ndarray, result: np.ndarray) -> float:
    """Invert a symmetric positive definite matrix; return its log determinant.

    Cholesky's decomposition in plain loops, so that the result does not depend on
    a BLAS or on its threads. `matrix` is overwritten; a matrix that is not positive
    definite gives minus infinity.
    """
    p = matrix.shape[0]
    log_det = 0.0
    for i in range(p):
        for j in range(i):
            value = matrix[i, j] - _partial_dot(matrix[i], matrix[j], j)
            matrix[i, j] = value / matrix[j, j]
        scale = matrix[i, i]
        pivot = scale - _partial_dot(matrix[i], matrix[i], i)
        if not pivot > scale * _TINY:
            return -np.inf
        log_det += np.log(pivot)
        matrix[i, i] = np.sqrt(pivot)
    # Rows of L^-1, kept transposed so that the inner loops run along memory.
    factor = np.zeros((p, p))
    for i in range(p):
        factor[i, i] = 1.0 / matrix[i, i]
        for m in range(i):
            weight = matrix[i, m] / matrix[i, i]
            for j in range(m + 1):
                factor[i, j] -= weight * factor[m, j]
    for i in range(p):
        for j in range(p):
            result[i, j] = 0.0
    for m in range(p):
        for i in range(m + 1):
            weight = factor[m, i]
            for j in range(i + 1):
                result[i, j] += weight * factor[m, j]
    for i in range(p):
        for j in range(i):
            result[j, i] = result[i, j]
    return log_det


@compiled
def _times(matrix: np.ndarray, vector: np.ndarray, result: np.ndarray) -> None:
    for i in range(vector.size):
        result[i] = dot(matrix[i], vector)


@compiled
def refresh(problem: Problem, state: State) -> bool:
    """Compute everything that is kept up to date from the levels alone."""
    n, p = state.rows.shape
    plain = np.empty((n, p))
    sums = np.zeros((problem.plot.max() + 1, p))
    for i in range(n):
        model_row(problem, state.levels[i], plain[i])
        state.key[i] = row_key(problem, state.levels[i])
        for j in range(p):
            sums[problem.plot[i], j] += plain[i, j]
    information = np.zeros((p, p))
    for i in range(n):
        for j in range(p):
            state.rows[i, j] = (
                plain[i, j] - problem.shrink[i] * sums[problem.plot[i], j]
            )
        for j in range(p):
            value = plain[i, j]
            if value != 0.0:
                for m in range(j + 1):
                    information[j, m] += value * state.rows[i, m]
    for j in range(p):
        information[j, j] += problem.prior[j] + state.scalars[RIDGE]
        for m in range(j):
            information[m, j] = information[j, m]
    log_det = invert(information, state.inverse)
    state.scalars[LOG_DET] = log_det
    state.scalars[CHANGES] = 0.0
    if not np.isfinite(log_det):
        return False
    for i in range(n):
        _times(state.inverse, state.rows[i], state.spread[i])
    if problem.target.shape[0] > 0:
        half = np.zeros((p, p))
        for i in range(p):
            for m in range(p):
                weight = state.inverse[i, m]
                for j in range(p):
                    half[i, j] += weight * problem.target[m, j]
        trace = 0.0
        for i in range(p):
            trace += half[i, i]
            for j in range(p):
                state.inner[i, j] = 0.0
            for m in range(p):
                weight = half[i, m]
                for j in range(p):
                    state.inner[i, j] += weight * state.inverse[m, j]
        state.scalars[TRACE] = trace
        for i in range(n):
            _times(state.inner, state.rows[i], state.inner_spread[i])
    return True


@compiled
def score(problem: Problem, state: State) -> float:
    """Value that the search maximises, in units of log determinant."""
    if problem.target.shape[0] > 0:
        return float(-state.rows.shape[1] * np.log(state.scalars[TRACE]))
    return float(state.scalars[LOG_DET])


@inlined
def _add(
    row: np.ndarray, a: float, one: np.ndarray, b: float, other: np.ndarray
) -> None:
    """Add two multiples; loops over few arrays are those that use wide registers."""
    for j in range(row.size):
        row[j] += a * one[j] + b * other[j]


@compiled
def change(
    problem: Problem,
    state: State,
    run: int,
    columns: np.ndarray,
    step: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, float, float, float]:
    """Add `step` to the model row of `run` at `columns`; bring all up to date.

    Returns y, z and K of the change W_new = W - [y z] K [y z]'.
    """
    n, p = state.rows.shape
    c = problem.shrink[run]
    b = 1.0 - c
    size = columns.size
    y = np.zeros(p)  # W h
    for s in range(size):
        weight = step[s]
        for j in range(p):
            y[j] += weight * state.inverse[columns[s], j]
    hh = 0.0
    hf = 0.0
    for s in range(size):
        hh += step[s] * y[columns[s]]
        hf += step[s] * state.spread[run, columns[s]]
    ff = dot(state.rows[run], state.spread[run])
    ht = hf + 0.5 * b * hh
    tt = ff + b * hf + 0.25 * b * b * hh
    z = np.empty(p)  # W t
    for j in range(p):
        z[j] = state.spread[run, j] + 0.5 * b * y[j]
    ratio = (1.0 + ht) * (1.0 + ht) - hh * tt
    k00 = -tt / ratio
    k01 = (1.0 + ht) / ratio
    k11 = -hh / ratio
    linear = problem.target.shape[0] > 0
    by = np.zeros(p)  # B h
    bz = np.zeros(p)  # B t
    h00 = 0.0
    h01 = 0.0
    h11 = 0.0
    if linear:
        for s in range(size):
            weight = step[s]
            for j in range(p):
                by[j] += weight * state.inner[columns[s], j]
        for j in range(p):
            bz[j] = state.inner_spread[run, j] + 0.5 * b * by[j]
        for s in range(size):
            h00 += step[s] * by[columns[s]]
            h01 += step[s] * bz[columns[s]]
        h11 += dot(state.rows[run], bz)
        h11 += 0.5 * b * h01
        state.scalars[TRACE] -= k00 * h00 + 2.0 * k01 * h01 + k11 * h11
    # P K, with P = [y z]
    ky = np.empty(p)
    kz = np.empty(p)
    for j in range(p):
        ky[j] = k00 * y[j] + k01 * z[j]
        kz[j] = k01 * y[j] + k11 * z[j]
    for i in range(p):
        _add(state.inverse[i], -y[i], ky, -z[i], kz)
    if linear:
        # B - P K R' - R K P' + P K H K P', with R = [by bz]
        my = np.empty(p)
        mz = np.empty(p)
        for j in range(p):
            my[j] = h00 * ky[j] + h01 * kz[j]
            mz[j] = h01 * ky[j] + h11 * kz[j]
        for j in range(p):
            my[j] -= by[j]
            mz[j] -= bz[j]
        for i in range(p):
            _add(state.inner[i], ky[i], my, kz[i], mz)
            _add(state.inner[i], -by[i], ky, -bz[i], kz)
    # W_new h and B_new h, for the runs whose own part changes
    new_y = np.empty(p)
    for j in range(p):
        new_y[j] = y[j] - hh * ky[j] - ht * kz[j]
    new_by = np.zeros(p)
    if linear:
        for s in range(size):
            weight = step[s]
            for j in range(p):
                new_by[j] += weight * state.inner[columns[s], j]
    whole = c > 0.0
    for i in range(n):
        fy = 0.0
        for s in range(size):
            fy += step[s] * state.spread[i, columns[s]]
        fz = dot(state.rows[i], z)
        if linear:
            # As B above, times f~: f'P K is fy ky + fz kz without its vectors.
            fky = k00 * fy + k01 * fz
            fkz = k01 * fy + k11 * fz
            fby = 0.0
            for s in range(size):
                fby += step[s] * state.inner_spread[i, columns[s]]
            fbz = dot(state.rows[i], bz)
            gy = h00 * fky + h01 * fkz - fby
            gz = h01 * fky + h11 * fkz - fbz
            _add(state.inner_spread[i], gy, ky, gz, kz)
            _add(state.inner_spread[i], -fky, by, -fkz, bz)
        _add(state.spread[i], -fy, ky, -fz, kz)
        if i == run or (whole and problem.plot[i] == problem.plot[run]):
            weight = (1.0 if i == run else 0.0) - c
            for j in range(p):
                state.spread[i, j] += weight * new_y[j]
            if linear:
                for j in range(p):
                    state.inner_spread[i, j] += weight * new_by[j]
            for s in range(size):
                state.rows[i, columns[s]] += weight * step[s]
    state.scalars[LOG_DET] += np.log(ratio)
    state.scalars[CHANGES] += 1.0
    return y, z, k00, k01, k11


@inlined
def copy_row(source: np.ndarray, target: np.ndarray) -> None:
    """Copy a vector; compiled in a tenth of the time that ``[:] =`` takes."""
    for j in range(source.size):
        target[j] = source[j]


@inlined
def copy_rows(source: np.ndarray, target: np.ndarray) -> None:
    """Copy a matrix."""
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            target[i, j] = source[i, j]


@compiled
def snapshot(state: State) -> State:
    """Return a copy of `state`, for `save` and `restore`."""
    return State(
        state.levels.copy(),
        state.rows.copy(),
        state.inverse.copy(),
        state.spread.copy(),
        state.inner.copy(),
        state.inner_spread.copy(),
        state.key.copy(),
        state.scalars.copy(),
        state.rest,
        state.collapsed,
    )


@compiled
def save(state: State, saved: State) -> None:
    """Write `state` over `saved`."""
    copy_rows(state.levels, saved.levels)
    copy_rows(state.rows, saved.rows)
    copy_rows(state.inverse, saved.inverse)
    copy_rows(state.spread, saved.spread)
    copy_rows(state.inner, saved.inner)
    copy_rows(state.inner_spread, saved.inner_spread)
    copy_row(state.key, saved.key)
    copy_row(state.scalars, saved.scalars)


@compiled
def restore(state: State, saved: State) -> None:
    """Write `saved` over `state`."""
    save(saved, state)
