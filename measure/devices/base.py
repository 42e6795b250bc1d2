"""What a device offers to a sweep, whichever device it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from measure.configuration import Configuration
from measure.constraints import Forbidden
from measure.errors import DeviceError
from measure.levels import Level
from measure.options import Option
from measure.records import Conditions, Environment, Reading
from measure.space import ConfigurationSpace
from measure.spelling import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from measure.workloads.base import Timing

RUN_OVERHEAD_S = 1.5
"""Seconds that a run takes beside its measuring time: fork, load, warm-up."""
SIMULATED_RUN_S = 0.005

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
    raw : mapping of str to tuple of float
        Further raw values, such as the calls of a window that was too short.
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
    raw: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


class Device(ABC):
    """What a sweep measures on.

    A device says what it offers, what its environments are, and how one configuration
    is measured; what most devices have in common is here.
    """

    name: str
    """The value of the environment column ``device``."""
    address: str
    """What ``--device`` said, enough to open the device again."""
    simulated: bool = False
    """Whether a simulator or a replay answers."""
    measures_all: bool = False
    """Whether a sweep that names no network or workload takes all."""
    compile_options: frozenset[str] = frozenset()
    """Options that act through the artefact only: where artefacts are equal,
    configurations that differ in nothing else are one."""

    @property
    def place(self) -> str:
        """What makes two devices the same: one sweep at a time is made there."""
        return self.address

    @abstractmethod
    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the workloads that fit each network, the default first."""

    @abstractmethod
    def offers(self) -> Mapping[str, OptionOffer]:
        """Return every option that it knows, available or not."""

    @abstractmethod
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

        Raises
        ------
        WorkloadError
            If the two do not fit.
        """

    @abstractmethod
    def conditions(self) -> Conditions:
        """Return what varies from run to run, as it is now."""

    @abstractmethod
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

    def usual_options(self) -> Iterable[str]:
        """Return the options of a sweep that names none.

        Returns
        -------
        iterable of str
            All that are available.
        """
        return [name for name, offer in self.offers().items() if offer.available]

    def forbidden(self, options: Sequence[Option]) -> tuple[Forbidden, ...]:
        """Return which combinations of some options cannot be.

        Parameters
        ----------
        options : sequence of Option
            Of `offers`.

        Returns
        -------
        tuple of Forbidden
            None.
        """
        return ()

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

        Raises
        ------
        DeviceError
            If an option is unknown, or cannot be set here.
        """
        offers = self.offers()
        options = []
        for name in self.usual_options() if names is None else names:
            if name not in offers:
                raise DeviceError(
                    f"{self.name} has no option {name!r}; choose from "
                    f"{', '.join(offers)}{did_you_mean(name, offers)}"
                )
            offer = offers[name]
            if offer.option is None or not offer.available:
                raise DeviceError(f"{self.name}: {name} cannot be set: {offer.reason}")
            options.append(offer.option)
        return ConfigurationSpace(options, self.forbidden(options))

    def describe(self) -> Mapping[str, str]:
        """Return what the device is, for whoever sees it first.

        Returns
        -------
        mapping of str to str
            Nothing, where its options say it all.
        """
        return {}

    def run_time_s(self, network: str, workload: str, timing: Timing) -> float:
        """Estimate how long one run takes.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        timing : Timing
            How long is measured.

        Returns
        -------
        float
            Seconds; a simulator takes next to none.
        """
        if self.simulated:
            return SIMULATED_RUN_S
        return RUN_OVERHEAD_S + timing.seconds

    def prepare(
        self,
        network: str,
        workload: str,
        configurations: Iterable[Configuration],
        progress: Told | None = None,
    ) -> None:
        """Build what the configurations need, so that no run waits for it.

        Here, that is nothing: only the environment is looked up.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configurations : iterable of Configuration
            What will be measured.
        progress : callable, optional
            Told how far it is.

        Raises
        ------
        WorkloadError
            If the two do not fit.
        """
        self.environment(network, workload)

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
        return ""

    def recall(self, network: str, workload: str, configuration: Configuration) -> None:
        """Take note of an earlier run of a sweep that is resumed.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            What was measured.
        """

    def keep_levels(self, keep: bool) -> None:
        """Say whether the levels of the next runs may stand after each of them.

        They may while a whole plot is measured: the next run sets its own, and options
        that are dear to change are set once.

        Parameters
        ----------
        keep : bool
            False: what stands is put back now, and each run ends with that.
        """

    def close(self) -> None:
        """End all processes and put everything back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class RecordedDevice(Device):
    """A device that answers from recorded runs, so not for every configuration.

    It takes no reference runs: they would tell nothing of it.
    """

    simulated = True
    measures_all = True

    @property
    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """What of the recording it leaves out."""

    @abstractmethod
    def recorded(
        self,
        pairs: Iterable[tuple[str, str]],
        space: ConfigurationSpace,
        held: Mapping[str, Level] | None = None,
        times: int = 1,
    ) -> pd.DataFrame:
        """Return the configurations that a design may be drawn from.

        Parameters
        ----------
        pairs : iterable of (str, str)
            Networks and workloads; each must have recorded it.
        space : ConfigurationSpace
            Options that vary.
        held : mapping of str to level, optional
            Options held at one level.
        times : int, default=1
            In how many runs each must have been recorded.

        Returns
        -------
        DataFrame
            One column an option of `space`, one row a configuration; none, perhaps.
        """

    @abstractmethod
    def lacks(
        self, network: str, workload: str, configurations: Iterable[Configuration]
    ) -> list[Configuration]:
        """Return the configurations that were not recorded.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configurations : iterable of Configuration
            What will be asked for.

        Returns
        -------
        list of Configuration
            In order.
        """
