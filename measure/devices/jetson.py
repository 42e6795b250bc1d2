"""A Jetson: its options, set and read back through the agent that runs on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from measure.configuration import Configuration
from measure.constraints import Condition, Forbidden
from measure.devices.actuators import Actuator, apply, available, restore
from measure.devices.address import Address
from measure.devices.base import Device, Measurement, OptionOffer
from measure.devices.probing import identify, probe
from measure.devices.sensors import find_rails, temperatures, throttling
from measure.devices.transport import (
    AgentLink,
    Link,
    LinkLost,
    read_texts,
)
from measure.errors import DeviceError, WorkloadError
from measure.levels import Level
from measure.options import Option
from measure.records import Conditions, Environment

if TYPE_CHECKING:
    from measure.workloads.base import Timing

USUAL = ("cpu_cores", "cpu_freq_hz", "gpu_freq_hz", "emc_freq_hz")
"""Options of a sweep that names none."""
_CLOCKS = ("cpu_freq_hz", "gpu_freq_hz", "emc_freq_hz")
_NO_NETWORKS = "networks cannot be run on a board yet; its options can be set"


class JetsonDevice(Device):
    """A board, here or over SSH.

    Parameters
    ----------
    word : str
        ``tk1``, ``tx1`` or ``tx2``; ``auto``: whatever it is.
    address : Address, optional
        Where it is; this machine by default.
    link : Link, optional
        A way to it that is open already.

    Raises
    ------
    DeviceError
        If it cannot be reached, or is another board.

    Examples
    --------
    >>> from measure.devices.transport import InProcessLink
    >>> from measure.simulator.tree import BoardTree
    >>> with JetsonDevice("tx1", link=InProcessLink(BoardTree("tx1-r32"))) as device:
    ...     device.space().names
    ('cpu_cores', 'cpu_freq_hz', 'gpu_freq_hz', 'emc_freq_hz')
    """

    simulated = False

    def __init__(
        self, word: str, address: Address | None = None, *, link: Link | None = None
    ) -> None:
        self.where = address or Address()
        self.link: Link = AgentLink(self.where) if link is None else link
        self._lost = False
        self._applied: list[Actuator] = []
        try:
            self.identity = identify(self.link)
            if word not in ("auto", self.identity.word):
                raise DeviceError(
                    f"--device {word}: {self.where} is a {self.identity.word}; say "
                    f"--device {self.identity.word}"
                )
            found, self._missing = probe(self.link, self.identity.word)
            self.actuators = {actuator.name: actuator for actuator in found}
            self._offers = self._offered()
        except BaseException:
            self.link.close()
            raise
        self.name = self.address = self.identity.word

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the networks that it can run.

        Returns
        -------
        mapping of str to tuple of str
            None yet.
        """
        return {}

    def offers(self) -> Mapping[str, OptionOffer]:
        """Return every option that a board can have.

        Returns
        -------
        mapping of str to OptionOffer
            With the reason for each that cannot be set here.
        """
        return dict(self._offers)

    def usual_options(self) -> Iterable[str]:
        """Return the options of a sweep that names none.

        Returns
        -------
        iterable of str
            Cores and clocks, as far as they can be set.
        """
        return [n for n in USUAL if n in self._offers and self._offers[n].available]

    def forbidden(self, options: Sequence[Option]) -> tuple[Forbidden, ...]:
        """Return which combinations of some options cannot be.

        Parameters
        ----------
        options : sequence of Option
            Of `offers`.

        Returns
        -------
        tuple of Forbidden
            The low-power cluster has one core: it excludes more.
        """
        return _forbidden(options)

    def environment(self, network: str, workload: str) -> Environment:
        """Say that there is none yet.

        Parameters
        ----------
        network, workload : str
            Not used.

        Returns
        -------
        Environment
            Never.

        Raises
        ------
        WorkloadError
            Always.
        """
        raise WorkloadError(f"{self.name}: {_NO_NETWORKS}")

    def conditions(self) -> Conditions:
        """Return load, temperatures by zone, and clocks.

        Returns
        -------
        Conditions
            What cannot be read is missing, with its reason.
        """
        missing = {"power_source": "a board does not tell", "turbo": "it has none"}
        load = read_texts(self.link, ["/proc/loadavg"])["/proc/loadavg"]
        if load is None:
            missing["load_1min"] = "/proc/loadavg cannot be read"
        celsius = temperatures(self.link)
        if not celsius:
            missing["temperature_c"] = "no thermal zone can be read"
        levels = self.read(_CLOCKS)
        clocks = {n: float(v) for n, v in levels.items() if v is not None}
        return Conditions(
            load_1min=float(load.split()[0]) if load else None,
            temperature_c=celsius,
            clock_hz=clocks,
            missing=missing,
        )

    def measure(
        self,
        network: str,
        workload: str,
        configuration: Configuration,
        timing: Timing,
    ) -> Measurement:
        """Say that there is nothing to measure yet.

        Parameters
        ----------
        network, workload : str
            Not used.
        configuration : Configuration
            Not used.
        timing : Timing
            Not used.

        Returns
        -------
        Measurement
            Never.

        Raises
        ------
        WorkloadError
            Always.
        """
        raise WorkloadError(f"{self.name}: {_NO_NETWORKS}")

    def describe(self) -> dict[str, str]:
        """Return what the board is, for whoever sees it first.

        Returns
        -------
        dict of str to str
            Model, software, rights, sensors, what holds clocks down.
        """
        rails = find_rails(self.link, self.identity.word)
        hot = throttling(self.link)
        status = self.link.ask("status")
        return {
            "board": f"{self.identity.word} ({self.identity.model or 'no model told'})",
            "software": f"L4T {self.identity.release or 'unknown'}, kernel "
            f"{self.identity.kernel or 'unknown'}",
            "agent": f"Python {status['python']}, "
            + ("as root" if status["uid"] == 0 else "not as root"),
            "power": ", ".join(rails) or "no INA3221 found: energy will be missing",
            "throttled": ", ".join(f"{n} at {s}" for n, s in hot.items())
            or "by nothing",
        }

    def read(self, names: Iterable[str] | None = None) -> dict[str, Level | None]:
        """Return the levels as they are.

        Parameters
        ----------
        names : iterable of str, optional
            All that it has by default.

        Returns
        -------
        dict of str to level or None
            None where the board is at none of an option's levels.
        """
        wanted = self.actuators if names is None else names
        return {n: self.actuators[n].read() for n in wanted if n in self.actuators}

    def apply(self, configuration: Mapping[str, Level]) -> None:
        """Set levels in the order that works, and wait until all stand.

        Parameters
        ----------
        configuration : mapping of str to level
            What to set; the rest stays.

        Raises
        ------
        RunFailed
            If a level is not taken, naming path, written and read; or the link broke.
        DeviceError
            If an option cannot be set here.
        """
        self._reconnect()
        options = self.space(configuration).options
        levels = {o.name: o.check(configuration[o.name]) for o in options}
        chosen = [(a, levels[n]) for n, a in self.actuators.items() if n in levels]
        # Noted before: what fails half-way is put back as well.
        self._applied = [actuator for actuator, _ in chosen]
        try:
            apply(self.link, chosen)
        except LinkLost:
            self._lost = True
            raise

    def restore(self) -> None:
        """Put back what `apply` set, the last first.

        Raises
        ------
        DeviceError
            Naming what could not be put back.
        """
        applied, self._applied = self._applied, []
        if self._lost:
            # The agent did, when it lost us; or the next one does from its journal.
            return
        try:
            restore(self.link, applied)
        except LinkLost:
            self._lost = True
            raise

    def close(self) -> None:
        """Put everything back, and end the agent."""
        self.link.close()

    def _reconnect(self) -> None:
        """Make a broken link again, and see that it leads to the same board."""
        if not self._lost:
            return
        if isinstance(self.link, AgentLink):
            self.link.reconnect()
        found = identify(self.link)
        if found != self.identity:
            raise DeviceError(
                f"{self.where} was {self.identity.word} {self.identity.release} and is "
                f"{found.word} {found.release} now; start a new sweep"
            )
        self._lost = False

    def _offered(self) -> dict[str, OptionOffer]:
        offers = {}
        for name, actuator in self.actuators.items():
            reason = available(self.link, actuator)
            if len(actuator.levels) < 2:
                offers[name] = OptionOffer(option=None, available=False, reason=reason)
                continue
            now = actuator.read()
            option = Option(
                name=name,
                levels=actuator.levels,
                unit=actuator.unit,
                default=now if now in actuator.levels else None,
            )
            offers[name] = OptionOffer(
                option=option,
                available=not reason,
                reason=reason or actuator.meaning,
            )
        for name, reason in self._missing.items():
            offers[name] = OptionOffer(option=None, available=False, reason=reason)
        return offers


def _forbidden(options: Iterable[Option]) -> tuple[Forbidden, ...]:
    known = {option.name: option for option in options}
    if not {"cpu_cluster", "cpu_cores"} <= known.keys():
        return ()
    one = Condition(option="cpu_cluster", any_of=("low-power",))
    several = Condition(option="cpu_cores", minimum=2)
    return (Forbidden(conditions=(one, several)),)
