"""Shape of a response's distribution: the divergence that ASE 2017 prints as M2."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

N_BINS = 1000
KERNEL_REACH = 4.0  # standard deviations; farther kernels count as zero ...
FEW_PAIRS = 3e4  # ... once there are more than this many kernel evaluations
MAD_OF_NORMAL = 0.6745


def nice_edges(
    values: NDArray[np.float64], n_bins: int = N_BINS
) -> NDArray[np.float64]:
    """Edges of uniform bins whose left edge and width are round numbers.

    The left edge is rounded down to a multiple of the raw width's leading digit; the
    width is then rounded up within what still leaves the largest value in the last bin.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite values.
    n_bins : int, default=1000
        Number of bins, two or more.

    Returns
    -------
    ndarray of shape (n_bins + 1,)
        The edges.

    Examples
    --------
    >>> nice_edges(np.array([0.12, 9.7]), n_bins=4).tolist()
    [0.0, 2.5, 5.0, 7.5, 10.0]
    """
    low, high = float(np.min(values)), float(np.max(values))
    scale = max(abs(low), abs(high))
    if high - low <= math.sqrt(np.spacing(scale)):
        return np.linspace(low - 0.5, low + 0.5, n_bins + 1)
    raw = max((high - low) / n_bins, float(np.spacing(scale)))
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * math.floor(raw / power)
    left = min(step * math.floor(low / step), low)
    least, most = (high - left) / n_bins, (high - left) / (n_bins - 1)
    power = 10.0 ** math.floor(math.log10(most - least))
    width = power * math.ceil(least / power)
    edges = left + width * np.arange(n_bins + 1)
    edges[-1] = max(edges[-1], high)
    return np.asarray(edges, dtype=float)


def kernel_density(
    values: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gaussian kernel density with the robust normal-reference bandwidth.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite values.
    points : ndarray of shape (m,)
        Where the density is wanted.

    Returns
    -------
    ndarray of shape (m,)
        The density.
    """
    n = len(values)
    spread = float(np.median(np.abs(values - np.median(values)))) / MAD_OF_NORMAL
    if spread <= 0:
        spread = float(np.ptp(values))
    width = spread * (4.0 / (3.0 * n)) ** 0.2 if spread > 0 else 1.0
    values = np.sort(values)
    z = (points[:, None] - values[None, :]) / width
    kernel = np.exp(-0.5 * z**2)
    if n * len(points) > FEW_PAIRS:
        kernel[np.abs(z) > KERNEL_REACH] = 0.0
        # The published numbers count the first value above the reach as well.
        rows = np.arange(len(points))
        after = np.searchsorted(values, points + KERNEL_REACH * width, side="right")
        after = np.minimum(after, n - 1)
        kernel[rows, after] = np.exp(-0.5 * z[rows, after] ** 2)
    return np.asarray(kernel.sum(axis=1) / (n * width * math.sqrt(2.0 * math.pi)))


def shape_kl(source: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Kullback-Leibler divergence of two distributions' shapes, source from target.

    Each distribution is taken on its own grid from its least to its greatest value, so
    a shift and a change of scale do not count; the value is not symmetric.

    Parameters
    ----------
    source, target : ndarray of shape (n,) and (m,)
        Finite responses.

    Returns
    -------
    float
        The divergence in nats, about 36 at most; NaN if a side has no value.

    References
    ----------
    .. [1] Jamshidi et al., "Transfer Learning for Performance Modeling of Configurable
       Systems: An Exploratory Analysis", ASE 2017, metric M2.

    Examples
    --------
    >>> x = np.linspace(1.0, 2.0, 50) ** 2
    >>> round(shape_kl(x, x), 6)
    0.0
    """
    if len(source) == 0 or len(target) == 0:
        return math.nan
    p = kernel_density(source, nice_edges(source))
    q = kernel_density(target, nice_edges(target)) + np.finfo(float).eps
    p, q = p / p.sum(), q / q.sum()
    there = p > 0
    return float(np.sum(p[there] * np.log(p[there] / q[there])))
