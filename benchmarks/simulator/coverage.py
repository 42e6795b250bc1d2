"""How often the stated interval of the net energy holds the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from measure.energy import COVERAGE_FACTOR
from measure.simulator.boards import TX1
from measure.simulator.latency import Clocks, call_cost
from measure.simulator.reading import measure_energy
from measure.simulator.runtimes import CAFFE
from measure.simulator.window import State, Unit
from measure.workloads.architectures import LAYER_TABLES, layer_table

WINDOWS = 1000
PERIODS_S = (0.0066, 0.422)
PASS = (0.93, 0.97)
NETWORKS = [name for name in LAYER_TABLES if name != "resnet152"]


def coverage(period_s: float, windows: int = WINDOWS, seed: int = 0) -> dict[str, Any]:
    """Return how many of the intervals of one sensor period hold the truth.

    Each window is on a board of its own: gain, offset and phase of the sensor, air,
    temperature of the chip, network, clocks and batch are drawn.
    """
    rng = np.random.default_rng(seed)
    board = replace(TX1, sensor=replace(TX1.sensor, period_s=period_s))
    net_z, gross_z, widths, flagged = [], [], [], 0
    for _ in range(windows):
        unit = Unit.draw(board, rng)
        state = State(
            clock_s=0.0, temperature_c=unit.ambient_c + float(rng.uniform(5, 30))
        )
        clocks = Clocks(
            cpu_hz=float(rng.choice(board.cpu.frequencies_hz[6:])),
            gpu_hz=float(rng.choice(board.gpu.frequencies_hz[3:])),
            emc_hz=float(rng.choice(board.emc_hz[2:])),
            cores=int(rng.integers(1, board.cores + 1)),
        )
        table = layer_table(str(rng.choice(NETWORKS)))
        cost = call_cost(board, CAFFE, table, clocks, batch=int(rng.choice([1, 4])))
        window, energy = measure_energy(unit, state, clocks, cost, rng)
        assert energy.net_j is not None and energy.net_u is not None
        net_z.append((energy.net_j - window.net_j) / energy.net_u)
        gross_z.append((energy.gross_j - window.gross_j) / energy.gross_u)
        widths.append(energy.relative_half_width)
        flagged += bool(energy.flags)
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
