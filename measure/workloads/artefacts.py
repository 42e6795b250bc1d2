"""Artefacts that are built once and cached outside every store.

An artefact is what a measured process loads: a graph, an XLA function, a TFLite
file, a batch of inputs. Its name holds a hash of everything it was made from.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure.errors import RunFailed, WorkloadError
from measure.workloads.networks import Network

APPLICATION = "sweepscope"
"""Name of our folder among the user's caches."""
CACHE_VARIABLE = "PERFMODEL_CACHE"
BUILD_LIMIT_S = 600.0
SEED = 0
"""Of random weights."""
_VERSION = 2
"""Rises when building changes what it makes."""
_SUFFIXES = {
    "graph": ".pb",
    "frozen": ".pb",
    "xla": ".function",
    "tflite": ".tflite",
    "inputs": ".npy",
}

Builder = Callable[[str, Mapping[str, Any], bool], Any]
"""Runs a target on a job in a process with oneDNN on, or off."""


def cache_folder() -> Path:
    """Return the folder for what is built once.

    Returns
    -------
    pathlib.Path
        $PERFMODEL_CACHE, else ``sweepscope`` in $XDG_CACHE_HOME or ``~/.cache``.
    """
    own = os.environ.get(CACHE_VARIABLE)
    if own:
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / APPLICATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """Something to build, or that is built.

    Parameters
    ----------
    kind : {"graph", "frozen", "xla", "tflite", "inputs"}
        What loads it.
    precision : str
        It is compiled for; empty for inputs.
    batch : int
        Items that it takes at once.
    onednn : bool
        Whether it was optimised for oneDNN; True for all but graphs.
    path : pathlib.Path
        Where it is, or will be.
    """

    kind: str
    precision: str
    batch: int
    onednn: bool
    path: Path

    @property
    def facts(self) -> dict[str, Any] | None:
        """What was written beside it: ``sha256``, ``bytes``; None if not built."""
        try:
            text = self.path.with_name(self.path.name + ".json").read_text()
            facts: dict[str, Any] = json.loads(text)
            whole = self.path.stat().st_size == facts["bytes"]
        except (OSError, ValueError, KeyError):
            return None
        return facts if whole else None


class ArtefactCache:
    """Finds artefacts, and has those built that are missing.

    Parameters
    ----------
    build : callable
        Runs ``module:function`` on a job in a process of its own.
    runtime : str
        Version of what builds them, part of every name.
    folder : pathlib.Path, optional
        `cache_folder` by default.
    """

    def __init__(
        self, build: Builder, runtime: str, folder: Path | None = None
    ) -> None:
        self._build = build
        self._runtime = runtime
        self.folder = folder or cache_folder()
        self._hashes: dict[Path, str] = {}
        self._file_hashes: dict[Path, str] = {}

    def artefact(
        self,
        network: Network,
        workload: str,
        *,
        kind: str,
        precision: str = "",
        batch: int = 1,
        onednn: bool = True,
    ) -> Artefact:
        """Return an artefact, which need not be built yet.

        Parameters
        ----------
        network : Network
            What is compiled.
        workload : str
            Decides the input's shape.
        kind : {"graph", "frozen", "xla", "tflite", "inputs"}
            What loads it.
        precision : str, default=""
            It is compiled for.
        batch : int, default=1
            Items that it takes at once.
        onednn : bool, default=True
            Whether a graph is optimised for oneDNN.

        Returns
        -------
        Artefact
            Two that are made from the same have the same path.
        """
        onednn = onednn or kind != "graph"
        made_from = {
            "version": _VERSION,
            "network": self.identity(network),
            "workload": workload,
            "kind": kind,
            "precision": precision,
            "batch": batch,
            "onednn": onednn,
            "seed": SEED,
            "runtime": self._runtime,
        }
        text = json.dumps(made_from, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        stem = Path(network.name).stem.replace(" ", "_")
        parts = [stem, workload, precision, f"b{batch}", digest]
        name = "-".join(part for part in parts if part) + _SUFFIXES[kind]
        return Artefact(
            kind=kind,
            precision=precision,
            batch=batch,
            onednn=onednn,
            path=self.folder / "artefacts" / name,
        )

    def identity(self, network: Network) -> str:
        """Return what tells a network from all others.

        Parameters
        ----------
        network : Network
            Built in, or a file.

        Returns
        -------
        str
            Its name; of a file the hash of its content.
        """
        if network.file is None:
            return network.name
        if network.file not in self._file_hashes:
            data = network.file.read_bytes()
            self._file_hashes[network.file] = hashlib.sha256(data).hexdigest()
        return self._file_hashes[network.file]

    def hash(self, artefact: Artefact) -> str:
        """Return the hash of an artefact's content.

        Parameters
        ----------
        artefact : Artefact
            Built before.

        Returns
        -------
        str
            The first half of its SHA-256; empty if it is not built.
        """
        if artefact.path not in self._hashes:
            facts = artefact.facts
            if facts is None:
                return ""
            self._hashes[artefact.path] = str(facts["sha256"])[:32]
        return self._hashes[artefact.path]

    def missing(self, artefacts: Iterable[Artefact]) -> list[Artefact]:
        """Return the artefacts that are not built yet.

        Parameters
        ----------
        artefacts : iterable of Artefact
            Repeats count once.

        Returns
        -------
        list of Artefact
            In the order given.
        """
        return [one for one in dict.fromkeys(artefacts) if not self.hash(one)]

    def build_missing(
        self,
        network: Network,
        workload: str,
        artefacts: Iterable[Artefact],
        tell: Callable[[int, int, str], None] | None = None,
    ) -> None:
        """Build what is not built yet, all of one batch size in one process.

        What cannot be built is left out: the runs that need it will fail, each with
        the reason.

        Parameters
        ----------
        network : Network
            What is compiled.
        workload : str
            Decides the input's shape.
        artefacts : iterable of Artefact
            What will be needed.
        tell : callable, optional
            Told how many are done, of how many, and which is next.

        Raises
        ------
        WorkloadError
            If the cache cannot be written.
        """
        missing = self.missing(artefacts)
        for done, one in enumerate(missing):
            if tell is not None:
                tell(done, len(missing), one.path.name)
            alike = [
                other
                for other in self.missing(missing[done:])
                if (other.batch, other.onednn) == (one.batch, one.onednn)
            ]
            if one in alike:
                with contextlib.suppress(RunFailed):
                    self.build(network, workload, alike)
        if tell is not None and missing:
            tell(len(missing), len(missing), "")

    def build(
        self, network: Network, workload: str, artefacts: Iterable[Artefact]
    ) -> None:
        """Build artefacts in one process for each setting of oneDNN.

        Parameters
        ----------
        network : Network
            What is compiled.
        workload : str
            Decides the input's shape.
        artefacts : iterable of Artefact
            Those that are built already are built again.

        Raises
        ------
        RunFailed
            If the building process failed.
        WorkloadError
            If the cache cannot be written.
        """
        scratch = self.folder / "trained"
        try:
            for folder in (scratch, self.folder / "artefacts"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkloadError(
                f"cache {self.folder}: {error}; set ${CACHE_VARIABLE} to a folder that "
                "can be written"
            ) from error
        _remove_leftovers(self.folder / "artefacts")
        chosen = list(artefacts)
        for onednn in (True, False):
            wanted = [_plain(one) for one in chosen if one.onednn is onednn]
            if not wanted:
                continue
            job = {
                **plain_network(network),
                "workload": workload,
                "seed": SEED,
                "scratch": str(scratch),
                "wanted": wanted,
            }
            try:
                self._build("measure.workloads.building:build", job, onednn)
            except RunFailed as failure:
                raise RunFailed(
                    f"building {network.name} for {workload} failed: {failure.reason}",
                    final=failure.final,
                ) from failure


def _remove_leftovers(folder: Path) -> None:
    """Remove what builders that were killed had begun to write."""
    for path in folder.glob(".*-*"):
        process = path.name[1:].partition("-")[0]
        if process.isdigit() and not Path("/proc", process).exists():
            path.unlink(missing_ok=True)


def plain_network(network: Network) -> dict[str, Any]:
    """Return what a building process has to know of a network.

    Parameters
    ----------
    network : Network
        To be built.

    Returns
    -------
    dict
        Plain data.
    """
    return {
        "network": network.name,
        "format": network.format,
        "file": str(network.file) if network.file else "",
        "shape": list(network.shape),
        "dtype": network.dtype,
    }


def _plain(artefact: Artefact) -> dict[str, Any]:
    return {
        "kind": artefact.kind,
        "precision": artefact.precision,
        "batch": artefact.batch,
        "path": str(artefact.path),
    }
