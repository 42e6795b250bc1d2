"""A Jetson: its options, and networks that run on it, through the agent there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from measure.configuration import Configuration
from measure.constraints import Forbidden
from measure.devices.address import Address
from measure.devices.base import Device, Measurement, OptionOffer, Told
from measure.devices.board_conditions import LOAD, conditions_of
from measure.devices.board_controls import BoardControls
from measure.devices.board_course import course_of
from measure.devices.board_instruments import Instruments, find_instruments
from measure.devices.board_report import described
from measure.devices.board_run import BoardRun
from measure.devices.configured import configured
from measure.devices.sensors import DEFAULT_PERIOD_S, TOTAL, temperatures
from measure.devices.transport import AgentLink, Link, LinkLost, read_texts
from measure.errors import RunFailed, WorkloadError
from measure.options import Option
from measure.records import Conditions, Environment

if TYPE_CHECKING:
    from measure.devices.board_programs import BoardProgram, BoardPrograms
    from measure.workloads.base import Timing

USUAL = ("cpu_cores", "cpu_freq_hz", "gpu_freq_hz", "emc_freq_hz")
"""Options of a sweep that names none."""
START_S = 3.0
"""A program on a board starts, loads and warms up within so long, usually."""
_CLOCKS = ("cpu_freq_hz", "gpu_freq_hz", "emc_freq_hz")


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
    programs : BoardPrograms, optional
        What can be run there; nothing by default.

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
        self,
        word: str,
        address: Address | None = None,
        *,
        link: Link | None = None,
        programs: BoardPrograms | None = None,
    ) -> None:
        self.where = address or Address()
        self.programs = programs
        try:
            self.link: Link = AgentLink(self.where) if link is None else link
        except BaseException:
            if programs is not None:
                programs.close()
            raise
        try:
            self.controls = BoardControls(self.link, word, str(self.where))
        except BaseException:
            self.close()
            raise
        self.identity = self.controls.identity
        self.name = self.address = self.identity.word
        self._keep, self._boot = False, self.controls.boot
        self._instruments: Instruments | None = None
        self._version: tuple[str, Mapping[str, str]] | None = None
        self.run = BoardRun(self.controls, self.instruments)

    @property
    def place(self) -> str:
        """Where the board is: two of one kind are two devices."""
        return self.address if self.simulated else self.where.place()

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the networks that it can run, and the workloads of each.

        Returns
        -------
        mapping of str to tuple of str
            The default first.
        """
        return {} if self.programs is None else self.programs.networks()

    def offers(self) -> Mapping[str, OptionOffer]:
        """Return every option of the board, and of what runs on it.

        Returns
        -------
        mapping of str to OptionOffer
            With the reason for each that cannot be set here.
        """
        own = self.controls.offers
        if self.programs is None:
            return dict(own)
        cores = own["cpu_cores"].levels if "cpu_cores" in own else ()
        # What the board sets stays the board's, also where a command names it.
        return {**self.programs.offers(max(map(int, cores), default=1)), **own}

    def usual_options(self) -> Iterable[str]:
        """Return the options of a sweep that names none.

        Returns
        -------
        iterable of str
            Cores and clocks, as far as they can be set, and those that a command names.
        """
        offers = self.controls.offers
        own = [n for n in USUAL if n in offers and offers[n].available]
        return (*own, *(() if self.programs is None else self.programs.usual))

    def forbidden(self, options: Sequence[Option]) -> tuple[Forbidden, ...]:
        """Return which combinations of some options cannot be.

        Parameters
        ----------
        options : sequence of Option
            Of `offers`.

        Returns
        -------
        tuple of Forbidden
            The board's, and those of what runs on it.
        """
        own = self.controls.forbidden(options)
        return own + (() if self.programs is None else self.programs.forbidden(options))

    def environment(self, network: str, workload: str) -> Environment:
        """Return what runs must share to be pooled.

        Parameters
        ----------
        network, workload : str
            Of `networks`.

        Returns
        -------
        Environment
            The version is the board's runtime; where the board is has no say, which
            rail its power is that of has.

        Raises
        ------
        WorkloadError
            If the two do not fit.
        DeviceError
            If the board has nothing that runs networks.
        """
        self._program(network, workload)
        assert self.programs is not None
        if self._version is None:
            self._version = self.programs.version(self.link)
        version, libraries = self._version
        identity = self.identity
        return Environment(
            device=self.name,
            network=network,
            workload=workload,
            version=version,
            fingerprint={
                "board": identity.model or identity.word,
                "l4t": identity.release,
                "kernel": identity.kernel,
                "power": TOTAL.get(identity.word, ""),
                **libraries,
            },
        )

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
            Seconds: two rests and a window, by the period of the power sensor, which
            is measured once.
        """
        course = course_of(timing, self._period_s())
        return START_S + 2.0 * (course.rest_s + course.lead_s) + course.window_s

    def prepare(
        self,
        network: str,
        workload: str,
        configurations: Iterable[Configuration],
        progress: Told | None = None,
    ) -> None:
        """Build what the configurations need, and copy it to the board.

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
        program = self._program(network, workload)
        program.prepare(configurations, progress)
        try:
            program.copy(self.link)
        except LinkLost:
            # The first run connects again, and copies what is not there.
            self.controls.lost = True

    def artefact(
        self, network: str, workload: str, configuration: Configuration
    ) -> str:
        """Return the hash of the model that a configuration runs.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            What will be measured.

        Returns
        -------
        str
            Empty where nothing is built.
        """
        return self._program(network, workload).artefact(configuration)

    def instruments(self) -> Instruments:
        """Return what the board tells during a run.

        Returns
        -------
        Instruments
            Found once a boot: the sensor's update period is measured then.
        """
        if self._boot != self.controls.boot:
            self._boot, self._instruments = self.controls.boot, None
        if self._instruments is None:
            self._instruments = find_instruments(self.controls)
        return self._instruments

    def conditions(self) -> Conditions:
        """Return load, temperatures by zone, and clocks.

        Returns
        -------
        Conditions
            What cannot be read is missing, with its reason.
        """
        celsius = {zone: [value] for zone, value in temperatures(self.link).items()}
        now = self.controls.read(_CLOCKS)
        clocks = {name: value for name, value in now.items() if value is not None}
        found = conditions_of(read_texts(self.link, [LOAD])[LOAD], celsius, {})
        return replace(found, clock_hz={n: float(v) for n, v in clocks.items()})

    def measure(
        self,
        network: str,
        workload: str,
        configuration: Configuration,
        timing: Timing,
    ) -> Measurement:
        """Set one configuration, run a network at it, and put the board back.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            Options that it lacks stay as they are.
        timing : Timing
            How long; the energy window is longer.

        Returns
        -------
        Measurement
            As `measure.devices.board_run` has it.

        Raises
        ------
        RunFailed
            If a level is not taken, the program failed, or the link broke.
        """
        program = self._program(network, workload)
        return self.run.measure(program, configuration, timing, keep=self._keep)

    def keep_levels(self, keep: bool) -> None:
        """Say whether what a run sets may stand after it, if the run went well.

        Parameters
        ----------
        keep : bool
            False: what still stands is put back now.

        Raises
        ------
        DeviceError
            Naming what could not be put back.
        """
        self._keep = keep
        if not keep:
            # Where the link is lost, the agent has put everything back.
            with suppress(LinkLost):
                self.controls.restore()

    def describe(self) -> dict[str, str]:
        """Return what the board is, for whoever sees it first.

        Returns
        -------
        dict of str to str
            As `measure.devices.board_report` has it.
        """
        return described(self.controls, self.programs)

    def close(self) -> None:
        """Put everything back, and end the agent."""
        try:
            if self.programs is not None:
                self.programs.close()
        finally:
            self.link.close()

    def _period_s(self) -> float | None:
        """Return the update period of the power sensor; None without one."""
        if self._instruments is None:
            try:
                # Its mode is pinned as it is during runs.
                with configured(self.controls, {}):
                    self.instruments()
            except RunFailed:
                return DEFAULT_PERIOD_S
        return self.instruments().period_s

    def _program(self, network: str, workload: str) -> BoardProgram:
        if self.programs is None:
            raise WorkloadError(f"{self.name}: there is nothing to run on it")
        return self.programs.program(network, workload)
