"""What varies on a board from run to run: load, temperatures, clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from measure.devices.watching import ClockSamples
from measure.records import Conditions

LOAD = "/proc/loadavg"
NEVER = {"power_source": "a board does not tell", "turbo": "it has none"}


def conditions_of(
    load: str | None,
    celsius: Mapping[str, Sequence[float]],
    clocks: Mapping[str, ClockSamples],
) -> Conditions:
    """Return conditions as they were during a run.

    Parameters
    ----------
    load : str or None
        Content of ``/proc/loadavg``.
    celsius : mapping of str to sequence of float
        Temperatures by zone, in order of time: the last counts.
    clocks : mapping of str to ClockSamples
        By option: the median counts.

    Returns
    -------
    Conditions
        What could not be read is missing, with its reason.

    Examples
    --------
    >>> conditions_of("0.50 0.2 0.1 1/90 5", {"CPU-therm": [36.0, 36.5]}, {}).load_1min
    0.5
    """
    missing = dict(NEVER)
    words = (load or "").split()
    if not words:
        missing["load_1min"] = f"{LOAD} cannot be read"
    last = {zone: values[-1] for zone, values in celsius.items() if len(values)}
    if not last:
        missing["temperature_c"] = "no thermal zone can be read"
    known = {name: one.hz[~np.isnan(one.hz)] for name, one in clocks.items()}
    return Conditions(
        load_1min=float(words[0]) if words else None,
        temperature_c=last,
        clock_hz={n: float(np.median(hz)) for n, hz in known.items() if len(hz)},
        missing=missing,
    )
