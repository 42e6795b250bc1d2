"""DATA on the command line: a store or a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from measure.commands.shared import DEFAULT_STORE, words_option
from perfmodel.catalogue import MODELS
from perfmodel.commands.sections import with_responses

if TYPE_CHECKING:
    from perfmodel.dataset import PerformanceDataset

__all__ = [
    "DataChoice",
    "data_options",
    "predictor_option",
    "seed_option",
]

MODEL_NAMES = ", ".join(MODELS)


def seed_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--seed``.

    Parameters
    ----------
    command : Callable
        Takes ``seed``.

    Returns
    -------
    Callable
        With the option.
    """
    return click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Seed of everything random.",
    )(command)


def predictor_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--model`` of commands whose models predict what was not measured.

    Parameters
    ----------
    command : Callable
        Takes ``model``.

    Returns
    -------
    Callable
        With the option.
    """
    return click.option(
        "--model",
        default="auto",
        show_default=True,
        metavar="NAME",
        help=f"What predicts where nothing was measured: {MODEL_NAMES} or auto.",
    )(command)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChoice:
    """Which runs a command reads.

    Parameters
    ----------
    store : Path or None
        A store, if no table was named.
    table : Path or None
        A CSV file.
    options, responses, environment : tuple of str or None
        Its columns, as far as said.
    space : Path or None
        A space file.
    sweeps : tuple of str or None
        Sweeps of the store; None: all under the latest protocol.
    """

    store: Path | None
    table: Path | None
    options: tuple[str, ...] | None
    responses: tuple[str, ...] | None
    environment: tuple[str, ...] | None
    space: Path | None
    sweeps: tuple[str, ...] | None

    def read(self) -> PerformanceDataset:
        """Read the runs.

        Returns
        -------
        PerformanceDataset
            With the responses asked for, in order; all by default.
        """
        from perfmodel.dataset import PerformanceDataset

        if self.table is not None:
            return PerformanceDataset.from_csv(
                self.table,
                options=self.options,
                response=self.responses,
                environment=self.environment,
                space=self.space,
            )
        data = PerformanceDataset.from_store(self.store_path, self.sweeps)
        return data if self.responses is None else with_responses(data, self.responses)

    @property
    def record(self) -> dict[str, Any]:
        """What the JSON says of where the runs came from."""
        if self.table is not None:
            return {"data": str(self.table)}
        return {"store": str(self.store_path)}

    @property
    def store_path(self) -> Path:
        """The store that is read if no table was named."""
        return self.store or Path(DEFAULT_STORE)


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which runs to read.

    Parameters
    ----------
    command : Callable
        Takes ``choice``, a `DataChoice`, in place of them.

    Returns
    -------
    Callable
        With the options.
    """

    @wraps(command)
    def wrapped(
        *args: Any,
        store: Path | None,
        data: Path | None,
        options: tuple[str, ...] | None,
        responses: tuple[str, ...] | None,
        environment: tuple[str, ...] | None,
        space: Path | None,
        sweeps: tuple[str, ...] | None,
        **words: Any,
    ) -> Any:
        if store is not None and data is not None:
            raise click.UsageError("give --store or --data, not both")
        if data is None:
            for flag, value in (
                ("--options", options),
                ("--environment", environment),
                ("--space", space),
            ):
                if value is not None:
                    raise click.UsageError(
                        f"{flag} describes a table: give --data T.csv with it"
                    )
        elif sweeps is not None:
            raise click.UsageError("--sweep chooses from a store, not from --data")
        choice = DataChoice(
            store=store,
            table=data,
            options=options,
            responses=responses,
            environment=environment,
            space=space,
            sweeps=sweeps,
        )
        return command(*args, choice=choice, **words)

    path = click.Path(path_type=Path)
    for option in (
        click.option(
            "--sweep",
            "sweeps",
            metavar="ID,..",
            callback=words_option,
            help="Only these sweeps of the store.",
        ),
        click.option(
            "--space",
            type=path,
            metavar="FILE",
            help="Levels and forbidden combinations of a table's options.",
        ),
        click.option(
            "--environment",
            metavar="NAME,..",
            callback=words_option,
            help="A table's columns that say where a run was made.",
        ),
        click.option(
            "--response",
            "responses",
            metavar="NAME,..",
            callback=words_option,
            help="What was measured.",
        ),
        click.option(
            "--options",
            metavar="NAME,..",
            callback=words_option,
            help="A table's columns that were set.",
        ),
        click.option("--data", type=path, metavar="T.csv", help="A table of runs."),
        click.option(
            "--store",
            type=path,
            metavar="DB",
            help=f"A store of runs; {DEFAULT_STORE} by default.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped
