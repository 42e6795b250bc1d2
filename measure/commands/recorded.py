"""Words that say what the columns of a table are that answers as a device."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from measure.commands.shared import words_option


def column_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--response`` and ``--environment``.

    Parameters
    ----------
    command : callable
        Takes ``responses`` and ``environment``.

    Returns
    -------
    callable
        With the options.
    """
    for flag, name, what in (
        ("--environment", "environment", "columns that tell environments apart."),
        ("--response", "responses", "columns that were measured."),
    ):
        command = click.option(
            flag,
            name,
            callback=words_option,
            metavar="NAME,..",
            help=f"For replay: {what}",
        )(command)
    return command


def table_arguments(
    address: str,
    options: Iterable[str] | None,
    responses: Iterable[str] | None,
    environment: Iterable[str] | None,
    *,
    held: Iterable[str] = (),
    space_file: Path | None = None,
) -> dict[str, Any]:
    """Return what a replay is opened with, as plain data; refuse it for others.

    Parameters
    ----------
    address : str
        Of the device.
    options, responses, environment : iterable of str, optional
        Columns.
    held : iterable of str, optional
        Columns of options that are held at one level.
    space_file : pathlib.Path, optional
        Levels of the options.

    Returns
    -------
    dict
        Nothing for another device than a replay.

    Raises
    ------
    click.UsageError
        If columns are said of another device.
    """
    if not address.startswith("replay:"):
        for flag, given in (("--response", responses), ("--environment", environment)):
            if given is not None:
                raise click.UsageError(
                    f"{flag} describes a table of recorded runs: it is for --device "
                    f"replay:TABLE.csv, not for {address}"
                )
        return {}
    found: dict[str, Any] = {"folder": str(Path.cwd())}
    if space_file is not None:
        from measure.space import ConfigurationSpace

        space = ConfigurationSpace.from_file(space_file)
        found["space"] = space.to_dict()
        options = space.names if options is None else options
    if options is not None:
        found["options"] = list(dict.fromkeys([*options, *held]))
    if responses is not None:
        found["responses"] = list(responses)
    if environment is not None:
        found["environment"] = list(environment)
    return found
