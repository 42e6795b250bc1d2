"""The networks that a machine offers: those with a name, and the user's files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from measure.errors import RunFailed, WorkloadError
from measure.workloads.artefacts import plain_network
from measure.workloads.networks import BUILT_IN, Network, find_network, workload_of

INSPECT = "measure.workloads.building:inspect"
Inspector = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Runs a target on a job in a process that has TensorFlow."""


def offered_networks(words: Iterable[str], inspect: Inspector) -> dict[str, Network]:
    """Return all networks with a name, and those of files among a user's words.

    Parameters
    ----------
    words : iterable of str
        What the user wrote; what names no file is left for others to judge.
    inspect : callable
        Looks into a file.

    Returns
    -------
    dict of str to Network
        With the workloads that fit each.

    Raises
    ------
    WorkloadError
        If a file is not there or cannot be read.

    Examples
    --------
    >>> list(offered_networks(["resnet"], lambda target, job: {}))
    ['resnet50', 'mobilenetv2', 'tcn']
    """
    found = dict(BUILT_IN)
    for word in words:
        network = _file_network(word)
        if network is not None:
            found[network.name] = _inspected(network, inspect)
    return found


def _file_network(word: str) -> Network | None:
    """Return the network of a file; None where a word names no file."""
    try:
        network = find_network(word)
    except WorkloadError:
        if Path(word).suffix:
            raise
        return None
    return network if network.file is not None else None


def _inspected(network: Network, inspect: Inspector) -> Network:
    """Look into a file for the shape of its input."""
    try:
        found = inspect(INSPECT, plain_network(network))
    except RunFailed as failure:
        raise WorkloadError(
            f"network {network.name!r} cannot be read as a {network.format} file: "
            f"{failure.reason}"
        ) from failure
    shape, dtype = tuple(found["shape"]), str(found["dtype"])
    workloads = (workload_of(shape, dtype),)
    return replace(network, shape=shape, dtype=dtype, workloads=workloads)
