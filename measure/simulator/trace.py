"""Power over time, constant between edges, with its exact integral."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from measure.simulator.boards import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """True power of a board over some time.

    Parameters
    ----------
    edges_s : ndarray, shape (n + 1,)
        Ascending.
    power_w : ndarray, shape (n,)
        Between one edge and the next.
    """

    edges_s: FloatArray
    power_w: FloatArray

    @property
    def start_s(self) -> float:
        """The first edge."""
        return float(self.edges_s[0])

    @property
    def stop_s(self) -> float:
        """The last edge."""
        return float(self.edges_s[-1])

    def energy_until(self, times_s: FloatArray) -> FloatArray:
        """Return the energy from the first edge to some times.

        Parameters
        ----------
        times_s : ndarray
            Any times; outside the edges nothing is drawn.

        Returns
        -------
        ndarray
            Joules.
        """
        steps = np.diff(self.edges_s) * self.power_w
        summed = np.concatenate(([0.0], np.cumsum(steps)))
        return np.interp(times_s, self.edges_s, summed)

    def energy_j(self, start_s: float, stop_s: float) -> float:
        """Return the energy between two times.

        Parameters
        ----------
        start_s, stop_s : float
            Within the edges.

        Returns
        -------
        float
            Joules.

        Examples
        --------
        >>> edges = np.array([0.0, 1.0, 3.0])
        >>> trace = Trace(edges_s=edges, power_w=np.array([2.0, 4.0]))
        >>> trace.energy_j(0.5, 2.0)
        5.0
        """
        until = self.energy_until(np.array([start_s, stop_s]))
        return float(until[1] - until[0])


def joined(start_s: float, parts: Iterable[tuple[FloatArray, FloatArray]]) -> Trace:
    """Return a trace from parts that follow each other.

    Parameters
    ----------
    start_s : float
        When the first begins.
    parts : iterable of tuple of ndarray
        Durations and powers of each.

    Returns
    -------
    Trace
        All of them.
    """
    listed: Sequence[tuple[FloatArray, FloatArray]] = list(parts)
    durations = np.concatenate([part[0] for part in listed])
    edges = start_s + np.concatenate(([0.0], np.cumsum(durations)))
    return Trace(edges_s=edges, power_w=np.concatenate([part[1] for part in listed]))
