"""What a store keeps: environments, conditions, readings, runs and plans.

All are immutable, compare by value and round-trip through plain data, so that
a run means the same in memory, in a database and in an exported file.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal, Self

from measure.configuration import Configuration
from measure.errors import EnvironmentMismatch
from measure.levels import Level

Role = Literal["design", "reference"]
Status = Literal["done", "failed"]


class Record:
    """Plain data in and out, for frozen dataclasses whose fields are plain."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data.

        Returns
        -------
        dict
            Of dicts, lists, strings, numbers, booleans and None; NaN is None.
        """
        entries = fields(self)  # type: ignore[arg-type]
        return {f.name: _plain_data(getattr(self, f.name)) for f in entries}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Build the record from what `to_dict` returned.

        Parameters
        ----------
        document : mapping
            The plain data; keys of a later version are left out.

        Returns
        -------
        Record
            Equal to the one that was written.
        """
        names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
        return cls(**{name: document[name] for name in names if name in document})


def _plain_data(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): _plain_data(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_data(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else repr(value)
    return value


def _freeze(record: Any, *names: str) -> None:
    """Make mapping fields read-only and list fields tuples, in a frozen record."""
    for name in names:
        value = getattr(record, name)
        if isinstance(value, Mapping) and not isinstance(value, Configuration):
            value = _FrozenMapping(value)
        elif isinstance(value, list):
            value = tuple(value)
        object.__setattr__(record, name, value)


class _FrozenMapping(Mapping[str, Any]):
    """A read-only dict that pickles and hashes, unlike MappingProxyType."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = MappingProxyType(dict(entries))

    def __getitem__(self, key: str) -> Any:
        return self._entries[key]

    def __iter__(self) -> Any:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        return hash(json.dumps(_plain_data(self._entries), sort_keys=True))

    def __repr__(self) -> str:
        return repr(dict(self._entries))

    def __reduce__(self) -> Any:
        return (_FrozenMapping, (dict(self._entries),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment(Record):
    """What must match for runs to be pooled.

    Parameters
    ----------
    device, network, workload, version : str
        The environment columns of a table; `version` is a label of the user's
        and by default the runtime with its minor version.
    fingerprint : mapping of str to str
        Board, kernel, libraries: what else must match.

    Examples
    --------
    >>> one = Environment(device="host", network="tcn", workload="series",
    ...                   version="tensorflow-2.21", fingerprint={"kernel": "6.1"})
    >>> Environment.from_dict(one.to_dict()) == one
    True
    """

    device: str
    network: str
    workload: str
    version: str
    fingerprint: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _freeze(self, "fingerprint")

    @property
    def key(self) -> str:
        """A short hash that two environments share if and only if they match."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return "/".join((self.device, self.network, self.workload, self.version))

    def require_match(self, other: Environment) -> None:
        """Raise unless runs of the two may be pooled.

        Parameters
        ----------
        other : Environment
            The environment of the other runs.

        Raises
        ------
        EnvironmentMismatch
            With the first fields that differ.
        """
        mine, theirs = _flat(self), _flat(other)
        differ = [
            f"{name} is {mine.get(name, 'missing')!r} here and "
            f"{theirs.get(name, 'missing')!r} there"
            for name in dict.fromkeys([*mine, *theirs])
            if mine.get(name) != theirs.get(name)
        ]
        if differ:
            raise EnvironmentMismatch(
                f"environments {self} and {other} do not match: "
                f"{'; '.join(differ[:3])}; keep them apart with --label"
            )


def _flat(environment: Environment) -> dict[str, str]:
    entries = environment.to_dict()
    return {**entries.pop("fingerprint"), **entries}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions(Record):
    """What varies from run to run and is recorded beside the responses.

    Parameters
    ----------
    load_1min : float, optional
        The system's load average.
    temperature_c : mapping of str to float
        By sensor or zone, in degrees Celsius.
    clock_hz : mapping of str to float
        Observed clocks by name.
    power_source : str
        ``mains``, ``battery`` or empty if unknown.
    turbo : bool, optional
        Whether the CPU may exceed its nominal clock.
    cores : mapping of str to int
        Number of cores in the affinity mask by kind.
    missing : mapping of str to str
        Reason for each of these that could not be read.
    """

    load_1min: float | None = None
    temperature_c: Mapping[str, float] = field(default_factory=dict)
    clock_hz: Mapping[str, float] = field(default_factory=dict)
    power_source: str = ""
    turbo: bool | None = None
    cores: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _freeze(self, "temperature_c", "clock_hz", "cores", "missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Record):
    """What a sensor or a clock gave: a response of one run.

    Parameters
    ----------
    name : str
        Such as ``latency_s``; the SI unit ends it.
    value : float, optional
        In the unit; None if missing.
    unit : str
        SI symbol.
    uncertainty : float, optional
        Standard uncertainty, in the unit.
    reason : str, default=""
        Why the value is missing.
    """

    name: str
    value: float | None
    unit: str
    uncertainty: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.value is not None and math.isnan(self.value):
            object.__setattr__(self, "value", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Record):
    """One measurement of one configuration.

    Parameters
    ----------
    run_id : str
        Never changes, in whatever store the run lies.
    sweep_id : str
        The sweep it belongs to.
    slot : int, optional
        The planned run that it carries out; None for one beside the plan.
    environment : Environment
        What must match.
    configuration : Configuration
        Levels asked for.
    role : {"design", "reference"}
        No model is trained on reference runs.
    replicate, order, block : int
        Which repeat of its design row; position in time within its sweep; block.
    whole_plot : int, optional
        The group of runs that share the hard-to-change options.
    status : {"done", "failed"}
        Whether there is a finished measurement.
    reason : str, default=""
        Why it failed.
    final : bool, default=False
        Whether a failed run would fail again.
    started_at : str
        UTC, ISO 8601.
    wall_s : float
        How long it took in all.
    readings : tuple of Reading
        Responses, missing ones with their reason.
    raw : mapping of str to tuple of float
        Raw values: ``calls_s``, ``warm_up_s``, samples.
    read_back : mapping of str to level or None
        What was observed of each option; None where it cannot be read.
    read_back_reason : mapping of str to str
        How it was read, or why it could not be.
    conditions : Conditions
        What varies.
    flags : tuple of str
        What speaks against trusting it, such as ``no steady state``.
    artefact : str, default=""
        Hash of what was compiled for it.
    identical_to : str, default=""
        The run whose measurement it shares, being the same configuration under
        another name.
    simulated : bool, default=False
        Whether a simulator or a replay answered.
    """

    run_id: str
    sweep_id: str
    environment: Environment
    configuration: Configuration
    role: Role
    order: int
    status: Status
    started_at: str
    slot: int | None = None
    replicate: int = 0
    block: int = 0
    whole_plot: int | None = None
    reason: str = ""
    final: bool = False
    wall_s: float = 0.0
    readings: tuple[Reading, ...] = ()
    raw: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    read_back: Mapping[str, Level | None] = field(default_factory=dict)
    read_back_reason: Mapping[str, str] = field(default_factory=dict)
    conditions: Conditions = field(default_factory=Conditions)
    flags: tuple[str, ...] = ()
    artefact: str = ""
    identical_to: str = ""
    simulated: bool = False

    def __post_init__(self) -> None:
        raw = {name: tuple(values) for name, values in self.raw.items()}
        object.__setattr__(self, "raw", raw)
        _freeze(self, "readings", "raw", "read_back", "read_back_reason", "flags")

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Run:
        """Build a run from what `to_dict` returned.

        Parameters
        ----------
        document : mapping
            The plain data.

        Returns
        -------
        Run
            Equal to the one that was written.
        """
        readings = [Reading.from_dict(entry) for entry in document.get("readings", ())]
        conditions = Conditions.from_dict(document.get("conditions", {}))
        entries = {
            **document,
            "environment": Environment.from_dict(document["environment"]),
            "configuration": Configuration(document["configuration"]),
            "readings": tuple(readings),
            "conditions": conditions,
        }
        names = [f.name for f in fields(cls)]
        return cls(**{name: entries[name] for name in names if name in entries})

    def response(self, name: str) -> float:
        """Return a response, NaN where it is missing.

        Parameters
        ----------
        name : str
            Such as ``latency_s``.

        Returns
        -------
        float
            In its SI unit.
        """
        for reading in self.readings:
            if reading.name == name and reading.value is not None:
                return reading.value
        return math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun(Record):
    """One line of a plan.

    Parameters
    ----------
    network, workload : str
        With the device they make the environment.
    configuration : Configuration
        Levels to set.
    role : {"design", "reference"}
        Whether it is a row of the design.
    replicate, block : int
        Which repeat of its row; which block.
    whole_plot : int, optional
        The group of runs that share the hard-to-change options.
    """

    network: str
    workload: str
    configuration: Configuration
    role: Role = "design"
    replicate: int = 0
    block: int = 0
    whole_plot: int | None = None

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> PlannedRun:
        """Build a planned run from what `to_dict` returned.

        Parameters
        ----------
        document : mapping
            The plain data.

        Returns
        -------
        PlannedRun
            Equal to the one that was written.
        """
        configuration = Configuration(document["configuration"])
        return cls(**{**document, "configuration": configuration})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Record):
    """All that is needed to carry out a sweep, or to go on with it.

    Parameters
    ----------
    sweep_id : str
        Unique.
    created_at : str
        UTC, ISO 8601.
    device : str
        The address that opens the device, such as ``host``.
    device_arguments : mapping
        What else opening it takes, as plain data.
    labels : mapping of str to str
        The user's names for environment columns.
    space : mapping
        The space, as `ConfigurationSpace.to_dict` gives it.
    held : mapping of str to level
        Options held by ``--set``.
    reference : Configuration
        Measured all along; its line is the drift.
    design : mapping
        Name, model, seed, efficiency: plain data about the design.
    protocol : mapping
        The protocol's values.
    seed : int
        Of the random order.
    runs : tuple of PlannedRun
        In the order in which they are to be measured; the position is the slot.
    environments : tuple of Environment
        As they were when the sweep was planned.
    """

    sweep_id: str
    created_at: str
    device: str
    space: Mapping[str, Any]
    reference: Configuration
    design: Mapping[str, Any]
    protocol: Mapping[str, Any]
    seed: int
    runs: tuple[PlannedRun, ...]
    environments: tuple[Environment, ...]
    device_arguments: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, Level] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _freeze(self, "runs", "environments")
        _freeze(self, "space", "design", "protocol")
        _freeze(self, "device_arguments", "labels", "held")

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Plan:
        """Build a plan from what `to_dict` returned.

        Parameters
        ----------
        document : mapping
            The plain data.

        Returns
        -------
        Plan
            Equal to the one that was written.
        """
        environments = map(Environment.from_dict, document["environments"])
        entries = {
            **document,
            "reference": Configuration(document["reference"]),
            "runs": tuple(PlannedRun.from_dict(run) for run in document["runs"]),
            "environments": tuple(environments),
        }
        names = [f.name for f in fields(cls)]
        return cls(**{name: entries[name] for name in names if name in entries})

    def planned(self, role: Role = "design") -> Sequence[int]:
        """Return the slots of one role.

        Parameters
        ----------
        role : {"design", "reference"}, default="design"
            Which.

        Returns
        -------
        list of int
            In order.
        """
        return [slot for slot, run in enumerate(self.runs) if run.role == role]
