"""A store as an exchange table: one row a run, options and responses as columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from measure.errors import SpaceError, StoreError
from measure.levels import Level
from measure.options import Option
from measure.records import Plan, Run
from measure.responses import UNITS
from measure.space import ConfigurationSpace
from measure.table import Table

#: Columns that tell environments apart.
ENVIRONMENT = ("device", "network", "workload", "version")
#: Columns about the run itself.
META = (
    "run_id",
    "sweep_id",
    "replicate",
    "order",
    "block",
    "whole_plot",
    "role",
    "status",
    "reason",
    "started_at",
)
#: A column of what was read back is the option's name with this.
READ = "_read"
#: A column of a response's standard uncertainty is the response's name with this.
UNCERTAINTY = "_u"


def to_table(
    plans: Sequence[Plan], runs: Sequence[Run], *, everything: bool = False
) -> Table:
    """Return the runs of sweeps as a table.

    Parameters
    ----------
    plans : sequence of Plan
        At least one.
    runs : sequence of Run
        Of those sweeps.
    everything : bool, default=False
        Reference and failed runs too, and ``NAME_read``, what was read back of each
        option; else one row a finished design run.

    Returns
    -------
    Table
        Option columns hold the level asked for; empty where an environment lacks
        the option.

    Raises
    ------
    StoreError
        If the sweeps have no space in common that a table can have.
    """
    import pandas as pd

    rows = [run for run in runs if everything or _is_result(run)]
    space, constant = joint_space(plans)
    held = {plan.sweep_id: plan.held for plan in plans}
    names = (*space.names, *constant)
    units = _units(rows)
    columns: dict[str, list[Any]] = {
        name: [getattr(run.environment, name) for run in rows] for name in ENVIRONMENT
    }
    levels = [{**held.get(run.sweep_id, {}), **run.configuration} for run in rows]
    for name in names:
        columns[name] = [found.get(name) for found in levels]
    uncertain = []
    for name in units:
        columns[name] = [run.response(name) for run in rows]
        spreads = [_uncertainty(run, name) for run in rows]
        if any(map(math.isfinite, spreads)):
            uncertain.append(name + UNCERTAINTY)
            columns[name + UNCERTAINTY] = spreads
    read: list[str] = []
    if everything:
        read = [name + READ for name in names]
        for name in names:
            columns[name + READ] = [run.read_back.get(name) for run in rows]
    for name in META:
        columns[name] = [getattr(run, name) for run in rows]
    numbers = {*units, *uncertain}
    frame = pd.DataFrame(
        {
            name: pd.Series(values, dtype=float if name in numbers else object)
            for name, values in columns.items()
        }
    )
    return Table(
        frame=frame,
        space=space,
        responses=units,
        environment=ENVIRONMENT,
        meta=(*uncertain, *constant, *read, *META),
        constant=constant,
    )


def joint_space(plans: Sequence[Plan]) -> tuple[ConfigurationSpace, dict[str, Level]]:
    """Return one space that holds the configurations of all sweeps.

    Parameters
    ----------
    plans : sequence of Plan
        At least one.

    Returns
    -------
    ConfigurationSpace
        Every option with the levels of all sweeps; an option that one sweep holds
        and another varies, or that two hold at different levels, is one of them.
    dict of str to level
        Options that all sweeps hold at the same level.

    Raises
    ------
    StoreError
        If an option has levels of different kinds, or nothing varies.
    """
    if not plans:
        raise StoreError("no sweep; nothing can be exported")
    spaces = [ConfigurationSpace.from_dict(plan.space) for plan in plans]
    known: dict[str, Option] = {}
    levels: dict[str, dict[Level, None]] = {}
    for space in spaces:
        for option in space.options:
            known.setdefault(option.name, option)
            levels.setdefault(option.name, {}).update(dict.fromkeys(option.levels))
    for plan in plans:
        for name, level in plan.held.items():
            levels.setdefault(name, {})[level] = None
    options, constant = [], dict[str, Level]()
    for name, there in levels.items():
        if len(there) < 2:
            constant[name] = next(iter(there))
        else:
            options.append(_joined(name, known.get(name), list(there)))
    forbid = [item for item in spaces[0].forbid if _everywhere(item, spaces)]
    try:
        return ConfigurationSpace(options, forbid), constant
    except SpaceError as error:
        raise StoreError(f"the sweeps have no space in common: {error}") from error


def _joined(name: str, option: Option | None, levels: list[Level]) -> Option:
    """Return an option with all levels, numbers in ascending order."""
    if option is not None and tuple(levels) == option.levels:
        return option
    numeric = all(
        isinstance(level, int | float) and not isinstance(level, bool)
        for level in levels
    )
    if numeric:
        levels = sorted(levels)
    try:
        if option is None:
            return Option(name=name, levels=tuple(levels))
        return replace(option, levels=tuple(levels), range=None, count=None)
    except SpaceError as error:
        raise StoreError(
            f"option {name!r} has levels of different kinds in different sweeps "
            f"({error}); keep such sweeps in stores of their own"
        ) from error


def _everywhere(item: Any, spaces: Iterable[ConfigurationSpace]) -> bool:
    """Tell whether a combination is forbidden in every sweep that has its options."""
    names = {condition.option for condition in item.conditions}
    return all(item in space.forbid for space in spaces if names <= set(space.names))


def _is_result(run: Run) -> bool:
    return run.role == "design" and run.status == "done"


def _uncertainty(run: Run, name: str) -> float:
    """Return the standard uncertainty of a response, NaN where there is none."""
    for reading in run.readings:
        if reading.name == name and reading.value is not None:
            return math.nan if reading.uncertainty is None else reading.uncertainty
    return math.nan


def _units(runs: Sequence[Run]) -> dict[str, str]:
    """Return the responses that any run has a value of; of no runs, the usual ones."""
    units = {} if runs else dict(UNITS)
    for run in runs:
        for reading in run.readings:
            if reading.value is not None:
                units.setdefault(reading.name, reading.unit)
    return units


def skipped(runs: Sequence[Run], *, everything: bool = False) -> list[dict[str, str]]:
    """Return what a table leaves out, and why.

    Parameters
    ----------
    runs : sequence of Run
        What the table was made of.
    everything : bool, default=False
        As for `to_table`.

    Returns
    -------
    list of dict
        Keys ``what`` and ``why``.
    """
    found = []
    if not everything:
        reference = sum(run.role == "reference" for run in runs)
        failed = sum(run.role == "design" and run.status == "failed" for run in runs)
        if reference:
            why = "they tell the drift; --all exports them"
            found.append({"what": f"{reference} reference runs", "why": why})
        if failed:
            why = "they have no measurement; --all exports them"
            found.append({"what": f"{failed} failed runs", "why": why})
    rows = [run for run in runs if everything or _is_result(run)]
    units = _units(rows)
    missing: dict[str, str] = {}
    for run in rows:
        for reading in run.readings:
            if reading.name not in units:
                missing.setdefault(reading.name, reading.reason or "no reason recorded")
    found += [
        {"what": f"column {name}", "why": f"missing in every run: {why}"}
        for name, why in missing.items()
    ]
    return found
