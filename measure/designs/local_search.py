"""Runs the compiled search under a budget, reproducibly."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from measure.designs.problem import Coding, find_members
from measure.terms import FloatArray, IntArray

if TYPE_CHECKING:
    from measure.designs.exchange import Problem, State

TEMPERATURE = 0.05  # of the acceptance, in units of log determinant
_STARTS = 20  # random starts until one estimates all terms
_RESCUE_ITERATIONS = 50
_CHUNK_S = 0.1  # CPU time between two looks at the clock
_STALE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a search has come.

    Parameters
    ----------
    iterations : int
        Done so far.
    cpu_s : float
        Spent so far.
    share : float
        Of the budget, from 0 to 1.
    log_value : float
        The best value of the criterion so far, per model column, as a logarithm.
    """

    iterations: int
    cpu_s: float
    share: float
    log_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One search: what is chosen, and what it is judged by.

    Parameters
    ----------
    coding : Coding
        Of the model on the space.
    levels : ndarray of int, shape (n, k)
        Fixed runs as they are, others in any state.
    free : ndarray of bool, shape (n,)
        Runs that may change.
    prior : ndarray, shape (p,)
        Precision added to the diagonal of the information matrix.
    target : ndarray, shape (p, p) or (0, 0)
        The C of a criterion trace(W C) to minimise; (0, 0): the determinant.
    pool : ndarray of int, shape (m, k)
        Valid rows to draw from where drawing each option alone fails.
    candidates : ndarray of int, shape (m, k), optional
        The only rows to choose from.
    repeats : bool
        Whether a configuration may stand in several runs.
    enough : float
        A value of the log determinant that cannot be surpassed.
    """

    coding: Coding
    levels: IntArray
    free: np.ndarray
    prior: FloatArray
    target: FloatArray
    pool: IntArray
    candidates: IntArray | None = None
    repeats: bool = True
    enough: float = np.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found.

    Parameters
    ----------
    levels : ndarray of int, shape (n, k)
        The best runs.
    score : float
        Their log determinant, or -p log trace(W C).
    estimable : bool
        Whether the information matrix is regular.
    iterations : int
        Done after the start; the same number gives the same runs again.
    cpu_s : float
        CPU time, without compiling.
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    levels: IntArray
    score: float
    estimable: bool
    iterations: int
    cpu_s: float
    interrupted: bool = False


def search(
    task: Task,
    *,
    seed: int,
    budget_s: float,
    iterations: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Found:
    """Search until the budget is spent or `iterations` are done.

    The result depends on the task, the seed and the number of iterations alone.

    Parameters
    ----------
    task : Task
        What to search.
    seed : int
        Of all that is drawn.
    budget_s : float
        CPU seconds of this thread, compiling aside.
    iterations : int, optional
        Instead of the budget.
    progress : callable, optional
        Called with a `Progress` some times a second.

    Returns
    -------
    Found
        The best runs met; Ctrl-C ends the search early.
    """
    from measure.designs import exchange, point_exchange

    problem = make_problem(task)
    state = make_state(task)
    random = np.array([seed], dtype=np.int64).view(np.uint64)
    best = state.levels.copy()
    memory = np.array([-np.inf])
    _compile(problem, task)
    began = time.thread_time()
    done, chunk, interrupted = 0, 1, False
    estimable = _start(task, problem, state, random)
    memory[0] = exchange.score(problem, state)
    best[:] = state.levels
    p = len(task.prior)
    if not estimable or not task.free.any():
        return Found(
            levels=best,
            score=float(memory[0]),
            estimable=estimable,
            iterations=0,
            cpu_s=time.thread_time() - began,
        )
    try:
        while memory[0] < task.enough - _STALE:
            spent = time.thread_time() - began
            if iterations is None:
                if spent >= budget_s:
                    break
                count = chunk
            else:
                count = min(chunk, iterations - done)
                if count <= 0:
                    break
            if task.candidates is None:
                exchange.improve(
                    problem, state, best, memory, random, count, TEMPERATURE
                )
            else:
                point_exchange.improve_among(
                    problem,
                    state,
                    best,
                    memory,
                    random,
                    count,
                    TEMPERATURE,
                    task.candidates,
                )
            done += count
            took = time.thread_time() - began - spent
            left = budget_s - spent - took if iterations is None else np.inf
            each = max(took / count, 1e-7)
            chunk = max(1, min(2 * chunk, int(min(_CHUNK_S, max(left, 0.0)) / each)))
            if progress is not None:
                spent = time.thread_time() - began
                share = done / iterations if iterations else spent / budget_s
                progress(
                    Progress(
                        iterations=done,
                        cpu_s=spent,
                        share=min(share, 1.0),
                        log_value=float(memory[0]) / p,
                    )
                )
    except KeyboardInterrupt:
        interrupted = True
    return Found(
        levels=best,
        score=float(memory[0]),
        estimable=True,
        iterations=done,
        cpu_s=time.thread_time() - began,
        interrupted=interrupted,
    )


def _start(task: Task, problem: Problem, state: State, random: np.ndarray) -> bool:
    """Find runs that estimate all terms, and a first local optimum from them.

    The determinant leads there whatever the criterion: a trace that singular
    directions dominate has no slope to follow.
    """
    from measure.designs import exchange, point_exchange

    first = problem._replace(target=np.empty((0, 0)))
    found, count = False, 0
    while not found and count < _STARTS:
        if task.candidates is None:
            found = exchange.start(first, state, random)
        else:
            found = point_exchange.start_among(first, state, random, task.candidates)
        count += 1
    best, memory = state.levels.copy(), np.array([-np.inf])
    ridge = float(state.scalars[exchange.RIDGE])
    for _ in range(0 if found else _STARTS):
        # No start was lucky: search on with the ridge, which singular runs need.
        if task.candidates is None:
            exchange.improve(
                first, state, best, memory, random, _RESCUE_ITERATIONS, TEMPERATURE
            )
        else:
            point_exchange.improve_among(
                first,
                state,
                best,
                memory,
                random,
                _RESCUE_ITERATIONS,
                TEMPERATURE,
                task.candidates,
            )
        kept = exchange.snapshot(state)
        state.levels[:] = best
        state.scalars[exchange.RIDGE] = 0.0
        found = exchange.refresh(first, state)
        if found:
            break
        exchange.restore(state, kept)
        state.scalars[exchange.RIDGE] = ridge
    if found and task.target.size:
        exchange.refresh(problem, state)
        if task.candidates is None:
            exchange.descend(problem, state)
        else:
            rows = point_exchange.candidate_rows(problem, task.candidates)
            point_exchange.descend_among(problem, state, task.candidates, rows)
    return found


def make_problem(task: Task) -> Problem:
    """Return the arrays that the compiled loops read.

    Parameters
    ----------
    task : Task
        What to search.

    Returns
    -------
    Problem
        Of contiguous arrays of fixed types, so that all is compiled once.
    """
    from measure.designs.exchange import Problem

    coding = task.coding
    n, k = task.levels.shape
    found = find_members(coding.factors, coding.tables.shape[2])
    keys = np.random.default_rng(0).integers(
        0, 2**63, size=coding.tables.shape[:2], dtype=np.uint64
    )
    return Problem(
        tables=np.ascontiguousarray(coding.tables),
        n_levels=coding.n_levels,
        factors=np.ascontiguousarray(coding.factors),
        members=found.members,
        group=found.group,
        n_columns=found.n_columns,
        other_start=found.other_start,
        other_option=found.other_option,
        other_column=found.other_column,
        clause=np.ascontiguousarray(coding.clause),
        prior=np.ascontiguousarray(task.prior, dtype=np.float64),
        target=np.ascontiguousarray(task.target, dtype=np.float64),
        pool=np.ascontiguousarray(task.pool, dtype=np.int64),
        movable=np.repeat(task.free[:, None], k, axis=1),
        plot=np.arange(n, dtype=np.int64),
        shrink=np.zeros(n),
        keys=keys,
        repeats=task.repeats,
    )


def make_state(task: Task) -> State:
    """Return a state with the levels of `task` and nothing computed yet.

    Parameters
    ----------
    task : Task
        What to search.

    Returns
    -------
    State
        With arrays of its own.
    """
    from measure.designs.exchange import State

    n, p = len(task.levels), len(task.prior)
    q = p if task.target.size else 0
    return State(
        levels=np.array(task.levels, dtype=np.int64),
        rows=np.zeros((n, p)),
        inverse=np.zeros((p, p)),
        spread=np.zeros((n, p)),
        inner=np.zeros((q, q)),
        inner_spread=np.zeros((n, q)),
        key=np.zeros(n, dtype=np.uint64),
        scalars=np.zeros(4),
    )


def _compile(problem: Problem, task: Task) -> None:
    """Have the loops compiled, or loaded, before the clock starts: call for nothing."""
    from measure.designs import exchange, point_exchange

    state = make_state(task)
    nothing = problem._replace(movable=np.zeros_like(problem.movable))
    random, memory = np.zeros(1, dtype=np.uint64), np.zeros(1)
    best = state.levels.copy()
    if task.candidates is None:
        exchange.improve(nothing, state, best, memory, random, 0, TEMPERATURE)
        exchange.start(nothing, state, random)
        exchange.descend(nothing, state)
    else:
        few = task.candidates[:0]
        point_exchange.improve_among(
            nothing, state, best, memory, random, 0, TEMPERATURE, few
        )
        point_exchange.start_among(nothing, state, random, few)
