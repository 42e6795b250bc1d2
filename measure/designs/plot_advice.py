"""What a design in whole plots costs, and how many plots its tests would need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from measure.changing import Changes, changes_of
from measure.configuration import Configuration
from measure.designs.base import Design
from measure.designs.power import ALPHA, held_columns, least_favourable
from measure.levels import plain
from measure.space import ConfigurationSpace
from measure.terms import FloatArray, IntArray, ModelMatrix, ModelTerms

#: Below this, an effect is more likely missed than found; what is usually asked for.
LOW_POWER, GOOD_POWER = 0.5, 0.8
_MOST_PLOTS = 2000


def power_advice(
    space: ConfigurationSpace,
    terms: ModelTerms,
    matrix: ModelMatrix,
    information: FloatArray,
    plots: IntArray,
    ratio: float,
    effect: float,
    power: Mapping[str, float],
) -> list[str]:
    """Return a line for each main effect of a hard option that is likely missed.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    terms : ModelTerms
        The model, all of it estimable.
    matrix : ModelMatrix
        Of the runs.
    information : ndarray, shape (p, p)
        X'V^-1 X.
    plots : ndarray of int, shape (n,)
        Whole plot of each run.
    ratio : float
        Variance between whole plots over that within.
    effect : float
        What the power is given for.
    power : mapping of str to float
        As `measure.designs.power.power_of` gives it.

    Returns
    -------
    list of str
        With the number of whole plots that would do.
    """
    there = len(np.unique(plots))
    if there == len(plots):
        return []
    held = held_columns(matrix.X, plots)
    covariance = np.linalg.inv(information)
    lines = []
    for term in terms.terms:
        part = matrix.slices[term]
        is_main = term.order == 1 and term.factors[0].power == 1
        chance = power[str(term)] if is_main else 1.0
        if not is_main or chance >= LOW_POWER or not held[part].all():
            continue
        precision = np.linalg.inv(covariance[part, part])
        pattern = effect * least_favourable(space, term, precision)
        size = float(pattern @ precision @ pattern)
        needed = _plots_needed(
            size, part.stop - part.start, int(held.sum()), there, len(plots), ratio
        )
        said = "none, no whole plot is left for the noise"
        if chance == chance:
            said = f"{chance:.2f} for an effect of {effect:g} standard deviations"
        would = ""
        if needed is not None:
            more = ", and as many runs," if needed > len(plots) else ""
            would = f"; about {needed} whole plots{more} would give {GOOD_POWER:g}"
        lines.append(f"power of {term}: {said}{would}")
    return lines


def _plots_needed(
    size: float, columns: int, held: int, plots: int, runs: int, ratio: float
) -> int | None:
    """Return about how many whole plots give a good power; None: too many.

    An effect between plots is known in proportion to W / (ratio + W / n), for W plots
    of n runs in all.
    """
    from scipy.special import fdtri, ncfdtr

    def known(count: int) -> float:
        return count / (ratio + count / max(runs, count))

    for count in range(max(plots, held + 1), _MOST_PLOTS):
        critical = float(fdtri(columns, count - held, 1.0 - ALPHA))
        now = size * known(count) / known(plots)
        if 1.0 - ncfdtr(columns, count - held, now, critical) >= GOOD_POWER:
            return count
    return None


def changes_in(design: Design) -> Changes | None:
    """Return what setting the dear options of a design takes.

    Parameters
    ----------
    design : Design
        Whole plots in their order; any other design stands for a random order.

    Returns
    -------
    Changes or None
        None where no option is dear.
    """
    names = design.space.names
    columns = [[plain(value) for value in design.frame[name]] for name in names]
    runs = [Configuration(dict(zip(names, levels))) for levels in zip(*columns)]
    found = changes_of(design.space, runs, [True] * len(runs))
    if found is None or "whole_plot" in design.frame:
        return found
    return replace(found, planned=found.random, planned_s=found.random_s)


def changes_text(design: Design, changes: Changes) -> str:
    """Return what changes take in words.

    Parameters
    ----------
    design : Design
        The design.
    changes : Changes
        Of it.

    Returns
    -------
    str
        With what another order, or whole plots, would take.
    """
    if "whole_plot" in design.frame:
        return changes.describe()
    from measure.changing import usual_change_s
    from measure.designs.whole_plots import usual_plots

    plots = usual_plots(design.space, design.runs, design.model)
    plotted_s = plots * usual_change_s(design.space)
    words = changes.describe(plotted_s)
    return words if plotted_s < changes.planned_s else words.partition(";")[0]
