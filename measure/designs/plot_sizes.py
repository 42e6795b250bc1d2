"""How many whole plots a split-plot design has, and how many runs each."""

from __future__ import annotations

import math
from dataclasses import dataclass

from measure.errors import DesignError
from measure.spelling import several

#: Whole plots beyond the coefficients of hard options: what tells the variance
#: between plots.
SPARE_PLOTS = 2
#: Below this many runs, a whole plot saves nothing.
FEWEST_A_PLOT = 2
#: Seconds that a run takes where no device tells: fork, load, warm-up, measuring.
RUN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a split-plot design is asked for.

    Parameters
    ----------
    whole_plots, runs_per_whole_plot, runs : int or None
        As in `measure.designs.whole_plots.split_plot`; kept plots and runs counted.
    own, p : int
        Coefficients of the hard options alone, and of all; the mean counted.
    variance_ratio : float
        Variance between whole plots over that within.
    cost_s : float
        What setting the hard options anew takes; 0: not known.
    run_s : float
        What a run takes.
    kept_plots, kept_runs : int, default=0
        Whole plots and runs that are there already.
    """

    whole_plots: int | None
    runs_per_whole_plot: int | None
    runs: int | None
    own: int
    p: int
    variance_ratio: float
    cost_s: float
    run_s: float
    kept_plots: int = 0
    kept_runs: int = 0


def plot_sizes(wanted: Wanted) -> tuple[list[int], str]:
    """Return the runs of each new whole plot, and why there are so many plots.

    Parameters
    ----------
    wanted : Wanted
        What is asked for.

    Returns
    -------
    list of int
        Runs of each plot; they differ by one at most.
    str
        The reason in words; empty where the number was given.

    Raises
    ------
    DesignError
        If nothing is left to add, or a number is not positive.

    Examples
    --------
    >>> cheap = Wanted(whole_plots=None, runs_per_whole_plot=None, runs=24, own=3,
    ...                p=10, variance_ratio=1.0, cost_s=0.5, run_s=2.0)
    >>> plot_sizes(cheap)
    ([2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2], 'as many as leave each 2 runs')
    """
    each, runs = wanted.runs_per_whole_plot, wanted.runs
    if each is not None and each < 1:
        raise DesignError("split-plot design: plots and runs must be 1 or more")
    total = (wanted.p + 5 if runs is None else runs) - wanted.kept_runs
    reason = ""
    if wanted.whole_plots is not None:
        if wanted.whole_plots < 1:
            raise DesignError("split-plot design: plots and runs must be 1 or more")
        plots = wanted.whole_plots - wanted.kept_plots
    elif each is not None and runs is not None:
        plots = max(1, total // each)
    else:
        if runs is None and each is not None:
            total = max(each * _fewest(wanted), wanted.p + 5 - wanted.kept_runs)
        plots, reason = _chosen(wanted, max(total, 1))
    if plots < 1 or (each is None and total < 1):
        raise DesignError(
            f"split-plot design: {several(wanted.kept_plots, 'whole plot')} of "
            f"{several(wanted.kept_runs, 'run')} are kept, and they count; ask for "
            "more than that (--runs, --whole-plots)"
        )
    if each is not None:
        return [each] * plots, reason
    part, more = divmod(total, plots)
    return [part + 1] * more + [part] * (plots - more if part else 0), reason


def _fewest(wanted: Wanted) -> int:
    return max(1, wanted.own + SPARE_PLOTS - wanted.kept_plots)


def _chosen(wanted: Wanted, total: int) -> tuple[int, str]:
    """Return the number of new plots that tells most in the time it takes."""
    fewest = min(_fewest(wanted), total)
    most = max(fewest, total // FEWEST_A_PLOT)
    if wanted.runs_per_whole_plot is not None:
        most = max(fewest, total // wanted.runs_per_whole_plot)
    enough = (
        f"the fewest that tell the {wanted.own} coefficients of the hard options and "
        "the variance between plots"
    )
    if wanted.cost_s <= 0:
        return fewest, enough

    def told(plots: int) -> float:
        """Log of the information, by coefficient, a second."""
        runs, all_plots = total + wanted.kept_runs, plots + wanted.kept_plots
        between = all_plots / (runs * wanted.variance_ratio + all_plots)
        time_s = total * wanted.run_s + plots * wanted.cost_s
        return wanted.own / wanted.p * math.log(between) - math.log(time_s)

    best = max(range(fewest, most + 1), key=told)
    if best == fewest:
        return best, enough
    if best == most and wanted.runs_per_whole_plot is None:
        return best, f"as many as leave each {FEWEST_A_PLOT} runs"
    return best, "most information a second"
