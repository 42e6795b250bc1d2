"""``sim:tx1`` and ``sim:tx2``: boards in numbers, on their own clock.

A run rests, warms up, runs a window of calls and rests again, all simulated, as
`measure.simulator` describes it; its energy is what the simulated sensor gives, with
the uncertainty that a real one has. Nothing here is a measurement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from measure.configuration import Configuration
from measure.devices.base import Device, Measurement, OptionOffer
from measure.devices.sim_options import MEANINGS, USUAL, board_options
from measure.devices.sim_readings import (
    energy_readings,
    quick_readings,
    rail_readings,
)
from measure.errors import DeviceError, RunFailed, WorkloadError
from measure.levels import Level
from measure.records import Conditions, Environment
from measure.simulator.boards import BOARDS
from measure.simulator.latency import CallCost, Clocks, Precision, call_cost
from measure.simulator.power import mean_power
from measure.simulator.reading import measure_energy
from measure.simulator.runtimes import (
    CO_RUNNERS,
    IMAGE_CYCLES,
    RUNTIMES,
    CoRunner,
)
from measure.simulator.sensor import samples
from measure.simulator.thermal import throttled
from measure.simulator.window import State, Unit, Window, run_window
from measure.workloads.architectures import LAYER_TABLES, layer_table
from measure.workloads.layers import LayerTable
from measure.workloads.networks import image_size

if TYPE_CHECKING:
    from measure.workloads.base import Timing

_QUICK_PERIODS = 2.0
_FIRST = ("resnet50", "mobilenetv2")
_TWINS = frozenset({"vgg19", "squeezenet1_0"})
"""Not offered: a beginning such as ``vgg`` shall name one network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One configuration, as the simulator takes it."""

    clocks: Clocks
    cost: CallCost
    batch: int
    co_runner: CoRunner


class BoardDevice(Device):
    """A simulated board.

    Parameters
    ----------
    board : str
        ``tx1`` or ``tx2``.
    seed : int, default=0
        Of the board's sensor and air, and of all noise.

    Examples
    --------
    >>> device = BoardDevice("tx1")
    >>> device.simulated, device.space().size()
    (True, 6188)
    """

    simulated = True

    def __init__(self, board: str, *, seed: int = 0) -> None:
        if board not in BOARDS:
            raise DeviceError(
                f"there is no simulated board {board!r}; choose one of "
                f"{', '.join(f'sim:{name}' for name in BOARDS)}"
            )
        self.board = BOARDS[board]
        self.name = self.address = f"sim:{board}"
        self._options = {one.name: one for one in board_options(self.board)}
        self._rng = np.random.default_rng(seed)
        self._unit = Unit.draw(self.board, self._rng)
        warm = self._unit.ambient_c + 10.0
        self._state = State(clock_s=0.0, temperature_c=warm)

    def networks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the networks and the workloads of each, the default first.

        Returns
        -------
        mapping of str to tuple of str
            All take images of any size.
        """
        names = dict.fromkeys((*_FIRST, *LAYER_TABLES))
        return {name: ("images",) for name in names if name not in _TWINS}

    def offers(self) -> Mapping[str, OptionOffer]:
        """Return what can be set.

        Returns
        -------
        mapping of str to OptionOffer
            All of it is available.
        """
        return {
            name: OptionOffer(option=option, reason=MEANINGS.get(name, ""))
            for name, option in self._options.items()
        }

    def usual_options(self) -> Iterable[str]:
        """Return the options of a sweep that names none.

        Returns
        -------
        iterable of str
            Cores and clocks.
        """
        return USUAL

    def environment(self, network: str, workload: str) -> Environment:
        """Return what runs must share to be pooled.

        Parameters
        ----------
        network, workload : str
            Of `networks`; images of any size fit.

        Returns
        -------
        Environment
            Its version says that it is simulated.

        Raises
        ------
        WorkloadError
            If the two do not fit.
        """
        self._table(network, workload)
        return Environment(
            device=self.name,
            network=network,
            workload=workload,
            version="simulated",
            fingerprint={"board": f"simulated {self.board.name}"},
        )

    def conditions(self) -> Conditions:
        """Return what varies from run to run.

        Returns
        -------
        Conditions
            The simulated chip's temperature; there is no load.
        """
        celsius = round(self._state.temperature_c, 2)
        reason = "a simulated board has none"
        return Conditions(
            temperature_c={"simulated-chip": celsius},
            missing={name: reason for name in ("load_1min", "power_source", "turbo")},
        )

    def measure(
        self,
        network: str,
        workload: str,
        configuration: Configuration,
        timing: Timing,
    ) -> Measurement:
        """Simulate one run.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        configuration : Configuration
            Options that it lacks are at their default.
        timing : Timing
            How many calls are kept; the energy window is longer.

        Returns
        -------
        Measurement
            Latency of calls, power by rail, energy with its uncertainty.

        Raises
        ------
        RunFailed
            If one call is longer than the time limit.
        """
        levels: dict[str, Level] = {
            name: option.reference for name, option in self._options.items()
        }
        levels.update(configuration)
        task = self._task(self._table(network, workload), levels)
        if task.cost.latency_s > timing.time_limit_s:
            raise RunFailed(
                f"a call takes {task.cost.latency_s:.3g} s, and the time limit of a "
                f"run is {timing.time_limit_s:g} s",
                final=True,
            )
        if timing.quick:
            window = self._quick(task)
            readings = quick_readings(self._mean_power(window), self.board)
            kept = 1
        else:
            window, energy = measure_energy(
                self._unit,
                self._state,
                task.clocks,
                task.cost,
                self._rng,
                min_calls=timing.min_calls,
                co_runner=task.co_runner,
            )
            readings = energy_readings(energy, len(window.calls_s), task.batch)
            until = int(np.searchsorted(np.cumsum(window.calls_s), timing.seconds)) + 1
            kept = max(timing.min_calls, until)
        power = mean_power(
            self.board,
            task.clocks,
            task.cost,
            self._state.temperature_c,
            task.co_runner,
        )
        rails = rail_readings(power, self.board)
        self._state = window.end
        slower = float(np.median(window.calls_s)) / task.cost.latency_s
        flags = () if timing.quick else tuple(energy.flags)
        if task.clocks.gpu_hz != levels["gpu_freq_hz"]:
            flags = (*flags, f"throttled to {task.clocks.gpu_hz / 1e6:g} MHz")
        read: dict[str, Level | None] = {
            name: levels[name] for name in configuration if name in levels
        }
        if "gpu_freq_hz" in read:
            read["gpu_freq_hz"] = int(task.clocks.gpu_hz)
        return Measurement(
            calls_s=tuple(map(float, window.calls_s[:kept])),
            warm_up_s=tuple(map(float, window.warm_up_s[:kept])),
            cpu_time_s=task.cost.cpu_s * slower,
            batch_size=task.batch,
            readings=(*readings, *rails),
            read_back=read,
            read_back_reason={name: "the simulator's own" for name in read},
            flags=flags,
            conditions=self.conditions(),
        )

    def _table(self, network: str, workload: str) -> LayerTable:
        size = image_size(workload)
        if size is None:
            raise WorkloadError(
                f"{self.name}: network {network!r} has no workload {workload!r}; "
                "choose images or images-N"
            )
        return layer_table(network, size)

    def _task(self, table: LayerTable, levels: Mapping[str, Level]) -> _Task:
        asked = Clocks(
            cpu_hz=float(levels["cpu_freq_hz"]),
            gpu_hz=float(levels["gpu_freq_hz"]),
            emc_hz=float(levels["emc_freq_hz"]),
            cores=int(levels["cpu_cores"]),
        )
        clocks = throttled(self.board, asked, self._state.temperature_c)
        runtime = RUNTIMES[str(levels["runtime"])]
        if levels["load_images"]:
            runtime = replace(runtime, input_cycles=IMAGE_CYCLES)
        batch, beside = int(levels["batch_size"]), CO_RUNNERS[str(levels["co_runner"])]
        cost = call_cost(
            self.board,
            runtime,
            table,
            clocks,
            batch=batch,
            precision=cast(Precision, levels["precision"]),
            co_runner=beside,
        )
        return _Task(clocks=clocks, cost=cost, batch=batch, co_runner=beside)

    def _quick(self, task: _Task) -> Window:
        """Run calls until they span two updates of the sensor, without a rest."""
        return run_window(
            self._unit,
            self._state,
            task.clocks,
            task.cost,
            self._rng,
            window_s=_QUICK_PERIODS * self.board.sensor.period_s,
            rest_s=0.0,
            min_calls=1,
            co_runner=task.co_runner,
        )

    def _mean_power(self, window: Window) -> float | None:
        times, power = samples(self._unit.sensor, window.trace, self._rng)
        inside = (times >= window.within[0]) & (times <= window.within[1])
        return float(power[inside].mean()) if inside.any() else None
