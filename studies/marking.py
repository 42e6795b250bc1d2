"""Says of every figure and table of a study that it shows a simulator's numbers.

A page says so on top, but a figure or a table is soon somewhere else.
"""

from __future__ import annotations

import re

from nbformat import NotebookNode

from studies.display import FIGURE_TYPE, NOTICE_TYPE, TABLE_TYPE
from studies.notebook import collect

__all__ = ["mark_simulated"]

WORD = "Simulated"
_ROOM = 12.0
"""Below a picture, for the word."""


def mark_simulated(notebook: NotebookNode) -> None:
    """Mark figures and tables, if a notice says that results are simulated.

    Parameters
    ----------
    notebook : NotebookNode
        Executed; its outputs are changed.
    """
    notices = collect(notebook, NOTICE_TYPE)
    if not any(notice["text"].startswith(f"{WORD}:") for notice in notices):
        return
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            for kind in (FIGURE_TYPE, TABLE_TYPE):
                if kind in data:
                    data[kind]["caption"] = f"{WORD}. {data[kind]['caption']}"
            if FIGURE_TYPE in data:
                data["image/svg+xml"] = marked_picture(data["image/svg+xml"])
            if TABLE_TYPE in data:
                data["text/html"] = re.sub(
                    r"(<figcaption[^>]*>)", rf"\1{WORD}. ", data["text/html"], count=1
                )


def marked_picture(svg: str) -> str:
    """Write the word below a picture.

    Parameters
    ----------
    svg : str
        As matplotlib writes it.

    Returns
    -------
    str
        A little higher.

    Examples
    --------
    >>> svg = '<svg width="20pt" height="10pt" viewBox="0 0 20 10"></svg>'
    >>> marked_picture(svg)[:57]
    '<svg width="20pt" height="22pt" viewBox="0 0 20 22"><text'
    """
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    if found is None:
        return svg
    width, height = map(float, found.groups())
    higher = height + _ROOM
    svg = svg.replace(found[0], f'viewBox="0 0 {width:g} {higher:g}"', 1)
    svg = re.sub(r'height="[\d.]+pt"', f'height="{higher:g}pt"', svg, count=1)
    word = (
        f'<text x="{width - 2:g}" y="{higher - 3:g}" text-anchor="end" '
        f'font-family="sans-serif" font-size="9" fill="#767676">{WORD.lower()}</text>'
    )
    end = svg.index(">", svg.index("viewBox=")) + 1
    return svg[:end] + word + svg[end:]
