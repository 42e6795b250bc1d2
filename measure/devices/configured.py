"""Hold a board at a configuration, and put it back on every way out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from measure.errors import MeasureError
from measure.levels import Level


class Settable(Protocol):
    """What can be held at a configuration."""

    def apply(self, configuration: Mapping[str, Level]) -> None:
        """Set levels, in the order that works, and see that they stand.

        Parameters
        ----------
        configuration : mapping of str to level
            What to set; the rest stays.
        """
        ...

    def restore(self) -> None:
        """Put back what was set."""
        ...


@contextmanager
def configured(
    device: Settable, configuration: Mapping[str, Level], *, keep: bool = False
) -> Iterator[None]:
    """Hold a device at a configuration; put it back on every way out.

    Parameters
    ----------
    device : Settable
        Such as a `JetsonDevice`.
    configuration : mapping of str to level
        What to set; the rest stays.
    keep : bool, default=False
        Whether it may stand after a good end; whoever says so calls `restore` later.
        After an error it is put back all the same.

    Yields
    ------
    None
        While it is held.

    Raises
    ------
    RunFailed
        If a level is not taken; what was set before it is put back.
    DeviceError
        If what was set cannot be put back; it stays in the board's journal.
    """
    try:
        device.apply(configuration)
        yield
    except BaseException as error:
        try:
            device.restore()
        except MeasureError as second:
            # The first error is the cause; the journal still has what is left set.
            error.add_note(str(second))
        raise
    if not keep:
        device.restore()
