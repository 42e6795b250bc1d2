"""DesignReport: what a design can tell of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.designs.criterion_bound import CriterionBound
from measure.designs.telling_apart import Alias, Correlation

if TYPE_CHECKING:
    import pandas as pd

    from measure.plots import Axes


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
    left_out_because : mapping of str to str
        Why, where one forbidden pair of levels is the reason.
    model : str
        What it is judged by.
    possible : int or None
        How many configurations are valid.
    iterations, seed : int or None
        Of the search.
    interrupted : bool
        Whether Ctrl-C ended it.
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
    bound_reached : float or None
        The D-efficiency of the best weights of configurations that were met: between
        that and the bound lies what many runs can reach. None where a formula gave the
        bound without any.
    bound_reason : str
        Why the bound holds, and how close to it so many runs can come.
    gap : float or None
        Share of the bound that is missing.
    by_criterion : CriterionBound or None
        How good the design is by the criterion of its search, where that is not D, and
        how good any could be.
    singular_terms : tuple of str
        Terms of the model that these runs cannot estimate.
    aliases : tuple of Alias
        Interactions of two options outside the model that would bias its terms, the
        strongest first.
    correlations : tuple of Correlation
        Of the estimates of two terms, the strongest first; where a term cannot be
        estimated, of their columns, so that 1 names what it cannot be told from.
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
    left_out_because: Mapping[str, str] = field(default_factory=dict)
    model: str = "main"
    possible: int | None = None
    iterations: int | None = None
    seed: int | None = None
    interrupted: bool = False
    criterion: str = "d"
    d_efficiency: float
    a_efficiency: float
    g_efficiency: float | None = None
    i_variance: float | None = None
    variance_quantiles: tuple[float, ...] = ()
    upper_bound: float | None = None
    bound_kind: str | None = None
    bound_reached: float | None = None
    bound_reason: str = ""
    gap: float | None = None
    by_criterion: CriterionBound | None = None
    singular_terms: tuple[str, ...] = ()
    aliases: tuple[Alias, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    vif: Mapping[str, float] = field(default_factory=dict)
    power: Mapping[str, float] = field(default_factory=dict)
    effect: float = 2.0
    cpu_s: float = 0.0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as ``python -m measure design`` prints it."""
        from measure.designs.report_text import report_text

        return report_text(self)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a term.

        Returns
        -------
        DataFrame
            Columns term, vif, power, estimable, and the term whose estimate is
            most correlated with this one's (correlated_with, correlation).
        """
        import pandas as pd

        strongest: dict[str, tuple[str, float]] = {}
        for pair in self.correlations:
            strongest.setdefault(pair.term, (pair.other, pair.value))
            strongest.setdefault(pair.other, (pair.term, pair.value))
        none = ("", 0.0)

        return pd.DataFrame(
            {
                "term": list(self.terms),
                "vif": [self.vif.get(term, np.nan) for term in self.terms],
                "power": [self.power.get(term, np.nan) for term in self.terms],
                "estimable": [term not in self.singular_terms for term in self.terms],
                "correlated_with": [strongest.get(t, none)[0] for t in self.terms],
                "correlation": [strongest.get(t, none)[1] for t in self.terms],
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

    def plot_correlations(self, ax: Axes | None = None) -> Axes:
        """Draw how the estimates of terms go together.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes
            A map of correlations from -1 to 1.
        """
        from measure.plots import plot_correlations

        terms = [term for term in self.terms if term != "1"]
        rows = [(pair.term, pair.other, pair.value) for pair in self.correlations]
        return plot_correlations(terms, rows, ax)

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
            Keys as the fields; aliases as term, alias and weight; correlations as
            term, other and correlation.
        """
        own = self.by_criterion
        return {
            "design": self.design,
            "runs": self.runs,
            "terms": list(self.terms),
            "left_out_terms": list(self.left_out_terms),
            "left_out_because": dict(self.left_out_because),
            "model": self.model,
            "possible": self.possible,
            "iterations": self.iterations,
            "seed": self.seed,
            "interrupted": self.interrupted,
            "criterion": self.criterion,
            "d_efficiency": self.d_efficiency,
            "a_efficiency": self.a_efficiency,
            "g_efficiency": self.g_efficiency,
            "i_variance": self.i_variance,
            "variance_quantiles": list(self.variance_quantiles),
            "upper_bound": self.upper_bound,
            "bound_kind": self.bound_kind,
            "bound_reached": self.bound_reached,
            "bound_reason": self.bound_reason,
            "gap": self.gap,
            "by_criterion": None if own is None else {**asdict(own), "gap": own.gap},
            "singular_terms": list(self.singular_terms),
            "aliases": [
                {"term": a.term, "alias": a.alias, "weight": a.weight}
                for a in self.aliases
            ],
            "correlations": [
                {"term": c.term, "other": c.other, "correlation": c.value}
                for c in self.correlations
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

    def picture(self, path: str | Path) -> None:
        """Draw power, correlations, aliases and the design space into a file.

        Parameters
        ----------
        path : str or Path
            Its ending says the format: .png, .svg or .pdf.
        """
        from measure.plots import save_panels

        panels = [self.plot, self.plot_space, self.plot_correlations]
        if self.aliases:
            panels.append(self.plot_aliases)
        save_panels(panels, Path(path), rows=len(self.terms))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
