"""Hadamard matrices of every order to 100, and the Plackett-Burman designs in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from measure.designs.base import Design, made, refuse_forbidden
from measure.errors import DesignError
from measure.levels import Level, spelled
from measure.options import Option
from measure.space import ConfigurationSpace

SignArray = np.ndarray[Any, np.dtype[np.int8]]

LARGEST_ORDER = 100
ORDERS = (1, 2, *range(4, LARGEST_ORDER + 1, 4))

# Prime powers q = p^m, m > 1, of the fields used, with x^m = sum of these
# coefficients times x^0 .. x^(m-1): an irreducible polynomial over GF(p).
_FIELDS = {9: (3, (2, 0)), 25: (5, (2, 0)), 27: (3, (1, 1, 0)), 49: (7, (3, 0))}
_PRIMES = frozenset({3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61})
_PRIMES |= {67, 71, 73, 79, 83, 89, 97}
FIELD_SIZES = _PRIMES | set(_FIELDS)

# First rows of four symmetric circulants of order 23 (Baumert, Golomb and Hall).
_WILLIAMSON_23 = (
    "+++++-++---++---++-++++",
    "+-+++--++-+--+-++--+++-",
    "+-+--+++++----+++++--+-",
    "+--++-+-+------+-+-++--",
)


def hadamard(order: int) -> SignArray:
    """Return a Hadamard matrix: entries of 1 and -1, orthogonal columns.

    Quadratic residues of a finite field (Paley I and II) give most orders,
    doubling gives others, and Williamson's four circulants give 92 [1]_ [2]_ [3]_.

    Parameters
    ----------
    order : int
        1, 2 or a multiple of 4 up to 100.

    Returns
    -------
    ndarray of int8, shape (order, order)
        ``H.T @ H`` is ``order`` times the identity; the first column is all 1.

    Raises
    ------
    DesignError
        For another order.

    References
    ----------
    .. [1] Paley, "On orthogonal matrices", J. Math. Phys. 12, 1933.
    .. [2] Williamson, "Hadamard's determinant theorem and the sum of four squares",
       Duke Math. J. 11, 1944.
    .. [3] Baumert, Golomb and Hall, "Discovery of an Hadamard matrix of order 92",
       Bull. Amer. Math. Soc. 68, 1962.

    Examples
    --------
    >>> hadamard(4)
    array([[ 1,  1,  1,  1],
           [ 1, -1,  1, -1],
           [ 1, -1, -1,  1],
           [ 1,  1, -1, -1]], dtype=int8)
    """
    if order not in ORDERS:
        raise DesignError(
            f"no Hadamard matrix of order {order} here; orders are 1, 2 and the "
            f"multiples of 4 up to {LARGEST_ORDER}"
        )
    matrix = _matrix(int(order))
    return (matrix * matrix[:, :1]).astype(np.int8)


def _matrix(order: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    if order == 1:
        return np.ones((1, 1), dtype=np.int64)
    q = order - 1
    if q % 4 == 3 and q in FIELD_SIZES:
        core = residues(q)
        matrix = np.ones((order, order), dtype=np.int64)
        matrix[1:, 0] = -1
        matrix[1:, 1:] = core + np.eye(q, dtype=np.int64)
        return matrix
    q = order // 2 - 1
    if q % 4 == 1 and q in FIELD_SIZES:
        conference = np.ones((q + 1, q + 1), dtype=np.int64)
        conference[0, 0] = 0
        conference[1:, 1:] = residues(q)
        one = np.eye(q + 1, dtype=np.int64)
        return np.kron(conference, [[1, 1], [1, -1]]) + np.kron(
            one, [[1, -1], [-1, -1]]
        )
    if order == 92:
        return _williamson(_WILLIAMSON_23)
    return np.kron(_matrix(order // 2), [[1, 1], [1, -1]])


def residues(q: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return 1, -1 or 0 as a - b is a square, none, or 0, in a field of q elements.

    Parameters
    ----------
    q : int
        One of `FIELD_SIZES`.

    Returns
    -------
    ndarray of int, shape (q, q)
        For all pairs of elements a, b.
    """
    prime, reduction = _FIELDS.get(q, (q, (0,)))
    elements = list(product(range(prime), repeat=len(reduction)))
    squares = {_field_product(a, a, prime, reduction) for a in elements if any(a)}
    character = np.array(
        [0 if not any(a) else 1 - 2 * (a not in squares) for a in elements]
    )
    digits = np.array(elements)
    difference = (digits[:, None, :] - digits[None, :, :]) % prime
    weights = prime ** np.arange(len(reduction))[::-1]
    chosen: np.ndarray[Any, np.dtype[np.int64]] = character[difference @ weights]
    return chosen


def _field_product(
    a: Sequence[int], b: Sequence[int], prime: int, reduction: Sequence[int]
) -> tuple[int, ...]:
    size = len(reduction)
    if size == 1:
        return (a[0] * b[0] % prime,)
    full = [0] * (2 * size - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            full[i + j] += x * y
    for power in range(2 * size - 2, size - 1, -1):
        for i, coefficient in enumerate(reduction):
            full[power - size + i] += full[power] * coefficient
    return tuple(value % prime for value in full[:size])


def _williamson(rows: Sequence[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    a, b, c, d = (_circulant([1 if sign == "+" else -1 for sign in r]) for r in rows)
    return np.block([[a, b, c, d], [-b, a, -d, c], [-c, d, a, -b], [-d, -c, b, a]])


def _circulant(row: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([np.roll(row, shift) for shift in range(len(row))])


def two_levels(
    space: ConfigurationSpace, levels: Mapping[str, Sequence[Level]] | None = None
) -> tuple[np.ndarray[Any, np.dtype[np.int64]], tuple[str, ...]]:
    """Return the level indices of -1 and +1 of each option, and what to say of it.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    levels : mapping of str to two levels, optional
        For the options named; else the smallest and the largest of a numeric option,
        the first and the last of another.

    Returns
    -------
    indices : ndarray of int, shape (n_options, 2)
        Of the low and the high level.
    notes : tuple of str
        A sentence where an option has more levels than two.

    Raises
    ------
    DesignError
        If `levels` names an unknown option, or not two different levels.
    LevelError
        If it names what is not a level.
    """
    named = dict(levels or {})
    unknown = [name for name in named if name not in space.names]
    if unknown:
        raise DesignError(
            f"levels for {unknown[0]!r}, which is no option; options are "
            f"{', '.join(space.names)}"
        )
    chosen, reduced = [], []
    for option in space.options:
        pair = _ends(option)
        if option.name in named:
            pair = tuple(option.index(level) for level in named[option.name])
            if len(set(pair)) != 2 or len(pair) != 2:
                raise DesignError(
                    f"option {option.name!r}: a two-level design needs two different "
                    f"levels, not {len(named[option.name])} given"
                )
        chosen.append(pair)
        if len(option.levels) > 2:
            low, high = (spelled(option.levels[i]) for i in pair)
            reduced.append(f"{option.name} {low} and {high}")
    notes: tuple[str, ...] = ()
    if reduced:
        notes = ("two levels of options that have more: " + "; ".join(reduced),)
    return np.array(chosen, dtype=np.int64).reshape(-1, 2), notes


def _ends(option: Option) -> tuple[int, ...]:
    if option.kind != "numeric":
        return 0, len(option.levels) - 1
    order = sorted(range(len(option.levels)), key=lambda i: float(option.levels[i]))
    return order[0], order[-1]


def plackett_burman(
    space: ConfigurationSpace,
    runs: int | None = None,
    fold_over: bool = False,
    *,
    levels: Mapping[str, Sequence[Level]] | None = None,
    model: str = "main",
) -> Design:
    """Return a two-level design whose main effects are orthogonal.

    The columns of a Hadamard matrix after its first [1]_. Main effects are confused
    with interactions of two options, in part or (16, 32, 64 runs) wholly; the
    fold-over, all runs again with every level exchanged, frees them of those.

    Parameters
    ----------
    space : ConfigurationSpace
        At most 99 options. Those with more than two levels are set to two of them.
    runs : int, optional
        A multiple of 4 up to 100, above the number of options (with fold-over twice
        that); the smallest by default.
    fold_over : bool, default=False
        Whether to add the runs with all levels exchanged.
    levels : mapping of str to two levels, optional
        The low and the high level of some options, instead of the extreme ones.
    model : str, default="main"
        What the design is judged by.

    Returns
    -------
    Design
        In standard order.

    Raises
    ------
    DesignError
        If there is no such number of runs, or a run is forbidden.

    References
    ----------
    .. [1] Plackett and Burman, "The design of optimum multifactorial experiments",
       Biometrika 33, 1946.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2, 4]},
    ...     "onednn": {"kind": "boolean"},
    ...     "backend": {"kind": "categorical", "levels": ["graph", "xla"]}}})
    >>> design = plackett_burman(space)
    >>> design.frame
       threads  onednn backend
    0        4    True     xla
    1        1    True   graph
    2        1   False     xla
    3        4   False   graph
    >>> design.notes
    ('two levels of options that have more: threads 1 and 4',)
    """
    k = len(space.options)
    copies = 2 if fold_over else 1
    allowed = [copies * order for order in ORDERS if order > max(k, 3)]
    if not allowed:
        raise DesignError(
            f"plackett-burman design: {k} options, but {LARGEST_ORDER} runs screen at "
            f"most {LARGEST_ORDER - 1}; name fewer with --options, or choose "
            "--design d-optimal"
        )
    if runs is None:
        runs = allowed[0]
    if runs not in allowed:
        folded = " with fold-over" if fold_over else ""
        raise DesignError(
            f"plackett-burman design{folded}: no {runs} runs for {k} options; choose "
            f"one of {', '.join(map(str, allowed))}"
        )
    ends, notes = two_levels(space, levels)
    signs = hadamard(runs // copies)[:, 1 : k + 1].astype(np.int64)
    if fold_over:
        signs = np.vstack([signs, -signs])
    indices = ends[np.arange(k), (signs + 1) // 2]
    refuse_forbidden("plackett-burman", space, indices)
    return made("plackett-burman", space, indices, model=model, notes=notes)
