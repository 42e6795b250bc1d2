"""A script as a notebook: read, parameters set, executed by this interpreter."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, cast

import jupytext
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from studies.errors import StudyError

__all__ = ["Progress", "collect", "execute", "load_script"]

KERNEL = "this-python"
PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"

Progress = Callable[[str, int], AbstractContextManager[Callable[[str], None]]]
"""Given what is done and how many steps it has; called after each step."""


def load_script(script: Path, parameters: Mapping[str, object]) -> NotebookNode:
    """Read a percent script as a notebook, its parameters set.

    A cell tagged ``parameters`` holds defaults; the given values go into a cell of
    their own after it, so the notebook shows what it was executed with.

    Parameters
    ----------
    script : pathlib.Path
        A Python file in jupytext's percent format.
    parameters : mapping of str to object
        Names and values, each with a `repr` that Python reads.

    Returns
    -------
    nbformat.NotebookNode
        The notebook, not yet executed.

    Raises
    ------
    StudyError
        If values are given and the script has no cell for them.

    Examples
    --------
    >>> from studies.notebook import load_script
    >>> from studies.catalogue import find_study
    >>> notebook = load_script(find_study("quickstart").script, {"store": "a.db"})
    >>> any(cell.source == "store = 'a.db'" for cell in notebook.cells)
    True
    """
    notebook = cast(NotebookNode, jupytext.read(script))
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    if not parameters:
        return notebook
    for position, cell in enumerate(notebook.cells):
        if PARAMETERS_TAG in cell.metadata.get("tags", ()):
            break
    else:
        raise StudyError(
            f"{script}: no cell tagged 'parameters' to set "
            f'{", ".join(parameters)}; begin one with # %% tags=["parameters"]'
        )
    source = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    injected = nbformat.v4.new_code_cell(  # type: ignore[no-untyped-call]
        source, metadata={"tags": [INJECTED_TAG]}
    )
    injected["id"] = INJECTED_TAG
    notebook.cells.insert(position + 1, injected)
    return notebook


@contextmanager
def _kernel() -> Iterator[type[AsyncKernelManager]]:
    """Offer a kernel of this very interpreter, whatever kernels are installed."""
    with tempfile.TemporaryDirectory(prefix="kernels-") as folder:
        spec = Path(folder) / KERNEL / "kernel.json"
        spec.parent.mkdir()
        launcher = ["-Xfrozen_modules=off", "-m", "ipykernel_launcher"]
        spec.write_text(
            json.dumps(
                {
                    "argv": [sys.executable, *launcher, "-f", "{connection_file}"],
                    "display_name": KERNEL,
                    "language": "python",
                }
            )
        )
        specs = KernelSpecManager(kernel_dirs=[folder], ensure_native_kernel=False)

        class Manager(AsyncKernelManager):
            """Starts the one kernel of that folder."""

            def __init__(self, **settings: Any) -> None:
                super().__init__(**{**settings, "kernel_spec_manager": specs})

        yield Manager


def _headings(notebook: NotebookNode) -> list[str]:
    """Name each code cell by the last heading above it."""
    heading, names = "", []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE)
            heading = found[-1] if found else heading
        elif cell.cell_type == "code" and cell.source.strip():
            names.append(heading)
    return names


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def execute(
    notebook: NotebookNode, folder: Path, progress: Progress | None = None
) -> None:
    """Execute a notebook in place, with a kernel of this interpreter.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        What `load_script` gave; its cells get their outputs.
    folder : pathlib.Path
        Where its relative paths start.
    progress : callable, optional
        Such as `measure.console.Output.progress`; its steps are the code cells.

    Raises
    ------
    StudyError
        If a cell raises, or the kernel dies; the cells before keep their outputs.

    Examples
    --------
    >>> import nbformat
    >>> from pathlib import Path
    >>> from studies.notebook import execute
    >>> notebook = nbformat.v4.new_notebook()
    >>> notebook.cells = [nbformat.v4.new_code_cell("6 * 7")]
    >>> execute(notebook, Path("."))
    >>> notebook.cells[0].outputs[0].data["text/plain"]
    '42'
    """
    names = _headings(notebook)
    started = done = 0

    environment = {
        "OMP_NUM_THREADS": "1",  # small matrices: threads cost more than they give
        **os.environ,
        "MPLBACKEND": "agg",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    steps = progress("executing", len(names)) if progress else nullcontext(print)
    with tempfile.TemporaryFile() as log, _kernel() as manager_class, steps as step:

        def executed(**_: object) -> None:
            nonlocal done
            done += 1
            if progress is not None and done <= len(names):
                step(names[done - 1])

        def begun(**_: object) -> None:
            nonlocal started
            started += 1

        def where() -> str:
            return names[max(started - 1, 0)] or "no heading"

        client = NotebookClient(
            notebook,
            kernel_name=KERNEL,
            kernel_manager_class=manager_class,
            timeout=None,
            resources={"metadata": {"path": str(folder)}},
            on_cell_execute=begun,
            on_cell_executed=executed,
        )
        try:
            client.execute(env=environment, stdout=log, stderr=log)
        except CellExecutionError as error:
            raise StudyError(
                f"the study stopped under {where()!r}: {error.ename}: "
                f"{' '.join(str(error.evalue).split())}"
            ) from error
        except DeadKernelError as error:
            raise StudyError(
                f"the study's process died under {where()!r}: {_last_line(log)}"
            ) from error


def collect(notebook: NotebookNode, kind: str) -> list[dict[str, Any]]:
    """Return the data of one kind that a notebook displayed, in order.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        An executed notebook.
    kind : str
        A MIME type of `studies.display`, such as `FINDING_TYPE`.

    Returns
    -------
    list of dict
        What the display objects carried.

    Examples
    --------
    >>> import nbformat
    >>> from studies.notebook import collect
    >>> collect(nbformat.v4.new_notebook(), "application/json")
    []
    """
    return [
        dict(output.data[kind])
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if kind in output.get("data", {})
    ]
