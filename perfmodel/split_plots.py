"""Stepwise regression where runs share whole plots: generalised least squares."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from measure.terms import INTERCEPT, Term
from perfmodel.stepping import (
    EXACT_SHARE,
    FREE_SHARE,
    MAX_STEPS,
    f_test,
    orthonormal,
    term_in,
)
from perfmodel.strata import Plots, estimate_eta

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Fit", "choose_in_plots", "fit_in_plots"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Terms fitted by generalised least squares.

    Parameters
    ----------
    coefficients : ndarray of shape (p,)
        The mean first.
    covariance : ndarray of shape (p, p)
        (X'V^-1 X)^-1.
    noise : float
        Standard deviation of a run within its whole plot.
    eta : float
        Variance between whole plots over that within; a little below 0 where the
        whole plots differ less than noise would have them.
    free_between, free_within : int
        Degrees of freedom left between and within whole plots.
    p_values : mapping of Term to float
        Of the partial F tests of the terms that were fitted.
    """

    coefficients: Floats
    covariance: Floats
    noise: float
    eta: float
    free_between: int
    free_within: int
    p_values: Mapping[Term, float]


def fit_in_plots(columns: Mapping[Term, Floats], target: Floats, plots: Plots) -> Fit:
    """Fit terms and test each beside the others.

    Terms of hard-to-change options alone are tested with the degrees of freedom
    between whole plots, others with those within [1]_.

    Parameters
    ----------
    columns : mapping of Term to ndarray
        Terms without the mean, and the columns of each.
    target : ndarray of shape (n,)
        What is regressed.
    plots : Plots
        Of the rows.

    Returns
    -------
    Fit
        With the p-value of each term beside all that do not contain it.

    References
    ----------
    .. [1] Goos, *The Optimal Design of Blocked and Split-Plot Experiments*, 2002.
    """
    n = len(target)
    ones = np.ones((n, 1))
    blocks = [ones, *columns.values()]
    matrix = np.hstack(blocks)
    eta = estimate_eta(matrix, target, plots)
    white, y = plots.whiten(eta, matrix), plots.whiten(eta, target)
    coefficients, _, rank, _ = np.linalg.lstsq(white, y, rcond=None)
    rest = y - white @ coefficients
    left = float(rest @ rest) / max(n - int(rank), 1)
    free_between, free_within = _free(blocks, plots)
    nothing = np.empty((n, 0))
    gained, width = _gain(nothing, plots.whiten(eta, ones), y)
    p_values = {INTERCEPT: f_test(gained, width, left * free_between, free_between)[1]}
    for term, block in columns.items():
        beside = [columns[t] for t in columns if t != term and not term_in(term, t)]
        small = orthonormal(plots.whiten(eta, np.hstack([ones, *beside])))
        gained, width = _gain(small, plots.whiten(eta, block), y)
        free = free_between if plots.between(block) else free_within
        p_values[term] = f_test(gained, width, left * free, free)[1]
    return Fit(
        coefficients=np.asarray(coefficients, dtype=float),
        covariance=np.asarray(np.linalg.pinv(white.T @ white, hermitian=True), float),
        noise=float(np.sqrt(left)),
        eta=eta,
        free_between=free_between,
        free_within=free_within,
        p_values=p_values,
    )


def _free(blocks: list[Floats], plots: Plots) -> tuple[int, int]:
    """Count the degrees of freedom left between and within whole plots.

    A whole plot of one run tells of both; it is counted between and within.
    """
    counts = np.bincount(plots.groups)
    hard = orthonormal(np.hstack([b for b in blocks if plots.between(b)])).shape[1]
    rank = orthonormal(np.hstack(blocks)).shape[1]
    within = len(plots.groups) - rank - max(int((counts > 1).sum()) - hard, 0)
    return max(len(counts) - hard, 0), max(within, 0)


def _gain(basis: Floats, block: Floats, y: Floats) -> tuple[float, int]:
    """Return what columns explain beside a basis, and how many they really are."""
    added = orthonormal(block - basis @ (basis.T @ block), scale=block)
    rest = y - basis @ (basis.T @ y)
    return float(np.sum((added.T @ rest) ** 2)), added.shape[1]


def choose_in_plots(
    columns: Mapping[Term, Floats],
    target: Floats,
    enter: float,
    remove: float,
    plots: Plots,
) -> list[Term]:
    """Choose terms, forward and backward, by tests that know whole plots.

    Main effects of hard options begin in the model, where there are whole plots enough,
    and are dropped at the end: of few whole plots, none of two strong effects would
    come in while the other is still part of the variance between plots.

    Parameters
    ----------
    columns : mapping of Term to ndarray
        Candidates, and the columns of each.
    target : ndarray of shape (n,)
        What is regressed.
    enter, remove : float
        p-value below which a term is taken in, and above which one is dropped.
    plots : Plots
        Of the rows.

    Returns
    -------
    list of Term
        Those kept, in the order of the candidates.
    """
    order = list(columns)
    hard = {term for term in order if plots.between(columns[term])}
    together = [term for term in order if term in hard and not _is_made_of(term, hard)]
    width = 1 + sum(columns[term].shape[1] for term in together)
    if int(plots.groups.max()) + 1 - width < 1:
        together = []
    kept = _stepped(columns, together, hard, target, enter, remove, plots, together)
    kept = _dropped(columns, kept, target, enter, plots, only=hard)
    return _stepped(columns, kept, hard, target, enter, remove, plots)


def _is_made_of(term: Term, others: set[Term]) -> bool:
    """Say whether a term contains another: whether it is no main effect."""
    return any(term_in(other, term) for other in others)


def _stepped(
    columns: Mapping[Term, Floats],
    chosen: list[Term],
    hard: set[Term],
    target: Floats,
    enter: float,
    remove: float,
    plots: Plots,
    held: Collection[Term] = (),
) -> list[Term]:
    """Take terms in and drop others, but for those that are `held`."""
    total = float(np.sum((target - target.mean()) ** 2))
    seen: set[frozenset[Term]] = set()
    for _ in range(MAX_STEPS):
        best = _best_entry(columns, chosen, hard, target, plots, total)
        if best is None or best[0] >= enter:
            break
        added = [t for t in columns if t in chosen or t in best[1]]
        free = set(columns) - set(held)
        chosen = _dropped(columns, added, target, remove, plots, only=free)
        if frozenset(chosen) in seen:
            break
        seen.add(frozenset(chosen))
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Start:
    """What a candidate is tested beside."""

    eta: float
    basis: Floats
    y: Floats
    left: float
    between: int
    within: int


def _start(
    blocks: list[Floats], target: Floats, plots: Plots, more: Floats | None = None
) -> _Start:
    """Return what is there before a candidate; `more` only tells the variance."""
    matrix = np.hstack(blocks)
    told = matrix if more is None else np.hstack([matrix, more])
    eta = estimate_eta(told, target, plots)
    basis, y = orthonormal(plots.whiten(eta, matrix)), plots.whiten(eta, target)
    rest = y - basis @ (basis.T @ y)
    between, within = _free(blocks, plots)
    return _Start(
        eta=eta,
        basis=basis,
        y=y,
        left=float(rest @ rest),
        between=between,
        within=within,
    )


def _best_entry(
    columns: Mapping[Term, Floats],
    chosen: list[Term],
    hard: set[Term],
    target: Floats,
    plots: Plots,
    total: float,
) -> tuple[float, list[Term]] | None:
    """Find the term with the smallest p-value, and those that come in with it."""
    n = len(target)
    inside = [np.ones((n, 1)), *(columns[term] for term in chosen)]
    most = max(int(n * (1 - FREE_SHARE)), 2)
    best: tuple[float, float, list[Term]] | None = None
    starts: dict[tuple[Term, ...], _Start] = {}
    for term in columns:
        if term in chosen:
            continue
        group = [
            t for t in columns if t not in chosen and (term_in(t, term) or t == term)
        ]
        # A hard option that comes in with an interaction is not what is tested.
        beside = tuple(t for t in group if (t in hard) != (term in hard))
        block = np.hstack([columns[t] for t in group if t not in beside])
        if term in hard:
            # What it explains must not count as variance between whole plots.
            start = _start(inside, target, plots, block)
        else:
            if beside not in starts:
                before = [*inside, *(columns[t] for t in beside)]
                starts[beside] = _start(before, target, plots)
            start = starts[beside]
        gained, width = _gain(start.basis, plots.whiten(start.eta, block), start.y)
        columns_left = n - start.basis.shape[1] - width
        if width == 0 or start.left <= EXACT_SHARE * total or n - columns_left > most:
            continue
        left = max(start.left - gained, 0.0) / columns_left
        free = (start.between if term in hard else start.within) - width
        p = f_test(gained, width, left * free, free)[1]
        if best is None or (p, -gained) < (best[0], best[1]):
            best = (p, -gained, group)
    return None if best is None else (best[0], best[2])


def _dropped(
    columns: Mapping[Term, Floats],
    chosen: list[Term],
    target: Floats,
    remove: float,
    plots: Plots,
    only: set[Term],
) -> list[Term]:
    """Drop those of `only` that no other contains while one's p-value is too large."""
    kept = list(chosen)
    while True:
        ends = [
            t
            for t in kept
            if t in only and not any(term_in(t, other) for other in kept)
        ]
        if not ends:
            return kept
        p_values = fit_in_plots({t: columns[t] for t in kept}, target, plots).p_values
        worst = max(ends, key=lambda term: p_values[term])
        if p_values[worst] <= remove:
            return kept
        kept.remove(worst)
