"""What can go wrong while measuring, one class per cause that a caller handles.

Each message is one line that says where, what came, what is allowed and how to
go on; the command line prints it as it stands.
"""

from __future__ import annotations


class MeasureError(Exception):
    """Base of all errors that `measure` raises on purpose."""


class SpaceError(MeasureError):
    """A configuration space, or a file that describes one, is not valid.

    Parameters
    ----------
    message : str
        What is wrong, in one line.
    path : tuple of str or int, optional
        Where in the document, such as ``("options", "threads", "levels")``.
    """

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


class LevelError(SpaceError):
    """A value is not a level of its option."""


class FormulaError(MeasureError):
    """A model formula cannot be read, or names what is not there."""


class DesignError(MeasureError):
    """A design cannot be made as asked."""


class DeviceError(MeasureError):
    """A device is not there, or cannot do what is asked of it."""


class WorkloadError(MeasureError):
    """A network or workload is unknown, or the two do not fit."""


class StoreError(MeasureError):
    """A store cannot be read or written."""


class SweepError(MeasureError):
    """A sweep cannot be planned, started or resumed."""


class TableError(MeasureError):
    """An exchange table (T.csv, T.json) is not valid."""


class EnvironmentMismatch(MeasureError):
    """Runs of environments that must not be pooled were about to be."""


class RunFailed(MeasureError):
    """One run has no finished measurement.

    Parameters
    ----------
    reason : str
        Why, in one line; it is stored with the run.
    final : bool
        Whether the configuration itself caused it (a crash, a refused level,
        the time limit), so that measuring it again would fail again. A run
        that failed from outside (link, device, kill) is queued again.
    """

    def __init__(self, reason: str, *, final: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
