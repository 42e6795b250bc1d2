"""How the runs of a design tell terms apart: aliases, variance inflation, power."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from measure.options import Option
from measure.space import ConfigurationSpace
from measure.terms import (
    FloatArray,
    IntArray,
    ModelMatrix,
    ModelTerms,
    Term,
    code_levels,
    model_matrix,
)

ALPHA = 0.05  # level of the tests whose power is given
_ALIAS_SHOWN = 0.1  # smaller shares of an effect are not worth a line
_MOST_ALIASES = 200
_MOST_PATTERNS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """How a term outside the model would disturb one inside.

    Parameters
    ----------
    term : str
        In the model.
    alias : str
        Outside it.
    weight : float
        How much of the alias's coefficient is added to the term's (1: all of it).
    """

    term: str
    alias: str
    weight: float

    def __str__(self) -> str:
        whole = abs(abs(self.weight) - 1) < 1e-9
        how = "cannot be told from" if whole else "would be biased by"
        return f"{self.term} {how} {self.alias} ({self.weight:+.2f})"


def find_aliases(
    space: ConfigurationSpace,
    terms: ModelTerms,
    matrix: ModelMatrix,
    indices: IntArray,
) -> tuple[Alias, ...]:
    """Return the interactions outside a model that would bias its terms.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    terms : ModelTerms
        The model.
    matrix : ModelMatrix
        Of the runs.
    indices : ndarray of int, shape (n, n_options)
        The runs.

    Returns
    -------
    tuple of Alias
        The strongest first; weights below 0.1 are left out.
    """
    outside = [
        pair
        for pair in (Term.of(*names) for names in combinations(space.names, 2))
        if pair not in terms.terms
    ]
    if not outside:
        return ()
    projector = np.linalg.pinv(matrix.X)
    found = []
    for pair in outside:
        weights = projector @ model_matrix(space, (pair,), indices).X
        for term in terms.terms:
            block = weights[matrix.slices[term]]
            weight = float(block.flat[int(np.abs(block).argmax())])
            if abs(weight) >= _ALIAS_SHOWN:
                found.append(Alias(term=str(term), alias=str(pair), weight=weight))
    found.sort(key=lambda alias: -round(abs(alias.weight), 9))
    return tuple(found[:_MOST_ALIASES])


def inflation_of(
    terms: ModelTerms, matrix: ModelMatrix, lost: tuple[str, ...]
) -> dict[str, float]:
    """Return the variance inflation of each term.

    Parameters
    ----------
    terms : ModelTerms
        The model.
    matrix : ModelMatrix
        Of the runs.
    lost : tuple of str
        Terms that cannot be estimated.

    Returns
    -------
    dict of str to float
        For several columns the generalised factor to the power 1/columns; NaN if
        anything is lost.
    """
    named = [term for term in terms.terms if term.factors]
    if lost or len(matrix.X) <= matrix.X.shape[1] - 1:
        return {str(term): float("nan") for term in named}
    first = matrix.slices[terms.terms[0]]
    rest = np.delete(matrix.X, first, axis=1) if not terms.terms[0].factors else None
    X = matrix.X if rest is None else rest
    shift = 0 if rest is None else first.stop
    centred = X - X.mean(axis=0)
    correlation = np.atleast_2d(np.corrcoef(centred, rowvar=False))
    _, whole = np.linalg.slogdet(correlation)
    result = {}
    for term in named:
        part = matrix.slices[term]
        inside = np.arange(part.start - shift, part.stop - shift)
        outside = np.setdiff1d(np.arange(X.shape[1]), inside)
        value = -whole
        for block in (inside, outside):
            if len(block):
                value += np.linalg.slogdet(correlation[np.ix_(block, block)])[1]
        result[str(term)] = float(np.exp(value / len(inside)))
    return result


def power_of(
    space: ConfigurationSpace,
    terms: ModelTerms,
    matrix: ModelMatrix,
    information: FloatArray,
    lost: tuple[str, ...],
    effect: float,
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

    Returns
    -------
    dict of str to float
        NaN if anything is lost, or no run is left to estimate the noise.
    """
    from scipy.special import fdtri, ncfdtr

    named = [term for term in terms.terms if term.factors]
    n, p = matrix.X.shape
    if lost or n <= p:
        return {str(term): float("nan") for term in named}
    covariance = np.linalg.inv(information)
    result = {}
    for term in named:
        part = matrix.slices[term]
        precision = np.linalg.inv(covariance[part, part])
        patterns = _patterns(space, term)
        size = (
            effect
            * effect
            * float(np.einsum("ij,jk,ik->i", patterns, precision, patterns).min())
        )
        df = part.stop - part.start
        critical = fdtri(df, n - p, 1.0 - ALPHA)
        result[str(term)] = float(1.0 - ncfdtr(df, n - p, size, critical))
    return result


def _patterns(space: ConfigurationSpace, term: Term) -> FloatArray:
    """Return coefficients of a term whose effect ranges over 1, one row a pattern.

    Of a categorical option two levels differ and the others lie between; each such
    pair is one pattern.
    """
    powers: dict[str, int] = {}
    for factor in term.factors:
        powers[factor.option] = powers.get(factor.option, 0) + factor.power
    parts = [_one_option(space.options[name], power) for name, power in powers.items()]
    coefficients = []
    for chosen in product(*(part for part in parts)):
        block: FloatArray = np.ones(1)
        low, high = 1.0, 1.0
        for vector, lowest, highest in chosen:
            block = np.kron(block, vector).astype(np.float64)
            ends = [low * lowest, low * highest, high * lowest, high * highest]
            low, high = min(ends), max(ends)
        coefficients.append(block / (high - low))
        if len(coefficients) == _MOST_PATTERNS:
            break
    return np.array(coefficients)


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
