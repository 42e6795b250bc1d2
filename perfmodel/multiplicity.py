"""Adjustments of p-values for the number of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["benjamini_hochberg", "holm"]


def holm(p_values: Floats) -> Floats:
    """Adjust p-values so that the chance of any false rejection is bounded.

    Parameters
    ----------
    p_values : ndarray, shape (n,)
        NaN stays NaN, and counts as one of the tests.

    Returns
    -------
    ndarray, shape (n,)
        Holm's step-down adjustment.

    References
    ----------
    .. [1] Holm, *A simple sequentially rejective multiple test procedure*,
       Scandinavian Journal of Statistics 6(2), 1979.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    adjusted = np.full(len(p_values), np.nan)
    order = np.argsort(p_values)  # NaN last
    factors = len(p_values) - np.arange(len(p_values))
    stepped = np.maximum.accumulate(p_values[order] * factors)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Adjust p-values so that the expected share of false rejections is bounded.

    Parameters
    ----------
    p_values : ndarray, shape (n,)
        NaN stays NaN, and counts as one of the tests.

    Returns
    -------
    ndarray, shape (n,)
        Benjamini and Hochberg's step-up adjustment.

    References
    ----------
    .. [1] Benjamini and Hochberg, *Controlling the false discovery rate*,
       JRSS B 57(1), 1995.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    n_tests = len(p_values)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known])]
    factors = n_tests / np.arange(1, len(order) + 1)
    stepped = np.minimum.accumulate((p_values[order] * factors)[::-1])[::-1]
    adjusted = np.full(n_tests, np.nan)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
