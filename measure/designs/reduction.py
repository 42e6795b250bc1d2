"""What of a space a bound must go through; the rest is known by symmetry.

The criteria of designs do not change when the levels of a categorical option that
nothing forbids change places, nor when a numeric one, whose powers are not in the
model, changes its sign. So among the best weights of configurations there are some
that give all levels of the first equally often, and both ends of the second,
independently of everything else: f'M^-1 f is convex in an option without powers, hence
largest at an end. The information matrix then falls into one block for each
set S of such options, and of all of them only the number of columns is left [1]_.

References
----------
.. [1] Schwabe, *Optimum Designs for Multi-Factor Models*, Springer 1996.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from measure.designs.problem import BoolArray, code
from measure.formula import Factor
from measure.options import Option
from measure.space import ConfigurationSpace
from measure.terms import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A block of the information matrix, and how often it is there.

    Parameters
    ----------
    terms : tuple of Term
        What the block's terms say of the options that are gone through.
    times : int
        How many such blocks there are.
    """

    terms: tuple[Term, ...]
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """What of a space and a model is left to go through.

    Parameters
    ----------
    space : ConfigurationSpace
        The options that are left, and the levels.
    parts : tuple of Part
        The blocks of the information matrix.
    columns : int
        Of the whole model.
    smaller : bool
        Whether options were left out.
    """

    space: ConfigurationSpace
    parts: tuple[Part, ...]
    columns: int
    smaller: bool

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of all blocks, each once."""
        return tuple(dict.fromkeys(term for part in self.parts for term in part.terms))


def whole(space: ConfigurationSpace, terms: Sequence[Term]) -> Reduction:
    """Return a space and a model with nothing left out.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : sequence of Term
        The model.

    Returns
    -------
    Reduction
        Of one block.
    """
    columns = sum(_columns(space, term.factors) for term in terms)
    part = Part(terms=tuple(terms), times=1)
    return Reduction(space=space, parts=(part,), columns=columns, smaller=False)


def reduced(space: ConfigurationSpace, terms: Sequence[Term]) -> Reduction | None:
    """Return what symmetry leaves of a space and a model.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : sequence of Term
        The model.

    Returns
    -------
    Reduction or None
        None where nothing is left: all configurations of extreme levels, equally
        often, are then best.

    Examples
    --------
    >>> from measure.terms import model_terms
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2, 3]},
    ...     "backend": {"kind": "categorical", "levels": ["graph", "xla", "lite"]}}})
    >>> left = reduced(space, model_terms(space, "quadratic").terms)
    >>> left.space.names, [(part.times, len(part.terms)) for part in left.parts]
    (('threads',), [(1, 3), (2, 2)])
    """
    powered = {f.option for term in terms for f in term.factors if f.power > 1}
    bound = {c.option for item in space.forbid for c in item.conditions}
    names = [name for name in space.names if name in powered or name in bound]
    if not names:
        return None
    clause = code(space, tuple(terms)).clause
    options: list[Option] = []
    for i, option in enumerate(space.options):
        if option.name in names:
            ends = option.kind == "numeric" and option.name not in powered
            options.append(_ends(option, clause[:, i, :]) if ends else option)
    narrow = {option.name: option for option in options}
    wide = {name: space.options[name] for name in names}
    forbid = [item.narrowed(wide, narrow) for item in space.forbid]
    part = ConfigurationSpace(options, [item for item in forbid if item is not None])
    blocks: dict[frozenset[Factor], list[Term]] = {}
    for term in terms:
        free = frozenset(f for f in term.factors if f.option not in narrow)
        inner = Term(tuple(f for f in term.factors if f.option in narrow))
        blocks.setdefault(free, []).append(inner)
    times: dict[tuple[Term, ...], int] = {}
    for free, inside in blocks.items():
        key = tuple(sorted(inside, key=str))
        times[key] = times.get(key, 0) + _columns(space, tuple(free))
    return Reduction(
        space=part,
        parts=tuple(Part(terms=key, times=count) for key, count in times.items()),
        columns=sum(_columns(space, term.factors) for term in terms),
        smaller=len(options) < len(space.options),
    )


def _ends(option: Option, clause: BoolArray) -> Option:
    """Return an option with the ends of each set of levels that are forbidden alike."""
    sets: dict[bytes, list[int]] = {}
    for level in sorted(range(len(option.levels)), key=lambda i: option.levels[i]):
        sets.setdefault(np.packbits(clause[:, level]).tobytes(), []).append(level)
    kept = {
        position for levels in sets.values() for position in (levels[0], levels[-1])
    }
    return option.restricted(option.levels[i] for i in sorted(kept))


def _columns(space: ConfigurationSpace, factors: Sequence[Factor]) -> int:
    """Return how many columns a product of factors has."""
    return prod(
        (
            1
            if (option := space.options[factor.option]).kind == "numeric"
            else len(option.levels) - 1
        )
        for factor in factors
    )
