"""Designs to start a search from, where good ones can be constructed.

Without interactions a design is best if each option takes its own best levels in the
columns of an orthogonal array; with interactions of options that take two levels, if it
is a regular fraction that keeps them all apart. Where none has as many runs as asked
for, or serves all options, the search mends what is built from the nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import combinations, compress
from math import comb
from operator import xor
from typing import NamedTuple

import numpy as np

from measure.designs.fractional import choose_columns, signs_of
from measure.designs.orthogonal import LARGEST, orthogonal_array
from measure.designs.problem import Coding
from measure.terms import FloatArray, IntArray

_MOST_SUBSETS = 20_000  # of an option's levels that are compared
_MOST_RUNS = 1024  # beyond that chance is as good
_SPARE = 3  # rows of a larger array that are left out at most
_MOST_BASE = 10  # a fraction has 1024 runs at most
_MOST_LEFT_OUT = 0.12  # of the runs of a fraction
_KEPT = 3  # starts returned


def constructed_starts(
    coding: Coding, runs: int, rng: np.random.Generator
) -> list[IntArray]:
    """Return good runs of a model, the likely best first.

    Parameters
    ----------
    coding : Coding
        Of the model on the space.
    runs : int
        How many.
    rng : numpy.random.Generator
        Fills what no array serves.

    Returns
    -------
    list of ndarray of int, shape (runs, k)
        Level indices, forbidden combinations not looked at; empty where nothing is
        known that comes near.
    """
    if not 4 <= runs <= _MOST_RUNS:
        return []
    support = [best_levels(coding, i) for i in range(len(coding.n_levels))]
    if (coding.factors > 0).sum(axis=1).max() > 1:
        return _of_fractions(coding, support, runs, rng)
    symbols = [len(levels) for levels in support]
    arrays = []
    for size in _sizes(runs, symbols):
        array, served = orthogonal_array(size, symbols)
        carried = sum(symbols[i] - 1 for i in served)
        if carried:
            arrays.append(_Array(array, served, carried / sum(s - 1 for s in symbols)))
    stacks = sorted(
        (_stack(first, arrays, runs) for first in arrays),
        key=lambda stack: -_quality(stack, runs),
    )
    starts = []
    for stack in stacks[:_KEPT]:
        filled = np.vstack([_filled(*part, symbols, rng) for part in stack])
        starts.append(np.column_stack([s[c] for s, c in zip(support, filled.T)]))
    return starts


def _of_fractions(
    coding: Coding, support: Sequence[IntArray], runs: int, rng: np.random.Generator
) -> list[IntArray]:
    """Return two-level fractions that keep all columns of the model apart."""
    p, k = coding.factors.shape
    starts: list[IntArray] = []
    if coding.factors.max() > 1:
        return starts
    used = np.flatnonzero(coding.factors.any(axis=0))
    for m in range(2, min(len(used), _MOST_BASE) + 1):
        size = 1 << m
        if not max(p, len(used) + 1) <= size <= (1 + _MOST_LEFT_OUT) * runs:
            continue
        columns = choose_columns(len(used), m)
        # A product of columns is the sum of their bits modulo 2.
        products = [
            reduce(xor, compress(columns, row[used]), 0) for row in coding.factors
        ]
        if len(set(products)) < p:
            continue
        signs = signs_of(columns, m).astype(np.int64)
        copies = [rng.permutation(signs) for _ in range(-(-runs // size))]
        ends = (np.vstack(copies)[:runs] + 1) // 2
        levels = np.column_stack([rng.integers(len(s), size=runs) for s in support])
        for column, i in zip(ends.T, used, strict=True):
            levels[:, i] = column
        chosen = [own[column] for own, column in zip(support, levels.T, strict=True)]
        starts.append(np.column_stack(chosen))
    return starts[::-1][:_KEPT]


class _Array(NamedTuple):
    rows: IntArray
    served: IntArray
    share: float  # of the model columns, those that it carries


_Stack = list[tuple[_Array, int]]  # arrays, and how many rows of each are taken


def _sizes(runs: int, symbols: Sequence[int]) -> list[int]:
    """Return numbers of rows at which some two columns can be orthogonal."""
    distinct = sorted({size for size in symbols if size > 1})
    steps = {a * b for a in distinct for b in distinct if a < b}
    steps |= {a * a for a in distinct if symbols.count(a) > 1}
    most = min(runs + _SPARE, LARGEST)
    return sorted(
        {size for step in steps for size in range(step, most + 1, step)}, reverse=True
    )


def _stack(first: _Array, arrays: list[_Array], runs: int) -> _Stack:
    """Return arrays on top of each other that have so many rows together."""
    stack, left = [(first, min(len(first.rows), runs))], runs - len(first.rows)
    while left > 0:
        fits = [array for array in arrays if len(array.rows) <= left + _SPARE]
        if not fits:
            # Chance, evenly: an array that serves nothing.
            fits = [_Array(np.empty((left, 0), int), np.empty(0, int), 0.0)]
        best = max(fits, key=lambda array: _quality([(array, left)], left))
        stack.append((best, min(len(best.rows), left)))
        left -= len(best.rows)
    return stack


def _quality(stack: _Stack, runs: int) -> float:
    """Return the share of the information that the arrays of a stack keep."""
    whole = 0.0
    for array, taken in stack:
        taken = min(taken, len(array.rows))
        whole += array.share * taken / runs * taken / len(array.rows)
    return round(whole, 9)


def _filled(
    array: _Array, taken: int, symbols: Sequence[int], rng: np.random.Generator
) -> IntArray:
    """Return rows of an array; options that it does not serve change evenly."""
    size = len(array.rows)
    block = np.empty((size, len(symbols)), dtype=np.int64)
    for i, count in enumerate(symbols):
        block[:, i] = rng.permutation(np.arange(size) % count)
    for column, i in enumerate(array.served):
        block[:, i] = rng.permutation(symbols[i])[array.rows[:, column]]
    return rng.permutation(block)[:taken]


def best_levels(coding: Coding, option: int) -> IntArray:
    """Return the levels of an option that tell most of it, as many as it has columns.

    Parameters
    ----------
    coding : Coding
        Of the model on the space.
    option : int
        Which.

    Returns
    -------
    ndarray of int
        One more than columns, those of the largest determinant; all levels where the
        model does not hold the option.
    """
    n_levels = int(coding.n_levels[option])
    columns = int(coding.factors[:, option].max())
    if columns == 0 or columns + 1 >= n_levels:
        return np.arange(n_levels)
    table = coding.tables[option, :n_levels, : columns + 1]
    if comb(n_levels, columns + 1) > _MOST_SUBSETS:
        return _spread_levels(table, columns + 1)
    chosen = np.array(list(combinations(range(n_levels), columns + 1)))
    sizes = np.abs(np.linalg.det(table[chosen]))
    best: IntArray = chosen[int(np.argmax(np.round(sizes, 9)))]
    return best


def _spread_levels(table: FloatArray, count: int) -> IntArray:
    """Return levels chosen one by one, each the farthest from those before."""
    rest, chosen = table.copy(), []
    for _ in range(count):
        level = int(np.argmax(np.round((rest**2).sum(axis=1), 9)))
        chosen.append(level)
        direction = rest[level] / np.linalg.norm(rest[level])
        rest = rest - np.outer(rest @ direction, direction)
    return np.sort(np.array(chosen))
