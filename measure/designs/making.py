"""Designs by name: what the command line calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from measure.designs.base import Design
from measure.designs.ends import note_of_ends
from measure.designs.factorial import full_factorial
from measure.designs.reading import read_design
from measure.designs.space_filling import latin_hypercube, random_design, sobol
from measure.designs.two_level import plackett_burman
from measure.errors import DesignError
from measure.space import ConfigurationSpace
from measure.spelling import did_you_mean
from measure.terms import model_matrix, model_terms

if TYPE_CHECKING:
    import pandas as pd

    from measure.designs.local_search import Progress

DESIGNS = (
    "d-optimal",
    "plackett-burman",
    "full-factorial",
    "fractional-factorial",
    "definitive-screening",
    "split-plot",
    "random",
    "latin-hypercube",
    "sobol",
    "pairwise",
)
# These choose their runs for a model; the others are only judged by one.
MODEL_DESIGNS = ("d-optimal", "split-plot")
# Their size follows from the space; nothing is searched for.
OWN_SIZE = (
    "plackett-burman",
    "full-factorial",
    "fractional-factorial",
    "definitive-screening",
    "pairwise",
)
_SPARE_RUNS = 5


def is_sized(name: str) -> bool:
    """Return whether a design takes as many runs as it is told.

    Parameters
    ----------
    name : str
        One of `DESIGNS`, or the path of a D.csv.

    Returns
    -------
    bool
        False where the size follows from the space, or stands in the file.

    Examples
    --------
    >>> is_sized("random"), is_sized("pairwise"), is_sized("mine.csv")
    (True, False, False)
    """
    return name not in OWN_SIZE and not name.lower().endswith(".csv")


def default_model(name: str) -> str:
    """Return the model that a design is made for, or judged by, unless one is given.

    Parameters
    ----------
    name : str
        Name of a design.

    Returns
    -------
    str
        ``interactions`` for designs made for a model, else ``main``.

    Examples
    --------
    >>> default_model("d-optimal"), default_model("plackett-burman")
    ('interactions', 'main')
    """
    return "interactions" if name in MODEL_DESIGNS else "main"


def make_design(
    name: str,
    space: ConfigurationSpace,
    runs: int | None = None,
    model: str | None = None,
    seed: int = 0,
    *,
    criterion: str = "d",
    budget_s: float = 4.0,
    iterations: int | None = None,
    fixed: pd.DataFrame | None = None,
    candidates: pd.DataFrame | None = None,
    repeats: bool = True,
    run_s: float = 2.0,
    variance_ratio: float | None = None,
    whole_plots: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Design:
    """Return the design of that name.

    Parameters
    ----------
    name : str
        One of `DESIGNS`, or the path of a D.csv.
    space : ConfigurationSpace
        The options and what is forbidden.
    runs : int, optional
        How many; by default what the design needs, or five more than the model has
        columns.
    model : str, optional
        By default `default_model`.
    seed : int, default=0
        Of what is drawn.
    criterion : str, default="d"
        Of an optimal design; what a file is judged by beside D.
    budget_s : float, default=4.0
        CPU seconds of a search.
    iterations : int, optional
        Of a search, in place of a budget.
    fixed : DataFrame, optional
        Runs that an optimal or a split-plot design keeps.
    candidates : DataFrame, optional
        The only rows that an optimal, a random or a full factorial design may take;
        other designs do not look at them.
    repeats : bool, default=True
        Whether an optimal design may hold a configuration twice.
    run_s : float, default=2.0
        Seconds that a run takes: what a split-plot design weighs changes against.
    variance_ratio : float, optional
        Of a split-plot design: variance between whole plots over that within; 1 by
        default.
    whole_plots : int, optional
        Of a split-plot design: how many; by default what tells most in the time.
    progress : callable, optional
        Called during a search.

    Returns
    -------
    Design
        Notes say where `runs` was not used.

    Raises
    ------
    DesignError
        If there is no such design, or it cannot be made as asked.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2]},
    ...     "onednn": {"kind": "boolean"}}})
    >>> make_design("taguchi", space)
    Traceback (most recent call last):
    measure.errors.DesignError: no design 'taguchi'; choose from d-optimal, \
plackett-burman, full-factorial, fractional-factorial, definitive-screening, \
split-plot, random, latin-hypercube, sobol, pairwise, or a file D.csv
    """
    if name.lower().endswith(".csv"):
        design = read_design(Path(name), space, model=model or "main")
        return _judged_by(_unused_runs(design, runs), criterion)
    if name not in DESIGNS:
        raise DesignError(
            f"no design {name!r}; choose from {', '.join(DESIGNS)}, or a file D.csv"
            f"{did_you_mean(name, DESIGNS)}"
        )
    model = model or default_model(name)
    if fixed is not None and name not in MODEL_DESIGNS:
        raise DesignError(
            f"{name} design: it cannot keep runs (--augment); choose --design "
            "d-optimal or split-plot"
        )
    if criterion != "d" and name != "d-optimal":
        raise DesignError(
            f"{name} design: it follows no criterion (--criterion); choose --design "
            "d-optimal"
        )
    if name != "split-plot":
        for value, flag in (
            (variance_ratio, "--variance-ratio"),
            (whole_plots, "--whole-plots"),
        ):
            if value is not None:
                raise DesignError(
                    f"{name} design: it has no whole plots ({flag}); choose --design "
                    "split-plot"
                )
    if name in OWN_SIZE:
        return _constructed(name, space, runs, model, seed, candidates)
    if runs is None:
        runs = default_runs(space, model)
    if name == "split-plot":
        from measure.designs.whole_plots import split_plot

        plotted = split_plot(
            space,
            whole_plots,
            variance_ratio=1.0 if variance_ratio is None else variance_ratio,
            model=model,
            seed=seed,
            budget_s=budget_s,
            iterations=iterations,
            runs=runs,
            fixed=fixed,
            run_s=run_s,
            progress=progress,
        )
        return _with_note(plotted, note_of_ends(plotted))
    if name == "random":
        return random_design(space, runs, seed=seed, model=model, candidates=candidates)
    if name == "latin-hypercube":
        return latin_hypercube(space, runs, seed=seed, model=model)
    if name == "sobol":
        return sobol(space, runs, seed=seed, model=model)
    from measure.designs.optimal import d_optimal

    optimal = d_optimal(
        space,
        runs,
        model,
        seed,
        budget_s,
        iterations,
        fixed,
        candidates,
        repeats,
        criterion,
        progress=progress,
    )
    return _with_note(optimal, note_of_ends(optimal))


def _constructed(
    name: str,
    space: ConfigurationSpace,
    runs: int | None,
    model: str,
    seed: int,
    candidates: pd.DataFrame | None,
) -> Design:
    """Return a design that has as many runs as it needs."""
    if name == "plackett-burman":
        return plackett_burman(space, runs, model=model)
    if name == "fractional-factorial":
        from measure.designs.fractional import fractional_factorial

        return fractional_factorial(space, runs, model=model)
    if name == "definitive-screening":
        from measure.designs.screening import definitive_screening

        return _unused_runs(definitive_screening(space, model=model), runs)
    if name == "pairwise":
        from measure.designs.covering import pairwise

        return pairwise(space, runs, seed=seed, model=model)
    every = full_factorial(space, model=model, candidates=candidates)
    return _unused_runs(every, runs)


def default_runs(space: ConfigurationSpace, model: str) -> int:
    """Return how many runs a design has where none are asked for.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    model : str
        What the design is made for.

    Returns
    -------
    int
        Five more than the model matrix has columns.
    """
    return columns_of(space, model) + _SPARE_RUNS


def columns_of(space: ConfigurationSpace, model: str) -> int:
    """Return how many coefficients a model has: the fewest runs that estimate it.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    model : str
        ``main``, ``interactions``, ``quadratic`` or a formula.

    Returns
    -------
    int
        Columns of its model matrix.
    """
    terms = model_terms(space, model).terms
    return len(model_matrix(space, terms, space.unrank([0])).columns)


def _unused_runs(design: Design, runs: int | None) -> Design:
    if runs is None or runs == design.runs:
        return design
    note = (
        f"--runs {runs} is not used: {design.name} has the {design.runs} runs that "
        "its options or its file give it"
    )
    return _with_note(design, note)


def _judged_by(design: Design, criterion: str) -> Design:
    """Return a design that is judged by a criterion it was perhaps not made for."""
    if criterion == "d":
        return design
    if "whole_plot" in design.frame:
        note = f"--criterion {criterion} is not used: it does not see whole plots"
        return _with_note(design, note)
    return replace(design, criterion=criterion)


def _with_note(design: Design, note: str | None) -> Design:
    return design if note is None else replace(design, notes=(*design.notes, note))
