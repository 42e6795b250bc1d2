"""One board of many: its sensor as it came from the factory, the room it is in.

An INA3221 in continuous mode averages conversions over its update period, and its value
stands until the next update: it is late, in steps, and off by gain and offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measure.simulator.boards import Board, FloatArray

CHANNELS = ("total", "gpu", "cpu", "memory", "soc")
"""What is measured apart; the first has the others in it."""
NOISE_W = 0.03
"""Standard deviation of a value, before it is rounded to a step (assumed)."""
AMBIENT_SPREAD_K = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One board of many, in one room.

    Parameters
    ----------
    board : Board
        What it is.
    gains : tuple of float
        Reported over true power, by channel.
    offsets_w : tuple of float
        Reported at no power, by channel.
    phase_s : float
        Time of one of the sensor's updates.
    ambient_c : float
        The air about it.
    """

    board: Board
    gains: tuple[float, ...] = (1.0,) * len(CHANNELS)
    offsets_w: tuple[float, ...] = (0.0,) * len(CHANNELS)
    phase_s: float = 0.0
    ambient_c: float = 25.0

    @classmethod
    def draw(cls, board: Board, rng: np.random.Generator) -> Unit:
        """Return a board with sensor and air drawn at random.

        Parameters
        ----------
        board : Board
            What it is.
        rng : Generator
            Source of randomness.

        Returns
        -------
        Unit
            One of many.

        Examples
        --------
        >>> from measure.simulator.boards import TX1
        >>> unit = Unit.draw(TX1, np.random.default_rng(0))
        >>> abs(unit.gains[0] - 1.0) < 0.03
        True
        """
        part, ambient_c = board.sensor, board.thermal.ambient_c
        gains = 1.0 + part.gain_u * rng.standard_normal(len(CHANNELS))
        offsets = part.offset_u_w * rng.standard_normal(len(CHANNELS))
        return cls(
            board=board,
            gains=tuple(gains.tolist()),
            offsets_w=tuple(offsets.tolist()),
            phase_s=part.period_s * float(rng.random()),
            ambient_c=ambient_c + AMBIENT_SPREAD_K * float(rng.standard_normal()),
        )

    def updates_until(self, time_s: float) -> int:
        """Return how many updates the sensor has made since time began.

        Parameters
        ----------
        time_s : float
            Of the board's clock.

        Returns
        -------
        int
            The number of the last one.
        """
        return int((time_s - self.phase_s) // self.board.sensor.period_s)

    def update_times(self, first: int, last: int) -> FloatArray:
        """Return when the sensor makes some updates.

        Parameters
        ----------
        first, last : int
            Numbers, both included.

        Returns
        -------
        ndarray
            Seconds.
        """
        period_s = self.board.sensor.period_s
        numbers = np.arange(first, last + 1, dtype=np.float64)
        return self.phase_s + period_s * numbers

    def milliamperes(
        self, true_w: FloatArray, rng: np.random.Generator
    ) -> list[list[int]]:
        """Return what the sensor makes of mean powers.

        Parameters
        ----------
        true_w : ndarray, shape (n_updates, n_channels)
            Over the period before each update.
        rng : Generator
            Of the noise.

        Returns
        -------
        list of list of int
            As it is read, at the voltage of the rail.
        """
        part = self.board.sensor
        noise = NOISE_W * rng.standard_normal(true_w.shape)
        watts = true_w * np.array(self.gains) + np.array(self.offsets_w) + noise
        step = np.full(len(CHANNELS), part.part_step_a)
        step[0] = part.current_step_a
        steps = np.maximum(0.0, np.rint(watts / part.bus_volts / step))
        read: list[list[int]] = np.rint(1000.0 * steps * step).astype(int).tolist()
        return read
