"""The parameters of a Jetson TX1 and a Jetson TX2, each with where it is from.

"assumed" marks a value for which there is no public source; it is a plausible
one, not fitted to any network.

References
----------
.. [1] L4T kernel, ``tegra210-dvfs.c`` and device trees: ladders and voltages.
.. [2] Data sheets of the TX1 and TX2 modules and of TI's INA3221.
.. [3] NVIDIA, *GPU-Based Deep Learning Inference* (2015): AlexNet on a TX1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The clocks of a unit and the voltage at each.

    Parameters
    ----------
    frequencies_hz : tuple of int
        Ascending.
    volts : tuple of float
        As many.
    """

    frequencies_hz: tuple[int, ...]
    volts: tuple[float, ...]

    @property
    def maximum_hz(self) -> int:
        """The highest clock."""
        return self.frequencies_hz[-1]

    def volts_at(self, frequency_hz: float) -> float:
        """Return the voltage at a clock, interpolated between the ladder's.

        Parameters
        ----------
        frequency_hz : float
            Below or above the ladder: that of its end.

        Returns
        -------
        float
            Volts.
        """
        return float(np.interp(frequency_hz, self.frequencies_hz, self.volts))

    def highest_below(self, volts: float) -> int:
        """Return the highest clock that a limit on the voltage allows.

        Parameters
        ----------
        volts : float
            The limit.

        Returns
        -------
        int
            A clock of the ladder; the lowest if none is allowed.
        """
        allowed = [
            frequency
            for frequency, needed in zip(self.frequencies_hz, self.volts, strict=True)
            if needed <= volts
        ]
        return allowed[-1] if allowed else self.frequencies_hz[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """What a unit draws from its regulator.

    Parameters
    ----------
    capacitance_f : float
        Switched capacitance at full activity: dynamic power is this times the
        square of the voltage times the clock.
    idle_activity : float
        Share of it that switches while the unit waits with its clock on.
    leakage_a : float
        Leakage current at 1 V and 50 degrees Celsius.
    efficiency : float, default=0.85
        Of the regulator; sensors sit on its input side.
    """

    capacitance_f: float
    idle_activity: float
    leakage_a: float
    efficiency: float = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Thermal:
    """How warm the chip gets, and what happens then.

    Parameters
    ----------
    resistance_k_per_w : float
        From the chip to the air.
    capacity_j_per_k : float
        Of chip and heat sink.
    ambient_c : float, default=25.0
        The air.
    limit_c : float
        Above it the GPU's voltage is capped.
    capped_volts : float
        The cap.
    """

    resistance_k_per_w: float
    capacity_j_per_k: float
    limit_c: float
    capped_volts: float
    ambient_c: float = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorPart:
    """The power sensor on the total rail.

    Parameters
    ----------
    rail : str
        Its name.
    bus_volts : float
        On the input side of the regulators.
    current_step_a : float
        One step of the converter, over the shunt.
    part_step_a : float
        The same of the rails within the total one.
    period_s : float
        Between two updates; a value is the mean over that long.
    gain_u : float
        Standard uncertainty of the gain, shunt and converter together.
    offset_u_w : float
        Standard uncertainty of the power at no current.
    """

    rail: str
    bus_volts: float
    current_step_a: float
    part_step_a: float
    period_s: float
    gain_u: float
    offset_u_w: float

    @property
    def step_w(self) -> float:
        """One step of the power reading."""
        return self.bus_volts * self.current_step_a


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All parameters of one board.

    Parameters
    ----------
    name : str
        As ``sim:`` addresses it.
    cpu, gpu : Ladder
        Clocks and voltages.
    emc_hz : tuple of int
        Clocks of the memory controller.
    cores : int
        CPU cores that can be online.
    lanes : int
        Single-precision multiply-adds of the GPU a clock.
    memory_bytes_per_clock : float
        Peak of the external memory.
    cpu_rail, gpu_rail : Rail
        Power of the two.
    base_w : float
        Module without CPU, GPU and memory clock.
    emc_w : float
        At the highest memory clock, without traffic.
    thermal : Thermal
        Heat.
    sensor : SensorPart
        Power sensor of the total rail.
    compute_share : tuple of float
        Of the peak that matrix products reach in single and in half precision,
        counted in whole tiles.
    memory_share : float
        Of the peak that kernels reach.
    overlap_norm : float
        How arithmetic and traffic of a layer make up its time: the p-norm of the two.
        1 adds them; the classical roofline, their maximum, is the limit of large ones.
    depthwise_share : float
        Of the peak that depthwise convolutions reach.
    gpu_bytes_per_clock : float
        That the GPU can take from memory, so that a slow GPU hides a slow memory.
    tile : tuple of int
        Output channels and positions that a thread block computes.
    memory_j_per_byte : float
        Of traffic.
    """

    name: str
    cpu: Ladder
    gpu: Ladder
    emc_hz: tuple[int, ...]
    cores: int
    lanes: int
    memory_bytes_per_clock: float
    cpu_rail: Rail
    gpu_rail: Rail
    base_w: float
    emc_w: float
    thermal: Thermal
    sensor: SensorPart
    # Fitted on AlexNet alone, published for a TX1 at 691 MHz: six times of batches 1,
    # 64 and 128 in both precisions; the launch cost is held at 50 us (runtimes.py).
    compute_share: tuple[float, float] = (0.800, 0.676)
    memory_share: float = 0.646
    # Of 1, 2, 3 and the maximum, what leaves the least error on those six.
    overlap_norm: float = 1.0
    # Fitted on Xception on a TX2, in single precision.
    depthwise_share: float = 0.024
    gpu_bytes_per_clock: float = 32.0  # two multiprocessors, 16 bytes each (assumed)
    tile: tuple[int, int] = (64, 128)  # cuDNN's usual kernel here, "128x64"
    memory_j_per_byte: float = 50e-12  # LPDDR4 with its interface (assumed)


_MHZ = 1_000_000

TX1 = Board(
    name="tx1",
    # Device tree and DFLL table of [1], speedo 7.
    cpu=Ladder(
        frequencies_hz=tuple(
            f * _MHZ
            for f in (102, 204, 306, 408, 510, 612, 714, 816, 918, 1020, 1122, 1224)
            + (1326, 1428, 1555, 1632, 1734)
        ),
        volts=(0.841,) * 5
        + (0.869, 0.903, 0.937, 0.971, 1.005, 1.038, 1.072, 1.106, 1.130, 1.130)
        + (1.170, 1.227),
    ),
    # CVB table of [1] for a speedo of 2036 at 50 degrees.
    gpu=Ladder(
        frequencies_hz=tuple(76_800_000 * k for k in range(1, 14)),
        volts=(0.82,) * 6 + (0.83, 0.87, 0.91, 0.95, 0.99, 1.04, 1.08),
    ),
    emc_hz=(204_000_000, 408_000_000, 665_600_000, 800_000_000)
    + (1_065_600_000, 1_331_200_000, 1_600_000_000),
    cores=4,
    lanes=256,
    memory_bytes_per_clock=16.0,  # 64 bits, both edges [2]
    # A module at rest with all cores at 1734 MHz draws 1.76 W for its CPU and
    # 3.9 W in all; the dynamic part is AlexNet's CPU rail.
    cpu_rail=Rail(capacitance_f=0.34e-9, idle_activity=0.12, leakage_a=0.35),
    # AlexNet in half precision, batches of 128 at 691 MHz, takes 5.7 W in all [3].
    gpu_rail=Rail(capacitance_f=4.7e-9, idle_activity=0.04, leakage_a=0.12),
    base_w=1.75,
    emc_w=0.25,
    # Resistance from the temperatures of an AlexNet campaign; capacity assumed.
    # GPU cap at 83 degrees [1].
    thermal=Thermal(
        resistance_k_per_w=2.3,
        capacity_j_per_k=50.0,
        limit_c=83.0,
        capped_volts=0.95,
    ),
    # INA3221 [2]: 40 uV over 20 mOhm, of its parts 10 mOhm, at 19.1 V; continuous with
    # 64 averages; shunt 1 % and gain 0.25 %, offset 80 uV, all limits of rectangular
    # distributions.
    sensor=SensorPart(
        rail="VDD_IN",
        bus_volts=19.1,
        current_step_a=0.002,
        part_step_a=0.004,
        period_s=0.422,
        gain_u=0.006,
        offset_u_w=0.044,
    ),
)

TX2 = Board(
    name="tx2",
    # Ladders as published campaigns have them; voltages assumed, TX1's range on a
    # smaller process.
    cpu=Ladder(
        frequencies_hz=tuple(345_600_000 + 153_600_000 * k for k in range(12)),
        volts=tuple(round(0.80 + 0.33 * max(0, k - 3) / 8, 3) for k in range(12)),
    ),
    gpu=Ladder(
        frequencies_hz=tuple(140_250_000 + 89_250_000 * k for k in range(14)),
        volts=tuple(round(0.80 + 0.30 * max(0, k - 6) / 7, 3) for k in range(14)),
    ),
    emc_hz=(204_000_000, 408_000_000, 665_600_000, 800_000_000, 1_062_400_000)
    + (1_331_200_000, 1_600_000_000, 1_866_000_000),
    cores=4,
    lanes=256,
    memory_bytes_per_clock=32.0,  # 128 bits, both edges [2]
    # The same cores and as many lanes on 16 nm in place of 20 nm: capacitance and
    # leakage smaller by a quarter (assumed), within the module's 15 W [2].
    cpu_rail=Rail(capacitance_f=0.26e-9, idle_activity=0.12, leakage_a=0.2),
    gpu_rail=Rail(capacitance_f=3.8e-9, idle_activity=0.04, leakage_a=0.1),
    base_w=1.75,  # at rest about 2.4 W in all, 0.3 W of it CPU (tegrastats)
    emc_w=0.4,
    thermal=Thermal(
        resistance_k_per_w=2.0,
        capacity_j_per_k=60.0,
        limit_c=88.0,
        capped_volts=0.95,
    ),
    # As on the TX1, with L4T's driver there too, and 10 mOhm.
    sensor=SensorPart(
        rail="VDD_IN",
        bus_volts=19.1,
        current_step_a=0.004,
        part_step_a=0.004,
        period_s=0.422,
        gain_u=0.006,
        offset_u_w=0.088,
    ),
)

BOARDS: dict[str, Board] = {board.name: board for board in (TX1, TX2)}
