"""What a measured process needs to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long one run is measured: plain values that cross process borders.

    Parameters
    ----------
    seconds : float, default=0.35
        Measuring time once it is warm.
    min_calls : int, default=5
        Calls at least, however long one takes.
    warm_up_cap_s : float, default=2.0
        The warm-up ends here at the latest.
    time_limit_s : float, default=60.0
        A run that takes longer is ended.
    quick : bool, default=False
        One short batch and no warm-up test.
    """

    seconds: float = 0.35
    min_calls: int = 5
    warm_up_cap_s: float = 2.0
    time_limit_s: float = 60.0
    quick: bool = False
