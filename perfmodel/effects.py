"""One term's effect: its size, sign and interval, and the decision to report it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perfmodel.multiplicity import benjamini_hochberg, holm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from measure.space import ConfigurationSpace
    from perfmodel.anova import Component

    Floats = NDArray[np.float64]
    PerCent = Callable[[Any, Any], Any]

__all__ = [
    "decide",
    "dropped",
    "effect_row",
    "own_p_values",
    "per_cent_of",
    "per_cent_of_geometric_mean",
    "without_residue",
]

NORMAL_95 = 1.959964
"""Half a 95 % interval, in standard deviations."""
LEAST_SHARE = 0.005
LEAST_EFFECT = 5.0
"""A term below this share of the variance, and not surely above this effect in per
cent, is not reported, however surely it is there."""
FALSE_SHARE = 0.05
"""Multiplicity-adjusted probability of no effect up to which a term is reported."""

# Parts of the largest component below which another is rounding residue: of the
# estimate, and of its draws, which are decomposed less exactly.
_RESIDUE = 1e-9
_RESIDUE_OF_DRAWS = 0.01

# A step against the direction that is smaller than this part of the effect does not
# make an effect non-monotone.
_WIGGLE = 0.02


def per_cent_of_geometric_mean(high: Any, low: Any) -> Any:
    """Return a difference of components of the log response as an effect.

    Parameters
    ----------
    high, low : float or ndarray
        Values of a component.

    Returns
    -------
    float or ndarray
        In per cent of the geometric mean response.

    Examples
    --------
    >>> round(float(per_cent_of_geometric_mean(np.log(1.2), np.log(0.9))), 9)
    30.0
    """
    return 100 * (np.exp(high) - np.exp(low))


def per_cent_of(predictions: Floats) -> PerCent:
    """Return the same for components of the response itself.

    Parameters
    ----------
    predictions : ndarray
        Of all configurations, some not above 0.

    Returns
    -------
    Callable
        Takes values of a component; in per cent of the mean absolute response.
    """
    size = float(np.abs(predictions).mean()) or 1.0

    def per_cent(high: Any, low: Any) -> Any:
        return 100 * (high - low) / size

    return per_cent


def without_residue(components: Sequence[Component]) -> list[Component]:
    """Set components to exactly 0 that are but rounding residue of the others.

    Parameters
    ----------
    components : sequence of Component
        Of one function.

    Returns
    -------
    list of Component
        All of them; those below 1e-9 of the largest are 0.
    """
    largest = max((float(np.abs(c.values).max()) for c in components), default=0.0)
    return [
        (
            replace(c, values=np.zeros_like(c.values))
            if float(np.abs(c.values).max()) < _RESIDUE * largest
            else c
        )
        for c in components
    ]


def dropped(
    components: Sequence[Component], deviations: Sequence[Floats] | None
) -> list[bool]:
    """Tell the terms that a model left out: neither estimate nor draws have them.

    Parameters
    ----------
    components : sequence of Component
        As `without_residue` left them.
    deviations : sequence of ndarray, or None
        Of each component, as for `effect_row`.

    Returns
    -------
    list of bool
        One a component; none is without draws.
    """
    if deviations is None:
        return [False] * len(components)
    spreads = [float(np.sqrt(np.nanmean(those**2))) for those in deviations]
    residue = _RESIDUE_OF_DRAWS * max(spreads, default=0.0)
    return [
        not component.values.any() and spread <= residue
        for component, spread in zip(components, spreads, strict=True)
    ]


def effect_row(
    space: ConfigurationSpace,
    component: Component,
    total_variance: float,
    deviations: Floats | None,
    per_cent: PerCent,
    left_out: bool = False,
) -> tuple[dict[str, Any], float]:
    """Return a term's row, and how probable its size is without any effect.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    component : Component
        The term's, of one function.
    total_variance : float
        Of the function.
    deviations : ndarray of shape (n_cells, n_draws), or None
        How far the component of each draw is from the draws' mean.
    per_cent : Callable
        Turns two values of the component into an effect.
    left_out : bool, default=False
        Whether the model has dropped the term: its draws then say nothing of how
        large it could be, and ``upper`` is NaN.

    Returns
    -------
    row : dict
        term, order, effect, sign, lower, upper and share.
    doubt : float
        NaN without draws.
    """
    values = component.values[:, 0]
    high, low = int(values.argmax()), int(values.argmin())
    options = [space.options[position] for position in component.options]
    variance = float(component.variance[0])
    row: dict[str, Any] = {
        "term": ":".join(option.name for option in options),
        "order": len(options),
        "effect": float(per_cent(values[high], values[low])),
        "sign": _sign(component, [len(option.levels) for option in options]),
        "lower": np.nan,
        "upper": np.nan,
        "share": variance / total_variance if total_variance > 0 else 0.0,
    }
    if deviations is None:
        return row, np.nan
    if left_out:
        row["lower"] = 0.0
        return row, 1.0
    if not values.any():  # no largest and smallest level: as large as any draw has it
        drawn = per_cent(np.nanmax(deviations, axis=0), np.nanmin(deviations, axis=0))
        row["lower"], row["upper"] = 0.0, float(drawn.max())
        return row, 1.0
    # A cell that was not drawn is as sure as the next one that was.
    drawn_cells = np.flatnonzero(~np.isnan(deviations[:, 0]))
    above = deviations[drawn_cells[values[drawn_cells].argmax()]]
    below = deviations[drawn_cells[values[drawn_cells].argmin()]]
    # Few draws tell a standard deviation better than a tail.
    drawn = per_cent(values[high] + above, values[low] + below)
    half = NORMAL_95 * float(drawn.std(ddof=1))
    row["lower"] = max(row["effect"] - half, 0.0)
    row["upper"] = row["effect"] + half
    return row, _tail(variance, component.weights, deviations)


def _tail(variance: float, weights: Floats, deviations: Floats) -> float:
    """Return how probable so large a variance is where draws only deviate from 0.

    The variance of a component of Gaussian deviations is a sum of scaled chi-squared
    variables; Satterthwaite's gamma distribution has its mean and variance.
    """
    from scipy.special import gammaincc

    held = ~np.isnan(deviations[:, 0])
    share = weights[held] / weights[held].sum()
    sizes = share @ deviations[held] ** 2
    mean, spread = float(sizes.mean()), float(sizes.var())
    if variance <= 0:
        return 1.0
    if spread <= 0:
        return 0.0
    return float(gammaincc(mean**2 / spread, variance * mean / spread))


def _sign(component: Component, n_levels: list[int]) -> int:
    """Return the sign of a monotone main effect or of a two-level pair, else 0."""
    values = component.values[:, 0]
    if len(n_levels) == 2:
        if n_levels != [2, 2] or len(values) != 4:
            return 0
        # Coded -1 and +1 in declared order, the product is +1 on the diagonal.
        product = np.where(component.cells[:, 0] == component.cells[:, 1], 1.0, -1.0)
        return int(np.sign(np.round(product @ values, 12)))
    steps = np.diff(values)
    extent = float(np.ptp(values))
    if extent <= 1e-12:
        return 0
    if np.all(steps >= -_WIGGLE * extent):
        return 1
    return -1 if np.all(steps <= _WIGGLE * extent) else 0


def own_p_values(told: Mapping[str, float]) -> dict[str, float]:
    """Return a model's own p-value of each main effect and pair.

    Parameters
    ----------
    told : mapping of str to float
        Each of its terms, and the term's p-value.

    Returns
    -------
    dict of str to float
        The powers of an option are one main effect, whose p-value is the smallest,
        times their number.
    """
    found: dict[str, list[float]] = {}
    for term, p in told.items():
        power = re.fullmatch(r"I\((.+)\*\*\d+\)", str(term))
        name = power.group(1).strip("`") if power else str(term)
        found.setdefault(name, []).append(float(p))
    return {name: min(1.0, min(those) * len(those)) for name, those in found.items()}


def decide(
    rows: list[dict[str, Any]],
    doubts: Floats,
    p_values: dict[str, float],
    learnable: bool,
) -> None:
    """Add ``p_adjusted`` and ``reported`` to the rows.

    Parameters
    ----------
    rows : list of dict
        As `effect_row` made them.
    doubts : ndarray, shape (n_rows,)
        How probable each row's size is without any effect; NaN is unknown.
    p_values : dict of str to float
        The model's own; empty where it has none.
    learnable : bool
        Whether the model predicts better than the mean.
    """
    orders = np.array([row["order"] for row in rows])
    own = np.array([p_values.get(row["term"], np.nan) for row in rows])
    if p_values:
        # A term that the model did not take has no evidence for it at all.
        own = np.where(np.isnan(own), 1.0, own)
    for order, adjust in ((1, holm), (2, benjamini_hochberg)):
        of_order = np.flatnonzero(orders == order)
        adjusted = adjust(own[of_order]) if p_values else own[of_order]
        sure = adjust(doubts[of_order])
        for position, p, doubt in zip(of_order, adjusted, sure):
            row = rows[position]
            row["p_adjusted"] = float(p)
            row["reported"] = bool(
                learnable
                and (row["share"] >= LEAST_SHARE or row["lower"] >= LEAST_EFFECT)
                and row["lower"] > 0
                and doubt <= FALSE_SHARE
                and not p > FALSE_SHARE
            )
