"""The runs of each environment and response, which have a model each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from measure.progress import Step
    from perfmodel.dataset import PerformanceDataset
    from perfmodel.progress import Progress

__all__ = [
    "Section",
    "place_name",
    "section_progress",
    "sections",
    "usual_responses",
    "with_responses",
]

FEWEST_RUNS = 5
"""Finite responses in an environment below which nothing is modelled."""


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
