"""``sim:tx1`` and ``sim:tx2``: boards in numbers, on their own clock.

A simulated board is measured as a real one is: the agent runs in this process on a
tree of files in memory, levels are written there and read back, and power is what the
agent samples while a simulated network runs. Only what is behind the files is numbers
(`measure.simulator`), and time passes at once. Nothing here is a measurement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from measure.configuration import Configuration
from measure.devices.base import SIMULATED_RUN_S, Measurement, OptionOffer
from measure.devices.board_instruments import Instruments
from measure.devices.configured import configured
from measure.devices.jetson import USUAL, JetsonDevice
from measure.devices.sim_programs import SimPrograms
from measure.devices.transport import InProcessLink
from measure.errors import DeviceError
from measure.levels import Level
from measure.simulator.boards import BOARDS, Board
from measure.simulator.chip import Chip, SimClock
from measure.simulator.programs import Programs
from measure.simulator.runtimes import CO_RUNNERS
from measure.simulator.tree import BoardTree
from measure.simulator.tree_layouts import CPUQUIET
from measure.simulator.unit import Unit

if TYPE_CHECKING:
    from measure.workloads.base import Timing

LAYOUT = {"tx1": "tx1-r32", "tx2": "tx2"}
"""Which board's files it shows, of `measure.simulator.tree_layouts`."""
WARM_K = 10.0
"""At first the chip is so much warmer than the air."""
NOT_FELT = "set and read back as on a board; the simulated network does not feel it"
_FELT = (*USUAL, "cpu_governor", "power_mode")


class BoardDevice(JetsonDevice):
    """A simulated board.

    Parameters
    ----------
    board : str
        ``tx1`` or ``tx2``.
    seed : int, default=0
        Of the board's sensor and air, and of all noise.
    part : Board, optional
        Its parameters, where they shall be others.

    Examples
    --------
    >>> device = BoardDevice("tx1")
    >>> device.simulated, device.space().size()
    (True, 6188)
    """

    simulated = True

    def __init__(self, board: str, *, seed: int = 0, part: Board | None = None) -> None:
        if board not in BOARDS:
            raise DeviceError(
                f"there is no simulated board {board!r}; choose one of "
                f"{', '.join(f'sim:{name}' for name in BOARDS)}"
            )
        self.seed, self._runs = seed, 0
        rng = np.random.default_rng(seed)
        unit = Unit.draw(part or BOARDS[board], rng)
        clock = SimClock()
        self.tree = BoardTree(LAYOUT[board], clock.now)
        _set_to_maximum(self.tree)
        celsius = unit.ambient_c + WARM_K
        self.chip = Chip(unit, clock.now, self.tree.clocks(), celsius, rng)
        self.tree.attach(self.chip)
        self.runner = Programs(self.chip)
        link = InProcessLink(self.tree, clock, programs=self.runner)
        self._networks = SimPrograms(board)
        super().__init__(board, link=link, programs=self._networks)
        self.name = self.address = f"sim:{board}"

    def offers(self) -> Mapping[str, OptionOffer]:
        """Return what can be set.

        Returns
        -------
        mapping of str to OptionOffer
            The board's options, and what only a simulated one has.
        """
        own = self.controls.actuators
        return {
            name: (
                replace(offer, reason=NOT_FELT)
                if offer.available and name in own and name not in _FELT
                else offer
            )
            for name, offer in super().offers().items()
        }

    def run_time_s(self, network: str, workload: str, timing: Timing) -> float:
        """Estimate how long one run takes.

        Parameters
        ----------
        network, workload : str
            Of `networks`.
        timing : Timing
            Of the board's own clock, which counts for nothing.

        Returns
        -------
        float
            Real seconds.
        """
        return 6.0 * SIMULATED_RUN_S

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
            How long, on the board's clock.

        Returns
        -------
        Measurement
            Latency of calls, power by rail, energy with its uncertainty.

        Raises
        ------
        RunFailed
            If calls take longer than the time limit.
        """
        levels = self._networks.program(network, workload).levels(configuration)
        self._next_run()
        # It runs while the board rests, too: what a network costs is what it adds.
        self.chip.accompany(CO_RUNNERS[str(levels["co_runner"])])
        measured = super().measure(network, workload, configuration, timing)
        own: dict[str, Level] = {n: v for n, v in levels.items() if n in configuration}
        how = {name: "the simulator's own" for name in own}
        return replace(
            measured,
            read_back={**measured.read_back, **own},
            read_back_reason={**measured.read_back_reason, **how},
        )

    def know(self, instruments: Instruments | None = None) -> Instruments:
        """Take what is known of an equal board's sensors, or find it out.

        Parameters
        ----------
        instruments : Instruments, optional
            Of another unit of the same board.

        Returns
        -------
        Instruments
            What is known then.
        """
        if instruments is None:
            # The mode of the sensors is pinned meanwhile, as in a run.
            with configured(self.controls, {}):
                return self.instruments()
        self._instruments = instruments
        return instruments

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

    def _next_run(self) -> None:
        """Draw the noise of the next run; that of a run depends on its number only."""
        self._runs += 1
        self.runner.rng = np.random.default_rng((self.seed, self._runs, 0))
        self.chip.rng = np.random.default_rng((self.seed, self._runs, 1))


def _set_to_maximum(tree: BoardTree) -> None:
    """Leave a board as ``jetson_clocks`` does: nothing saves power by itself."""
    layout = tree.layout
    rate, switch = layout.emc_names
    items = [
        (CPUQUIET, 0),
        (layout.railgate, 0),
        *(
            (f"{layout.policy(n)}/scaling_min_freq", layout.cpu_khz[-1])
            for n in range(len(layout.clusters))
        ),
        (f"{layout.gpu}/min_freq", layout.gpu_hz[-1]),
        (f"{layout.emc_folder}/{rate}", layout.emc_hz[-1]),
        (f"{layout.emc_folder}/{switch}", 1),
    ]
    for path, value in items:
        if tree.exists(path):
            tree.write(path, str(value).encode())
