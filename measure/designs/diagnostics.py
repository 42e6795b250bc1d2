"""What a design can tell: efficiency, aliases, variance inflation, power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.designs.base import Design
from measure.designs.bound import Bound, largest_variance, upper_bound
from measure.designs.criteria import moments
from measure.designs.optimal import singular_terms
from measure.designs.problem import code
from measure.designs.telling_apart import Alias, find_aliases, inflation_of, power_of
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

    from measure.plots import Axes

# Up to so many valid configurations, a bound by going through them costs little.
_FEW_VALID = 20_000
_CURVE_POINTS = 21
_CURVE_SAMPLE = 4000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DesignReport:
    """What a design can tell of a model.

    Parameters
    ----------
    design : str
        Name of the design.
    runs : int
        How many.
    terms, left_out_terms : tuple of str
        Of the model; and those that the valid configurations cannot estimate.
    iterations : int or None
        Of the search.
    criterion : str
        What the search optimised.
    d_efficiency : float
        det(X'V^-1 X)^(1/p) / n; 0 if a term cannot be estimated.
    a_efficiency : float
        p / (n trace (X'V^-1 X)^-1); 0 likewise.
    g_efficiency : float or None
        p / (n times the largest f'(X'V^-1 X)^-1 f over the configurations); None where
        that was not looked for.
    i_variance : float or None
        Mean variance of the prediction over the valid configurations, in variances
        of the noise; None likewise.
    variance_quantiles : tuple of float
        The variance of the prediction that 0, 5, .. 100 % of the valid configurations
        do not exceed; empty likewise.
    upper_bound : float or None
        No design has a larger D-efficiency.
    bound_kind : {"proved", "estimated"} or None
        Only a proved bound is a certificate.
    bound_reason : str
        Why the bound holds, and how close to it so many runs can come.
    gap : float or None
        Share of the bound that is missing.
    singular_terms : tuple of str
        Terms of the model that these runs cannot estimate.
    aliases : tuple of Alias
        Interactions of two options outside the model that would bias its terms, the
        strongest first.
    vif : mapping of str to float
        Variance inflation of each term (for several columns, the generalised one
        to the power 1/columns); NaN if it cannot be estimated.
    power : mapping of str to float
        Chance to find the term at the 5 % level if its effect, from the lowest to
        the highest level, is `effect`; NaN if nothing is left to estimate the noise.
    effect : float
        In standard deviations of the noise.
    cpu_s : float
        CPU time of the search.
    notes : tuple of str
        Of the design.
    """

    design: str
    runs: int
    terms: tuple[str, ...]
    left_out_terms: tuple[str, ...] = ()
    iterations: int | None = None
    criterion: str = "d"
    d_efficiency: float
    a_efficiency: float
    g_efficiency: float | None = None
    i_variance: float | None = None
    variance_quantiles: tuple[float, ...] = ()
    upper_bound: float | None = None
    bound_kind: str | None = None
    bound_reason: str = ""
    gap: float | None = None
    singular_terms: tuple[str, ...] = ()
    aliases: tuple[Alias, ...] = ()
    vif: Mapping[str, float] = field(default_factory=dict)
    power: Mapping[str, float] = field(default_factory=dict)
    effect: float = 2.0
    cpu_s: float = 0.0
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return one row a term.

        Returns
        -------
        DataFrame
            Columns term, vif, power, estimable.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "term": list(self.terms),
                "vif": [self.vif.get(term, np.nan) for term in self.terms],
                "power": [self.power.get(term, np.nan) for term in self.terms],
                "estimable": [term not in self.singular_terms for term in self.terms],
            }
        )

    def plot_aliases(self, ax: Axes | None = None) -> Axes:
        """Draw which interactions outside the model disturb which terms.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes
            A map of weights from -1 to 1.
        """
        from measure.plots import plot_aliases

        rows = [(alias.term, alias.alias, alias.weight) for alias in self.aliases]
        return plot_aliases(rows, ax)

    def plot_space(self, ax: Axes | None = None) -> Axes:
        """Draw what share of the configurations is predicted with what variance.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes
            The fraction-of-design-space curve.
        """
        from measure.plots import plot_space_fraction

        return plot_space_fraction(self.variance_quantiles, ax)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON, None where missing.

        Returns
        -------
        dict
            Keys as the fields; aliases as term, alias and weight.
        """
        return {
            "design": self.design,
            "runs": self.runs,
            "terms": list(self.terms),
            "left_out_terms": list(self.left_out_terms),
            "iterations": self.iterations,
            "criterion": self.criterion,
            "d_efficiency": self.d_efficiency,
            "a_efficiency": self.a_efficiency,
            "g_efficiency": self.g_efficiency,
            "i_variance": self.i_variance,
            "variance_quantiles": list(self.variance_quantiles),
            "upper_bound": self.upper_bound,
            "bound_kind": self.bound_kind,
            "bound_reason": self.bound_reason,
            "gap": self.gap,
            "singular_terms": list(self.singular_terms),
            "aliases": [
                {"term": a.term, "alias": a.alias, "weight": a.weight}
                for a in self.aliases
            ],
            "vif": {k: _finite(v) for k, v in self.vif.items()},
            "power": {k: _finite(v) for k, v in self.power.items()},
            "effect": self.effect,
            "cpu_s": self.cpu_s,
            "notes": list(self.notes),
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the power to find each term.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes
            One bar a term; terms that cannot be estimated are grey.
        """
        from measure.plots import plot_power

        frame = self.to_frame()
        return plot_power(frame[frame["term"] != "1"], ax)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


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
        Whole plot of each run, where options are hard to change.
    variance_ratio : float, optional
        Variance between whole plots over that within; 1 by default.
    effect : float, default=2.0
        From the lowest to the highest level of a term, in standard deviations of the
        noise: what the power is given for.
    tight : bool, optional
        Whether to spend seconds on a tight bound; by default for a design that a
        search made for its model, and where few configurations are valid because
        combinations are forbidden.

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
    indices = space.encode(frame)
    matrix = model_matrix(space, terms.terms, indices)
    information = _information(matrix.X, whole_plots, variance_ratio)
    n, p = matrix.X.shape
    lost = tuple(singular_terms(space, terms, indices))
    d_efficiency = a_efficiency = 0.0
    g_efficiency: float | None = None
    i_variance: float | None = None
    curve: tuple[float, ...] = ()
    if not lost:
        _, log_det = np.linalg.slogdet(information)
        d_efficiency = float(np.exp(log_det / p) / n)
        a_efficiency = float(p / n / np.trace(np.linalg.inv(information)))
    if tight is None:
        searched = given is not None and given.iterations is not None
        # What is forbidden makes the bound of a formula loose, where it is cheap to
        # go through all that is left.
        tight = searched or (bool(space.forbid) and space.size() <= _FEW_VALID)
    if tight and not lost:
        covariance: FloatArray = np.linalg.inv(information).astype(np.float64)
        coding = code(space, terms.terms)
        curve = _curve(space, terms, covariance)
        i_variance = float(np.sum(covariance * moments(space, terms.terms, coding)))
        g_efficiency = p / n / largest_variance(space, terms.terms, covariance)
    bound = upper_bound(space, terms.terms, tight=tight)
    return DesignReport(
        design=given.name if given is not None else "frame",
        runs=n,
        terms=tuple(map(str, terms.terms)),
        left_out_terms=tuple(map(str, terms.left_out)),
        iterations=given.iterations if given is not None else None,
        criterion=given.criterion if given is not None else "d",
        d_efficiency=d_efficiency,
        a_efficiency=a_efficiency,
        g_efficiency=g_efficiency,
        i_variance=i_variance,
        variance_quantiles=curve,
        upper_bound=bound.value if bound else None,
        bound_kind=bound.kind if bound else None,
        bound_reason=_reason(bound, n, p) if bound else "",
        gap=max(0.0, 1.0 - d_efficiency / bound.value) if bound else None,
        singular_terms=lost,
        aliases=find_aliases(space, terms, matrix, indices),
        vif=inflation_of(terms, matrix, lost),
        power=power_of(space, terms, matrix, information, lost, effect),
        effect=effect,
        cpu_s=given.cpu_s if given is not None else 0.0,
        notes=_notes(given, terms, matrix),
    )


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


def _reason(bound: Bound, n: int, p: int) -> str:
    """Return why a bound holds, and how tight it can be for so many runs."""
    if n < 2 * p:
        tightness = (
            f"it holds for any number of runs; the best of {n} runs for {p} "
            "coefficients may well lie 5 to 20 % below it"
        )
    elif n < 5 * p:
        tightness = (
            f"it holds for any number of runs; {n} runs for {p} coefficients can "
            "come within a few per cent of it"
        )
    else:
        tightness = f"{n} runs for {p} coefficients can come within 1 % of it"
    kind = "" if bound.kind == "proved" else "not a certificate, "
    return f"{kind}{bound.reason}; {tightness}"


def _information(
    X: FloatArray, whole_plots: IntArray | None, variance_ratio: float | None
) -> FloatArray:
    """Return X'V^-1 X, V = I + ratio Z Z' for whole plots."""
    information: FloatArray = X.T @ X
    if whole_plots is None:
        return information
    plots = np.asarray(whole_plots)
    if plots.shape != (len(X),):
        raise DesignError(
            f"evaluate: {plots.size} whole plots for {len(X)} runs; give one a run"
        )
    ratio = 1.0 if variance_ratio is None else variance_ratio
    for plot in np.unique(plots):
        rows = X[plots == plot]
        total = rows.sum(axis=0)
        information = information - (
            ratio / (1.0 + ratio * len(rows)) * np.outer(total, total)
        )
    return information
