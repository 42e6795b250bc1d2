"""Copy a file to a board through its agent: once, by hash, in pieces."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from measure.devices.transport import Link

PIECE = 1 << 18
"""Bytes a request: few enough that a slow link answers each within its limit."""


def copy_to(link: Link, data: bytes) -> str:
    """Have a file on a board.

    Parameters
    ----------
    link : Link
        Leads to the board.
    data : bytes
        What it holds.

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
    reply = link.ask("put", sha256=name, size=len(data))
    while not reply["have"]:
        offset = int(reply["offset"])
        piece = base64.b64encode(data[offset : offset + PIECE]).decode("ascii")
        reply = link.ask("put", sha256=name, size=len(data), data=piece)
    return str(reply["path"])
