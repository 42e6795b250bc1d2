"""What a store says when it refuses or fails: one line, with the way out."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from measure.records import Plan, Run

#: A commit of another process is waited for this long.
BUSY_TIMEOUT_S = 30.0
#: Less free space than this is a full disk.
FULL_DISK_BYTES = 1 << 16


def known_sweep(where: str, plan: Plan) -> str:
    """Say that a sweep is there already.

    Parameters
    ----------
    where : str
        The store's name.
    plan : Plan
        The sweep.

    Returns
    -------
    str
        One line.
    """
    return f"{where}: sweep {plan.sweep_id} is there already; plan it anew"


def known_run(where: str, run: Run) -> str:
    """Say that a run or planned run is there already.

    Parameters
    ----------
    where : str
        The store's name.
    run : Run
        The run.

    Returns
    -------
    str
        One line.
    """
    return (
        f"{where}: run {run.run_id} of sweep {run.sweep_id}, planned run {run.slot}, "
        "is there already; a planned run can be finished once"
    )


def not_planned(where: str, run: Run) -> str:
    """Say that a run's sweep or planned run is unknown.

    Parameters
    ----------
    where : str
        The store's name.
    run : Run
        The run.

    Returns
    -------
    str
        One line.
    """
    return (
        f"{where}: run {run.run_id} is of sweep {run.sweep_id}, planned run {run.slot}"
        ", which is not planned here; add the plan first"
    )


def damaged(where: str, what: str) -> str:
    """Say that a file is damaged.

    Parameters
    ----------
    where : str
        The store's name.
    what : str
        What was found.

    Returns
    -------
    str
        One line.
    """
    first = what.splitlines()[0]
    return (
        f"{where}: damaged or truncated ({first}); restore it from a copy, or name "
        "another --store"
    )


def is_write_error(error: sqlite3.Error) -> bool:
    """Tell whether writing, not reading, was the trouble.

    Parameters
    ----------
    error : sqlite3.Error
        What SQLite raised.

    Returns
    -------
    bool
        True if a store that is only read might still open.
    """
    name = getattr(error, "sqlite_errorname", "") or ""
    return name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR"))


def explain(path: Path, error: sqlite3.Error) -> str:
    """Return where, what and how to go on for an error of SQLite's.

    Parameters
    ----------
    path : pathlib.Path
        The store.
    error : sqlite3.Error
        What SQLite raised.

    Returns
    -------
    str
        One line.
    """
    name = getattr(error, "sqlite_errorname", "") or ""
    try:
        full = shutil.disk_usage(path.parent).free < FULL_DISK_BYTES
    except OSError:
        full = False
    # A full disk also shows as a failed write, and as a log that cannot be made.
    if name == "SQLITE_FULL" or (full and is_write_error(error)):
        return (
            f"{path}: the disk is full; all finished runs are safe: free some space, "
            "then `python -m measure resume`"
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return damaged(str(path), str(error))
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return (
            f"{path}: another process has been writing to it for {BUSY_TIMEOUT_S:g} s; "
            "try again when it has ended"
        )
    if is_write_error(error):
        return (
            f"{path}: cannot be written ({error}); choose a folder that can be "
            "written, by --store"
        )
    return f"{path}: {error}"
