"""A bound of models with squares that needs no going through configurations.

The bound of `measure.designs.bound` holds for any positive definite matrix C in the
place of M^-1, not only for those of designs. Of all C we take those for which f'C f is
a sum of what each option contributes: its maximum is then the sum of the maxima over
each option's levels, on spaces of any size. The products x_i^2 x_j^2 that the
interaction of two options brings cancel where the element of C between their squares is
minus half of that of the interaction. Among these C the one with the smallest bound
is sought by `measure.designs.barrier`. What was found is then evaluated by itself, so
that it is a proof however far the search came.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measure.designs.barrier import Barrier, Elements
from measure.designs.reduction import Part, reduced
from measure.space import ConfigurationSpace
from measure.terms import FloatArray, Term, code_levels

_MOST_VARIABLES = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """One block of the model: which options it has, and in what way."""

    times: int
    linear: tuple[int, ...]
    squares: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]


def separable_bound(space: ConfigurationSpace, terms: tuple[Term, ...]) -> float | None:
    """Return a proved upper bound of the D-efficiency, on a space of any size.

    Parameters
    ----------
    space : ConfigurationSpace
        The options; what is forbidden is not made use of.
    terms : tuple of Term
        The model.

    Returns
    -------
    float or None
        None where the model is of another kind: it has powers above the second,
        interactions of options of which it has no squares, or of three of them; or is
        too large.

    Examples
    --------
    >>> from measure.terms import model_terms
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     f"x{i}": {"kind": "numeric", "levels": [1, 2, 3]} for i in range(20)}})
    >>> round(separable_bound(space, model_terms(space, "quadratic").terms), 3)
    0.704
    """
    left = reduced(ConfigurationSpace(space.options), terms)
    if left is None:
        return None
    blocks = [_block(part, left.space.names) for part in left.parts]
    known = [block for block in blocks if block is not None]
    if len(known) < len(blocks):
        return None
    levels = [np.unique(code_levels(option)) for option in left.space.options]
    if _variables(known) > _MOST_VARIABLES:
        return None
    search = _problem(known, levels, left.columns)
    return search.bound(search.least())


def _variables(blocks: list[_Block]) -> int:
    return sum(
        1 + 2 * len(block.linear) + 3 * len(block.squares) + len(block.pairs)
        for block in blocks
    )


def _block(part: Part, names: tuple[str, ...]) -> _Block | None:
    """Return a block's options, or None where its terms are of another kind."""
    linear: list[int] = []
    squares: list[int] = []
    pairs: list[tuple[int, int]] = []
    for term in part.terms:
        where = [names.index(factor.option) for factor in term.factors]
        powers = [factor.power for factor in term.factors]
        if powers == [1]:
            linear.append(where[0])
        elif powers == [2]:
            squares.append(where[0])
        elif powers == [1, 1]:
            pairs.append((where[0], where[1]))
        elif powers:
            return None
    both = {i for pair in pairs for i in pair}
    complete = Term() in part.terms and both <= set(squares) <= set(linear)
    if not complete:
        return None
    return _Block(
        times=part.times,
        linear=tuple(linear),
        squares=tuple(squares),
        pairs=tuple(pairs),
    )


def _problem(blocks: list[_Block], levels: list[FloatArray], columns: int) -> Barrier:
    """Return the convex problem; each option is a group."""
    owner = np.repeat(np.arange(len(levels)), [len(x) for x in levels])
    x = np.concatenate(levels)
    elements: list[Elements] = []
    start: list[float] = []
    cost: list[float] = []
    contributed: list[FloatArray] = []  # by each variable, at each level
    for block in blocks:
        place = {option: 1 + i for i, option in enumerate(block.linear)}
        first = 1 + len(block.linear)
        square = {option: first + i for i, option in enumerate(block.squares)}
        many = len(block.squares)
        entries: list[tuple[int, int, float]] = [(0, 0, 0.5)]
        begin = [3.0]
        powers: list[tuple[int, float, int]] = [(-1, 0.0, 0)]
        for option, at in place.items():
            entries += [(0, at, 1.0), (at, at, 0.5)]
            powers += [(option, 2.0, 1), (option, 1.0, 2)]
            begin += [0.0, 1.2]
        for option, at in square.items():
            entries += [(0, at, 1.0), (place[option], at, 1.0), (at, at, 0.5)]
            powers += [(option, 2.0, 2), (option, 2.0, 3), (option, 1.0, 4)]
            begin += [-1.0 if many < 3 else -0.5, 0.0, many + 4.0]
        for i, j in block.pairs:
            entries.append((square[i], square[j], -0.5))
            powers.append((-1, 0.0, 0))
            begin.append(1.3)
        contributed += [
            block.times * factor * x**power * (owner == option)
            for option, factor, power in powers
        ]
        start += begin
        cost += [float(block.times)] + [0.0] * (len(begin) - 1)
        elements.append(
            Elements(
                times=block.times,
                size=first + many,
                rows=np.array([entry[0] for entry in entries]),
                columns=np.array([entry[1] for entry in entries]),
                factors=np.array([entry[2] for entry in entries]),
                variables=np.arange(len(entries)),
                alone=len(block.pairs),
            )
        )
    return Barrier(
        elements,
        np.array(start),
        np.array(cost),
        np.array(contributed).T,
        owner,
        columns,
    )
