"""Any command as the program that runs on a board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from measure.devices.base import OptionOffer
from measure.devices.board_programs import Calls, last_document
from measure.devices.command_line import (
    NETWORK,
    WORKLOAD,
    CommandLine,
    CommandOptions,
    command_of,
    require_command,
    space_of,
)
from measure.devices.copying import copy_bytes, worker
from measure.devices.worker_program import WorkerProgram, python_of, worker_argv
from measure.errors import DeviceError

if TYPE_CHECKING:
    from measure.configuration import Configuration
    from measure.constraints import Forbidden
    from measure.devices.base import Told
    from measure.devices.transport import Link, Reply
    from measure.levels import Level
    from measure.options import Option

FIND_LIMIT_S = 60.0


class CommandPrograms:
    """A command in the place of networks.

    Parameters
    ----------
    command : str
        As `CommandLine` takes it.
    latency_pattern : str, default=""
        Finds latencies in what it prints.
    space : mapping, optional
        Levels of the options that it names, as a space file has them.
    python : str, default=""
        What runs the worker on the board; what runs the agent by default.

    Raises
    ------
    WorkloadError
        If command or pattern cannot be read.

    Examples
    --------
    >>> CommandPrograms("trtexec --batch={batch_size}").networks()
    {'command': ('own',)}
    """

    def __init__(
        self,
        command: str,
        latency_pattern: str = "",
        space: Mapping[str, Any] | None = None,
        python: str = "",
    ) -> None:
        line = CommandLine(text=command, pattern=latency_pattern)
        self.options = CommandOptions(command=line, space=space_of(space))
        self._python = python
        self._program = CommandProgram(self.options, python)

    @property
    def usual(self) -> tuple[str, ...]:
        """All options that the command names, as far as they have levels."""
        return tuple(self.options.offers)

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the one name that stands in the place of a network's.

        Returns
        -------
        mapping of str to tuple of str
            And its one workload.
        """
        return {NETWORK: (WORKLOAD,)}

    def offers(self, cores: int) -> Mapping[str, OptionOffer]:
        """Return the options that the command names.

        Parameters
        ----------
        cores : int
            Not used: levels are the user's.

        Returns
        -------
        mapping of str to OptionOffer
            Those that have levels.
        """
        return self.options.offers

    def forbidden(self, options: Sequence[Option]) -> tuple[Forbidden, ...]:
        """Return which combinations of some options cannot be.

        Parameters
        ----------
        options : sequence of Option
            Of a space.

        Returns
        -------
        tuple of Forbidden
            Those of the space file.
        """
        return self.options.forbidden(option.name for option in options)

    def program(self, network: str, workload: str) -> CommandProgram:
        """Return what runs the command; the same one each time.

        Parameters
        ----------
        network, workload : str
            Of `networks`.

        Returns
        -------
        CommandProgram
            Not copied yet.

        Raises
        ------
        WorkloadError
            If they are others.
        """
        require_command(network, workload)
        return self._program

    def version(self, link: Link) -> tuple[str, Mapping[str, str]]:
        """Return what is run.

        Parameters
        ----------
        link : Link
            Leads to the board.

        Returns
        -------
        str
            The program's name.
        mapping of str to str
            The command, and the hash of the program's file.

        Raises
        ------
        DeviceError
            If the board has no such program.
        """
        line = self.options.command
        there = copy_bytes(link, worker())
        job = {"kind": "program", "program": line.words[0]}
        argv = worker_argv(self._python or python_of(link), there, job)
        reply = link.ask("run", argv=argv, limit_s=FIND_LIMIT_S)
        found = last_document(reply["stdout"])
        if "path" not in found:
            said = found.get("failed") or reply["stderr"].strip() or "it said nothing"
            raise DeviceError(f"--command on the board: {said}; write its whole path")
        return line.program, {**command_of(line), "program": str(found["sha256"])[:32]}

    def close(self) -> None:
        """End nothing: it has no processes of its own."""


class CommandProgram(WorkerProgram):
    """A command on a board.

    Parameters
    ----------
    options : CommandOptions
        The command, and its options.
    python : str, default=""
        What runs the worker on the board; what runs the agent by default.
    """

    def __init__(self, options: CommandOptions, python: str = "") -> None:
        super().__init__(python)
        self.options = options

    def prepare(
        self, configurations: Iterable[Configuration], progress: Told | None = None
    ) -> None:
        """See that each name in the command has a level.

        Parameters
        ----------
        configurations : iterable of Configuration
            What will be measured.
        progress : callable, optional
            Not used: nothing is built.
        """
        for one in configurations:
            self.options.argv(one)

    def job(self, configuration: Mapping[str, Level]) -> dict[str, Any]:
        """Return what the worker has to know of a configuration.

        Parameters
        ----------
        configuration : mapping of str to level
            Options that the command does not name are left out.

        Returns
        -------
        dict
            Plain data.
        """
        return self.options.job(configuration)

    def calls(self, reply: Reply) -> Calls:
        """Return what a run gave.

        Parameters
        ----------
        reply : dict
            The agent's reply to ``run``.

        Returns
        -------
        Calls
            None of its own options can be read back.

        Raises
        ------
        RunFailed
            If it gave none, with what the program said.
        """
        reasons = self.options.read_back_reason
        return replace(
            super().calls(reply),
            read_back=dict.fromkeys(reasons),
            read_back_reason=reasons,
        )
