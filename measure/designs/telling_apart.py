"""How the runs of a design tell terms apart: aliases, correlations, inflation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from measure.space import ConfigurationSpace
from measure.terms import (
    FloatArray,
    IntArray,
    ModelMatrix,
    ModelTerms,
    Term,
    model_matrix,
)

_ALIAS_SHOWN = 0.1  # smaller shares of an effect are not worth a line
_MOST_ALIASES = 200
_CORRELATED = 0.05  # weaker correlations are not worth a line
_MOST_CORRELATIONS = 1000


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """How the estimates of two terms go together.

    Parameters
    ----------
    term, other : str
        Both in the model.
    value : float
        Correlation of their coefficients; for terms of several columns the largest
        canonical correlation, which has no sign.
    """

    term: str
    other: str
    value: float

    def __str__(self) -> str:
        return f"{self.term} with {self.other} ({self.value:+.2f})"


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


def find_correlations(
    terms: ModelTerms, matrix: ModelMatrix, information: FloatArray, lost: bool
) -> tuple[Correlation, ...]:
    """Return how the estimates of terms are correlated.

    Parameters
    ----------
    terms : ModelTerms
        The model.
    matrix : ModelMatrix
        Of the runs.
    information : ndarray, shape (p, p)
        Their information matrix.
    lost : bool
        Whether a term cannot be estimated: columns are then correlated instead.

    Returns
    -------
    tuple of Correlation
        The strongest first; those below 0.05 are left out.
    """
    named = [term for term in terms.terms if term.factors]
    if lost:
        centred = matrix.X - matrix.X.mean(axis=0)
        covariance = centred.T @ centred
    else:
        covariance = np.linalg.inv(information)
    whitened = np.zeros_like(covariance)
    parts = [matrix.slices[term] for term in named]
    for part in parts:
        values, vectors = np.linalg.eigh(covariance[part, part])
        sound = values > 1e-9 * max(float(values.max()), 1e-300)
        scale = np.where(sound, 1 / np.sqrt(np.where(sound, values, 1.0)), 0.0)
        whitened[part, part] = vectors * scale @ vectors.T
    correlation = whitened @ covariance @ whitened
    starts = [part.start for part in parts]
    squares = np.add.reduceat(np.square(correlation), starts, axis=0)
    sizes = np.sqrt(np.add.reduceat(squares, starts, axis=1))
    found = []
    for i, j in zip(*np.nonzero(np.triu(sizes >= _CORRELATED, 1)), strict=True):
        block = correlation[parts[i], parts[j]]
        value = (
            float(block[0, 0]) if block.size == 1 else float(np.linalg.norm(block, 2))
        )
        if abs(value) >= _CORRELATED:
            value = min(1.0, max(-1.0, value))
            pair = (str(named[i]), str(named[j]))
            found.append(Correlation(term=pair[0], other=pair[1], value=value))
    found.sort(key=lambda pair: -round(abs(pair.value), 9))
    return tuple(found[:_MOST_CORRELATIONS])
