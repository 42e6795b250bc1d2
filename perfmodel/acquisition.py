"""Which runs are worth most: the first ones on a target, by what its source says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import ModelError

__all__ = ["stratified_rows"]


def stratified_rows(
    prediction: NDArray[np.float64], runs: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Choose configurations spread over the range that a source predicts.

    The configurations are ordered by the prediction and cut into as many equal parts
    as there are runs; one is drawn from each. Few runs then see fast and slow
    configurations alike, which random ones need not.

    Parameters
    ----------
    prediction : ndarray of shape (n,)
        What the source says of each configuration.
    runs : int
        How many to choose.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray of shape (runs,)
        Distinct rows, ascending.

    Raises
    ------
    ModelError
        If there are fewer configurations than runs, or no run is asked for.

    Examples
    --------
    >>> rows = stratified_rows(np.arange(9.0), 3, np.random.default_rng(0))
    >>> [int(row) // 3 for row in rows]
    [0, 1, 2]
    """
    if not 1 <= runs <= len(prediction):
        raise ModelError(
            f"{runs} runs of {len(prediction)} configurations were asked for; choose "
            f"1 to {len(prediction)}"
        )
    shuffled = rng.permutation(len(prediction))  # so that ties are cut at random
    order = shuffled[np.argsort(prediction[shuffled], kind="stable")]
    chosen = [rng.choice(part) for part in np.array_split(order, runs)]
    return np.sort(np.asarray(chosen, dtype=np.intp))
