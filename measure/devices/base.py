"""What every device does, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from measure.configuration import Configuration
from measure.levels import Level
from measure.options import Option
from measure.records import Conditions, Environment, Reading
from measure.space import ConfigurationSpace

if TYPE_CHECKING:
    from measure.workloads.base import Timing

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionOffer:
    """An option that a device knows.

    Parameters
    ----------
    option : Option, optional
        With the levels that can be set here; None where fewer than two can.
    available : bool, default=True
        Whether it can be set.
    reason : str, default=""
        Why not, and how to get it.
    """

    option: Option | None
    available: bool = True
    reason: str = ""

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels that can be set."""
        return self.option.levels if self.option is not None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one run gave, before anything is computed from it.

    Parameters
    ----------
    calls_s : tuple of float
        Time of each call after the warm-up; a call is one batch.
    warm_up_s : tuple of float
        Time of each call before.
    cpu_time_s : float, optional
        CPU time per call of all threads of the measured process.
    batch_size : int, default=1
        Items in a call.
    readings : tuple of Reading
        Of the device's own sensors, missing ones with their reason.
    read_back : mapping of str to level or None
        What was observed of each option; None where it cannot be read.
    read_back_reason : mapping of str to str
        How it was read, or why it could not be.
    flags : tuple of str
        What speaks against trusting the run.
    artefact : str, default=""
        Hash of what was compiled for it.
    conditions : Conditions
        What varied, as it was during the run.
    """

    calls_s: tuple[float, ...]
    warm_up_s: tuple[float, ...] = ()
    cpu_time_s: float | None = None
    batch_size: int = 1
    readings: tuple[Reading, ...] = ()
    read_back: Mapping[str, Level | None] = field(default_factory=dict)
    read_back_reason: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    artefact: str = ""
    conditions: Conditions = field(default_factory=Conditions)


class Device(Protocol):
    """Something that measures configurations of a network on a workload."""

    @property
    def name(self) -> str:
        """Value of the environment column ``device``."""

    @property
    def address(self) -> str:
        """What opens it again, such as ``host``."""

    @property
    def simulated(self) -> bool:
        """Whether a simulator or a replay answers."""

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the networks and the workloads that fit each, the default first."""

    def offers(self) -> Mapping[str, OptionOffer]:
        """Return every option it knows, those that it cannot set with the reason."""

    def space(self, names: Iterable[str] | None = None) -> ConfigurationSpace:
        """Return the space of its usual options, or of those named."""

    def environment(self, network: str, workload: str) -> Environment:
        """Return what runs must share to be pooled."""

    def conditions(self) -> Conditions:
        """Return what varies, as it is now."""

    def prepare(
        self,
        network: str,
        workload: str,
        configurations: Iterable[Configuration],
        progress: Progress | None = None,
    ) -> None:
        """Build what the configurations need and is not there yet."""

    def artefact(
        self, network: str, workload: str, configuration: Configuration
    ) -> str:
        """Return the hash of what is compiled for a configuration, or ""."""

    def measure(
        self,
        network: str,
        workload: str,
        configuration: Configuration,
        timing: Timing,
    ) -> Measurement:
        """Measure one run; raise `RunFailed` if there is none."""

    def close(self) -> None:
        """End what it started and put back what it set."""
