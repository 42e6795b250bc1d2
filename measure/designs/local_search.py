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
    from measure.designs.chains import Chain
    from measure.designs.state import Problem, State

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
    compiling : bool, default=False
        Whether nothing is searched yet: the loops are compiled first, which is told
        once.
    """

    iterations: int
    cpu_s: float
    share: float
    log_value: float
    compiling: bool = False


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
    from measure.designs import state as states
    from measure.designs.chains import Turn, begin

    problem, state = make_problem(task), make_state(task)
    random = np.array([seed], dtype=np.int64).view(np.uint64)
    _compile(problem, task, progress)
    began = time.thread_time()
    chains = begin(task, problem, state, random, seed)
    if not chains:
        return Found(
            levels=state.levels.copy(),
            score=float(states.score(problem, state)),
            estimable=False,
            iterations=0,
            cpu_s=time.thread_time() - began,
        )
    done, interrupted = 0, False
    pace = [_CHUNK_S] * len(chains)  # CPU time of an iteration, as last seen
    turn = Turn(chains)
    try:
        while task.free.any() and _best(chains) < task.enough - _STALE:
            spent = time.thread_time() - began
            left = budget_s - spent if iterations is None else np.inf
            if left <= 0 or done == iterations:
                break
            which = turn.which
            count = min(turn.left, int(min(_CHUNK_S, left) / pace[which]) + 1)
            if iterations is not None:
                count = min(count, iterations - done)
            chains[which].advance(count)
            turn.took(count)
            done += count
            now = time.thread_time() - began
            pace[which] = max((now - spent) / count, 1e-7)
            if progress is not None:
                share = done / iterations if iterations else now / budget_s
                value = _best(chains) / len(task.prior)
                progress(
                    Progress(
                        iterations=done,
                        cpu_s=now,
                        share=min(share, 1.0),
                        log_value=value,
                    )
                )
    except KeyboardInterrupt:
        interrupted = True
    if _best(chains) < task.enough - _STALE:
        for chain in chains:
            chain.finish()
    best = max(chains, key=lambda chain: chain.score)
    return Found(
        levels=best.best,
        score=best.score,
        estimable=True,
        iterations=done,
        cpu_s=time.thread_time() - began,
        interrupted=interrupted,
    )


def _best(chains: list[Chain]) -> float:
    return max(chain.score for chain in chains)


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
    from measure.designs.state import Problem

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
    from measure.designs.state import State

    n, p = len(task.levels), len(task.prior)
    q = p if task.target.size else 0
    width = task.coding.tables.shape[2]
    return State(
        levels=np.array(task.levels, dtype=np.int64),
        rows=np.zeros((n, p)),
        inverse=np.zeros((p, p)),
        spread=np.zeros((n, p)),
        inner=np.zeros((q, q)),
        inner_spread=np.zeros((n, q)),
        key=np.zeros(n, dtype=np.uint64),
        scalars=np.zeros(4),
        rest=np.zeros(p),
        collapsed=np.zeros((3 + 2 * width, width)),
    )


def tell_compiling(
    progress: Callable[[Progress], None] | None, loop: Callable[..., object]
) -> None:
    """Tell that a loop must be compiled, unless its machine code is kept.

    Parameters
    ----------
    progress : callable or None
        Called if so.
    loop : callable
        The slowest to compile.
    """
    from measure.designs import compiling

    if progress is not None and not compiling.is_compiled(loop):
        progress(
            Progress(
                iterations=0, cpu_s=0.0, share=0.0, log_value=-np.inf, compiling=True
            )
        )


def _compile(
    problem: Problem, task: Task, progress: Callable[[Progress], None] | None
) -> None:
    """Have the loops compiled, or loaded, before the clock starts: call for nothing."""
    from measure.designs import exchange, point_exchange, walks

    among = task.candidates is not None
    tell_compiling(progress, point_exchange.improve_among if among else walks.improve)
    state = make_state(task)
    nothing = problem._replace(movable=np.zeros_like(problem.movable))
    random, memory = np.zeros(1, dtype=np.uint64), np.zeros(1)
    same = (nothing, state, state.levels.copy(), memory, random, 0, 1.0)
    if task.candidates is None:
        walks.improve(*same)
        walks.wander(nothing, state, random, 0, 1.0)
        walks.draw_all(nothing, state, random)
        exchange.descend(nothing, state)
    else:
        few = task.candidates[:0]
        point_exchange.improve_among(*same, few)
        point_exchange.start_among(nothing, state, random, few)
