"""Words that say where a board is."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

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
