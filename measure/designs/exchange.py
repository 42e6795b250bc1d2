"""Coordinate exchange: one option of one run becomes its best level, until none is.

A row of the model matrix is a product of one column per option, so that changing
one option of one run changes the columns S that contain the option and no others.
With the names of `measure.designs.state`, the ratio of the determinants after and
before is (1 + h'Wt)^2 - (h'Wh)(t'Wt), and h'Wh takes |S|^2 operations for *all*
levels of the option together: W is collapsed to the columns of the option's table.

This module imports numba; import it inside the functions that search.
"""

from __future__ import annotations

import numpy as np

from measure.designs.compiling import compiled, inlined
from measure.designs.state import (
    CHANGES,
    TRACE,
    Problem,
    State,
    change,
    dot,
    is_taken,
    is_valid,
    refresh,
)

IMPROVEMENT = 1e-9  # relative gain that a change must bring, above rounding noise
REFRESH_AFTER = 60  # accepted changes until W is computed afresh
_TINY = 1e-12


@inlined
def gain(
    problem: Problem,
    state: State,
    hh: float,
    hf: float,
    ff: float,
    bhh: float,
    bhf: float,
    bff: float,
    b: float,
) -> float:
    """Ratio by which a change improves the criterion (above 1 is better).

    The six numbers are h'Wh, h'Wf~, f~'Wf~ and the same with B.
    """
    ht = hf + 0.5 * b * hh
    tt = ff + b * hf + 0.25 * b * b * hh
    ratio = (1.0 + ht) * (1.0 + ht) - hh * tt
    if problem.target.shape[0] == 0:
        return ratio
    if ratio < _TINY:
        return 0.0
    bht = bhf + 0.5 * b * bhh
    btt = bff + b * bhf + 0.25 * b * b * bhh
    # inverse of [[hh, 1 + ht], [1 + ht, tt]], whose determinant is -ratio
    shift = (tt * bhh - 2.0 * (1.0 + ht) * bht + hh * btt) / ratio
    trace = state.scalars[TRACE] + shift
    if not trace > 0.0:
        return 0.0
    return float(state.scalars[TRACE] / trace)


@inlined
def _gathered(
    row: np.ndarray,
    members: np.ndarray,
    rest: np.ndarray,
    first: int,
    begin: int,
    end: int,
) -> float:
    value = 0.0
    for q in range(begin, end):
        value += row[np.uint64(members[np.uint64(q)])] * rest[np.uint64(q - first)]
    return value


@inlined
def collapse(problem: Problem, state: State, run: int, option: int) -> None:
    """Write what all levels of `option` need into the scratch of `state`.

    h is the sum over the option's table columns of (new value - old value) times
    `rest`, so that h'Wf~ and h'Wh are a linear and a quadratic form in those few
    differences: `collapsed[0]` and `collapsed[3:]`, with B `collapsed[1]` and the rows
    after.
    """
    levels = state.levels[run]
    n_columns = problem.n_columns[option]
    first = problem.group[option, 0]
    last = problem.group[option, n_columns]
    size = last - first
    rest = state.rest
    for s in range(size):
        value = 1.0
        for m in range(
            problem.other_start[first + s], problem.other_start[first + s + 1]
        ):
            other = problem.other_option[m]
            value *= problem.tables[other, levels[other], problem.other_column[m]]
        rest[s] = value
    linear = problem.target.shape[0] > 0
    # h = sum over table columns of (new - old value) times rest: collapse W to them
    pull = state.collapsed[0]
    bpull = state.collapsed[1]
    curve = state.collapsed[3 : 3 + n_columns]
    bcurve = state.collapsed[3 + n_columns :]
    for c1 in range(n_columns):
        begin = problem.group[option, c1]
        end = problem.group[option, c1 + 1]
        for c2 in range(c1 + 1):
            inner = 0.0
            for s in range(begin, end):
                a = np.uint64(problem.members[s])
                inner += rest[s - first] * _gathered(
                    state.inverse[a],
                    problem.members,
                    rest,
                    first,
                    problem.group[option, c2],
                    problem.group[option, c2 + 1],
                )
            curve[c1, c2] = inner
        value = 0.0
        for s in range(begin, end):
            value += rest[s - first] * state.spread[run, problem.members[s]]
        pull[c1] = value
        if linear:
            for c2 in range(c1 + 1):
                inner = 0.0
                for s in range(begin, end):
                    inner += rest[s - first] * _gathered(
                        state.inner[problem.members[s]],
                        problem.members,
                        rest,
                        first,
                        problem.group[option, c2],
                        problem.group[option, c2 + 1],
                    )
                bcurve[c1, c2] = inner
            value = 0.0
            for s in range(begin, end):
                value += rest[s - first] * state.inner_spread[run, problem.members[s]]
            bpull[c1] = value


@inlined
def ratio_of(
    problem: Problem,
    state: State,
    run: int,
    option: int,
    level: int,
    ff: float,
    bff: float,
) -> float:
    """Ratio by which `level` improves the criterion; `collapse` must stand before."""
    current = state.levels[run, option]
    n_columns = problem.n_columns[option]
    step = state.collapsed[2]
    for c1 in range(n_columns):
        step[c1] = (
            problem.tables[option, level, c1 + 1]
            - problem.tables[option, current, c1 + 1]
        )
    hh = 0.0
    hf = 0.0
    bhh = 0.0
    bhf = 0.0
    for c1 in range(n_columns):
        hf += step[c1] * state.collapsed[0, c1]
        hh += step[c1] * step[c1] * state.collapsed[3 + c1, c1]
        for c2 in range(c1):
            hh += 2.0 * step[c1] * step[c2] * state.collapsed[3 + c1, c2]
        if problem.target.shape[0] > 0:
            row = 3 + n_columns + c1
            bhf += step[c1] * state.collapsed[1, c1]
            bhh += step[c1] * step[c1] * state.collapsed[row, c1]
            for c2 in range(c1):
                bhh += 2.0 * step[c1] * step[c2] * state.collapsed[row, c2]
    b = 1.0 - problem.shrink[run]
    return gain(problem, state, hh, hf, ff, bhh, bhf, bff, b)


@inlined
def is_allowed(
    problem: Problem, state: State, run: int, option: int, level: int
) -> bool:
    """Tell whether the run may have `level`: not forbidden, and no repeat."""
    current = state.levels[run, option]
    state.levels[run, option] = level
    allowed = is_valid(problem, state.levels[run])
    state.levels[run, option] = current
    if allowed and not problem.repeats:
        key = (
            state.key[run] - problem.keys[option, current] + problem.keys[option, level]
        )
        allowed = not is_taken(state, run, key)
    return allowed


@compiled
def move(problem: Problem, state: State, run: int, option: int, level: int) -> None:
    """Give `option` of `run` the `level`; `collapse` must stand before."""
    current = state.levels[run, option]
    n_columns = problem.n_columns[option]
    first = problem.group[option, 0]
    last = problem.group[option, n_columns]
    step = np.empty(last - first)
    for c1 in range(n_columns):
        value = (
            problem.tables[option, level, c1 + 1]
            - problem.tables[option, current, c1 + 1]
        )
        for s in range(problem.group[option, c1], problem.group[option, c1 + 1]):
            step[s - first] = value * state.rest[s - first]
    change(problem, state, run, problem.members[first:last], step)
    state.levels[run, option] = level
    state.key[run] += problem.keys[option, level] - problem.keys[option, current]


@inlined
def best_level(
    problem: Problem, state: State, run: int, option: int, ff: float, bff: float
) -> int:
    """Return the level that improves the criterion most, or -1."""
    collapse(problem, state, run, option)
    best = 1.0 + IMPROVEMENT
    choice = int(np.int64(-1))
    for level in range(problem.n_levels[option]):
        if level != state.levels[run, option]:
            ratio = ratio_of(problem, state, run, option, level, ff, bff)
            if ratio > best and is_allowed(problem, state, run, option, level):
                best = ratio
                choice = level
    return choice


@compiled
def descend(problem: Problem, state: State) -> bool:
    """Exchange coordinates until no single change of a level is an improvement."""
    n, k = state.levels.shape
    linear = problem.target.shape[0] > 0
    since = 0  # runs looked at in vain since the last improvement
    run = int(np.int64(0))
    while since < n:
        changed = False
        ff = dot(state.rows[run], state.spread[run])
        bff = 0.0
        if linear:
            bff = dot(state.rows[run], state.inner_spread[run])
        for option in range(k):
            if problem.movable[run, option]:
                level = best_level(problem, state, run, option, ff, bff)
                if level >= 0:
                    move(problem, state, run, option, level)
                    changed = True
                    if state.scalars[CHANGES] > REFRESH_AFTER:
                        if not refresh(problem, state):
                            return False
                    ff = dot(state.rows[run], state.spread[run])
                    if linear:
                        bff = dot(state.rows[run], state.inner_spread[run])
        since = 0 if changed else since + 1
        run = (run + 1) % n
    return True
