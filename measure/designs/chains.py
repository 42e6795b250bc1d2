"""The ways of searching for a design, and where they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from measure.designs.starts import constructed_starts
from measure.terms import IntArray

if TYPE_CHECKING:
    from measure.designs.local_search import Task
    from measure.designs.state import Problem, State

TEMPERATURE = 0.05  # of the acceptance, in units of log determinant
HEAT = 0.033  # temperature of the walk where runs are as many as model columns
_STARTS = 20  # random starts until one estimates all terms
_RESCUE_ITERATIONS = 50
_FIRST_RIDGE = 1e-4
_DRAWS = 100


def begin(
    task: Task, problem: Problem, state: State, random: np.ndarray, seed: int
) -> list[Chain]:
    """Return the chains of a search, each at a first local optimum.

    Parameters
    ----------
    task : Task
        What to search.
    problem, state : Problem, State
        Its arrays.
    random : ndarray of uint64, shape (1,)
        State of the generator.
    seed : int
        Of what is not drawn by compiled code.

    Returns
    -------
    list of Chain
        None where no runs were found that estimate all terms; `state` then holds
        those that came nearest.
    """
    from measure.designs import state as states

    other = random ^ np.uint64(0x5DEECE66D1234567)
    found = _start(task, problem, state, random)
    reached = states.score(problem, state) if found else -np.inf
    best = states.snapshot(state)
    if task.candidates is None and task.free.any():
        # One start is chance, the others are built; the best leads.
        for levels in _built(task, problem, np.random.default_rng(seed)):
            trial = states.snapshot(state)
            if _descended(problem, trial, levels, task.free):
                value = states.score(problem, trial)
                if value > reached:
                    best, reached = trial, value
    if not np.isfinite(reached):
        return []
    perturbing = _Perturbing(task, problem, best, random)
    if task.candidates is not None:
        return [perturbing]
    return [perturbing, _Wandering(task, problem, state if found else best, other)]


def _built(task: Task, problem: Problem, rng: np.random.Generator) -> list[IntArray]:
    """Return constructed starts, with other runs for those that may not be."""
    runs = int(task.free.sum())
    options = np.arange(len(task.coding.n_levels))
    taken = {tuple(row) for row in task.levels[~task.free].tolist()}
    starts = constructed_starts(task.coding, runs, rng)
    for levels in starts:
        seen = set() if task.repeats else set(taken)
        for row in levels:
            for _ in range(_DRAWS):
                forbidden = problem.clause[:, options, row].all(axis=1).any()
                if not forbidden and tuple(row.tolist()) not in seen:
                    break
                if len(task.pool):
                    row[:] = task.pool[rng.integers(len(task.pool))]
                else:
                    row[:] = rng.integers(task.coding.n_levels)
            if not task.repeats:
                seen.add(tuple(row.tolist()))
    return starts


def _descended(
    problem: Problem, state: State, levels: IntArray, free: np.ndarray
) -> bool:
    """Take a constructed start down to a local optimum; tell whether it is sound."""
    from measure.designs import exchange
    from measure.designs import state as states

    state.levels[free] = levels
    first = problem._replace(target=np.empty((0, 0)))
    state.scalars[states.RIDGE] = 0.0
    if not states.refresh(first, state):
        state.scalars[states.RIDGE] = _FIRST_RIDGE
        if not (states.refresh(first, state) and exchange.descend(first, state)):
            return False
        state.scalars[states.RIDGE] = 0.0
    return bool(states.refresh(problem, state) and exchange.descend(problem, state))


def _start(task: Task, problem: Problem, state: State, random: np.ndarray) -> bool:
    """Find runs that estimate all terms, and a first local optimum from them.

    The determinant leads there whatever the criterion: a trace that singular
    directions dominate has no slope to follow.
    """
    from measure.designs import exchange, point_exchange
    from measure.designs import state as states
    from measure.designs import walks

    first = problem._replace(target=np.empty((0, 0)))
    found, count = False, 0
    while not found and count < _STARTS:
        if task.candidates is None:
            found = walks.start(first, state, random)
        else:
            found = point_exchange.start_among(first, state, random, task.candidates)
        count += 1
    best, memory = state.levels.copy(), np.array([-np.inf])
    ridge = float(state.scalars[states.RIDGE])
    for _ in range(0 if found else _STARTS):
        # No start was lucky: search on with the ridge, which singular runs need.
        if task.candidates is None:
            walks.improve(
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
        kept = states.snapshot(state)
        state.levels[:] = best
        state.scalars[states.RIDGE] = 0.0
        found = states.refresh(first, state)
        if found:
            break
        states.restore(state, kept)
        state.scalars[states.RIDGE] = ridge
    if found and task.target.size:
        states.refresh(problem, state)
        if task.candidates is None:
            exchange.descend(problem, state)
        else:
            rows = point_exchange.candidate_rows(problem, task.candidates)
            point_exchange.descend_among(problem, state, task.candidates, rows)
    return found


class Chain:
    """One way of searching, with a state and a best of its own.

    Parameters
    ----------
    task : Task
        What to search.
    problem, state : Problem, State
        Its arrays, at a local optimum; `state` is copied.
    random : ndarray of uint64, shape (1,)
        State of the generator, which the chain goes on with.
    """

    length = 1  # iterations of a turn

    def __init__(
        self, task: Task, problem: Problem, state: State, random: np.ndarray
    ) -> None:
        from measure.designs import state as states

        self.task, self.problem, self.random = task, problem, random
        self.state = states.snapshot(state)
        self.best = state.levels.copy()
        self.memory = np.array([states.score(problem, state)])

    @property
    def score(self) -> float:
        """The best so far."""
        return float(self.memory[0])

    def advance(self, count: int) -> None:
        """Search on.

        Parameters
        ----------
        count : int
            How many iterations.
        """
        raise NotImplementedError

    def finish(self) -> None:
        """Bring in what was begun, as no more iterations follow."""


class _Perturbing(Chain):
    """Iterated local search."""

    length = 8

    def advance(self, count: int) -> None:
        from measure.designs import point_exchange, walks

        same = (self.problem, self.state, self.best, self.memory, self.random, count)
        if self.task.candidates is None:
            walks.improve(*same, TEMPERATURE)
        else:
            point_exchange.improve_among(*same, TEMPERATURE, self.task.candidates)


class _Wandering(Chain):
    """A heat bath, taken down to a local optimum from time to time."""

    def __init__(
        self, task: Task, problem: Problem, state: State, random: np.ndarray
    ) -> None:
        from measure.designs import state as states
        from measure.designs import walks

        super().__init__(task, problem, state, random)
        n, p = state.rows.shape
        # A change of one run matters less where runs are many.
        self.temperature = HEAT * min(1.0, p / n)
        self.begun, self.length = 0, walks.QUENCH
        self.saved = states.snapshot(self.state)

    def advance(self, count: int) -> None:
        from measure.designs import walks

        same = (self.problem, self.state)
        while count > 0:
            part = min(count, walks.QUENCH - self.begun % walks.QUENCH)
            done = walks.wander(*same, self.random, part, self.temperature)
            if done < 0:
                walks.go_back(*same, self.saved)
            self.begun += abs(done)
            count -= abs(done)
            if self.begun % walks.QUENCH == 0:
                walks.quench(*same, self.best, self.memory, self.saved)

    def finish(self) -> None:
        from measure.designs import walks

        if self.begun % walks.QUENCH:
            walks.quench(self.problem, self.state, self.best, self.memory, self.saved)


class Turn:
    """Whose turn it is: the better chain has three of four, whatever the clock says.

    Parameters
    ----------
    chains : list of Chain
        One or two.
    """

    def __init__(self, chains: list[Chain]) -> None:
        self.chains, self.number, self.which = chains, -1, 0
        self.left = 0
        self._next()

    def took(self, count: int) -> None:
        """Count what the chain whose turn it is has done.

        Parameters
        ----------
        count : int
            Iterations, no more than were left.
        """
        self.left -= count
        if self.left == 0:
            self._next()

    def _next(self) -> None:
        self.number += 1
        scores = [chain.score for chain in self.chains]
        leader = scores.index(max(scores))
        if self.number % 4 < 2:  # in the beginning of each round all are heard
            self.which = self.number % 4 % len(self.chains)
        else:
            self.which = leader
        self.left = self.chains[self.which].length
