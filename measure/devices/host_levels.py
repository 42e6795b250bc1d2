"""From the levels of a configuration to what a measured process is told, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from measure.devices.board_readings import (
    ENERGIES,
    NO_QUICK_ENERGY,
    energy_readings,
    missing,
)
from measure.devices.host_options import is_x86, refuse_impossible
from measure.energy import Energy
from measure.errors import RunFailed
from measure.records import Reading
from measure.workloads.base import Timing
from measure.workloads.networks import Network

_OVERHEAD_S = {"resnet50": 3.0, "mobilenetv2": 1.1, "tcn": 0.6}
_USUAL_OVERHEAD_S = 1.1
_NOT_INHERITED = ("ONEDNN_VERBOSE", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")


def complete_levels(
    network: Network, configuration: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a level for each option, as TensorFlow has them where none is given.

    Parameters
    ----------
    network : Network
        A TFLite file runs on TFLite.
    configuration : mapping
        Levels that are set.

    Returns
    -------
    dict
        Levels of all options.

    Raises
    ------
    RunFailed
        If two of them exclude each other.
    """
    usual = {
        "backend": "tflite" if network.format == "tflite" else "graph",
        "threads": len(os.sched_getaffinity(0)),
        "batch_size": 1,
        "precision": "float32",
        "onednn": True,
        "isa": "default",
    }
    levels = {**usual, **configuration}
    refuse_impossible(levels)
    return levels


def variables(levels: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables that a configuration sets.

    Parameters
    ----------
    levels : mapping
        Of all options.

    Returns
    -------
    dict of str to str
        Those that may be set after TensorFlow is imported.

    Examples
    --------
    >>> variables({"backend": "graph", "isa": "AVX2"})["ONEDNN_MAX_CPU_ISA"]
    'AVX2'
    """
    found = {}
    if levels["backend"] == "graph":
        # Printed as kernels are made, in the first call: none in those measured.
        found["ONEDNN_VERBOSE"] = "profile_create"
        if levels["isa"] != "default":
            found["ONEDNN_MAX_CPU_ISA"] = str(levels["isa"])
    return found


def import_variables(onednn: bool) -> dict[str, str | None]:
    """Return the environment variables that count before TensorFlow is imported.

    Parameters
    ----------
    onednn : bool
        Whether oneDNN's kernels are used.

    Returns
    -------
    dict of str to str or None
        None for those of the user's shell that would act where no level sets them.
    """
    found: dict[str, str | None] = dict.fromkeys(_NOT_INHERITED)
    if is_x86():
        found["TF_ENABLE_ONEDNN_OPTS"] = str(int(onednn))
    return found


def check_read_back(
    asked: Mapping[str, Any], observed: Mapping[str, Any], how: Mapping[str, str]
) -> None:
    """Raise if a level that can be read is not the one that was asked for.

    Parameters
    ----------
    asked, observed : mapping
        Levels; None where one cannot be read.
    how : mapping of str to str
        How each was read.

    Raises
    ------
    RunFailed
        With what was set and what was read.
    """
    for name, level in asked.items():
        if observed[name] is not None and observed[name] != level:
            raise RunFailed(
                f"{name}: {level} was set and {observed[name]} read back "
                f"({how[name]}); the run does not count",
                final=True,
            )


def energy_of_run(
    energy: Energy | None, why: str, *, calls: int, batch: int, quick: bool
) -> tuple[Reading, ...]:
    """Return what a run's energy says of one call.

    Parameters
    ----------
    energy : Energy or None
        Of the window.
    why : str
        Why there is none.
    calls, batch : int
        In the window, and items in each.
    quick : bool
        Whether mean power is all that counts.

    Returns
    -------
    tuple of Reading
        Missing ones with their reason.
    """
    if energy is None:
        return missing(("power_w", *ENERGIES), why)
    found = energy_readings(energy, calls, batch)
    return (found[0], *missing(ENERGIES, NO_QUICK_ENERGY)) if quick else found


def run_time_s(network: str, timing: Timing) -> float:
    """Estimate how long one run takes, on average over the usual options.

    Parameters
    ----------
    network : str
        Its name.
    timing : Timing
        How long is measured.

    Returns
    -------
    float
        Seconds: forking, loading, the first call, measuring.

    Examples
    --------
    >>> run_time_s("resnet50", Timing()) > run_time_s("mobilenetv2", Timing())
    True
    """
    overhead_s = _OVERHEAD_S.get(network, _USUAL_OVERHEAD_S)
    return timing.seconds + overhead_s / (2 if timing.quick else 1)
