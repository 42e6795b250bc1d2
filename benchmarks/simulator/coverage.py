"""How often the stated interval of the net energy holds the truth.

Each window is measured as on a board: levels are written to its files, the agent
samples its power sensor, and the energy is made of those samples.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from measure.configuration import Configuration
from measure.devices.base import Measurement
from measure.devices.board_instruments import Instruments
from measure.devices.sim_board import BoardDevice
from measure.energy import COVERAGE_FACTOR
from measure.records import Reading
from measure.simulator.boards import TX1, Board
from measure.workloads.architectures import LAYER_TABLES
from measure.workloads.base import Timing

WINDOWS = 1000
PERIODS_S = (0.0066, 0.422)
PASS = (0.93, 0.97)
NETWORKS = [name for name in LAYER_TABLES if name != "resnet152"]
TIMING = Timing()


def coverage(period_s: float, windows: int = WINDOWS, seed: int = 0) -> dict[str, Any]:
    """Return how many of the intervals of one sensor period hold the truth.

    Each window is on a board of its own: gain, offset and phase of the sensor, air,
    temperature of the chip, network, clocks and batch are drawn.
    """
    rng = np.random.default_rng(seed)
    board = replace(TX1, sensor=replace(TX1.sensor, period_s=period_s))
    net_z, gross_z, widths, flagged = [], [], [], 0
    known: Instruments | None = None
    for _ in range(windows):
        device = BoardDevice("tx1", seed=int(rng.integers(2**31)), part=board)
        # The update period is measured once, as in one sitting at one board.
        known = device.know(known)
        device.chip.pass_over(device.chip.unit.ambient_c + float(rng.uniform(5, 30)))
        measured = device.measure(
            str(rng.choice(NETWORKS)), "images", _configuration(board, rng), TIMING
        )
        drawn, calls = device.runner.drawn, device.runner.window_calls
        assert drawn is not None
        net, net_u = _value(measured, "energy_j")
        gross, gross_u = _value(measured, "energy_gross_j")
        net_z.append((net - drawn.net_j / calls) / net_u)
        gross_z.append((gross - drawn.gross_j / calls) / gross_u)
        widths.append(COVERAGE_FACTOR * net_u / abs(net))
        flagged += bool(measured.flags)
    inside = float(np.mean(np.abs(net_z) <= COVERAGE_FACTOR))
    return {
        "sensor period s": period_s,
        "windows": windows,
        "net energy covered %": round(100 * inside, 1),
        "gross energy covered %": round(
            100 * float(np.mean(np.abs(gross_z) <= COVERAGE_FACTOR)), 1
        ),
        "mean error, in u": round(float(np.mean(net_z)), 2),
        "median half-width %": round(100 * float(np.median(widths)), 2),
        "flagged %": round(100 * flagged / windows, 1),
        "passed": PASS[0] <= inside <= PASS[1],
    }


def _configuration(board: Board, rng: np.random.Generator) -> Configuration:
    return Configuration(
        {
            "cpu_cores": int(rng.integers(1, board.cores + 1)),
            "cpu_freq_hz": int(rng.choice(board.cpu.frequencies_hz[6:])),
            "gpu_freq_hz": int(rng.choice(board.gpu.frequencies_hz[3:])),
            "emc_freq_hz": int(rng.choice(board.emc_hz[2:])),
            "batch_size": int(rng.choice([1, 4])),
        }
    )


def _value(measured: Measurement, name: str) -> tuple[float, float]:
    found: Reading = next(one for one in measured.readings if one.name == name)
    assert found.value is not None and found.uncertainty is not None
    return found.value, found.uncertainty
