"""A bound on constrained spaces of any size, by groups of options.

As in `measure.designs.separable` C is such that f'C f is a sum, here over groups of
options: those that forbidden combinations tie together, each gone through by itself.
Inside a group C is free. An interaction of options of two groups brings products
such as u^2 w^2 or u u' w^2 of their columns: constant in a categorical option, else
cancelled by the element of C between what they are products of, if the model has that.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from measure.constraints import Forbidden
from measure.designs.barrier import Barrier, Elements
from measure.designs.reduction import Part, reduced
from measure.formula import Factor
from measure.space import ConfigurationSpace
from measure.terms import FloatArray, IntArray, Term, model_matrix

# Row, column, factor and variable of each element of C.
Places = list[tuple[int, int, float, int]]
# Group, columns and values at the group's configurations of a term.
Inside = dict[Term, tuple[int, list[int], FloatArray]]

_MOST_ROWS = 5000  # of a group
_MOST_COLUMNS = 150
_MOST_WORK = 4e8  # multiplications of one step


def grouped_bound(space: ConfigurationSpace, terms: tuple[Term, ...]) -> float | None:
    """Return a proved upper bound of the D-efficiency on a constrained space.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : tuple of Term
        The model.

    Returns
    -------
    float or None
        None where a group has too many configurations, the model too many columns, or
        interactions of a kind whose products cannot cancel.

    Examples
    --------
    >>> from measure.terms import model_terms
    >>> space = ConfigurationSpace.from_dict({
    ...     "options": {f"x{i}": {"kind": "numeric", "levels": [1, 2, 3]}
    ...                 for i in range(4)},
    ...     "forbid": [{"x0": 3, "x1": 3}]})
    >>> round(grouped_bound(space, model_terms(space, "quadratic").terms), 2)
    0.44
    """
    left = reduced(space, terms)
    if left is None or sum(len(part.terms) for part in left.parts) > _MOST_COLUMNS:
        return None
    groups = [_Group.of(left.space, names) for names in _tied(left.space)]
    known = [group for group in groups if group is not None]
    if len(known) < len(groups):
        return None
    problem = _Problem(left.space, known)
    for part in left.parts:
        if not problem.add(part):
            return None
    if len(problem.owner) * float(len(problem.begin)) ** 2 > _MOST_WORK:
        return None
    search = problem.barrier(left.columns)
    return search.bound(search.least())


def _tied(space: ConfigurationSpace) -> list[tuple[str, ...]]:
    """Return the options by what forbidden combinations tie together."""
    sets = [{name} for name in space.names]
    for item in space.forbid:
        hit = {condition.option for condition in item.conditions}
        joined = [s for s in sets if s & hit]
        sets = [s for s in sets if not s & hit] + [set().union(*joined)]
    return [tuple(name for name in space.names if name in s) for s in sets]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Options that are gone through together, and their valid configurations."""

    space: ConfigurationSpace
    rows: IntArray

    @classmethod
    def of(cls, space: ConfigurationSpace, names: tuple[str, ...]) -> _Group | None:
        """Return the group of some options, or None where it is too large."""
        items: list[Forbidden] = [
            item for item in space.forbid if item.conditions[0].option in names
        ]
        own = ConfigurationSpace([space.options[name] for name in names], items)
        if own.size() > _MOST_ROWS:
            return None
        return cls(space=own, rows=own.all_rows())

    def values(self, term: Term) -> FloatArray:
        """Return a term's columns at all configurations, one row a column."""
        return model_matrix(self.space, (term,), self.rows).X.T


class _Problem:
    """The convex problem, put together part by part."""

    def __init__(self, space: ConfigurationSpace, groups: list[_Group]) -> None:
        self.space = space
        self.groups = groups
        self.home = {
            name: number
            for number, group in enumerate(groups)
            for name in group.space.names
        }
        sizes = [len(group.rows) for group in groups]
        self.owner = np.repeat(np.arange(len(groups)), sizes)
        self.blocks: list[Elements] = []
        self.begin: list[float] = []
        self.cost: list[float] = []
        self.contributed: list[FloatArray] = []

    def barrier(self, columns: int) -> Barrier:
        """Return the problem."""
        return Barrier(
            self.blocks,
            np.array(self.begin),
            np.array(self.cost),
            np.array(self.contributed).T,
            self.owner,
            columns,
        )

    def _variable(
        self,
        block: Places,
        places: list[tuple[int, int, float]],
        begin: float,
        cost: float = 0.0,
        group: int = 0,
        values: FloatArray | None = None,
    ) -> None:
        """Add a variable: where it stands, and what it contributes."""
        number = block[-1][3] + 1 if block else 0
        block += [(i, j, f / 2 if i == j else f, number) for i, j, f in places]
        self.begin.append(begin)
        self.cost.append(cost)
        everywhere = np.zeros(len(self.owner))
        if values is not None:
            everywhere[self.owner == group] = values
        self.contributed.append(everywhere)

    def add(self, part: Part) -> bool:
        """Add a block; tell whether its terms are of a kind that can be summed."""
        times = float(part.times)
        inside: Inside = {}
        crossing: list[tuple[str, str]] = []
        size = 1
        if Term() not in part.terms:
            return False
        for term in part.terms:
            homes = {self.home[name] for name in term.options}
            if len(homes) == 1:
                values = self.groups[min(homes)].values(term)
                inside[term] = min(homes), list(range(size, size + len(values))), values
                size += len(values)
            elif len(homes) == 2 and [f.power for f in term.factors] == [1, 1]:
                crossing.append((term.factors[0].option, term.factors[1].option))
            elif homes:
                return False
        block: Places = []
        self._variable(block, [(0, 0, 1.0)], 3.0, times)
        many = len(self.home)
        for number in range(len(self.groups)):
            own = [
                (at, row)
                for group, where, values in inside.values()
                if group == number
                for at, row in zip(where, values, strict=True)
            ]
            for at, row in own:
                self._variable(block, [(0, at, 1.0)], 0.0, 0.0, number, 2 * times * row)
                self._variable(
                    block, [(at, at, 1.0)], many + 4.0, 0.0, number, times * row**2
                )
            for (at, row), (to, other) in combinations(own, 2):
                self._variable(
                    block, [(at, to, 1.0)], 0.0, 0.0, number, 2 * times * row * other
                )
        cross: dict[tuple[str, int, str, int], int] = {}
        for first, second in crossing:
            for k in range(self._width(first)):
                for m in range(self._width(second)):
                    cross[first, k, second, m] = cross[second, m, first, k] = size
                    size += 1
        for first, second in crossing:
            if not self._cross(block, inside, cross, times, first, second):
                return False
        for name in self.home:
            partners = [b if a == name else a for a, b in crossing if name in (a, b)]
            self._besides(block, inside, cross, times, name, partners)
        rows, columns, factors, variables = zip(*block, strict=True)
        self.blocks.append(
            Elements(
                times=part.times,
                size=size,
                rows=np.array(rows),
                columns=np.array(columns),
                factors=np.array(factors, dtype=float),
                variables=np.array(variables),
            )
        )
        return True

    def _width(self, name: str) -> int:
        option = self.space.options[name]
        return 1 if option.kind == "numeric" else len(option.levels) - 1

    def _is_numeric(self, name: str) -> bool:
        return bool(self.space.options[name].kind == "numeric")

    def _square(self, inside: Inside, name: str) -> int | None:
        found = inside.get(Term((Factor(name, 2),)))
        return None if found is None else found[1][0]

    def _cross(
        self,
        block: Places,
        inside: Inside,
        cross: dict[tuple[str, int, str, int], int],
        times: float,
        first: str,
        second: str,
    ) -> bool:
        """Add the diagonal of an interaction of two groups."""
        pairs = [
            cross[first, k, second, m]
            for k in range(self._width(first))
            for m in range(self._width(second))
        ]
        places = [(at, at, 1.0) for at in pairs]
        numeric = [name for name in (first, second) if self._is_numeric(name)]
        constant = [
            self._width(name) for name in (first, second) if name not in numeric
        ]
        scale = times * float(np.prod(constant)) if constant else times
        if not numeric:
            self._variable(block, places, 1.3, scale)
            return True
        squares = [self._square(inside, name) for name in numeric]
        if len(numeric) == 2 and None not in squares:
            i, j = squares
            assert i is not None and j is not None
            self._variable(block, [*places, (i, j, -0.5)], 1.3)
            return True
        # Without its square in the model, an option's is at most 1.
        left = (
            numeric[0] if squares[0] is not None or len(numeric) == 1 else numeric[-1]
        )
        group = self.home[left]
        values = self.groups[group].values(Term.of(left))[0]
        self._variable(block, places, 1.3, 0.0, group, scale * values**2)
        return True

    def _besides(
        self,
        block: Places,
        inside: Inside,
        cross: dict[tuple[str, int, str, int], int],
        times: float,
        name: str,
        partners: list[str],
    ) -> None:
        """Add what stands beside the diagonal: all interactions with one option w."""
        main = inside.get(Term.of(name))
        if main is None:
            return
        square = self._square(inside, name)
        numeric = self._is_numeric(name)
        if numeric and square is None:
            return
        scale = times * self._width(name)
        order = {frozenset(t.options): t.options[0] for t in inside}
        columns: list[tuple[str, int]] = [
            (other, k) for other in partners for k in range(self._width(other))
        ]
        for other, k in columns:
            own = inside.get(Term.of(other))
            if own is None:
                continue
            # u w beside w brings u w^2.
            places = [
                (main[1][m], cross[other, k, name, m], 1.0)
                for m in range(self._width(name))
            ]
            if numeric and square is not None:
                self._variable(block, [*places, (own[1][k], square, -1.0)], 0.0)
            else:
                self._variable(block, places, 0.0, 0.0, own[0], 2 * scale * own[2][k])
        for (other, k), (another, n) in combinations(columns, 2):
            if self.home[other] != self.home[another]:
                continue
            # u w beside u' w brings u u' w^2.
            places = [
                (cross[other, k, name, m], cross[another, n, name, m], 1.0)
                for m in range(self._width(name))
            ]
            group = self.home[other]
            if not numeric:
                u = self.groups[group].values(Term.of(other))[k]
                v = self.groups[group].values(Term.of(another))[n]
                self._variable(block, places, 0.0, 0.0, group, 2 * scale * u * v)
                continue
            both = inside.get(Term.of(other, another))
            if both is None or square is None or other == another:
                continue
            at = k * self._width(another) + n
            if order[frozenset((other, another))] != other:
                at = n * self._width(other) + k
            self._variable(block, [*places, (both[1][at], square, -1.0)], 0.0)
