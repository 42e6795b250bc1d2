"""What a device offers to a sweep, whichever device it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from measure.configuration import Configuration
from measure.levels import Level
from measure.options import Option
from measure.records import Conditions, Environment, Reading
from measure.space import ConfigurationSpace

if TYPE_CHECKING:
    from measure.workloads.base import Timing

Told = Callable[[int, int, str], None]
"""Called with the number of artefacts that are built, of all, and what is next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionOffer:
    """An option that a device knows, and whether it can set it now.

    Parameters
    ----------
    option : Option, optional
        With the levels that can be set; None where there are fewer than two.
    available : bool, default=True
        Whether it can be set here.
    reason : str, default=""
        Why not, and what would make it so; or what the levels mean.
    levels : tuple of level, default=()
        The levels, those of `option` by default.

    Examples
    --------
    >>> OptionOffer(option=Option(name="threads", levels=(1, 2))).levels
    (1, 2)
    >>> OptionOffer(option=None, available=False, reason="one core").levels
    ()
    """

    option: Option | None
    available: bool = True
    reason: str = ""
    levels: tuple[Level, ...] = ()

    def __post_init__(self) -> None:
        if self.option is not None and not self.levels:
            object.__setattr__(self, "levels", self.option.levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What measuring one configuration gave.

    Parameters
    ----------
    calls_s : tuple of float
        Seconds of each measured call; a call is one batch. Empty where the device
        does not time calls and has readings only.
    warm_up_s : tuple of float
        Seconds of each call before the steady state.
    cpu_time_s : float, optional
        CPU seconds of all threads for one call; None where the device has none.
    batch_size : int, default=1
        Items in a call.
    readings : tuple of Reading
        What the device's sensors gave, missing ones with their reason.
    read_back : mapping of str to level or None
        What was observed of each option; None where it cannot be read.
    read_back_reason : mapping of str to str
        How it was read, or why it could not be.
    flags : tuple of str
        What speaks against trusting it, such as ``no steady state``.
    artefact : str, default=""
        Hash of what was compiled for it.
    conditions : Conditions
        Load, temperature and whatever else varies.
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
    """What a sweep measures on.

    A device may also have `run_time_s`, which estimates how long a run takes;
    `compile_options`: the names of the options that act through the artefact only,
    so that equal artefacts make configurations that differ in nothing else one;
    `measures_all`, true where a sweep that names no network or workload takes all;
    `recall`, told of each earlier run of a sweep that is resumed.

    One that answers from recorded runs has `recorded` and `lacks`: which
    configurations it can answer, and which it cannot; and `notes`, what it leaves
    out. It takes no reference runs: they would tell nothing of it.
    """

    @property
    def name(self) -> str:
        """The value of the environment column ``device``."""
        ...

    @property
    def address(self) -> str:
        """What ``--device`` said, enough to open the device again."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether a simulator or a replay answers."""
        ...

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the workloads that fit each network, the default first."""
        ...

    def offers(self) -> Mapping[str, OptionOffer]:
        """Return every option that it knows, available or not."""
        ...

    def space(self, names: Iterable[str] | None = None) -> ConfigurationSpace:
        """Return the space of some options.

        Parameters
        ----------
        names : iterable of str, optional
            The usual ones by default.

        Returns
        -------
        ConfigurationSpace
            With what the device forbids among them.
        """
        ...

    def environment(self, network: str, workload: str) -> Environment:
        """Return what runs must share to be pooled.

        Parameters
        ----------
        network, workload : str
            Of `networks`.

        Returns
        -------
        Environment
            The same each time.
        """
        ...

    def conditions(self) -> Conditions:
        """Return what varies from run to run, as it is now."""
        ...

    def prepare(
        self,
        network: str,
        workload: str,
        configurations: Iterable[Configuration],
        progress: Told | None = None,
    ) -> None:
        """Build what the configurations need, so that no run waits for it.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configurations : iterable of Configuration
            What will be measured.
        progress : callable, optional
            Told how far it is.
        """
        ...

    def artefact(
        self, network: str, workload: str, configuration: Configuration
    ) -> str:
        """Return the hash of what is compiled for a configuration.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            What will be measured.

        Returns
        -------
        str
            Empty where nothing is compiled.
        """
        ...

    def measure(
        self, network: str, workload: str, configuration: Configuration, timing: Timing
    ) -> Measurement:
        """Measure one configuration in a fresh process.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            Options that it lacks stay as they are.
        timing : Timing
            How long.

        Returns
        -------
        Measurement
            What came of it.

        Raises
        ------
        RunFailed
            With the reason, and whether it would fail again.
        """
        ...

    def close(self) -> None:
        """End all processes and put everything back."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
