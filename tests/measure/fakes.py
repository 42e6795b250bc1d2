"""A device for tests of sweeps: it answers at once, and fails where it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from measure.configuration import Configuration
from measure.devices.base import Device, Measurement, OptionOffer
from measure.errors import DeviceError, WorkloadError
from measure.options import Option
from measure.records import Conditions, Environment
from measure.space import ConfigurationSpace
from measure.workloads.base import Timing

OPTIONS = (
    Option(name="threads", levels=(1, 2, 4), default=2),
    Option(name="backend", levels=("graph", "xla")),
    Option(name="level", levels=("O1", "O2"), kind="categorical"),
)


class FakeDevice(Device):
    """Latency grows by one microsecond a run; `on_measure` may raise instead."""

    name = "fake"
    address = "fake"
    simulated = True

    def __init__(
        self,
        on_measure: Callable[[Configuration, int], None] | None = None,
        compile_options: Iterable[str] = (),
        version: str = "1",
        **measured: Any,
    ) -> None:
        self.on_measure = on_measure or (lambda configuration, count: None)
        self.compile_options = frozenset(compile_options)
        self.version = version
        self.measured = measured
        self.count = 0
        self.calls: list[tuple[str, str, Configuration]] = []
        self.prepared: list[tuple[str, str, int]] = []
        self.closed = False

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        return {"resnet50": ("images", "series"), "tcn": ("series",)}

    def offers(self) -> Mapping[str, OptionOffer]:
        broken = OptionOffer(option=None, available=False, reason="no such hardware")
        known = {option.name: OptionOffer(option=option) for option in OPTIONS}
        return {**known, "gpu_freq_hz": broken}

    def space(self, names: Iterable[str] | None = None) -> ConfigurationSpace:
        known = {option.name: option for option in OPTIONS}
        wanted = tuple(known) if names is None else tuple(names)
        for name in wanted:
            if name not in known:
                raise DeviceError(f"fake: no option {name!r}")
        document: dict[str, Any] = ConfigurationSpace(
            known[name] for name in wanted
        ).to_dict()
        if {"threads", "backend"} <= set(wanted):
            document["forbid"] = [{"threads": 4, "backend": "xla"}]
        return ConfigurationSpace.from_dict(document)

    def environment(self, network: str, workload: str) -> Environment:
        if network not in self.networks():
            raise WorkloadError(f"fake: no network {network!r}")
        return Environment(
            device=self.name, network=network, workload=workload, version=self.version
        )

    def conditions(self) -> Conditions:
        return Conditions(missing={"load_1min": "a fake has none"})

    def prepare(
        self,
        network: str,
        workload: str,
        configurations: Iterable[Configuration],
        progress: Any = None,
    ) -> None:
        self.prepared.append((network, workload, len(list(configurations))))

    def artefact(
        self, network: str, workload: str, configuration: Configuration
    ) -> str:
        return f"{network}-{configuration.get('backend', '')}"

    def measure(
        self,
        network: str,
        workload: str,
        configuration: Configuration,
        timing: Timing,
    ) -> Measurement:
        self.calls.append((network, workload, configuration))
        self.count += 1
        self.on_measure(configuration, self.count)
        latency = 0.01 + 1e-6 * self.count
        values: dict[str, Any] = {
            "calls_s": (latency, latency * 1.01, latency * 0.99),
            "warm_up_s": (2 * latency,),
            "batch_size": 2,
            "cpu_time_s": latency,
            "read_back": dict(configuration),
            "conditions": self.conditions(),
        }
        return Measurement(**{**values, **self.measured})

    def close(self) -> None:
        self.closed = True
