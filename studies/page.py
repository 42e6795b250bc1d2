"""An executed notebook as one HTML page: no script, no request, no other file."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from studies.display import FIGURE_TYPE, FINDING_TYPE, NOTICE_TYPE, TABLE_TYPE
from studies.notebook import collect
from studies.wording import keep_together

__all__ = ["Block", "Section", "render"]

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
INLINE_IMAGES = ("image/svg+xml", "image/png", "image/jpeg")

_markdown = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable(
    "table"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of the page, in order.

    Parameters
    ----------
    kind : {"prose", "figure", "table", "output", "text"}
        How it is set.
    html : str
        Its HTML, escaped already.
    """

    kind: str
    html: Markup


@dataclass(slots=True, kw_only=True)
class Section:
    """What stands under one heading.

    Parameters
    ----------
    title, anchor : str
        The heading, and the target of the contents; empty before the first.
    blocks : list of Block
        What follows it.
    code : list of str
        The cells that made it, as highlighted HTML; folded on the page.
    """

    title: str = ""
    anchor: str = ""
    blocks: list[Block] = field(default_factory=list)
    code: list[Markup] = field(default_factory=list)


class _Counter:
    """Numbers figures and tables through the page."""

    def __init__(self) -> None:
        self.figures = 0
        self.tables = 0

    def figure(self) -> int:
        self.figures += 1
        return self.figures

    def table(self) -> int:
        self.tables += 1
        return self.tables


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"


def _image(kind: str, data: str) -> str:
    if kind == "image/svg+xml":
        data = base64.b64encode(data.encode("utf-8")).decode("ascii")
    return f"data:{kind};base64,{''.join(data.split())}"


def _figure(data: Mapping[str, Any], counter: _Counter) -> Block:
    number = counter.figure()
    caption = escape(keep_together(data[FIGURE_TYPE]["caption"]))
    source = _image("image/svg+xml", data["image/svg+xml"])
    return Block(
        kind="figure",
        html=Markup(
            f'<figure id="figure-{number}"><img alt="{caption}" src="{source}">'
            f"<figcaption><b>Figure {number}.</b> {caption}</figcaption></figure>"
        ),
    )


def _table(data: Mapping[str, Any], counter: _Counter) -> Block:
    number = counter.table()
    head, opening, rest = data["text/html"].partition("<figcaption")
    attributes, closing, caption = rest.partition(">")
    html = f"{head}{opening}{attributes}{closing}<b>Table {number}.</b> {caption}"
    return Block(kind="table", html=Markup(html))


def _output(output: Mapping[str, Any], counter: _Counter) -> Block | None:
    """Choose the richest form of an output; notices stand elsewhere."""
    if output["output_type"] == "stream":
        if output["name"] == "stderr":
            return None
        text = escape(ANSI.sub("", output["text"]).rstrip())
        return Block(kind="text", html=Markup(f'<pre tabindex="0">{text}</pre>'))
    data = output.get("data", {})
    if not data or NOTICE_TYPE in data:
        return None
    if FIGURE_TYPE in data:
        return _figure(data, counter)
    if TABLE_TYPE in data:
        return _table(data, counter)
    for kind in INLINE_IMAGES:
        if kind in data:
            source = _image(kind, data[kind])
            html = f'<figure><img alt="Output of the cell" src="{source}"></figure>'
            return Block(kind="figure", html=Markup(html))
    if "text/html" in data:
        return Block(kind="output", html=Markup(data["text/html"]))
    if "text/markdown" in data:
        return Block(kind="prose", html=Markup(_markdown.render(data["text/markdown"])))
    text = escape(ANSI.sub("", data.get("text/plain", "")))
    return Block(kind="text", html=Markup(f'<pre tabindex="0">{text}</pre>'))


def _code(source: str) -> Markup:
    html = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    return Markup(f'<pre tabindex="0"><code>{html}</code></pre>')


def _sections(notebook: NotebookNode) -> Iterator[Section]:
    """Split at second-level headings; a first-level one is the page's own."""
    counter = _Counter()
    section = Section()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for part in re.split(r"^(?=## )", cell.source, flags=re.MULTILINE):
                heading = re.match(r"## (.+)\n?", part)
                if heading:
                    yield section
                    title = heading.group(1).strip()
                    section = Section(title=title, anchor=_anchor(title))
                    part = part[heading.end() :]
                part = re.sub(r"^# .+\n?", "", part).strip()
                if part:
                    html = Markup(_markdown.render(part))
                    section.blocks.append(Block(kind="prose", html=html))
        elif cell.cell_type == "code":
            if cell.source.strip():
                section.code.append(_code(cell.source))
            outputs = (_output(output, counter) for output in cell.outputs)
            section.blocks.extend(block for block in outputs if block is not None)
    yield section


def render(notebook: NotebookNode, *, title: str) -> str:
    """Set an executed notebook as a page that stands alone.

    Pictures are inline, nothing is requested, and a content security policy keeps
    it so; there is no script, so nothing in the data can run.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        With outputs; see `studies.display` for those it knows.
    title : str
        The heading.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> import nbformat
    >>> from studies.page import render
    >>> "<h1>A &amp; B</h1>" in render(nbformat.v4.new_notebook(), title="A & B")
    True
    """
    environment = Environment(
        loader=PackageLoader("studies", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files("studies").joinpath("templates", "page.css")
    environment.filters["together"] = keep_together
    sections = [
        part for part in _sections(notebook) if part.blocks or part.title or part.code
    ]
    return environment.get_template("page.html").render(
        title=title,
        style=Markup(style.read_text(encoding="utf-8")),
        notices=collect(notebook, NOTICE_TYPE),
        findings=collect(notebook, FINDING_TYPE),
        sections=sections,
    )
