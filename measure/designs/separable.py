"""A bound of models with squares that needs no going through configurations.

The bound of `measure.designs.bound` holds for any positive definite matrix C in the
place of M^-1, not only for those of designs. Of all C we take those for which f'C f is
a sum of what each option contributes: its maximum is then the sum of the maxima over
each option's levels, on spaces of any size. The products x_i^2 x_j^2 that the
interaction of two options brings cancel where the element of C between their squares is
minus half of that of the interaction. Among these C the one with the smallest bound
is sought: minimise max f'C f - log det C, a convex problem, by Newton's method with a
logarithmic barrier [1]_. What was found is then evaluated by itself, so that it is a
proof however far the search came.

References
----------
.. [1] Vandenberghe, Boyd and Wu, "Determinant maximization with linear matrix
   inequality constraints", SIAM J. Matrix Anal. Appl. 19, 1998.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measure.designs.reduction import Part, reduced
from measure.space import ConfigurationSpace
from measure.terms import FloatArray, IntArray, Term, code_levels

_GAP = 3e-4  # of the bound, where the barrier ends
_FALL = 0.1  # of the barrier, from stage to stage
_STEPS = 60  # of a stage
_DECREMENT = 1e-3  # Newton's, where a stage ends
_SLOPE = 1e-4  # share of the predicted decrease that a step must bring
_SHORTEST = 1e-9
_ROUNDING = 1e-9
_MOST_VARIABLES = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """One block of the model: which options it has, and in what way."""

    times: int
    linear: tuple[int, ...]
    squares: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Elements:
    """The free elements of a block of C, in the order of the variables."""

    times: int
    size: int  # of the block without the interactions
    rows: IntArray
    columns: IntArray
    factors: FloatArray
    pairs: int  # the last variables: what stands for each interaction

    def matrix(self, values: FloatArray) -> FloatArray:
        """Return the block without the interactions."""
        result = np.zeros((self.size, self.size))
        np.add.at(result, (self.rows, self.columns), self.factors * values)
        return result + result.T

    def interactions(self, values: FloatArray) -> FloatArray:
        """Return the elements of the interactions."""
        return values[len(values) - self.pairs :]


def separable_bound(space: ConfigurationSpace, terms: tuple[Term, ...]) -> float | None:
    """Return a proved upper bound of the D-efficiency, on a space of any size.

    Parameters
    ----------
    space : ConfigurationSpace
        The options; what is forbidden is not made use of.
    terms : tuple of Term
        The model.

    Returns
    -------
    float or None
        None where the model is of another kind: it has powers above the second,
        interactions of options of which it has no squares, or of three of them; or is
        too large.

    Examples
    --------
    >>> from measure.terms import model_terms
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     f"x{i}": {"kind": "numeric", "levels": [1, 2, 3]} for i in range(20)}})
    >>> round(separable_bound(space, model_terms(space, "quadratic").terms), 3)
    0.704
    """
    left = reduced(ConfigurationSpace(space.options), terms)
    if left is None:
        return None
    blocks = [_block(part, left.space.names) for part in left.parts]
    known = [block for block in blocks if block is not None]
    if len(known) < len(blocks):
        return None
    levels = [np.unique(code_levels(option)) for option in left.space.options]
    if _variables(known) > _MOST_VARIABLES:
        return None
    search = _Barrier(known, levels, left.columns)
    return search.bound(search.least()) * (1.0 + _ROUNDING)


def _variables(blocks: list[_Block]) -> int:
    return sum(
        1 + 2 * len(block.linear) + 3 * len(block.squares) + len(block.pairs)
        for block in blocks
    )


def _block(part: Part, names: tuple[str, ...]) -> _Block | None:
    """Return a block's options, or None where its terms are of another kind."""
    linear: list[int] = []
    squares: list[int] = []
    pairs: list[tuple[int, int]] = []
    for term in part.terms:
        where = [names.index(factor.option) for factor in term.factors]
        powers = [factor.power for factor in term.factors]
        if powers == [1]:
            linear.append(where[0])
        elif powers == [2]:
            squares.append(where[0])
        elif powers == [1, 1]:
            pairs.append((where[0], where[1]))
        elif powers:
            return None
    both = {i for pair in pairs for i in pair}
    complete = Term() in part.terms and both <= set(squares) <= set(linear)
    if not complete:
        return None
    return _Block(
        times=part.times,
        linear=tuple(linear),
        squares=tuple(squares),
        pairs=tuple(pairs),
    )


class _Barrier:
    """The convex problem: variables are elements of C, and each option's maximum."""

    def __init__(
        self, blocks: list[_Block], levels: list[FloatArray], columns: int
    ) -> None:
        self.columns = columns
        self.options = len(levels)
        self.owner = np.repeat(np.arange(len(levels)), [len(x) for x in levels])
        self.blocks: list[_Elements] = []
        x = np.concatenate(levels)
        start: list[float] = []
        cost: list[float] = []
        contributed: list[FloatArray] = []  # by each variable, at each level
        for block in blocks:
            place = {option: 1 + i for i, option in enumerate(block.linear)}
            first = 1 + len(block.linear)
            square = {option: first + i for i, option in enumerate(block.squares)}
            many = len(block.squares)
            entries: list[tuple[int, int, float]] = [(0, 0, 0.5)]
            begin, price = [3.0], [float(block.times)]
            powers: list[tuple[int, float, int]] = [(-1, 0.0, 0)]
            for option, at in place.items():
                entries += [(0, at, 1.0), (at, at, 0.5)]
                powers += [(option, 2.0, 1), (option, 1.0, 2)]
                begin += [0.0, 1.2]
            for option, at in square.items():
                entries += [(0, at, 1.0), (place[option], at, 1.0), (at, at, 0.5)]
                powers += [(option, 2.0, 2), (option, 2.0, 3), (option, 1.0, 4)]
                begin += [-1.0 if many < 3 else -0.5, 0.0, many + 4.0]
            for i, j in block.pairs:
                entries.append((square[i], square[j], -0.5))
                powers.append((-1, 0.0, 0))
                begin.append(1.3)
            contributed += [
                block.times * factor * x**power * (self.owner == option)
                for option, factor, power in powers
            ]
            start += begin
            cost += price + [0.0] * (len(begin) - 1)
            self.blocks.append(
                _Elements(
                    times=block.times,
                    size=first + many,
                    rows=np.array([entry[0] for entry in entries]),
                    columns=np.array([entry[1] for entry in entries]),
                    factors=np.array([entry[2] for entry in entries]),
                    pairs=len(block.pairs),
                )
            )
        self.inner = len(start)
        self.cost = np.array([*cost, *np.ones(self.options)])
        self.above = np.zeros((len(x), self.inner + self.options))
        self.above[:, : self.inner] = np.array(contributed).T
        self.above[np.arange(len(x)), self.inner + self.owner] = -1.0
        self.begin = np.array(start)

    def _tops(self, elements: FloatArray) -> FloatArray:
        """Return the most that each option contributes."""
        values = self.above[:, : self.inner] @ elements
        tops = np.full(self.options, -np.inf)
        np.maximum.at(tops, self.owner, values)
        return tops

    def _split(self, variables: FloatArray) -> list[FloatArray]:
        ends = np.cumsum([len(block.rows) for block in self.blocks])
        return np.split(variables[: self.inner], ends)[: len(self.blocks)]

    def bound(self, variables: FloatArray) -> float:
        """Return the bound that the elements of C prove, whatever they are."""
        elements = variables[: self.inner]
        largest = self.cost[: self.inner] @ elements + self._tops(elements).sum()
        log_det = 0.0
        for block, values in zip(self.blocks, self._split(variables), strict=True):
            _, own = np.linalg.slogdet(block.matrix(values))
            own += np.log(block.interactions(values)).sum()
            log_det += block.times * float(own)
        return float(np.exp(-log_det / self.columns) * largest / self.columns)

    def least(self) -> FloatArray:
        """Return the variables where the bound is least."""
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
            pairs = block.interactions(values)
            if not (pairs > 0).all():
                return np.inf
            try:
                root = np.linalg.cholesky(block.matrix(values))
            except np.linalg.LinAlgError:
                return np.inf
            log_det = 2 * np.log(np.diag(root)).sum() + np.log(pairs).sum()
            value -= block.times * float(log_det)
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
            V = np.linalg.inv(block.matrix(values))
            i, j, factor = block.rows, block.columns, block.factors
            last = first + len(i)
            slope[first:last] -= block.times * 2 * factor * V[i, j]
            curve[first:last, first:last] += (
                block.times
                * 2
                * np.outer(factor, factor)
                * (
                    V[np.ix_(i, i)] * V[np.ix_(j, j)]
                    + V[np.ix_(i, j)] * V[np.ix_(j, i)]
                )
            )
            pairs = block.interactions(values)
            own = np.arange(last - block.pairs, last)
            slope[own] -= block.times / pairs
            curve[own, own] += block.times / pairs**2
            first = last
        return self._value(x, barrier), slope, curve
