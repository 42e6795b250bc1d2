"""What `pareto` and `recommend` share: candidates of an environment, and printing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from measure.console import Output
from perfmodel.commands.alike import alike
from perfmodel.commands.data import DataChoice
from perfmodel.commands.printing import amount, estimate, number
from perfmodel.commands.sections import (
    Section,
    section_progress,
    sections,
    with_responses,
)
from perfmodel.errors import SelectionError

if TYPE_CHECKING:
    from perfmodel.dataset import PerformanceDataset
    from perfmodel.pareto import ParetoFront

__all__ = ["finish", "fronts", "response_names", "usual_axes", "with_columns"]

SHOWN = 40
FEWEST_SHOWN = 10
"""Rows of a front that are printed even if they cannot be told apart."""


def response_names(words: Sequence[str]) -> tuple[str, ...]:
    """Return the names that words of directions and constraints begin with.

    Parameters
    ----------
    words : sequence of str
        Such as ``-latency_s``, ``+accuracy``, ``energy_j<=3``.

    Returns
    -------
    tuple of str
        Each once, in order.

    Examples
    --------
    >>> response_names(["-latency_s", "energy_j <= 3", "latency_s"])
    ('latency_s', 'energy_j')
    """
    names = (re.split("[<>=!]", word)[0].strip() for word in words)
    return tuple(dict.fromkeys(name.lstrip("+-") for name in names))


def with_columns(
    choice: DataChoice, words: Sequence[str] | None
) -> tuple[DataChoice, tuple[str, ...] | None]:
    """Read which responses are wanted; of a bare table they are its responses.

    Parameters
    ----------
    choice : DataChoice
        Which runs.
    words : sequence of str or None
        Directions and constraints.

    Returns
    -------
    DataChoice
        With responses, if it is a table that nothing describes.
    tuple of str or None
        The names wanted, options among them.
    """
    if words is None:
        return choice, None
    names = response_names(words)
    if choice.table is not None and choice.responses is None and choice.options:
        columns = tuple(name for name in names if name not in choice.options)
        choice = replace(choice, responses=columns)
    return choice, names


def usual_axes(data: PerformanceDataset) -> tuple[str, ...]:
    """Choose the responses of a front.

    Parameters
    ----------
    data : PerformanceDataset
        With all responses.

    Returns
    -------
    tuple of str
        Latency and energy, or latency and throughput where energy is missing; per
        item where the batch size varies; of other tables, all responses.
    """
    per_item = "_per_item" if "batch_size" in data.space.names else ""
    latency, energy = f"latency{per_item}_s", f"energy{per_item}_j"
    for names in ((latency, energy), ("latency_s", "throughput_hz")):
        if all(name in data.responses for name in names):
            return names
    return tuple(data.responses)


def fronts(
    choice: DataChoice,
    names: Sequence[str] | None,
    output: Output,
    make: Callable[[Any, PerformanceDataset | None], ParetoFront],
    *,
    model: str,
    measured_only: bool,
    seed: int,
    check: Callable[[PerformanceDataset], object] | None = None,
) -> tuple[list[tuple[Section, ParetoFront]], list[str]]:
    """Make the front of each environment.

    Parameters
    ----------
    choice : DataChoice
        Which runs.
    names : sequence of str or None
        The responses; None: `usual_axes`.
    output : Output
        Where notes go.
    make : Callable
        Makes a front of models and measured runs, or of runs alone.
    model : str
        Which kind of model.
    measured_only : bool
        Whether nothing is predicted.
    seed : int
        Seed of everything random.
    check : Callable, optional
        Raises if what is wanted does not go with the data, before anything is fitted.

    Returns
    -------
    list of (Section, ParetoFront)
        One an environment.
    list of str
        What is known of the runs as a whole, a line each.
    """
    data = choice.read()
    if names is None:
        names = usual_axes(data)
    names = [name for name in names if name not in data.space.names]
    data = with_responses(data, names)
    if check is not None:
        check(data)
    found: list[tuple[Section, ParetoFront]] = []
    parts, notes = sections(data, together=True)
    refused: SelectionError | None = None
    for part in parts:
        try:
            front = _of_section(part, output, make, model, measured_only, seed)
            found.append((part, front))
        except SelectionError as error:
            # What nothing keeps in one environment may be kept in another.
            refused = error
            if len(parts) > 1:
                output.print(f"{part.name}: {error}")
    if refused is not None and not found:
        raise refused
    return found, notes


def _of_section(
    part: Section,
    output: Output,
    make: Callable[[Any, PerformanceDataset | None], ParetoFront],
    model: str,
    measured_only: bool,
    seed: int,
) -> ParetoFront:
    """Make the front of one environment; nothing is fitted if all was measured."""
    if measured_only or _complete(part.data):
        return make(part.data, None)
    from perfmodel.fitting import fit

    models = []
    where = f" of {part.name}" if part.environment else ""
    # Beside a fit for each response, the predictions count as one.
    total = len(part.data.responses) + 1
    with output.progress(f"front{where}", total) as step:
        for place, name in enumerate(part.data.responses):
            single = replace(part, data=part.data.for_response(name))
            told = section_progress(single, place, step)
            fitted = fit(single.data, model=model, seed=seed, progress=told)
            validation = fitted.cross_validation_
            if validation is not None and not validation.learnable:
                output.untrusted(
                    f"no learnable signal: {name}{where}: its predictions are no "
                    "better than its mean; --measured leaves predictions out, `python "
                    "-m perfmodel fit` says how to go on"
                )
            models.append(fitted)
        step("predictions", total - 1.0)
        return make(models, part.data)


def _complete(data: PerformanceDataset) -> bool:
    """Return whether every valid configuration was measured in full, or failed."""
    from perfmodel.failures import failed_configurations

    size = data.space.size() - len(failed_configurations(data))
    return all(len(data.for_response(name).y) == size for name in data.responses)


def finish(
    found: Sequence[tuple[Section, ParetoFront]],
    notes: Sequence[str],
    output: Output,
    title: str,
    record: dict[str, Any],
    most: int = SHOWN,
    *,
    apart_first: bool = False,
) -> None:
    """Print fronts and write their JSON.

    Parameters
    ----------
    found : sequence of (Section, ParetoFront)
        One an environment.
    notes : sequence of str
        What is known of the runs as a whole, a line each.
    output : Output
        Where to.
    title : str
        What the rows are.
    record : dict
        What the JSON holds besides.
    most : int, default=40
        Rows to print of each.
    apart_first : bool, default=False
        Whether rows that can be told apart are printed before the others, of which
        few are.
    """
    documents: list[dict[str, Any]] = []
    for part, front in found:
        if documents:
            output.print()
        _print_front(part, front, output, title, most, apart_first)
        documents.append(_document(part, front))
    if notes:
        output.print()
    for note in notes:
        output.print(f"note: {note}")
    whole = documents[0] if len(documents) == 1 else {}
    output.finish(
        {
            **record,
            "front": [
                {**entry, "environment": document["environment"]}
                for document in documents
                for entry in document["front"]
            ],
            "hypervolume": whole.get("hypervolume"),
            "reference_point": whole.get("reference_point"),
            "fronts": documents,
            "notes": list(notes),
            "reasons": output.reasons,
        }
    )


def _print_front(
    part: Section,
    front: ParetoFront,
    output: Output,
    title: str,
    most: int,
    apart_first: bool,
) -> None:
    where = f" of {part.name}" if part.environment else ""
    output.print(
        f"{title}{where}: {len(front.frame)} of {len(front.candidates)} configurations"
    )
    names = list(front.responses)
    lines = alike(front, part.data.space)
    apart = set(front.apart.tolist())
    first = [line for line in lines if apart.intersection(line.places)]
    others = [line for line in lines if line not in first]
    if apart_first:
        lines = [*first, *others]
        most = min(most, max(len(first), FEWEST_SHOWN))
    rows = []
    shown = lines[:most]
    for line in shown:
        row, cells = line.row, []
        for name in names:
            ends = (row[name], row[f"{name}_lower"], row[f"{name}_upper"])
            unit = front.responses[name]
            text = amount(row[name], unit) if row["measured"] else estimate(*ends, unit)
            cells.append(text)
        cells.append("measured" if row["measured"] else "predicted")
        rows.append([*cells, *line.levels])
    if apart_first and others and first:
        output.print(f"  first those that can be told apart: {len(first)}")
    output.table((*names, "", *front.options), rows)
    if any(len(line.places) > 1 for line in shown):
        output.print(
            "  a row stands for all configurations with its values; any: the option "
            "changes none of them"
        )
    more = len(front.frame) - sum(len(line.places) for line in shown)
    if more:
        output.print(f"  and {more} more (--json FILE has all)")
    if len(names) > 1:
        corner = ", ".join(
            f"{name} {amount(value, front.responses[name])}"
            for name, value in front.reference_point.items()
        )
        output.print(
            f"  hypervolume {number(front.hypervolume())}, up to the worst candidate "
            f"({corner})"
        )
    for note in front.notes:
        output.print(f"  note: {note}")


def _document(part: Section, front: ParetoFront) -> dict[str, Any]:
    names = list(front.responses)
    entries = [
        {
            "configuration": {name: row[name] for name in front.options},
            "responses": {name: row[name] for name in names},
            "lower": {name: row[f"{name}_lower"] for name in names},
            "upper": {name: row[f"{name}_upper"] for name in names},
            "measured": row["measured"],
        }
        for row in front.frame.to_dict("records")
    ]
    return {
        "environment": part.environment,
        "front": entries,
        "hypervolume": front.hypervolume(),
        "reference_point": dict(front.reference_point),
        "units": dict(front.responses),
        "maximised": list(front.maximised),
        "candidates": len(front.candidates),
        "told_apart": front.told_apart,
        "notes": list(front.notes),
    }
