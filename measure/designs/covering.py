"""Pairwise covering: each two levels of two options meet in some run."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from measure.designs.base import Design, made
from measure.errors import SpaceError
from measure.space import ConfigurationSpace
from measure.terms import IntArray

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_POOL = 400  # valid rows of which the best begins a run
_CLIMBS = 8  # of these the best few are improved option by option
_MOST_PROBES = 20_000


def pairwise(
    space: ConfigurationSpace,
    runs: int | None = None,
    *,
    seed: int = 0,
    model: str = "main",
) -> Design:
    """Return runs in which any two levels that may stand together do so once or more.

    A greedy choice [1]_: each run covers as many new pairs as can be found, and
    runs that the others make superfluous are dropped in the end.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden. Pairs that no valid configuration holds
        are left out, and the notes count them.
    runs : int, optional
        At most so many, those that cover most first; by default all that are needed.
    seed : int, default=0
        Of the draws.
    model : str, default="main"
        What the design is judged by.

    Returns
    -------
    Design
        The runs that cover most stand first.

    References
    ----------
    .. [1] Cohen, Dalal, Fredman and Patton, "The AETG system: an approach to testing
       based on combinatorial design", IEEE Trans. Softw. Eng. 23, 1997.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     name: {"kind": "boolean"} for name in "abc"}})
    >>> pairwise(space).runs
    4
    """
    rng = np.random.default_rng(seed)
    pairs = _Pairs(space)
    open_pairs, impossible = pairs.coverable(space, rng)
    total = int(open_pairs.sum())
    rows: list[IntArray] = []
    while open_pairs.any():
        row = _best_row(space, pairs, open_pairs, rng)
        open_pairs[pairs.of(row)] = False
        rows.append(row)
    if not rows:  # a single option: each of its levels once
        rows = list(_single(space))
    chosen = _without_superfluous(np.array(rows), pairs)
    notes = []
    if impossible:
        verb = "stands" if impossible == 1 else "stand"
        pair = "pair of levels" if impossible == 1 else "pairs of levels"
        notes.append(f"{impossible} {pair} {verb} in no valid configuration")
    if runs is not None and runs < len(chosen):
        every, chosen = len(chosen), chosen[: max(runs, 1)]
        covered = len(np.unique(pairs.of_all(chosen)))
        notes.append(
            f"{covered} of {total} pairs of levels are covered and {total - covered} "
            f"are not; {every} runs (--runs) would cover all"
        )
    elif runs is not None and runs > len(chosen):
        notes.append(f"{len(chosen)} runs cover all pairs; {runs} are not needed")
    return made("pairwise", space, chosen, model=model, seed=seed, notes=tuple(notes))


class _Pairs:
    """Numbers for all pairs of levels of two options."""

    def __init__(self, space: ConfigurationSpace) -> None:
        counts = [len(option.levels) for option in space.options]
        self.columns = np.array(
            list(combinations(range(len(counts)), 2)), dtype=np.int64
        ).reshape(-1, 2)
        self.width = np.array([counts[j] for _, j in self.columns], dtype=np.int64)
        sizes = [counts[i] * counts[j] for i, j in self.columns]
        self.start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def of_all(self, rows: IntArray) -> IntArray:
        """Return the numbers of the pairs in each row, shape (n, pairs of options)."""
        left, right = rows[:, self.columns[:, 0]], rows[:, self.columns[:, 1]]
        numbers: IntArray = self.start[:-1] + left * self.width + right
        return numbers

    def of(self, row: IntArray) -> IntArray:
        """Return the numbers of the pairs in one row."""
        return np.asarray(self.of_all(row[None, :])[0])

    def levels(self, number: int) -> tuple[int, int, int, int]:
        """Return options and levels of a pair: i, its level, j, its level."""
        which = int(np.searchsorted(self.start, number, side="right")) - 1
        i, j = self.columns[which]
        a, b = divmod(number - int(self.start[which]), int(self.width[which]))
        return int(i), a, int(j), b

    def coverable(
        self, space: ConfigurationSpace, rng: np.random.Generator
    ) -> tuple[BoolArray, int]:
        """Return which pairs a valid configuration holds, and how many do not."""
        total = int(self.start[-1])
        possible = np.zeros(total, dtype=bool)
        if not space.forbid:
            possible[:] = True
            return possible, 0
        if space.size() <= _MOST_PROBES:
            probes = space.all_rows()
        else:
            probes = space.sample(_MOST_PROBES, rng, replace=True)
        possible[np.unique(self.of_all(probes))] = True
        for number in np.flatnonzero(~possible):
            possible[number] = _rows_with(space, self, int(number), 1, rng) is not None
        return possible, total - int(possible.sum())


def _rows_with(
    space: ConfigurationSpace,
    pairs: _Pairs,
    number: int,
    n: int,
    rng: np.random.Generator,
) -> IntArray | None:
    """Return valid rows that hold a pair; None if there are none."""
    i, a, j, b = pairs.levels(number)
    held = {
        space.names[i]: space.options[i].levels[a],
        space.names[j]: space.options[j].levels[b],
    }
    rows = np.empty((n, len(space.options)), dtype=np.int64)
    rows[:, i], rows[:, j] = a, b
    others = [q for q in range(len(space.options)) if q not in (i, j)]
    if not others:
        return rows if space.valid(rows).all() else None
    try:
        rest = space.restrict(held)
    except SpaceError:
        return None
    rows[:, others] = rest.sample(n, rng, replace=True)
    return rows


def _best_row(
    space: ConfigurationSpace,
    pairs: _Pairs,
    open_pairs: BoolArray,
    rng: np.random.Generator,
) -> IntArray:
    """Return a valid row that covers many open pairs, at least one."""
    pool = space.sample(_POOL, rng, replace=True)
    missing = int(rng.choice(np.flatnonzero(open_pairs)))
    wanted = _rows_with(space, pairs, missing, _CLIMBS, rng)
    assert wanted is not None
    pool = np.vstack([wanted, pool])
    values = open_pairs[pairs.of_all(pool)].sum(axis=1)
    best, most = pool[0], 0
    for start in np.argsort(-values, kind="stable")[:_CLIMBS]:
        row, value = _climb(space, pairs, open_pairs, pool[start], int(values[start]))
        if value > most:
            best, most = row, value
    return np.asarray(best)


def _climb(
    space: ConfigurationSpace,
    pairs: _Pairs,
    open_pairs: BoolArray,
    row: IntArray,
    value: int,
) -> tuple[IntArray, int]:
    """Change one option at a time while that covers more open pairs."""
    improved = True
    while improved:
        improved = False
        for option, definition in enumerate(space.options):
            trials = np.tile(row, (len(definition.levels), 1))
            trials[:, option] = np.arange(len(definition.levels))
            values = open_pairs[pairs.of_all(trials)].sum(axis=1)
            values[~space.valid(trials)] = -1
            if values.max() > value:
                row, value = trials[int(values.argmax())], int(values.max())
                improved = True
    return row, value


def _single(space: ConfigurationSpace) -> IntArray:
    one = len(space.options) == 1
    return np.asarray(space.all_rows() if one else space.unrank([0]))


def _without_superfluous(rows: IntArray, pairs: _Pairs) -> IntArray:
    """Drop, from the last to the first, runs whose pairs all stand in others."""
    numbers = pairs.of_all(rows)
    counts = np.bincount(numbers.ravel(), minlength=int(pairs.start[-1]) + 1)
    kept = []
    for run in range(len(rows) - 1, -1, -1):
        if numbers.shape[1] and (counts[numbers[run]] > 1).all():
            counts[numbers[run]] -= 1
        else:
            kept.append(run)
    return np.asarray(rows[kept[::-1]])
