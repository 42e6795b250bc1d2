"""Words that say where a board is, and holding it while it is measured."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from measure.devices.base import Device

BOARDS = ("tk1", "tx1", "tx2")


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
        device = stack.enter_context(open_device(address, **arguments))
        if store is not None:
            stack.enter_context(device_lock(device.place, str(store)))
        yield device
