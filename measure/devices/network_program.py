"""One network on a board: its model and inputs, exported here and copied there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from measure.devices.copying import copy_file
from measure.devices.worker_program import WorkerProgram
from measure.errors import DeviceError, RunFailed

if TYPE_CHECKING:
    from measure.configuration import Configuration
    from measure.devices.base import Told
    from measure.devices.transport import Link
    from measure.levels import Level
    from measure.workloads.artefacts import Artefact, ArtefactCache
    from measure.workloads.networks import Network

KINDS = {"tflite": "tflite", "graph": "frozen"}
"""Levels of ``backend`` on a board, and the artefact that each runs."""

OWN = ("backend", "batch_size", "precision", "threads")
"""Options of the program: what is read back of them must be what was asked for."""


class NetworkProgram(WorkerProgram):
    """One network on one workload, on a board.

    Parameters
    ----------
    network : Network
        What is exported.
    workload : str
        Decides the input's shape.
    cache : ArtefactCache
        Has what was exported before.
    python : str, default=""
        What runs it on the board; what runs the agent by default.
    """

    def __init__(
        self, network: Network, workload: str, cache: ArtefactCache, python: str = ""
    ) -> None:
        self.network, self.workload, self.cache = network, workload, cache
        self._wanted: dict[Artefact, None] = {}
        self._there: dict[Artefact, str] = {}
        super().__init__(python)

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
        super().copy(link)
        for one in self._wanted:
            if one not in self._there:
                facts = one.facts
                assert facts is not None
                self._there[one] = copy_file(link, one.path, str(facts["sha256"]))

    def job(self, configuration: Mapping[str, Level]) -> dict[str, Any]:
        """Return what the worker has to know of a configuration.

        Parameters
        ----------
        configuration : mapping of str to level
            Options that are none of the program's are left out.

        Returns
        -------
        dict
            Plain data.

        Raises
        ------
        DeviceError
            If model or inputs are not on the board.
        """
        model, inputs = self._needs(configuration)
        if model not in self._there or inputs not in self._there:
            raise DeviceError(
                f"{self.network.name}: {model.path.name} is not on the board; call "
                "artefact, then copy"
            )
        facts = model.facts or {}
        return {
            "kind": configuration.get("backend", "tflite"),
            "model": self._there[model],
            "inputs": self._there[inputs],
            "threads": configuration.get("threads"),
            "asked": {
                name: configuration[name] for name in OWN if name in configuration
            },
            "input": facts.get("input"),
            "output": facts.get("output"),
        }

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
