"""What a transfer's processes compare: features by option, and source values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Inputs"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Rows that a process compares: grouped features and source values.

    Parameters
    ----------
    x : ndarray of shape (n, n_features)
        Features between 0 and 1.
    z : ndarray of shape (n, n_sources)
        Standardised log predictions of the sources; without columns if there is none.
    groups : tuple of int, shape (n_features,)
        Which option each feature belongs to: its features share one length scale.
    """

    x: Floats
    z: Floats
    groups: tuple[int, ...]

    def __getitem__(self, rows: Any) -> Inputs:
        return replace(self, x=self.x[rows], z=self.z[rows])

    def __len__(self) -> int:
        return len(self.x)

    @property
    def n_inputs(self) -> int:
        """Number of options."""
        return max(self.groups, default=-1) + 1

    def squared_distances(self, other: Inputs) -> Floats:
        """Compute squared distances by option.

        Parameters
        ----------
        other : Inputs
            Rows to compare with, shape (m, ..).

        Returns
        -------
        ndarray of shape (n_inputs, n, m)
            Between 0 and 1 for an option of one feature.
        """
        out = np.zeros((self.n_inputs, len(self), len(other)))
        for column, group in enumerate(self.groups):
            out[group] += (self.x[:, column, None] - other.x[None, :, column]) ** 2
        return out
