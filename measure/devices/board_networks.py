"""Networks that run on a board: exported here, copied there, timed by the worker."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure.constraints import Condition, Forbidden
from measure.devices import machine
from measure.devices.base import OptionOffer
from measure.devices.copying import copy_bytes, worker
from measure.devices.host_networks import offered_networks
from measure.devices.network_program import KINDS, NetworkProgram
from measure.devices.worker_program import runtimes_of
from measure.errors import DeviceError
from measure.options import Option
from measure.workloads.artefacts import BUILD_LIMIT_S, ArtefactCache, cache_folder
from measure.workloads.networks import check_workload, find_network

if TYPE_CHECKING:
    from measure.devices.transport import Link
    from measure.workloads.zygote import Zygote

PRECISIONS = ("float32", "int8_dynamic")
BATCHES = (1, 8)


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

    usual: tuple[str, ...] = ()
    """A sweep that names no options varies those of the board."""

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
        fixed = self._fixed()
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
        """Return what runs networks on a board.

        Parameters
        ----------
        link : Link
            Leads to the board.

        Returns
        -------
        str
            The runtime of TFLite files with its minor version; where there is none,
            TensorFlow's.
        mapping of str to str
            The version of each backend that is there, and Python's.

        Raises
        ------
        DeviceError
            If the board has none, with what to install.
        """
        if self._version is None:
            there = copy_bytes(link, worker())
            self._version = runtimes_of(link, there, self._backends(), self._python)
        return self._version

    def close(self) -> None:
        """End the process that builds."""
        if self._zygote is not None:
            self._zygote.kill()
            self._zygote = None

    def _fixed(self) -> list[str]:
        """Return the networks that are TFLite files."""
        return [n.name for n in self._networks.values() if n.format == "tflite"]

    def _backends(self) -> tuple[str, ...]:
        """Return the backends that a sweep may use."""
        return ("tflite",) if self._fixed() else tuple(KINDS)

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
