"""Open a device by its address, as ``--device`` says it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure.errors import DeviceError

if TYPE_CHECKING:
    from measure.devices.address import Address
    from measure.devices.base import Device
    from measure.devices.board_programs import BoardPrograms

ADDRESSES = (
    "auto",
    "host",
    "sim:effects",
    "sim:tx1",
    "sim:tx2",
    "replay:TABLE.csv",
    "tk1",
    "tx1",
    "tx2",
)
"""What can be opened."""
_LATER = {
    "nvidia": "GPUs cannot be measured yet",
    "ssh": "say --device tx1 --ssh USER@HOST",
}
_BOARDS = ("tk1", "tx1", "tx2")
_PLACE = ("ssh", "ssh_config", "sysfs_root", "sudo")
_BOARDS_ONLY = (*_PLACE, "python")
_CHIP = Path("/sys/module/tegra_fuse/parameters/tegra_chip_id")


def open_device(
    address: str,
    *,
    networks: Sequence[str] | None = None,
    seed: int = 0,
    log: Path | None = None,
    **arguments: Any,
) -> Device:
    """Return the device of an address.

    Parameters
    ----------
    address : str
        ``host``, ``sim:effects``, ``sim:tx1``, ``sim:tx2``, ``replay:TABLE.csv``;
        ``tk1``, ``tx1``, ``tx2``; ``auto`` is this machine.
    networks : sequence of str, optional
        Words of the user's, so that a device can offer files among them.
    seed : int, default=0
        Of a simulator's noise.
    log : pathlib.Path, optional
        File that measured processes print to.
    **arguments : object
        What a device remembers of how it was opened, as plain data.

    Returns
    -------
    Device
        To be closed, or used in a with statement.

    Raises
    ------
    DeviceError
        If there is no such device, or not here.

    Examples
    --------
    >>> with open_device("sim:effects") as device:
    ...     device.simulated
    True
    """
    has_command = "command" in arguments
    if has_command and address.startswith(("replay:", "sim:")):
        raise DeviceError(
            f"--device {address}: it runs no commands; --command is for host and boards"
        )
    if address.startswith("replay:"):
        from measure.devices.replay import ReplayDevice

        return ReplayDevice(address.removeprefix("replay:"), **arguments)
    name, _, options = address.partition("?")
    where = board_at(name, arguments)
    if where is not None:
        from measure.devices.jetson import JetsonDevice

        programs = _programs(networks, log, arguments)
        return JetsonDevice(name, where, programs=programs)
    if name == "sim:effects":
        from measure.devices.simulated import EffectsDevice

        return EffectsDevice(seed=seed, **_numbers(address, options), **arguments)
    if name in ("sim:tx1", "sim:tx2") and not options:
        from measure.devices.sim_board import BoardDevice

        return BoardDevice(name.removeprefix("sim:"), seed=seed, **arguments)
    if name in ("auto", "host") and not options:
        if sys.platform != "linux":
            raise DeviceError(
                f"--device {address}: this system is {sys.platform} and only Linux "
                "can be measured; choose sim:effects, or read results made elsewhere"
            )
        if has_command:
            from measure.devices.command_host import CommandDevice

            return CommandDevice(log=log, **arguments)
        from measure.devices.host import HostDevice

        return HostDevice(networks=networks, seed=seed, log=log, **arguments)
    for later, why in _LATER.items():
        if name == later:
            raise DeviceError(
                f"--device {address}: {why}; choose one of {', '.join(ADDRESSES)}"
            )
    raise DeviceError(
        f"--device {address}: there is no such device; choose one of "
        f"{', '.join(ADDRESSES)}"
    )


def _programs(
    networks: Sequence[str] | None, log: Path | None, arguments: Mapping[str, Any]
) -> BoardPrograms:
    """Return what is run on a board: networks, or the command that stands for them."""
    python = arguments.get("python") or ""
    if "command" in arguments:
        from measure.devices.board_commands import CommandPrograms

        names = ("command", "latency_pattern", "space")
        said = {name: arguments[name] for name in names if name in arguments}
        return CommandPrograms(**said, python=python)
    from measure.devices.board_networks import NetworkPrograms

    return NetworkPrograms(networks=networks, log=log, python=python)


def board_at(address: str, arguments: Mapping[str, Any]) -> Address | None:
    """Return where a board is, before it is opened.

    Parameters
    ----------
    address : str
        As ``--device`` says it.
    arguments : mapping
        As `open_device` takes them.

    Returns
    -------
    Address or None
        None if the device is no board.

    Raises
    ------
    DeviceError
        If something is said that is for boards only, of what is none.

    Examples
    --------
    >>> str(board_at("tx1", {"ssh": "nvidia@kitchen"}))
    'nvidia@kitchen'
    >>> board_at("sim:effects", {"seed": 0})
    """
    said = {name: arguments[name] for name in _BOARDS_ONLY if arguments.get(name)}
    is_board = address in _BOARDS or (address == "auto" and (said or _CHIP.exists()))
    if said and not is_board:
        flag = next(iter(said)).replace("_", "-")
        raise DeviceError(
            f"--device {address}: --{flag} is for boards; choose one of "
            f"{', '.join(_BOARDS)}"
        )
    if not is_board:
        return None
    from measure.devices.address import Address

    return Address(**{name: said[name] for name in _PLACE if name in said})


def _numbers(address: str, options: str) -> dict[str, float]:
    """Return what stands behind the question mark of a simulator's address."""
    found = {}
    for entry in filter(None, options.split("&")):
        name, _, value = entry.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            name = ""
        if name != "delay_s":
            raise DeviceError(
                f"--device {address}: {entry!r} is not understood; write "
                "sim:effects?delay_s=SECONDS"
            )
    return found
