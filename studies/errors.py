"""What can go wrong in a study, each in one line that says how to go on."""

from __future__ import annotations

__all__ = ["StudyError"]


class StudyError(Exception):
    """A study, or a report, that cannot be found, executed or written.

    Examples
    --------
    >>> from studies.catalogue import find_study
    >>> find_study("quickstrat")
    Traceback (most recent call last):
    studies.errors.StudyError: no study 'quickstrat'; there is: quickstart, tx1
    """
