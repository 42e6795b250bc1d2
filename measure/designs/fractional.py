"""Regular two-level fractions: columns of a full factorial as products of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb

import numpy as np

from measure.designs.base import Design, made, refuse_forbidden
from measure.designs.two_level import SignArray, two_levels
from measure.errors import DesignError
from measure.levels import Level
from measure.space import ConfigurationSpace

_ROMAN = {3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII"}
_MOST_BASE = 10  # 1024 runs
_SHOWN_WORDS = 15
_DEFAULT_RESOLUTION = 4
_COUNTED = 8  # longer words are not counted in comparing fractions
_MOST_NODES = 2000
_MOST_FOUND = 60


def fractional_factorial(
    space: ConfigurationSpace,
    runs: int | None = None,
    *,
    resolution: int | None = None,
    levels: Mapping[str, Sequence[Level]] | None = None,
    model: str = "main",
) -> Design:
    """Return a regular fraction of the two-level factorial.

    A design has resolution R if no product of fewer than R of its columns is constant:
    III keeps main effects apart, IV keeps them clear of interactions of two options, V
    keeps those apart as well. Of the fractions with that many runs one of the
    highest resolution is taken, with few shortest words; the resolution is counted
    again on the finished columns.

    Parameters
    ----------
    space : ConfigurationSpace
        The options; those with more than two levels are set to two of them.
    runs : int, optional
        A power of two; by default the fewest of the resolution.
    resolution : int, optional
        Least resolution; 4 by default where `runs` does not decide.
    levels : mapping of str to two levels, optional
        The low and the high level of some options, instead of the extreme ones.
    model : str, default="main"
        What the design is judged by.

    Returns
    -------
    Design
        In standard order; resolution and generators stand in its notes.

    Raises
    ------
    DesignError
        If so few runs cannot have the resolution, or a run is forbidden.

    References
    ----------
    .. [1] Box and Hunter, "The 2^(k-p) fractional factorial designs", Technometrics
       3, 1961.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     name: {"kind": "boolean"} for name in "abcd"}})
    >>> design = fractional_factorial(space, 8)
    >>> design.runs, design.notes[0]
    (8, 'resolution IV, counted on the runs; generators d = a:b:c')
    """
    k = len(space.options)
    least = resolution if resolution is not None else _DEFAULT_RESOLUTION
    if resolution is not None and not 3 <= resolution <= max(_ROMAN):
        raise DesignError(
            f"fractional-factorial design: resolution {resolution}; choose 3 to "
            f"{max(_ROMAN)}"
        )
    sizes = [2**m for m in range(2, min(k, _MOST_BASE) + 1) if 2**m > k]
    sizes = sizes or ([2**k] if k < 2 else [])
    if runs is not None and runs not in sizes:
        raise DesignError(
            f"fractional-factorial design: no {runs} runs for {k} options; choose "
            f"one of {', '.join(map(str, sizes)) or 'fewer options'}"
        )
    for size in [runs] if runs is not None else sizes:
        columns = choose_columns(k, size.bit_length() - 1)
        signs = signs_of(columns, size.bit_length() - 1)
        reached = resolution_of(signs)
        if reached is None or reached >= least or (runs and resolution is None):
            break
    else:
        raise DesignError(
            f"fractional-factorial design: resolution {least} for {k} options takes "
            f"more runs; choose one of {', '.join(map(str, sizes))} (--runs) or a "
            "lower resolution"
        )
    ends, reduced = two_levels(space, levels)
    indices = ends[np.arange(k), (signs.astype(np.int64) + 1) // 2]
    refuse_forbidden("fractional-factorial", space, indices)
    notes = (_describe(space.names, columns, reached), *reduced)
    return made("fractional-factorial", space, indices, model=model, notes=notes)


def choose_columns(k: int, m: int) -> list[int]:
    """Return columns of a fraction as subsets of its base options, written as bits.

    Parameters
    ----------
    k : int
        Options.
    m : int
        Base options: the fraction has 2^m runs.

    Returns
    -------
    list of int, length k
        The base options first, then one generator each for the others.
    """
    base = [1 << i for i in range(min(k, m))]
    if k <= m:
        return base
    for resolution in range(m + 1, 3, -1):
        packed = sum(comb(k, j) for j in range((resolution - 1) // 2 + 1))
        if packed > 1 << m or (resolution == 4 and k > 1 << (m - 1)):
            continue
        found = _Search(base, k, m, resolution).run()
        if found:
            return min(found, key=lambda columns: _words(columns, m))
    # Any different columns have resolution III; those of many options first.
    others = sorted(set(range(1, 1 << m)) - set(base), key=_heaviest_first)
    return base + others[: k - len(base)]


def _heaviest_first(column: int) -> tuple[int, int]:
    return -column.bit_count(), column


class _Search:
    """Depth first through sets of generators that keep a resolution."""

    def __init__(self, base: list[int], k: int, m: int, resolution: int) -> None:
        self.base, self.k, self.resolution = base, k, resolution
        self.numbers = np.arange(1 << m)
        self.order = np.array(sorted(self.numbers, key=lambda v: (v.bit_count(), v)))
        self.found: list[list[int]] = []
        self.nodes = 0

    def run(self) -> list[list[int]]:
        """Return some sets of columns, the base options first; none if not found."""
        reach = np.zeros((self.resolution - 1, len(self.numbers)), dtype=bool)
        reach[:, 0] = True
        for column in self.base:
            reach = self._with(reach, column)
        self._descend(list(self.base), reach, 0)
        return self.found

    def _with(self, reach: np.ndarray, column: int) -> np.ndarray:
        """Return which products of at most j columns there are, with one more."""
        moved = reach.copy()
        moved[1:] |= reach[:-1, self.numbers ^ column]
        return moved

    def _descend(self, columns: list[int], reach: np.ndarray, start: int) -> None:
        if len(columns) == self.k:
            self.found.append(columns)
            return
        self.nodes += 1
        # A column that R - 2 others give would make a word shorter than R.
        free = np.flatnonzero(~reach[-1][self.order])
        free = free[free >= start]
        for position in free[: len(free) - (self.k - len(columns)) + 1]:
            if self.nodes > _MOST_NODES or len(self.found) >= _MOST_FOUND:
                return
            column = int(self.order[position])
            self._descend(
                [*columns, column], self._with(reach, column), int(position) + 1
            )


def _words(columns: list[int], m: int) -> tuple[int, ...]:
    """Return how many products of 3, 4, .. columns are constant."""
    sums = np.zeros((_COUNTED, 1 << m), dtype=np.int64)
    sums[0, 0] = 1
    words = np.zeros(_COUNTED, dtype=np.int64)
    numbers = np.arange(1 << m)
    for column in columns:
        words[1:] += sums[:-1, column]
        sums[1:] += sums[:-1, numbers ^ column]
    return tuple(words[3:].tolist())


def signs_of(columns: Sequence[int], m: int) -> SignArray:
    """Return the runs of a fraction.

    Parameters
    ----------
    columns : sequence of int
        As `choose_columns` gives them.
    m : int
        Base options.

    Returns
    -------
    ndarray of int8, shape (2^m, k)
        Of -1 and 1.
    """
    base = np.array(
        [
            [1 if run >> (m - 1 - i) & 1 else -1 for i in range(m)]
            for run in range(1 << m)
        ]
    )
    signs = np.ones((1 << m, len(columns)), dtype=np.int8)
    for j, column in enumerate(columns):
        for i in range(m):
            if column >> i & 1:
                signs[:, j] *= base[:, i].astype(np.int8)
    return signs


def resolution_of(signs: SignArray, most: int = 8) -> int | None:
    """Return the resolution of runs, counted on their columns alone.

    Parameters
    ----------
    signs : ndarray of int8, shape (n, k)
        Of -1 and 1.
    most : int, default=8
        Longest products that are looked at.

    Returns
    -------
    int or None
        The fewest columns whose product is constant; None if no `most` are.
    """
    n, k = signs.shape
    codes = [
        int("".join("1" if s < 0 else "0" for s in signs[:, j]), 2) for j in range(k)
    ]
    whole = (1 << n) - 1
    for size in range(1, min(most, k) + 1):
        # Products of a part of the columns, to be met by those of the rest.
        half = size // 2
        known: dict[int, list[frozenset[int]]] = {}
        for chosen in combinations(range(k), half):
            known.setdefault(_product(codes, chosen), []).append(frozenset(chosen))
        for chosen in combinations(range(k), size - half):
            value = _product(codes, chosen)
            for wanted in (value, value ^ whole):
                for other in known.get(wanted, ()):
                    if other.isdisjoint(chosen):
                        return size
    return None


def _product(codes: Sequence[int], chosen: Sequence[int]) -> int:
    value = 0
    for j in chosen:
        value ^= codes[j]
    return value


def _describe(
    names: Sequence[str], columns: Sequence[int], resolution: int | None
) -> str:
    m = sum(1 for column in columns if column.bit_count() == 1)
    generators = [
        f"{names[j]} = {':'.join(names[i] for i in range(m) if columns[j] >> i & 1)}"
        for j in range(len(columns))
        if columns[j].bit_count() > 1
    ]
    if not generators:
        return "the full two-level factorial"
    more = f" and {len(generators) - _SHOWN_WORDS} more" * (
        len(generators) > _SHOWN_WORDS
    )
    shown = "; ".join(generators[:_SHOWN_WORDS]) + more
    known = _ROMAN.get(resolution or 0, f"above {_ROMAN[max(_ROMAN)]}")
    return f"resolution {known}, counted on the runs; generators {shown}"
