"""Words that say where a board is, and holding it while it is measured."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from measure.devices.base import Device

BOARDS = ("tk1", "tx1", "tx2")
BUSY = "another agent holds this board"
"""What an agent says while another one is there, be it to put the board back."""
BUSY_WAITS_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
"""An agent that lost its host is gone after these, its limit included."""
Opened = TypeVar("Opened")


def board_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--ssh``, ``--ssh-config``, ``--sysfs-root`` and ``--sudo``.

    Parameters
    ----------
    command : callable
        Takes ``where``: what was said of these, as `open_device` takes it.

    Returns
    -------
    callable
        With the options.
    """

    @wraps(command)
    def wrapped(*args: Any, **words: Any) -> Any:
        names = ("ssh", "ssh_config", "sysfs_root", "sudo")
        said = {name: words.pop(name) for name in names}
        where = {name: value for name, value in said.items() if value}
        # Kept in stores and notes, to be found again from any folder.
        for name in ("ssh_config", *(() if "ssh" in where else ("sysfs_root",))):
            if name in where:
                where[name] = os.path.abspath(where[name])
        return command(*args, where=where, **words)

    for option in (
        click.option("--sudo", is_flag=True, help="Set the board by sudo -n."),
        click.option(
            "--sysfs-root", metavar="DIR", help="Stands for / on the board, to try it."
        ),
        click.option("--ssh-config", metavar="F", help="As ssh -F has it."),
        click.option(
            "--ssh", metavar="USER@HOST", help="The board is there, not here."
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


def python_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--python``.

    Parameters
    ----------
    command : callable
        Takes ``python``, None if nothing was said.

    Returns
    -------
    callable
        With the option.
    """
    return click.option(
        "--python",
        metavar="FILE",
        help="What runs networks on a board; it has TFLite or TensorFlow."
        "  [default: python3 there]",
    )(command)


def patiently(reach: Callable[[], Opened], patient: bool = True) -> Opened:
    """Reach a board; wait for an agent that a killed sweep has left there.

    Parameters
    ----------
    reach : callable
        Opens a device, or a link.
    patient : bool, default=True
        Whether to wait at all.

    Returns
    -------
    object
        What `reach` returned.

    Raises
    ------
    DeviceError
        If it cannot be reached, or is still held after some time.
    """
    from measure.errors import DeviceError

    for wait_s in BUSY_WAITS_S if patient else ():
        try:
            return reach()
        except DeviceError as error:
            if BUSY not in str(error):
                raise
            time.sleep(wait_s)
    return reach()


@contextmanager
def held_device(address: str, store: Path | None, **arguments: Any) -> Iterator[Device]:
    """Open a device, and hold it against other sweeps; a board before it is reached.

    Parameters
    ----------
    address : str
        As ``--device`` says it.
    store : pathlib.Path or None
        Where the sweep writes to, for the message to others; None: only look at it.
    **arguments : object
        As `open_device` takes them.

    Yields
    ------
    Device
        Closed at the end.

    Raises
    ------
    SweepError
        If another sweep has it.
    DeviceError
        If it cannot be opened.
    """
    from measure.devices.opening import board_at, open_device
    from measure.locks import device_lock

    with ExitStack() as stack:
        where = board_at(address, arguments)
        if where is not None and store is not None:
            stack.enter_context(device_lock(where.place(), str(store)))
        device = stack.enter_context(
            patiently(lambda: open_device(address, **arguments), where is not None)
        )
        if store is not None:
            stack.enter_context(device_lock(device.place, str(store)))
        yield device
