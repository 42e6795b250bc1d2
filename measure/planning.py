"""From what is asked for to a plan: which environments, which runs, in which order."""

from __future__ import annotations

import itertools
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.configuration import Configuration
from measure.errors import SweepError, WorkloadError
from measure.levels import Level, plain
from measure.protocol import MeasurementProtocol, Slot, run_order
from measure.records import Environment, Plan, PlannedRun

if TYPE_CHECKING:
    from measure.designs.base import Design
    from measure.devices.base import Device

#: What a word means where several networks begin with it.
PREFERRED = {"mobilenet": "mobilenetv2", "resnet": "resnet50"}
#: Networks of a sweep that names none, as far as the device has them.
USUAL_NETWORKS = ("resnet50", "mobilenetv2")
#: Environment columns that a label may rename.
LABELS = ("device", "version")
#: Seconds that a run takes beside its measuring time, if the device cannot tell:
#: fork, load, warm-up.
RUN_OVERHEAD_S = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Networks and workloads that are to be measured.

    Parameters
    ----------
    pairs : tuple of (str, str)
        Network and workload, in the order asked for.
    left_out : tuple of str
        Pairs that do not fit, as ``network/workload``.
    """

    pairs: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...] = ()


def select(
    device: Device,
    networks: Sequence[str] | None = None,
    workloads: Sequence[str] | None = None,
) -> Selection:
    """Return which networks are measured on which workloads.

    Parameters
    ----------
    device : Device
        What offers them.
    networks : sequence of str, optional
        Names or unambiguous prefixes; ResNet50 and MobileNetV2 by default, or all
        that the device has where it has neither.
    workloads : sequence of str, optional
        Names; each network's first by default.

    Returns
    -------
    Selection
        Pairs that fit, and the others.

    Raises
    ------
    WorkloadError
        If a network or workload is unknown, or no pair fits.
    """
    offered = device.networks()
    if networks is None:
        usual = [name for name in USUAL_NETWORKS if name in offered]
        chosen = usual or list(offered)
    else:
        chosen = [match_network(word, list(offered), device.name) for word in networks]
    chosen = list(dict.fromkeys(chosen))
    if workloads is None:
        return Selection(pairs=tuple((name, offered[name][0]) for name in chosen))
    known = dict.fromkeys(w for fitting in offered.values() for w in fitting)
    for word in workloads:
        if word not in known and not _is_sized(word, known):
            raise WorkloadError(
                f"device {device.name}: no workload {word!r}; choose from "
                f"{', '.join(known)}"
            )
    wanted = dict.fromkeys(workloads)
    fits: list[tuple[str, str]] = []
    misfits: list[tuple[str, str]] = []
    for name, word in itertools.product(chosen, wanted):
        good = word in offered[name] or _is_sized(word, dict.fromkeys(offered[name]))
        (fits if good else misfits).append((name, word))
    if not fits:
        offers = "; ".join(f"{n}: {', '.join(offered[n])}" for n in chosen)
        raise WorkloadError(
            f"device {device.name}: none of {', '.join(wanted)} fits any of "
            f"{', '.join(chosen)}; choose from {offers}"
        )
    return Selection(
        pairs=tuple(fits), left_out=tuple("/".join(pair) for pair in misfits)
    )


def match_network(word: str, offered: Sequence[str], device: str) -> str:
    """Return the network that a word names.

    Parameters
    ----------
    word : str
        A name, or the beginning of one.
    offered : sequence of str
        What there is.
    device : str
        For the message.

    Returns
    -------
    str
        An exact name wins, else the only one that begins so; ``resnet`` is
        ``resnet50`` and ``mobilenet`` is ``mobilenetv2`` where there are several.

    Raises
    ------
    WorkloadError
        If there is none, or several.

    Examples
    --------
    >>> match_network("resnet", ["resnet152", "resnet50", "tcn"], "host")
    'resnet50'
    """
    if word in offered:
        return word
    found = [name for name in offered if name.startswith(word)]
    if len(found) > 1 and PREFERRED.get(word) in found:
        return PREFERRED[word]
    if len(found) == 1:
        return found[0]
    what = f"could be {', '.join(found)}" if found else "is unknown"
    raise WorkloadError(
        f"device {device}: network {word!r} {what}; choose from {', '.join(offered)}"
    )


def run_time_s(
    device: Device, pair: tuple[str, str], protocol: MeasurementProtocol
) -> float:
    """Estimate how long one run takes.

    Parameters
    ----------
    device : Device
        Asked, if it has an idea (a method ``run_time_s``).
    pair : tuple of (str, str)
        Network and workload.
    protocol : MeasurementProtocol
        How it is measured.

    Returns
    -------
    float
        Seconds.
    """
    own = getattr(device, "run_time_s", None)
    if own is not None:
        return float(own(*pair, protocol.timing())) + protocol.cool_down_s
    if device.simulated:
        return 0.005 + float(getattr(device, "delay_s", 0.0))
    return RUN_OVERHEAD_S + protocol.seconds + protocol.cool_down_s


def runs_that_fit(
    budget_s: float,
    device: Device,
    pairs: Sequence[tuple[str, str]],
    protocol: MeasurementProtocol,
) -> int:
    """Estimate how many design rows fit a budget, reference runs allowed for.

    Parameters
    ----------
    budget_s : float
        Time there is.
    device : Device
        What measures.
    pairs : sequence of (str, str)
        Networks and workloads; each measures every row.
    protocol : MeasurementProtocol
        Replicates and times.

    Returns
    -------
    int
        At least one.
    """
    ends_s = runs_time_s(0, device, pairs, protocol)
    row_s = runs_time_s(1, device, pairs, protocol) - ends_s
    return max(1, math.floor((budget_s - ends_s) / row_s))


def runs_time_s(
    rows: int,
    device: Device,
    pairs: Sequence[tuple[str, str]],
    protocol: MeasurementProtocol,
) -> float:
    """Estimate how long measuring so many design rows takes, reference runs included.

    Parameters
    ----------
    rows : int
        Rows of the design.
    device : Device
        What measures.
    pairs : sequence of (str, str)
        Networks and workloads; each measures every row.
    protocol : MeasurementProtocol
        Replicates and times.

    Returns
    -------
    float
        Seconds.
    """
    each_s = sum(run_time_s(device, pair, protocol) for pair in pairs)
    runs = rows * protocol.replicates
    return each_s * (runs * (1 + 1 / protocol.reference_every) + 2)


def make_plan(
    device: Device,
    pairs: Sequence[tuple[str, str]],
    design: Design,
    protocol: MeasurementProtocol,
    *,
    held: Mapping[str, Level] | None = None,
    labels: Mapping[str, str] | None = None,
    device_arguments: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Plan:
    """Return the plan of a sweep: every run in its place.

    Each environment runs the same rows, each in its own random order. They take
    turns from reference run to reference run, so that a drift of the machine, or an
    early end, meets all of them alike.

    Parameters
    ----------
    device : Device
        What measures.
    pairs : sequence of (str, str)
        Networks and workloads.
    design : Design
        The rows.
    protocol : MeasurementProtocol
        How each is measured.
    held : mapping of str to level, optional
        Options held at one level.
    labels : mapping of str to str, optional
        The user's names for the device and the version.
    device_arguments : mapping, optional
        What opening the device takes beside its address.
    seed : int, default=0
        Of the order.

    Returns
    -------
    Plan
        With a new sweep identifier.

    Raises
    ------
    SweepError
        If a label is unknown, or the design has no rows.
    """
    held, labels = dict(held or {}), dict(labels or {})
    unknown = [name for name in labels if name not in LABELS]
    if unknown:
        raise SweepError(
            f"label {unknown[0]!r} is unknown; choose from {', '.join(LABELS)}"
        )
    rows = _configurations(design, held)
    if not rows:
        raise SweepError(f"the design {design.name} has no rows; nothing to measure")
    rng = np.random.default_rng(seed)
    groups = {
        name: [int(value) for value in design.frame[name]]
        for name in ("block", "whole_plot")
        if name in design.frame
    }
    orders = [
        run_order(
            len(rows),
            rng,
            replicates=protocol.replicates,
            reference_every=protocol.reference_every,
            blocks=groups.get("block"),
            whole_plots=groups.get("whole_plot"),
        )
        for _ in pairs
    ]
    reference = Configuration({**design.space.reference(), **held})
    runs = tuple(
        _planned(slot, pairs[index], rows, reference)
        for index, slot in _take_turns(orders)
    )
    environments = tuple(
        labelled(device.environment(network, workload), labels)
        for network, workload in pairs
    )
    return Plan(
        sweep_id=_new_id(),
        created_at=now(),
        device=device.address,
        device_arguments=dict(device_arguments or {}),
        labels=labels,
        space=design.space.to_dict(),
        held=held,
        reference=reference,
        design=_described(design),
        protocol=protocol.to_dict(),
        seed=seed,
        runs=runs,
        environments=environments,
    )


def labelled(environment: Environment, labels: Mapping[str, str]) -> Environment:
    """Return an environment under the user's names.

    Parameters
    ----------
    environment : Environment
        As the device tells it.
    labels : mapping of str to str
        New values of its columns.

    Returns
    -------
    Environment
        Its fingerprint is as it was.
    """
    return replace(
        environment,
        device=labels.get("device", environment.device),
        version=labels.get("version", environment.version),
    )


def now() -> str:
    """Return the present time.

    Returns
    -------
    str
        UTC, ISO 8601, with microseconds.
    """
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def _configurations(design: Design, held: Mapping[str, Level]) -> list[Configuration]:
    names = design.space.names
    columns = [[plain(value) for value in design.frame[name]] for name in names]
    return [
        Configuration({**dict(zip(names, levels)), **held}) for levels in zip(*columns)
    ]


def _planned(
    slot: Slot,
    pair: tuple[str, str],
    rows: Sequence[Configuration],
    reference: Configuration,
) -> PlannedRun:
    return PlannedRun(
        network=pair[0],
        workload=pair[1],
        configuration=reference if slot.row is None else rows[slot.row],
        role="reference" if slot.row is None else "design",
        replicate=slot.replicate,
        block=slot.block or 0,
        whole_plot=slot.whole_plot,
    )


def _take_turns(orders: Sequence[list[Slot]]) -> list[tuple[int, Slot]]:
    """Return (environment, slot) so that the orders alternate at reference runs."""
    pieces = [_pieces(order) for order in orders]
    turns: list[tuple[int, Slot]] = []
    for together in itertools.zip_longest(*pieces):
        for index, piece in enumerate(together):
            turns += [(index, slot) for slot in piece or ()]
    return turns


def _pieces(order: Sequence[Slot]) -> list[list[Slot]]:
    """Cut an order before each reference run."""
    pieces: list[list[Slot]] = []
    for slot in order:
        if slot.row is None:
            pieces.append([])
        pieces[-1].append(slot)
    return pieces


def _described(design: Design) -> dict[str, Any]:
    """Return what a plan keeps of its design beside the rows."""
    return {
        "name": design.name,
        "model": design.model,
        "terms": [str(term) for term in design.terms],
        "left_out": [str(term) for term in design.left_out],
        "columns": int(design.matrix.shape[1]),
        "rows": len(design.frame),
        "seed": design.seed,
        "iterations": design.iterations,
        "criterion": design.criterion,
        "notes": list(design.notes),
    }


def _new_id() -> str:
    """Return an identifier that sorts by time and is unique."""
    return datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)


def _is_sized(word: str, known: Mapping[str, Any]) -> bool:
    """Tell whether a word is ``images-N`` where images are known."""
    name, _, size = word.rpartition("-")
    return name in known and size.isdigit() and int(size) > 0
