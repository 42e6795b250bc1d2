"""Design: the configurations chosen, and what was known when they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from measure.errors import DesignError, SpaceError
from measure.levels import spelled
from measure.terms import FloatArray, IntArray, Term, model_matrix, model_terms

if TYPE_CHECKING:
    import pandas as pd

    from measure.space import ConfigurationSpace

# Columns that may stand beside the options: groups within which order is random.
GROUP_COLUMNS = ("block", "whole_plot")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """The configurations chosen, one row a run.

    Parameters
    ----------
    name : str
        How it was made, such as ``"d-optimal"``.
    space : ConfigurationSpace
        The options of the design; it may hold fewer levels than the device's.
    model : str
        What it is judged by: ``main``, ``interactions``, ``quadratic`` or a formula.
    terms : tuple of Term
        The terms of that model, the intercept first.
    left_out : tuple of Term
        Terms that the valid configurations cannot estimate.
    frame : DataFrame
        Option names to levels as in the space; ``block`` and ``whole_plot`` where
        the runs are grouped.
    seed : int, optional
        None where nothing is drawn.
    iterations : int, optional
        Of a search; the same number and seed give the same design again.
    criterion : str, default="d"
        What a search maximised.
    prior : float or mapping of str to float, optional
        Of the criterion ``bayes-d``.
    fixed : int, default=0
        So many runs, the first ones, were given.
    repeats : bool, default=True
        Whether a search was free to repeat a configuration.
    hard_to_change : tuple of str, default=()
        Options that stay within each whole plot, of this design and of all that it is
        compared with.
    variance_ratio : float, default=1.0
        Variance between whole plots over that within; for split-plot designs.
    cpu_s : float, default=0.0
        CPU time of the search, without compiling.
    interrupted : bool, default=False
        Whether Ctrl-C ended the search: the runs are the best it had found.
    notes : tuple of str
        What a reader of the design must know, one sentence each.
    """

    name: str
    space: ConfigurationSpace
    model: str
    terms: tuple[Term, ...]
    left_out: tuple[Term, ...] = ()
    frame: pd.DataFrame
    seed: int | None = None
    iterations: int | None = None
    criterion: str = "d"
    prior: float | Mapping[str, float] | None = None
    fixed: int = 0
    repeats: bool = True
    hard_to_change: tuple[str, ...] = ()
    variance_ratio: float = 1.0
    cpu_s: float = 0.0
    interrupted: bool = False
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return what it is, its notes and its runs."""
        from measure.designs.report_text import design_text

        return design_text(self)

    @property
    def runs(self) -> int:
        """How many runs it has."""
        return len(self.frame)

    @property
    def indices(self) -> IntArray:
        """The runs as level indices, shape (runs, n_options)."""
        return self.space.encode(self.frame)

    @property
    def matrix(self) -> FloatArray:
        """The model matrix of the runs, shape (runs, n_columns)."""
        return model_matrix(self.space, self.terms, self.indices).X

    @property
    def whole_plots(self) -> IntArray | None:
        """The whole plot of each run, or None where runs are not grouped."""
        if "whole_plot" not in self.frame:
            return None
        plots: IntArray = self.frame["whole_plot"].to_numpy(dtype="int64")
        return plots


def made(
    name: str,
    space: ConfigurationSpace,
    indices: IntArray,
    *,
    model: str = "main",
    seed: int | None = None,
    notes: tuple[str, ...] = (),
) -> Design:
    """Return a design that no search made, from level indices.

    Parameters
    ----------
    name : str
        Name of the design.
    space : ConfigurationSpace
        The options.
    indices : ndarray of int, shape (n, n_options)
        The runs.
    model : str, default="main"
        What it is judged by.
    seed : int, optional
        Of what was drawn.
    notes : tuple of str
        For the reader.

    Returns
    -------
    Design
        With the terms of `model`.
    """
    terms = model_terms(space, model)
    return Design(
        name=name,
        space=space,
        model=model,
        terms=terms.terms,
        left_out=terms.left_out,
        frame=space.decode(indices),
        seed=seed,
        notes=notes,
    )


def shown(space: ConfigurationSpace, row: IntArray) -> str:
    """Return one configuration as text for a message.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    row : ndarray of int, shape (n_options,)
        Level indices.

    Returns
    -------
    str
        Such as ``backend=xla, threads=2``.
    """
    levels = zip(space.options, row, strict=True)
    return ", ".join(f"{o.name}={spelled(o.levels[i])}" for o, i in levels)


def refuse_forbidden(
    name: str, space: ConfigurationSpace, indices: IntArray, notes: str = ""
) -> None:
    """Raise if a row is forbidden, naming the configuration.

    Parameters
    ----------
    name : str
        Of the design that holds the rows.
    space : ConfigurationSpace
        The options.
    indices : ndarray of int, shape (n, n_options)
        The runs.
    notes : str, optional
        What to do about it.

    Raises
    ------
    DesignError
        If a row is not valid.
    """
    valid = space.valid(indices)
    if valid.all():
        return
    row = int((~valid).argmax())
    advice = notes or "choose --design d-optimal, which avoids forbidden ones"
    raise DesignError(
        f"{name} design: run {row + 1} of {len(indices)} is a forbidden "
        f"configuration ({shown(space, indices[row])}); {advice}"
    )


def offered_rows(space: ConfigurationSpace, candidates: pd.DataFrame) -> IntArray:
    """Return the distinct valid rows of a frame of candidates.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    candidates : DataFrame
        Levels, with a column for each option.

    Returns
    -------
    ndarray of int, shape (n, n_options)
        Level indices, in order.

    Raises
    ------
    DesignError
        If a column is missing, a value is no level, or no row is valid.
    """
    try:
        indices = space.encode(candidates)
    except SpaceError as error:
        raise DesignError(f"candidates: {error}") from error
    indices = np.unique(indices[space.valid(indices)], axis=0)
    if len(indices) == 0:
        raise DesignError("candidates: no row is a valid configuration")
    return indices
