"""How good a design of any size can be: an upper bound of the D-efficiency.

For weights w of configurations with information matrix M and any other design, the
D-efficiency of the other is at most det(M)^(1/p) times the largest f'M^-1 f over
all configurations, divided by p: the arithmetic mean of the eigenvalues of M^-1 times
the other's matrix is at least their geometric mean. The better the weights, the
tighter; at the best ones the largest f'M^-1 f is p [1]_.

References
----------
.. [1] Kiefer and Wolfowitz, "The equivalence of two extremum problems", Canad. J.
   Math. 12, 1960.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from measure.designs.problem import Coding, code, draw_pool
from measure.space import ConfigurationSpace
from measure.terms import FloatArray, IntArray, Term

PROVED, ESTIMATED = "proved", "estimated"

_ENUMERATED = 10_000_000  # configurations that are gone through one by one
_TOLERANCE = 1e-3  # of the largest f'M^-1 f over p, where the weights are good enough
_ROUNDS = 40
_STARTS = 64  # climbs of a round
_LAST_STARTS = 1000  # climbs before a bound is called estimated
_KEPT = 256  # configurations that an enumeration adds
_STEPS = 4000  # exchanges of weight in a round
_MOST_WORK = 1e10  # multiplications spent on weights, and again on enumerating
_FIRST_EXCESS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An upper bound of the D-efficiency, for any number of runs.

    Parameters
    ----------
    value : float
        No design of the model on the space has a larger D-efficiency.
    kind : {"proved", "estimated"}
        Estimated: the largest f'M^-1 f was searched, not proved.
    reason : str
        Why it holds, in a few words.
    reached : float
        The D-efficiency of the weights behind it: between that and `value` lies the
        best there can be, however many the runs.
    """

    value: float
    kind: str
    reason: str
    reached: float


def upper_bound(
    space: ConfigurationSpace,
    terms: Sequence[Term],
    runs: IntArray | None = None,
    *,
    enumerated: int = _ENUMERATED,
    tight: bool = True,
) -> Bound | None:
    """Return an upper bound of det(X'X)^(1/p) / n over all designs.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : sequence of Term
        The model.
    runs : ndarray of int, shape (n, n_options), optional
        A good design to begin with.
    enumerated : int, default=10_000_000
        Up to so many combinations all are gone through, and the bound is proved.
    tight : bool, default=True
        Whether to spend seconds where a formula gives a loose bound, or none.

    Returns
    -------
    Bound or None
        None where no formula gives one and `tight` is false, or the terms cannot be
        estimated at all.

    Examples
    --------
    >>> from measure.terms import model_terms
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2, 3]}}})
    >>> bound = upper_bound(space, model_terms(space, "quadratic").terms)
    >>> round(bound.value, 4), bound.kind
    (0.5291, 'proved')
    """
    terms = tuple(terms)
    powers = any(factor.power > 1 for term in terms for factor in term.factors)
    simple: Bound | None = None
    if not powers:
        simple = Bound(
            value=1.0,
            kind=PROVED,
            reason="all combinations of the extreme levels, equally often, have "
            "orthogonal columns",
            reached=1.0 if not space.forbid else 0.0,
        )
    elif all(term.order <= 1 for term in terms) and len(space.options) > 1:
        simple = _additive(space, terms)
    if simple is not None and (not space.forbid or not tight):
        return simple
    if not tight:
        return None
    found = _Approximation(space, terms, runs).solve(enumerated)
    if simple is not None and (found is None or simple.value < found.value):
        return simple
    return found


def _additive(space: ConfigurationSpace, terms: tuple[Term, ...]) -> Bound | None:
    """Return the bound of a model without interactions, option by option.

    With independent weights of each option, f'M^-1 f - 1 is the sum of what the
    options contribute, so its maximum is the sum of the maxima.
    """
    p, log_det, largest, reached = 1, 0.0, 1.0, 0.0
    for option in space.options:
        own = tuple(t for t in terms if not t.factors or t.options == (option.name,))
        if len(own) < 2:
            continue
        alone = ConfigurationSpace([option])
        part = _Approximation(alone, own, None)
        bound = part.solve(_ENUMERATED)
        if bound is None:
            return None
        size = part.p
        p += size - 1
        log_det += size * np.log(bound.reached)
        largest += size * bound.value / bound.reached - 1.0
        reached += size * np.log(bound.reached)
    mean = float(np.exp(log_det / p))
    return Bound(
        value=mean * largest / p,
        kind=PROVED,
        reason="without interactions each option is bounded alone",
        reached=0.0 if space.forbid else mean,
    )


def largest_variance(
    space: ConfigurationSpace,
    terms: Sequence[Term],
    covariance: FloatArray,
    *,
    enumerated: int = _ENUMERATED,
) -> float:
    """Return the largest f' C f over the valid configurations.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : sequence of Term
        The model, f being its row of a configuration.
    covariance : ndarray, shape (p, p)
        The matrix C.
    enumerated : int, default=10_000_000
        Up to so many combinations all are gone through; else it is searched.

    Returns
    -------
    float
        Exact where all were gone through.
    """
    search = _Approximation(space, tuple(terms), None)
    search.inverse = np.ascontiguousarray(covariance)
    if search.is_enumerable(enumerated):
        return search.enumerate_largest()[0]
    return float(search.climb(_LAST_STARTS)[1].max())


class _Approximation:
    """Weights of a growing list of configurations, and the variance of the others."""

    def __init__(
        self,
        space: ConfigurationSpace,
        terms: tuple[Term, ...],
        runs: IntArray | None,
    ) -> None:
        from measure.designs.local_search import Task, make_problem

        self.space = space
        self.coding: Coding = code(space, terms)
        self.p = p = len(self.coding.factors)
        self.rng = np.random.default_rng(0)
        pool = draw_pool(space, self.rng)
        task = Task(
            coding=self.coding,
            levels=np.zeros((1, len(space.options)), dtype=np.int64),
            free=np.ones(1, dtype=bool),
            prior=np.zeros(p),
            target=np.empty((0, 0)),
            pool=pool,
        )
        self.problem = make_problem(task)
        size = min(4 * p, space.size())
        points = space.sample(size, self.rng)
        if runs is not None:
            points = np.vstack([runs, points])
        self.points: IntArray = np.unique(points, axis=0)
        self.weights: FloatArray = np.full(len(self.points), 1.0 / len(self.points))
        self.inverse = np.empty((p, p))
        self.excess = _FIRST_EXCESS  # of the largest f'M^-1 f over p, as last seen
        self.work = 0.0

    def is_enumerable(self, enumerated: int) -> bool:
        """Tell whether all combinations can be gone through in some seconds."""
        counts = self.coding.n_levels.astype(float)
        total = float(np.prod(counts))
        touched = (self.coding.factors > 0).sum(axis=0).max()
        work = total / counts.max() * self.p * float(touched)
        return total <= enumerated and work <= _MOST_WORK

    def solve(self, enumerated: int) -> Bound | None:
        """Improve weights and points until they agree; return the best bound met."""
        exact = self.is_enumerable(enumerated)
        best: Bound | None = None
        reached = 0.0
        for _ in range(_ROUNDS):
            log_det = self._reweigh()
            if not np.isfinite(log_det):
                if not self._more_points():
                    return None
                continue
            value = float(np.exp(log_det / self.p))
            reached = max(reached, value)
            climbed, heights = self.climb(_STARTS)
            high = heights > self.p * (1.0 + _TOLERANCE)
            self.excess = float(heights.max()) / self.p - 1.0
            if high.any() and self.work < _MOST_WORK:
                self._add(climbed[high])
                continue
            if exact:
                largest, points = self.enumerate_largest()
                kind = PROVED
                reason = f"all {self.space.size()} configurations were gone through"
            else:
                points, heights = self.climb(_LAST_STARTS)
                largest, kind = float(heights.max()), ESTIMATED
                points = points[heights > self.p * (1.0 + _TOLERANCE)]
                reason = f"the largest variance was searched from {_LAST_STARTS} starts"
            largest = max(largest, float(self.p))
            limit = value * largest / self.p
            if best is None or limit < best.value:
                best = Bound(value=limit, kind=kind, reason=reason, reached=value)
            if largest <= self.p * (1.0 + _TOLERANCE) or self.work >= _MOST_WORK:
                break
            self._add(points)
        else:
            if best is None and exact:
                value = float(np.exp(self._reweigh() / self.p))
                largest, _ = self.enumerate_largest()
                best = Bound(
                    value=value * max(largest, self.p) / self.p,
                    kind=PROVED,
                    reason="all configurations were gone through",
                    reached=reached,
                )
        return best

    def _reweigh(self) -> float:
        """Find the best weights of the points there are; return log det M."""
        from measure.designs.approximate import exchange_weights, information
        from measure.designs.point_exchange import candidate_rows

        rows = candidate_rows(self.problem, self.points)
        if not np.isfinite(information(rows, self.weights, self.inverse)):
            return -np.inf
        variance = np.empty(len(rows))
        # While points are missing, weights need not be better than the points are.
        tolerance = max(_TOLERANCE / 4, self.excess / 10)
        _, steps = exchange_weights(
            rows, self.weights, self.inverse, variance, tolerance, _STEPS
        )
        self.work += 2.0 * steps * (len(rows) + self.p) * self.p
        # Points of no weight whose variance is low cannot come back: leave them out.
        kept = (self.weights > 0) | (variance > 0.95 * self.p)
        self.points, self.weights = self.points[kept], self.weights[kept]
        return float(
            information(
                candidate_rows(self.problem, self.points), self.weights, self.inverse
            )
        )

    def _more_points(self) -> bool:
        """Add random points where those there are cannot estimate all terms."""
        size = self.space.size()
        if len(self.points) >= size:
            return False
        more = self.space.sample(min(4 * self.p, size), self.rng)
        self.points = np.unique(np.vstack([self.points, more]), axis=0)
        self.weights = np.full(len(self.points), 1.0 / len(self.points))
        return True

    def _add(self, points: IntArray) -> None:
        known = {tuple(row) for row in self.points.tolist()}
        new = [
            row for row in np.unique(points, axis=0).tolist() if tuple(row) not in known
        ]
        if new:
            self.points = np.vstack([self.points, np.array(new, dtype=np.int64)])
            self.weights = np.append(self.weights, np.zeros(len(new)))

    def climb(self, starts: int) -> tuple[IntArray, FloatArray]:
        """Return local maxima of f'M^-1 f, from random points and those of weight."""
        from measure.designs.approximate import climb

        random = self.space.sample(starts, self.rng, replace=True)
        heavy = np.argsort(-self.weights)[:starts]
        levels = np.vstack([random, self.points[heavy]])
        state = self._state(levels)
        values = np.empty(len(levels))
        climb(self.problem, state, values)
        return state.levels, values

    def enumerate_largest(self) -> tuple[float, IntArray]:
        """Return the largest f'M^-1 f, and configurations where it is large."""
        from measure.designs.approximate import enumerate_largest

        k = len(self.space.options)
        state = self._state(np.zeros((1, k), dtype=np.int64))
        found = np.zeros((_KEPT, k), dtype=np.int64)
        values = np.zeros(_KEPT)
        widest = int(self.coding.n_levels.argmax())
        largest = enumerate_largest(
            self.problem,
            state,
            widest,
            self.p * (1.0 + _TOLERANCE),
            found,
            values,
        )
        return float(largest), found[values > 0]

    def _state(self, levels: IntArray):  # type: ignore[no-untyped-def]
        from measure.designs.state import State

        n, p = len(levels), self.p
        width = self.coding.tables.shape[2]
        return State(
            levels=np.ascontiguousarray(levels),
            rows=np.zeros((n, p)),
            inverse=self.inverse,
            spread=np.zeros((n, p)),
            inner=np.zeros((0, 0)),
            inner_spread=np.zeros((n, 0)),
            key=np.zeros(n, dtype=np.uint64),
            scalars=np.zeros(4),
            rest=np.zeros(p),
            collapsed=np.zeros((3 + 2 * width, width)),
        )
