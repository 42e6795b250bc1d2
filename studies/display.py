"""What a study shows: figures, tables, findings, and the notices on top.

Each is a small value with a `_repr_mimebundle_`, so a notebook displays it, and
carries its data in a MIME type of its own, from which `studies.build` collects
the figures, tables and findings again. The notebook is the only record.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = [
    "FINDING_TYPE",
    "FIGURE_TYPE",
    "NOTICE_TYPE",
    "TABLE_TYPE",
    "Figure",
    "Finding",
    "Notice",
    "Table",
    "Text",
    "figure",
    "format_cell",
    "keep_together",
    "log_axis",
    "percent",
    "quantity",
    "show",
    "spoken",
]

FIGURE_TYPE = "application/vnd.studies.figure+json"
TABLE_TYPE = "application/vnd.studies.table+json"
FINDING_TYPE = "application/vnd.studies.finding+json"
NOTICE_TYPE = "application/vnd.studies.notice+json"

VERDICTS = {"yes": "supported", "no": "not supported", "undecided": "undecided"}
SIGNIFICANT_DIGITS = 4
"""Of a number in a table: more is never known here."""

Bundle = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture with the words that stand for it.

    Parameters
    ----------
    name : str
        Short, unique in the study; the file's name.
    caption : str
        What the reader sees in it, in one or two sentences.
    svg : str
        The picture.
    """

    name: str
    caption: str
    svg: str

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return {
            "text/plain": f"[figure {self.name}: {self.caption}]",
            "image/svg+xml": self.svg,
            FIGURE_TYPE: {"name": self.name, "caption": self.caption},
        }


def figure(name: str, drawing: MatplotlibFigure, caption: str) -> Figure:
    """Freeze a matplotlib figure as SVG, and close it.

    Parameters
    ----------
    name : str
        Short, unique in the study.
    drawing : matplotlib.figure.Figure
        What was drawn.
    caption : str
        What the reader sees in it; also its text alternative.

    Returns
    -------
    Figure
        The picture; the same drawing gives the same bytes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from studies.display import figure
    >>> figure("empty", Figure(), "Nothing.").svg.startswith("<svg")
    True
    """
    import matplotlib as mpl
    from matplotlib import pyplot

    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        drawing.savefig(
            stream,
            format="svg",
            transparent=True,
            bbox_inches="tight",
            metadata={"Date": None, "Creator": None},
        )
    pyplot.close(drawing)
    text = stream.getvalue()
    return Figure(name=name, caption=caption, svg=text[text.index("<svg") :])


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
    >>> from studies.display import log_axis
    >>> ax = Figure().subplots()
    >>> log_axis(ax, "y", "s")
    >>> ax.get_yscale()
    'log'
    """
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    ax.set(**{f"{which}scale": "log"})
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(EngFormatter(unit=unit))


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
    >>> from studies.display import format_cell
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
    >>> from studies.display import percent
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
    >>> from studies.display import spoken
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
    >>> from studies.display import keep_together
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
    >>> from studies.display import quantity
    >>> quantity(0.02874, "s"), quantity((400000000, 2000000000), "Hz")
    ('28.7 ms', '0.4, 2 GHz')
    """
    values = value if isinstance(value, tuple | list) else (value,)
    plain = [_plain(one) for one in values]
    numbers = [abs(v) for v in plain if isinstance(v, int | float)]
    if unit not in SCALED or len(numbers) != len(plain) or not any(numbers):
        text = format_cell(value)
        return f"{text} {unit}" if unit and numbers else text
    largest = max(numbers)
    factor, prefix = next(
        ((f, p) for f, p in PREFIXES if largest >= 0.9995 * f), PREFIXES[-1]
    )
    texts = [
        f"{v / factor:.3g}" for v in plain if isinstance(v, int | float)  # all are
    ]
    return f"{', '.join(texts)} {prefix}{unit}"


def _is_number(text: str) -> bool:
    number = r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?( [GMkmµ]?(s|Hz|J|W))?|–"
    return bool(re.fullmatch(number, text))


def _plain(value: object) -> object:
    """Make a value fit for JSON: numpy scalars unpacked, NaN and infinity null."""
    item = getattr(value, "item", None)
    if callable(item):
        value = item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A data frame with a caption.

    Parameters
    ----------
    name : str
        Short, unique in the study; the file's name.
    caption : str
        What the rows are.
    frame : pandas.DataFrame
        The data, at full precision.
    headings : mapping of str to str, default={}
        Printed headings of columns, where the name does not suit.
    units : mapping of str to str, default={}
        SI symbols of columns, which are printed with a prefix.
    rows_shown : int, default=20
        How many rows the page prints; the file has all of them.

    Examples
    --------
    >>> import pandas as pd
    >>> from studies.display import Table
    >>> table = Table(name="t", caption="Two runs.", frame=pd.DataFrame({"y": [1, 2]}))
    >>> "Two runs.</figcaption>" in table._repr_mimebundle_()["text/html"]
    True
    """

    name: str
    caption: str
    frame: pd.DataFrame
    headings: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    rows_shown: int = 20

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        records = [
            {str(name): _plain(value) for name, value in row.items()}
            for row in self.frame.to_dict("records")
        ]
        return {
            "text/plain": f"{self.caption}\n{self.frame.to_string(index=False)}",
            "text/html": self.to_html(),
            TABLE_TYPE: {"name": self.name, "caption": self.caption, "rows": records},
        }

    def to_html(self) -> str:
        """Print the table as HTML with a caption and scoped headings.

        Returns
        -------
        str
            One ``<table>`` that scrolls under its caption; every text is escaped.
        """
        shown = self.frame.iloc[: self.rows_shown]
        columns = [
            [quantity(value, self.units.get(str(name), "")) for value in shown[name]]
            for name in self.frame.columns
        ]
        numeric = [bool(texts) and all(map(_is_number, texts)) for texts in columns]
        heads = "".join(
            f'<th scope="col"{_align(right)}>'
            f"{escape(self.headings.get(str(name), str(name)))}</th>"
            for name, right in zip(self.frame.columns, numeric, strict=True)
        )
        body = []
        for row in zip(*columns, strict=True):
            cells = "".join(
                f"<td{_align(right)}>{escape(text)}</td>"
                for text, right in zip(row, numeric, strict=True)
            )
            body.append(f"<tr>{cells}</tr>")
        caption = escape(self.caption)
        left = len(self.frame) - len(shown)
        if left:
            caption += f" The first {len(shown)} of {len(self.frame)} rows."
        name = f"caption-{escape(self.name)}"
        return (
            f'<figure class="table"><figcaption id="{name}">{caption}</figcaption>'
            f'<div tabindex="0" role="region" aria-labelledby="{name}">'
            f'<table aria-labelledby="{name}"><thead><tr>{heads}</tr></thead>'
            f"<tbody>{''.join(body)}</tbody></table></div></figure>"
        )


def _align(right: bool) -> str:
    return ' class="number"' if right else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence that the data support, deny, or leave open.

    Parameters
    ----------
    text : str
        The sentence, with its numbers and intervals.
    verdict : {"yes", "no", "undecided"}
        Whether the data support it.
    about : str, default=""
        The environment or comparison that it speaks of.
    brief : bool, default=True
        Whether it stands on top of the page as well.
    """

    text: str
    verdict: str
    about: str = ""
    brief: bool = True

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(
                f"verdict {self.verdict!r}; allowed: {', '.join(VERDICTS)}"
            )

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        about = f"<strong>{escape(self.about)}:</strong> " if self.about else ""
        return {
            "text/plain": f"[{self.verdict}] {self.about} {self.text}".replace(
                "  ", " "
            ),
            "text/html": (
                f'<p class="finding {self.verdict}">'
                f'<span class="verdict">{VERDICTS[self.verdict]}</span> '
                f"{about}{escape(keep_together(self.text))}</p>"
            ),
            FINDING_TYPE: {
                "text": self.text,
                "verdict": self.verdict,
                "about": self.about,
                "brief": self.brief,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a reader must know first: the page shows it above everything else.

    Parameters
    ----------
    text : str
        One or two sentences.
    level : {"warning", "note"}, default="warning"
        A warning questions the results; a note says what they are.
    """

    text: str
    level: str = "warning"

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return {
            "text/plain": f"{self.level}: {self.text}",
            NOTICE_TYPE: {"text": self.text, "level": self.level},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph made from results, in Markdown.

    Parameters
    ----------
    markdown : str
        The text; HTML in it is shown, not obeyed.
    """

    markdown: str

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return {"text/plain": self.markdown, "text/markdown": self.markdown}


def show(*things: Figure | Finding | Notice | Table | Text) -> None:
    """Display things in a notebook, one after the other.

    Parameters
    ----------
    *things : Figure, Finding, Notice, Table or Text
        Nothing is shown for none.
    """
    from IPython.display import display

    if things:
        display(*things)  # type: ignore[no-untyped-call]
