"""Optimal designs: the runs that tell most about the terms of a given model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.designs.base import Design, offered_rows, refuse_forbidden
from measure.designs.bound import upper_bound
from measure.designs.criteria import Criterion, Prior, criterion_of
from measure.designs.problem import POOL_SIZE, Coding, code, draw_pool
from measure.errors import DesignError, SpaceError
from measure.space import ConfigurationSpace
from measure.terms import IntArray, ModelTerms, model_matrix, model_terms

if TYPE_CHECKING:
    import pandas as pd

    from measure.designs.local_search import Found, Progress, Task

_MOST_CANDIDATES = 20_000
_RANK_TOLERANCE = 1e-8


def d_optimal(
    space: ConfigurationSpace,
    runs: int,
    model: str = "interactions",
    seed: int = 0,
    budget_s: float = 4.0,
    iterations: int | None = None,
    fixed: pd.DataFrame | None = None,
    candidates: pd.DataFrame | None = None,
    repeats: bool = True,
    criterion: str = "d",
    prior: Prior = None,
    *,
    progress: Callable[[Progress], None] | None = None,
) -> Design:
    """Return runs that estimate the terms of a model as well as so many can.

    Coordinate exchange [1]_ without a candidate set, with low-rank updates, inside an
    iterated local search. Forbidden combinations are never met.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    runs : int
        How many, the fixed ones counted.
    model : str, default="interactions"
        ``main``, ``interactions``, ``quadratic`` or a formula.
    seed : int, default=0
        Of the search.
    budget_s : float, default=4.0
        CPU seconds of this thread, compiling aside.
    iterations : int, optional
        Of the search, in place of a budget: repeats the design whose record says so.
    fixed : DataFrame, optional
        Runs to keep, such as those measured already; they stand first.
    candidates : DataFrame, optional
        The only runs to choose from.
    repeats : bool, default=True
        Whether a configuration may stand in several runs.
    criterion : {"d", "a", "i", "bayes-d"}, default="d"
        What the search optimises, see `measure.designs.criteria.criterion_of`.
    prior : float or mapping of str to float, optional
        Only for ``bayes-d``.
    progress : callable, optional
        Called with a `measure.designs.local_search.Progress` some times a second.

    Returns
    -------
    Design
        Ctrl-C gives the best so far, and a note says so.

    Raises
    ------
    DesignError
        If there are fewer runs than model columns (but for ``bayes-d``), or too few
        configurations; the terms or options at fault are named.
    FormulaError
        If the model cannot be read, or has terms that cannot be estimated.

    References
    ----------
    .. [1] Meyer and Nachtsheim, "The coordinate-exchange algorithm for constructing
       exact optimal experimental designs", Technometrics 37, 1995.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2]},
    ...     "onednn": {"kind": "boolean"}}})
    >>> design = d_optimal(space, runs=4, iterations=10)
    >>> sorted(design.frame.itertuples(index=False, name=None))
    [(1, False), (1, True), (2, False), (2, True)]
    """
    terms = model_terms(space, model)
    coding = code(space, terms.terms)
    chosen = criterion_of(criterion, space, terms.terms, coding, prior)
    kept = _runs(space, fixed, "fixed runs")
    _check_runs(space, terms, coding, runs, criterion, kept)
    offered = _candidates(space, candidates, seed)
    _check_repeats(space, runs, kept, offered, repeats)
    task = _task(space, terms, coding, chosen, runs, kept, offered, repeats, seed)
    from measure.designs.local_search import search

    found = search(
        task, seed=seed, budget_s=budget_s, iterations=iterations, progress=progress
    )
    if not found.estimable:
        raise _inestimable(space, terms, found, runs, offered is not None)
    notes = _notes(space, terms, kept, found)
    return Design(
        name="d-optimal",
        space=space,
        model=model,
        terms=terms.terms,
        left_out=terms.left_out,
        frame=space.decode(found.levels),
        seed=seed,
        iterations=found.iterations,
        criterion=criterion,
        prior=prior,
        fixed=len(kept),
        repeats=repeats,
        cpu_s=found.cpu_s,
        interrupted=found.interrupted,
        notes=notes,
    )


def _runs(space: ConfigurationSpace, frame: pd.DataFrame | None, what: str) -> IntArray:
    if frame is None:
        return np.empty((0, len(space.options)), dtype=np.int64)
    try:
        indices = space.encode(frame)
    except SpaceError as error:
        raise DesignError(f"{what}: {error}") from error
    refuse_forbidden(what, space, indices, "drop it, or free the combination")
    return indices


def _check_runs(
    space: ConfigurationSpace,
    terms: ModelTerms,
    coding: Coding,
    runs: int,
    criterion: str,
    kept: IntArray,
) -> None:
    p = len(coding.factors)
    if runs < 1 or runs < len(kept):
        raise DesignError(
            f"d-optimal design: {runs} runs, but "
            f"{len(kept)} are fixed; ask for more than that (--runs)"
            if len(kept)
            else f"d-optimal design: {runs} runs; ask for 1 or more (--runs)"
        )
    if runs < p and criterion != "bayes-d":
        names = [str(term) for term in terms.terms]
        more = f", .. ({len(names)} in all)" if len(names) > 12 else ""
        is_main = all(len(term.factors) <= 1 for term in terms.terms)
        smaller = "fewer options" if is_main else "a smaller model (--model main)"
        raise DesignError(
            f"d-optimal design: {runs} runs are fewer than the {p} coefficients of the "
            f"terms {', '.join(names[:12])}{more}; take --runs {p} or more, {smaller}, "
            "or --criterion bayes-d"
        )


def _candidates(
    space: ConfigurationSpace, frame: pd.DataFrame | None, seed: int
) -> IntArray | None:
    if frame is None:
        return None
    indices = offered_rows(space, frame)
    if len(indices) > _MOST_CANDIDATES:
        rng = np.random.default_rng(seed)
        rows = rng.choice(len(indices), size=_MOST_CANDIDATES, replace=False)
        indices = indices[np.sort(rows)]
    return indices


def _check_repeats(
    space: ConfigurationSpace,
    runs: int,
    kept: IntArray,
    offered: IntArray | None,
    repeats: bool,
) -> None:
    if repeats:
        return
    distinct = {tuple(row) for row in kept.tolist()}
    if offered is None:
        left, what = space.size() - len(distinct), "valid configurations"
    else:
        rows = {tuple(row) for row in offered.tolist()}
        left, what = len(rows - distinct), "candidates"
    if runs - len(kept) > left:
        raise DesignError(
            f"d-optimal design: {runs - len(kept)} runs without repeats, but only "
            f"{left} {what} are left; take fewer runs, or allow repeats"
        )


def _task(
    space: ConfigurationSpace,
    terms: ModelTerms,
    coding: Coding,
    criterion: Criterion,
    runs: int,
    kept: IntArray,
    offered: IntArray | None,
    repeats: bool,
    seed: int,
) -> Task:
    from measure.designs.local_search import Task

    rng = np.random.default_rng(seed)
    pool = draw_pool(space, rng)
    if not repeats and not space.forbid and space.size() <= POOL_SIZE:
        pool = space.all_rows()  # the last runs are found in it
    source = offered if offered is not None else pool
    levels = np.zeros((runs, len(space.options)), dtype=np.int64)
    if len(source):
        levels[:] = source[0]
    levels[: len(kept)] = kept
    return Task(
        coding=coding,
        levels=levels,
        free=np.arange(runs) >= len(kept),
        prior=criterion.precision,
        target=criterion.target,
        pool=pool,
        candidates=offered,
        repeats=repeats,
        enough=_enough(space, terms, criterion, runs),
    )


def _enough(
    space: ConfigurationSpace, terms: ModelTerms, criterion: Criterion, runs: int
) -> float:
    """Return a log determinant that no design surpasses, where a formula gives one."""
    powers = any(factor.power > 1 for term in terms.terms for factor in term.factors)
    # With powers, or where something is forbidden, no design of a few runs meets it.
    if criterion.name != "d" or powers or space.forbid:
        return np.inf
    bound = upper_bound(space, terms.terms, runs, tight=False)
    if bound is None:
        return np.inf
    return float(len(criterion.precision) * np.log(runs * bound.value))


def _inestimable(
    space: ConfigurationSpace,
    terms: ModelTerms,
    found: Found,
    runs: int,
    among: bool,
) -> DesignError:
    names = singular_terms(space, terms, found.levels)
    where = "the candidates" if among else "the configurations that were tried"
    return DesignError(
        f"d-optimal design: {runs} runs of {where} cannot estimate "
        f"{', '.join(names) or 'all terms'} beside the other terms; leave that out of "
        "the model (--model), take more runs (--runs), or free levels and combinations"
    )


def singular_terms(
    space: ConfigurationSpace, terms: ModelTerms, indices: IntArray
) -> list[str]:
    """Return the terms that some runs cannot estimate beside those before them.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    terms : ModelTerms
        The model.
    indices : ndarray of int, shape (n, n_options)
        The runs.

    Returns
    -------
    list of str
        In the order of the model; empty where all can be estimated.
    """
    matrix = model_matrix(space, terms.terms, indices)
    basis: list[np.ndarray[Any, np.dtype[np.float64]]] = []
    lost = []
    for term in terms.terms:
        complete = True
        for column in matrix.X[:, matrix.slices[term]].T:
            rest = column.astype(float)
            for _ in range(2):  # twice is enough for orthogonality
                for vector in basis:
                    rest = rest - vector * (vector @ rest)
            size = float(np.linalg.norm(rest))
            if size > _RANK_TOLERANCE * max(float(np.linalg.norm(column)), 1.0):
                basis.append(rest / size)
            else:
                complete = False
        if not complete:
            lost.append(str(term))
    return lost


def _notes(
    space: ConfigurationSpace, terms: ModelTerms, kept: IntArray, found: Found
) -> tuple[str, ...]:
    notes = []
    if len(kept):
        notes.append(f"the first {len(kept)} runs are the fixed ones")
    if 0 < len(kept) < len(found.levels):
        notes.append(_bought(space, terms, kept, found.levels))
    if found.interrupted:
        notes.append("the search was interrupted; this is the best it had found")
    return tuple(notes)


def _bought(
    space: ConfigurationSpace, terms: ModelTerms, kept: IntArray, levels: IntArray
) -> str:
    """Say what added runs bring beside those that were there."""
    added = len(levels) - len(kept)
    lost = singular_terms(space, terms, kept)
    still = singular_terms(space, terms, levels)
    won = [term for term in lost if term not in still]
    if won:
        more = f" and {len(won) - 12} more" if len(won) > 12 else ""
        return (
            f"only with the {added} added runs can be estimated: "
            f"{', '.join(won[:12])}{more}"
        )
    if lost:
        return f"the {added} added runs make no further term estimable"
    errors = []
    for rows in (kept, levels):
        matrix = model_matrix(space, terms.terms, rows).X
        errors.append(np.sqrt(np.diag(np.linalg.inv(matrix.T @ matrix))))
    share = float(np.median(errors[1] / errors[0]))
    return (
        f"the {added} added runs bring standard errors of coefficients to "
        f"{100 * share:.0f} % of what they were (median)"
    )
