"""The largest variance of a prediction over a space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from measure.designs.reduction import whole
from measure.designs.weights import (
    ENUMERATED,
    LAST_STARTS,
    Approximation,
    is_enumerable,
)
from measure.space import ConfigurationSpace
from measure.terms import FloatArray, Term, model_matrix

_LISTED = 20_000  # configurations whose variances are computed together
_ROUNDING = 1e-12


def largest_variance(
    space: ConfigurationSpace,
    terms: Sequence[Term],
    covariance: FloatArray,
    *,
    enumerated: int = ENUMERATED,
) -> float:
    """Return the largest f' C f over the valid configurations.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : sequence of Term
        The model, f being its row of a configuration.
    covariance : ndarray, shape (p, p)
        The matrix C.
    enumerated : int, default=10_000_000
        Up to so many combinations all are gone through; else it is searched.

    Returns
    -------
    float
        Exact where all were gone through.
    """
    separate = _separate(space, terms, covariance)
    if separate is not None:
        return separate
    if space.size() <= min(_LISTED, enumerated):
        X = model_matrix(space, terms, space.all_rows()).X
        return float(np.einsum("ij,ij->i", X @ covariance, X).max())
    everything = whole(space, terms)
    search = Approximation(everything)
    if is_enumerable(everything, enumerated):
        return search.enumerate_largest(covariance)[0]
    return float(search.climb(LAST_STARTS, covariance)[1].max())


def _separate(
    space: ConfigurationSpace, terms: Sequence[Term], covariance: FloatArray
) -> float | None:
    """Return the largest f' C f where it is a sum over options, else None."""
    if space.forbid or any(len(set(term.options)) > 1 for term in terms):
        return None
    row = np.zeros((1, len(space.options)), dtype=np.int64)
    slices = model_matrix(space, terms, row).slices
    owners = [name for term in terms for name in (term.options or ("",))[:1]]
    sizes = [part.stop - part.start for part in slices.values()]
    owner = np.repeat(np.array(owners), sizes)
    apart = owner[:, None] != owner[None, :]
    rounding = _ROUNDING * float(np.diag(covariance).max())
    if np.abs(covariance[apart]).max(initial=0.0) > rounding:
        return None
    total = float(covariance[owner == ""][:, owner == ""].sum())
    for option in space.options:
        own = tuple(t for t in terms if option.name in t.options)
        levels = np.arange(len(option.levels))[:, None]
        X = model_matrix(ConfigurationSpace([option]), own, levels).X
        part = covariance[np.ix_(owner == option.name, owner == option.name)]
        total += float(np.einsum("ij,jk,ik->i", X, part, X).max(initial=0.0))
    return total
