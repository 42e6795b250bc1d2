"""Devices in numbers. ``sim:effects``: a device whose true effects are known.

It is for tests and for learning the tool. The logarithm of its latency is a sum
of centred components, so that they *are* the functional-ANOVA components over
the full factorial, and what a model reports can be held against the truth.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.configuration import Configuration
from measure.devices.base import SIMULATED_RUN_S, Device, Measurement, OptionOffer
from measure.errors import WorkloadError
from measure.options import Option
from measure.records import Conditions, Environment

if TYPE_CHECKING:
    from measure.workloads.base import Timing

NOISE = 0.02
"""Standard deviation of the log latency from run to run."""
CALL_NOISE = 0.003
"""The same from call to call within a run."""
DRIFT_PER_RUN = 5e-5
"""Relative change of the latency from one run to the next."""

_CALLS, _WARM_UP_CALLS = 9, 3

_OPTIONS = (
    Option(
        name="cpu_freq_hz",
        levels=(400_000_000, 800_000_000, 1_200_000_000, 1_600_000_000, 2_000_000_000),
        unit="Hz",
    ),
    Option(
        name="gpu_freq_hz",
        levels=(200_000_000, 400_000_000, 600_000_000, 800_000_000, 1_000_000_000),
        unit="Hz",
    ),
    Option(
        name="emc_freq_hz",
        levels=(400_000_000, 800_000_000, 1_200_000_000),
        unit="Hz",
    ),
    Option(name="precision", levels=("float32", "float16", "int8")),
    Option(name="turbo", kind="boolean"),
    Option(name="xnnpack", kind="boolean"),
    Option(name="cpu_governor", levels=("performance", "schedutil", "powersave")),
    Option(name="huge_pages", kind="boolean"),
)
"""Five with a main effect, one that acts in an interaction only, two inert."""

# One value a level, summing to zero: a main effect is c times this, an interaction
# c times the product of two. Clocks act ever less as they rise.
_SHAPES: Mapping[str, tuple[float, ...]] = {
    "cpu_freq_hz": (1.0, 0.35, -0.1, -0.5, -0.75),
    "gpu_freq_hz": (1.0, 0.3, -0.15, -0.45, -0.7),
    "emc_freq_hz": (1.0, 0.0, -1.0),
    "precision": (1.0, -0.2, -0.8),
    "turbo": (-1.0, 1.0),
    "xnnpack": (-1.0, 1.0),
}

_BASE_S = {"resnet50": 0.050, "mobilenetv2": 0.012}
_COEFFICIENTS: Mapping[str, Mapping[tuple[str, ...], float]] = {
    "resnet50": {
        ("cpu_freq_hz",): 0.20,
        ("gpu_freq_hz",): 0.28,
        ("emc_freq_hz",): 0.10,
        ("precision",): 0.15,
        ("turbo",): -0.06,
        ("emc_freq_hz", "precision"): 0.045,
        ("cpu_freq_hz", "gpu_freq_hz"): 0.04,
        ("turbo", "xnnpack"): 0.03,
    },
    "mobilenetv2": {
        ("cpu_freq_hz",): 0.30,
        ("gpu_freq_hz",): 0.12,
        ("emc_freq_hz",): 0.10,
        ("precision",): -0.08,
        ("turbo",): -0.06,
        ("cpu_freq_hz", "precision"): 0.035,
        ("cpu_freq_hz", "gpu_freq_hz"): 0.04,
        ("turbo", "xnnpack"): -0.03,
    },
}


def true_log_latency(
    network: str, configurations: Iterable[Mapping[str, Any]]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the noiseless log latency of ``sim:effects``.

    Parameters
    ----------
    network : str
        ``resnet50`` or ``mobilenetv2``.
    configurations : iterable of mapping
        Option name to level.

    Returns
    -------
    ndarray, shape (n,)
        Natural logarithm of seconds.

    Examples
    --------
    >>> middle = {option.name: option.reference for option in _OPTIONS}
    >>> round(float(np.exp(true_log_latency("resnet50", [middle])[0])), 4)
    0.0598
    """
    options = {option.name: option for option in _OPTIONS}
    values = []
    for configuration in configurations:
        total = math.log(_BASE_S[network])
        for names, coefficient in _COEFFICIENTS[network].items():
            for name in names:
                level = options[name].index(configuration[name])
                coefficient *= _SHAPES[name][level]
            total += coefficient
        values.append(total)
    return np.array(values)


def true_effects(network: str) -> list[dict[str, Any]]:
    """Return the effects that a model of ``sim:effects`` should find.

    Parameters
    ----------
    network : str
        ``resnet50`` or ``mobilenetv2``.

    Returns
    -------
    list of dict
        ``term``, ``effect`` in per cent of the geometric mean latency (largest
        minus smallest of the term's component), ``sign``; the largest first.

    Examples
    --------
    >>> [entry["term"] for entry in true_effects("resnet50")][:3]
    ['gpu_freq_hz', 'cpu_freq_hz', 'precision']
    """
    found = []
    for names, coefficient in _COEFFICIENTS[network].items():
        component = np.array([coefficient])
        for name in names:
            component = np.multiply.outer(component, np.array(_SHAPES[name]))
        values = component.ravel()
        effect = 100 * (math.exp(values.max()) - math.exp(values.min()))
        found.append(
            {"term": ":".join(names), "effect": effect, "sign": _sign(names, values)}
        )
    return sorted(found, key=lambda entry: -entry["effect"])


def _sign(names: tuple[str, ...], values: np.ndarray[Any, Any]) -> int:
    """Return the direction of a monotone effect, or of a pair of two-level options."""
    if len(names) == 1:
        steps = np.sign(np.diff(values))
        return int(steps[0]) if np.all(steps == steps[0]) else 0
    two_level = all(len(_SHAPES[name]) == 2 for name in names)
    return int(np.sign(values[-1])) if two_level else 0


class EffectsDevice(Device):
    """``sim:effects``: eight options, known effects, noise of 2 %, a slow drift.

    Parameters
    ----------
    seed : int, default=0
        Of the noise.
    delay_s : float, default=0.0
        Real time that a run takes, for tests that interrupt one.

    Examples
    --------
    >>> device = EffectsDevice()
    >>> device.simulated, device.space().size()
    (True, 5400)
    """

    name = "sim:effects"
    simulated = True

    def __init__(self, *, seed: int = 0, delay_s: float = 0.0) -> None:
        self.address = "sim:effects" + (f"?delay_s={delay_s:g}" if delay_s else "")
        self.delay_s = delay_s
        self._rng = np.random.default_rng(seed)
        self._runs = 0

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the networks and the workloads of each, the default first.

        Returns
        -------
        mapping of str to tuple of str
            Both networks take ``images``.
        """
        return {network: ("images",) for network in _COEFFICIENTS}

    def offers(self) -> Mapping[str, OptionOffer]:
        """Return what can be set.

        Returns
        -------
        mapping of str to OptionOffer
            All eight options are available.
        """
        return {option.name: OptionOffer(option=option) for option in _OPTIONS}

    def run_time_s(self, network: str, workload: str, timing: Timing) -> float:
        """Estimate how long one run takes.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        timing : Timing
            Not needed.

        Returns
        -------
        float
            Seconds.
        """
        return SIMULATED_RUN_S + self.delay_s

    def environment(self, network: str, workload: str) -> Environment:
        """Return what runs must share to be pooled.

        Parameters
        ----------
        network, workload : str
            Of `networks`.

        Returns
        -------
        Environment
            Its device says that it is simulated.
        """
        if workload not in self.networks().get(network, ()):
            raise WorkloadError(
                f"sim:effects has no {network!r} on {workload!r}; it has "
                f"{', '.join(self.networks())} on images"
            )
        return Environment(
            device=self.name, network=network, workload=workload, version="simulated"
        )

    def conditions(self) -> Conditions:
        """Return what varies from run to run.

        Returns
        -------
        Conditions
            Nothing: a simulator has no load or temperature.
        """
        reason = "a simulated device has none"
        return Conditions(
            missing={
                name: reason for name in ("load_1min", "temperature_c", "power_source")
            }
        )

    def measure(
        self,
        network: str,
        workload: str,
        configuration: Configuration,
        timing: Timing,
    ) -> Measurement:
        """Answer with the true latency, noise and drift.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            Options that it lacks are at their reference level.
        timing : Timing
            Not needed: runs take no time.

        Returns
        -------
        Measurement
            With as many calls for every configuration.
        """
        self.environment(network, workload)
        levels = {option.name: option.reference for option in _OPTIONS}
        levels.update(configuration)
        log_latency = float(true_log_latency(network, [levels])[0])
        log_latency += DRIFT_PER_RUN * self._runs
        noise, jitter = self._next_run()
        log_latency += noise
        calls = np.exp(log_latency + jitter)
        calls[:_WARM_UP_CALLS] *= 1.0 + 0.5 ** np.arange(1, _WARM_UP_CALLS + 1)
        if self.delay_s:
            time.sleep(self.delay_s)
        return Measurement(
            calls_s=tuple(map(float, calls[_WARM_UP_CALLS:])),
            warm_up_s=tuple(map(float, calls[:_WARM_UP_CALLS])),
            batch_size=1,
            read_back=dict(configuration),
            read_back_reason={name: "the simulator's own" for name in configuration},
            conditions=self.conditions(),
        )

    def recall(self, network: str, workload: str, configuration: Configuration) -> None:
        """Pass over an earlier run of a resumed sweep: noise is not repeated.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            What was measured.
        """
        self._next_run()

    def _next_run(self) -> tuple[float, np.ndarray[Any, np.dtype[np.float64]]]:
        """Draw the noise of the next run, and that of its calls."""
        self._runs += 1
        noise = NOISE * self._rng.standard_normal()
        return noise, CALL_NOISE * self._rng.standard_normal(_WARM_UP_CALLS + _CALLS)
