"""Networks that run on a board: exported here, copied there, timed by the worker."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure.constraints import Condition, Forbidden
from measure.devices import machine
from measure.devices.base import OptionOffer, Told
from measure.devices.board_programs import (
    TIME_LIMIT_S,
    WARM_UP_CAP_S,
    Calls,
    calls_of,
    last_document,
    worker_argv,
)
from measure.devices.copying import copy_bytes, copy_file, worker
from measure.devices.host_networks import offered_networks
from measure.errors import DeviceError, RunFailed
from measure.options import Option
from measure.workloads.artefacts import (
    BUILD_LIMIT_S,
    Artefact,
    ArtefactCache,
    cache_folder,
)
from measure.workloads.networks import Network, check_workload, find_network

if TYPE_CHECKING:
    from measure.configuration import Configuration
    from measure.devices.transport import Link, Reply
    from measure.levels import Level
    from measure.workloads.zygote import Zygote

KINDS = {"tflite": "tflite", "graph": "frozen"}
"""Levels of ``backend`` on a board, and the artefact that each runs."""
PRECISIONS = ("float32", "int8_dynamic")
BATCHES = (1, 8)
VERSIONS_LIMIT_S = 120.0
"""A board at its lowest clocks takes so long to import TensorFlow."""


class NetworkPrograms:
    """The networks of this machine, to be run on a board.

    Parameters
    ----------
    networks : sequence of str, optional
        Words of the user's, so that files among them are offered as well.
    log : pathlib.Path, optional
        File that building processes print to; one in the cache by default.
    python : str, optional
        What runs them on the board; by default what runs the agent there.

    Raises
    ------
    WorkloadError
        If a file among `networks` is not there or cannot be read.

    Examples
    --------
    >>> programs = NetworkPrograms()
    >>> programs.networks()["tcn"], programs.offers(4)["threads"].levels
    (('series',), (1, 2, 4))
    """

    def __init__(
        self,
        *,
        networks: Sequence[str] | None = None,
        log: Path | None = None,
        python: str = "",
    ) -> None:
        self._log, self._python = log, python
        self._zygote: Zygote | None = None
        self._version: tuple[str, Mapping[str, str]] | None = None
        self.cache = ArtefactCache(self._build, machine.tensorflow_version())
        self._programs: dict[tuple[str, str], NetworkProgram] = {}
        try:
            self._networks = offered_networks(networks or (), self._inspect)
        except BaseException:
            self.close()
            raise

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the workloads that fit each network.

        Returns
        -------
        mapping of str to tuple of str
            The default first.
        """
        return {name: network.workloads for name, network in self._networks.items()}

    def offers(self, cores: int) -> Mapping[str, OptionOffer]:
        """Return the options of what runs networks.

        Parameters
        ----------
        cores : int
            How many the board has.

        Returns
        -------
        mapping of str to OptionOffer
            ``backend``, ``threads``, ``batch_size``, ``precision``.
        """
        levels = sorted({1, *(n for n in (2, 4, 8, 16) if n < cores), cores})
        threads = OptionOffer(option=None, available=False, reason="it has one core")
        if len(levels) > 1:
            option = Option(name="threads", levels=tuple(levels), default=cores)
            threads = OptionOffer(option=option, reason="of the CPU")
        found = {
            "backend": OptionOffer(
                option=Option(name="backend", levels=tuple(KINDS), default="tflite"),
                reason="tflite runs on the CPU; graph, by the board's own TensorFlow, "
                "on the GPU where that was built for it",
            ),
            "threads": threads,
            "batch_size": OptionOffer(
                option=Option(name="batch_size", levels=BATCHES, default=1)
            ),
            "precision": OptionOffer(
                option=Option(name="precision", levels=PRECISIONS, default="float32")
            ),
        }
        fixed = [n.name for n in self._networks.values() if n.format == "tflite"]
        if fixed:
            reason = f"{fixed[0]} is a TFLite file: it runs on TFLite only, as it is"
            for name in ("backend", "precision"):
                found[name] = OptionOffer(option=None, available=False, reason=reason)
        return found

    def forbidden(self, options: Sequence[Option]) -> tuple[Forbidden, ...]:
        """Return which combinations of some options cannot be.

        Parameters
        ----------
        options : sequence of Option
            Of a space.

        Returns
        -------
        tuple of Forbidden
            Dynamic-range int8 is TFLite's.
        """
        levels = {option.name: option.levels for option in options}
        wanted = {"backend": "graph", "precision": "int8_dynamic"}
        if any(level not in levels.get(name, ()) for name, level in wanted.items()):
            return ()
        conditions = [Condition(option=n, any_of=(v,)) for n, v in wanted.items()]
        return (Forbidden(conditions=tuple(conditions)),)

    def program(self, network: str, workload: str) -> NetworkProgram:
        """Return what runs a network on a workload; the same one each time.

        Parameters
        ----------
        network, workload : str
            Of `networks`; images of any size fit where ``images`` does.

        Returns
        -------
        NetworkProgram
            Not copied yet.

        Raises
        ------
        WorkloadError
            If the two do not fit.
        """
        known = self._networks.get(network)
        if known is None:
            known = self._networks[find_network(network, self._networks).name]
        check_workload(known, workload)
        pair = (known.name, workload)
        if pair not in self._programs:
            self._programs[pair] = NetworkProgram(
                known, workload, self.cache, self._python
            )
        return self._programs[pair]

    def version(self, link: Link) -> tuple[str, Mapping[str, str]]:
        """Return what runs TFLite files on a board.

        Parameters
        ----------
        link : Link
            Leads to the board.

        Returns
        -------
        str
            The runtime with its minor version.
        mapping of str to str
            Its version, and Python's.

        Raises
        ------
        DeviceError
            If the board has none, with what to install.
        """
        if self._version is None:
            self._version = runtime_of(link, copy_bytes(link, worker()), self._python)
        return self._version

    def close(self) -> None:
        """End the process that builds."""
        if self._zygote is not None:
            self._zygote.kill()
            self._zygote = None

    def _inspect(self, target: str, job: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._build(target, job, True)["value"]
        return found

    def _build(self, target: str, job: Mapping[str, Any], onednn: bool) -> Any:
        """Run a target in a process that has TensorFlow, as it is for a host."""
        from measure.devices.host_levels import import_variables
        from measure.workloads.zygote import Zygote

        if self._zygote is None:
            log = self._log or cache_folder() / "logs" / f"board-{os.getpid()}.log"
            try:
                log.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise DeviceError(f"log {log}: {error}") from error
            self._zygote = Zygote(
                log=log,
                environment=import_variables(True),
                modules=("measure.workloads.backends",),
            )
        return self._zygote.call(target, dict(job), limit_s=BUILD_LIMIT_S)


class NetworkProgram:
    """One network on one workload, on a board.

    Parameters
    ----------
    network : Network
        What is exported.
    workload : str
        Decides the input's shape.
    cache : ArtefactCache
        Has what was exported before.
    python : str, optional
        What runs it on the board; by default what runs the agent there.
    """

    def __init__(
        self, network: Network, workload: str, cache: ArtefactCache, python: str = ""
    ) -> None:
        self.network, self.workload, self.cache = network, workload, cache
        self._wanted: dict[Artefact, None] = {}
        self._there: dict[Artefact, str] = {}
        self._worker, self._python = "", python

    def prepare(
        self, configurations: Iterable[Configuration], progress: Told | None = None
    ) -> None:
        """Export what configurations need; what cannot be fails when its turn comes.

        Parameters
        ----------
        configurations : iterable of Configuration
            What will be measured.
        progress : callable, optional
            Told how many files are done, of how many, and which is next.
        """
        needed: list[Artefact] = []
        for one in configurations:
            with contextlib.suppress(RunFailed):
                needed += self._needs(one)
        self.cache.build_missing(self.network, self.workload, needed, progress)
        self._wanted.update(dict.fromkeys(a for a in needed if self.cache.hash(a)))

    def artefact(self, configuration: Mapping[str, Level]) -> str:
        """Return the hash of the model that a configuration runs.

        Parameters
        ----------
        configuration : mapping of str to level
            Its model is exported if it is not yet.

        Returns
        -------
        str
            Two configurations with equal hashes run the same model.

        Raises
        ------
        RunFailed
            If it cannot be exported.
        """
        needed = self._needs(configuration)
        if missing := self.cache.missing(needed):
            self.cache.build(self.network, self.workload, missing)
        self._wanted.update(dict.fromkeys(needed))
        return self.cache.hash(needed[0])

    def copy(self, link: Link) -> None:
        """Copy to a board what is not there: models, inputs, the worker.

        Parameters
        ----------
        link : Link
            Leads to the board; what was copied is not asked for again.
        """
        if not self._worker:
            self._python = self._python or str(link.ask("status")["executable"])
            self._worker = copy_bytes(link, worker())
        for one in self._wanted:
            if one not in self._there:
                facts = one.facts
                assert facts is not None
                self._there[one] = copy_file(link, one.path, str(facts["sha256"]))

    def argv(
        self,
        configuration: Mapping[str, Level],
        *,
        seconds: float,
        window_s: float,
        lead_s: float,
        min_calls: int,
        quick: bool,
        warm_up_cap_s: float = WARM_UP_CAP_S,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> list[str]:
        """Return the words that start it on the board.

        Parameters
        ----------
        configuration : mapping of str to level
            Options that are none of the program's are left out.
        seconds, window_s, lead_s : float
            Measuring time, and load around it.
        min_calls : int
            Calls that are measured at least.
        quick : bool
            No test of whether it is warm.
        warm_up_cap_s, time_limit_s : float, optional
            Limits.

        Returns
        -------
        list of str
            For the agent's request ``run``.

        Raises
        ------
        DeviceError
            If it was not copied.
        """
        model, inputs = self._needs(configuration)
        if model not in self._there or inputs not in self._there:
            raise DeviceError(
                f"{self.network.name}: {model.path.name} is not on the board; call "
                "artefact, then copy"
            )
        facts = model.facts or {}
        job = {
            "kind": configuration.get("backend", "tflite"),
            "model": self._there[model],
            "inputs": self._there[inputs],
            "threads": configuration.get("threads"),
            "input": facts.get("input"),
            "output": facts.get("output"),
            "seconds": seconds,
            "window_s": window_s,
            "lead_s": lead_s,
            "min_calls": min_calls,
            "quick": quick,
            "warm_up_cap_s": warm_up_cap_s,
            "limit_s": time_limit_s,
        }
        return worker_argv(self._python, self._worker, job)

    def calls(self, reply: Reply) -> Calls:
        """Return what a run gave.

        Parameters
        ----------
        reply : dict
            The agent's reply to ``run``.

        Returns
        -------
        Calls
            At least one.

        Raises
        ------
        RunFailed
            If it gave none, with what the program said.
        """
        return calls_of(reply)

    def _needs(self, configuration: Mapping[str, Any]) -> tuple[Artefact, Artefact]:
        """Return the model of a configuration, and its inputs."""
        backend = str(configuration.get("backend", "tflite"))
        batch = int(configuration.get("batch_size", 1))
        precision = str(configuration.get("precision", "float32"))
        if backend == "graph" and precision != "float32":
            raise RunFailed(
                f"backend graph and precision {precision} exclude each other",
                final=True,
            )
        model = self.cache.artefact(
            self.network,
            self.workload,
            kind=KINDS[backend],
            precision=precision,
            # A file of the user's is one file, whatever the batch.
            batch=1 if self.network.format == "tflite" else batch,
        )
        inputs = self.cache.artefact(
            self.network, self.workload, kind="inputs", batch=batch
        )
        return model, inputs


def runtime_of(
    link: Link, there: str, python: str = ""
) -> tuple[str, Mapping[str, str]]:
    """Return what runs TFLite files on a board.

    Parameters
    ----------
    link : Link
        Leads to the board.
    there : str
        Where the worker is on it.
    python : str, optional
        What runs it; by default what runs the agent.

    Returns
    -------
    str
        The runtime with its minor version.
    mapping of str to str
        Its version, and Python's.

    Raises
    ------
    DeviceError
        If the board has none, with what to install.
    """
    python = python or str(link.ask("status")["executable"])
    argv = worker_argv(python, there, {"kind": "versions"})
    reply = link.ask("run", argv=argv, limit_s=VERSIONS_LIMIT_S)
    found = last_document(reply["stdout"])
    if "runtime" not in found:
        said = (reply["stderr"] or reply["stdout"]).strip().splitlines()
        reason = found.get("failed") or "; ".join(said[-1:]) or "it said nothing"
        raise DeviceError(f"what runs networks on the board is not known: {reason}")
    runtime, version = str(found["runtime"]), str(found["version"])
    label = f"{runtime}-{'.'.join(version.split('.')[:2])}"
    return label, {"runtime": f"{runtime} {version}", "python": str(found["python"])}
