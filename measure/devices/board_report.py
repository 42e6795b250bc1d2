"""What a board is and lacks, for whoever looks at it first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from measure.devices.sensors import TOTAL, find_rails, throttling
from measure.errors import MeasureError

if TYPE_CHECKING:
    from measure.devices.board_controls import BoardControls
    from measure.devices.board_programs import BoardPrograms

NO_POWER = (
    "no INA3221 found: energy will be missing; L4T's driver ina3221x shows one on a "
    "TX1 or TX2, mainline's one below hwmon"
)


def described(
    controls: BoardControls, programs: BoardPrograms | None
) -> dict[str, str]:
    """Return what a board is, what it lacks, and how to get it. Nothing is set.

    Parameters
    ----------
    controls : BoardControls
        Of the board.
    programs : BoardPrograms or None
        What is run there.

    Returns
    -------
    dict of str to str
        Model, software, rights, sensors, what runs networks, what holds clocks down.
    """
    link, identity = controls.link, controls.identity
    status = link.ask("status")
    hot = throttling(link)
    found = {
        "board": f"{identity.word} ({identity.model or 'no model told'})",
        "software": f"L4T {identity.release or 'unknown'}, kernel "
        f"{identity.kernel or 'unknown'}",
        "agent": f"Python {status['python']}, "
        + ("as root" if status["uid"] == 0 else "not as root"),
        "can be set": _settable(controls, int(status["uid"])),
        "power": _power(find_rails(link, identity.word), TOTAL.get(identity.word, "")),
    }
    if programs is not None:
        found["networks run by"] = _runtime(controls, programs)
    held = ", ".join(f"{name} at {state}" for name, state in hot.items())
    return {**found, "throttled": held or "by nothing"}


def _settable(controls: BoardControls, uid: int) -> str:
    offers = controls.offers.values()
    count = sum(offer.available for offer in offers)
    text = f"{count} of {len(offers)} options"
    if count < len(offers):
        text += "; the table says why the others cannot"
    if uid != 0:
        text += "; root sets clocks and cores, and sees memory clocks: use --sudo, or "
        text += "connect as root"
    return text


def _power(rails: Mapping[str, object], total: str) -> str:
    if not rails:
        return NO_POWER
    names = [f"{name} (all of the board)" if name == total else name for name in rails]
    return ", ".join(names)


def _runtime(controls: BoardControls, programs: BoardPrograms) -> str:
    try:
        label, libraries = programs.version(controls.link)
    except MeasureError as error:
        return f"nothing: {error}; --python names another Python of the board's"
    told = dict.fromkeys(libraries[n] for n in ("tflite", "graph") if n in libraries)
    runtime = " and ".join(told) or label
    python = libraries.get("python", "")
    return runtime + (f", Python {python}" if python else "")
