"""Shapes that measured boards show, whatever the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from measure.simulator.boards import BOARDS, Board
from measure.simulator.latency import CallCost, Clocks, call_cost
from measure.simulator.power import mean_power
from measure.simulator.runtimes import CAFFE
from measure.workloads.architectures import layer_table

SMALL, LARGE = "squeezenet", "vgg16"


def shapes() -> Iterator[dict[str, Any]]:
    """Yield one row a shape and board."""
    for board in BOARDS.values():
        top = Clocks.maximum(board)
        slow = board.emc_hz[3]

        def cost(network: str, **changed: Any) -> CallCost:
            clocks = replace(top, **changed)
            return call_cost(board, CAFFE, layer_table(network), clocks)

        def memory_effect(gpu_hz: float) -> float:
            slower = cost(LARGE, gpu_hz=gpu_hz, emc_hz=slow)
            return slower.latency_s / cost(LARGE, gpu_hz=gpu_hz).latency_s - 1.0

        low = memory_effect(board.gpu.frequencies_hz[0])
        high = memory_effect(board.gpu.maximum_hz)
        yield _row(
            board,
            "a slower memory clock matters with a fast GPU only",
            f"{100 * low:.1f} % and {100 * high:.1f} % slower",
            low < 0.05 < high,
        )
        cpu_hz = board.cpu.frequencies_hz[0]
        small, large = (
            cost(name, cpu_hz=cpu_hz).latency_s / cost(name).latency_s
            for name in (SMALL, LARGE)
        )
        yield _row(
            board,
            "small networks are bound by the CPU",
            f"{small:.1f} and {large:.1f} times slower at the lowest CPU clock",
            small > 2.0 > large,
        )
        energies = [
            cost(LARGE, gpu_hz=hz).latency_s
            * mean_power(board, replace(top, gpu_hz=hz), cost(LARGE, gpu_hz=hz)).total_w
            for hz in board.gpu.frequencies_hz
        ]
        best = board.gpu.frequencies_hz[int(np.argmin(energies))]
        yield _row(
            board,
            "energy is least below the highest GPU clock",
            f"at {best / 1e6:.0f} of {board.gpu.maximum_hz / 1e6:.0f} MHz",
            board.gpu.frequencies_hz[0] < best < board.gpu.maximum_hz,
        )


def _row(board: Board, shape: str, found: str, passed: bool) -> dict[str, Any]:
    return {"board": board.name, "shape": shape, "found": found, "passed": passed}
