"""Rows dealt into folds; those that share a measurement are never parted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Groups = NDArray[np.int64]

__all__ = ["by_group", "deal", "drawn_rows", "split_folds", "unlike"]


def split_folds(
    n: int, folds: int, rng: np.random.Generator, groups: Groups | None = None
) -> list[NDArray[np.intp]]:
    """Deal rows at random into folds of (nearly) equal size.

    Parameters
    ----------
    n : int
        Number of rows.
    folds : int
        Number of folds, at least 2; more than there are rows or groups are as many.
    rng : numpy.random.Generator
        Source of the order.
    groups : ndarray of int of shape (n,), optional
        Rows with equal numbers share a measurement and come into one fold.

    Returns
    -------
    list of ndarray
        The rows that each fold holds out, ascending.

    Examples
    --------
    >>> [len(fold) for fold in split_folds(7, 3, np.random.default_rng(0))]
    [3, 2, 2]
    >>> twins = np.array([0, 1, 1, 2])
    >>> sorted(f.tolist() for f in split_folds(4, 3, np.random.default_rng(0), twins))
    [[0], [1, 2], [3]]
    """
    if groups is None:
        parts = np.array_split(rng.permutation(n), max(min(folds, n), 2))
        return [np.sort(part) for part in parts]
    numbers = np.unique(groups)
    dealt = split_folds(len(numbers), folds, rng)
    return [np.flatnonzero(np.isin(groups, numbers[part])) for part in dealt]


def deal(
    n: int, folds: int, repeats: int, seed: int, groups: Groups | None = None
) -> list[list[NDArray[np.intp]]]:
    """Deal rows into folds, again and again.

    Parameters
    ----------
    n, folds : int
        Number of rows, and of folds.
    repeats : int
        How often.
    seed : int
        The folds depend on it, `n`, `folds` and `groups` alone.
    groups : ndarray of int of shape (n,), optional
        As for `split_folds`.

    Returns
    -------
    list of list of ndarray
        The folds of each repeat.

    Examples
    --------
    >>> [len(folds) for folds in deal(9, 3, 2, seed=0)]
    [3, 3]
    """
    rng = np.random.default_rng(seed)
    return [split_folds(n, folds, rng, groups) for _ in range(repeats)]


def drawn_rows(
    n: int, rng: np.random.Generator, groups: Groups | None = None
) -> NDArray[np.intp]:
    """Draw a bootstrap sample: as many rows, or groups of rows, as there are.

    Parameters
    ----------
    n : int
        Number of rows.
    rng : numpy.random.Generator
        Source of the draw.
    groups : ndarray of int of shape (n,), optional
        As for `split_folds`.

    Returns
    -------
    ndarray of int
        Rows, with repeats.
    """
    if groups is None:
        return np.asarray(rng.integers(n, size=n))
    numbers = np.unique(groups)
    drawn = numbers[rng.integers(len(numbers), size=len(numbers))]
    return np.concatenate([np.flatnonzero(groups == number) for number in drawn])


def unlike(
    n: int, rows: NDArray[np.intp], groups: Groups | None = None
) -> NDArray[np.intp]:
    """Give the rows that are not among some, and share no measurement with one.

    Parameters
    ----------
    n : int
        Number of rows.
    rows : ndarray of int
        Some of them.
    groups : ndarray of int of shape (n,), optional
        As for `split_folds`.

    Returns
    -------
    ndarray of int
        Ascending.

    Examples
    --------
    >>> unlike(4, np.array([1]), np.array([0, 1, 1, 2])).tolist()
    [0, 3]
    """
    rest = np.setdiff1d(np.arange(n), rows)
    return rest if groups is None else rest[~np.isin(groups[rest], groups[rows])]


def by_group(values: ArrayLike, groups: Groups | None) -> NDArray[np.float64]:
    """Average what belongs to one measurement.

    Parameters
    ----------
    values : array-like of shape (n,)
        One a row.
    groups : ndarray of int of shape (n,), optional
        As for `split_folds`; without, nothing is averaged.

    Returns
    -------
    ndarray
        One a measurement.

    Examples
    --------
    >>> by_group([1.0, 2.0, 4.0], np.array([0, 1, 1])).tolist()
    [1.0, 3.0]
    """
    rows = np.asarray(values, dtype=float)
    if groups is None:
        return rows
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(numbers, weights=rows) / sizes)
