"""The options of a board: found, set in the order that works, read, put back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from measure.constraints import Condition, Forbidden
from measure.devices.actuators import Actuator, apply, available, restore
from measure.devices.base import OptionOffer
from measure.devices.idling import still
from measure.devices.probing import identify, probe
from measure.devices.sensors import pin_mode
from measure.devices.transport import AgentLink, Link, LinkLost, read_texts
from measure.errors import DeviceError
from measure.levels import Level
from measure.options import Option

BOOT_ID = "/proc/sys/kernel/random/boot_id"


class BoardControls:
    """What can be set on a board, over a link that may break and be made again.

    Parameters
    ----------
    link : Link
        Leads to the board; to be closed by whoever opened it.
    word : str
        ``tk1``, ``tx1`` or ``tx2``; ``auto``: whatever it is.
    where : str, default="the board"
        For messages.

    Raises
    ------
    DeviceError
        If it is no board, or another one.

    Examples
    --------
    >>> from measure.devices.configured import configured
    >>> from measure.devices.transport import InProcessLink
    >>> from measure.simulator.tree import BoardTree
    >>> controls = BoardControls(InProcessLink(BoardTree("tx1-r32")), "tx1")
    >>> with configured(controls, {"gpu_freq_hz": 998_400_000}):
    ...     controls.read(["gpu_freq_hz"])
    {'gpu_freq_hz': 998400000}
    """

    def __init__(self, link: Link, word: str, where: str = "the board") -> None:
        self.link, self.where = link, where
        self.lost = False
        self._applied: list[Actuator] = []
        self.identity = identify(link)
        if word not in ("auto", self.identity.word):
            raise DeviceError(
                f"--device {word}: {where} is a {self.identity.word}; say "
                f"--device {self.identity.word}"
            )
        self.boot = self._boot_id()
        self._find()

    def _find(self) -> None:
        """Find the files behind all options, which may differ from boot to boot."""
        link = self.link
        found, self._missing = probe(link, self.identity.word)
        self.actuators = {actuator.name: actuator for actuator in found}
        self.pins = [pin for pin in pin_mode(link) if not available(link, pin)]
        self._still = [(a, v) for a, v in still(link) if not available(link, a)]
        self.offers = self._offered()

    def _boot_id(self) -> str:
        """Return what differs from boot to boot; nothing where it is not told."""
        return read_texts(self.link, [BOOT_ID])[BOOT_ID] or ""

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

        Power sensors are held in continuous mode as well, so that what they average
        over does not depend on the levels; and a fan that is not set at full speed.

        Parameters
        ----------
        configuration : mapping of str to level
            What to set; the rest stays.

        Raises
        ------
        RunFailed
            If a level is not taken, naming path, written and read; or the link broke.
        DeviceError
            If an option cannot be set here, or the board cannot be reached again.
        """
        self.reconnect()
        levels = {name: self._level(name, v) for name, v in configuration.items()}
        chosen: list[tuple[Actuator, Level]] = [(pin, True) for pin in self.pins]
        chosen += [(a, v) for a, v in self._still if a.name not in levels]
        chosen += [(a, levels[n]) for n, a in self.actuators.items() if n in levels]
        # Noted before: what fails half-way is put back as well.
        known = {id(actuator) for actuator in self._applied}
        self._applied += [a for a, _ in chosen if id(a) not in known]
        try:
            apply(self.link, chosen)
        except LinkLost:
            self.lost = True
            raise

    def restore(self) -> None:
        """Put back what `apply` set, the last first.

        Raises
        ------
        DeviceError
            Naming what could not be put back.
        """
        applied, self._applied = self._applied, []
        if self.lost:
            # The agent did, when it lost us; or the next one does from its journal.
            return
        try:
            restore(self.link, applied)
        except LinkLost:
            self.lost = True
            raise

    def reconnect(self) -> None:
        """Make a broken link again, and see that it leads to the same board.

        Raises
        ------
        DeviceError
            If it cannot be reached, is another board, or not as it was before.
        """
        if self.lost:
            self._make_anew()
        failed = getattr(self.link, "restored", {}).get("failed")
        if failed:
            raise DeviceError(
                f"{self.where}: {failed[0]['path']} is not as it was before an earlier "
                f"sweep ({failed[0]['error']}); `python -m measure restore` tries "
                "again, or start the board anew"
            )

    def _make_anew(self) -> None:
        if isinstance(self.link, AgentLink):
            self.link.reconnect()
        found = identify(self.link)
        if found != self.identity:
            raise DeviceError(
                f"{self.where} was {self.identity.word} {self.identity.release} and is "
                f"{found.word} {found.release} now; start a new sweep"
            )
        # The agent has put back what was set, or a start of the board has.
        self._applied = []
        boot = self._boot_id()
        if boot != self.boot:
            self.boot = boot
            self._find()
        self.lost = False

    def forbidden(self, options: Sequence[Option]) -> tuple[Forbidden, ...]:
        """Return which combinations of some options cannot be.

        Parameters
        ----------
        options : sequence of Option
            Of `offers`, or others.

        Returns
        -------
        tuple of Forbidden
            The low-power cluster has one core: it excludes more.
        """
        if not {"cpu_cluster", "cpu_cores"} <= {option.name for option in options}:
            return ()
        one = Condition(option="cpu_cluster", any_of=("low-power",))
        several = Condition(option="cpu_cores", minimum=2)
        return (Forbidden(conditions=(one, several)),)

    def _level(self, name: str, level: Level) -> Level:
        offer = self.offers.get(name)
        if offer is None:
            raise DeviceError(
                f"{self.identity.word} has no option {name!r}; choose from "
                f"{', '.join(self.offers)}"
            )
        if offer.option is None or not offer.available:
            raise DeviceError(
                f"{self.identity.word}: {name} cannot be set: {offer.reason}"
            )
        return offer.option.check(level)

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
