"""Configurations that were tried and failed: nothing may recommend them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from measure.spelling import several

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from measure.space import ConfigurationSpace
    from perfmodel.dataset import PerformanceDataset

__all__ = ["failed_configurations", "left_out"]


def failed_configurations(
    data: PerformanceDataset, space: ConfigurationSpace | None = None
) -> NDArray[np.int64]:
    """Find the configurations of which every run failed.

    Parameters
    ----------
    data : PerformanceDataset
        Runs of one environment. A run without any response failed, unless a column
        ``status`` about the runs says otherwise.
    space : ConfigurationSpace, optional
        The options and levels to tell them by; by default those of the data.

    Returns
    -------
    ndarray of int, shape (n, n_options)
        Positions in each option's levels, a row a configuration.

    Examples
    --------
    >>> import pandas as pd
    >>> from perfmodel.dataset import PerformanceDataset
    >>> frame = pd.DataFrame({"threads": [1, 2, 4, 4], "time": [8.0, None, None, 3.0]})
    >>> data = PerformanceDataset.from_frame(
    ...     frame, options=["threads"], response="time")
    >>> failed_configurations(data).tolist()
    [[1]]
    """
    space = data.space if space is None else space
    names = list(space.names)
    if not set(names) <= set(data.frame.columns):
        return np.empty((0, len(names)), dtype=np.int64)
    frame = data.frame[data.frame[names].notna().all(axis=1)]
    for option in space.options:
        frame = frame[frame[option.name].isin(option.levels)]
    failed = frame[list(data.responses)].isna().all(axis=1).to_numpy()
    if "status" in data.meta:
        failed = failed & (frame["status"] != "done").to_numpy()
    tried = [tuple(row) for row in space.encode(frame).tolist()]
    worked = {row for row, bad in zip(tried, failed, strict=True) if not bad}
    gone = dict.fromkeys(
        row for row, bad in zip(tried, failed, strict=True) if bad and row not in worked
    )
    return np.array(list(gone), dtype=np.int64).reshape(-1, len(names))


def left_out(count: int) -> tuple[str, ...]:
    """Say that configurations failed and are not recommended.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    tuple of str
        One line, or none.

    Examples
    --------
    >>> left_out(1)
    ('1 configuration was tried and failed: left out of the best',)
    """
    if not count:
        return ()
    verb = "was" if count == 1 else "were"
    return (
        f"{several(count, 'configuration')} {verb} tried and failed: left out of the "
        "best",
    )
