"""From a script to a notebook, a page, and a file for each figure and table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from studies.display import FIGURE_TYPE, FINDING_TYPE, NOTICE_TYPE, TABLE_TYPE
from studies.errors import StudyError
from studies.marking import mark_simulated
from studies.notebook import Progress, collect, execute, load_script
from studies.page import render

__all__ = ["Built", "build"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build left, and what it found.

    Parameters
    ----------
    notebook, html : pathlib.Path
        The executed notebook and the page.
    figures, tables : tuple of dict
        ``name``, ``caption`` and ``path`` of each; the path is relative to `html`.
    findings : tuple of dict
        ``text``, ``verdict`` ("yes", "no", "undecided") and ``about`` of each.
    notices : tuple of dict
        ``text`` and ``level`` of what stands on top of the page.
    """

    notebook: Path
    html: Path
    figures: tuple[dict[str, str], ...]
    tables: tuple[dict[str, str], ...]
    findings: tuple[dict[str, str], ...]
    notices: tuple[dict[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the keys of ``--json``.

        Returns
        -------
        dict
            ``notebook``, ``html``, ``figures``, ``tables``, ``findings``, ``notices``.
        """
        return {
            "notebook": str(self.notebook),
            "html": str(self.html),
            "figures": list(self.figures),
            "tables": list(self.tables),
            "findings": list(self.findings),
            "notices": list(self.notices),
        }


def _write(path: Path, text: str) -> None:
    """Write whole or not at all: a reader never sees half a file."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StudyError(
            f"{path}: cannot be written: {error.strerror}; choose another --out"
        ) from error


def _write_figures(notebook: NotebookNode, folder: Path) -> list[dict[str, str]]:
    figures = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if FIGURE_TYPE in data:
                path = folder / f"{data[FIGURE_TYPE]['name']}.svg"
                _write(path, data["image/svg+xml"])
                figures.append(
                    {**data[FIGURE_TYPE], "path": f"{folder.name}/{path.name}"}
                )
    return figures


def _write_tables(notebook: NotebookNode, folder: Path) -> list[dict[str, str]]:
    import pandas as pd

    tables = []
    for table in collect(notebook, TABLE_TYPE):
        path = folder / f"{table['name']}.csv"
        _write(path, pd.DataFrame(table["rows"]).to_csv(index=False))
        tables.append(
            {
                "name": table["name"],
                "caption": table["caption"],
                "path": f"{folder.name}/{path.name}",
            }
        )
    return tables


def build(
    script: Path,
    *,
    name: str,
    title: str,
    out: Path,
    parameters: Mapping[str, object] | None = None,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Built:
    """Execute a script and write its notebook, page, figures and tables.

    Parameters
    ----------
    script : pathlib.Path
        A Python file in jupytext's percent format.
    name : str
        What the files are called: ``NAME.ipynb``, ``NAME.html``, ``NAME_files/``.
    title : str
        The page's heading.
    out : pathlib.Path
        An existing folder.
    parameters : mapping, optional
        Values for the script's parameters cell.
    folder : pathlib.Path, optional
        Where the script's relative paths start; the working directory by default.
    progress : callable, optional
        As in `execute`.

    Returns
    -------
    Built
        Paths and findings.

    Raises
    ------
    StudyError
        If the folder is missing or cannot be written, or a cell raises: then the
        notebook up to that cell is written nevertheless.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from studies.build import build
    >>> with tempfile.TemporaryDirectory() as out:
    ...     script = Path(out) / "tiny.py"
    ...     _ = script.write_text("# %%\\n1 + 1\\n")
    ...     built = build(script, name="tiny", title="Tiny", out=Path(out))
    ...     built.html.name, built.html.exists()
    ('tiny.html', True)
    """
    if not out.is_dir():
        raise StudyError(f"--out {out}: no such folder; make it first")
    notebook = load_script(script, parameters or {})
    notebook_path = out / f"{name}.ipynb"
    try:
        execute(notebook, folder or Path.cwd(), progress)
    finally:
        mark_simulated(notebook)
        text = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
        _write(notebook_path, text)
    files = out / f"{name}_files"
    try:
        files.mkdir(exist_ok=True)
    except OSError as error:
        raise StudyError(f"{files}: cannot be made: {error.strerror}") from error
    figures = _write_figures(notebook, files)
    tables = _write_tables(notebook, files)
    html_path = out / f"{name}.html"
    _write(html_path, render(notebook, title=title))
    return Built(
        notebook=notebook_path,
        html=html_path,
        figures=tuple(figures),
        tables=tuple(tables),
        findings=tuple(collect(notebook, FINDING_TYPE)),
        notices=tuple(collect(notebook, NOTICE_TYPE)),
    )
