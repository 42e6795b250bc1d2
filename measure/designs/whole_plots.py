"""Split-plot designs: options that are dear to change stay as they are for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from measure.designs.base import Design, refuse_forbidden
from measure.designs.local_search import (
    Progress,
    Task,
    make_problem,
    make_state,
    tell_compiling,
)
from measure.designs.plot_sizes import RUN_S, Wanted, plot_sizes
from measure.designs.problem import code, draw_pool
from measure.errors import DesignError, SpaceError
from measure.space import ConfigurationSpace
from measure.spelling import several
from measure.terms import IntArray, Term, model_terms

if TYPE_CHECKING:
    import pandas as pd

    from measure.designs.state import Problem

_TEMPERATURE = 0.05
_STARTS = 20
_CHUNK_S = 0.1


def split_plot(
    space: ConfigurationSpace,
    whole_plots: int | None = None,
    runs_per_whole_plot: int | None = None,
    hard_to_change: Sequence[str] | None = None,
    variance_ratio: float = 1.0,
    model: str = "interactions",
    seed: int = 0,
    budget_s: float = 4.0,
    iterations: int | None = None,
    *,
    runs: int | None = None,
    fixed: pd.DataFrame | None = None,
    run_s: float = RUN_S,
    progress: Callable[[Progress], None] | None = None,
) -> Design:
    """Return runs in whole plots, within which the hard options do not change.

    D-optimal under the variance of a split-plot experiment [1]_: the runs of a whole
    plot share an error of their own, from setting the hard options anew.

    How many plots there are, where that is not said: with `own` of p coefficients
    made of hard options alone, n runs in W plots tell these in proportion to
    W / (n eta + W), and take n `run_s` + W times the sum of the `change_cost_s`; W is
    where the log of the first, own / p times, less that of the second is largest,
    between two plots more than `own` and n / 2.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    whole_plots : int, optional
        How often the hard options are set, kept plots counted; by default what tells
        most in the time that it takes.
    runs_per_whole_plot : int, optional
        Of new plots; by default what `runs` needs.
    hard_to_change : sequence of str, optional
        By default the options with a `change_cost_s` above 0.
    variance_ratio : float, default=1.0
        Variance between whole plots over that within.
    model : str, default="interactions"
        ``main``, ``interactions``, ``quadratic`` or a formula.
    seed : int, default=0
        Of the search and of the order.
    budget_s : float, default=4.0
        CPU seconds of this thread, compiling aside.
    iterations : int, optional
        Of the search, in place of a budget: repeats the design whose record says so.
    runs : int, optional
        In place of `runs_per_whole_plot`, kept runs counted; new plots then differ by
        one run at most.
    fixed : DataFrame, optional
        Runs to keep, such as those measured already; they stand first, in their whole
        plots (column ``whole_plot``; without it, each run is a plot of its own), and
        whole plots are added.
    run_s : float, default=2.0
        Seconds that a run takes, for the number of plots.
    progress : callable, optional
        Called with a `measure.designs.local_search.Progress`.

    Returns
    -------
    Design
        With a column ``whole_plot``; new plots, and runs within, in random order.

    Raises
    ------
    DesignError
        If an option is unknown, none is hard to change, the whole plots are fewer than
        the coefficients of hard options, or the runs fewer than all coefficients; or
        if a hard option changes within a kept plot.

    References
    ----------
    .. [1] Jones and Goos, "A candidate-set-free algorithm for generating D-optimal
       split-plot designs", J. R. Stat. Soc. C 56, 2007.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "backend": {"kind": "categorical", "levels": ["graph", "xla"],
    ...                 "change_cost_s": 5},
    ...     "threads": {"kind": "numeric", "levels": [1, 2]},
    ...     "onednn": {"kind": "boolean"}}})
    >>> design = split_plot(space, 4, 2, model="main", iterations=5)
    >>> design.frame.groupby("whole_plot")["backend"].nunique().tolist()
    [1, 1, 1, 1]
    """
    hard = _hard_options(space, hard_to_change)
    if not variance_ratio >= 0:
        raise DesignError(
            f"split-plot design: variance_ratio {variance_ratio}; it must be 0 or more"
        )
    terms = model_terms(space, model)
    coding = code(space, terms.terms)
    p = len(coding.factors)
    own = _columns_of_hard(coding.factors, hard)
    kept, kept_plots = _kept(space, hard, fixed)
    there = np.bincount(kept_plots).tolist()
    sizes, reason = plot_sizes(
        Wanted(
            whole_plots=whole_plots,
            runs_per_whole_plot=runs_per_whole_plot,
            runs=runs,
            own=own,
            p=p,
            variance_ratio=variance_ratio,
            cost_s=sum(space.options[i].change_cost_s for i in hard),
            run_s=run_s,
            kept_plots=len(there),
            kept_runs=len(kept),
        )
    )
    _check([*there, *sizes], own, p, space, hard, terms.terms)
    n = len(kept) + sum(sizes)
    plot = np.concatenate(
        [kept_plots, np.repeat(len(there) + np.arange(len(sizes)), sizes)]
    )
    starts = len(kept) + np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    rng = np.random.default_rng(seed)
    levels = np.zeros((n, len(space.options)), dtype=np.int64)
    levels[: len(kept)] = kept
    task = Task(
        coding=coding,
        levels=levels,
        free=np.arange(n) >= len(kept),
        prior=np.zeros(p),
        target=np.empty((0, 0)),
        pool=draw_pool(space, rng),
    )
    problem = make_problem(task)
    movable = problem.movable.copy()
    movable[:, hard] = False
    each = np.array([*there, *sizes])[plot]
    shrink = variance_ratio / (1.0 + variance_ratio * each)
    problem = problem._replace(movable=movable, plot=plot, shrink=shrink)
    found, done, cpu_s, notes = _search(
        task, problem, hard, starts, seed, budget_s, iterations, progress
    )
    if found is None:
        raise DesignError(
            f"split-plot design: {several(len(there) + len(sizes), 'whole plot')} of "
            f"{n} runs cannot estimate all terms; take more whole plots or runs, or a "
            "smaller model (--model)"
        )
    order, plots = _random_order(sizes, rng)
    order = np.concatenate([np.arange(len(kept)), len(kept) + order])
    frame = space.decode(found[order])
    frame["whole_plot"] = np.concatenate([kept_plots, len(there) + plots])
    described = _describe(space, hard, sizes, reason, run_s)
    if len(kept):
        verb = "is" if len(sizes) == 1 else "are"
        described = (
            f"the first {len(kept)} runs, in {several(len(there), 'whole plot')}, are "
            f"the fixed ones; added {verb} {described}"
        )
    return Design(
        name="split-plot",
        space=space,
        model=model,
        terms=terms.terms,
        left_out=terms.left_out,
        frame=frame,
        seed=seed,
        iterations=done,
        fixed=len(kept),
        hard_to_change=tuple(space.names[i] for i in hard),
        variance_ratio=variance_ratio,
        cpu_s=cpu_s,
        interrupted=bool(notes),
        notes=(described, *notes),
    )


def usual_plots(
    space: ConfigurationSpace,
    runs: int,
    model: str = "interactions",
    variance_ratio: float = 1.0,
    run_s: float = RUN_S,
) -> int:
    """Return how many whole plots `split_plot` makes where that is not said.

    Parameters
    ----------
    space : ConfigurationSpace
        The options, some with a `change_cost_s`.
    runs : int
        Of the design.
    model : str, default="interactions"
        As for `split_plot`.
    variance_ratio : float, default=1.0
        As for `split_plot`.
    run_s : float, default=2.0
        As for `split_plot`.

    Returns
    -------
    int
        Whole plots.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "isa": {"kind": "boolean", "change_cost_s": 60},
    ...     "threads": {"kind": "numeric", "levels": [1, 2]}}})
    >>> usual_plots(space, 20, "main")
    4
    """
    hard = _hard_options(space, None)
    factors = code(space, model_terms(space, model).terms).factors
    wanted = Wanted(
        whole_plots=None,
        runs_per_whole_plot=None,
        runs=runs,
        own=_columns_of_hard(factors, hard),
        p=len(factors),
        variance_ratio=variance_ratio,
        cost_s=sum(space.options[i].change_cost_s for i in hard),
        run_s=run_s,
    )
    return len(plot_sizes(wanted)[0])


def _describe(
    space: ConfigurationSpace,
    hard: IntArray,
    sizes: list[int],
    reason: str,
    run_s: float,
) -> str:
    low, high = min(sizes), max(sizes)
    each = several(low, "run") if low == high else f"{low} or {high} runs"
    names = ", ".join(space.names[i] for i in hard)
    many = several(len(sizes), "whole plot")
    words = f"{many} of {each}, within which {names} stay"
    if not reason:
        return words
    cost_s = sum(space.options[i].change_cost_s for i in hard)
    if cost_s <= 0:
        return f"{words}: {reason}"
    return (
        f"{words}: {reason}, if setting them takes {cost_s:g} s and a run {run_s:.2g} s"
    )


def _kept(
    space: ConfigurationSpace, hard: IntArray, fixed: pd.DataFrame | None
) -> tuple[IntArray, IntArray]:
    """Return the kept runs, and their whole plots numbered from 0 as they come."""
    if fixed is None or len(fixed) == 0:
        return np.empty((0, len(space.options)), np.int64), np.empty(0, np.int64)
    try:
        runs = space.encode(fixed)
    except SpaceError as error:
        raise DesignError(f"fixed runs: {error}") from error
    refuse_forbidden("fixed runs", space, runs, "drop it, or free the combination")
    if "whole_plot" not in fixed:
        return runs, np.arange(len(runs))
    plots = fixed["whole_plot"].tolist()
    own = [
        (i,) if plot is None or plot != plot else plot for i, plot in enumerate(plots)
    ]
    numbers = {plot: i for i, plot in enumerate(dict.fromkeys(own))}
    numbered = np.array([numbers[plot] for plot in own])
    for plot, number in numbers.items():
        levels = runs[numbered == number][:, hard]
        changed = np.flatnonzero((levels != levels[0]).any(axis=0))
        if len(changed):
            name = space.names[hard[changed[0]]]
            raise DesignError(
                f"fixed runs: {name} changes within whole plot {plot}; correct the "
                "column whole_plot, or leave it out: each run is then its own plot"
            )
    return runs, numbered


def _hard_options(space: ConfigurationSpace, names: Sequence[str] | None) -> IntArray:
    if names is None:
        names = [o.name for o in space.options if o.change_cost_s > 0]
        if not names:
            raise DesignError(
                "split-plot design: no option is dear to change; give one a "
                "change_cost_s in the space file, or choose --design d-optimal"
            )
    unknown = [name for name in names if name not in space.names]
    if unknown or not names:
        what = f"no option {unknown[0]!r}" if unknown else "no hard option"
        raise DesignError(
            f"split-plot design: {what}; options are {', '.join(space.names)}"
        )
    return np.array(sorted(space.names.index(name) for name in set(names)))


def _columns_of_hard(factors: IntArray, hard: IntArray) -> int:
    """Return how many model columns hard options alone make up, the ones counted."""
    soft = np.setdiff1d(np.arange(factors.shape[1]), hard)
    return int((factors[:, soft] == 0).all(axis=1).sum())


def _check(
    sizes: list[int],
    own: int,
    p: int,
    space: ConfigurationSpace,
    hard: IntArray,
    terms: tuple[Term, ...],
) -> None:
    names = ", ".join(space.names[i] for i in hard)
    if len(sizes) < own:
        raise DesignError(
            f"split-plot design: {several(len(sizes), 'whole plot')} "
            f"{'is' if len(sizes) == 1 else 'are'} fewer than the {own} "
            f"coefficients of {names} alone; take {own} or more (--whole-plots), or a "
            "smaller model"
        )
    if sum(sizes) < p:
        listed = ", ".join(map(str, terms[:12])) + ", .." * (len(terms) > 12)
        raise DesignError(
            f"split-plot design: {sum(sizes)} runs are fewer than the {p} coefficients "
            f"of the terms {listed}; take --runs {p} or more, or a smaller model "
            "(--model main)"
        )


def _search(
    task: Task,
    problem: Problem,
    hard: IntArray,
    starts: IntArray,
    seed: int,
    budget_s: float,
    iterations: int | None,
    progress: Callable[[Progress], None] | None,
) -> tuple[IntArray | None, int, float, tuple[str, ...]]:
    from measure.designs import plot_exchange
    from measure.designs import state as states

    state = make_state(task)
    random = np.array([seed], dtype=np.int64).view(np.uint64)
    best, memory = state.levels.copy(), np.array([-np.inf])
    # Compiled, or loaded, before the clock starts.
    tell_compiling(progress, plot_exchange.improve_plots)
    plot_exchange.improve_plots(
        problem, state, best, memory, random, 0, _TEMPERATURE, hard, starts
    )
    nothing = make_state(task)
    plot_exchange.start_plots(problem, nothing, random.copy(), hard, starts)
    began = time.thread_time()
    for _ in range(_STARTS):
        if plot_exchange.start_plots(problem, state, random, hard, starts):
            break
    else:
        return None, 0, time.thread_time() - began, ()
    memory[0] = states.score(problem, state)
    best[:] = state.levels
    notes: tuple[str, ...] = ()
    done, pace = 0, 1e-3
    try:
        while True:
            spent = time.thread_time() - began
            left = budget_s - spent if iterations is None else np.inf
            if left <= 0 or done == iterations:
                break
            count = int(min(_CHUNK_S, left) / pace) + 1
            if iterations is not None:
                count = min(count, iterations - done)
            plot_exchange.improve_plots(
                problem, state, best, memory, random, count, _TEMPERATURE, hard, starts
            )
            done += count
            now = time.thread_time() - began
            pace = max((now - spent) / count, 1e-7)
            if progress is not None:
                share = done / iterations if iterations else now / budget_s
                progress(
                    Progress(
                        iterations=done,
                        cpu_s=now,
                        share=min(share, 1.0),
                        log_value=float(memory[0]) / len(task.prior),
                    )
                )
    except KeyboardInterrupt:
        notes = ("the search was interrupted; this is the best it had found",)
    return best, done, time.thread_time() - began, notes


def _random_order(
    sizes: list[int], rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Return the runs in random order of plots, and of runs within each."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    order, plots = [], []
    for number, w in enumerate(rng.permutation(len(sizes))):
        runs = np.arange(starts[w], starts[w + 1])
        order.append(rng.permutation(runs))
        plots.append(np.full(len(runs), number))
    return np.concatenate(order), np.concatenate(plots)
