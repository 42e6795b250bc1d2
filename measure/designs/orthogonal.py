"""Orthogonal arrays: the best designs where no option interacts with another.

In the columns of an orthogonal array each two symbols of two columns meet equally
often. The arrays come from Hadamard matrices, from linear functions on a vector space
over a prime field, from difference matrices, and from products of smaller arrays [1]_.

References
----------
.. [1] Hedayat, Sloane and Stufken, *Orthogonal Arrays*, Springer 1999, chapters 3, 6
   and 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

import numpy as np

from measure.designs.two_level import ORDERS, hadamard
from measure.terms import IntArray

LARGEST = 256  # rows
_PRIMES = (2, 3, 5, 7, 11, 13)

# A difference matrix of order 12 over the integers modulo 3: any two of its columns
# differ by 0, 1 and 2 equally often.
_DIFFERENCES_12 = (
    "000000000000",
    "012012120102",
    "021021210120",
    "012101222010",
    "021200120211",
    "000221021112",
    "000012212211",
    "012210011220",
    "021111002202",
    "002120102121",
    "020102111022",
    "011222201001",
)
# Four blocks a i^2 + b i j + c j^2 modulo q make one of order 2q.
_TWICE = {
    3: ((0, 1, 0), (2, 1, 1), (1, 1, 1), (2, 2, 0)),
    5: ((0, 1, 0), (3, 1, 0), (0, 1, 4), (1, 2, 3)),
    7: ((0, 1, 0), (2, 1, 1), (0, 1, 2), (5, 6, 6)),
}

_Columns = dict[int, list[IntArray]]  # columns by their number of symbols
_Wanted = tuple[tuple[int, int], ...]  # (symbols, how many columns), in order


def orthogonal_array(runs: int, symbols: Sequence[int]) -> tuple[IntArray, IntArray]:
    """Return an orthogonal array that serves as many of some columns as are known.

    Parameters
    ----------
    runs : int
        Rows, at most 256.
    symbols : sequence of int
        How many symbols each column should have.

    Returns
    -------
    array : ndarray of int, shape (runs, n_served)
        Of symbols from 0 on.
    served : ndarray of int, shape (n_served,)
        Which of the columns asked for they are.

    Examples
    --------
    >>> array, served = orthogonal_array(18, [2, 3, 3, 3, 3, 3, 3, 3])
    >>> array.shape, served.tolist()
    ((18, 8), [0, 1, 2, 3, 4, 5, 6, 7])
    >>> orthogonal_array(10, [2, 3])[1].tolist()
    [0]
    """
    sizes, counts = np.unique(np.asarray(symbols, dtype=np.int64), return_counts=True)
    wanted = dict(zip(sizes.tolist(), counts.tolist(), strict=True))
    found = _Builder().columns(runs, wanted) if runs <= LARGEST else {}
    chosen, served = [], []
    left = {size: list(columns) for size, columns in found.items()}
    for position, size in enumerate(symbols):
        if left.get(size):
            chosen.append(left[size].pop(0))
            served.append(position)
    array = np.array(chosen, dtype=np.int64).reshape(-1, runs).T
    return array, np.array(served, dtype=np.int64)


class _Builder:
    """Tries the constructions, and remembers what they gave."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, _Wanted], _Columns] = {}

    def columns(self, runs: int, wanted: Mapping[int, int]) -> _Columns:
        """Return columns of `runs` rows, of those wanted; as much as is known."""
        asked = {s: n for s, n in sorted(wanted.items()) if n and 1 < s <= runs}
        key = (runs, tuple(asked.items()))
        if key not in self._known:
            best: _Columns = {}
            for found in self._constructions(runs, asked):
                if weight(found) > weight(best):
                    best = found
                if all(len(best.get(s, ())) == n for s, n in asked.items()):
                    break
            self._known[key] = best
        return self._known[key]

    def _constructions(self, runs: int, asked: Mapping[int, int]) -> Iterator[_Columns]:
        if not asked:
            return
        if runs in ORDERS and asked.get(2):
            signs = hadamard(runs)[:, 1 : asked[2] + 1].astype(np.int64)
            yield {2: list((signs.T + 1) // 2)}
        for prime in _PRIMES:
            power = _logarithm(runs, prime)
            if power:
                yield _linear(prime, power, asked)
        for group in (2, 3, 5, 7):
            if asked.get(group) and runs % group == 0:
                matrix = difference_matrix(runs // group, group)
                if matrix is not None:
                    yield self._of_differences(matrix, group, asked)
        for size in asked:
            if runs % size == 0 and size < runs:
                one = {size: [np.arange(size)]}
                yield self._product(size, one, runs // size, asked)
        for first in range(4, runs // 2):
            if runs % first == 0:
                part = self.columns(first, asked)
                if weight(part) > 1:
                    yield self._product(first, part, runs // first, asked)
        if asked.get(runs):
            yield {runs: [np.arange(runs)]}

    def _of_differences(
        self, matrix: IntArray, group: int, asked: Mapping[int, int]
    ) -> _Columns:
        """Add each group element to the matrix; the rows take any array beside."""
        order = len(matrix)
        taken = min(asked[group], order)
        own = [
            (column[:, None] + np.arange(group)).ravel() % group
            for column in matrix.T[:taken]
        ]
        rest = self.columns(order, {**asked, group: asked[group] - taken})
        beside = {s: [np.repeat(c, group) for c in cols] for s, cols in rest.items()}
        return {**beside, group: own + beside.get(group, [])}

    def _product(
        self, first: int, part: _Columns, second: int, asked: Mapping[int, int]
    ) -> _Columns:
        """Cross each row of one array with each of another."""
        left = {s: n - len(part.get(s, ())) for s, n in asked.items()}
        other = self.columns(second, left)
        return {
            s: [np.repeat(c, second) for c in part.get(s, ())]
            + [np.tile(c, first) for c in other.get(s, ())]
            for s in {*part, *other}
        }


def weight(columns: Mapping[int, Sequence[IntArray]]) -> int:
    """Return how many model columns some columns carry.

    Parameters
    ----------
    columns : mapping of int to sequence of ndarray
        By their number of symbols.

    Returns
    -------
    int
        One less than the number of symbols, for each.
    """
    return sum((size - 1) * len(found) for size, found in columns.items())


def _logarithm(number: int, prime: int) -> int:
    power = 0
    while number % prime == 0:
        number //= prime
        power += 1
    return power if number == 1 else 0


def _linear(prime: int, power: int, asked: Mapping[int, int]) -> _Columns:
    """Return columns of linear functions on the vectors of a prime field.

    Functions that are no multiples of each other give orthogonal columns; r of them
    together, with all their combinations kept from others, one of prime^r symbols.
    """
    vectors = np.array(list(product(range(prime), repeat=power)))
    weights = prime ** np.arange(power)[::-1]
    used = np.zeros(len(vectors), dtype=bool)
    used[0] = True
    found: _Columns = {}
    for size in sorted(asked, reverse=True):
        r = _logarithm(size, prime)
        for _ in range(asked[size] if 0 < r <= power else 0):
            basis = _free_basis(vectors, weights, used, prime, r)
            if basis is None:
                break
            used[_span(vectors[basis], weights, prime)] = True
            values = vectors @ vectors[basis].T % prime
            column = values @ (prime ** np.arange(r))
            found.setdefault(size, []).append(column)
    return found


def _span(basis: IntArray, weights: IntArray, prime: int) -> IntArray:
    factors = np.array(list(product(range(prime), repeat=len(basis))))
    numbers: IntArray = (factors @ basis % prime) @ weights
    return numbers[1:]  # without zero


def _free_basis(
    vectors: IntArray, weights: IntArray, used: np.ndarray, prime: int, r: int
) -> list[int] | None:
    """Return vectors that span nothing that is used; the first found."""
    free = np.flatnonzero(~used).tolist()
    if r == 1:
        return free[:1] or None
    for others in combinations(free, r - 1):
        own = _span(vectors[list(others)], weights, prime)
        if used[own].any():
            continue
        for last in free:
            if last > others[-1] and last not in own:
                basis = [*others, last]
                if not used[_span(vectors[basis], weights, prime)].any():
                    return basis
    return None


def difference_matrix(order: int, group: int) -> IntArray | None:
    """Return a square difference matrix over the integers modulo a prime.

    Parameters
    ----------
    order : int
        Rows and columns, a multiple of `group`.
    group : int
        The prime.

    Returns
    -------
    ndarray of int, shape (order, order) or None
        Any two columns differ by each element equally often; None if none is known
        here.

    Examples
    --------
    >>> difference_matrix(3, 3).tolist()
    [[0, 0, 0], [0, 1, 2], [0, 2, 1]]
    """
    if group == 2:
        if order in ORDERS and order > 1:
            half: IntArray = (hadamard(order).astype(np.int64) + 1) // 2
            return half
        return None
    if order == group:
        return np.outer(np.arange(group), np.arange(group)) % group
    if order == 2 * group and group in _TWICE:
        i, j = np.arange(group)[:, None], np.arange(group)[None, :]
        blocks = [
            (a * i * i + b * i * j + c * j * j) % group for a, b, c in _TWICE[group]
        ]
        return np.block([blocks[:2], blocks[2:]])
    if order == 12 and group == 3:
        return np.array([[int(sign) for sign in row] for row in _DIFFERENCES_12])
    for first in (group, 2 * group, 12):
        if order % first == 0 and first < order:
            one = difference_matrix(first, group)
            other = difference_matrix(order // first, group)
            if one is not None and other is not None:
                total: IntArray = (
                    one[:, None, :, None] + other[None, :, None, :]
                ).reshape(order, order)
                return total % group
    return None
