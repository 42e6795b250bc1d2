"""Which points no other one beats, and the volume that they dominate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["dominated_volume", "non_dominated", "told_apart"]


def non_dominated(points: Floats) -> NDArray[np.bool_]:
    """Mark the points that no other point dominates; less is better.

    A point dominates another if it is nowhere larger and somewhere smaller, so equal
    points are both kept. A point with a NaN is not on the front.

    Parameters
    ----------
    points : ndarray, shape (n_points, n_responses)
        To be minimised. Two responses take O(n log n), more take O(n) for each point
        of the front.

    Returns
    -------
    ndarray of bool, shape (n_points,)
        True on the front.

    References
    ----------
    .. [1] Kung, Luccio and Preparata, *On finding the maxima of a set of vectors*,
       Journal of the ACM 22(4), 1975.

    Examples
    --------
    >>> non_dominated(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0]])).tolist()
    [True, True, False]
    """
    points = np.asarray(points, dtype=float)
    kept = np.zeros(len(points), dtype=bool)
    known = np.flatnonzero(~np.isnan(points).any(axis=1))
    if not len(known):
        return kept
    if points.shape[1] == 2:
        front = _front_of_two(points[known])
    else:
        front = _front_of_many(points[known])
    kept[known[front]] = True
    return kept


def _front_of_two(points: Floats) -> NDArray[np.int64]:
    order = np.lexsort((points[:, 1], points[:, 0]))
    first, second = points[order].T
    # Points that share the first response are a group; its best is its first.
    group = np.concatenate([[True], first[1:] != first[:-1]]).cumsum() - 1
    best = second[np.concatenate([[True], first[1:] != first[:-1]])]
    before = np.concatenate([[np.inf], np.minimum.accumulate(best)[:-1]])
    on_front = (second == best[group]) & (best < before)[group]
    # The first group has nothing before it, not even where its best is infinite.
    on_front |= (group == 0) & (second == best[0])
    return np.asarray(order[on_front])


def _front_of_many(points: Floats) -> NDArray[np.int64]:
    # Ranks make the sum comparable; the point of least sum is never dominated.
    ranks = np.argsort(np.argsort(points, axis=0), axis=0).sum(axis=1)
    left = np.argsort(ranks, kind="stable")
    front: list[int] = []
    while len(left):
        best = points[left[0]]
        rows = points[left]
        worse = (rows >= best).all(axis=1) & (rows > best).any(axis=1)
        better = (rows <= best).all(axis=1) & (rows < best).any(axis=1)
        if not better.any():
            front.append(int(left[0]))
        left = left[~worse]
        left = left[1:] if len(left) else left
    return np.array(front, dtype=np.int64)


def dominated_volume(points: Floats, reference: Floats) -> float:
    """Return the volume between points and a reference; less is better.

    Parameters
    ----------
    points : ndarray, shape (n_points, n_responses)
        To be minimised; those not below the reference add nothing.
    reference : ndarray, shape (n_responses,)
        The corner that the volume ends at.

    Returns
    -------
    float
        The hypervolume indicator of [1]_, in the product of the responses' units.

    References
    ----------
    .. [1] Zitzler and Thiele, *Multiobjective evolutionary algorithms*, IEEE
       Transactions on Evolutionary Computation 3(4), 1999; sliced along the last
       response as in While et al., IEEE TEC 10(1), 2006.

    Examples
    --------
    >>> dominated_volume(np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([3.0, 3.0]))
    3.0
    """
    points = np.asarray(points, dtype=float)
    reference = np.asarray(reference, dtype=float)
    points = points[(points < reference).all(axis=1)]
    if not len(points):
        return 0.0
    points = np.unique(points[non_dominated(points)], axis=0)
    if points.shape[1] == 1:
        return float(reference[0] - points.min())
    if points.shape[1] == 2:
        # Ascending in the first response, so descending in the second.
        ends = np.concatenate([points[1:, 0], reference[:1]])
        return float(((ends - points[:, 0]) * (reference[1] - points[:, 1])).sum())
    points = points[np.argsort(points[:, -1], kind="stable")]
    ends = np.concatenate([points[1:, -1], reference[-1:]])
    volume = 0.0
    for count, (start, end) in enumerate(zip(points[:, -1], ends), start=1):
        if end > start:
            slice_area = dominated_volume(points[:count, :-1], reference[:-1])
            volume += (end - start) * slice_area
    return float(volume)


def told_apart(lower: Floats, upper: Floats) -> NDArray[np.intp]:
    """Choose points each of which differs from every other one chosen.

    Two points differ if their intervals have nothing in common in some response. The
    points are gone through in order, and each that differs from those before is taken.

    Parameters
    ----------
    lower, upper : ndarray, shape (n_points, n_responses)
        Ends of their intervals; equal where a value is certain.

    Returns
    -------
    ndarray of int
        Positions. With one response, in the order of the upper ends, no choice has
        more.

    Examples
    --------
    >>> lower = np.array([[1.0, 7.0], [2.0, 6.0], [5.0, 1.0]])
    >>> told_apart(lower, lower + 2.0).tolist()
    [0, 2]
    """
    taken: list[int] = []
    for place in range(len(lower)):
        apart = (lower[place] > upper[taken]) | (upper[place] < lower[taken])
        if apart.any(axis=1).all():
            taken.append(place)
    return np.array(taken, dtype=np.intp)
