"""Split-plot designs: options that are dear to change stay as they are for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from measure.designs.base import Design
from measure.designs.local_search import Progress, Task, make_problem, make_state
from measure.designs.problem import code, draw_pool
from measure.errors import DesignError
from measure.space import ConfigurationSpace
from measure.terms import IntArray, Term, model_terms

if TYPE_CHECKING:
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
    progress: Callable[[Progress], None] | None = None,
) -> Design:
    """Return runs in whole plots, within which the hard options do not change.

    D-optimal under the variance of a split-plot experiment [1]_: the runs of a whole
    plot share an error of their own, from setting the hard options anew.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    whole_plots : int, optional
        How often the hard options are set; by default two more than they have
        coefficients of their own.
    runs_per_whole_plot : int, optional
        By default what `runs` needs.
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
        In place of `runs_per_whole_plot`; plots then differ by one run at most.
    progress : callable, optional
        Called with a `measure.designs.local_search.Progress`.

    Returns
    -------
    Design
        With a column ``whole_plot``; plots, and runs within, in random order.

    Raises
    ------
    DesignError
        If an option is unknown, none is hard to change, the whole plots are fewer than
        the coefficients of hard options, or the runs fewer than all coefficients.

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
    sizes = _sizes(whole_plots, runs_per_whole_plot, runs, own, p)
    _check(sizes, own, p, space, hard, terms.terms)
    n = sum(sizes)
    plot = np.repeat(np.arange(len(sizes)), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    rng = np.random.default_rng(seed)
    task = Task(
        coding=coding,
        levels=np.zeros((n, len(space.options)), dtype=np.int64),
        free=np.ones(n, dtype=bool),
        prior=np.zeros(p),
        target=np.empty((0, 0)),
        pool=draw_pool(space, rng),
    )
    problem = make_problem(task)
    movable = problem.movable.copy()
    movable[:, hard] = False
    shrink = variance_ratio / (1.0 + variance_ratio * np.array(sizes)[plot])
    problem = problem._replace(movable=movable, plot=plot, shrink=shrink)
    levels, done, cpu_s, notes = _search(
        task, problem, hard, starts, seed, budget_s, iterations, progress
    )
    if levels is None:
        raise DesignError(
            f"split-plot design: {len(sizes)} whole plots of {n} runs cannot estimate "
            "all terms; take more whole plots or runs, or a smaller model (--model)"
        )
    order, plots = _random_order(sizes, rng)
    frame = space.decode(levels[order])
    frame["whole_plot"] = plots
    return Design(
        name="split-plot",
        space=space,
        model=model,
        terms=terms.terms,
        left_out=terms.left_out,
        frame=frame,
        seed=seed,
        iterations=done,
        variance_ratio=variance_ratio,
        cpu_s=cpu_s,
        notes=(_describe(space, hard, sizes), *notes),
    )


def _describe(space: ConfigurationSpace, hard: IntArray, sizes: list[int]) -> str:
    low, high = min(sizes), max(sizes)
    each = f"{low}" if low == high else f"{low} or {high}"
    names = ", ".join(space.names[i] for i in hard)
    return f"{len(sizes)} whole plots of {each} runs, within which {names} stay"


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


def _sizes(
    whole_plots: int | None, each: int | None, runs: int | None, own: int, p: int
) -> list[int]:
    if whole_plots is None:
        whole_plots = own + 2
        if each is not None and runs is not None:
            whole_plots = max(1, runs // max(each, 1))
    if whole_plots < 1 or (each is not None and each < 1):
        raise DesignError("split-plot design: plots and runs must be 1 or more")
    if each is not None:
        return [each] * whole_plots
    total = runs if runs is not None else p + 5
    part, more = divmod(total, whole_plots)
    return [part + 1] * more + [part] * (whole_plots - more if part else 0)


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
            f"split-plot design: {len(sizes)} whole plots are fewer than the {own} "
            f"coefficients of {names} alone; take {own} or more, or a smaller model"
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
