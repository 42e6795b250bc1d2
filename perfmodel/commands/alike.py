"""Configurations of a front that have the same values, in one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perfmodel.commands.printing import spelled_level

if TYPE_CHECKING:
    from measure.space import ConfigurationSpace
    from perfmodel.pareto import ParetoFront

__all__ = ["Line", "alike"]

DIGITS = 9
"""Significant digits in which values that are the same agree: more are rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row that is printed of a front.

    Parameters
    ----------
    row : dict
        Of the front: the first of those it stands for.
    places : tuple of int
        Positions in the front of all that it stands for.
    levels : tuple of str
        Of each option: its level, several, or ``any``.
    """

    row: dict[str, Any]
    places: tuple[int, ...]
    levels: tuple[str, ...]


def alike(front: ParetoFront, space: ConfigurationSpace) -> list[Line]:
    """Join the predicted rows of a front that have the same values.

    Parameters
    ----------
    front : ParetoFront
        Measured rows stay by themselves.
    space : ConfigurationSpace
        Its options.

    Returns
    -------
    list of Line
        In the order of the first row of each.
    """
    groups: dict[tuple[Any, ...], list[int]] = {}
    rows: list[dict[str, Any]] = [
        {str(name): cell for name, cell in row.items()}
        for row in front.frame.to_dict("records")
    ]
    for place, row in enumerate(rows):
        values = tuple(f"{row[name]:.{DIGITS}g}" for name in front.responses)
        key = (place,) if row["measured"] else values
        groups.setdefault(key, []).append(place)
    lines = []
    for places in groups.values():
        for part in _boxes({place: rows[place] for place in places}, front.options):
            found = [rows[place] for place in part]
            levels = tuple(_levels(found, space, name) for name in front.options)
            lines.append(Line(row=found[0], places=part, levels=levels))
    return sorted(lines, key=lambda line: line.places[0])


def _boxes(
    rows: dict[int, dict[str, Any]], options: tuple[str, ...]
) -> list[tuple[int, ...]]:
    """Divide rows into sets, each all combinations of its levels."""
    boxes: list[tuple[tuple[int, ...], tuple[frozenset[Any], ...]]] = [
        ((place,), tuple(frozenset([row[name]]) for name in options))
        for place, row in rows.items()
    ]
    for position in range(len(options)):
        joined: dict[Any, list[tuple[tuple[int, ...], Any]]] = {}
        for places, sides in boxes:
            rest = (*sides[:position], *sides[position + 1 :])
            joined.setdefault(rest, []).append((places, sides))
        boxes = []
        for found in joined.values():
            side: frozenset[Any] = frozenset().union(
                *(sides[position] for _, sides in found)
            )
            first = found[0][1]
            together = tuple(sorted(p for places, _ in found for p in places))
            whole = (*first[:position], side, *first[position + 1 :])
            boxes.append((together, whole))
    return [places for places, _ in boxes]


def _levels(rows: list[dict[str, Any]], space: ConfigurationSpace, name: str) -> str:
    """Spell the levels of an option in rows that are alike."""
    option = space.options[name]
    there = {row[name] for row in rows}
    found = [level for level in option.levels if level in there]
    if len(found) == len(option.levels) > 1:
        return "any"
    return ", ".join(spelled_level(option, level) for level in found)
