"""Numbers and configurations as they are printed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["amount", "number", "percent", "spelled_configuration"]

# ms and GHz exist in printed text only.
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"))
_PREFIXED = ("s", "J", "W", "Hz")


def number(value: float | None) -> str:
    """Return a number with four significant digits.

    Parameters
    ----------
    value : float or None
        None and NaN are missing.

    Returns
    -------
    str
        A dash where missing.

    Examples
    --------
    >>> number(0.0123456), number(None)
    ('0.01235', '-')
    """
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.4g}"


def percent(value: float | None) -> str:
    """Return a share in per cent.

    Parameters
    ----------
    value : float or None
        In per cent.

    Returns
    -------
    str
        With its sign.

    Examples
    --------
    >>> percent(3.14159)
    '3.1 %'
    """
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.1f} %" if abs(value) >= 0.95 else f"{value:.2g} %"


def amount(value: float, unit: str) -> str:
    """Return a value with its unit, scaled to read well.

    Parameters
    ----------
    value : float
        In SI units.
    unit : str
        Its symbol; empty if unknown.

    Returns
    -------
    str
        Seconds, joules, watts and hertz with a prefix.

    Examples
    --------
    >>> amount(0.0123456, "s"), amount(3.2, "m"), amount(5.0, "")
    ('12.35 ms', '3.2 m', '5')
    """
    if unit in _PREFIXED and math.isfinite(value) and value != 0:
        for factor, prefix in _PREFIXES:
            if abs(value) >= factor:
                return f"{value / factor:.4g} {prefix}{unit}"
    return f"{number(value)} {unit}".strip()


def spelled_configuration(configuration: Mapping[str, Any]) -> str:
    """Return a configuration in a line.

    Parameters
    ----------
    configuration : mapping of str to level
        Option to level.

    Returns
    -------
    str
        ``name=level`` pairs.

    Examples
    --------
    >>> spelled_configuration({"threads": 2, "xnnpack": True})
    'threads=2 xnnpack=true'
    """
    from measure.levels import plain, spelled

    return " ".join(f"{k}={spelled(plain(v))}" for k, v in configuration.items())
