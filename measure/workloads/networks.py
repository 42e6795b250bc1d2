"""Networks by name or file, and the workloads that fit each. Imports no TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from measure.errors import WorkloadError
from measure.spelling import did_you_mean

USUAL_SIZE = 224
"""Pixels a side of ``images``."""
SMALLEST_SIZE, LARGEST_SIZE = 32, 2048
SERIES_LENGTH = 192
"""Values that a window of a time series has."""

_SIZED = re.compile(r"images-([1-9][0-9]*)")
_SUFFIXES = {".keras": "keras", ".h5": "keras", ".tflite": "tflite"}

Format = Literal["built-in", "keras", "tflite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network that can be measured.

    Parameters
    ----------
    name : str
        As the user writes it; the value of the environment column.
    workloads : tuple of str
        Inputs that fit it, the default first; empty until a file is looked into.
    weights : str
        Where the weights come from, for reports.
    file : pathlib.Path, optional
        The user's own file.
    format : {"built-in", "keras", "tflite"}
        What builds it.
    shape : tuple of int, optional
        Of one item of input; a file's own.
    dtype : str, default="float32"
        Of the input.
    """

    name: str
    workloads: tuple[str, ...] = ()
    weights: str = ""
    file: Path | None = None
    format: Format = "built-in"
    shape: tuple[int, ...] = ()
    dtype: str = "float32"


_RANDOM = (
    "random weights and batch statistics from a fixed seed: latency is that of the "
    "architecture, outputs mean nothing"
)
BUILT_IN = {
    network.name: network
    for network in (
        Network(name="resnet50", workloads=("images", "images-128"), weights=_RANDOM),
        Network(
            name="mobilenetv2", workloads=("images", "images-128"), weights=_RANDOM
        ),
        Network(
            name="tcn",
            workloads=("series",),
            weights="trained at set-up to forecast sea temperature and sunspots",
        ),
    )
}
"""The networks that need no file."""
_PREFERRED = {"mobilenet": "mobilenetv2", "resnet": "resnet50"}


def find_network(word: str, known: Iterable[str] = BUILT_IN) -> Network:
    """Return the network that a word names.

    Parameters
    ----------
    word : str
        A name, an unambiguous beginning of one, or a file.
    known : iterable of str
        Names to choose from.

    Returns
    -------
    Network
        A file's workloads and shape are not known yet.

    Raises
    ------
    WorkloadError
        If nothing, or several networks, are called so.

    Examples
    --------
    >>> find_network("mobile").name
    'mobilenetv2'
    """
    names = list(known)
    if word in names:
        return BUILT_IN[word]
    suffix = Path(word).suffix.lower()
    if suffix in _SUFFIXES:
        path = Path(word).expanduser()
        if not path.is_file():
            raise WorkloadError(f"network {word!r}: there is no such file")
        kind: Format = "tflite" if suffix == ".tflite" else "keras"
        return Network(name=word, weights="the file's own", file=path, format=kind)
    found = [name for name in names if name.startswith(word)] if word else []
    if len(found) > 1 and _PREFERRED.get(word) in found:
        found = [_PREFERRED[word]]
    if len(found) == 1:
        return BUILT_IN[found[0]]
    what = f"could be {', '.join(found)}" if found else "is unknown"
    raise WorkloadError(
        f"network {word!r} {what}; choose from {', '.join(names)}, or name a "
        f".keras or .tflite file{'' if found else did_you_mean(word, names)}"
    )


def image_size(workload: str) -> int | None:
    """Return the pixels a side of an image workload.

    Parameters
    ----------
    workload : str
        ``images`` or ``images-N``.

    Returns
    -------
    int or None
        None for a workload that is no images.

    Raises
    ------
    WorkloadError
        If the size is out of range.

    Examples
    --------
    >>> image_size("images"), image_size("images-96"), image_size("series")
    (224, 96, None)
    """
    if workload == "images":
        return USUAL_SIZE
    match = _SIZED.fullmatch(workload)
    if match is None:
        return None
    size = int(match.group(1))
    if not SMALLEST_SIZE <= size <= LARGEST_SIZE:
        raise WorkloadError(
            f"workload {workload!r}: choose {SMALLEST_SIZE} to {LARGEST_SIZE} pixels"
        )
    return size


def check_workload(network: Network, workload: str) -> None:
    """Raise unless a workload fits a network.

    Parameters
    ----------
    network : Network
        Its own workloads fit, and all sizes of image where ``images`` does.
    workload : str
        The workload.

    Raises
    ------
    WorkloadError
        If it does not fit.
    """
    if workload in network.workloads:
        return
    any_size = network.format == "built-in" and "images" in network.workloads
    if any_size and image_size(workload) is not None:
        return
    raise WorkloadError(
        f"network {network.name!r} has no workload {workload!r}; choose from "
        f"{', '.join(network.workloads)}" + (", images-N" if any_size else "")
    )


def workload_of(shape: tuple[int, ...], dtype: str) -> str:
    """Return the workload that a file's input asks for.

    Parameters
    ----------
    shape : tuple of int
        Of one item.
    dtype : str
        Of its values.

    Returns
    -------
    str
        ``images`` or ``images-N`` for a square colour image, else ``random``.

    Examples
    --------
    >>> workload_of((96, 96, 3), "float32"), workload_of((40, 1), "float32")
    ('images-96', 'random')
    """
    if len(shape) == 3 and shape[2] == 3 and shape[0] == shape[1]:
        if SMALLEST_SIZE <= shape[0] <= LARGEST_SIZE and dtype in _IMAGE_TYPES:
            return "images" if shape[0] == USUAL_SIZE else f"images-{shape[0]}"
    return "random"


_IMAGE_TYPES = ("float32", "uint8")
