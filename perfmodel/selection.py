"""Words that select environments, and how sources and targets are paired.

A word such as ``resnet`` is looked up among the values of the environment columns:
exact values win, then prefixes. Several parts are joined by ``/``; a part such as
``network=resnet50`` says its column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from measure.spelling import did_you_mean
from perfmodel.errors import SelectionError

__all__ = [
    "Pair",
    "describe",
    "match_environments",
    "pair_environments",
]

Place = Mapping[str, str]


def describe(place: Place) -> str:
    """Write an environment as the values that users select it by.

    Parameters
    ----------
    place : mapping of str to str
        Environment column to value.

    Returns
    -------
    str
        Its values joined by ``/``; ``all runs`` if there are none.

    Examples
    --------
    >>> describe({"device": "tx1", "network": "resnet50"})
    'tx1/resnet50'
    """
    return "/".join(place.values()) or "all runs"


def named_values(places: Sequence[Place], words: str) -> dict[str, str]:
    """Find which value of which column each part of a selection names.

    Parameters
    ----------
    places : sequence of mapping
        The environments there are.
    words : str
        Such as ``resnet``, ``tx1/resnet`` or ``network=resnet50,workload=images``.

    Returns
    -------
    dict
        Environment column to value.

    Raises
    ------
    SelectionError
        If a part fits nothing, or two values, or two columns.

    Examples
    --------
    >>> places = [{"device": "tx1", "network": "resnet50"},
    ...           {"device": "tx1", "network": "resnet152"}]
    >>> named_values(places, "resnet50")
    {'network': 'resnet50'}
    >>> named_values(places, "resnet")
    Traceback (most recent call last):
    perfmodel.errors.SelectionError: 'resnet' fits network=resnet50, ...
    """
    values: dict[str, list[str]] = {}
    for place in places:
        for column, value in place.items():
            if value not in values.setdefault(column, []):
                values[column].append(value)
    if not values:
        raise SelectionError(
            f"{words!r} selects nothing: the table has no environment columns; say "
            "which with --environment"
        )
    found: dict[str, str] = {}
    for part in _parts(words, values):
        column, value = _look_up(part, values)
        if found.get(column, value) != value:
            raise SelectionError(
                f"{words!r} names two values of {column}: {found[column]} and {value}; "
                "select them one after the other, separated by commas"
            )
        found[column] = value
    return found


def match_environments(places: Sequence[Place], words: str) -> list[dict[str, str]]:
    """Select environments by words.

    Parameters
    ----------
    places : sequence of mapping
        The environments there are.
    words : str
        As for `named_values`.

    Returns
    -------
    list of dict
        All environments that match, in their order.

    Raises
    ------
    SelectionError
        If a part is not one value of one column, or no environment has all of them.
    """
    wanted = named_values(places, words)
    found = [
        dict(place)
        for place in places
        if all(place.get(column) == value for column, value in wanted.items())
    ]
    if not found:
        raise SelectionError(
            f"no environment is {words!r}; there are "
            f"{', '.join(describe(place) for place in places)}"
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Environments to transfer between.

    Parameters
    ----------
    sources : tuple of dict
        One for each word that named sources.
    target : dict
        Where to.
    """

    sources: tuple[dict[str, str], ...]
    target: dict[str, str]


def pair_environments(
    places: Sequence[Place], sources: Sequence[str], target: str
) -> list[Pair]:
    """Pair sources with targets on the columns that neither names.

    Parameters
    ----------
    places : sequence of mapping
        The environments there are.
    sources : sequence of str
        Words, one for each source; ``all``: every other environment that agrees with
        the target in the columns that `target` does not name.
    target : str
        Words that select the target.

    Returns
    -------
    list of Pair
        One for each target environment: with two workloads images to images and text
        to text.

    Raises
    ------
    SelectionError
        If words are ambiguous, no target has a source, a column that one side names
        is left open on the other, or a source is the target.

    Examples
    --------
    >>> places = [{"network": n, "workload": w} for n in ("a", "b") for w in ("x", "y")]
    >>> for pair in pair_environments(places, ["a"], "b"):
    ...     print(describe(pair.sources[0]), "to", describe(pair.target))
    a/x to b/x
    a/y to b/y
    """
    target_names = named_values(places, target)
    targets = match_environments(places, target)
    pairs = []
    for place in targets:
        chosen: list[dict[str, str]] = []
        for words in sources:
            for one in _sources_for(place, places, words, target_names, targets):
                if one not in chosen:
                    chosen.append(one)
        if place in chosen:
            raise SelectionError(
                f"{describe(place)} is both source and target; name two environments"
            )
        if chosen:
            pairs.append(Pair(sources=tuple(chosen), target=place))
    if not pairs:
        raise SelectionError(
            f"no source {', '.join(sources)} goes with "
            f"{', '.join(map(describe, targets))}: they differ in columns that neither "
            "names; say these too, joined by /; there are "
            f"{', '.join(map(describe, places))}"
        )
    return pairs


def _sources_for(
    place: Place,
    places: Sequence[Place],
    words: str,
    target_names: Mapping[str, str],
    targets: Sequence[Place],
) -> list[dict[str, str]]:
    """Give the environments that one word names as sources of one target."""
    if words == "all":
        return [
            dict(other)
            for other in places
            if other != place
            and all(other[c] == place[c] for c in place if c not in target_names)
        ]
    names = named_values(places, words)
    found = match_environments(places, words)
    for column in place:
        said_once = (column in names) != (column in target_names)
        here = found if column in target_names else targets
        left = list(dict.fromkeys(one[column] for one in here))
        if said_once and len(left) > 1:
            side = "source" if column in target_names else "target"
            raise SelectionError(
                f"{words!r} as source and {describe(place)} as target leave {column} "
                f"of the {side} open: {', '.join(left)}; say it, joined by /"
            )
    free = [c for c in place if c not in names and c not in target_names]
    return [one for one in found if all(one[c] == place[c] for c in free)]


def _parts(words: str, values: Mapping[str, list[str]]) -> list[str]:
    """Split a selection; a value that itself holds the separator stays whole."""
    everything = {value for column in values.values() for value in column}
    if words in everything:
        return [words]
    separator = "," if "=" in words and "," in words else "/"
    parts = [part.strip() for part in words.split(separator)]
    if not all(parts):
        raise SelectionError(
            f"{words!r} has an empty part; write resnet, tx1/resnet or "
            "network=resnet50,workload=images"
        )
    return parts


def _look_up(part: str, values: Mapping[str, list[str]]) -> tuple[str, str]:
    """Find the one value of one column that a part names."""
    column, equals, word = part.partition("=")
    if equals and column in values:
        searched = {column: values[column]}
    elif equals:
        raise SelectionError(
            f"no environment column {column!r}; choose one of {', '.join(values)}"
            f"{did_you_mean(column, values)}"
        )
    else:
        searched, word = dict(values), part
    fits = [
        (name, value)
        for name, those in searched.items()
        for value in those
        if value == word
    ] or [
        (name, value)
        for name, those in searched.items()
        for value in those
        if word and value.startswith(word)
    ]
    if not fits:
        there = "; ".join(f"{name}: {', '.join(v)}" for name, v in searched.items())
        known = [value for those in searched.values() for value in those]
        raise SelectionError(
            f"{word!r} is no environment; there are {there}{did_you_mean(word, known)}"
        )
    if len(fits) > 1:
        shown = [f"{name}={value}" for name, value in fits]
        raise SelectionError(
            f"{word!r} fits {', '.join(shown)}; say one in full, such as {shown[0]}"
        )
    return fits[0]
