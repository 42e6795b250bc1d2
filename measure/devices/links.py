"""Which boards were reached from here and not put back yet.

What is set on a board is in the board's own journal. This only says where the boards
are, so that ``restore`` finds them again after this machine was killed or lost power.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path

from measure.devices.address import Address
from measure.errors import MeasureError
from measure.locks import state_folder


def _folder() -> Path:
    return state_folder() / "links"


def _place(address: Address) -> Path:
    text = json.dumps(asdict(address), sort_keys=True)
    return _folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


def remember(address: Address) -> None:
    """Note a board before anything is set on it.

    Parameters
    ----------
    address : Address
        Where it is.
    """
    _folder().mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(address), sort_keys=True)
    _place(address).write_text(text, encoding="utf-8")


def forget(address: Address) -> None:
    """Take note that a board is as it was.

    Parameters
    ----------
    address : Address
        Where it is.
    """
    with contextlib.suppress(OSError, MeasureError):
        _place(address).unlink()


def remembered() -> list[Address]:
    """Return the boards that may not be as they were.

    Returns
    -------
    list of Address
        In a fixed order; notes that cannot be read are left out.
    """
    names = {field.name for field in fields(Address)}
    found = []
    for path in sorted(_folder().glob("*.json")):
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
            found.append(Address(**{n: v for n, v in entry.items() if n in names}))
        except (OSError, ValueError, TypeError, AttributeError, MeasureError):
            continue
    return found
