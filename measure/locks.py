"""One sweep at a time per device: two at once would measure each other.

The operating system drops the lock when its holder dies, however it dies, so a
killed sweep never has to be cleaned up after.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from measure.errors import SweepError

NAME_LIMIT = 100


def state_folder() -> Path:
    """Return the user's folder for state, made if need be.

    Returns
    -------
    pathlib.Path
        Below ``$XDG_STATE_HOME`` or ``~/.local/state``; below ``%LOCALAPPDATA%`` on
        Windows.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(base) / "measure"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SweepError(
            f"{folder}: no folder for the device lock ({error.strerror}); "
            "set XDG_STATE_HOME to a folder that can be written"
        ) from error
    return folder


@contextmanager
def device_lock(device: str, store: str) -> Iterator[None]:
    """Hold `device` for one sweep; the second is told who holds it.

    Whoever holds it already, in the same thread, may hold it again inside. A replay
    measures nothing, so any number of sweeps may have it.

    Parameters
    ----------
    device : str
        What makes two devices the same: `Device.place`.
    store : str
        Where the holder writes to, for the message to others.

    Yields
    ------
    None
        While the device is held.

    Raises
    ------
    SweepError
        If another process holds it.
    """
    if device.startswith("replay:"):
        yield
        return
    path = state_folder() / f"device-{_file_name(device)}.lock"
    note = path.with_suffix(".json")
    # One lock object a process and thread, so that holding it twice is holding it.
    lock = FileLock(str(path), is_singleton=True)
    if lock.is_locked:
        yield
        return
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SweepError(_told(device, note)) from None
    except OSError as error:
        raise SweepError(
            f"{path}: cannot lock the device ({error.strerror}); "
            "set XDG_STATE_HOME to a folder that can be written"
        ) from error
    try:
        since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        holder = {"pid": os.getpid(), "store": store, "since": since}
        note.write_text(json.dumps(holder), encoding="utf-8")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _file_name(device: str) -> str:
    """Return what a device is called in the name of a file, which cannot be long."""
    name = quote(device, safe="")
    if len(name) <= NAME_LIMIT:
        return name
    return f"{name[:NAME_LIMIT]}-{hashlib.sha256(device.encode()).hexdigest()[:16]}"


def _told(device: str, note: Path) -> str:
    """Return the message for whoever comes second."""
    try:
        holder = json.loads(note.read_text(encoding="utf-8"))
        who = (
            f"process {holder['pid']} (store {holder['store']}, since "
            f"{holder['since']})"
        )
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return (
        f"device {device}: {who} is sweeping it, and one sweep at a time is allowed; "
        "wait for its end or stop it"
    )
