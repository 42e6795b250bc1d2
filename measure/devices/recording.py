"""A table of runs, looked up by environment and configuration."""

from __future__ import annotations

import hashlib
import math
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.documents import read_document
from measure.errors import DeviceError
from measure.levels import Level, plain
from measure.options import Option
from measure.records import Reading
from measure.space import ConfigurationSpace
from measure.table import Table, description_path
from measure.table_reading import read_cells, read_table

if TYPE_CHECKING:
    import pandas as pd

#: Workload of a table that has no such column.
RECORDED = "recorded"
#: A column of a response's standard uncertainty is the response's name with this.
_UNCERTAINTY = "_u"

Pair = tuple[str, str]
Levels = tuple[Level | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one recorded run gave.

    Parameters
    ----------
    readings : tuple of Reading
        Each response of the table.
    reason : str, default=""
        Why it has no value at all; empty if it has one.
    """

    readings: tuple[Reading, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Recorded runs by environment and configuration.

    Parameters
    ----------
    name : str
        The table's name without its folder and ending.
    options : tuple of Option
        Those recorded at two levels or more, with these levels only; the defaults
        are one recorded configuration, the nearest to the middle.
    constant : mapping of str to level
        Options recorded at one level only.
    space : ConfigurationSpace
        Of `options`, with what the table's description forbids.
    runs : mapping of (str, str) to mapping
        Network and workload, then the level of each of `options` (None where it is
        empty), to the recorded runs in the order of the table.
    lacking : mapping of (str, str) to frozenset of str
        Options that are empty throughout an environment.
    fingerprint : str
        Of the table's content.
    left_out : int
        Reference runs, which are not answered with.
    """

    name: str
    options: tuple[Option, ...]
    constant: Mapping[str, Level]
    space: ConfigurationSpace
    runs: Mapping[Pair, Mapping[Levels, Sequence[Answer]]]
    lacking: Mapping[Pair, frozenset[str]]
    fingerprint: str
    left_out: int = 0

    def key(self, pair: Pair, levels: Mapping[str, Level]) -> Levels:
        """Return what the runs of a configuration are filed under.

        Parameters
        ----------
        pair : (str, str)
            Network and workload.
        levels : mapping of str to level
            Options that it lacks are at their default.

        Returns
        -------
        tuple of level or None
            For each of `options`.
        """
        lacking = self.lacking.get(pair, frozenset())
        return tuple(
            levels.get(o.name, None if o.name in lacking else o.default)
            for o in self.options
        )

    def configurations(
        self,
        pairs: Iterable[Pair],
        options: Sequence[Option],
        held: Mapping[str, Level],
        times: int,
    ) -> list[Levels]:
        """Return what was recorded in every one of some environments.

        Parameters
        ----------
        pairs : iterable of (str, str)
            Networks and workloads.
        options : sequence of Option
            Options that vary, at these levels.
        held : mapping of str to level
            The others, as far as they are not at their default.
        times : int
            In how many runs each must have been recorded.

        Returns
        -------
        list of tuple of level
            The level of each of `options`; no configuration stands twice.
        """
        names = [option.name for option in self.options]
        allowed = {names.index(option.name): set(option.levels) for option in options}
        found: dict[Levels, None] | None = None
        for pair in pairs:
            stands = self.key(pair, held)
            here: dict[Levels, None] = {}
            for key, answers in self.runs[pair].items():
                fits = all(
                    level in allowed[i] if i in allowed else level == stands[i]
                    for i, level in enumerate(key)
                )
                if fits and len(answers) >= times:
                    here[tuple(key[i] for i in allowed)] = None
            found = here if found is None else {k: None for k in found if k in here}
        return list(found or ())


def read_recording(
    path: Path,
    *,
    options: Sequence[str] | None = None,
    responses: Sequence[str] | None = None,
    environment: Sequence[str] | None = None,
    space: Mapping[str, Any] | None = None,
) -> Recording:
    """Read a table of runs.

    Parameters
    ----------
    path : pathlib.Path
        T.csv, described by T.json beside it or by the arguments.
    options, responses, environment : sequence of str, optional
        Columns; responses and environment stand before those of T.json, options
        describe a table that has none.
    space : mapping, optional
        A space file's content: levels of the options of a table without T.json.

    Returns
    -------
    Recording
        The runs.

    Raises
    ------
    DeviceError
        If nothing says what the columns are, or no run can be answered with.
    TableError
        If the table cannot be read.
    """
    described = _describes_options(path)
    if not described and not (options and responses):
        raise _undescribed(path, options, responses, environment)
    table = read_table(
        path,
        options=None if described else options,
        responses=responses,
        environment=environment,
        space=(
            None if described or space is None else ConfigurationSpace.from_dict(space)
        ),
    )
    frame = table.frame
    kept = np.ones(len(frame), dtype=bool)
    if "role" in table.meta and "role" in frame:
        kept = (frame["role"] != "reference").to_numpy()
    if not kept.any():
        raise DeviceError(f"{path}: all its rows are reference runs; nothing to replay")
    pairs = _pairs(path, table, frame[kept])
    levels = {o.name: _column(frame.loc[kept, o.name]) for o in table.space.options}
    constant = dict(table.constant or {})
    varying: list[Option] = []
    for option in table.space.options:
        found = set(levels[option.name]) - {None}
        there = [level for level in option.levels if level in found]
        if len(there) > 1:
            varying.append(option.restricted(there))
        elif there:
            constant[option.name] = there[0]
    if not varying:
        raise DeviceError(f"{path}: every option has one level; nothing varies")
    keys: list[Levels] = list(zip(*(levels[option.name] for option in varying)))
    runs: dict[Pair, dict[Levels, list[Answer]]] = {}
    for pair, key, answer in zip(pairs, keys, _answers(table, frame[kept])):
        runs.setdefault(pair, {}).setdefault(key, []).append(answer)
    names = [option.name for option in varying]
    central = _central(varying, runs)
    chosen = tuple(replace(o, default=level) for o, level in zip(varying, central))
    return Recording(
        name=path.name.removesuffix(".gz").removesuffix(".csv"),
        options=chosen,
        constant=constant,
        space=narrowed(table.space, chosen),
        runs={pair: _finished_first(found) for pair, found in runs.items()},
        lacking={
            pair: frozenset(
                name
                for name, values in zip(names, zip(*found))
                if set(values) == {None}
            )
            for pair, found in runs.items()
        },
        fingerprint=_fingerprint(path),
        left_out=int((~kept).sum()),
    )


def narrowed(
    space: ConfigurationSpace, options: Iterable[Option]
) -> ConfigurationSpace:
    """Return the space of some options, with what is forbidden among them.

    Parameters
    ----------
    space : ConfigurationSpace
        Has these options, at these levels or more.
    options : iterable of Option
        What is left.

    Returns
    -------
    ConfigurationSpace
        In the order of `options`.
    """
    known = {option.name: option for option in options}
    wide = {option.name: option for option in space.options}
    items = [
        item.narrowed(wide, known)
        for item in space.forbid
        if all(condition.option in known for condition in item.conditions)
    ]
    return ConfigurationSpace(known.values(), [i for i in items if i is not None])


def _describes_options(path: Path) -> bool:
    beside = description_path(path)
    if not beside.exists():
        return False
    document, _ = read_document(beside)
    return isinstance(document, Mapping) and "options" in document


def _undescribed(path: Path, *given: Sequence[str] | None) -> DeviceError:
    """Name the columns, and the command with what was said already."""
    flags = ("--options", "--response", "--environment")
    said = [
        f"{flag} {','.join(names or ('NAME',))}" for flag, names in zip(flags, given)
    ]
    options = given[0]
    lacking = "response" if options else "options"
    return DeviceError(
        f"{path}: nothing says which columns are the {lacking}; the columns are "
        f"{', '.join(read_cells(path).columns)}; try: python -m measure sweep --device "
        f"{shlex.quote(f'replay:{path}')} {' '.join(said)}"
    )


def _column(values: pd.Series[Any]) -> list[Level | None]:
    """Return levels as plain values, None where the cell was empty."""
    found = (plain(value) for value in values)
    return [
        None if isinstance(value, float) and math.isnan(value) else value
        for value in found
    ]


def _pairs(path: Path, table: Table, frame: pd.DataFrame) -> list[Pair]:
    """Return network and workload of each row.

    A column ``network`` is the network, else all environment columns are. With such a
    column ``workload`` is the workload; what else tells environments apart stands
    behind it.
    """
    columns = table.environment
    values = {name: [str(cell) for cell in frame[name]] for name in columns}
    if "network" in columns:
        networks = values.pop("network")
        first = values.pop("workload", [])
        more = [v for v in values.values() if len(set(v)) > 1]
        parts = [first, *more] if first else more
        workloads = ["/".join(row) for row in zip(*parts)] or [RECORDED] * len(frame)
    elif columns:
        networks = ["/".join(row) for row in zip(*values.values())]
        workloads = [RECORDED] * len(frame)
    else:
        return [(path.stem.removesuffix(".csv"), RECORDED)] * len(frame)
    pairs = list(zip(networks, workloads))
    told: dict[Pair, tuple[str, ...]] = {}
    for pair, *row in zip(pairs, *(frame[name] for name in columns)):
        if told.setdefault(pair, tuple(row)) != tuple(row):
            raise DeviceError(
                f"{path}: the environments {told[pair]} and {tuple(row)} would both be "
                f"called {'/'.join(pair)}; rename one"
            )
    return pairs


def _answers(table: Table, frame: pd.DataFrame) -> Iterator[Answer]:
    """Yield what each row gave."""
    columns: list[tuple[str, str, list[float], list[float]]] = []
    for name, unit in table.responses.items():
        spread = [math.nan] * len(frame)
        if name + _UNCERTAINTY in table.meta:
            spread = [_float(cell) for cell in frame[name + _UNCERTAINTY]]
        columns.append((name, unit, [float(v) for v in frame[name]], spread))
    known = "reason" in table.meta
    reasons = [str(cell) for cell in frame["reason"]] if known else [""] * len(frame)
    for row, reason in enumerate(reasons):
        readings = tuple(
            Reading(
                name=name,
                value=None if math.isnan(values[row]) else values[row],
                unit=unit,
                uncertainty=None if math.isnan(spreads[row]) else spreads[row],
                reason="missing in the table" if math.isnan(values[row]) else "",
            )
            for name, unit, values, spreads in columns
        )
        failed = all(reading.value is None for reading in readings)
        why = (reason or "recorded without a response") if failed else ""
        yield Answer(readings=readings, reason=why)


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan


def _finished_first(
    found: Mapping[Levels, Sequence[Answer]],
) -> dict[Levels, Sequence[Answer]]:
    """Leave out runs without a response where the configuration has others."""
    return {
        key: [answer for answer in answers if not answer.reason] or answers
        for key, answers in found.items()
    }


def _central(
    options: Sequence[Option], runs: Mapping[Pair, Mapping[Levels, Any]]
) -> list[Level]:
    """Return the recorded configuration that is nearest to the reference.

    One that all environments have, if there is one; the fewest options differ, and
    these the least. An option that is empty there is at its own reference.
    """
    everywhere = set.intersection(*(set(found) for found in runs.values()))
    keys = list(dict.fromkeys(k for found in runs.values() for k in found))
    best: tuple[float, float] | None = None
    chosen: Levels = ()
    for key in keys:
        if everywhere and key not in everywhere:
            continue
        steps = [
            0.0 if level is None else _steps(option, level)
            for option, level in zip(options, key)
        ]
        empty = sum(level is None for level in key)
        cost = (sum(step > 0 for step in steps) + empty, sum(steps))
        if best is None or cost < best:
            best, chosen = cost, key
    return [
        option.reference if level is None else level
        for option, level in zip(options, chosen)
    ]


def _steps(option: Option, level: Level) -> float:
    """Return how far a level is from the option's reference, of its whole ladder."""
    far = abs(option.index(level) - option.index(option.reference))
    return far / (len(option.levels) - 1)


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
