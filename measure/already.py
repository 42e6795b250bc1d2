"""Rows of a design that a store holds runs of already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from measure.configuration import Configuration
from measure.counting import last_attempts
from measure.levels import Level, plain

if TYPE_CHECKING:
    from pathlib import Path

    from measure.designs.base import Design
    from measure.protocol import MeasurementProtocol
    from measure.records import Environment, Plan, Run

#: Of a protocol: how many runs are made, which changes none of them.
_HOW_MANY = ("replicates", "reference_every")


def already_measured(
    plans: Sequence[Plan],
    runs: Sequence[Run],
    design: Design,
    environments: Sequence[Environment],
    protocol: MeasurementProtocol,
    held: Mapping[str, Level],
) -> list[bool]:
    """Tell which rows of a design were measured, in every environment and as now.

    Parameters
    ----------
    plans, runs : sequence
        What a store holds.
    design : Design
        Its rows; one that stands twice must have been measured twice.
    environments : sequence of Environment
        Where they are to be measured; a run of another does not count.
    protocol : MeasurementProtocol
        How; a run made in another way, or too few repeats of a row, do not count.
    held : mapping of str to level
        Options beside the design.

    Returns
    -------
    list of bool
        One a row.
    """
    wanted = [
        Configuration({**dict(zip(design.space.names, levels)), **held})
        for levels in zip(
            *([plain(v) for v in design.frame[name]] for name in design.space.names)
        )
    ]
    same = {plan.sweep_id for plan in plans if _how(plan.protocol) == _how(protocol)}
    found = [True] * len(wanted)
    for environment in environments:
        there: Counter[Configuration] = Counter()
        for sweep in same:
            own = [r for r in runs if r.sweep_id == sweep]
            there.update(
                run.configuration
                for run in last_attempts(own).values()
                if run.status == "done"
                and run.role == "design"
                and run.environment == environment
            )
        for row, configuration in enumerate(wanted):
            found[row] &= there[configuration] >= protocol.replicates
            there[configuration] -= protocol.replicates
    return found


def rows_of_store(
    path: Path,
    design: Design,
    environments: Sequence[Environment],
    protocol: MeasurementProtocol,
    held: Mapping[str, Level],
) -> list[bool]:
    """Tell the same of a store on disk.

    Parameters
    ----------
    path : pathlib.Path
        A SQLite store.
    design : Design
        As for `already_measured`.
    environments : sequence of Environment
        As for `already_measured`.
    protocol : MeasurementProtocol
        As for `already_measured`.
    held : mapping of str to level
        As for `already_measured`.

    Returns
    -------
    list of bool
        One a row.
    """
    from measure.store import SqliteStore

    with SqliteStore(path, read_only=True) as store:
        plans, runs = store.plans(), store.runs()
    return already_measured(plans, runs, design, environments, protocol, held)


def _how(protocol: Any) -> dict[str, Any]:
    values = protocol if isinstance(protocol, Mapping) else protocol.to_dict()
    return {name: value for name, value in values.items() if name not in _HOW_MANY}
