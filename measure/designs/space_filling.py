"""Designs that spread runs over the space, whatever the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from measure.designs.base import Design, made, offered_rows
from measure.errors import DesignError
from measure.space import ConfigurationSpace
from measure.terms import IntArray

if TYPE_CHECKING:
    import pandas as pd


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
    if runs < 1:
        raise DesignError(f"random design: {runs} runs; ask for at least 1")
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
