"""How long a simulated run takes in real time."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from measure.simulator.boards import TX1
from measure.simulator.latency import Clocks, call_cost
from measure.simulator.reading import measure_energy
from measure.simulator.runtimes import CAFFE
from measure.simulator.window import State, Unit
from measure.workloads.architectures import LAYER_TABLES, layer_table

PASS_S = 0.05


def speed(repeats: int = 20) -> dict[str, Any]:
    """Return the real time of whole runs of every network, energy window included."""
    rng = np.random.default_rng(0)
    clocks = Clocks.maximum(TX1)
    times = []
    for network in LAYER_TABLES:
        for _ in range(repeats):
            unit = Unit.draw(TX1, rng)
            started = time.perf_counter()
            cost = call_cost(TX1, CAFFE, layer_table(network), clocks)
            state = State(clock_s=0.0, temperature_c=40.0)
            measure_energy(unit, state, clocks, cost, rng)
            times.append(time.perf_counter() - started)
    return {
        "runs": len(times),
        "median ms": round(1e3 * float(np.median(times)), 2),
        "worst ms": round(1e3 * max(times), 2),
        "passed": float(np.median(times)) <= PASS_S,
    }
