"""What the guard decided, and the held-out evidence that it went by."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Choice"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the guard decided, and on what evidence.

    Parameters
    ----------
    method : str
        ``alone``, a candidate's name, or ``blend``.
    weights : dict of str to float
        Weight of each candidate in the prediction; they add up to 1.
    statistic : float
        Largest paired t of "error alone minus error of the candidate"; NaN without one.
    decision : str
        ``alone`` or ``transfer``.
    reason : str
        One sentence.
    errors : dict of str to float
        Held-out mean relative error of each candidate, per cent.
    held_out, held_out_sd : dict of str to ndarray of shape (m,)
        Held-out log predictions of each candidate, and the spread it held for each.
    rows : ndarray of shape (m,)
        The runs that were held out, a part of them where there are many.
    """

    method: str
    weights: dict[str, float]
    statistic: float
    decision: str
    reason: str
    errors: dict[str, float]
    held_out: dict[str, Floats]
    held_out_sd: dict[str, Floats]
    rows: NDArray[np.intp]

    @classmethod
    def unjudged(cls, method: str, reason: str, decision: str = "forced") -> Choice:
        """Give a choice that no run was held out for.

        Parameters
        ----------
        method : str
            What was chosen.
        reason : str
            One sentence.
        decision : str, default="forced"
            What it counts as.

        Returns
        -------
        Choice
            Without evidence.
        """
        return cls(
            method=method,
            weights={method: 1.0},
            statistic=math.nan,
            decision=decision,
            reason=reason,
            errors={},
            held_out={},
            held_out_sd={},
            rows=np.empty(0, dtype=np.intp),
        )

    def blended(self) -> Floats:
        """Blend the held-out log predictions with the weights that were chosen.

        Returns
        -------
        ndarray of shape (n,)
            Log response.
        """
        parts = [weight * self.held_out[name] for name, weight in self.weights.items()]
        return np.asarray(np.sum(parts, axis=0))

    def blended_sd(self) -> Floats:
        """Give what the candidates held for the spread of each held-out run.

        Returns
        -------
        ndarray of shape (n,)
            Log units.
        """
        parts = [w * self.held_out_sd[name] ** 2 for name, w in self.weights.items()]
        return np.asarray(np.sqrt(np.sum(parts, axis=0)))

    def forced(self, method: str) -> Choice:
        """Give the same evidence with the method that a user asked for.

        Parameters
        ----------
        method : str
            One of the candidates.

        Returns
        -------
        Choice
            With that method alone.
        """
        return replace(
            self,
            method=method,
            weights={method: 1.0},
            decision="forced",
            reason=f"{method} was asked for",
        )
