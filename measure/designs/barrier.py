"""The smallest bound among matrices C for which f'C f is a sum over groups.

Minimises max f'C f - log det C over the free elements of C, a convex problem, by
Newton's method with a logarithmic barrier [1]_. `measure.designs.separable` says what
for.

References
----------
.. [1] Vandenberghe, Boyd and Wu, "Determinant maximization with linear matrix
   inequality constraints", SIAM J. Matrix Anal. Appl. 19, 1998.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measure.terms import FloatArray, IntArray

_GAP = 3e-4  # of the bound, where the barrier ends
_FALL = 0.1  # of the barrier, from stage to stage
_STEPS = 60  # of a stage
_DECREMENT = 1e-3  # Newton's, where a stage ends
_SLOPE = 1e-4  # share of the predicted decrease that a step must bring
_SHORTEST = 1e-9
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """The free elements of a block of C.

    Parameters
    ----------
    times : int
        How often the block is there.
    size : int
        Its rows.
    rows, columns : ndarray of int, shape (m,)
        Where elements stand, once for each pair.
    factors : ndarray, shape (m,)
        What the variable is multiplied by there; half of that on the diagonal.
    variables : ndarray of int, shape (m,)
        Which of the block's variables it is.
    alone : int, default=0
        So many variables, the last ones, are diagonal elements of their own as well,
        of columns that go with no others.
    """

    times: int
    size: int
    rows: IntArray
    columns: IntArray
    factors: FloatArray
    variables: IntArray
    alone: int = 0

    @property
    def count(self) -> int:
        """How many variables there are."""
        return int(self.variables.max()) + 1

    def _matrix(self, values: FloatArray) -> FloatArray:
        result = np.zeros((self.size, self.size))
        entries = self.factors * values[self.variables]
        np.add.at(result, (self.rows, self.columns), entries)
        return result + result.T

    def log_det(self, values: FloatArray) -> float:
        """Return the log determinant of the block.

        Parameters
        ----------
        values : ndarray, shape (count,)
            Of the variables.

        Returns
        -------
        float
            Minus infinity where it is not positive definite.
        """
        alone = values[len(values) - self.alone :]
        if not (alone > 0).all():
            return -np.inf
        try:
            root = np.linalg.cholesky(self._matrix(values))
        except np.linalg.LinAlgError:
            return -np.inf
        return float(2 * np.log(np.diag(root)).sum() + np.log(alone).sum())

    def derivatives(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the first and second derivatives of minus the log determinant.

        Parameters
        ----------
        values : ndarray, shape (count,)
            Of the variables.

        Returns
        -------
        slope : ndarray, shape (count,)
            First derivatives.
        curve : ndarray, shape (count, count)
            Second ones.
        """
        V = np.linalg.inv(self._matrix(values))
        i, j, factor = self.rows, self.columns, self.factors
        entries = V[np.ix_(i, i)] * V[np.ix_(j, j)] + V[np.ix_(i, j)] * V[np.ix_(j, i)]
        entries *= 2 * np.outer(factor, factor)
        many = self.count
        slope: FloatArray = np.zeros(many)
        np.add.at(slope, self.variables, -2 * factor * V[i, j])
        if len(i) > many:
            chosen = np.zeros((many, len(i)))
            chosen[self.variables, np.arange(len(i))] = 1.0
            entries = chosen @ entries @ chosen.T
        curve: FloatArray = entries
        own = np.arange(many - self.alone, many)
        slope[own] -= 1.0 / values[own]
        curve[own, own] += 1.0 / values[own] ** 2
        return slope, curve


class Barrier:
    """The convex problem: variables are elements of C, and each group's maximum.

    Parameters
    ----------
    blocks : list of Elements
        The blocks of C.
    begin : ndarray, shape (m,)
        Values of the variables for which C is positive definite.
    cost : ndarray, shape (m,)
        What each variable contributes to f'C f everywhere.
    contributed : ndarray, shape (rows, m)
        What it contributes besides at each row of each group.
    owner : ndarray of int, shape (rows,)
        The group of each row.
    columns : int
        Of the model.
    """

    def __init__(
        self,
        blocks: list[Elements],
        begin: FloatArray,
        cost: FloatArray,
        contributed: FloatArray,
        owner: IntArray,
        columns: int,
    ) -> None:
        self.blocks = blocks
        self.begin = begin
        self.owner = owner
        self.columns = columns
        self.groups = int(owner.max()) + 1
        self.inner = len(begin)
        self.cost = np.concatenate([cost, np.ones(self.groups)])
        self.above = np.zeros((len(owner), self.inner + self.groups))
        self.above[:, : self.inner] = contributed
        self.above[np.arange(len(owner)), self.inner + owner] = -1.0

    def _tops(self, elements: FloatArray) -> FloatArray:
        """Return the most that each group contributes."""
        values = self.above[:, : self.inner] @ elements
        tops = np.full(self.groups, -np.inf)
        np.maximum.at(tops, self.owner, values)
        return tops

    def _split(self, variables: FloatArray) -> list[FloatArray]:
        ends = np.cumsum([block.count for block in self.blocks])
        return np.split(variables[: self.inner], ends)[: len(self.blocks)]

    def bound(self, variables: FloatArray) -> float:
        """Return the bound that the elements of C prove, whatever they are.

        Parameters
        ----------
        variables : ndarray
            The elements first.

        Returns
        -------
        float
            Of the D-efficiency.
        """
        elements = variables[: self.inner]
        largest = self.cost[: self.inner] @ elements + self._tops(elements).sum()
        log_det = sum(
            block.times * block.log_det(values)
            for block, values in zip(self.blocks, self._split(variables), strict=True)
        )
        value = np.exp(-log_det / self.columns) * largest / self.columns
        return float(value) * (1.0 + _ROUNDING)

    def least(self) -> FloatArray:
        """Return the variables where the bound is least.

        Returns
        -------
        ndarray
            The elements first.
        """
        x = np.concatenate([self.begin, self._tops(self.begin) + 1.0])
        barrier = 1.0
        while True:
            x = self._stage(x, barrier)
            if barrier * len(self.above) < _GAP * self.columns:
                return x
            barrier *= _FALL

    def _stage(self, x: FloatArray, barrier: float) -> FloatArray:
        """Return the least of the objective and the barrier, by Newton's method."""
        for _ in range(_STEPS):
            value, slope, curve = self._derivatives(x, barrier)
            # A little more of the diagonal, against rounding.
            curve[np.diag_indices_from(curve)] *= 1.0 + 1e-10
            try:
                direction = -np.linalg.solve(curve, slope)
            except np.linalg.LinAlgError:
                return x  # as far as double precision goes
            fall = -float(slope @ direction)
            if not fall > _DECREMENT:
                return x
            length = 1.0
            while not (
                self._value(x + length * direction, barrier)
                <= value - _SLOPE * length * fall
            ):
                length /= 2.0
                if length < _SHORTEST:
                    return x
            x = x + length * direction
        return x

    def _value(self, x: FloatArray, barrier: float) -> float:
        slack = -(self.above @ x)
        if not (slack > 0).all():
            return np.inf
        value = float(self.cost @ x - barrier * np.log(slack).sum())
        for block, values in zip(self.blocks, self._split(x), strict=True):
            value -= block.times * block.log_det(values)
        return value

    def _derivatives(
        self, x: FloatArray, barrier: float
    ) -> tuple[float, FloatArray, FloatArray]:
        """Return value, gradient and second derivatives of what is minimised."""
        slack = -(self.above @ x)
        slope = self.cost + barrier * (self.above.T @ (1.0 / slack))
        weighted = self.above / slack[:, None]
        curve: FloatArray = barrier * (weighted.T @ weighted)
        first = 0
        for block, values in zip(self.blocks, self._split(x), strict=True):
            last = first + block.count
            own_slope, own_curve = block.derivatives(values)
            slope[first:last] += block.times * own_slope
            curve[first:last, first:last] += block.times * own_curve
            first = last
        return self._value(x, barrier), slope, curve
