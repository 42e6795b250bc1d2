"""This machine, measuring any command in fresh processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure.devices import machine
from measure.devices.base import Device, Measurement, OptionOffer, Told
from measure.devices.board_programs import calls_of
from measure.devices.command_line import (
    NETWORK,
    WORKLOAD,
    CommandLine,
    CommandOptions,
    command_of,
    require_command,
    space_of,
)
from measure.devices.copying import worker
from measure.devices.host_levels import energy_of_run
from measure.devices.host_options import host_offers
from measure.devices.host_power import HostPower
from measure.devices.worker_program import worker_argv
from measure.errors import WorkloadError
from measure.records import Conditions, Environment
from measure.workloads.board_timing import Failed
from measure.workloads.command import find_program

if TYPE_CHECKING:
    from measure.configuration import Configuration
    from measure.constraints import Forbidden
    from measure.options import Option
    from measure.workloads.base import Timing

KNOWN = ("threads", "batch_size")
"""Options whose levels this machine knows, for a command that names them."""
_RUNTIME = ("tensorflow", "keras", "numpy", "python")
"""What of this machine a command does not run on."""


class CommandDevice(Device):
    """The machine in front of you, running a command instead of networks.

    Parameters
    ----------
    command : str
        As `CommandLine` takes it.
    latency_pattern : str, default=""
        Finds latencies in what it prints.
    space : mapping, optional
        Levels of the options that it names, as a space file has them.
    folder : str, default=""
        Where it is run; here by default.
    log : pathlib.Path, optional
        File that the command prints to; nowhere by default.

    Raises
    ------
    WorkloadError
        If command or pattern cannot be read, the program is not there, or an option
        has no levels, or is set by no one.

    Examples
    --------
    >>> space = {"options": {"delay": {"kind": "numeric", "levels": [0, 0.01]}}}
    >>> with CommandDevice("sleep {delay}", space=space) as device:
    ...     device.space().names
    ('delay',)
    """

    name = "host"
    address = "host"

    def __init__(
        self,
        command: str,
        latency_pattern: str = "",
        space: Mapping[str, Any] | None = None,
        folder: str = "",
        *,
        log: Path | None = None,
    ) -> None:
        line = CommandLine(text=command, pattern=latency_pattern)
        offers = host_offers()
        self.options = CommandOptions(
            command=line,
            space=space_of(space),
            known={name: offers[name] for name in KNOWN},
        )
        self.options.check()
        self._folder = folder or os.getcwd()
        program = line.words[0]
        if os.sep in program:
            program = os.path.join(self._folder, program)
        try:
            self._program = find_program({"program": program})
        except Failed as failure:
            raise WorkloadError(f"--command: {failure.reason}") from failure
        self._log = log
        self._power = HostPower.find()
        self._stack = ExitStack()
        scratch = self._stack.enter_context(tempfile.TemporaryDirectory())
        self._worker = Path(scratch) / "worker"
        self._worker.write_bytes(worker())

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the one name that stands in the place of a network's.

        Returns
        -------
        mapping of str to tuple of str
            And its one workload.
        """
        return {NETWORK: (WORKLOAD,)}

    def offers(self) -> Mapping[str, OptionOffer]:
        """Return the options that the command names.

        Returns
        -------
        mapping of str to OptionOffer
            In the order of its words.
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

    def environment(self, network: str, workload: str) -> Environment:
        """Return what runs must share to be pooled.

        Parameters
        ----------
        network, workload : str
            Of `networks`.

        Returns
        -------
        Environment
            Its version is the program's name; machine, command and the program's
            file must match.

        Raises
        ------
        WorkloadError
            If network or workload are others.
        """
        require_command(network, workload)
        line = self.options.command
        whole = machine.fingerprint()
        return Environment(
            device=self.name,
            network=network,
            workload=workload,
            version=line.program,
            fingerprint={
                **{name: what for name, what in whole.items() if name not in _RUNTIME},
                **command_of(line),
                "program": str(self._program["sha256"])[:32],
            },
        )

    def conditions(self) -> Conditions:
        """Return load, temperature, power source, turbo and kinds of core.

        Returns
        -------
        Conditions
            What cannot be read here is missing, with its reason.
        """
        return machine.conditions()

    def describe(self) -> dict[str, str]:
        """Return what is run, and what tells this machine's energy.

        Returns
        -------
        dict of str to str
            The program's path; the counters, or why there are none.
        """
        power = self._power.why or self._power.sensor
        return {"program": str(self._program["path"]), "power": power}

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
            Seconds, for a program that is short beside them.
        """
        rests_s = 0.0 if timing.quick else self._power.rests_s
        return super().run_time_s(network, workload, timing) + rests_s

    def prepare(
        self,
        network: str,
        workload: str,
        configurations: Iterable[Configuration],
        progress: Told | None = None,
    ) -> None:
        """See that each name in the command has a level.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configurations : iterable of Configuration
            What will be measured.
        progress : callable, optional
            Not used: nothing is built.

        Raises
        ------
        WorkloadError
            If one has none.
        """
        require_command(network, workload)
        for one in configurations:
            self.options.argv(one)

    def measure(
        self, network: str, workload: str, configuration: Configuration, timing: Timing
    ) -> Measurement:
        """Run the command until it has been measured for long enough.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            A name in the command that it lacks has its option's default.
        timing : Timing
            How long; its limit is that of all executions together.

        Returns
        -------
        Measurement
            Energy where the processor tells it, else missing, with its reason.

        Raises
        ------
        RunFailed
            If it ended badly, took too long, or its pattern found nothing.
        """
        require_command(network, workload)
        conditions = machine.conditions()
        job = {
            **self.options.job(configuration),
            "echo": self._log is not None,
            "seconds": timing.seconds,
            "window_s": 0.0,
            "lead_s": 0.0,
            "min_calls": timing.min_calls,
            "quick": timing.quick,
            "warm_up_cap_s": timing.warm_up_cap_s,
            "limit_s": timing.time_limit_s,
        }
        argv = worker_argv(sys.executable, str(self._worker), job)
        calls, energy, why = self._power.watched(
            lambda: calls_of(self._run(argv, timing.time_limit_s)),
            lambda said: said.window,
            quick=timing.quick,
        )
        how = self.options.read_back_reason
        return Measurement(
            calls_s=calls.calls_s,
            warm_up_s=calls.warm_up_s,
            cpu_time_s=calls.cpu_time_s,
            batch_size=calls.batch_size,
            readings=energy_of_run(
                energy,
                why,
                calls=calls.window_calls,
                batch=calls.batch_size,
                quick=timing.quick,
            ),
            read_back=dict.fromkeys(configuration),
            read_back_reason={name: how.get(name, "") for name in configuration},
            flags=(*calls.flags, *(energy.flags if energy is not None else ())),
            conditions=conditions,
        )

    def _run(self, argv: Sequence[str], limit_s: float) -> dict[str, Any]:
        """Run words as the agent on a board does: in a group of their own."""
        with ExitStack() as stack:
            log = self._log.open("ab") if self._log else open(os.devnull, "ab")
            stack.enter_context(log)
            start_s = time.monotonic()
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
            late = False
            try:
                stdout, _ = process.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                late = True
                stdout = b""
            finally:
                # Whatever ends us, and whatever the command left running.
                _kill(process)
            return {
                "rc": process.returncode,
                "late": late,
                "stdout": stdout.decode("utf-8", "replace"),
                "stderr": "",
                "start_s": start_s,
                "stop_s": time.monotonic(),
            }

    def close(self) -> None:
        """Remove the worker's file."""
        self._stack.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if process.stdout is not None:
        process.stdout.close()
    process.wait()
