"""Copy files to a board through its agent: once, by hash, in pieces."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from measure.workloads import board_timing, board_worker, command

if TYPE_CHECKING:
    from measure.devices.transport import Link

PIECE = 1 << 16
"""Bytes a request: a slow link answers each in time, an agent has room for several."""
_MAIN = """import sys

from measure.workloads.board_worker import main

sys.exit(main(sys.argv[1:]))
"""


@lru_cache(maxsize=1)
def worker() -> bytes:
    """Return the program that runs networks and commands, as one file.

    Returns
    -------
    bytes
        A zip archive that Python runs; always the same, so that it is copied once.

    Examples
    --------
    >>> worker()[:2]
    b'PK'
    """
    files = {"__main__.py": _MAIN, "measure/__init__.py": ""}
    files["measure/workloads/__init__.py"] = ""
    for module in (board_timing, command, board_worker):
        path = Path(str(module.__file__))
        files[f"measure/workloads/{path.name}"] = path.read_text(encoding="utf-8")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in files.items():
            # The time of an entry is fixed: it is part of what is hashed.
            archive.writestr(zipfile.ZipInfo(name), text)
    return stream.getvalue()


def copy_bytes(link: Link, data: bytes) -> str:
    """Have some bytes in a file on a board.

    Parameters
    ----------
    link : Link
        Leads to the board.
    data : bytes
        What the file holds.

    Returns
    -------
    str
        Where it is there. Nothing is sent if it was there already.

    Raises
    ------
    DeviceError
        If the agent refuses it, such as for want of room.
    LinkLost
        If the link broke.
    """
    name = hashlib.sha256(data).hexdigest()
    return _copied(link, io.BytesIO(data), name, len(data))


def copy_file(link: Link, path: Path, sha256: str) -> str:
    """Have a file of this machine on a board.

    Parameters
    ----------
    link : Link
        Leads to the board.
    path : pathlib.Path
        The file here.
    sha256 : str
        Hash of its content.

    Returns
    -------
    str
        Where it is there. Nothing is sent if it was there already.

    Raises
    ------
    DeviceError
        If the agent refuses it, such as for want of room.
    LinkLost
        If the link broke.
    """
    with path.open("rb") as file:
        return _copied(link, file, sha256, path.stat().st_size)


def _copied(link: Link, file: BinaryIO, sha256: str, size: int) -> str:
    reply = link.ask("put", sha256=sha256, size=size)
    while not reply["have"]:
        file.seek(int(reply["offset"]))
        piece = base64.b64encode(file.read(PIECE)).decode("ascii")
        reply = link.ask("put", sha256=sha256, size=size, data=piece)
    return str(reply["path"])
