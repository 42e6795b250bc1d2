"""What a design can tell: efficiency, aliases, variance inflation, power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.designs.base import Design
from measure.designs.bound import Bound, upper_bound
from measure.designs.optimal import singular_terms
from measure.errors import DesignError
from measure.options import Option
from measure.space import ConfigurationSpace
from measure.terms import (
    FloatArray,
    IntArray,
    ModelMatrix,
    ModelTerms,
    Term,
    code_levels,
    model_matrix,
    model_terms,
)

if TYPE_CHECKING:
    import pandas as pd

    from measure.plots import Axes

ALPHA = 0.05  # level of the tests whose power is given
_ALIAS_SHOWN = 0.1  # smaller shares of an effect are not worth a line
_MOST_ALIASES = 200
_MOST_PATTERNS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """How a term outside the model would disturb one inside.

    Parameters
    ----------
    term : str
        In the model.
    alias : str
        Outside it.
    weight : float
        How much of the alias's coefficient is added to the term's (1: all of it).
    """

    term: str
    alias: str
    weight: float

    def __str__(self) -> str:
        whole = abs(abs(self.weight) - 1) < 1e-9
        how = "cannot be told from" if whole else "takes up part of"
        return f"{self.term} {how} {self.alias} ({self.weight:+.2f})"


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
        search made for its model.

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
    if not lost:
        _, log_det = np.linalg.slogdet(information)
        d_efficiency = float(np.exp(log_det / p) / n)
        a_efficiency = float(p / n / np.trace(np.linalg.inv(information)))
    if tight is None:
        tight = given is not None and given.iterations is not None
    bound = upper_bound(space, terms.terms, indices, tight=tight)
    return DesignReport(
        design=given.name if given is not None else "frame",
        runs=n,
        terms=tuple(map(str, terms.terms)),
        left_out_terms=tuple(map(str, terms.left_out)),
        iterations=given.iterations if given is not None else None,
        criterion=given.criterion if given is not None else "d",
        d_efficiency=d_efficiency,
        a_efficiency=a_efficiency,
        upper_bound=bound.value if bound else None,
        bound_kind=bound.kind if bound else None,
        bound_reason=_reason(bound, n, p) if bound else "",
        gap=max(0.0, 1.0 - d_efficiency / bound.value) if bound else None,
        singular_terms=lost,
        aliases=_aliases(space, terms, matrix, indices),
        vif=_inflation(terms, matrix, lost),
        power=_power(space, terms, matrix, information, lost, effect),
        effect=effect,
        cpu_s=given.cpu_s if given is not None else 0.0,
        notes=given.notes if given is not None else (),
    )


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


def _aliases(
    space: ConfigurationSpace,
    terms: ModelTerms,
    matrix: ModelMatrix,
    indices: IntArray,
) -> tuple[Alias, ...]:
    outside = [
        pair
        for pair in (Term.of(*names) for names in combinations(space.names, 2))
        if pair not in terms.terms
    ]
    if not outside:
        return ()
    projector = np.linalg.pinv(matrix.X)
    found = []
    for pair in outside:
        weights = projector @ model_matrix(space, (pair,), indices).X
        for term in terms.terms:
            block = weights[matrix.slices[term]]
            weight = float(block.flat[int(np.abs(block).argmax())])
            if abs(weight) >= _ALIAS_SHOWN:
                found.append(Alias(term=str(term), alias=str(pair), weight=weight))
    found.sort(key=lambda alias: -round(abs(alias.weight), 9))
    return tuple(found[:_MOST_ALIASES])


def _inflation(
    terms: ModelTerms, matrix: ModelMatrix, lost: tuple[str, ...]
) -> dict[str, float]:
    named = [term for term in terms.terms if term.factors]
    if lost or len(matrix.X) <= matrix.X.shape[1] - 1:
        return {str(term): float("nan") for term in named}
    first = matrix.slices[terms.terms[0]]
    rest = np.delete(matrix.X, first, axis=1) if not terms.terms[0].factors else None
    X = matrix.X if rest is None else rest
    shift = 0 if rest is None else first.stop
    centred = X - X.mean(axis=0)
    correlation = np.atleast_2d(np.corrcoef(centred, rowvar=False))
    _, whole = np.linalg.slogdet(correlation)
    result = {}
    for term in named:
        part = matrix.slices[term]
        inside = np.arange(part.start - shift, part.stop - shift)
        outside = np.setdiff1d(np.arange(X.shape[1]), inside)
        value = -whole
        for block in (inside, outside):
            if len(block):
                value += np.linalg.slogdet(correlation[np.ix_(block, block)])[1]
        result[str(term)] = float(np.exp(value / len(inside)))
    return result


def _power(
    space: ConfigurationSpace,
    terms: ModelTerms,
    matrix: ModelMatrix,
    information: FloatArray,
    lost: tuple[str, ...],
    effect: float,
) -> dict[str, float]:
    from scipy.special import fdtri, ncfdtr

    named = [term for term in terms.terms if term.factors]
    n, p = matrix.X.shape
    if lost or n <= p:
        return {str(term): float("nan") for term in named}
    covariance = np.linalg.inv(information)
    result = {}
    for term in named:
        part = matrix.slices[term]
        precision = np.linalg.inv(covariance[part, part])
        patterns = _patterns(space, term)
        size = (
            effect
            * effect
            * float(np.einsum("ij,jk,ik->i", patterns, precision, patterns).min())
        )
        df = part.stop - part.start
        critical = fdtri(df, n - p, 1.0 - ALPHA)
        result[str(term)] = float(1.0 - ncfdtr(df, n - p, size, critical))
    return result


def _patterns(space: ConfigurationSpace, term: Term) -> FloatArray:
    """Return coefficients of a term whose effect ranges over 1, one row a pattern.

    Of a categorical option two levels differ and the others lie between; each such
    pair is one pattern.
    """
    powers: dict[str, int] = {}
    for factor in term.factors:
        powers[factor.option] = powers.get(factor.option, 0) + factor.power
    parts = [_one_option(space.options[name], power) for name, power in powers.items()]
    coefficients = []
    for chosen in product(*(part for part in parts)):
        block: FloatArray = np.ones(1)
        low, high = 1.0, 1.0
        for vector, lowest, highest in chosen:
            block = np.kron(block, vector).astype(np.float64)
            ends = [low * lowest, low * highest, high * lowest, high * highest]
            low, high = min(ends), max(ends)
        coefficients.append(block / (high - low))
        if len(coefficients) == _MOST_PATTERNS:
            break
    return np.array(coefficients)


def _one_option(option: Option, power: int) -> list[tuple[FloatArray, float, float]]:
    """Return coefficients of an option's columns, with the ends of what they give."""
    table = code_levels(option, power)
    if option.kind == "numeric":
        return [(np.ones(1), float(table.min()), float(table.max()))]
    n_levels = len(table)
    result = []
    for low, high in combinations(range(n_levels), 2):
        wanted = np.zeros(n_levels)
        wanted[low], wanted[high] = -1.0, 1.0
        # The contrasts are orthogonal with mean square 1.
        result.append((table.T @ wanted / n_levels, -1.0, 1.0))
    return result
