"""From what is asked for to a plan: which environments, which runs, in which order."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.changing import changes_of, usual_change_s
from measure.configuration import Configuration
from measure.devices.base import RecordedDevice
from measure.devices.command_line import with_defaults
from measure.errors import SweepError
from measure.levels import Level, plain
from measure.protocol import MeasurementProtocol, Slot, run_orders, take_turns
from measure.records import Environment, Plan, PlannedRun
from measure.terms import d_efficiency

if TYPE_CHECKING:
    from measure.designs.base import Design
    from measure.devices.base import Device

#: Environment columns that a label may rename.
LABELS = ("device", "version")


def run_time_s(
    device: Device, pair: tuple[str, str], protocol: MeasurementProtocol
) -> float:
    """Estimate how long one run takes.

    Parameters
    ----------
    device : Device
        Asked.
    pair : tuple of (str, str)
        Network and workload.
    protocol : MeasurementProtocol
        How it is measured.

    Returns
    -------
    float
        Seconds.
    """
    return device.run_time_s(*pair, protocol.timing()) + protocol.cool_down_s


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
    early end, meets all of them alike; whole plots are visited by all of them in turn.
    A device that answers from recorded runs has no reference runs.

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
        Options held at one level; names in a command that are neither varied nor held
        are held at their defaults.
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
        If a label is unknown, or the design has no rows, or one that a device which
        answers from recorded runs does not have.
    """
    held, labels = with_defaults(device, design.space.names, held or {}), dict(
        labels or {}
    )
    unknown = [name for name in labels if name not in LABELS]
    if unknown:
        raise SweepError(
            f"label {unknown[0]!r} is unknown; choose from {', '.join(LABELS)}"
        )
    rows = _configurations(design, held)
    if not rows:
        raise SweepError(f"the design {design.name} has no rows; nothing to measure")
    is_replay = _refuse_unrecorded(device, pairs, design.name, rows)
    rng = np.random.default_rng(seed)
    groups = {
        name: [int(value) for value in design.frame[name]]
        for name in ("block", "whole_plot")
        if name in design.frame
    }
    orders = run_orders(
        len(pairs),
        len(rows),
        rng,
        replicates=protocol.replicates,
        reference_every=protocol.reference_every,
        blocks=groups.get("block"),
        whole_plots=groups.get("whole_plot"),
    )
    reference = Configuration({**design.space.reference(), **held})
    runs = tuple(
        _planned(slot, pairs[index], rows, reference)
        for index, slot in take_turns(orders)
        if not (is_replay and slot.row is None)
    )
    row_s = sum(run_time_s(device, pair, protocol) for pair in pairs)
    changes = _changes(design, runs, None if is_replay else row_s, protocol.replicates)
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
        design={**_described(design), **changes},
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


def _refuse_unrecorded(
    device: Device,
    pairs: Sequence[tuple[str, str]],
    design: str,
    rows: Sequence[Configuration],
) -> bool:
    """Refuse rows that a recording lacks; tell whether the device is one."""
    if not isinstance(device, RecordedDevice):
        return False
    for pair in pairs:
        missing = device.lacks(*pair, rows)
        if missing:
            more = f" and {len(missing) - 1} others" if len(missing) > 1 else ""
            raise SweepError(
                f"{device.address}: the design {design} asks for {missing[0].key}"
                f"{more}, not recorded for {'/'.join(pair)}; choose --design d-optimal,"
                " random or full-factorial, which take recorded configurations only"
            )
    return True


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


def _described(design: Design) -> dict[str, Any]:
    """Return what a plan keeps of its design beside the rows."""
    return {
        "name": design.name,
        "model": design.model,
        "terms": [str(term) for term in design.terms],
        "left_out": [str(term) for term in design.left_out],
        "columns": int(design.matrix.shape[1]),
        "d_efficiency": d_efficiency(design.matrix),
        "rows": len(design.frame),
        "seed": design.seed,
        "iterations": design.iterations,
        "criterion": design.criterion,
        "notes": list(design.notes),
    }


def _changes(
    design: Design, runs: Sequence[PlannedRun], run_s: float | None, replicates: int
) -> dict[str, Any]:
    """Return what setting dear options takes, and a note of it.

    `run_s` is what the runs of one row take; None: nothing is measured.
    """
    order = [run.configuration for run in runs]
    movable = [run.role == "design" for run in runs]
    found = None if run_s is None else changes_of(design.space, order, movable)
    if found is None or run_s is None:
        return {}
    plotted_s = None
    if "whole_plot" not in design.frame:
        from measure.designs.whole_plots import usual_plots

        rows = design.runs
        plots = usual_plots(design.space, rows, design.model, run_s=run_s) * replicates
        plotted_s = plots * usual_change_s(design.space)
        plotted_s = None if plotted_s >= found.planned_s else plotted_s
    note = found.describe(plotted_s)
    return {"changes": found.to_dict(), "notes": [*design.notes, note]}


def _new_id() -> str:
    """Return an identifier that sorts by time and is unique."""
    return datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)
