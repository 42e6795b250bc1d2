"""The terms of a model on a space, the coding of levels, the model matrix.

Designs and performance models share what stands here, so that a coefficient
means the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from measure.errors import FormulaError
from measure.formula import INTERCEPT, MODELS, Factor, Term, parse_formula
from measure.levels import spelled
from measure.space import ConfigurationSpace, Option

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]

__all__ = [
    "INTERCEPT",
    "MODELS",
    "Factor",
    "ModelMatrix",
    "ModelTerms",
    "Term",
    "code_levels",
    "d_efficiency",
    "model_matrix",
    "model_terms",
    "parse_formula",
]

# Constrained options are checked on all their valid combinations up to here.
_CHECKED_ROWS = 200_000
_RANK_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTerms:
    """The terms of a model on a space.

    Parameters
    ----------
    terms : tuple of Term
        The intercept first.
    left_out : tuple of Term
        Terms of the model that the valid configurations cannot estimate.
    """

    terms: tuple[Term, ...]
    left_out: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMatrix:
    """A model matrix and what its columns are.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        One row a configuration.
    columns : tuple of str, shape (p,)
        Names, such as ``backend[xla]:threads``.
    slices : mapping of Term to slice
        Where each term's columns stand.
    """

    X: FloatArray
    columns: tuple[str, ...]
    slices: Mapping[Term, slice]


def code_levels(option: Option, power: int = 1) -> FloatArray:
    """Return the columns that code an option's levels.

    Numeric levels are scaled to [-1, 1]; a power is the raw power of that. The
    L levels of a categorical option get L - 1 normalised Helmert contrasts: the
    column j is -s below level j, j s at it and 0 above, s = sqrt(L / (j (j + 1))),
    so that all columns are orthogonal with mean square 1 over the levels.

    Parameters
    ----------
    option : Option
        The option.
    power : int, default=1
        For numeric options only.

    Returns
    -------
    ndarray, shape (n_levels, n_columns)
        One row a level.

    Examples
    --------
    >>> code_levels(Option(name="threads", levels=(1, 2, 5))).ravel()
    array([-1. , -0.5,  1. ])
    """
    if option.kind == "numeric":
        levels = np.array([float(level) for level in option.levels])
        # By a power of two, so exactly: sums of the largest floats overflow.
        levels = np.ldexp(levels, -int(np.frexp(np.abs(levels).max())[1]))
        low, high = levels.min(), levels.max()
        scaled: FloatArray = (2 * levels - (low + high)) / (high - low)
        return scaled[:, None] ** power
    n = len(option.levels)
    coded = np.zeros((n, n - 1))
    for j in range(1, n):
        scale = np.sqrt(n / (j * (j + 1)))
        coded[:j, j - 1] = -scale
        coded[j, j - 1] = j * scale
    return coded


def _column_names(option: Option, power: int) -> list[str]:
    if option.kind == "numeric":
        return [str(Factor(option.name, power))]
    name = str(Factor(option.name))
    if option.kind == "boolean":
        return [name]
    return [f"{name}[{spelled(level)}]" for level in option.levels[1:]]


def model_matrix(
    space: ConfigurationSpace, terms: Sequence[Term], indices: IntArray
) -> ModelMatrix:
    """Return the model matrix of some configurations.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and their levels.
    terms : sequence of Term
        In the order of the columns.
    indices : ndarray of int, shape (n, n_options)
        Level indices, from `ConfigurationSpace.encode`.

    Returns
    -------
    ModelMatrix
        Of one column a term of numeric and boolean options, of the product of
        (levels - 1) for categorical ones.
    """
    position = {name: i for i, name in enumerate(space.names)}
    coded: dict[Factor, FloatArray] = {}
    columns: list[str] = []
    blocks: list[FloatArray] = []
    slices: dict[Term, slice] = {}
    for term in terms:
        block = np.ones((len(indices), 1))
        names = [""]
        for factor in term.factors:
            option = space.options[factor.option]
            if factor not in coded:
                table = code_levels(option, factor.power)
                coded[factor] = table[indices[:, position[factor.option]]]
            values = coded[factor]
            block = (block[:, :, None] * values[:, None, :]).reshape(len(block), -1)
            new = _column_names(option, factor.power)
            names = [f"{old}:{name}" if old else name for old in names for name in new]
        slices[term] = slice(len(columns), len(columns) + block.shape[1])
        blocks.append(block)
        columns += [name or "1" for name in names]
    X = np.hstack(blocks) if blocks else np.empty((len(indices), 0))
    return ModelMatrix(X=X, columns=tuple(columns), slices=slices)


def d_efficiency(X: FloatArray) -> float:
    """Return the D-efficiency det(X'X)^(1/p) / n of a model matrix.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        A model matrix.

    Returns
    -------
    float
        1 for orthogonal two-level columns, 0 for a singular matrix.

    Examples
    --------
    >>> d_efficiency(np.array([[1.0, -1.0], [1.0, 1.0]]))
    1.0
    """
    n, p = X.shape
    if n < p:
        return 0.0
    sign, log_determinant = np.linalg.slogdet(X.T @ X)
    return float(np.exp(log_determinant / p) / n) if sign > 0 else 0.0


def model_terms(space: ConfigurationSpace, model: str) -> ModelTerms:
    """Return the terms of a model on a space.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    model : str
        ``main``; ``interactions``: main and all pairs; ``quadratic``: that and the
        squares of numeric options with three or more levels; else a formula.

    Returns
    -------
    ModelTerms
        Terms that the valid configurations cannot estimate are left out of the
        three named models, and listed.

    Raises
    ------
    FormulaError
        If the formula cannot be read, or has such a term.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "a": {"kind": "numeric", "levels": [1, 2, 3]}, "b": {"kind": "boolean"}}})
    >>> [str(term) for term in model_terms(space, "quadratic").terms]
    ['1', 'a', 'b', 'I(a**2)', 'a:b']
    """
    named = model in MODELS
    terms = _named(space, model) if named else parse_formula(model, space.names)
    for term in terms:
        for factor in term.factors:
            option = space.options[factor.option]
            if factor.power > 1 and option.kind != "numeric":
                raise FormulaError(
                    f"formula {model!r}: {factor}: {option.name!r} is {option.kind}; "
                    "only numeric options have powers"
                )
    kept = _estimable(space, terms)
    left_out = tuple(term for term in terms if term not in kept)
    if left_out and not named:
        raise FormulaError(
            f"formula {model!r}: the valid configurations cannot estimate "
            f"{', '.join(map(str, left_out))} beside the terms before; leave "
            "that out, or free levels and combinations"
        )
    return ModelTerms(
        terms=tuple(term for term in terms if term in kept), left_out=left_out
    )


def _named(space: ConfigurationSpace, model: str) -> tuple[Term, ...]:
    terms = [INTERCEPT, *(Term.of(name) for name in space.names)]
    if model == "quadratic":
        for option in space.options:
            if option.kind == "numeric" and len(option.levels) > 2:
                terms.append(Term((Factor(option.name, 2),)))
    if model != "main":
        terms += [Term.of(*pair) for pair in combinations(space.names, 2)]
    return tuple(terms)


def _estimable(space: ConfigurationSpace, terms: Sequence[Term]) -> set[Term]:
    """Return the terms that add their full rank to those before them.

    Options that nothing forbids form a full product with the others, and
    functions of independent coordinates are linearly independent if their parts
    are. So the rank is needed on the valid combinations of the constrained
    options alone, once for each part that the free options contribute.
    """
    bound = {c.option for item in space.forbid for c in item.conditions}
    # A power with too few levels to be told from lower ones binds its option too.
    for name in {f.option for t in terms for f in t.factors if f.power > 1}:
        powers = sorted({f.power for t in terms for f in t.factors if f.option == name})
        coded = code_levels(space.options[name])
        basis = np.hstack([coded**power for power in {0, *powers}])
        if np.linalg.matrix_rank(basis) < basis.shape[1]:
            bound.add(name)
    if not bound:
        return set(terms)
    options = [option for option in space.options if option.name in bound]
    part = ConfigurationSpace(options, space.forbid)
    if part.size() <= _CHECKED_ROWS:
        rows = part.all_rows()
    else:
        rows = part.sample(_CHECKED_ROWS, np.random.default_rng(0), replace=True)
    groups: dict[frozenset[Factor], list[tuple[Term, Term]]] = {}
    for term in terms:
        free = frozenset(f for f in term.factors if f.option not in bound)
        inner = Term(tuple(f for f in term.factors if f.option in bound))
        groups.setdefault(free, []).append((term, inner))
    needed = tuple(dict.fromkeys(inner for g in groups.values() for _, inner in g))
    matrix = model_matrix(part, needed, rows)
    gram = matrix.X.T @ matrix.X / len(rows)
    kept: set[Term] = set()
    for group in groups.values():
        chosen: list[int] = []
        for term, inner in group:
            where = matrix.slices[inner]
            columns = list(range(where.start, where.stop))
            if _independent(gram, chosen, columns):
                chosen += columns
                kept.add(term)
    return kept


def _independent(gram: FloatArray, chosen: list[int], columns: list[int]) -> bool:
    """Return whether columns are independent of each other and of the chosen."""
    rest = gram[np.ix_(columns, columns)]
    if chosen:
        cross = gram[np.ix_(chosen, columns)]
        rest = rest - cross.T @ np.linalg.solve(gram[np.ix_(chosen, chosen)], cross)
    return bool(np.linalg.eigvalsh(rest).min() > _RANK_TOLERANCE)
