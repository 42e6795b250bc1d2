"""Searches that exchange does the work of: a start, iterated local search, a walk.

This module imports numba; import it inside the functions that search.
"""

from __future__ import annotations

import numpy as np

from measure.designs.compiling import compiled
from measure.designs.exchange import (
    IMPROVEMENT,
    REFRESH_AFTER,
    collapse,
    descend,
    is_allowed,
    move,
    ratio_of,
)
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
    is_valid,
    model_row,
    refresh,
    restore,
    row_key,
    save,
    score,
    snapshot,
    uniform,
)

_DRAWS = 40  # random rows tried until a valid one is taken from the pool
_TRIES = 8  # runs tried until one can be replaced without a singular design
_SMALLEST_RATIO = 1e-7  # of the determinants, in a replacement
_FIRST_RIDGE = 1e-4
_NEVER_ZERO = 1e-300
QUENCH = 50  # sweeps of a walk between two local optima
_LARGEST_MOVE = 4  # runs that one perturbation replaces at most


@compiled
def draw(
    problem: Problem, random: np.ndarray, run: int, old: np.ndarray, new: np.ndarray
) -> bool:
    """Draw levels for the options of `run` that may move; tell whether it worked."""
    k = old.size
    for _ in range(_DRAWS):
        for option in range(k):
            new[option] = old[option]
            if problem.movable[run, option]:
                new[option] = below(random, problem.n_levels[option])
        if is_valid(problem, new):
            return True
    if problem.pool.shape[0] == 0:
        return False
    chosen = problem.pool[below(random, problem.pool.shape[0])]
    for option in range(k):
        if not problem.movable[run, option] and chosen[option] != old[option]:
            return False
        new[option] = chosen[option]
    return True


@compiled
def replace(problem: Problem, state: State, run: int, levels: np.ndarray) -> bool:
    """Give `run` the `levels`, unless that would make the design (near) singular."""
    p = state.rows.shape[1]
    if not problem.repeats:
        if is_taken(state, run, row_key(problem, levels)):
            return False
    old = np.empty(p)
    step = np.empty(p)
    model_row(problem, state.levels[run], old)
    model_row(problem, levels, step)
    for j in range(p):
        step[j] -= old[j]
    hf = dot(step, state.spread[run])
    hh = 0.0
    for i in range(p):
        hh += step[i] * dot(state.inverse[i], step)
    ff = dot(state.rows[run], state.spread[run])
    b = 1.0 - problem.shrink[run]
    ht = hf + 0.5 * b * hh
    tt = ff + b * hf + 0.25 * b * b * hh
    if (1.0 + ht) * (1.0 + ht) - hh * tt < _SMALLEST_RATIO:
        return False
    change(problem, state, run, np.arange(p), step)
    copy_row(levels, state.levels[run])
    state.key[run] = row_key(problem, levels)
    return True


@compiled
def draw_all(problem: Problem, state: State, random: np.ndarray) -> None:
    """Draw all runs that may move, anew where a configuration stands twice in vain."""
    n, k = state.levels.shape
    size = problem.pool.shape[0]
    row = np.empty(k, np.int64)
    for run in range(n):
        state.key[run] = row_key(problem, state.levels[run])
    for run in range(n):
        if problem.movable[run].any():
            found = False
            for _ in range(_DRAWS):
                if draw(problem, random, run, state.levels[run], row):
                    key = row_key(problem, row)
                    if problem.repeats or not is_taken(state, run, key):
                        found = True
                        break
            if not found and size > 0:
                # Few are left: the next in the pool that is.
                first = below(random, size)
                for c in range(size):
                    chosen = problem.pool[(first + c) % size]
                    if not is_taken(state, run, row_key(problem, chosen)):
                        copy_row(chosen, row)
                        found = True
                        break
            if found:
                copy_row(row, state.levels[run])
                state.key[run] = row_key(problem, row)


def start(problem: Problem, state: State, random: np.ndarray) -> bool:
    """Draw all runs that may move, and exchange to a first local optimum.

    While the design is singular a ridge stands in for what is missing. Not compiled,
    for the exchange would be compiled once more within it.

    Parameters
    ----------
    problem, state : Problem, State
        What to search, and where the runs are written.
    random : ndarray of uint64, shape (1,)
        State of the generator.

    Returns
    -------
    bool
        False: some model columns stay inestimable.
    """
    draw_all(problem, state, random)
    state.scalars[RIDGE] = _FIRST_RIDGE
    while not refresh(problem, state):
        state.scalars[RIDGE] *= 10.0
    descend(problem, state)
    ridge = state.scalars[RIDGE]
    state.scalars[RIDGE] = 0.0
    if refresh(problem, state):
        return descend(problem, state)
    state.scalars[RIDGE] = ridge
    refresh(problem, state)
    return False


@compiled
def improve(
    problem: Problem,
    state: State,
    best: np.ndarray,
    memory: np.ndarray,
    random: np.ndarray,
    iterations: int,
    temperature: float,
) -> None:
    """Iterated local search: replace a few runs, exchange, keep or go back.

    `memory` holds the best score so far; `best` the levels that gave it.
    """
    n, k = state.levels.shape
    free = np.empty(n, np.int64)
    n_free = 0
    for run in range(n):
        if problem.movable[run].any():
            free[n_free] = run
            n_free += 1
    if n_free == 0:
        return
    row = np.empty(k, np.int64)
    saved = snapshot(state)
    for _ in range(iterations):
        current = score(problem, state)
        save(state, saved)
        moves = 1 + below(random, min(_LARGEST_MOVE, n_free))
        for _move in range(moves):
            for _try in range(_TRIES):
                run = free[below(random, n_free)]
                if draw(problem, random, run, state.levels[run], row):
                    if replace(problem, state, run, row):
                        break
        sound = descend(problem, state)
        reached = score(problem, state)
        if sound and np.isfinite(reached):
            if reached > memory[0] + IMPROVEMENT:
                # A new best is taken only after it was computed afresh.
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


@compiled
def _gumbel(random: np.ndarray) -> float:
    return float(-np.log(-np.log(uniform(random) + _NEVER_ZERO) + _NEVER_ZERO))


@compiled
def wander(
    problem: Problem,
    state: State,
    random: np.ndarray,
    sweeps: int,
    temperature: float,
) -> int:
    """Walk at a temperature: each option of each run takes a level at random.

    A level is drawn with a chance proportional to exp(score / temperature) (a heat
    bath). Returns `sweeps`, or minus the number of the sweep that rounding has lost.
    """
    n, k = state.levels.shape
    linear = problem.target.shape[0] > 0
    scale = 1.0
    if linear:
        scale = float(state.rows.shape[1])
    for sweep in range(sweeps):
        for run in range(n):
            for option in range(k):
                if not problem.movable[run, option]:
                    continue
                ff = dot(state.rows[run], state.spread[run])
                bff = 0.0
                if linear:
                    bff = dot(state.rows[run], state.inner_spread[run])
                collapse(problem, state, run, option)
                # The largest of score / temperature + Gumbel noise is such a draw.
                largest = _gumbel(random) * temperature
                choice = int(np.int64(-1))
                for level in range(problem.n_levels[option]):
                    if level == state.levels[run, option]:
                        continue
                    noise = _gumbel(random) * temperature
                    ratio = ratio_of(problem, state, run, option, level, ff, bff)
                    if ratio > _SMALLEST_RATIO:
                        value = scale * np.log(ratio) + noise
                        if value > largest:
                            if is_allowed(problem, state, run, option, level):
                                largest = value
                                choice = level
                if choice >= 0:
                    move(problem, state, run, option, choice)
                    if state.scalars[CHANGES] > REFRESH_AFTER:
                        if not refresh(problem, state):
                            return -1 - sweep
    return sweeps


def quench(
    problem: Problem, state: State, best: np.ndarray, memory: np.ndarray, saved: State
) -> None:
    """Take a walk down to a local optimum, and keep it if it is a new best.

    Parameters
    ----------
    problem, state : Problem, State
        What is searched, and where the walk is.
    best : ndarray of int, shape (n, k)
        The best levels so far.
    memory : ndarray, shape (1,)
        Their score.
    saved : State
        Where the walk was last sound; it goes back there if it is not now.
    """
    if refresh(problem, state) and descend(problem, state) and refresh(problem, state):
        reached = score(problem, state)
        if reached > memory[0] + IMPROVEMENT:
            memory[0] = reached
            best[:] = state.levels
        save(state, saved)
    else:
        go_back(problem, state, saved)


def go_back(problem: Problem, state: State, saved: State) -> None:
    """Return a walk that was lost to rounding to where it was last sound.

    Parameters
    ----------
    problem, state, saved : Problem, State, State
        As for `quench`.
    """
    restore(state, saved)
    refresh(problem, state)
