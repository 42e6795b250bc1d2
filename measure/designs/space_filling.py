"""Designs that spread runs over the space, whatever the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from measure.designs.base import Design, made, offered_rows
from measure.errors import DesignError
from measure.options import Option
from measure.space import ConfigurationSpace
from measure.terms import FloatArray, IntArray, code_levels

if TYPE_CHECKING:
    import pandas as pd

_TRIES = 100  # hypercubes of which the best is taken
_MOST_WORK = 50_000_000  # pairs of runs that are looked at for that
_BITS = 30  # of a Sobol point
_MOST_POINTS = 1 << 15
_FEWEST_DRAWN = 1 << 8


def random_design(
    space: ConfigurationSpace,
    runs: int,
    *,
    seed: int = 0,
    model: str = "main",
    candidates: pd.DataFrame | None = None,
) -> Design:
    """Return distinct configurations, each valid one equally likely.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    runs : int
        How many; above the number of configurations, all are taken once (or as
        often as they fit) before some are repeated, and the notes say so.
    seed : int, default=0
        Of the draw.
    model : str, default="main"
        What the design is judged by.
    candidates : DataFrame, optional
        The only rows to draw from.

    Returns
    -------
    Design
        In random order.

    Raises
    ------
    DesignError
        If `runs` is not positive, or no candidate is valid.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2, 4, 8]},
    ...     "onednn": {"kind": "boolean"}}})
    >>> random_design(space, 5, seed=1).frame.duplicated().any()
    np.False_
    """
    _check_runs("random", runs)
    rng = np.random.default_rng(seed)
    offered = None if candidates is None else offered_rows(space, candidates)
    size = space.size() if offered is None else len(offered)

    def draw(n: int) -> IntArray:
        if offered is None:
            return space.sample(n, rng)
        return offered[rng.permutation(size)[:n]]

    parts = [draw(size) for _ in range(runs // size)]
    parts.append(draw(runs % size))
    notes: tuple[str, ...] = ()
    if runs > size:
        notes = (f"only {size} configurations to choose from: runs are repeated",)
    return made("random", space, np.vstack(parts), model=model, seed=seed, notes=notes)


def latin_hypercube(
    space: ConfigurationSpace, runs: int, *, seed: int = 0, model: str = "main"
) -> Design:
    """Return runs in which each level of each option stands equally often.

    Of a number of such designs, drawn at random [1]_, the one is taken whose closest
    two runs are farthest apart. Where it would hold a forbidden configuration, levels
    are exchanged between runs, which keeps the counts; what that cannot mend is drawn
    anew, and the notes say so.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    runs : int
        How many.
    seed : int, default=0
        Of the draw.
    model : str, default="main"
        What the design is judged by.

    Returns
    -------
    Design
        In random order.

    Raises
    ------
    DesignError
        If `runs` is not positive.

    References
    ----------
    .. [1] McKay, Beckman and Conover, "A comparison of three methods for selecting
       values of input variables", Technometrics 21, 1979.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2, 4]},
    ...     "backend": {"kind": "categorical", "levels": ["graph", "xla"]}}})
    >>> latin_hypercube(space, 6).frame["threads"].value_counts().tolist()
    [2, 2, 2]
    """
    _check_runs("latin-hypercube", runs)
    rng = np.random.default_rng(seed)
    scale = _distances(space)
    best: tuple[float, int, IntArray] | None = None
    tries = max(1, min(_TRIES, _MOST_WORK // (runs * runs)))
    for _ in range(tries // 5 + 1 if space.forbid else tries):
        rows = np.column_stack([_balanced(runs, o, rng) for o in space.options])
        redrawn = _mend(space, rows, rng)
        apart = _closest(rows, scale)
        if best is None or (-redrawn, apart) > (-best[1], best[0]):
            best = (apart, redrawn, rows)
    assert best is not None
    notes: tuple[str, ...] = ()
    if best[1]:
        notes = (
            f"{best[1]} of {runs} runs were drawn anew because of what is forbidden: "
            "levels are not quite equally often there",
        )
    return made("latin-hypercube", space, best[2], model=model, seed=seed, notes=notes)


def sobol(
    space: ConfigurationSpace, runs: int, *, seed: int = 0, model: str = "main"
) -> Design:
    """Return the first valid points of a Sobol sequence, at the levels they fall on.

    The sequence [1]_ is shifted by random bits; points that are forbidden, or repeat
    a configuration while others are left, are passed over.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    runs : int
        How many.
    seed : int, default=0
        Of the shift.
    model : str, default="main"
        What the design is judged by.

    Returns
    -------
    Design
        In the order of the sequence: its first runs are spread as well.

    Raises
    ------
    DesignError
        If `runs` is not positive.

    References
    ----------
    .. [1] Sobol, "On the distribution of points in a cube and the approximate
       evaluation of integrals", USSR Comput. Math. Math. Phys. 7, 1967.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2, 4, 8]},
    ...     "backend": {"kind": "categorical", "levels": ["graph", "xla"]}}})
    >>> len(sobol(space, 8).frame.drop_duplicates())
    8
    """
    from scipy.stats import qmc

    _check_runs("sobol", runs)
    k = len(space.options)
    rng = np.random.default_rng(seed)
    shift = rng.integers(0, 1 << _BITS, size=k)
    counts = np.array([len(option.levels) for option in space.options])
    sequence = qmc.Sobol(k, scramble=False)
    whole, more = divmod(runs, space.size())
    wanted = space.size() if whole else more
    seen: dict[tuple[int, ...], None] = {}
    block = max(_FEWEST_DRAWN, 1 << (runs - 1).bit_length())
    drawn = 0
    while len(seen) < wanted and drawn < _MOST_POINTS:
        points = sequence.random(block)
        bits = (points * (1 << _BITS)).astype(np.int64) ^ shift
        rows = (bits * counts) >> _BITS
        for row in rows[space.valid(rows)].tolist():
            if len(seen) < wanted:
                seen.setdefault(tuple(row))
        drawn += block
    notes: list[str] = []
    if len(seen) < wanted:
        missing = wanted - len(seen)
        notes.append(
            f"{missing} runs were drawn at random: of {drawn} points of the sequence "
            "no more were valid and new"
        )
        while len(seen) < wanted:
            for row in space.sample(missing, rng, replace=True).tolist():
                if len(seen) < wanted:
                    seen.setdefault(tuple(row))
    found = np.array(list(seen), dtype=np.int64).reshape(-1, k)
    if whole:
        notes.append(
            f"only {space.size()} configurations to choose from: runs are repeated"
        )
        found = np.vstack([*[found] * whole, found[:more]])
    return made("sobol", space, found, model=model, seed=seed, notes=tuple(notes))


def _check_runs(name: str, runs: int) -> None:
    if runs < 1:
        raise DesignError(f"{name} design: {runs} runs; ask for at least 1")


def _balanced(runs: int, option: Option, rng: np.random.Generator) -> IntArray:
    """Return levels in random order, each as often as any other, or once more."""
    n_levels = len(option.levels)
    whole = np.tile(np.arange(n_levels), runs // n_levels)
    rest = rng.choice(n_levels, size=runs % n_levels, replace=False)
    return rng.permutation(np.concatenate([whole, rest]))


def _mend(space: ConfigurationSpace, rows: IntArray, rng: np.random.Generator) -> int:
    """Exchange levels between runs until all are valid; count those redrawn."""
    if not space.forbid:
        return 0
    n, k = rows.shape
    for run in np.flatnonzero(~space.valid(rows)):
        if space.valid(rows[run : run + 1])[0]:
            continue  # an exchange with a run before has mended it
        mended = False
        for option in rng.permutation(k):
            others = rng.permutation(n)
            mine, theirs = np.tile(rows[run], (n, 1)), rows[others].copy()
            mine[:, option] = theirs[:, option]
            theirs[:, option] = rows[run, option]
            valid_before = space.valid(rows[others])
            good = space.valid(mine) & (space.valid(theirs) | ~valid_before)
            good &= others != run
            if good.any():
                other = others[int(good.argmax())]
                rows[[run, other], option] = rows[[other, run], option]
                mended = True
                break
        if not mended:
            continue
    bad = np.flatnonzero(~space.valid(rows))
    if len(bad):
        rows[bad] = space.sample(len(bad), rng, replace=True)
    return len(bad)


def _distances(space: ConfigurationSpace) -> list[FloatArray | None]:
    """Return the coded levels of numeric options; None where levels only differ."""
    return [
        code_levels(option)[:, 0] / 2 if option.kind == "numeric" else None
        for option in space.options
    ]


def _closest(rows: IntArray, scale: list[FloatArray | None]) -> float:
    """Return the smallest distance of two runs: from 0 to 1 for each option."""
    total = np.zeros((len(rows), len(rows)))
    for j, values in enumerate(scale):
        if values is None:
            total += rows[:, None, j] != rows[None, :, j]
        else:
            at = values[rows[:, j]]
            total += (at[:, None] - at[None, :]) ** 2
    np.fill_diagonal(total, np.inf)
    return float(total.min())
