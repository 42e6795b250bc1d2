"""How numbers, units and names are printed in a report."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "format_cell",
    "is_number",
    "keep_together",
    "log_axis",
    "percent",
    "plain",
    "quantity",
    "spoken",
]

SIGNIFICANT_DIGITS = 4
"""Of a number in a table: more is never known here."""


def log_axis(ax: Axes, which: str, unit: str = "") -> None:
    """Make an axis logarithmic, with labels at 1, 2 and 5 that can be read.

    Parameters
    ----------
    ax : matplotlib Axes
        What was drawn on.
    which : {"x", "y"}
        Which axis.
    unit : str, default=""
        SI symbol; labels carry it, with a prefix.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from studies.wording import log_axis
    >>> ax = Figure().subplots()
    >>> log_axis(ax, "y", "s")
    >>> ax.get_yscale()
    'log'
    """
    from matplotlib.ticker import (
        EngFormatter,
        FuncFormatter,
        LogLocator,
        NullLocator,
    )

    ax.set(**{f"{which}scale": "log"})
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    simple = FuncFormatter(lambda value, _: f"{value:g}")
    axis.set_major_formatter(EngFormatter(unit=unit) if unit in SCALED else simple)


def format_cell(value: object) -> str:
    """Print a value as a table shows it.

    Parameters
    ----------
    value : object
        A number, boolean, text, or None.

    Returns
    -------
    str
        Four significant digits for a float, a dash where there is nothing.

    Examples
    --------
    >>> from studies.wording import format_cell
    >>> [format_cell(v) for v in (0.0123456, 1234567, 12345.678, True, None)]
    ['0.01235', '1234567', '12346', 'true', '–']
    """
    item = getattr(value, "item", None)
    if callable(item):
        value = item()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, str)):
        return str(value)
    if isinstance(value, tuple | list):
        return ", ".join(format_cell(part) for part in value)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
    if math.isnan(number):
        return "–"
    if abs(number) >= 10 ** SIGNIFICANT_DIGITS and abs(number) < 1e9:
        return f"{number:.0f}"
    return f"{number:.{SIGNIFICANT_DIGITS}g}"


def percent(value: float) -> str:
    """Print per cent: with a decimal where the value is small.

    Parameters
    ----------
    value : float
        In per cent.

    Returns
    -------
    str
        Without the sign of per cent.

    Examples
    --------
    >>> from studies.wording import percent
    >>> percent(1.94), percent(28.04)
    ('1.9', '28')
    """
    return f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"


SPOKEN = {
    "latency_s": "latency",
    "latency_mean_s": "mean latency",
    "latency_p90_s": "90th percentile of the latency",
    "latency_per_item_s": "latency per item",
    "throughput_hz": "throughput",
    "cpu_time_s": "CPU time",
    "energy_j": "energy",
}


def spoken(response: str) -> str:
    """Name a response as a sentence does.

    Parameters
    ----------
    response : str
        A column.

    Returns
    -------
    str
        The column's own name where there is no word for it.

    Examples
    --------
    >>> from studies.wording import spoken
    >>> spoken("latency_per_item_s"), spoken("seconds")
    ('latency per item', 'seconds')
    """
    return SPOKEN.get(response, response)


def keep_together(text: str) -> str:
    """Put a no-break space between a number and its unit.

    Parameters
    ----------
    text : str
        Any.

    Returns
    -------
    str
        For the page; files and JSON keep their plain spaces.

    Examples
    --------
    >>> from studies.wording import keep_together
    >>> keep_together("28.7 ms of 4 runs") == "28.7\u00a0ms of 4 runs"
    True
    """
    return re.sub(r"(?<=\d) (?=%|[GMkmµ]?(?:s|Hz|J|W)\b)", "\u00a0", text)


PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"))
SCALED = ("s", "Hz", "J", "W")
"""Units that take a prefix in print."""


def quantity(value: object, unit: str) -> str:
    """Print a value with its unit, scaled by a prefix so that it can be read.

    Parameters
    ----------
    value : object
        A number, or several; anything else is printed as it is.
    unit : str
        SI symbol; empty if dimensionless.

    Returns
    -------
    str
        Three significant digits; several values share the largest one's prefix.

    Examples
    --------
    >>> from studies.wording import quantity
    >>> quantity(0.02874, "s"), quantity((400000000, 2000000000), "Hz")
    ('28.7 ms', '0.4, 2 GHz')
    """
    values = value if isinstance(value, tuple | list) else (value,)
    given = [plain(one) for one in values]
    numbers = [abs(v) for v in given if isinstance(v, int | float)]
    if unit not in SCALED or len(numbers) != len(given) or not any(numbers):
        text = format_cell(value)
        return f"{text} {unit}" if unit and numbers else text
    largest = max(numbers)
    factor, prefix = next(
        ((f, p) for f, p in PREFIXES if largest >= 0.9995 * f), PREFIXES[-1]
    )
    texts = [
        f"{v / factor:.3g}" for v in given if isinstance(v, int | float)  # all are
    ]
    return f"{', '.join(texts)} {prefix}{unit}"


def is_number(text: str) -> bool:
    """Tell whether a cell is printed like a number, and set to the right.

    Parameters
    ----------
    text : str
        What `quantity` printed.

    Returns
    -------
    bool
        Also for a number with its unit, and for a dash.

    Examples
    --------
    >>> from studies.wording import is_number
    >>> is_number("28.7 ms"), is_number("v2")
    (True, False)
    """
    number = r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?( [GMkmµ]?(s|Hz|J|W))?|–"
    return bool(re.fullmatch(number, text))


def plain(value: object) -> object:
    """Make a value fit for JSON: numpy scalars unpacked, NaN and infinity null.

    Parameters
    ----------
    value : object
        A cell of a table.

    Returns
    -------
    object
        A number, boolean, text, list of these, or None.

    Examples
    --------
    >>> from studies.wording import plain
    >>> plain(float("nan")) is None
    True
    """
    item = getattr(value, "item", None)
    if callable(item):
        value = item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
