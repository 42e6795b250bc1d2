"""Whether noise or the model is to blame where nothing could be learned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perfmodel.catalogue import AUTO

if TYPE_CHECKING:
    from perfmodel.dataset import PerformanceDataset

__all__ = ["Repeats", "how_to_go_on", "repeats_of"]

FEWEST = 3
"""Degrees of freedom of the repeats below which their scatter says nothing."""
FAR_APART = 10.0
"""Variance between configurations, over that of their means by noise: no noise."""
FROM_RUNS = (
    "more runs or replicates, a quieter machine (`python -m measure check` says what "
    "disturbed), or another response"
)
LEVELS = (
    "more levels between the ends (`python -m measure sweep --design random`, or "
    "--model quadratic)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """How far runs of one configuration differ, and how far configurations do.

    Parameters
    ----------
    percent : float
        Standard deviation of a run about the mean of its configuration.
    fold : float
        Largest mean of a configuration over the smallest.
    noise_is_small : bool
        Whether noise explains little of how configurations differ.
    """

    percent: float
    fold: float
    noise_is_small: bool


def repeats_of(data: PerformanceDataset) -> Repeats | None:
    """Compare repeated runs of configurations.

    Parameters
    ----------
    data : PerformanceDataset
        One environment and response.

    Returns
    -------
    Repeats or None
        None if there are too few repeats, or a response is not above 0.

    Examples
    --------
    >>> import pandas as pd
    >>> from perfmodel.dataset import PerformanceDataset
    >>> frame = pd.DataFrame({"threads": [1, 2, 4] * 2,
    ...                       "time": [9.0, 1.0, 5.0, 9.1, 1.01, 5.0]})
    >>> found = repeats_of(PerformanceDataset.from_frame(
    ...     frame, options=["threads"], response="time"))
    >>> found.noise_is_small, round(found.percent, 1), round(found.fold, 1)
    (True, 0.6, 9.0)
    """
    names = list(data.space.names)
    runs = data.frame[[*names, data.response]].dropna()
    if (runs[data.response] <= 0).any():
        return None
    logs = runs[data.response].astype(float).map(math.log)
    groups = logs.groupby([runs[name] for name in names], observed=True)
    sizes, means = groups.size(), groups.mean()
    free = int((sizes - 1).sum())
    if free < FEWEST or len(means) < FEWEST:
        return None
    within = float(((logs - groups.transform("mean")) ** 2).sum()) / free
    between = float(means.var(ddof=1))
    by_noise = within * float((1 / sizes).mean())
    return Repeats(
        percent=100 * math.expm1(math.sqrt(within)),
        fold=math.exp(float(np.ptp(means.to_numpy()))),
        noise_is_small=between > FAR_APART * by_noise,
    )


def how_to_go_on(repeats: Repeats | None, model: str, chosen: bool) -> str:
    """Say what to do where nothing could be learned.

    Parameters
    ----------
    repeats : Repeats or None
        Of the runs.
    model : str
        Name of the model that did not fit.
    chosen : bool
        Whether it was the best of several.

    Returns
    -------
    str
        In one line.

    Examples
    --------
    >>> found = Repeats(percent=0.8, fold=13.0, noise_is_small=True)
    >>> how_to_go_on(found, "stepwise", False)[:69]
    'replicates agree within 0.8 % and configurations spread 13-fold, so t'
    """
    if repeats is None or not repeats.noise_is_small:
        return f"how to go on: {FROM_RUNS}"
    others = [] if chosen else [AUTO]
    if model != "gaussian-process":
        others.append("gaussian-process")
    ways = [f"--model {' or '.join(others)}"] if others else []
    return (
        f"replicates agree within {repeats.percent:.2g} % and configurations spread "
        f"{repeats.fold:.3g}-fold, so the noise is small: the model does not fit; try "
        + ", or ".join([*ways, LEVELS])
    )
