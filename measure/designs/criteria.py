"""Optimality criteria: what a search adds to the information matrix, and minimises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from measure.designs.problem import Coding
from measure.errors import DesignError
from measure.space import ConfigurationSpace
from measure.terms import FloatArray, Term, model_matrix

CRITERIA = ("d", "a", "i", "bayes-d")
Prior = float | Mapping[str, float] | None

_ENUMERATED = 200_000  # configurations over which a mean is exact
_VAGUE = 1e-6  # precision of a term that nothing is known of


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A criterion as the searches read it.

    Parameters
    ----------
    name : str
        One of ``d``, ``a``, ``i``, ``bayes-d``.
    precision : ndarray, shape (p,)
        Added to the diagonal of the information matrix.
    target : ndarray, shape (p, p) or (0, 0)
        C of the trace(W C) that is minimised; empty where it is the determinant.
    """

    name: str
    precision: FloatArray
    target: FloatArray


def criterion_of(
    name: str,
    space: ConfigurationSpace,
    terms: tuple[Term, ...],
    coding: Coding,
    prior: Prior = None,
) -> Criterion:
    """Return the criterion of that name for a model on a space.

    Parameters
    ----------
    name : str
        ``d``: the determinant of the information matrix; ``a``: the mean variance
        of the coefficients; ``i``: the mean variance of the prediction over the
        valid configurations; ``bayes-d``: the determinant with a prior on the
        interactions and powers [1]_, for fewer runs than terms.
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : tuple of Term
        The model.
    coding : Coding
        The same, coded.
    prior : float or mapping of str to float, optional
        Only for ``bayes-d``: standard deviation of a coefficient over that of the
        noise, 1 by default, for all interactions and powers or by name of the term.

    Returns
    -------
    Criterion
        Its matrices.

    Raises
    ------
    DesignError
        If there is no such criterion, or the prior does not fit.

    References
    ----------
    .. [1] DuMouchel and Jones, "A simple Bayesian modification of D-optimal designs
       to reduce dependence on an assumed model", Technometrics 36, 1994.
    """
    p = len(coding.factors)
    if name not in CRITERIA:
        raise DesignError(
            f"no criterion {name!r}; choose from {', '.join(CRITERIA)} (--criterion)"
        )
    if prior is not None and name != "bayes-d":
        raise DesignError(f"criterion {name!r} takes no prior; bayes-d does")
    precision, target = np.zeros(p), np.empty((0, 0))
    if name == "a":
        target = np.eye(p)
    elif name == "i":
        target = moments(space, terms, coding)
    elif name == "bayes-d":
        precision = _precision(space, terms, prior)
    return Criterion(name=name, precision=precision, target=target)


def _precision(
    space: ConfigurationSpace, terms: tuple[Term, ...], prior: Prior
) -> FloatArray:
    names = [str(term) for term in terms]
    given = prior if isinstance(prior, Mapping) else {}
    unknown = [name for name in given if name not in names]
    if unknown:
        raise DesignError(
            f"prior for {unknown[0]!r}, which is no term; terms are {', '.join(names)}"
        )
    common = 1.0 if prior is None or isinstance(prior, Mapping) else float(prior)
    slices = model_matrix(space, terms, np.zeros((1, len(space.options)), int)).slices
    precision = np.empty(max(part.stop for part in slices.values()))
    for term in terms:
        sure = term.order <= 1 and all(factor.power == 1 for factor in term.factors)
        deviation = float(given.get(str(term), np.inf if sure else common))
        if not deviation > 0:
            raise DesignError(
                f"prior of {term}: {deviation} is not a standard deviation above 0"
            )
        precision[slices[term]] = max(1.0 / deviation**2, _VAGUE)
    return precision


def moments(
    space: ConfigurationSpace, terms: tuple[Term, ...], coding: Coding
) -> FloatArray:
    """Return the mean of f f' over the valid configurations, f a model row.

    Parameters
    ----------
    space : ConfigurationSpace
        The options and what is forbidden.
    terms : tuple of Term
        The model.
    coding : Coding
        The same, coded.

    Returns
    -------
    ndarray, shape (p, p)
        Exact where nothing is forbidden or the valid configurations are few enough
        to enumerate (200 000), else over that many drawn at random with seed 0.
    """
    p = len(coding.factors)
    if not space.forbid:
        result = np.ones((p, p))
        for i, n_levels in enumerate(coding.n_levels):
            table = coding.tables[i, :n_levels]
            mean = table.T @ table / n_levels
            column = coding.factors[:, i]
            result *= mean[np.ix_(column, column)]
        return result
    if space.size() <= _ENUMERATED:
        rows = space.all_rows()
    else:
        rows = space.sample(_ENUMERATED, np.random.default_rng(0), replace=True)
    result = np.zeros((p, p))
    for part in np.array_split(rows, len(rows) // 10_000 + 1):
        matrix = model_matrix(space, terms, part).X
        result += matrix.T @ matrix
    return result / len(rows)
