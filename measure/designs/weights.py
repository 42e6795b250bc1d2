"""Weights of configurations as good as there are: an approximate design.

Points come in where f'M^-1 f is large, and weight moves to them until no configuration
is found where it exceeds its mean. `measure.designs.bound` says what follows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measure.designs.problem import Coding, code, draw_pool
from measure.designs.reduction import Reduction
from measure.terms import FloatArray, IntArray, model_matrix

PROVED, ESTIMATED = "proved", "estimated"
ENUMERATED = 10_000_000  # configurations that are gone through one by one
LAST_STARTS = 1000  # climbs before a maximum is called found

_TOLERANCE = 1e-3  # of the largest f'M^-1 f over p, where the weights are good enough
_ROUNDS = 100
_STARTS = 64  # climbs of a round
_KEPT = 256  # configurations that an enumeration adds
_STEPS = 4000  # exchanges of weight in a round
_MOST_WORK = 5e9  # multiplications spent on weights, and again on enumerating
_FEW = 20_000  # numbers in the rows of so few configurations that all are taken
_FIRST_EXCESS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """What the best weights that were met say of all others.

    Parameters
    ----------
    log_det : float
        Of the information matrix behind the bound, blocks as often as they are.
    largest : float
        How large the mean f'M^-1 f of other weights can be, over p and never below 1.
    kind : {"proved", "estimated"}
        Whether that was proved.
    went_through : int
        How many configurations; 0 where the largest was searched.
    """

    log_det: float
    largest: float
    kind: str
    went_through: int


def is_enumerable(reduction: Reduction, enumerated: int = ENUMERATED) -> bool:
    """Tell whether all combinations can be gone through in some seconds.

    Parameters
    ----------
    reduction : Reduction
        The space and the model.
    enumerated : int, default=10_000_000
        The largest number of them.

    Returns
    -------
    bool
        By their number and the work.
    """
    return _is_enumerable(code(reduction.space, reduction.terms), enumerated)


def _is_enumerable(coding: Coding, enumerated: int) -> bool:
    counts = coding.n_levels.astype(float)
    total = float(np.prod(counts))
    touched = (coding.factors > 0).sum(axis=0).max()
    work = total / counts.max() * len(coding.factors) * float(touched)
    return total <= enumerated and work <= _MOST_WORK


class Approximation:
    """Weights of a growing list of configurations, and the variance of the others.

    Parameters
    ----------
    reduction : Reduction
        The space and the blocks of the model.
    base : ndarray, shape (p, p), optional
        Added to the information matrix of the weights; for one block.
    most : float, default=1.0
        The largest weight of a configuration; below 1 all must be gone through.
    """

    def __init__(
        self,
        reduction: Reduction,
        base: FloatArray | None = None,
        most: float = 1.0,
    ) -> None:
        from measure.designs.approximate import Blocks
        from measure.designs.local_search import Task, make_problem

        self.space = space = reduction.space
        self.p = reduction.columns
        self.most = most
        terms = reduction.terms
        self.coding: Coding = code(space, terms)
        u = len(self.coding.factors)
        self.rng = np.random.default_rng(0)
        task = Task(
            coding=self.coding,
            levels=np.zeros((1, len(space.options)), dtype=np.int64),
            free=np.ones(1, dtype=bool),
            prior=np.zeros(u),
            target=np.empty((0, 0)),
            pool=draw_pool(space, self.rng),
        )
        self.problem = make_problem(task)
        slices = model_matrix(
            space, terms, np.zeros((1, len(space.options)), dtype=np.int64)
        ).slices
        columns = [
            np.concatenate([np.arange(slices[t].start, slices[t].stop) for t in part])
            for part in (part.terms for part in reduction.parts)
        ]
        self.columns: IntArray = np.concatenate(columns)
        starts = np.cumsum([0, *map(len, columns)])
        q = int(starts[-1])
        self.blocks = Blocks(
            starts=starts.astype(np.int64),
            times=np.array([float(part.times) for part in reduction.parts]),
            base=np.zeros((q, q)) if base is None else np.ascontiguousarray(base),
            most=most,
        )
        self.all_points = space.size() * q <= _FEW or most < 1.0
        self.points: IntArray
        if self.all_points:
            self.points = space.all_rows()
        else:
            size = min(4 * u, space.size())
            self.points = np.unique(space.sample(size, self.rng), axis=0)
        self.weights: FloatArray = np.full(len(self.points), 1.0 / len(self.points))
        self.inverse = np.zeros((q, q))
        self.level = float(self.p)  # mean of f'M^-1 f over the weights
        self.excess = _FIRST_EXCESS  # of the largest f'M^-1 f over p, as last seen
        self.work = 0.0

    def solve(self, enumerated: int = ENUMERATED) -> Solution | None:
        """Improve weights and points until they agree.

        Parameters
        ----------
        enumerated : int
            Up to so many combinations all are gone through.

        Returns
        -------
        Solution or None
            The best met; None where the terms cannot be estimated.
        """
        exact = _is_enumerable(self.coding, enumerated)
        best: Solution | None = None
        for turn in range(_ROUNDS):
            log_det = self._reweigh()
            if not np.isfinite(log_det):
                if not self._more_points():
                    return None
                continue
            if not (exact and self.all_points):
                climbed, heights = self.climb(_STARTS)
                high = heights > self.level + self.p * _TOLERANCE
                self.excess = float(heights.max() - self.level) / self.p
                last = turn == _ROUNDS - 1 or self.work >= _MOST_WORK
                if high.any() and not last:
                    self._add(climbed[high])
                    continue
            largest, points = self._largest(exact)
            ratio = 1.0 + max(0.0, largest - self.level) / self.p
            found = Solution(
                log_det=log_det,
                largest=ratio,
                kind=PROVED if exact else ESTIMATED,
                went_through=self.space.size() if exact else 0,
            )
            if best is None or _limit(found, self.p) < _limit(best, self.p):
                best = found
            if ratio <= 1.0 + _TOLERANCE or self.work >= _MOST_WORK:
                break
            if self.all_points:
                self.excess /= 10.0  # there is no point to add: better weights
            else:
                self.excess = ratio - 1.0
                self._add(points)
        return best

    def _largest(self, exact: bool) -> tuple[float, IntArray]:
        """Return how large a mean variance can be, and where variances are large."""
        if self.most < 1.0:
            # The mean over weights of which none is larger: the largest, filled up.
            _, variance = self._seen()
            ordered = np.sort(variance)[::-1]
            share = np.minimum(
                self.most, 1.0 - np.minimum(1.0, self.most * np.arange(len(ordered)))
            )
            return float(ordered @ share), self.points[:0]
        if exact:
            return self.enumerate_largest()
        points, heights = self.climb(LAST_STARTS)
        high = heights > self.level + self.p * _TOLERANCE
        return float(heights.max()), points[high]

    def _rows(self) -> FloatArray:
        from measure.designs.point_exchange import candidate_rows

        rows: FloatArray = candidate_rows(self.problem, self.points)
        return np.ascontiguousarray(rows[:, self.columns])

    def _seen(self) -> tuple[float, FloatArray]:
        """Compute the inverse afresh; return log det M and all points' variances."""
        from measure.designs.approximate import information, variances

        rows = self._rows()
        variance = np.empty(len(rows))
        log_det = information(self.blocks, rows, self.weights, self.inverse)
        if np.isfinite(log_det):
            variances(self.blocks, rows, self.inverse, variance)
            self.level = float(self.weights @ variance)
        return float(log_det), variance

    def _reweigh(self) -> float:
        """Find the best weights of the points there are; return log det M."""
        from measure.designs.approximate import exchange_weights, information

        rows = self._rows()
        if not np.isfinite(information(self.blocks, rows, self.weights, self.inverse)):
            return -np.inf
        variance = np.empty(len(rows))
        # While points are missing, weights need not be better than the points are.
        tolerance = max(_TOLERANCE / 4, self.excess / 10)
        if self.all_points:
            tolerance = min(_TOLERANCE / 4, self.excess)
        steps = exchange_weights(
            self.blocks,
            rows,
            self.weights,
            self.inverse,
            variance,
            tolerance * self.p,
            _STEPS,
        )
        size = len(rows) + rows.shape[1]
        self.work += 2.0 * steps * size * rows.shape[1]
        if not self.all_points:
            # Points of no weight whose variance is low cannot come back.
            self.level = float(self.weights @ variance)
            kept = (self.weights > 0) | (variance > 0.95 * self.level)
            self.points, self.weights = self.points[kept], self.weights[kept]
        self.weights /= self.weights.sum()
        return self._seen()[0]

    def _more_points(self) -> bool:
        """Add random points where those there are cannot estimate all terms."""
        size = self.space.size()
        if len(self.points) >= size:
            return False
        more = self.space.sample(min(4 * len(self.inverse), size), self.rng)
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

    @property
    def quadratic(self) -> FloatArray:
        """The matrix C of the variance f'C f of all terms that are gone through."""
        u = len(self.coding.factors)
        result = np.zeros((u, u))
        starts = self.blocks.starts
        for block, times in enumerate(self.blocks.times):
            part = slice(starts[block], starts[block + 1])
            columns = self.columns[part]
            result[np.ix_(columns, columns)] += times * self.inverse[part, part]
        return result

    def climb(
        self, starts: int, quadratic: FloatArray | None = None
    ) -> tuple[IntArray, FloatArray]:
        """Return local maxima of f'C f, from random points and those of weight.

        Parameters
        ----------
        starts : int
            How many of each.
        quadratic : ndarray, optional
            C; by default that of the weights.

        Returns
        -------
        points : ndarray of int, shape (m, n_options)
            Where they are.
        values : ndarray, shape (m,)
            How high.
        """
        from measure.designs.approximate import climb

        random = self.space.sample(starts, self.rng, replace=True)
        heavy = np.argsort(-self.weights)[:starts]
        levels = np.vstack([random, self.points[heavy]])
        state = self._state(levels, quadratic)
        values = np.empty(len(levels))
        climb(self.problem, state, values)
        return state.levels, values

    def enumerate_largest(
        self, quadratic: FloatArray | None = None
    ) -> tuple[float, IntArray]:
        """Return the largest f'C f, and configurations where it is large.

        Parameters
        ----------
        quadratic : ndarray, optional
            C; by default that of the weights.

        Returns
        -------
        largest : float
            Over all valid configurations.
        points : ndarray of int, shape (m, n_options)
            Where it exceeds what the weights say.
        """
        from measure.designs.approximate import enumerate_largest

        k = len(self.space.options)
        state = self._state(np.zeros((1, k), dtype=np.int64), quadratic)
        found = np.zeros((_KEPT, k), dtype=np.int64)
        values = np.zeros(_KEPT)
        widest = int(self.coding.n_levels.argmax())
        threshold = self.level + self.p * _TOLERANCE
        largest = enumerate_largest(
            self.problem, state, widest, threshold, found, values
        )
        return float(largest), found[values > 0]

    def _state(  # type: ignore[no-untyped-def]
        self, levels: IntArray, quadratic: FloatArray | None
    ):
        from measure.designs.state import State

        n, u = len(levels), len(self.coding.factors)
        width = self.coding.tables.shape[2]
        matrix = self.quadratic if quadratic is None else quadratic
        return State(
            levels=np.ascontiguousarray(levels),
            rows=np.zeros((n, u)),
            inverse=np.ascontiguousarray(matrix),
            spread=np.zeros((n, u)),
            inner=np.zeros((0, 0)),
            inner_spread=np.zeros((n, 0)),
            key=np.zeros(n, dtype=np.uint64),
            scalars=np.zeros(4),
            rest=np.zeros(u),
            collapsed=np.zeros((3 + 2 * width, width)),
        )


def _limit(solution: Solution, columns: int) -> float:
    """Return the logarithm of the bound of the efficiency."""
    return solution.log_det / columns + float(np.log(solution.largest))
