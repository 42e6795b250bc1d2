"""How long a simulated run takes in real time."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from measure.devices.sim_board import BoardDevice
from measure.simulator.boards import BOARDS
from measure.workloads.architectures import LAYER_TABLES
from measure.workloads.base import Timing

PASS_S = 0.05


def speed(repeats: int = 5) -> dict[str, Any]:
    """Return the real time of whole runs of every network, energy window included."""
    times = []
    for board in BOARDS:
        device = BoardDevice(board)
        space = device.space()
        device.know()
        rows = space.decode(space.all_rows()).sample(
            repeats * len(LAYER_TABLES), random_state=0
        )
        networks = np.repeat(LAYER_TABLES, repeats)
        for network, row in zip(networks, rows.to_dict("records"), strict=True):
            started = time.perf_counter()
            configuration = space.configuration({str(k): v for k, v in row.items()})
            device.measure(str(network), "images", configuration, Timing())
            times.append(time.perf_counter() - started)
    return {
        "runs": len(times),
        "median ms": round(1e3 * float(np.median(times)), 2),
        "worst ms": round(1e3 * max(times), 2),
        "passed": float(np.median(times)) <= PASS_S,
    }
