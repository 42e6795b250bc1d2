"""The model terms and the small grammar that formulas are written in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from measure.errors import FormulaError
from measure.spelling import did_you_mean

#: Models with a name of their own, in the place of a formula.
MODELS = ("main", "interactions", "quadratic")
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
            _, sign, at = self.take()
            kind, value, position = self.take()
            if kind != "number" or not 1 <= int(value) <= 9:
                raise self.error("a power is a whole number from 1 to 9", position)
            terms = list(dict.fromkeys(terms))
            if int(value) > 1 and len(terms) == 1 and terms[0].order:
                raise self.error(self.vain(terms[0], sign + value), at)
            powers = terms
            for _ in range(int(value) - 1):
                powers = list(dict.fromkeys(powers + _products(powers, terms)))
            terms = powers
        return terms

    def vain(self, term: Term, power: str) -> str:
        """Say that the power of a single term is that term."""
        words = f"{term}{power} is {term} in formulas, where only sums have powers"
        if len(term.factors) > 1 or term.factors[0].power > 1:
            return words
        factor = Factor(term.factors[0].option, int(power.lstrip("*^")))
        return f"{words}; write {factor} for a power of its levels"

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
            # A word alone may be meant for one of the named models.
            models = MODELS if self.text.strip() == name else ()
            beside = f", or a model: {', '.join(models)}" if models else ""
            raise FormulaError(
                f"formula {self.text!r}, character {position + 1}: no option {name!r}; "
                f"choose from {', '.join(self.names)}{beside}"
                f"{did_you_mean(name, [*models, *self.names])}"
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
        Of names, backticks, ``1``, ``+``, ``:``, ``*``, ``^2`` of a sum, parentheses
        and ``I(name**k)``. The power of one option alone would be that option, and is
        refused.
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
