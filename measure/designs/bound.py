"""How good a design can be: an upper bound of the D-efficiency.

For weights w of configurations with information matrix M and any other design, the
D-efficiency of the other is at most det(M)^(1/p) times the largest f'M^-1 f over
all configurations, divided by p: the arithmetic mean of the eigenvalues of M^-1 times
the other's matrix is at least their geometric mean. The better the weights, the
tighter; at the best ones the largest f'M^-1 f is p [1]_. Runs that are fixed stand
beside the weights; without repeats no weight is larger than one run's; and for few runs
of two-level columns the inner products of the columns say more [2]_.

References
----------
.. [1] Kiefer and Wolfowitz, "The equivalence of two extremum problems", Canad. J.
   Math. 12, 1960.
.. [2] Ehlich, "Determinantenabschaetzungen fuer binaere Matrizen", Math. Z. 83, 1964.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from measure.designs.grouped import grouped_bound
from measure.designs.reduction import Reduction, reduced, whole
from measure.designs.separable import separable_bound
from measure.designs.weights import (
    ENUMERATED,
    ESTIMATED,
    LAST_STARTS,
    PROVED,
    Approximation,
    Solution,
    is_enumerable,
)
from measure.space import ConfigurationSpace
from measure.terms import FloatArray, IntArray, Term, model_matrix

# A certificate is worth more than a search, unless that says so much less.
_WORTH = 0.02
_FEW = 200_000  # numbers in the rows of so few configurations that repeats matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An upper bound of the D-efficiency.

    Parameters
    ----------
    value : float
        No design of the model on the space has a larger D-efficiency.
    kind : {"proved", "estimated"}
        Estimated: the largest f'M^-1 f was searched, not proved.
    reason : str
        Why it holds, in a few words.
    reached : float
        The D-efficiency of the weights behind it: between that and `value` lies the
        best there can be, however many the runs; 0 where a formula says nothing.
    for_runs : bool, default=False
        Whether it holds for the number of runs that was asked for, not for any.
    """

    value: float
    kind: str
    reason: str
    reached: float
    for_runs: bool = False


def upper_bound(
    space: ConfigurationSpace,
    terms: Sequence[Term],
    runs: int | None = None,
    *,
    fixed: IntArray | None = None,
    repeats: bool = True,
    enumerated: int = ENUMERATED,
    tight: bool = True,
) -> Bound | None:
    """Return an upper bound of det(X'X)^(1/p) / n over all designs.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : sequence of Term
        The model.
    runs : int, optional
        For designs of so many runs; by default of any number.
    fixed : ndarray of int, shape (n, n_options), optional
        Runs that a design must hold, counted in `runs`.
    repeats : bool, default=True
        Whether a design of that many runs may repeat a configuration.
    enumerated : int, default=10_000_000
        Up to so many combinations all are gone through, and the bound is proved.
    tight : bool, default=True
        Whether to look for weights where a formula gives a loose bound, or none.

    Returns
    -------
    Bound or None
        None where no formula gives one and `tight` is false, or the terms cannot be
        estimated at all.

    Examples
    --------
    >>> from measure.terms import model_terms
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2, 3]}}})
    >>> bound = upper_bound(space, model_terms(space, "quadratic").terms)
    >>> round(bound.value, 4), bound.kind
    (0.5291, 'proved')
    """
    terms = tuple(terms)
    found = _by_formula(space, terms, runs)
    reduction = reduced(space, terms)
    if space.forbid:
        found.append(_by_groups(space, terms))
    if tight:
        some = reduction is not None and is_enumerable(reduction, enumerated)
        if not some and not any(found) and all(term.order <= 1 for term in terms):
            found.append(_additive(space, terms))
        # Where a formula says it all but for what is forbidden, and configurations
        # are too many to go through, a search would add nothing.
        if reduction is not None and (some or space.forbid or not any(found)):
            found.append(approximate_bound(reduction, enumerated))
        if runs is not None:
            kept = np.empty((0, len(space.options)), np.int64)
            kept = kept if fixed is None else fixed
            if 0 < len(kept) <= runs or (not repeats and _few(space, terms, runs)):
                found.append(_beside(space, terms, kept, runs, repeats, enumerated))
    bounds = [bound for bound in found if bound is not None]
    if not bounds:
        return None
    best = min(
        bounds,
        key=lambda bound: bound.value * (1 + _WORTH * (bound.kind == ESTIMATED)),
    )
    if best.for_runs:
        return best
    return replace(best, reached=max(b.reached for b in bounds if not b.for_runs))


def _by_formula(
    space: ConfigurationSpace, terms: tuple[Term, ...], runs: int | None
) -> list[Bound | None]:
    """Return the bounds that need no configurations."""
    if any(factor.power > 1 for term in terms for factor in term.factors):
        value = separable_bound(space, terms)
        if value is None:
            return []
        reason = "the largest variance is a sum of what each option contributes"
        if space.forbid:
            reason = f"{reason}, whatever is forbidden"
        return [Bound(value=value, kind=PROVED, reason=reason, reached=0.0)]
    found: list[Bound | None] = [_orthogonal(space)]
    if runs is not None and _is_two_level(space, terms):
        found.append(_of_two_levels(whole(space, terms).columns, runs))
    return found


def _by_groups(space: ConfigurationSpace, terms: tuple[Term, ...]) -> Bound | None:
    """Return the bound of a constrained space by what is forbidden together."""
    value = grouped_bound(space, terms)
    if value is None:
        return None
    return Bound(
        value=value,
        kind=PROVED,
        reason="the largest variance is a sum of what each group of options that are "
        "forbidden together contributes",
        reached=0.0,
    )


def _orthogonal(space: ConfigurationSpace) -> Bound:
    return Bound(
        value=1.0,
        kind=PROVED,
        reason="all combinations of the extreme levels, equally often, have "
        "orthogonal columns",
        reached=1.0 if not space.forbid else 0.0,
    )


def _is_two_level(space: ConfigurationSpace, terms: Sequence[Term]) -> bool:
    """Tell whether all columns of a model without powers lie between -1 and 1."""
    names = {factor.option for term in terms for factor in term.factors}
    options = [space.options[name] for name in names]
    return all(o.kind == "numeric" or len(o.levels) == 2 for o in options)


def _of_two_levels(columns: int, runs: int) -> Bound | None:
    """Return the bound of some runs of columns that are -1 or 1.

    The determinant is convex in each entry, so none surpasses the best of -1 and 1.
    Inner products of columns of an odd number of runs are odd; of twice an odd number
    they are 2 modulo 4 within two sets of columns, and may be 0 only between these.
    """
    n, p = runs, columns
    if n < p or n % 4 == 0:
        return None
    if n % 2:
        sizes, least = [p], 1
    else:
        sizes, least = [p - p // 2, p // 2], 2
    log_det = 0.0
    for size in filter(None, sizes):
        with np.errstate(divide="ignore"):
            log_det += (size - 1) * np.log(n - least) if size > 1 else 0.0
        log_det += np.log(n - least + least * size)
    return Bound(
        value=float(np.exp(log_det / p)) / n,
        kind=PROVED,
        reason=f"columns of -1 and 1 in {n} runs cannot all be orthogonal",
        reached=0.0,
        for_runs=True,
    )


def _additive(space: ConfigurationSpace, terms: tuple[Term, ...]) -> Bound | None:
    """Return the bound of a model without interactions, option by option.

    With independent weights of each option, f'M^-1 f - 1 is the sum of what the
    options contribute, so its maximum is the sum of the maxima.
    """
    p, log_det, largest = 1, 0.0, 1.0
    for option in space.options:
        own = tuple(t for t in terms if not t.factors or t.options == (option.name,))
        if len(own) < 2:
            continue
        alone = reduced(ConfigurationSpace([option]), own)
        size = whole(space, own).columns
        p += size - 1
        largest += size - 1
        if alone is None:
            continue
        part = Approximation(alone).solve()
        if part is None:
            return None
        log_det += part.log_det
        largest += size * (part.largest - 1.0)
    mean = float(np.exp(log_det / p))
    return Bound(
        value=mean * largest / p,
        kind=PROVED,
        reason="without interactions each option is bounded alone",
        reached=0.0 if space.forbid else mean,
    )


def approximate_bound(
    reduction: Reduction, enumerated: int = ENUMERATED
) -> Bound | None:
    """Return the bound that good weights of configurations give.

    Parameters
    ----------
    reduction : Reduction
        The space and the model.
    enumerated : int, default=10_000_000
        Up to so many combinations all are gone through, and the bound is proved.

    Returns
    -------
    Bound or None
        For any number of runs; None where the terms cannot be estimated at all.
    """
    solution = Approximation(reduction).solve(enumerated)
    if solution is None:
        return None
    value = float(np.exp(solution.log_det / reduction.columns))
    names = reduction.space.names if reduction.smaller else ()
    return Bound(
        value=value * solution.largest,
        kind=solution.kind,
        reason=_how(solution, names),
        reached=value,
    )


def _how(solution: Solution, names: Sequence[str] = ()) -> str:
    if not solution.went_through:
        return f"the largest variance was searched from {LAST_STARTS} starts"
    every = f"all {solution.went_through} configurations"
    if not names:
        return f"{every} were gone through"
    some = f"{len(names)} options" if len(names) > 3 else ", ".join(names)
    return f"{every} of {some} were gone through; the other options follow by symmetry"


def _few(space: ConfigurationSpace, terms: Sequence[Term], runs: int) -> bool:
    """Tell whether it matters, and can be told, that no run is repeated."""
    size = space.size()
    return size * whole(space, terms).columns <= _FEW and runs <= size


def _beside(
    space: ConfigurationSpace,
    terms: tuple[Term, ...],
    fixed: IntArray,
    runs: int,
    repeats: bool,
    enumerated: int,
    precision: FloatArray | None = None,
) -> Bound | None:
    """Return the bound of runs that stand beside fixed ones, or are not repeated."""
    p = whole(space, terms).columns
    X = model_matrix(space, terms, fixed).X if len(fixed) else np.empty((0, p))
    free = runs - len(fixed)
    base = X.T @ X + np.diag(np.zeros(p) if precision is None else precision)
    if not free:
        _, log_det = np.linalg.slogdet(base)
        value = float(np.exp(log_det / p)) / runs
        return Bound(
            value=value,
            kind=PROVED,
            reason="all runs are fixed",
            reached=value,
            for_runs=True,
        )
    capped = not repeats and _few(space, terms, free)
    solution = Approximation(
        whole(space, terms),
        base=base / free,
        most=1.0 / free if capped else 1.0,
    ).solve(enumerated)
    if solution is None:
        return None
    value = float(np.exp(solution.log_det / p)) * free / runs
    how = _how(solution)
    if len(fixed):
        how = f"{how} beside the {len(fixed)} fixed runs"
    if capped:
        how = f"{how}, each at most once"
    return Bound(
        value=value * solution.largest,
        kind=solution.kind,
        reason=how,
        reached=value,
        for_runs=True,
    )


def bayes_bound(
    space: ConfigurationSpace,
    terms: Sequence[Term],
    runs: int,
    precision: FloatArray,
    *,
    fixed: IntArray | None = None,
    repeats: bool = True,
    enumerated: int = ENUMERATED,
) -> Bound | None:
    """Return an upper bound of det(X'X + K)^(1/p) / n over designs of some runs.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : sequence of Term
        The model.
    runs : int
        How many; they may be fewer than the columns.
    precision : ndarray, shape (p,)
        The diagonal of K: what is known beforehand, in runs.
    fixed : ndarray of int, shape (n, n_options), optional
        Runs that a design must hold, counted in `runs`.
    repeats : bool, default=True
        Whether a configuration may be repeated.
    enumerated : int, default=10_000_000
        Up to so many combinations all are gone through, and the bound is proved.

    Returns
    -------
    Bound or None
        None where even with what is known beforehand terms cannot be estimated.
    """
    kept = np.empty((0, len(space.options)), np.int64) if fixed is None else fixed
    return _beside(space, tuple(terms), kept, runs, repeats, enumerated, precision)


def in_whole_plots(
    bound: Bound, held: int, columns: int, plots: IntArray, ratio: float
) -> Bound:
    """Return the bound of designs whose runs share whole plots.

    The information on what is constant within plots of m runs is at most
    1 / (1 + m ratio) of what it would be, and on the rest no more than it would be.

    Parameters
    ----------
    bound : Bound
        Without whole plots.
    held : int
        Columns that are constant within whole plots, the intercept counted.
    columns : int
        Of the model.
    plots : ndarray of int, shape (n,)
        Whole plot of each run.
    ratio : float
        Variance between whole plots over that within.

    Returns
    -------
    Bound
        For plots of these sizes.
    """
    smallest = int(np.unique(plots, return_counts=True)[1].min())
    factor = float((1.0 + ratio * smallest) ** (-held / columns))
    return replace(
        bound,
        value=bound.value * factor,
        reached=0.0,
        reason=f"{bound.reason}; {held} of {columns} coefficients are known only from "
        "whole plots",
    )
