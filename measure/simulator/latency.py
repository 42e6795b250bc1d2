"""How long a call takes: a roofline layer by layer, launches and the CPU's part.

A layer has two bounds, arithmetic and traffic, as in [1]_; how far they overlap is a
parameter of the board. Products are counted in whole tiles, which is what makes
small layers inefficient, and read their input once for each row of tiles.

References
----------
.. [1] Williams, Waterman, Patterson, "Roofline", CACM 52(4), 2009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from measure.simulator.boards import Board, FloatArray
from measure.simulator.runtimes import CO_RUNNERS, CoRunner, Runtime
from measure.workloads.layers import Layer, LayerTable

Precision = Literal["float32", "float16"]

_BYTES: dict[str, int] = {"float32": 4, "float16": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """What is set on the board.

    Parameters
    ----------
    cpu_hz, gpu_hz, emc_hz : float
        Clocks.
    cores : int
        CPU cores online.
    """

    cpu_hz: float
    gpu_hz: float
    emc_hz: float
    cores: int

    @classmethod
    def maximum(cls, board: Board) -> Clocks:
        """Return the highest clocks and all cores.

        Parameters
        ----------
        board : Board
            Whose.

        Returns
        -------
        Clocks
            What a board has when nothing is set.
        """
        return cls(
            cpu_hz=board.cpu.maximum_hz,
            gpu_hz=board.gpu.maximum_hz,
            emc_hz=board.emc_hz[-1],
            cores=board.cores,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCost:
    """The parts of one call, which follow each other.

    Parameters
    ----------
    cpu_s : float
        The CPU prepares inputs and launches kernels while the GPU waits.
    wait_s : float
        Both wait: what a call takes whatever the clocks.
    gpu_s : float
        The GPU works while the CPU waits.
    compute_share : float
        Of the GPU's time that arithmetic fills.
    memory_bytes : float
        Traffic to memory.
    """

    cpu_s: float
    wait_s: float
    gpu_s: float
    compute_share: float
    memory_bytes: float

    @property
    def latency_s(self) -> float:
        """The whole call."""
        return self.cpu_s + self.wait_s + self.gpu_s


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A table's layers as arrays: operations in tiles, depthwise ones, elements."""

    tiled: FloatArray
    depthwise: FloatArray
    elements: FloatArray
    kernels: int


@cache
def _work(
    table: LayerTable, batch: int, tile: tuple[int, int], fused: frozenset[str]
) -> _Work:
    layers = [layer for layer in table.layers if layer.kind not in fused]
    return _Work(
        tiled=np.array([2.0 * _tiled_macs(x, batch, tile) for x in layers]),
        depthwise=np.array(
            [2.0 * x.macs * batch * (x.kind == "depthwise") for x in layers]
        ),
        elements=np.array(
            [float(x.parameters + (_reads(x, tile) + x.writes) * batch) for x in layers]
        ),
        kernels=sum(layer.kernels for layer in layers),
    )


def _reads(layer: Layer, tile: tuple[int, int]) -> int:
    if layer.kind == "convolution" and layer.gemm is not None:
        return layer.reads * math.ceil(layer.gemm.rows / tile[0])
    return layer.reads


def _tiled_macs(layer: Layer, batch: int, tile: tuple[int, int]) -> int:
    if layer.gemm is None:
        return 0
    if layer.kind == "dense":
        # Libraries have kernels for products with a vector or a few of them.
        rows = math.ceil(layer.gemm.rows / tile[0]) * tile[0]
        return rows * batch * layer.gemm.depth
    return layer.gemm.tiled_macs(batch, tile)


def call_cost(
    board: Board,
    runtime: Runtime,
    table: LayerTable,
    clocks: Clocks,
    *,
    batch: int = 1,
    precision: Precision = "float32",
    co_runner: CoRunner = CO_RUNNERS["none"],
) -> CallCost:
    """Return what one call of a network costs.

    Parameters
    ----------
    board : Board
        Its parameters.
    runtime : Runtime
        What runs the network.
    table : LayerTable
        The network at its input size.
    clocks : Clocks
        What is set.
    batch : int, default=1
        Items in the call.
    precision : {"float32", "float16"}, default="float32"
        Of weights and activations.
    co_runner : CoRunner, optional
        A program beside it, nothing by default.

    Returns
    -------
    CallCost
        Without noise.

    Examples
    --------
    >>> from measure.simulator.boards import TX1
    >>> from measure.simulator.runtimes import CAFFE
    >>> from measure.workloads.architectures import layer_table
    >>> cost = call_cost(TX1, CAFFE, layer_table("alexnet"), Clocks.maximum(TX1))
    >>> round(cost.latency_s, 4)
    0.0224
    """
    size = _BYTES[precision]
    work = _work(table, batch, board.tile, runtime.fused)
    peak = 2.0 * board.lanes * clocks.gpu_hz * (4 // size)
    share = board.compute_share[0 if precision == "float32" else 1]
    compute = (work.tiled / share + work.depthwise / board.depthwise_share) / peak
    bandwidth = _bandwidth(board, clocks, co_runner)
    traffic = work.elements * size
    norm = board.overlap_norm
    layers = (compute**norm + (traffic / bandwidth) ** norm) ** (1.0 / norm)
    gpu_s = float(layers.sum())
    cycles = work.kernels * runtime.launch_cycles
    cycles += runtime.input_cycles * table.input_elements * batch
    busy = _cpu_factor(runtime, clocks, co_runner)
    return CallCost(
        cpu_s=cycles / clocks.cpu_hz * busy,
        wait_s=runtime.call_s,
        gpu_s=gpu_s,
        compute_share=float(compute.sum()) / gpu_s,
        memory_bytes=float(traffic.sum()),
    )


def _bandwidth(board: Board, clocks: Clocks, co_runner: CoRunner) -> float:
    memory = board.memory_share * board.memory_bytes_per_clock * clocks.emc_hz
    taken = co_runner.activity * co_runner.memory_bytes_per_cycle * clocks.cpu_hz
    # A program on one core cannot starve the GPU: at most half is taken.
    memory -= min(taken, 0.5 * memory)
    return min(memory, board.gpu_bytes_per_clock * clocks.gpu_hz)


def _cpu_factor(runtime: Runtime, clocks: Clocks, co_runner: CoRunner) -> float:
    """With one core online all share it; with two, threads still get in the way."""
    if clocks.cores == 1:
        return runtime.one_core_factor * (1.0 + co_runner.activity)
    return 1.0 + 0.1 * co_runner.activity / (clocks.cores - 1)
