"""How good a design is by the criterion that its search had, and could be at best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measure.designs.base import Design
from measure.designs.bound import bayes_bound
from measure.designs.criteria import criterion_of
from measure.designs.linear_bound import least_trace
from measure.designs.problem import code

_WHAT = {
    "a": "mean variance of a coefficient",
    "i": "mean variance of a prediction",
    "bayes-d": "Bayesian D-efficiency",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionBound:
    """A design by its own criterion.

    Parameters
    ----------
    what : str
        What the criterion is, in words; variances in those of the noise.
    value : float
        Of the design.
    bound : float
        No design of so many runs is better: a variance is not smaller, an efficiency
        not larger.
    kind : {"proved", "estimated"}
        Only a proved bound is a certificate.
    reason : str
        Why it holds.
    """

    what: str
    value: float
    bound: float
    kind: str
    reason: str

    @property
    def gap(self) -> float:
        """What share is missing: of the bound, or of a variance that is too much."""
        good = self.what == _WHAT["bayes-d"]
        share = self.value / self.bound if good else self.bound / self.value
        return max(0.0, 1.0 - share)

    def __str__(self) -> str:
        how = "most" if self.what == _WHAT["bayes-d"] else "least"
        return (
            f"{self.what} {self.value:.4f} of {self.bound:.4f} at {how} ({self.kind})"
        )


def bound_of_criterion(design: Design) -> CriterionBound | None:
    """Return how good a design is by its criterion, and how good any could be.

    Parameters
    ----------
    design : Design
        Made for the criterion ``a``, ``i`` or ``bayes-d``; all its terms can be
        estimated, but for the last.

    Returns
    -------
    CriterionBound or None
        None for the criterion ``d``, of which the upper bound of the D-efficiency
        speaks, or where all runs are fixed.

    Examples
    --------
    >>> from measure.designs.optimal import d_optimal
    >>> from measure.space import ConfigurationSpace
    >>> space = ConfigurationSpace.from_dict({"options": {
    ...     "threads": {"kind": "numeric", "levels": [1, 2, 3]},
    ...     "onednn": {"kind": "boolean"}}})
    >>> made = d_optimal(space, 8, "main", criterion="a", iterations=5)
    >>> print(bound_of_criterion(made))
    mean variance of a coefficient 0.1250 of 0.1250 at least (proved)
    """
    if design.criterion == "d":
        return None
    space, terms, indices = design.space, design.terms, design.indices
    coding = code(space, terms)
    criterion = criterion_of(design.criterion, space, terms, coding, design.prior)
    X = design.matrix
    n, p = X.shape
    if design.criterion == "bayes-d":
        kept = indices[: design.fixed]
        bound = bayes_bound(
            space, terms, n, criterion.precision, fixed=kept, repeats=design.repeats
        )
        if bound is None:
            return None
        _, log_det = np.linalg.slogdet(X.T @ X + np.diag(criterion.precision))
        return CriterionBound(
            what=_WHAT["bayes-d"],
            value=float(np.exp(log_det / p) / n),
            bound=bound.value,
            kind=bound.kind,
            reason=bound.reason,
        )
    least = least_trace(space, terms, criterion.target, indices, design.fixed)
    if least is None:
        return None
    size = p if design.criterion == "a" else 1
    return CriterionBound(
        what=_WHAT[design.criterion],
        value=float(np.sum(np.linalg.inv(X.T @ X) * criterion.target)) / size,
        bound=least.value / size,
        kind=least.kind,
        reason=least.reason,
    )
