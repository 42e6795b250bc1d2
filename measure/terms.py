"""Model terms: the formula grammar, the coding of levels, the model matrix.

Designs and performance models share what stands here, so that a coefficient
means the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from measure.errors import FormulaError
from measure.levels import spelled
from measure.space import ConfigurationSpace, Option

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]

MODELS = ("main", "interactions", "quadratic")
# Constrained options are checked on all their valid combinations up to here.
_CHECKED_ROWS = 200_000
_RANK_TOLERANCE = 1e-9
_PLAIN_NAME = re.compile(r"[^\W\d][\w.]*\Z")


@dataclass(frozen=True, slots=True)
class Factor:
    """One option in a term, at a power.

    Parameters
    ----------
    option : str
        Name of the option.
    power : int, default=1
        Above 1 for numeric options only.
    """

    option: str
    power: int = 1

    def __str__(self) -> str:
        plain = _PLAIN_NAME.match(self.option)
        name = self.option if plain else f"`{self.option}`"
        return name if self.power == 1 else f"I({name}**{self.power})"


@dataclass(frozen=True, slots=True)
class Term:
    """A product of options: what a column, or a few, of the model matrix stand for.

    Parameters
    ----------
    factors : tuple of Factor
        None for the intercept. Two terms are equal whatever their order.

    Examples
    --------
    >>> str(Term.of("a", "b")), Term.of("a", "b") == Term.of("b", "a")
    ('a:b', True)
    """

    factors: tuple[Factor, ...] = ()

    @classmethod
    def of(cls, *options: str) -> Term:
        """Return the term of these options, each at power 1.

        Parameters
        ----------
        *options : str
            Names of options.

        Returns
        -------
        Term
            Their product.
        """
        return cls(tuple(Factor(option) for option in options))

    @property
    def options(self) -> tuple[str, ...]:
        """The options in it, each once."""
        return tuple(dict.fromkeys(factor.option for factor in self.factors))

    @property
    def order(self) -> int:
        """How many options it has: 1 a main effect or its power, 2 an interaction."""
        return len(self.options)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Term):
            return NotImplemented
        return frozenset(self.factors) == frozenset(other.factors)

    def __hash__(self) -> int:
        return hash(frozenset(self.factors))

    def __str__(self) -> str:
        return ":".join(map(str, self.factors)) or "1"


INTERCEPT = Term()


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


# -- formulas -------------------------------------------------------------------

_TOKEN = re.compile(
    r"\s*(?:(?P<power>\*\*|\^)|(?P<sign>[+:*()])|(?P<number>\d+)"
    r"|`(?P<quoted>[^`]+)`|(?P<name>[^\W\d][\w.]*))"
)


class _Parser:
    """Recursive descent: sum > crossing > interaction > power > atom."""

    def __init__(self, text: str, names: Sequence[str]) -> None:
        self.text, self.names = text, list(names)
        self.tokens = list(self._tokenize())
        self.at = 0

    def _tokenize(self) -> Iterator[tuple[str, str, int]]:
        position, end = 0, len(self.text.rstrip())
        while position < end:
            found = _TOKEN.match(self.text, position)
            if found is None:
                rest = self.text[position:].strip()
                raise self.error(f"{rest[:1]!r} is not understood", position)
            kind = str(found.lastgroup)
            yield kind, found.group(kind), found.start(kind)
            position = found.end()
        yield "end", "", end

    def error(self, message: str, position: int) -> FormulaError:
        return FormulaError(
            f"formula {self.text!r}, character {position + 1}: {message}; allowed are "
            "option names, `quoted names`, 1, +, :, *, (..)^2 and I(name**k)"
        )

    def peek(self, *values: str) -> bool:
        kind, value, _ = self.tokens[self.at]
        return kind in ("sign", "power") and value in values

    def take(self) -> tuple[str, str, int]:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def expect(self, value: str) -> None:
        kind, found, position = self.take()
        if kind not in ("sign", "power") or found != value:
            raise self.error(
                f"{value!r} expected, not {found or 'the end'!r}", position
            )

    def parse(self) -> list[Term]:
        terms = self.sum()
        kind, value, position = self.take()
        if kind != "end":
            raise self.error(f"{value!r} not expected here", position)
        return terms

    def sum(self) -> list[Term]:
        terms = self.crossing()
        while self.peek("+"):
            self.take()
            terms += self.crossing()
        return terms

    def crossing(self) -> list[Term]:
        terms = self.interaction()
        while self.peek("*"):
            self.take()
            right = self.interaction()
            terms = terms + right + _products(terms, right)
        return terms

    def interaction(self) -> list[Term]:
        terms = self.power()
        while self.peek(":"):
            self.take()
            terms = _products(terms, self.power())
        return terms

    def power(self) -> list[Term]:
        terms = self.atom()
        if self.peek("^", "**"):
            self.take()
            kind, value, position = self.take()
            if kind != "number" or not 1 <= int(value) <= 9:
                raise self.error("a power is a whole number from 1 to 9", position)
            terms = list(dict.fromkeys(terms))
            powers = terms
            for _ in range(int(value) - 1):
                powers = list(dict.fromkeys(powers + _products(powers, terms)))
            terms = powers
        return terms

    def atom(self) -> list[Term]:
        kind, value, position = self.take()
        if kind == "number":
            if value != "1":
                raise self.error(f"the number {value}", position)
            return [INTERCEPT]
        if kind == "sign" and value == "(":
            terms = self.sum()
            self.expect(")")
            return terms
        if kind == "name" and self.peek("("):
            if value != "I":
                raise self.error(
                    f"a call of {value!r}; formulas call nothing", position
                )
            return [self.identity()]
        if kind in ("name", "quoted"):
            return [Term((Factor(self.known(value, position)),))]
        raise self.error(f"{value!r} not expected" if value else "it ends", position)

    def identity(self) -> Term:
        self.expect("(")
        kind, value, position = self.take()
        if kind not in ("name", "quoted"):
            raise self.error("I() takes name**k", position)
        name = self.known(value, position)
        if not self.peek("**", "^"):
            raise self.error("I() takes name**k", self.tokens[self.at][2])
        self.take()
        kind, value, position = self.take()
        if kind != "number" or not 1 <= int(value) <= 9:
            raise self.error("a power is a whole number from 1 to 9", position)
        self.expect(")")
        return Term((Factor(name, int(value)),))

    def known(self, name: str, position: int) -> str:
        if name not in self.names:
            raise FormulaError(
                f"formula {self.text!r}, character {position + 1}: no option {name!r}; "
                f"choose from {', '.join(self.names)}"
            )
        return name


def _products(left: Iterable[Term], right: Iterable[Term]) -> list[Term]:
    right = list(right)
    pairs = [(a, b) for a in left for b in right]
    return [Term(tuple(dict.fromkeys(a.factors + b.factors))) for a, b in pairs]


def parse_formula(text: str, names: Sequence[str]) -> tuple[Term, ...]:
    """Read a model formula; nothing in it is evaluated.

    Parameters
    ----------
    text : str
        Of names, backticks, ``1``, ``+``, ``:``, ``*``, ``^2``, parentheses and
        ``I(name**k)``.
    names : sequence of str
        The options that it may speak of.

    Returns
    -------
    tuple of Term
        The intercept, then by order, each term once.

    Raises
    ------
    FormulaError
        With the place of what is not understood.

    Examples
    --------
    >>> [str(term) for term in parse_formula("(a + b)^2 + I(a**2)", ["a", "b"])]
    ['1', 'a', 'b', 'I(a**2)', 'a:b']
    """
    position = {name: i for i, name in enumerate(names)}

    def ordered(term: Term) -> Term:
        key = sorted(term.factors, key=lambda f: (position[f.option], f.power))
        return Term(tuple(key))

    if not text.strip():
        raise FormulaError("the formula is empty; write 1 for a constant alone")
    found = dict.fromkeys([INTERCEPT, *map(ordered, _Parser(text, names).parse())])
    return tuple(sorted(found, key=lambda term: (term.order, _degree(term))))


def _degree(term: Term) -> int:
    return sum(factor.power for factor in term.factors)


# -- coding -----------------------------------------------------------------------


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


# -- models -------------------------------------------------------------------------


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
