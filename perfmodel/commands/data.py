"""DATA on the command line: a store or a table, and its sections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from measure.commands.shared import DEFAULT_STORE, words_option
from perfmodel.catalogue import MODELS

if TYPE_CHECKING:
    from measure.progress import Step
    from perfmodel.dataset import PerformanceDataset
    from perfmodel.progress import Progress

__all__ = [
    "DataChoice",
    "Section",
    "data_options",
    "place_name",
    "predictor_option",
    "section_progress",
    "sections",
    "seed_option",
    "usual_responses",
    "with_responses",
]

MODEL_NAMES = ", ".join(MODELS)
FEWEST_RUNS = 5
"""Finite responses in an environment below which nothing is modelled."""


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


def with_responses(
    data: PerformanceDataset, names: Sequence[str]
) -> PerformanceDataset:
    """Keep some responses of a dataset.

    Parameters
    ----------
    data : PerformanceDataset
        With at least these.
    names : sequence of str
        Which, in order.

    Returns
    -------
    PerformanceDataset
        With these alone.

    Raises
    ------
    SelectionError
        If one is not there.
    """
    from dataclasses import replace

    from measure.spelling import did_you_mean
    from perfmodel.errors import SelectionError

    for name in names:
        if name not in data.responses:
            raise SelectionError(
                f"no response {name!r}; there are {', '.join(data.responses)}"
                f"{did_you_mean(name, data.responses)}"
            )
    return replace(data, responses={name: data.responses[name] for name in names})


def usual_responses(data: PerformanceDataset) -> tuple[str, ...]:
    """Choose what to model of a store, which has each response in many forms.

    Parameters
    ----------
    data : PerformanceDataset
        From a store.

    Returns
    -------
    tuple of str
        Latency and energy of a call, and of an item where the batch size varies;
        all responses if it has none of these.
    """
    wanted = ["latency_s", "energy_j"]
    if "batch_size" in data.space.names:
        wanted += ["latency_per_item_s", "energy_per_item_j"]
    return tuple(name for name in wanted if name in data.responses) or tuple(
        data.responses
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The runs of one environment, with one response or several.

    Parameters
    ----------
    environment : dict of str to str
        Which.
    data : PerformanceDataset
        Its runs.
    """

    environment: dict[str, str]
    data: PerformanceDataset

    @property
    def name(self) -> str:
        """The environment in one word."""
        return place_name(self.environment)


def section_progress(section: Section, place: int, step: Step) -> Progress:
    """Tell of the work on one of several sections.

    Parameters
    ----------
    section : Section
        Which.
    place : int
        How many come before it.
    step : Step
        Told how many sections are done.

    Returns
    -------
    Progress
        Takes what is being done, and the share of the section that is done.
    """
    words = (section.name, *section.data.responses)
    name = " ".join(word for word in words if word)

    def told(what: str, share: float) -> None:
        step(f"{name}: {what}", place + share)

    return told


def place_name(environment: dict[str, str]) -> str:
    """Return an environment in one word.

    Parameters
    ----------
    environment : dict of str to str
        Column to value.

    Returns
    -------
    str
        Values joined by ``/``; empty for a table that is one environment.

    Examples
    --------
    >>> place_name({"device": "tx1", "network": "resnet50"})
    'tx1/resnet50'
    """
    return "/".join(environment.values())


def sections(
    data: PerformanceDataset, *, together: bool = False
) -> tuple[list[Section], list[str]]:
    """Divide runs by environment, and by response unless they belong together.

    A response that an environment has none of is named and left out, if another is
    there.

    Parameters
    ----------
    data : PerformanceDataset
        All runs.
    together : bool, default=False
        Whether a section has all responses.

    Returns
    -------
    list of Section
        In the order of the environments, then of the responses.
    list of str
        What is known of the runs as a whole, and what was left out, a line each.

    Raises
    ------
    DataError
        If an environment has fewer than five finite responses, an infinite one, or
        none at all.
    """
    import numpy as np

    from measure.spelling import several
    from perfmodel.errors import DataError

    found: list[Section] = []
    notes = list(data.notes)
    for environment in data.environments():
        part = data.select(**environment) if environment else data
        where = f" in {place_name(environment)}" if environment else ""
        there = []
        for name in part.responses:
            values = part.frame[name].to_numpy(dtype=float)
            finite = int(np.isfinite(values).sum())
            if np.isinf(values).any() or (not finite and len(part.responses) == 1):
                part.for_response(name).y  # raises, with what and where
            if finite == 0:
                notes.append(
                    f"{name}{where} is missing in all {several(len(values), 'run')}"
                )
                continue
            if finite < FEWEST_RUNS:
                raise DataError(
                    f"{several(finite, 'run')} with a finite {name}{where}; at least "
                    f"{FEWEST_RUNS} are needed: measure more configurations"
                )
            there.append(name)
        if not there:
            raise DataError(
                f"no response{where} has a value; {', '.join(part.responses)} are "
                "missing in every run"
            )
        if together:
            parts = [with_responses(part, there)]
        else:
            parts = [part.for_response(name) for name in there]
        found += [Section(environment=environment, data=one) for one in parts]
    return found, notes
