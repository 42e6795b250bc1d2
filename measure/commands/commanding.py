"""Words that put a command in the place of networks."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import click


def command_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--command`` and ``--latency-pattern``.

    Parameters
    ----------
    command : callable
        Takes ``commanded``: what was said of these, and the levels of a space file,
        as `open_device` takes it; ``space_file`` is its own.

    Returns
    -------
    callable
        With the options.
    """

    @wraps(command)
    def wrapped(*args: Any, **words: Any) -> Any:
        text, pattern = words.pop("command_text"), words.pop("latency_pattern")
        if pattern is not None and text is None:
            raise click.UsageError("--latency-pattern reads what a --command prints")
        commanded: dict[str, Any] = {}
        if text is not None:
            # Kept in stores, to be found again from any folder.
            commanded = {"command": text, "folder": os.getcwd()}
            if pattern is not None:
                commanded["latency_pattern"] = pattern
            if words["space_file"] is not None:
                from measure.space import ConfigurationSpace

                space = ConfigurationSpace.from_file(words["space_file"])
                commanded["space"] = space.to_dict()
        return command(*args, commanded=commanded, **words)

    for option in (
        click.option(
            "--latency-pattern",
            metavar="REGEX",
            help="Its group finds the seconds in what --command prints; a group (?P<ms>"
            "..) finds milliseconds.",
        ),
        click.option(
            "--command",
            "command_text",
            metavar="'CMD {option}'",
            help="Measure this command, without a shell, instead of networks.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped
