"""Sweeps side by side: one space for all, and a table with one row a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from measure.counting import ENVIRONMENT
from measure.errors import SpaceError, StoreError
from measure.levels import Level
from measure.options import Option
from measure.records import Plan, Run
from measure.space import ConfigurationSpace
from measure.table import Table

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
    "identical_to",
    "started_at",
)
#: A column of what was read back is the option's name with this.
READ = "_read"
#: A column of a response's standard uncertainty is the response's name with this.
UNCERTAINTY = "_u"


def table_of(
    plans: Sequence[Plan],
    runs: Sequence[Run],
    *,
    units: Mapping[str, str] | None = None,
    read_back: bool = False,
) -> Table:
    """Return runs as a table, one row each.

    Parameters
    ----------
    plans : sequence of Plan
        The runs' sweeps, at least one.
    runs : sequence of Run
        In the order of the rows.
    units : mapping of str to str, optional
        The responses, and the unit of each; by default those that a run has.
    read_back : bool, default=False
        Whether there is a column ``NAME_read`` for each option.

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

    space, constant = joint_space(plans)
    held = {plan.sweep_id: plan.held for plan in plans}
    names = (*space.names, *constant)
    units = measured_units(runs) if units is None else dict(units)
    columns: dict[str, list[Any]] = {
        name: [getattr(run.environment, name) for run in runs] for name in ENVIRONMENT
    }
    levels = [{**held.get(run.sweep_id, {}), **run.configuration} for run in runs]
    for name in names:
        columns[name] = [found.get(name) for found in levels]
    uncertain = []
    for name in units:
        columns[name] = [run.response(name) for run in runs]
        spreads = [_uncertainty(run, name) for run in runs]
        if any(map(math.isfinite, spreads)):
            uncertain.append(name + UNCERTAINTY)
            columns[name + UNCERTAINTY] = spreads
    read = [name + READ for name in names] if read_back else []
    for name in names if read_back else ():
        columns[name + READ] = [run.read_back.get(name) for run in runs]
    for name in META:
        columns[name] = [getattr(run, name) for run in runs]
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


def measured_units(runs: Iterable[Run]) -> dict[str, str]:
    """Return the responses that any run has a value of.

    Parameters
    ----------
    runs : iterable of Run
        Any.

    Returns
    -------
    dict of str to str
        Response to unit.
    """
    units: dict[str, str] = {}
    for run in runs:
        for reading in run.readings:
            if reading.value is not None:
                units.setdefault(reading.name, reading.unit)
    return units


def unmeasured(runs: Iterable[Run]) -> dict[str, str]:
    """Return the responses that no run has a value of, and why.

    Parameters
    ----------
    runs : iterable of Run
        Any.

    Returns
    -------
    dict of str to str
        Response to the reason that the first run gives.
    """
    runs = list(runs)
    units = measured_units(runs)
    missing: dict[str, str] = {}
    for run in runs:
        for reading in run.readings:
            if reading.name not in units:
                missing.setdefault(reading.name, reading.reason or "no reason recorded")
    return missing


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


def _uncertainty(run: Run, name: str) -> float:
    """Return the standard uncertainty of a response, NaN where there is none."""
    for reading in run.readings:
        if reading.name == name and reading.value is not None:
            return math.nan if reading.uncertainty is None else reading.uncertainty
    return math.nan
