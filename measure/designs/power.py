"""The chance that a design finds a term of a given effect."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice, product

import numpy as np

from measure.designs.problem import BoolArray
from measure.options import Option
from measure.space import ConfigurationSpace
from measure.terms import (
    FloatArray,
    IntArray,
    ModelMatrix,
    ModelTerms,
    Term,
    code_levels,
)

ALPHA = 0.05  # level of the tests whose power is given
_AT_ONCE = 1000  # patterns of an effect


def power_of(
    space: ConfigurationSpace,
    terms: ModelTerms,
    matrix: ModelMatrix,
    information: FloatArray,
    lost: tuple[str, ...],
    effect: float,
    plots: IntArray | None = None,
) -> dict[str, float]:
    """Return the chance to find each term.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    terms : ModelTerms
        The model.
    matrix : ModelMatrix
        Of the runs.
    information : ndarray, shape (p, p)
        Their information matrix.
    lost : tuple of str
        Terms that cannot be estimated.
    effect : float
        From a term's lowest to its highest value, in standard deviations of the noise.
    plots : ndarray of int, shape (n,), optional
        Whole plot of each run. Terms that are constant within whole plots are tested
        against the noise between plots, all others against that within [1]_.

    Returns
    -------
    dict of str to float
        NaN if anything is lost, or no run (or plot) is left to estimate the noise.

    References
    ----------
    .. [1] Jones and Nachtsheim, "Split-plot designs: what, why, and how", J. Quality
       Technology 41, 2009.
    """
    from scipy.special import fdtri, ncfdtr

    named = [term for term in terms.terms if term.factors]
    n, p = matrix.X.shape
    if lost or n <= p:
        return {str(term): float("nan") for term in named}
    held = held_columns(matrix.X, plots)
    left = left_for_noise(held, n, plots)
    covariance = np.linalg.inv(information)
    result = {}
    for term in named:
        part = matrix.slices[term]
        precision = np.linalg.inv(covariance[part, part])
        pattern = effect * least_favourable(space, term, precision)
        size = float(pattern @ precision @ pattern)
        df = part.stop - part.start
        rest = left[0] if held[part].all() else left[1]
        if rest < 1:
            result[str(term)] = float("nan")
            continue
        critical = fdtri(df, rest, 1.0 - ALPHA)
        result[str(term)] = float(1.0 - ncfdtr(df, rest, size, critical))
    return result


def least_favourable(
    space: ConfigurationSpace, term: Term, precision: FloatArray
) -> FloatArray:
    """Return the coefficients of an effect of 1 that are hardest to find.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    term : Term
        Of one or more columns.
    precision : ndarray, shape (columns, columns)
        Inverse covariance of their estimates.

    Returns
    -------
    ndarray, shape (columns,)
        Of a categorical option, those of the two levels that are told apart worst.
    """
    least, chosen = np.inf, np.zeros(len(precision))
    patterns = _patterns(space, term)
    while len(some := list(islice(patterns, _AT_ONCE))):
        block = np.array(some)
        sizes = np.einsum("ij,ij->i", block @ precision, block)
        if sizes.min() < least:
            least, chosen = float(sizes.min()), block[int(sizes.argmin())]
    return chosen


def held_columns(X: FloatArray, plots: IntArray | None) -> BoolArray:
    """Return which columns of a model matrix are constant within whole plots.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        The model matrix.
    plots : ndarray of int, shape (n,), optional
        Whole plot of each run; without, no run shares its plot.

    Returns
    -------
    ndarray of bool, shape (p,)
        All true where no plot has a second run.
    """
    if plots is None:
        return np.ones(X.shape[1], dtype=bool)
    _, first, plot = np.unique(plots, return_index=True, return_inverse=True)
    return np.asarray(np.isclose(X, X[first[plot]]).all(axis=0))


def left_for_noise(
    held: BoolArray, runs: int, plots: IntArray | None
) -> tuple[int, int]:
    """Return the degrees of freedom of the noise between whole plots, and within.

    Parameters
    ----------
    held : ndarray of bool, shape (p,)
        Which columns are constant within whole plots.
    runs : int
        How many.
    plots : ndarray of int, shape (runs,), optional
        Whole plot of each run; without, no run shares its plot.

    Returns
    -------
    between, within : int
        Below 1 where nothing is left.
    """
    count = runs if plots is None else len(np.unique(plots))
    between = count - int(held.sum())
    return between, runs - count - int((~held).sum())


def _patterns(space: ConfigurationSpace, term: Term) -> Iterator[FloatArray]:
    """Give the coefficients of a term whose effect ranges over 1, one by one.

    Of a categorical option two levels differ and the others lie between; each such
    pair is one pattern.
    """
    powers: dict[str, int] = {}
    for factor in term.factors:
        powers[factor.option] = powers.get(factor.option, 0) + factor.power
    parts = [_one_option(space.options[name], power) for name, power in powers.items()]
    for chosen in product(*parts):
        block: FloatArray = np.ones(1)
        low, high = 1.0, 1.0
        for vector, lowest, highest in chosen:
            block = np.kron(block, vector).astype(np.float64)
            ends = [low * lowest, low * highest, high * lowest, high * highest]
            low, high = min(ends), max(ends)
        yield block / (high - low)


def _one_option(option: Option, power: int) -> list[tuple[FloatArray, float, float]]:
    """Return coefficients of an option's columns, with the ends of what they give."""
    table = code_levels(option, power)
    if option.kind == "numeric":
        return [(np.ones(1), float(table.min()), float(table.max()))]
    n_levels = len(table)
    result = []
    for low, high in combinations(range(n_levels), 2):
        wanted = np.zeros(n_levels)
        wanted[low], wanted[high] = -1.0, 1.0
        # The contrasts are orthogonal with mean square 1.
        result.append((table.T @ wanted / n_levels, -1.0, 1.0))
    return result
