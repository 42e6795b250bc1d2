"""Stepwise and logistic regression as ASE 2017 ran them (M11 to M14, M18)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

__all__ = ["logistic_coefficients", "stepwise_terms"]

ENTER = 0.05
LEAVE = 0.10
COLLINEAR = 1e-8  # share of a column left when the model's columns are taken out
MOST_STEPS = 1000
LOGISTIC_ITERATIONS = 100
LOGISTIC_TOLERANCE = 1e-6

Columns = tuple[int, ...]


def stepwise_terms(
    X: NDArray[np.float64], y: NDArray[np.float64]
) -> dict[Columns, float]:
    """Forward and backward least squares up to pairs, from the intercept.

    The term with the smallest p-value of its partial F test enters below 0.05; if none
    does, the one with the largest leaves above 0.10. A pair enters after both its
    columns, a column leaves after all its pairs, and a candidate that the model's
    columns span is skipped.

    Parameters
    ----------
    X : ndarray of shape (n, k)
        Columns, uncentred.
    y : ndarray of shape (n,)
        Finite responses.

    Returns
    -------
    dict of tuple of int to float
        The coefficient of each term: ``()`` is the intercept, ``(0,)`` a column, ``(0,
        2)`` a product.

    References
    ----------
    .. [1] Draper and Smith, *Applied Regression Analysis*, 3rd ed., chapter 15.

    Examples
    --------
    >>> X = np.array([[i % 2, i // 2 % 2] for i in range(40)], dtype=float)
    >>> noise = np.tile([0.1, -0.1, -0.1, 0.1, -0.1, 0.1, 0.1, -0.1], 5)
    >>> sorted(stepwise_terms(X, 1 + 2 * X[:, 0] + noise))
    [(), (0,)]
    """
    n, k = X.shape
    terms: list[Columns] = [()] + [(j,) for j in range(k)]
    terms += list(combinations(range(k), 2))
    full = np.column_stack([np.prod(X[:, list(t)], axis=1) for t in terms])
    basis = _Selected(full, y)
    chosen: list[int] = [0]
    basis.choose(chosen)
    for _ in range(MOST_STEPS):
        members = {terms[i] for i in chosen}
        free = [
            i
            for i, term in enumerate(terms)
            if i not in chosen and all((j,) in members for j in term if len(term) > 1)
        ]
        entering = basis.p_to_enter(free)
        if free and np.nanmin(entering, initial=1.0) < ENTER:
            chosen.append(free[int(np.nanargmin(entering))])
            basis.choose(chosen)
            continue
        removable = [
            at
            for at, i in enumerate(chosen)
            if i != 0
            and not any(len(t) == 2 and set(terms[i]) < set(t) for t in members)
        ]
        leaving = basis.p_to_leave(removable)
        if removable and float(np.max(leaving)) > LEAVE:
            del chosen[removable[int(np.argmax(leaving))]]
            basis.choose(chosen)
            continue
        break
    return {terms[i]: float(c) for i, c in zip(chosen, basis.coefficients)}


class _Selected:
    """Least squares on some columns of a matrix; tests of entering and leaving."""

    def __init__(self, full: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        self.full, self.y = full, y
        self.norms = np.sum(full**2, axis=0)

    def choose(self, chosen: list[int]) -> None:
        """Fit the chosen columns."""
        self.chosen = list(chosen)
        self.q, self.r = np.linalg.qr(self.full[:, chosen])
        projected = self.q.T @ self.y
        self.coefficients = np.linalg.solve(self.r, projected)
        self.residual = self.y - self.q @ projected
        self.rss = float(self.residual @ self.residual)
        self.df = len(self.y) - len(chosen)

    def p_to_enter(self, free: list[int]) -> NDArray[np.float64]:
        """p-value of each free column's partial F test; NaN if it is collinear."""
        p = np.full(len(free), np.nan)
        if not free or self.df < 2:
            return p
        columns = self.full[:, free]
        columns = columns - self.q @ (self.q.T @ columns)
        left = np.sum(columns**2, axis=0)
        fresh = left > COLLINEAR * np.maximum(self.norms[free], 1e-300)
        drop = np.zeros(len(free))
        drop[fresh] = (columns[:, fresh].T @ self.residual) ** 2 / left[fresh]
        rest = np.maximum(self.rss - drop, 0.0) / (self.df - 1)
        p[fresh] = _f_tail(drop[fresh], rest[fresh], self.df - 1)
        return p

    def p_to_leave(self, positions: list[int]) -> NDArray[np.float64]:
        """p-value of the partial F test of the chosen columns at these positions."""
        if not positions or self.df < 1:
            return np.zeros(len(positions))
        inverse = np.linalg.inv(self.r)
        variance = np.sum(inverse**2, axis=1)[positions]
        rise = self.coefficients[positions] ** 2 / variance
        return _f_tail(rise, np.full(len(positions), self.rss / self.df), self.df)


def _f_tail(
    drop: NDArray[np.float64], rest: NDArray[np.float64], df: int
) -> NDArray[np.float64]:
    """Upper tail of F(1, df) at drop / rest."""
    from scipy import special

    with np.errstate(divide="ignore", invalid="ignore"):
        f = np.where(rest > 0, drop / rest, np.where(drop > 0, np.inf, 0.0))
    return np.asarray(special.fdtrc(1, df, f), dtype=float)


def logistic_coefficients(
    X: NDArray[np.float64], failed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Coefficients of an unregularised logistic model, by reweighted least squares.

    Under separation the coefficients grow without bound until the iterations end; that
    is how the published numbers arose, and why `perfmodel.transfer.similarity` judges
    invalid regions otherwise.

    Parameters
    ----------
    X : ndarray of shape (n, k)
        Columns, without the intercept.
    failed : ndarray of shape (n,)
        True where the configuration is invalid.

    Returns
    -------
    ndarray of shape (k + 1,)
        Intercept first.

    References
    ----------
    .. [1] McCullagh and Nelder, *Generalized Linear Models*, 2nd ed., section 2.5.
    """
    A = np.column_stack([np.ones(len(X)), X])
    y = failed.astype(float)
    mean = (y + 0.5) / 2.0
    eta = np.log(mean / (1.0 - mean))
    beta = np.zeros(A.shape[1])
    least = np.finfo(float).eps
    for _ in range(LOGISTIC_ITERATIONS):
        weight = np.maximum(mean * (1.0 - mean), least)
        root = np.sqrt(weight)
        adjusted = eta + (y - mean) / weight
        new = np.linalg.lstsq(A * root[:, None], adjusted * root, rcond=None)[0]
        moved = np.abs(new - beta)
        beta = new
        if np.all(moved <= LOGISTIC_TOLERANCE * np.maximum(np.abs(beta), least**0.25)):
            break
        eta = np.clip(A @ beta, -36.0, 36.0)
        mean = 1.0 / (1.0 + np.exp(-eta))
    return np.asarray(beta, dtype=float)
