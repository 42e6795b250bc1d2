"""Errors that the runs of a whole plot share, and how large they are.

The variance of the rows is that of one run times V = D + eta Z Z', where Z says which
whole plots a row's runs were made in, D how many runs it stands for, and eta is the
variance between whole plots over that within.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from perfmodel.stepping import EXACT_SHARE, orthonormal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perfmodel.dataset import PerformanceDataset

    Floats = NDArray[np.float64]

__all__ = ["Plots", "estimate_eta", "plots_of", "student_width"]

#: The least variance between whole plots, as a share of what noise alone would give:
#: below, eta is negative, which keeps F tests between whole plots exact.
LEAST_BETWEEN = 0.02
MOST_BETWEEN = 1e6
_GRID, _ZOOMS = 40, 4
#: Columns that tell whole plots of one number apart.
_PLOT_OF = ("sweep_id", "block")
_SMALL = 1e-9


@dataclass(frozen=True, eq=False)
class Plots:
    """Which whole plots rows were made in.

    Parameters
    ----------
    weights : ndarray of shape (n, n_plots)
        Share of each row's runs in each whole plot; a row sums to 1.
    runs : ndarray of shape (n,)
        Runs behind each row.

    Examples
    --------
    >>> plots = Plots.of([0, 0, 1, 1, 2, 2])
    >>> plots.between(np.array([[1.0], [1], [2], [2], [5], [5]]))
    True
    """

    weights: Floats
    runs: Floats

    @classmethod
    def of(cls, labels: object) -> Plots:
        """Take the whole plot of each run.

        Parameters
        ----------
        labels : array-like of shape (n,)
            Equal for runs of one whole plot.

        Returns
        -------
        Plots
            Of rows that stand for one run each.
        """
        _, codes = np.unique(np.asarray(labels), return_inverse=True)
        return cls(np.eye(codes.max() + 1)[codes], np.ones(len(codes)))

    def take(self, rows: object) -> Plots:
        """Give some of the rows.

        Parameters
        ----------
        rows : array-like of int
            Positions.

        Returns
        -------
        Plots
            Without whole plots that no row is left of.
        """
        weights = self.weights[np.asarray(rows)]
        return Plots(weights[:, weights.any(axis=0)], self.runs[np.asarray(rows)])

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """A number for each row, equal for rows of the same whole plots."""
        _, codes = np.unique(self.weights.round(9), axis=0, return_inverse=True)
        return np.asarray(codes.reshape(-1), dtype=np.int64)

    @cached_property
    def _directions(self) -> tuple[Floats, Floats]:
        """Directions that whole plots share, and the variance they have in each."""
        weights = self.weights * np.sqrt(self.runs)[:, None]
        vectors, values, _ = np.linalg.svd(weights, full_matrices=False)
        return vectors, values**2

    @property
    def informative(self) -> bool:
        """Whether they can tell a variance between from one within whole plots."""
        groups = len(np.unique(self.groups))
        return 2 < groups < len(self.runs)

    def between(self, block: Floats) -> bool:
        """Say whether columns do not change within whole plots.

        Parameters
        ----------
        block : ndarray of shape (n, n_columns)
            Of the model matrix.

        Returns
        -------
        bool
            True for terms of hard-to-change options alone.
        """
        groups = self.groups
        counts = np.bincount(groups)
        for column in block.T:
            means = np.bincount(groups, column) / counts
            if np.abs(column - means[groups]).max() > _SMALL * (np.ptp(column) or 1.0):
                return False
        return True

    def whiten(self, eta: float, block: Floats, power: float = -0.5) -> Floats:
        """Multiply columns by a power of V.

        Parameters
        ----------
        eta : float
            Variance between whole plots over that within.
        block : ndarray of shape (n,) or (n, n_columns)
            What is multiplied.
        power : float, default=-0.5
            -0.5: errors become independent; 0.5: independent ones become theirs.

        Returns
        -------
        ndarray
            Of the shape of `block`.
        """
        root = np.sqrt(self.runs)
        scaled = (block.T * root).T if power < 0 else block
        vectors, variances = self._directions
        factor = np.maximum(1 + eta * variances, LEAST_BETWEEN / 10) ** power - 1
        out = scaled + vectors @ ((vectors.T @ scaled).T * factor).T
        return np.asarray(out if power < 0 else (out.T / root).T)


def plots_of(data: PerformanceDataset) -> Plots | None:
    """Find the whole plots that the rows a model learns from were made in.

    Parameters
    ----------
    data : PerformanceDataset
        Of one environment and response; its column ``whole_plot`` is looked at, those
        of several sweeps or blocks being others. A run without one is alone in its own.

    Returns
    -------
    Plots or None
        Of the rows of ``data.X``; None where there are none, or where they tell no
        more than single runs.
    """
    frame = data.frame
    if "whole_plot" not in data.meta:
        return None
    words = frame["whole_plot"].astype(str)
    has_own = ~(frame["whole_plot"].isna() | words.isin(["", "nan", "None"])).to_numpy()
    names = [name for name in (*_PLOT_OF, "whole_plot") if name in data.meta]
    labels = [
        key if has_own[place] else (str(place), "alone")
        for place, key in enumerate(
            frame[names].astype(str).itertuples(index=False, name=None)
        )
    ]
    options = list(data.space.names)
    held = frame[data.response].notna() & frame[options].notna().all(axis=1)
    kept = frame[held]
    rows = kept.groupby(options, sort=False, observed=True).ngroup().to_numpy()
    places = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    numbers = np.array([places[label] for label in labels])[held.to_numpy()]
    if not len(rows):
        return None
    counts = np.zeros((int(rows.max()) + 1, int(numbers.max()) + 1))
    np.add.at(counts, (rows, numbers), 1.0)
    counts = counts[:, counts.any(axis=0)]
    runs = counts.sum(axis=1)
    plots = Plots(counts / runs[:, None], runs)
    return plots if plots.informative else None


def estimate_eta(matrix: Floats, target: Floats, plots: Plots) -> float:
    """Estimate the variance between whole plots over that within, by REML.

    Parameters
    ----------
    matrix : ndarray of shape (n, p)
        The model matrix.
    target : ndarray of shape (n,)
        What is regressed.
    plots : Plots
        Of the rows.

    Returns
    -------
    float
        Not bounded below by 0: with whole plots of one size, F tests with it are
        those of the analysis of variance [1]_. 0 where nothing is left to tell it.

    References
    ----------
    .. [1] Searle, Casella, McCulloch, *Variance Components*, 1992, chapters 4 and 6.
    """
    root = np.sqrt(plots.runs)
    basis = orthonormal(matrix * root[:, None])
    rest = target * root
    rest = rest - basis @ (basis.T @ rest)
    weights = plots.weights * root[:, None]
    size = np.linalg.norm(weights)
    weights = weights - basis @ (basis.T @ weights)
    vectors, values, _ = np.linalg.svd(weights, full_matrices=False)
    held = values > 1e-7 * size
    spread = values[held] ** 2
    between = (vectors[:, held].T @ rest) ** 2
    free = len(target) - basis.shape[1]
    within = max(float(rest @ rest) - float(between.sum()), 0.0)
    if not len(spread) or free <= len(spread) or within <= EXACT_SHARE:
        return 0.0
    largest = float(spread.max())

    low, high = np.log(LEAST_BETWEEN), np.log(MOST_BETWEEN)
    for _ in range(_ZOOMS):
        grid = np.linspace(low, high, _GRID)
        ratios = 1 + np.expm1(grid)[:, None] / largest * spread
        left = (within + (between / ratios).sum(axis=1)) / free
        losses = free * np.log(left) + np.log(ratios).sum(axis=1)
        best = int(losses.argmin())
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
    return float(np.expm1(grid[best]) / largest)


def student_width(free: int) -> float:
    """Return how much wider Student's distribution is than the normal one.

    Parameters
    ----------
    free : int
        Its degrees of freedom.

    Returns
    -------
    float
        Its standard deviation; for fewer than three, that of three.

    Examples
    --------
    >>> round(student_width(6), 3), round(student_width(1), 3)
    (1.225, 1.732)
    """
    free = max(free, 3)
    return float(np.sqrt(free / (free - 2)))
