"""Real inputs that installed packages carry, found without importing the packages."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from measure.errors import WorkloadError

Array = np.ndarray[Any, np.dtype[np.float32]]

PHOTOGRAPHS = (
    ("sklearn", "datasets/images/china.jpg", "scikit-learn"),
    ("sklearn", "datasets/images/flower.jpg", "scikit-learn"),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "matplotlib"),
)
"""Package, path in it, and the distribution that installs it."""
SERIES = (
    ("statsmodels", "datasets/elnino/elnino.csv", "statsmodels"),
    ("statsmodels", "datasets/sunspots/sunspots.csv", "statsmodels"),
)
"""Monthly sea temperatures and yearly numbers of sunspots."""


def find_file(package: str, path: str, distribution: str) -> Path:
    """Return a file that an installed package carries.

    Parameters
    ----------
    package : str
        Name of a top-level package; it is not imported.
    path : str
        Within the package.
    distribution : str
        What to install where it is missing.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    WorkloadError
        If the package or the file is not there.
    """
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(folder) / path
        if file.is_file():
            return file
    raise WorkloadError(
        f"input {Path(path).name} is not there; install {distribution}, which "
        "carries it"
    )


def photographs() -> list[Path]:
    """Return the photographs that are there.

    Returns
    -------
    list of pathlib.Path
        At least one.

    Raises
    ------
    WorkloadError
        If there is none.

    Examples
    --------
    >>> photographs()[0].name
    'china.jpg'
    """
    found = []
    for entry in PHOTOGRAPHS:
        try:
            found.append(find_file(*entry))
        except WorkloadError as error:
            missing = error
    if not found:
        raise missing
    return found


def series() -> list[Array]:
    """Return time series, each with mean 0 and standard deviation 1.

    Returns
    -------
    list of ndarray, shape (n_values,)
        732 months of sea temperature, 309 years of sunspots.

    Examples
    --------
    >>> [len(one) for one in series()]
    [732, 309]
    """
    found = []
    for entry in SERIES:
        with find_file(*entry).open(newline="") as file:
            rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
        # The first column is the year; the others follow each other in time.
        values = np.array(rows)[:, 1:].ravel()
        values = (values - values.mean()) / values.std()
        found.append(values.astype(np.float32))
    return found


def windows(length: int, count: int) -> Array:
    """Return windows of the time series, evenly spread over them.

    Parameters
    ----------
    length : int
        Values in each.
    count : int
        Number of windows.

    Returns
    -------
    ndarray, shape (count, length, 1)
        Windows, one channel each.
    """
    sources = series()
    cut = []
    for position in range(count):
        values = sources[position % len(sources)]
        room = len(values) - length
        start = (position * 37) % (room + 1)
        cut.append(values[start : start + length])
    return np.stack(cut)[..., np.newaxis]


def random_values(shape: tuple[int, ...], dtype: str, seed: int) -> Any:
    """Return random numbers for an input that nothing real fits.

    Parameters
    ----------
    shape : tuple of int
        The batch included.
    dtype : str
        Whole numbers are 0 or 1, which any table of at least two words has.
    seed : int
        Of the random numbers.

    Returns
    -------
    ndarray
        Standard normal where `dtype` is floating.
    """
    rng = np.random.default_rng(seed)
    if np.issubdtype(np.dtype(dtype), np.floating):
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 2, shape).astype(dtype)
