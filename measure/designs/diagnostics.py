"""What a design can tell: efficiency, aliases, correlations, inflation, power."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from measure.designs.base import Design
from measure.designs.bound import Bound, in_whole_plots, upper_bound
from measure.designs.criteria import moments
from measure.designs.criterion_bound import CriterionBound, bound_of_criterion
from measure.designs.design_report import DesignReport
from measure.designs.optimal import singular_terms
from measure.designs.plot_advice import power_advice
from measure.designs.power import power_of
from measure.designs.problem import code
from measure.designs.report_text import why_left_out
from measure.designs.telling_apart import (
    find_aliases,
    find_correlations,
    inflation_of,
)
from measure.designs.variance import largest_variance
from measure.designs.weights import PROVED
from measure.errors import DesignError
from measure.space import ConfigurationSpace
from measure.terms import (
    FloatArray,
    IntArray,
    ModelMatrix,
    ModelTerms,
)
from measure.terms import d_efficiency as term_efficiency
from measure.terms import model_matrix, model_terms

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DesignReport", "evaluate"]

# Up to so many valid configurations, a bound by going through them costs little.
_FEW_VALID = 20_000
# How far below the bound the best designs that we know lie: up to so many runs a
# coefficient, in problems of `benchmarks.designs`.
_USUAL = (
    (1.25, "7 to 20 % (30 % and more with hundreds of coefficients)"),
    (2.0, "2 to 8 %"),
    (5.0, "1 to 2 %"),
    (np.inf, "less than 1 %"),
)
_OF_TWO_LEVELS = ("plackett-burman", "fractional-factorial", "definitive-screening")
_MET = 1e-6  # share of a bound that rounding may take
_CURVE_POINTS = 21
_CURVE_SAMPLE = 4000


def evaluate(
    design: Design | pd.DataFrame,
    *,
    space: ConfigurationSpace | None = None,
    model: str | None = None,
    whole_plots: IntArray | None = None,
    variance_ratio: float | None = None,
    effect: float = 2.0,
    tight: bool | None = None,
) -> DesignReport:
    """Return what a design can tell of a model.

    Parameters
    ----------
    design : Design or DataFrame
        The runs, as a design or as levels.
    space : ConfigurationSpace, optional
        The options; a design brings its own.
    model : str, optional
        ``main``, ``interactions``, ``quadratic`` or a formula; a design brings its
        own, and a frame is judged by its main effects.
    whole_plots : ndarray of int, shape (n,), optional
        Whole plot of each run, where options are hard to change; by default a
        frame's column ``whole_plot``, if it has one.
    variance_ratio : float, optional
        Variance between whole plots over that within; 1 by default.
    effect : float, default=2.0
        From the lowest to the highest level of a term, in standard deviations of the
        noise: what the power is given for.
    tight : bool, optional
        Whether to look for the best weights of configurations, which takes up to
        some seconds on large spaces; by default for a design that a search made, and
        where few configurations are valid because combinations are forbidden. Else a
        formula gives the bound, where there is one.

    Returns
    -------
    DesignReport
        With the upper bound and the gap to it.

    Raises
    ------
    DesignError
        If a frame comes without a space, or `whole_plots` does not fit.

    References
    ----------
    .. [1] Fox and Monette, "Generalized collinearity diagnostics", J. Amer. Statist.
       Assoc. 87, 1992.

    Examples
    --------
    >>> import pandas as pd
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2]},
    ...     "onednn": {"kind": "boolean"}}})
    >>> frame = pd.DataFrame({"threads": [1, 1, 2, 2], "onednn": [True, False] * 2})
    >>> report = evaluate(frame, space=space)
    >>> report.d_efficiency, report.aliases
    (1.0, ())
    """
    given: Design | None = None
    if isinstance(design, Design):
        given = design
        space = given.space if space is None else space
        frame, terms = given.frame, ModelTerms(
            terms=given.terms, left_out=given.left_out
        )
        if model is not None:
            terms = model_terms(space, model)
        if whole_plots is None:
            whole_plots = given.whole_plots
        if variance_ratio is None:
            variance_ratio = given.variance_ratio
    else:
        if space is None:
            raise DesignError("evaluate: a frame needs its space (space=..)")
        frame, terms = design, model_terms(space, model or "main")
        if whole_plots is None and "whole_plot" in design:
            whole_plots = design["whole_plot"].to_numpy(dtype="int64")
    possible = space.size()
    because = {str(term): why_left_out(space, term) for term in terms.left_out}
    seen = _as_seen(space, given) if given is not None else space
    as_seen = seen is not space
    space = seen
    indices = space.encode(frame)
    matrix = model_matrix(space, terms.terms, indices)
    plots = None if whole_plots is None else np.asarray(whole_plots)
    ratio = 1.0 if variance_ratio is None else float(variance_ratio)
    information = _information(matrix.X, plots, ratio)
    n, p = matrix.X.shape
    lost = tuple(singular_terms(space, terms, indices))
    d_efficiency = a_efficiency = 0.0
    g_efficiency: float | None = None
    i_variance: float | None = None
    curve: tuple[float, ...] = ()
    if not lost:
        _, log_det = np.linalg.slogdet(information)
        d_efficiency = float(np.exp(log_det / p) / n)
        covariance: FloatArray = np.linalg.inv(information).astype(np.float64)
        a_efficiency = float(p / n / np.trace(covariance))
        curve = _curve(space, terms, covariance)
        coding = code(space, terms.terms)
        i_variance = float(np.sum(covariance * moments(space, terms.terms, coding)))
        g_efficiency = p / n / largest_variance(space, terms.terms, covariance)
    by_criterion = tight is not False
    if tight is None:
        searched = given is not None and given.iterations is not None
        # What is forbidden makes the bound of a formula loose, where it is cheap to
        # go through all that is left.
        few = bool(space.forbid) and space.size() <= _FEW_VALID
        tight = searched or few
    fixed = indices[: given.fixed] if given is not None else None
    repeats = given is None or given.repeats

    def bounded(tight: bool) -> Bound | None:
        return upper_bound(
            space, terms.terms, n, fixed=fixed, repeats=repeats, tight=tight
        )

    bound = bounded(tight) or bounded(True)
    if bound is not None and plots is not None:
        hard = given.hard_to_change if given is not None else ()
        hard = hard or _held_options(space, indices, plots)
        held = _columns_of(hard, terms, matrix)
        bound = in_whole_plots(bound, held, p, plots, ratio)
        if hard:
            stay = f"{bound.reason}, since {', '.join(hard)} stay within them"
            bound = replace(bound, reason=stay)
    own: CriterionBound | None = None
    if given is not None and model is None and by_criterion:
        if not lost or given.criterion == "bayes-d":
            own = bound_of_criterion(given)
    power = power_of(space, terms, matrix, information, lost, effect, plots)
    advice: list[str] = []
    if plots is not None and not lost and n > p:
        advice = power_advice(
            space, terms, matrix, information, plots, ratio, effect, power
        )
    return DesignReport(
        design=given.name if given is not None else "frame",
        runs=n,
        terms=tuple(map(str, terms.terms)),
        left_out_terms=tuple(map(str, terms.left_out)),
        left_out_because={term: why for term, why in because.items() if why},
        model=model or (given.model if given is not None else "main"),
        possible=possible,
        seed=given.seed if given is not None else None,
        interrupted=given is not None and given.interrupted,
        iterations=given.iterations if given is not None else None,
        criterion=given.criterion if given is not None else "d",
        d_efficiency=d_efficiency,
        a_efficiency=a_efficiency,
        g_efficiency=g_efficiency,
        i_variance=i_variance,
        variance_quantiles=curve,
        upper_bound=bound.value if bound else None,
        bound_kind=bound.kind if bound else None,
        bound_reached=(bound.reached or None) if bound else None,
        bound_reason=_reason(bound, n, p, d_efficiency) if bound else "",
        gap=max(0.0, 1.0 - d_efficiency / bound.value) if bound else None,
        by_criterion=own,
        singular_terms=lost,
        aliases=find_aliases(space, terms, matrix, indices),
        correlations=find_correlations(terms, matrix, information, bool(lost)),
        vif=inflation_of(terms, matrix, lost),
        power=power,
        effect=effect,
        cpu_s=given.cpu_s if given is not None else 0.0,
        notes=(
            *_notes(given, terms, matrix),
            *advice,
            *(["judged by the levels that it holds"] if as_seen else []),
        ),
    )


def _as_seen(space: ConfigurationSpace, design: Design) -> ConfigurationSpace:
    """Return the space of the levels that a two-level design took of categorical ones.

    Of an option with more levels it tells what the two differ in, and no more.
    """
    if design.name not in _OF_TWO_LEVELS:
        return space
    options = []
    for option in space.options:
        held = set(design.frame[option.name])
        left = [level for level in option.levels if level in held]
        few = option.kind == "categorical" and 2 <= len(left) < len(option.levels)
        options.append(option.restricted(left) if few else option)
    if tuple(options) == tuple(space.options):
        return space
    wide = {option.name: option for option in space.options}
    narrow = {option.name: option for option in options}
    forbid = [item.narrowed(wide, narrow) for item in space.forbid]
    return ConfigurationSpace(options, [item for item in forbid if item is not None])


def _held_options(
    space: ConfigurationSpace, indices: IntArray, plots: IntArray
) -> tuple[str, ...]:
    """Return the options that a frame holds within each whole plot."""
    _, first, plot = np.unique(plots, return_index=True, return_inverse=True)
    held = (indices == indices[first[plot]]).all(axis=0)
    return tuple(name for name, stays in zip(space.names, held) if stays)


def _columns_of(
    options: tuple[str, ...], terms: ModelTerms, matrix: ModelMatrix
) -> int:
    """Return how many columns some options alone make up, the ones counted."""
    parts = [matrix.slices[t] for t in terms.terms if set(t.options) <= {*options}]
    return sum(part.stop - part.start for part in parts)


def _curve(
    space: ConfigurationSpace, terms: ModelTerms, covariance: FloatArray
) -> tuple[float, ...]:
    """Return quantiles of the prediction variance over the configurations."""
    if space.size() <= _CURVE_SAMPLE:
        rows = space.all_rows()
    else:
        rows = space.sample(_CURVE_SAMPLE, np.random.default_rng(0), replace=True)
    X = model_matrix(space, terms.terms, rows).X
    variances = np.einsum("ij,ij->i", X @ covariance, X)
    quantiles = np.quantile(variances, np.linspace(0, 1, _CURVE_POINTS))
    return tuple(float(value) for value in quantiles)


def _notes(
    given: Design | None, terms: ModelTerms, matrix: ModelMatrix
) -> tuple[str, ...]:
    """Return a design's notes, and what a Bayesian one can do without its prior."""
    if given is None:
        return ()
    if given.criterion != "bayes-d" or matrix.X.shape[0] >= matrix.X.shape[1]:
        return given.notes
    n, p = matrix.X.shape
    sure = [matrix.slices[term] for term in terms.terms if term.order <= 1]
    main = np.hstack([matrix.X[:, part] for part in sure])
    note = (
        f"{n} runs cannot estimate all {p} coefficients without the prior; main "
        f"effects and powers alone have a D-efficiency of {term_efficiency(main):.3f}"
    )
    return (*given.notes, note)


def _reason(bound: Bound, n: int, p: int, d_efficiency: float) -> str:
    """Return why a bound holds, and how tight it can be for so many runs."""
    kind = "" if bound.kind == PROVED else "not a certificate, "
    if d_efficiency > bound.value * (1.0 - _MET):
        return f"{kind}{bound.reason}; this design meets it, so that none is better"
    if n < p:
        tightness = f"{n} runs cannot estimate {p} coefficients, and reach 0"
    else:
        _, below = next(entry for entry in _USUAL if n < entry[0] * p)
        tightness = (
            f"the best of {n} runs for {p} coefficients usually lies {below} below it"
        )
    if not bound.for_runs:
        tightness = f"it holds for any number of runs; {tightness}"
    if bound.reached:
        share = 100 * bound.reached / bound.value
        tightness = f"weights of configurations reach {share:.2f} % of it; {tightness}"
    return f"{kind}{bound.reason}; {tightness}"


def _information(X: FloatArray, plots: IntArray | None, ratio: float) -> FloatArray:
    """Return X'V^-1 X, V = I + ratio Z Z' for whole plots."""
    information: FloatArray = X.T @ X
    if plots is None:
        return information
    if plots.shape != (len(X),):
        raise DesignError(
            f"evaluate: {plots.size} whole plots for {len(X)} runs; give one a run"
        )
    for plot in np.unique(plots):
        rows = X[plots == plot]
        total = rows.sum(axis=0)
        information = information - (
            ratio / (1.0 + ratio * len(rows)) * np.outer(total, total)
        )
    return information
