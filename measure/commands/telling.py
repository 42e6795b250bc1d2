"""Progress of a sweep: a bar with time left on a terminal, else plain lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from measure.commands.outcome import came_text, response_text
from measure.commands.shared import duration

if TYPE_CHECKING:
    from measure.console import Output
    from measure.designs.local_search import Progress as SearchProgress
    from measure.sweep import Progress

#: Off a terminal, a line this often at most; the first result is told at once.
LINE_EVERY_S = 10.0
_COMPILING = "compiling the search for designs; this is done once and may take a minute"
_CHOOSING = "choosing the design (Ctrl-C keeps the best so far)"


class Teller:
    """Tells a person how far a sweep is; give `tell` to `Sweep.run`.

    Parameters
    ----------
    output : Output
        Where plain lines go.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._terminal = sys.stderr.isatty()
        self._last = -LINE_EVERY_S
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if self._terminal:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn
            from rich.progress import Progress as Bar
            from rich.progress import TextColumn

            self._bar = Bar(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[left]}", markup=False),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("starting", total=None, left="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, progress: Progress) -> None:
        """Show where a sweep stands.

        Parameters
        ----------
        progress : Progress
            From the sweep.
        """
        left = "" if progress.left_s is None else f"{duration(progress.left_s)} left"
        if self._bar is not None:
            self._show(progress, left)
        elif self._is_due(progress):
            self._last = time.perf_counter()
            words = [f"{progress.done} of {progress.total}"]
            words += [left] if left and progress.done < progress.total else []
            what = "building" if progress.step == "prepare" else "run"
            said = (
                progress.text if progress.run is None else response_text(progress.run)
            )
            self._output.print(f"{what} {', '.join(words)}  {said}".rstrip())

    def _is_due(self, progress: Progress) -> bool:
        """Tell whether a line is due: in time, or the first result, or a failure."""
        if time.perf_counter() - self._last >= LINE_EVERY_S:
            return True
        run = progress.run
        return run is not None and (progress.done == 1 or run.status == "failed")

    def _show(self, progress: Progress, left: str) -> None:
        if progress.run is None:
            description = f"building {progress.text}"
        else:
            network = progress.run.environment.network
            description = f"{network} {came_text(progress.run)}"
            if progress.run.status == "failed":
                description = f"{network} failed"
                self._bar.console.print(response_text(progress.run), markup=False)
        self._bar.update(
            self._task,
            completed=progress.done,
            total=progress.total,
            description=description,
            left=left,
        )


@contextmanager
def searching(output: Output) -> Iterator[Callable[[Any], None]]:
    """Show how far the search for a design is: a bar on a terminal, else lines.

    Parameters
    ----------
    output : Output
        Where lines go, and that the search is compiled first where it is.

    Yields
    ------
    Callable
        To be given to the search.
    """
    if sys.stderr.isatty():
        with _search_bar(output) as tell:
            yield tell
        return
    due = time.perf_counter() + LINE_EVERY_S

    def line(progress: SearchProgress) -> None:
        nonlocal due
        now = time.perf_counter()
        if progress.compiling:
            output.print(_COMPILING)
        elif now >= due and progress.share < 1:
            due = now + LINE_EVERY_S
            left_s = progress.cpu_s * (1 / progress.share - 1) if progress.share else 0
            output.print(
                f"{_CHOOSING}: {100 * progress.share:.0f} %, {duration(left_s)} left"
            )

    yield line


@contextmanager
def _search_bar(output: Output) -> Iterator[Callable[[Any], None]]:
    from rich.console import Console
    from rich.progress import BarColumn
    from rich.progress import Progress as Bar
    from rich.progress import TextColumn, TimeRemainingColumn

    columns = (TextColumn(_CHOOSING), BarColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def tell(progress: SearchProgress) -> None:
            if progress.compiling:
                output.print(_COMPILING)
            bar.update(task, completed=progress.share)

        yield tell
