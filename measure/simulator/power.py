"""What the board draws in each part of a call, and when it only waits.

The power of a rail is ``(a C V^2 f + leakage) / efficiency`` on the input side of
its regulator; leakage grows with voltage and temperature as in [1]_.

References
----------
.. [1] Butts and Sohi, "A static power model for architects", MICRO 2000.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from measure.simulator.boards import Board, Rail
from measure.simulator.latency import CallCost, Clocks
from measure.simulator.runtimes import CO_RUNNERS, CoRunner

LEAKAGE_PER_VOLT = 4.0
"""Leakage grows e-fold with 0.25 V (assumed; it takes a CPU at rest from 0.2 W at the
lowest voltage of a TX1 to 1.3 W at the highest)."""
LEAKAGE_KELVIN = 60.0
"""Leakage grows e-fold with so many kelvins (assumed)."""
MEMORY_BOUND_ACTIVITY = 0.45
"""Activity of a GPU whose kernels wait for memory, against one that computes."""
WAITING_CORE = 0.5
"""Activity of the core that polls until the GPU is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RailPower:
    """Mean power by rail over some time.

    Parameters
    ----------
    total_w : float
        The module without its carrier.
    gpu_w, cpu_w : float
        Parts of it.
    """

    total_w: float
    gpu_w: float
    cpu_w: float


def leakage_w(rail: Rail, volts: float, temperature_c: float) -> float:
    """Return the leakage of a unit, before its regulator.

    Parameters
    ----------
    rail : Rail
        Its parameters.
    volts : float
        Supply.
    temperature_c : float
        Of the chip.

    Returns
    -------
    float
        Watts.

    Examples
    --------
    >>> rail = Rail(capacitance_f=1e-9, idle_activity=0.1, leakage_a=0.3)
    >>> leakage_w(rail, 1.0, 50.0)
    0.3
    """
    warm = math.exp((temperature_c - 50.0) / LEAKAGE_KELVIN)
    return rail.leakage_a * volts * math.exp(LEAKAGE_PER_VOLT * (volts - 1.0)) * warm


def rail_powers(
    board: Board,
    clocks: Clocks,
    temperature_c: float,
    *,
    gpu_activity: float,
    busy_cores: float,
    memory_bytes_per_s: float = 0.0,
) -> RailPower:
    """Return what the board draws at some activity.

    Parameters
    ----------
    board : Board
        Its parameters.
    clocks : Clocks
        What is set.
    temperature_c : float
        Of the chip.
    gpu_activity : float
        Between 0, waiting, and 1, computing.
    busy_cores : float
        Sum of the activities of the cores online.
    memory_bytes_per_s : float, default=0.0
        Traffic.

    Returns
    -------
    RailPower
        On the input side of the regulators.
    """
    cpu, gpu = board.cpu_rail, board.gpu_rail
    busy = min(busy_cores, clocks.cores)
    cores = busy + cpu.idle_activity * (clocks.cores - busy)
    cpu_w = _rail_w(
        cpu, board.cpu.volts_at(clocks.cpu_hz), clocks.cpu_hz, cores, temperature_c
    )
    active = gpu.idle_activity + (1.0 - gpu.idle_activity) * gpu_activity
    gpu_w = _rail_w(
        gpu, board.gpu.volts_at(clocks.gpu_hz), clocks.gpu_hz, active, temperature_c
    )
    memory_w = board.emc_w * clocks.emc_hz / board.emc_hz[-1]
    memory_w += board.memory_j_per_byte * memory_bytes_per_s
    total_w = board.base_w + memory_w + cpu_w + gpu_w
    return RailPower(total_w=total_w, gpu_w=gpu_w, cpu_w=cpu_w)


def _rail_w(
    rail: Rail, volts: float, frequency_hz: float, activity: float, temperature_c: float
) -> float:
    dynamic = activity * rail.capacitance_f * volts**2 * frequency_hz
    return (dynamic + leakage_w(rail, volts, temperature_c)) / rail.efficiency


def idle_power(
    board: Board,
    clocks: Clocks,
    temperature_c: float,
    co_runner: CoRunner = CO_RUNNERS["none"],
) -> RailPower:
    """Return what the board draws when the network does not run.

    Parameters
    ----------
    board : Board
        Its parameters.
    clocks : Clocks
        What is set.
    temperature_c : float
        Of the chip.
    co_runner : CoRunner, optional
        A program that goes on meanwhile.

    Returns
    -------
    RailPower
        On the input side of the regulators.
    """
    return rail_powers(
        board,
        clocks,
        temperature_c,
        gpu_activity=0.0,
        busy_cores=co_runner.activity,
        memory_bytes_per_s=_co_traffic(clocks, co_runner),
    )


def call_powers(
    board: Board,
    clocks: Clocks,
    cost: CallCost,
    temperature_c: float,
    co_runner: CoRunner = CO_RUNNERS["none"],
) -> tuple[RailPower, RailPower, RailPower]:
    """Return what the board draws in the three parts of a call.

    Parameters
    ----------
    board : Board
        Its parameters.
    clocks : Clocks
        What is set.
    cost : CallCost
        The call.
    temperature_c : float
        Of the chip.
    co_runner : CoRunner, optional
        A program beside it.

    Returns
    -------
    tuple of RailPower
        While the CPU prepares and launches, while both wait, while the GPU works.
    """
    beside = _co_traffic(clocks, co_runner)
    share = cost.compute_share
    working = min(1.0, share + (1.0 - share) * MEMORY_BOUND_ACTIVITY)
    parts = (
        (0.0, 1.0, beside),
        (0.0, WAITING_CORE, beside),
        (working, WAITING_CORE, beside + cost.memory_bytes / max(cost.gpu_s, 1e-9)),
    )
    powers = [
        rail_powers(
            board,
            clocks,
            temperature_c,
            gpu_activity=gpu,
            busy_cores=core + co_runner.activity,
            memory_bytes_per_s=traffic,
        )
        for gpu, core, traffic in parts
    ]
    return powers[0], powers[1], powers[2]


def mean_power(
    board: Board,
    clocks: Clocks,
    cost: CallCost,
    temperature_c: float = 40.0,
    co_runner: CoRunner = CO_RUNNERS["none"],
) -> RailPower:
    """Return the mean power of calls that follow each other without a gap.

    Parameters
    ----------
    board : Board
        Its parameters.
    clocks : Clocks
        What is set.
    cost : CallCost
        A call.
    temperature_c : float, default=40.0
        Of the chip.
    co_runner : CoRunner, optional
        A program beside it.

    Returns
    -------
    RailPower
        Weighted by the length of the parts.
    """
    powers = call_powers(board, clocks, cost, temperature_c, co_runner)
    weights = [part / cost.latency_s for part in (cost.cpu_s, cost.wait_s, cost.gpu_s)]

    def mean(values: tuple[float, float, float]) -> float:
        return sum(w * value for w, value in zip(weights, values, strict=True))

    cpu, wait, gpu = powers
    return RailPower(
        total_w=mean((cpu.total_w, wait.total_w, gpu.total_w)),
        gpu_w=mean((cpu.gpu_w, wait.gpu_w, gpu.gpu_w)),
        cpu_w=mean((cpu.cpu_w, wait.cpu_w, gpu.cpu_w)),
    )


def _co_traffic(clocks: Clocks, co_runner: CoRunner) -> float:
    return co_runner.activity * co_runner.memory_bytes_per_cycle * clocks.cpu_hz
