"""What every measured process has to know, whatever it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a process measures, and when it gives up.

    Parameters
    ----------
    seconds : float, default=0.35
        Measuring time once it is warm.
    min_calls : int, default=5
        Calls that are measured at least, however long one takes.
    warm_up_cap_s : float, default=2.0
        Where nothing is steady after this time, measuring begins all the same
        and the run is flagged.
    time_limit_s : float, default=60.0
        The process is ended after this time and the run has failed.
    quick : bool, default=False
        One call to warm up, without a test of whether it is warm.

    Examples
    --------
    >>> Timing.from_dict(Timing(seconds=0.1).to_dict()).seconds
    0.1
    """

    seconds: float = 0.35
    min_calls: int = 5
    warm_up_cap_s: float = 2.0
    time_limit_s: float = 60.0
    quick: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain data.

        Returns
        -------
        dict
            Field names and values.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Timing:
        """Build a timing from what `to_dict` returned.

        Parameters
        ----------
        values : mapping
            Names that it does not know are left out.

        Returns
        -------
        Timing
            Equal to the one that was written.
        """
        names = {field.name for field in fields(cls)}
        return cls(**{name: v for name, v in values.items() if name in names})
