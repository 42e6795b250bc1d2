"""How good a design of any size can be: an upper bound of the D-efficiency."""

from __future__ import annotations

from dataclasses import dataclass

from measure.space import ConfigurationSpace
from measure.terms import Term

PROVED, ESTIMATED = "proved", "estimated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An upper bound of the D-efficiency, for any number of runs.

    Parameters
    ----------
    value : float
        No design of the model on the space has a larger D-efficiency.
    kind : {"proved", "estimated"}
        Estimated: the largest prediction variance was searched, not proved.
    reason : str
        Why it holds, in one sentence.
    """

    value: float
    kind: str
    reason: str


def upper_bound(space: ConfigurationSpace, terms: tuple[Term, ...]) -> Bound | None:
    """Return an upper bound of det(X'X)^(1/p) / n over all designs.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : tuple of Term
        The model.

    Returns
    -------
    Bound or None
        None where none is known.

    References
    ----------
    .. [1] Kiefer and Wolfowitz, "The equivalence of two extremum problems",
       Canad. J. Math. 12, 1960.
    """
    if any(factor.power > 1 for term in terms for factor in term.factors):
        return None
    return Bound(
        value=1.0,
        kind=PROVED,
        reason="all model columns have a mean square of at most 1 under the best "
        "weights of the unconstrained options",
    )
