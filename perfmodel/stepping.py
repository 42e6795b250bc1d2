"""Which terms a regression takes in and drops: F tests, forward and backward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from measure.terms import Factor, Term, code_levels
from perfmodel.encoding import Encoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "choose_terms",
    "coded",
    "f_test",
    "orthonormal",
    "partial_test",
    "term_columns",
    "term_in",
]

#: A fit that leaves less than this share of the sum of squares leaves rounding.
EXACT_SHARE = 1e-12
#: At least this share of the runs stays free to estimate the noise by.
FREE_SHARE = 0.25
MAX_STEPS = 200
#: A column of which less than this share is left beside others adds nothing.
RANK_SHARE = 1e-18


def term_in(term: Term, other: Term) -> bool:
    """Say whether `other` contains `term`, so that `term` may not go before it.

    Parameters
    ----------
    term, other : Term
        Two terms.

    Returns
    -------
    bool
        True for ``a`` in ``a:b`` and in ``I(a**2)``.

    Examples
    --------
    >>> term_in(Term.of("a"), Term.of("a", "b")), term_in(Term.of("a"), Term.of("b"))
    (True, False)
    """
    powers = {factor.option: factor.power for factor in other.factors}
    return term != other and all(
        powers.get(factor.option, 0) >= factor.power for factor in term.factors
    )


def term_columns(encoding: Encoding, term: Term, codes: Floats) -> Floats:
    """Give a term's columns of the model matrix for any codes.

    Parameters
    ----------
    encoding : Encoding
        Of the space.
    term : Term
        The term.
    codes : ndarray of shape (n, n_options)
        Levels, or numbers between and beyond them.

    Returns
    -------
    ndarray of shape (n, n_columns)
        At levels the same as `measure.terms.model_matrix`.
    """
    block = np.ones((len(codes), 1))
    for factor in term.factors:
        own = coded(encoding, factor, codes)
        block = (block[:, :, None] * own[:, None, :]).reshape(len(block), -1)
    return block


def coded(encoding: Encoding, factor: Factor, codes: Floats) -> Floats:
    """Code one option's column; a number off the levels by the same line.

    Parameters
    ----------
    encoding : Encoding
        Of the space.
    factor : Factor
        The option, and its power.
    codes : ndarray of shape (n, n_options)
        Levels, or numbers between and beyond them.

    Returns
    -------
    ndarray of shape (n, n_columns)
        One column for a number, one fewer than levels for a category.
    """
    position = encoding.space.names.index(factor.option)
    option = encoding.space.options[position]
    values = codes[:, position]
    if option.kind != "numeric":
        return np.asarray(code_levels(option)[values.astype(np.int64)])
    levels = np.asarray(option.levels, dtype=float)
    middle, half = (levels.max() + levels.min()) / 2, np.ptp(levels) / 2
    return np.asarray(((values - middle) / half)[:, None] ** factor.power)


def partial_test(
    beside: list[Floats], tested: list[Floats], target: Floats
) -> tuple[float, float]:
    """Test columns beside others and the mean.

    Parameters
    ----------
    beside : list of ndarray
        Columns of the other terms.
    tested : list of ndarray
        Columns that are tested; a single constant one is the mean itself.
    target : ndarray of shape (n,)
        What is regressed.

    Returns
    -------
    float
        F statistic.
    float
        Its p-value; 1 where nothing is gained or no degree of freedom is left.
    """
    n = len(target)
    ones = np.ones((n, 1))
    if beside or len(tested[0].T) != 1 or np.ptp(tested[0]) > 0:
        small = np.hstack([ones, *beside])
    else:
        small = np.empty((n, 0))  # the intercept itself is tested
    basis = orthonormal(small)
    rest = target - basis @ (basis.T @ target)
    block = np.hstack(tested)
    added = orthonormal(block - basis @ (basis.T @ block), scale=block)
    gained = float(np.sum((added.T @ rest) ** 2))
    left = max(float(rest @ rest) - gained, 0.0)
    return f_test(gained, added.shape[1], left, n - basis.shape[1] - added.shape[1])


def f_test(gained: float, columns: int, left: float, free: int) -> tuple[float, float]:
    """Test what columns explain against what is left.

    Parameters
    ----------
    gained : float
        Sum of squares that they explain.
    columns : int
        How many they are.
    left : float
        Sum of squares that is left.
    free : int
        Its degrees of freedom.

    Returns
    -------
    float
        F statistic.
    float
        Its p-value; nothing gained or nothing free is 1.
    """
    from scipy.special import fdtrc

    if columns == 0 or free < 1 or gained <= 0:
        return 0.0, 1.0
    if left <= EXACT_SHARE * gained:
        return np.inf, 0.0
    statistic = gained / columns / (left / free)
    return float(statistic), float(fdtrc(columns, free, statistic))


def orthonormal(block: Floats, scale: Floats | None = None) -> Floats:
    """Return an orthonormal basis of columns; dependent ones add nothing.

    Parameters
    ----------
    block : ndarray of shape (n, n_columns)
        The columns.
    scale : ndarray, optional
        What rounding is judged by; the columns themselves by default.

    Returns
    -------
    ndarray of shape (n, rank)
        Their basis.
    """
    if block.shape[1] == 0:
        return block
    vectors, values, _ = np.linalg.svd(block, full_matrices=False)
    size = np.linalg.norm(block if scale is None else scale)
    return np.asarray(vectors[:, values > 1e-9 * max(float(size), 1e-300)])


def choose_terms(
    columns: Mapping[Term, Floats], target: Floats, enter: float, remove: float
) -> list[Term]:
    """Choose terms, forward and backward.

    Parameters
    ----------
    columns : mapping of Term to ndarray
        Candidates, and the columns of each.
    target : ndarray of shape (n,)
        What is regressed.
    enter, remove : float
        p-value below which a term is taken in, and above which one is dropped.

    Returns
    -------
    list of Term
        Those kept, in the order of the candidates.
    """
    n = len(target)
    order = list(columns)
    groups = {t: [*(o for o in order if term_in(o, t)), t] for t in order}
    everything = np.hstack([np.empty((n, 0)), *columns.values()])
    ends = np.cumsum([columns[term].shape[1] for term in order])
    places = {
        term: np.arange(end - columns[term].shape[1], end)
        for term, end in zip(order, ends, strict=True)
    }
    chosen: list[Term] = []
    most = max(int(n * (1 - FREE_SHARE)), 2)
    total = float(np.sum((target - target.mean()) ** 2))
    seen: set[frozenset[Term]] = set()
    for _ in range(MAX_STEPS):
        inside = [columns[term] for term in chosen]
        basis = orthonormal(np.hstack([np.ones((n, 1)), *inside]))
        rest = target - basis @ (basis.T @ target)
        if float(rest @ rest) <= EXACT_SHARE * total:
            break
        missing = {
            term: [t for t in groups[term] if t not in chosen]
            for term in order
            if term not in chosen
        }
        best = _best_entry(everything, places, missing, basis, rest, most)
        if best is None or best[0] >= enter:
            break
        added = set(missing[best[1]])
        chosen = [term for term in order if term in chosen or term in added]
        chosen = _dropped(columns, chosen, target, remove)
        if frozenset(chosen) in seen:
            break
        seen.add(frozenset(chosen))
    return chosen


def _best_entry(
    everything: Floats,
    places: Mapping[Term, NDArray[np.int64]],
    missing: Mapping[Term, list[Term]],
    basis: Floats,
    rest: Floats,
    most: int,
) -> tuple[float, Term] | None:
    """Find the term that, with those it contains, has the smallest p-value."""
    n, used = basis.shape
    left = float(rest @ rest)
    size = np.sum(everything**2, axis=0)
    apart = everything - basis @ (basis.T @ everything)
    own = np.sum(apart**2, axis=0)
    single = np.where(
        own > RANK_SHARE * size, (apart.T @ rest) ** 2 / np.maximum(own, 1e-300), 0.0
    )
    best: tuple[float, float, Term] | None = None
    for term, group in missing.items():
        where = np.concatenate([places[t] for t in group])
        if len(where) == 1:
            gained, width = float(single[where[0]]), int(single[where[0]] > 0)
        else:
            added = orthonormal(apart[:, where], scale=everything[:, where])
            gained, width = float(np.sum((added.T @ rest) ** 2)), added.shape[1]
        if used + width > most:
            continue
        free = n - used - width
        statistic, p = f_test(gained, width, max(left - gained, 0.0), free)
        if best is None or (p, -statistic) < (best[0], best[1]):
            best = (p, -statistic, term)
    return None if best is None else (best[0], best[2])


def _dropped(
    columns: Mapping[Term, Floats], chosen: list[Term], target: Floats, remove: float
) -> list[Term]:
    """Drop terms that no other contains while one has a p-value above `remove`."""
    kept = list(chosen)
    while kept:
        p_values = _partial_p_values({term: columns[term] for term in kept}, target)
        ends = [t for t in kept if not any(term_in(t, other) for other in kept)]
        worst = max(ends, key=lambda term: p_values[term])
        if p_values[worst] <= remove:
            break
        kept.remove(worst)
    return kept


def _partial_p_values(
    columns: Mapping[Term, Floats], target: Floats
) -> dict[Term, float]:
    """Partial F test of each term beside all others, from one fit."""
    n = len(target)
    blocks = list(columns.values())
    matrix = np.hstack([np.ones((n, 1)), *blocks])
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    if values[-1] <= 1e-9 * values[0] or n <= matrix.shape[1]:
        return {
            term: partial_test(
                [c for t, c in columns.items() if t != term], [block], target
            )[1]
            for term, block in columns.items()
        }
    coefficients = right.T @ (left.T @ target / values)
    inverse = right.T / values**2 @ right
    rest = target - matrix @ coefficients
    found, start = {}, 1
    for term, block in columns.items():
        own = slice(start, start + block.shape[1])
        start = own.stop
        b = coefficients[own]
        gained = float(b @ np.linalg.solve(inverse[own, own], b))
        free = n - matrix.shape[1]
        found[term] = f_test(gained, block.shape[1], float(rest @ rest), free)[1]
    return found
