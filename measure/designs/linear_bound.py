"""How small the mean variance of coefficients or of predictions can be.

For weights of configurations with information matrix A, any other matrix M and a
positive semidefinite C, trace(C M^-1) is at least trace(C A^-1)^2 over the largest
f'G f of all configurations, G = A^-1 C A^-1: by the inequality of Cauchy and Schwarz
trace(C A^-1)^2 is at most trace(C M^-1) trace(G M). At the best weights both sides
agree [1]_. Weights are multiplied by the root of f'G f over its mean, which never makes
them worse [2]_, and configurations come in where it is large.

References
----------
.. [1] Fedorov, *Theory of Optimal Experiments*, Academic Press 1972.
.. [2] Yu, "Monotonic convergence of a general algorithm for computing optimal
   designs", Ann. Statist. 38, 2010.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measure.designs.reduction import whole
from measure.designs.weights import (
    ENUMERATED,
    ESTIMATED,
    LAST_STARTS,
    PROVED,
    Approximation,
    is_enumerable,
)
from measure.space import ConfigurationSpace
from measure.terms import FloatArray, IntArray, Term, model_matrix

_TOLERANCE = 2e-3  # of the largest f'G f over its mean
_ROUNDS = 40
_STARTS = 64
_STEPS = 400  # of the weights in a round
_MOST_WORK = 5e9  # multiplications spent on weights
_ADDED = 0.1  # weight that new points get together
_WORTH = 0.02
_LEAST = 1e-3  # of the mean weight: less is dropped, if variances are low there


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastTrace:
    """How small trace(C (X'X)^-1) can be.

    Parameters
    ----------
    value : float
        No design has less.
    kind : {"proved", "estimated"}
        Whether all configurations were gone through.
    reason : str
        Why it holds.
    """

    value: float
    kind: str
    reason: str


def least_trace(
    space: ConfigurationSpace,
    terms: tuple[Term, ...],
    target: FloatArray,
    runs: IntArray,
    fixed: int = 0,
    *,
    enumerated: int = ENUMERATED,
) -> LeastTrace | None:
    """Return how small trace(C (X'X)^-1) can be for a number of runs.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : tuple of Term
        The model.
    target : ndarray, shape (p, p)
        C: the identity for coefficients, the mean of f f' for predictions.
    runs : ndarray of int, shape (n, n_options)
        A design of as many runs that estimates all terms; a good one saves time.
    fixed : int, default=0
        So many of its runs, the first ones, every design must hold.
    enumerated : int, default=10_000_000
        Up to so many combinations all are gone through.

    Returns
    -------
    LeastTrace or None
        None where all runs are fixed, or the terms cannot be estimated.
    """
    free = len(runs) - fixed
    if free < 1:
        return None
    formula = None if fixed else _orthogonal(space, terms, target, len(runs))
    powers = any(factor.power > 1 for term in terms for factor in term.factors)
    if formula is not None and not space.forbid and not powers:
        return formula
    everything = whole(space, terms)
    search = Approximation(everything)
    rows = model_matrix(space, terms, runs).X
    base = rows[:fixed].T @ rows[:fixed] / free
    weights = _Weights(search, np.unique(runs[fixed:], axis=0), base, target, terms)
    exact = is_enumerable(everything, enumerated)
    best = 0.0
    for turn in range(_ROUNDS):
        if not weights.improve():
            return None
        climbed, heights = search.climb(_STARTS, weights.quadratic)
        done = weights.work > _MOST_WORK or turn == _ROUNDS - 1
        high = heights > weights.mean * (1.0 + _TOLERANCE)
        if high.any() and not done:
            weights.add(climbed[high])
            continue
        if exact:
            search.level = weights.mean
            largest, climbed = search.enumerate_largest(weights.quadratic)
        else:
            climbed, heights = search.climb(LAST_STARTS, weights.quadratic)
            largest = float(heights.max())
            climbed = climbed[heights > weights.mean * (1.0 + _TOLERANCE)]
        largest = max(largest, weights.mean)
        best = max(best, weights.trace**2 / (largest + weights.beside))
        if largest <= weights.mean * (1.0 + _TOLERANCE) or done or not len(climbed):
            break
        weights.add(climbed)
    if exact:
        reason = f"all {space.size()} configurations were gone through"
    else:
        reason = f"the largest variance was searched from {LAST_STARTS} starts"
    found = LeastTrace(
        value=best / free, kind=PROVED if exact else ESTIMATED, reason=reason
    )
    # A certificate is worth more than a search, unless that says so much more.
    worth = 1.0 if exact else 1.0 - _WORTH
    if formula is not None and formula.value > found.value * worth:
        return formula
    return found


def _orthogonal(
    space: ConfigurationSpace,
    terms: tuple[Term, ...],
    target: FloatArray,
    runs: int,
) -> LeastTrace | None:
    """Return the least trace if C is the same for all columns of a term, else None.

    The squares of a term's columns add up to at most their number, so that with the
    identity in the place of A the largest f'G f is at most the trace of C.
    """
    level = np.zeros((1, len(space.options)), dtype=np.int64)
    for part in model_matrix(space, terms, level).slices.values():
        values = np.diag(target)[part]
        if not np.allclose(values, values[0], rtol=1e-9):
            return None
    trace = float(np.trace(target))
    if np.abs(target - np.diag(np.diag(target))).max() > 1e-9 * trace:
        return None
    return LeastTrace(
        value=trace / runs,
        kind=PROVED,
        reason="at best all columns are orthogonal",
    )


class _Weights:
    """Weights of some configurations, and what follows from them."""

    def __init__(
        self,
        search: Approximation,
        points: IntArray,
        base: FloatArray,
        target: FloatArray,
        terms: tuple[Term, ...],
    ) -> None:
        self.space = search.space
        self.terms = terms
        self.base = base
        self.target = target
        self.points = np.unique(np.vstack([points, search.points]), axis=0)
        self.weights: FloatArray = np.full(len(self.points), 1.0 / len(self.points))
        self.quadratic = np.zeros_like(base)
        self.trace = self.mean = self.beside = np.inf
        self.work = 0.0

    def improve(self) -> bool:
        """Improve the weights; tell whether they estimate all terms."""
        F = model_matrix(self.space, self.terms, self.points).X
        m, p = F.shape
        for _ in range(_STEPS):
            A = self.base + F.T @ (self.weights[:, None] * F)
            try:
                np.linalg.cholesky(A)
            except np.linalg.LinAlgError:
                return False
            inverse = np.linalg.inv(A)
            half = inverse @ self.target
            self.trace = float(np.trace(half))
            self.quadratic = half @ inverse
            heights = np.einsum("ij,ij->i", F @ self.quadratic, F)
            self.mean = float(self.weights @ heights)
            self.beside = float(np.sum(self.quadratic * self.base))
            self.work += 2.0 * m * p * p + 3.0 * p**3
            if heights.max() <= self.mean * (1.0 + _TOLERANCE / 4):
                break
            if self.work > _MOST_WORK:
                break
            self.weights = self.weights * np.sqrt(heights / self.mean)
            self.weights /= self.weights.sum()
            kept = (self.weights > _LEAST / m) | (heights > 0.9 * self.mean)
            if not kept.all():
                F, self.points, self.weights = (
                    F[kept],
                    self.points[kept],
                    self.weights[kept] / self.weights[kept].sum(),
                )
        return True

    def add(self, points: IntArray) -> None:
        """Give configurations that are not there some weight."""
        known = {tuple(row) for row in self.points.tolist()}
        rows = np.unique(points, axis=0)
        new = rows[[tuple(row) not in known for row in rows.tolist()]]
        if len(new):
            self.points = np.vstack([self.points, new])
            self.weights = np.concatenate(
                [
                    self.weights * (1.0 - _ADDED),
                    np.full(len(new), _ADDED / len(new)),
                ]
            )
