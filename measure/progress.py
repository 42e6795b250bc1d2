"""How far work is, and how long it will still take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["Step", "shown_progress"]

#: Off a terminal the first line comes after this, and then one this often: what is
#: quick stays silent, and a log stays readable.
FIRST_LINE_S, LINE_EVERY_S = 2.0, 10.0


class Step(Protocol):
    """What is told of progress."""

    def __call__(self, text: str, done: float | None = None) -> None:
        """Say what was done; or what is being done, and how many steps are done."""


@contextmanager
def shown_progress(
    what: str, total: int, print_line: Callable[[str], None]
) -> Iterator[Step]:
    """Show how far work is: a bar on a terminal, else a line now and then.

    Parameters
    ----------
    what : str
        What is being done.
    total : int
        How many steps there are.
    print_line : callable
        Prints a line where standard error is no terminal.

    Yields
    ------
    Step
        To be called after each step, with what was done; or at any time, with what is
        being done and how many steps are done so far, which need not be whole.
    """
    if sys.stderr.isatty():
        with _bar(what, total) as step:
            yield step
        return
    started = time.perf_counter()
    due = started + FIRST_LINE_S
    steps = 0.0

    def line(text: str, done: float | None = None) -> None:
        nonlocal due, steps
        steps = steps + 1 if done is None else done
        now = time.perf_counter()
        if now < due or steps >= total:
            return
        due = now + LINE_EVERY_S
        left = ""
        if steps:
            left = f", {(now - started) / steps * (total - steps):.0f} s left"
        print_line(f"{what}: {100 * steps / total:.0f} %{left} ({text})")

    yield line


@contextmanager
def _bar(what: str, total: int) -> Iterator[Step]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=4,
        # Lines above the bar go through it, but not those that go to a file.
        redirect_stdout=sys.stdout.isatty(),
    ) as progress:
        task = progress.add_task(what, total=total)

        def step(text: str, done: float | None = None) -> None:
            words = f"{what}: {text}"
            if done is None:
                progress.update(task, advance=1, description=words)
            else:
                progress.update(task, completed=done, description=words)

        yield step
