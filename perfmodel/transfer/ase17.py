"""The eighteen metrics of the ASE 2017 paper, as they were really computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import DataError
from perfmodel.transfer.density import shape_kl
from perfmodel.transfer.pairing import common_options, configuration_keys, matched_rows
from perfmodel.transfer.similarity import pearson, spearman
from perfmodel.transfer.splits import tree_importance
from perfmodel.transfer.stepwise import logistic_coefficients, stepwise_terms

if TYPE_CHECKING:
    import pandas as pd

    from measure.space import ConfigurationSpace
    from perfmodel.dataset import PerformanceDataset

__all__ = ["NAMES", "ase17_metrics", "metrics_of_arrays"]

NAMES = tuple(f"M{i}" for i in range(1, 19))
SIGNIFICANT = 0.05

Floats = NDArray[np.float64]


def ase17_metrics(
    source: PerformanceDataset,
    target: PerformanceDataset,
    valid_below: float | None = None,
    valid_above: float | None = None,
    top_share: float = 0.1,
    importance_correlation: str = "pearson",
) -> dict[str, float]:
    """M1 to M18 of the ASE 2017 paper for two environments.

    Rows are matched by configuration; repeats of a configuration are kept in their
    order, as separate rows. The paper has two-level options only. Beyond it, numeric
    options of more levels are one column from 0 (lowest) to 1 (highest), flipped
    between these two in the paired tests, and categorical ones are a 0/1 column for
    each level but the first.

    Parameters
    ----------
    source, target : PerformanceDataset
        One environment and one response each.
    valid_below : float, optional
        A response at or above it is invalid, as NaN always is.
    valid_above : float, optional
        A response at or below it is invalid.
    top_share : float, default=0.1
        Share of the configurations that count as the best (M4) and the worst (M5).
    importance_correlation : {"pearson", "spearman"}, default="pearson"
        Correlation of the tree importances (M10): the published SQLite rows have
        Pearson's, the x264 rows Spearman's.

    Returns
    -------
    dict of str to float
        ``"M1"`` to ``"M18"``; NaN where a metric is not defined on these data.

    Raises
    ------
    DataError
        If no configuration was measured on both sides, or an argument is not allowed.

    References
    ----------
    .. [1] Jamshidi et al., "Transfer Learning for Performance Modeling of Configurable
       Systems: An Exploratory Analysis", ASE 2017, arXiv 1709.02280.
    """
    if importance_correlation not in ("pearson", "spearman"):
        raise DataError(
            f"importance_correlation is {importance_correlation!r}; choose pearson or "
            "spearman"
        )
    if not 0 < top_share < 1:
        raise DataError(f"top_share is {top_share:g}; choose a share between 0 and 1")
    options = common_options(source, target)
    sides = []
    for data in (source, target):
        frame = options.complete(data.frame.reset_index(drop=True))
        response = np.asarray(data.frame[data.response], dtype=float)
        valid = np.isfinite(response)
        if valid_below is not None:
            valid &= np.nan_to_num(response, nan=np.inf) < valid_below
        if valid_above is not None:
            valid &= np.nan_to_num(response, nan=-np.inf) > valid_above
        sides.append((frame, response, valid))
    keys = [configuration_keys(frame, options.space.names) for frame, _, _ in sides]
    rows = matched_rows(*keys)
    if not len(rows[0]):
        raise DataError(
            "no configuration was measured in both environments: the metrics compare "
            "the same configurations"
        )
    (frame, a, valid_a), (_, b, valid_b) = sides
    C, groups = zero_one_columns(options.space, frame.iloc[rows[0]])
    return metrics_of_arrays(
        C,
        a[rows[0]],
        b[rows[1]],
        valid_a=valid_a[rows[0]],
        valid_b=valid_b[rows[1]],
        groups=groups,
        top_share=top_share,
        importance_correlation=importance_correlation,
    )


def zero_one_columns(
    space: ConfigurationSpace, frame: pd.DataFrame
) -> tuple[Floats, list[list[int]]]:
    """Code levels between 0 and 1, uncentred, and say which columns are whose.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    frame : DataFrame
        Rows of levels.

    Returns
    -------
    columns : ndarray of shape (n, d)
        A two-level option's second level is 1.
    groups : list of list of int
        The columns of each option.
    """
    columns: list[Floats] = []
    groups = []
    for option in space.options:
        places = {value: option.index(value) for value in frame[option.name].unique()}
        at = frame[option.name].map(places).to_numpy(dtype=np.intp)
        start = len(columns)
        if option.kind == "numeric" and len(option.levels) > 2:
            levels = np.asarray(option.levels, dtype=float)
            columns.append(((levels - levels.min()) / np.ptp(levels))[at])
        else:
            columns += [(at == i).astype(float) for i in range(1, len(option.levels))]
        groups.append(list(range(start, len(columns))))
    return np.column_stack(columns), groups


def metrics_of_arrays(
    C: Floats,
    a: Floats,
    b: Floats,
    *,
    valid_a: NDArray[np.bool_] | None = None,
    valid_b: NDArray[np.bool_] | None = None,
    groups: Sequence[Sequence[int]] | None = None,
    top_share: float = 0.1,
    importance_correlation: str = "pearson",
) -> dict[str, float]:
    """M1 to M18 from the common configurations' columns and both responses.

    Parameters
    ----------
    C : ndarray of shape (n, d)
        Columns, 0/1 for two-level options.
    a, b : ndarray of shape (n,)
        Responses of source and target; what is not finite counts as invalid.
    valid_a, valid_b : ndarray of bool of shape (n,), optional
        Valid on each side; by default what is finite.
    groups : sequence of sequences of int, optional
        Columns of each option; by default one each.
    top_share : float, default=0.1
        Share of the configurations that count as the best (M4) and the worst (M5).
    importance_correlation : {"pearson", "spearman"}, default="pearson"
        Correlation of the tree importances (M10).

    Returns
    -------
    dict of str to float
        ``"M1"`` to ``"M18"``; NaN where a metric is not defined on these data.

    References
    ----------
    .. [1] Jamshidi et al., "Transfer Learning for Performance Modeling of Configurable
       Systems: An Exploratory Analysis", ASE 2017, arXiv 1709.02280.

    Examples
    --------
    >>> C = np.array([[i % 2, i // 2 % 2] for i in range(40)], dtype=float)
    >>> a = 2 + C[:, 0] + 0.1 * np.cos(np.arange(40))
    >>> m = metrics_of_arrays(C, a, 3 * a)
    >>> round(m["M1"], 6), round(m["M3"], 6), m["M15"]
    (1.0, 1.0, 0.0)
    """
    finite_a, finite_b = np.isfinite(a), np.isfinite(b)
    valid_a = finite_a if valid_a is None else valid_a & finite_a
    valid_b = finite_b if valid_b is None else valid_b & finite_b
    groups = [[j] for j in range(C.shape[1])] if groups is None else groups
    both = valid_a & valid_b
    X, ya, yb = C[both], a[both], b[both]
    values: dict[str, float] = dict.fromkeys(NAMES, math.nan)
    if len(ya) > 2:
        values["M1"] = pearson(ya, yb)
        values["M2"] = shape_kl(ya, yb)
        values["M3"] = spearman(ya, yb)
        values["M4"], values["M5"] = extremes_shared(ya, yb, top_share)
        _options(values, X, ya, yb, groups, importance_correlation)
        _terms(values, X, ya, yb)
    if len(a):
        _validity(values, C, valid_a, valid_b)
    return values


def extremes_shared(a: Floats, b: Floats, top_share: float) -> tuple[float, float]:
    """Share of the lowest (M4) and the highest (M5) that both sides have in common.

    Equal responses keep their row order. The count of the highest is the paper's: from
    the rounded position on, one or two more than the divisor.
    """
    n = len(a)
    k = math.floor(top_share * n)
    if k == 0:
        return math.nan, math.nan
    first = n - k - 1
    order_a, order_b = (np.argsort(v, kind="stable") for v in (a, b))
    low = len(np.intersect1d(order_a[:k], order_b[:k]))
    high = len(np.intersect1d(order_a[first:], order_b[first:]))
    return low / k, high / k


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Paired differences of a response when one column goes from 0 to 1."""

    significant: bool
    median: float


def flips(C: Floats, y: Floats) -> list[Flip | None]:
    """Paired t test of each column over rows whose exact flip is there, else None."""
    from scipy import special

    where: dict[bytes, int] = {}
    for i in range(len(C)):
        where.setdefault(C[i].tobytes(), i)
    found: list[Flip | None] = []
    for j in range(C.shape[1]):
        flipped = C.copy()
        flipped[:, j] = 1.0
        pairs = [
            (i, where[flipped[i].tobytes()])
            for i in np.flatnonzero(C[:, j] == 0)
            if flipped[i].tobytes() in where
        ]
        if not pairs:
            found.append(None)
            continue
        off, on = np.array(pairs).T
        difference = y[on] - y[off]
        m, mean = len(difference), float(np.mean(difference))
        sd = float(np.std(difference, ddof=1)) if m > 1 else math.nan
        if m < 2:
            p = 1.0
        elif sd == 0:
            p = 1.0 if mean == 0 else 0.0
        else:
            p = 2 * float(special.stdtr(m - 1, -abs(mean) / (sd / math.sqrt(m))))
        found.append(
            Flip(significant=p < SIGNIFICANT, median=float(np.median(difference)))
        )
    return found


def _options(
    values: dict[str, float],
    X: Floats,
    a: Floats,
    b: Floats,
    groups: Sequence[Sequence[int]],
    importance_correlation: str,
) -> None:
    """M6 to M10: the options that matter, their signs, their importance in a tree."""
    in_a, in_b = flips(X, a), flips(X, b)
    counts = dict.fromkeys(("M6", "M7", "M8", "M9"), 0)
    for columns in groups:
        of_a = [j for j in columns if _significant(in_a[j])]
        of_b = [j for j in columns if _significant(in_b[j])]
        counts["M6"] += bool(of_a)
        counts["M7"] += bool(of_b)
        shared = [j for j in of_a if j in of_b]
        if shared:
            same = all(
                _sign(in_a[j]) * _sign(in_b[j]) > 0
                or _sign(in_a[j]) == _sign(in_b[j]) == 0
                for j in shared
            )
            opposite = any(_sign(in_a[j]) * _sign(in_b[j]) < 0 for j in shared)
            counts["M8"] += same
            counts["M9"] += opposite
    values.update({name: float(count) for name, count in counts.items()})
    grown = [tree_importance(X, y) for y in (a, b)]
    per_option = [
        np.array([importance[list(columns)].sum() for columns in groups])
        for importance in grown
    ]
    correlation = pearson if importance_correlation == "pearson" else spearman
    values["M10"] = correlation(*per_option)


def _significant(flip: Flip | None) -> bool:
    return flip is not None and flip.significant


def _sign(flip: Flip | None) -> float:
    return float(np.sign(flip.median)) if flip is not None else 0.0


def _terms(values: dict[str, float], X: Floats, a: Floats, b: Floats) -> None:
    """M11 to M14: terms of two stepwise models, with intercept and main effects."""
    terms_a, terms_b = stepwise_terms(X, a), stepwise_terms(X, b)
    common = [term for term in terms_a if term in terms_b]
    values["M11"], values["M12"] = float(len(terms_a)), float(len(terms_b))
    values["M13"] = float(len(common))
    values["M14"] = pearson(
        np.array([terms_a[t] for t in common]), np.array([terms_b[t] for t in common])
    )


def _validity(
    values: dict[str, float],
    C: Floats,
    valid_a: NDArray[np.bool_],
    valid_b: NDArray[np.bool_],
) -> None:
    """M15 to M18: how many configurations are invalid, and where."""
    values["M15"] = float(np.mean(~valid_a))
    values["M16"] = float(np.mean(~valid_b))
    either = int(np.sum(~valid_a | ~valid_b))
    if either:
        values["M17"] = int(np.sum(~(valid_a & valid_b))) / either
    if np.any(~valid_a) and np.any(~valid_b):
        values["M18"] = pearson(
            logistic_coefficients(C, ~valid_a), logistic_coefficients(C, ~valid_b)
        )
