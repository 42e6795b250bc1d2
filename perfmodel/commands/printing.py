"""Numbers and configurations as they are printed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from measure.options import Option
    from measure.space import ConfigurationSpace

__all__ = [
    "amount",
    "estimate",
    "number",
    "percent",
    "spelled_configuration",
    "spelled_level",
]

# ms and GHz exist in printed text only.
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))
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
    factor, prefixed = _scale(value, unit)
    return f"{number(value / factor)} {prefixed}".strip()


def estimate(value: float, lower: float, upper: float, unit: str) -> str:
    """Return a value with its interval, all scaled alike.

    Parameters
    ----------
    value, lower, upper : float
        In SI units.
    unit : str
        Its symbol; empty if unknown.

    Returns
    -------
    str
        The unit stands once.

    Examples
    --------
    >>> estimate(0.012, 0.011, 0.0135, "s")
    '12 ms (11 to 13.5)'
    """
    factor, _ = _scale(value, unit)
    ends = f"({number(lower / factor)} to {number(upper / factor)})"
    return f"{amount(value, unit)} {ends}"


def _scale(value: float, unit: str) -> tuple[float, str]:
    """Return what to divide by to read well, and the unit then."""
    if unit in _PREFIXED and math.isfinite(value) and value != 0:
        for factor, prefix in _PREFIXES:
            if abs(value) >= factor:
                return factor, prefix + unit
    return 1.0, unit


def spelled_level(option: Option, level: Any) -> str:
    """Return a level as it reads best: frequencies in GHz, times in ms.

    Parameters
    ----------
    option : Option
        Whose.
    level : level
        One of its levels.

    Returns
    -------
    str
        With its unit, if the option has one.

    Examples
    --------
    >>> from measure.options import Option
    >>> clock = Option(name="cpu_freq_hz", levels=(10**9, 2 * 10**9), unit="Hz")
    >>> spelled_level(clock, 2 * 10**9)
    '2 GHz'
    """
    from measure.levels import plain, spelled

    level = plain(level)
    if option.kind == "numeric" and option.unit:
        return amount(float(level), option.unit)
    return spelled(level)


def spelled_configuration(
    space: ConfigurationSpace, configuration: Mapping[str, Any]
) -> str:
    """Return a configuration in a line.

    Parameters
    ----------
    space : ConfigurationSpace
        The options.
    configuration : mapping of str to level
        Option to level.

    Returns
    -------
    str
        ``name=level`` pairs.

    Examples
    --------
    >>> from measure.options import Option
    >>> from measure.space import ConfigurationSpace
    >>> space = ConfigurationSpace([Option(name="xnnpack", levels=(False, True))])
    >>> spelled_configuration(space, {"xnnpack": True})
    'xnnpack=true'
    """
    return ", ".join(
        f"{option.name}={spelled_level(option, configuration[option.name])}"
        for option in space.options
    )
