"""Forbidden combinations, and the counting of the configurations they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from measure.errors import LevelError, SpaceError
from measure.levels import Level, number, plain
from measure.options import Option

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A set of levels of one option.

    Parameters
    ----------
    option : str
        Name of the option.
    any_of : tuple of level, optional
        The levels that match.
    none_of : tuple of level, optional
        All other levels match.
    minimum, maximum : float, optional
        Numeric levels within match, both ends included.
    """

    option: str
    any_of: tuple[Level, ...] = ()
    none_of: tuple[Level, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def mask(self, option: Option) -> BoolArray:
        """Return which levels of `option` match.

        Parameters
        ----------
        option : Option
            The option of that name.

        Returns
        -------
        ndarray of bool, shape (n_levels,)
            True where the level matches.
        """
        mask = np.ones(len(option.levels), dtype=bool)
        if self.any_of:
            mask[:] = False
            mask[[option.index(level) for level in self.any_of]] = True
        if self.none_of:
            mask[[option.index(level) for level in self.none_of]] = False
        if self.minimum is not None:
            mask &= np.array([float(level) >= self.minimum for level in option.levels])
        if self.maximum is not None:
            mask &= np.array([float(level) <= self.maximum for level in option.levels])
        return mask

    @classmethod
    def from_entry(cls, option: Option, entry: Any) -> Condition:
        """Read what stands behind the option's name in a forbid item.

        Parameters
        ----------
        option : Option
            The option that the entry speaks of.
        entry : scalar, list or dict
            Equal to; any of; ``{min:, max:}`` or ``{not: v}``.

        Returns
        -------
        Condition
            The levels it stands for.

        Raises
        ------
        LevelError
            If a level is not one of the option's.
        SpaceError
            If the entry has another form, or matches no level.
        """
        name = option.name
        condition: Condition
        if isinstance(entry, dict):
            unknown = sorted(set(entry) - {"min", "max", "not"})
            if unknown or not entry or ("not" in entry and len(entry) > 1):
                raise SpaceError(
                    f"option {name!r}: a condition is a level, a list of levels, "
                    f"{{min: .., max: ..}} or {{not: level}}, not {entry!r}"
                )
            if "not" in entry:
                condition = cls(option=name, none_of=_levels(option, entry["not"]))
            else:
                if option.kind != "numeric":
                    raise SpaceError(
                        f"option {name!r} is {option.kind}: min and max are for "
                        "numeric options"
                    )
                ends = {key: number(value) for key, value in entry.items()}
                if None in ends.values():
                    raise SpaceError(f"option {name!r}: min and max must be numbers")
                condition = cls(
                    option=name, minimum=ends.get("min"), maximum=ends.get("max")
                )
        else:
            condition = cls(option=name, any_of=_levels(option, entry))
        if not condition.mask(option).any():
            raise SpaceError(
                f"option {name!r}: the condition {entry!r} matches none of its levels"
            )
        return condition

    def to_entry(self) -> Any:
        """Return the condition as `from_entry` reads it.

        Returns
        -------
        scalar, list or dict
            The shortest form.
        """
        if self.any_of:
            return self.any_of[0] if len(self.any_of) == 1 else list(self.any_of)
        if self.none_of:
            kept = self.none_of
            return {"not": kept[0] if len(kept) == 1 else list(kept)}
        ends = {"min": self.minimum, "max": self.maximum}
        return {key: end for key, end in ends.items() if end is not None}


def _levels(option: Option, entry: Any) -> tuple[Level, ...]:
    values = entry if isinstance(entry, list | tuple) else [entry]
    if not values:
        raise LevelError(f"option {option.name!r}: an empty list of levels")
    return tuple(option.check(plain(value)) for value in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forbidden:
    """A combination that is not valid: every condition matches.

    Parameters
    ----------
    conditions : tuple of Condition
        One per option.
    """

    conditions: tuple[Condition, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the item as it stands in a space file.

        Returns
        -------
        dict
            Option name to condition entry.
        """
        return {c.option: c.to_entry() for c in self.conditions}

    def narrowed(
        self, wide: Mapping[str, Option], narrow: Mapping[str, Option]
    ) -> Forbidden | None:
        """Return what is forbidden where options have fewer levels.

        Parameters
        ----------
        wide : mapping of str to Option
            The options that the conditions were written for.
        narrow : mapping of str to Option
            The same with fewer levels; each that a condition names.

        Returns
        -------
        Forbidden or None
            None where a condition matches none of the levels left.
        """
        conditions = []
        for condition in self.conditions:
            option, left = wide[condition.option], narrow[condition.option]
            mask = condition.mask(option)
            matched = {v for v, hit in zip(option.levels, mask, strict=True) if hit}
            kept = tuple(level for level in left.levels if level in matched)
            if not kept:
                return None
            conditions.append(Condition(option=left.name, any_of=kept))
        return Forbidden(conditions=tuple(conditions))

    def __str__(self) -> str:
        return ", ".join(f"{name}: {entry}" for name, entry in self.to_dict().items())


class ValidSet:
    """The level-index rows that no forbidden combination matches.

    Rows are counted and numbered without being enumerated: a dynamic
    programme over the options whose state is the set of items that all
    levels so far match. Numbering is lexicographic in the level indices.

    Parameters
    ----------
    options : sequence of Option
        In the order of the columns.
    forbid : sequence of Forbidden
        The combinations that are not valid.
    """

    def __init__(self, options: Sequence[Option], forbid: Sequence[Forbidden]) -> None:
        position = {option.name: i for i, option in enumerate(options)}
        self.n_levels = tuple(len(option.levels) for option in options)
        self.items: tuple[tuple[tuple[int, BoolArray], ...], ...] = tuple(
            tuple(
                sorted(
                    (
                        (position[c.option], c.mask(options[position[c.option]]))
                        for c in item.conditions
                    ),
                    key=lambda pair: pair[0],
                )
            )
            for item in forbid
        )
        k = len(options)
        self._first, self._last = [0] * k, [0] * k
        # Bit b of _match[i][level]: item b says nothing of option i, or matches.
        everything = (1 << len(self.items)) - 1
        self._match = [[everything] * n for n in self.n_levels]
        for bit, item in enumerate(self.items):
            self._first[item[0][0]] |= 1 << bit
            self._last[item[-1][0]] |= 1 << bit
            for i, mask in item:
                for level in np.flatnonzero(~mask):
                    self._match[i][level] &= ~(1 << bit)
        self._count = lru_cache(maxsize=None)(self._count_from)

    def _next(self, i: int, state: int, level: int) -> int | None:
        state = (state | self._first[i]) & self._match[i][level]
        return None if state & self._last[i] else state

    def _count_from(self, i: int, state: int) -> int:
        if i == len(self.n_levels):
            return 1
        total = 0
        for level in range(self.n_levels[i]):
            after = self._next(i, state, level)
            if after is not None:
                total += self._count(i + 1, after)
        return total

    def size(self) -> int:
        """Return how many rows are valid.

        Returns
        -------
        int
            Exact.
        """
        return self._count(0, 0)

    def row(self, rank: int) -> list[int]:
        """Return the valid row of that number.

        Parameters
        ----------
        rank : int
            From 0 to ``size() - 1``.

        Returns
        -------
        list of int
            Level indices.
        """
        if not 0 <= rank < self.size():
            raise IndexError(f"rank {rank} of {self.size()} valid configurations")
        row, state = [], 0
        for i in range(len(self.n_levels)):
            for level in range(self.n_levels[i]):
                after = self._next(i, state, level)
                below = 0 if after is None else self._count(i + 1, after)
                if rank < below and after is not None:
                    row.append(level)
                    state = after
                    break
                rank -= below
        return row

    def holds(self, indices: IntArray) -> BoolArray:
        """Return which rows are valid.

        Parameters
        ----------
        indices : ndarray of int, shape (n, n_options)
            Level indices.

        Returns
        -------
        ndarray of bool, shape (n,)
            True where no item matches.
        """
        valid = np.ones(len(indices), dtype=bool)
        for item in self.items:
            hit = np.ones(len(indices), dtype=bool)
            for i, mask in item:
                hit &= mask[indices[:, i]]
            valid &= ~hit
        return valid

    def broken(self, row: Sequence[int]) -> int | None:
        """Return the position of the first item that a row matches.

        Parameters
        ----------
        row : sequence of int
            Level indices.

        Returns
        -------
        int or None
            None if the row is valid.
        """
        for position, item in enumerate(self.items):
            if all(mask[row[i]] for i, mask in item):
                return position
        return None

    def all_rows(self) -> IntArray:
        """Return every valid row, in the order of their numbers.

        Returns
        -------
        ndarray of int, shape (size(), n_options)
            Level indices; grown option by option, so that forbidden parts are
            dropped as soon as they are complete.
        """
        rows: IntArray = np.zeros((1, 0), dtype=np.int64)
        for i, n in enumerate(self.n_levels):
            rows = np.column_stack(
                [np.repeat(rows, n, axis=0), np.tile(np.arange(n), len(rows))]
            )
            for item in self.items:
                if item[-1][0] == i:
                    hit = np.ones(len(rows), dtype=bool)
                    for j, mask in item:
                        hit &= mask[rows[:, j]]
                    rows = rows[~hit]
        return rows
