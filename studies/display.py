"""What a study shows: figures, tables, findings, and the notices on top.

Each is a small value with a `_repr_mimebundle_`, so a notebook displays it, and
carries its data in a MIME type of its own, from which `studies.build` collects
the figures, tables and findings again. The notebook is the only record.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

from studies.wording import is_number, keep_together, plain, quantity

if TYPE_CHECKING:
    import pandas as pd
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
    "renamed",
    "show",
]

FIGURE_TYPE = "application/vnd.studies.figure+json"
TABLE_TYPE = "application/vnd.studies.table+json"
FINDING_TYPE = "application/vnd.studies.finding+json"
NOTICE_TYPE = "application/vnd.studies.notice+json"

VERDICTS = {"yes": "supported", "no": "not supported", "undecided": "undecided"}
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
            {str(name): plain(value) for name, value in row.items()}
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
        numeric = [bool(texts) and all(map(is_number, texts)) for texts in columns]
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
        caption = escape(keep_together(self.caption))
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


Shown = Figure | Finding | Notice | Table | Text


def renamed(things: Sequence[Shown], ending: str) -> list[Shown]:
    """Give figures and tables names of their own, where a study shows two of a kind.

    Parameters
    ----------
    things : sequence of Figure, Finding, Notice, Table or Text
        Notices and texts stay as they are.
    ending : str
        Joined to each name by a dash; of a finding, to what it is about.

    Returns
    -------
    list of Figure, Finding, Notice, Table or Text
        As many.

    Examples
    --------
    >>> one = Figure(name="effects", caption="Effects.", svg="<svg></svg>")
    >>> renamed([one], "energy")[0].name
    'effects-energy'
    """
    return [_renamed(thing, ending) for thing in things]


def _renamed(thing: Shown, ending: str) -> Shown:
    if isinstance(thing, Finding):
        return replace(thing, about=f"{thing.about} ({ending})".strip())
    if isinstance(thing, Figure | Table):
        return replace(thing, name=f"{thing.name}-{ending}")
    return thing


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
