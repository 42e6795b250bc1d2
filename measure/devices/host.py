"""This machine, measuring real TensorFlow inference in forked processes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from measure.configuration import Configuration
from measure.constraints import Forbidden
from measure.devices import machine
from measure.devices.base import Device, Measurement, OptionOffer, Told
from measure.devices.host_levels import (
    check_read_back,
    complete_levels,
    energy_of_run,
    import_variables,
    run_time_s,
    variables,
)
from measure.devices.host_networks import offered_networks
from measure.devices.host_options import (
    forbidden,
    host_offers,
    usual_names,
)
from measure.devices.host_power import HostPower
from measure.errors import DeviceError, RunFailed
from measure.options import Option
from measure.records import Conditions, Environment
from measure.workloads.artefacts import (
    BUILD_LIMIT_S,
    Artefact,
    ArtefactCache,
    cache_folder,
)
from measure.workloads.base import Timing
from measure.workloads.networks import Network, check_workload, find_network
from measure.workloads.zygote import Zygote

MEASURE = "measure.workloads.measuring:measure"
_MODULES = ("measure.workloads.backends",)


class HostDevice(Device):
    """The machine in front of you.

    Parameters
    ----------
    networks : sequence of str, optional
        Words of the user's, so that files among them are offered as well.
    seed : int, default=0
        Not needed: weights have a seed of their own, shared by all sweeps.
    log : pathlib.Path, optional
        File that measured and building processes print to; one in the cache by
        default.
    power : HostPower, optional
        Tells the energy of runs; the processor's own counters by default.

    Raises
    ------
    DeviceError
        If TensorFlow is not installed.
    WorkloadError
        If a file among `networks` is not there.

    Examples
    --------
    >>> with HostDevice() as device:
    ...     sorted(device.networks())
    ['mobilenetv2', 'resnet50', 'tcn']
    """

    name = "host"
    address = "host"
    simulated = False
    compile_options = frozenset({"precision"})
    """Acts through the artefact alone; oneDNN and threads act at run time as well."""

    def __init__(
        self,
        *,
        networks: Sequence[str] | None = None,
        seed: int = 0,
        log: Path | None = None,
        power: HostPower | None = None,
    ) -> None:
        self.log = log
        self.power = HostPower.find() if power is None else power
        self.seed = seed
        self._runtime = machine.tensorflow_version()
        self._zygotes: dict[bool, Zygote] = {}
        self._cache = ArtefactCache(self._run_build, self._runtime)
        try:
            self._networks = offered_networks(networks or (), self._inspect)
        except BaseException:
            self.close()
            raise
        files = [n for n in self._networks.values() if n.file is not None]
        self._offers = host_offers(files)

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the workloads that fit each network, the default first.

        Returns
        -------
        mapping of str to tuple of str
            Files that were named when it was opened are among them.
        """
        return {name: network.workloads for name, network in self._networks.items()}

    def weights(self, network: str) -> str:
        """Return where a network's weights come from, for reports.

        Parameters
        ----------
        network : str
            Of `networks`.

        Returns
        -------
        str
            A sentence.
        """
        return self._network(network).weights

    def offers(self) -> Mapping[str, OptionOffer]:
        """Return every option that it knows.

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
            All that can be set and change something.
        """
        return usual_names(self._offers)

    def forbidden(self, options: Sequence[Option]) -> tuple[Forbidden, ...]:
        """Return which combinations of some options cannot be.

        Parameters
        ----------
        options : sequence of Option
            Of `offers`.

        Returns
        -------
        tuple of Forbidden
            Those that cannot be, or in which a level would change nothing.
        """
        return forbidden(options)

    def environment(self, network: str, workload: str) -> Environment:
        """Return what runs must share to be pooled.

        Parameters
        ----------
        network, workload : str
            Of `networks`; images of any size fit where ``images`` does.

        Returns
        -------
        Environment
            Its version is TensorFlow's.

        Raises
        ------
        WorkloadError
            If the two do not fit.
        """
        known = self._network(network)
        check_workload(known, workload)
        minor = ".".join(self._runtime.split(".")[:2])
        own = {"file": self._cache.identity(known)[:32]} if known.file else {}
        return Environment(
            device=self.name,
            network=network,
            workload=workload,
            version=f"tensorflow-{minor}",
            fingerprint={**machine.fingerprint(), **own},
        )

    def conditions(self) -> Conditions:
        """Return load, temperature, power source, turbo and kinds of core.

        Returns
        -------
        Conditions
            What cannot be read here is missing, with its reason.
        """
        return machine.conditions()

    def run_time_s(self, network: str, workload: str, timing: Timing) -> float:
        """Estimate how long one run takes, on average over the usual options.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        timing : Timing
            How long is measured.

        Returns
        -------
        float
            Seconds: forking, loading, the first call, measuring, and resting where
            energy is measured.
        """
        rests_s = 0.0 if timing.quick else self.power.rests_s
        return run_time_s(network, timing) + rests_s

    def describe(self) -> dict[str, str]:
        """Return what tells this machine's energy.

        Returns
        -------
        dict of str to str
            The counters; or why there are none, and what to do.
        """
        return {"power": self.power.why or self.power.sensor}

    def prepare(
        self,
        network: str,
        workload: str,
        configurations: Iterable[Configuration],
        progress: Told | None = None,
    ) -> None:
        """Build what the configurations need, and start the processes that fork.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configurations : iterable of Configuration
            What will be measured.
        progress : callable, optional
            Told how many artefacts are done, of how many, and which is next.

        Raises
        ------
        WorkloadError
            If they do not fit, or the cache cannot be written.
        """
        known = self._network(network)
        check_workload(known, workload)
        chosen = []
        for one in configurations:
            # What cannot be is a failed run when its turn comes.
            with contextlib.suppress(RunFailed):
                chosen.append(complete_levels(known, one))
        for onednn in dict.fromkeys(one["onednn"] for one in chosen):
            self._zygote(onednn).start()
        needed = [a for one in chosen for a in self._needs(known, workload, one)]
        self._cache.build_missing(known, workload, needed, progress)
        for zygote in self._zygotes.values():
            zygote.wait()

    def artefact(
        self, network: str, workload: str, configuration: Configuration
    ) -> str:
        """Return the hash of what is compiled for a configuration.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            Built if it is not yet.

        Returns
        -------
        str
            Two configurations with equal hashes run the same code.

        Raises
        ------
        RunFailed
            If it cannot be built.
        """
        compiled, _, _ = self._built(network, workload, configuration)
        return self._cache.hash(compiled)

    def job(
        self,
        network: str,
        workload: str,
        configuration: Configuration,
        timing: Timing,
    ) -> dict[str, Any]:
        """Return what a process has to know to measure a configuration.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            Its artefacts are built if they are not yet.
        timing : Timing
            How long.

        Returns
        -------
        dict
            Plain data, for `measure.workloads.measuring.measure`.

        Raises
        ------
        RunFailed
            If it cannot be, or cannot be built.
        """
        compiled, inputs, levels = self._built(network, workload, configuration)
        return {
            **levels,
            "artefact": str(compiled.path),
            "inputs": str(inputs.path),
            "environment": variables(levels),
            "timing": timing.to_dict(),
        }

    def _built(
        self, network: str, workload: str, configuration: Mapping[str, Any]
    ) -> tuple[Artefact, Artefact, dict[str, Any]]:
        """Return artefact, inputs and all levels, built where they were missing."""
        known = self._network(network)
        check_workload(known, workload)
        levels = complete_levels(known, configuration)
        compiled, inputs = self._needs(known, workload, levels)
        if missing := self._cache.missing((compiled, inputs)):
            self._cache.build(known, workload, missing)
        return compiled, inputs, levels

    def measure(
        self,
        network: str,
        workload: str,
        configuration: Configuration,
        timing: Timing,
    ) -> Measurement:
        """Measure a configuration in a process forked for it.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            Options that it lacks stay as TensorFlow has them.
        timing : Timing
            How long.

        Returns
        -------
        Measurement
            Energy where the processor tells it, else missing, with its reason.

        Raises
        ------
        RunFailed
            If the process died, took too long, or a level did not take effect.
        """
        job = self.job(network, workload, configuration, timing)
        conditions = machine.conditions()
        zygote = self._zygote(bool(job["onednn"]))

        def run() -> dict[str, Any]:
            limit_s = timing.time_limit_s
            return dict(zygote.call(MEASURE, job, limit_s=limit_s)["value"])

        answer, energy, why = self.power.watched(
            run, lambda said: tuple(said["window"]), quick=timing.quick
        )
        read_back = {name: answer["read_back"].get(name) for name in configuration}
        check_read_back(configuration, read_back, answer["read_back_reason"])
        return Measurement(
            calls_s=tuple(answer["calls_s"]),
            warm_up_s=tuple(answer["warm_up_s"]),
            cpu_time_s=answer["cpu_time_s"],
            batch_size=int(job["batch_size"]),
            readings=energy_of_run(
                energy,
                why,
                calls=len(answer["calls_s"]),
                batch=int(job["batch_size"]),
                quick=timing.quick,
            ),
            read_back=read_back,
            read_back_reason={
                name: answer["read_back_reason"].get(name, "") for name in configuration
            },
            flags=(*answer["flags"], *(energy.flags if energy is not None else ())),
            artefact=self.artefact(network, workload, configuration),
            conditions=conditions,
        )

    def _needs(
        self, network: Network, workload: str, levels: Mapping[str, Any]
    ) -> tuple[Artefact, Artefact]:
        """Return what is compiled for a configuration, and its inputs."""
        batch = int(levels["batch_size"])
        compiled = self._cache.artefact(
            network,
            workload,
            kind=levels["backend"],
            precision=levels["precision"],
            batch=batch,
            onednn=bool(levels["onednn"]),
        )
        inputs = self._cache.artefact(network, workload, kind="inputs", batch=batch)
        return compiled, inputs

    def _network(self, name: str) -> Network:
        if name not in self._networks:
            return self._networks[find_network(name, self._networks).name]
        return self._networks[name]

    def _inspect(self, target: str, job: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._run_build(target, job, True)["value"]
        return found

    def _run_build(self, target: str, job: Mapping[str, Any], onednn: bool) -> Any:
        return self._zygote(onednn).call(target, dict(job), limit_s=BUILD_LIMIT_S)

    def _zygote(self, onednn: bool) -> Zygote:
        if onednn not in self._zygotes:
            self._zygotes[onednn] = Zygote(
                log=self._log_file(),
                environment=import_variables(onednn),
                modules=_MODULES,
            )
        return self._zygotes[onednn]

    def _log_file(self) -> Path:
        if self.log is None:
            self.log = cache_folder() / "logs" / f"host-{os.getpid()}.log"
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DeviceError(f"log {self.log}: {error}") from error
        return self.log

    def close(self) -> None:
        """End all processes."""
        for zygote in self._zygotes.values():
            zygote.kill()
        self._zygotes.clear()
