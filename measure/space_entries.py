"""The entries of a space file, to options and forbidden combinations and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from measure.constraints import Condition, Forbidden
from measure.errors import LevelError, SpaceError
from measure.levels import plain
from measure.options import KINDS, Option, Options
from measure.spelling import did_you_mean

_OPTION_KEYS = (
    "kind",
    "unit",
    "levels",
    "range",
    "count",
    "scale",
    "default",
    "change_cost_s",
)


def require_keys(
    entries: Mapping[str, Any],
    allowed: Sequence[str],
    what: str,
    path: tuple[str | int, ...] = (),
) -> None:
    """Raise unless a mapping has known keys only.

    Parameters
    ----------
    entries : mapping
        What the document holds.
    allowed : sequence of str
        The keys there may be.
    what : str
        How the message calls the mapping.
    path : tuple of str or int, default=()
        Where it stands.

    Raises
    ------
    SpaceError
        For the first unknown key.
    """
    for key in entries:
        if key not in allowed:
            raise SpaceError(
                f"{what} has no key {key!r}; choose from {', '.join(allowed)}"
                f"{did_you_mean(str(key), allowed)}",
                (*path, key),
            )


def read_options(entries: Any) -> Options:
    """Read the options of a space file.

    Parameters
    ----------
    entries : mapping
        Option name to kind, levels and the rest.

    Returns
    -------
    Options
        In the order of the file.

    Raises
    ------
    SpaceError
        With the path of what is wrong.
    """
    if not isinstance(entries, Mapping) or not entries:
        raise SpaceError(
            "options must map each option's name to its kind and levels", ("options",)
        )
    return Options(_option(name, entry) for name, entry in entries.items())


def _option(name: Any, entry: Any) -> Option:
    path = ("options", name if isinstance(name, str | int) else str(name))
    if not isinstance(name, str):
        raise SpaceError(f"an option's name must be text, not {name!r}: quote it", path)
    if not isinstance(entry, Mapping):
        raise SpaceError("an option is a mapping with kind and levels", path)
    require_keys(entry, _OPTION_KEYS, "an option", path)
    if "kind" not in entry or entry["kind"] not in KINDS:
        raise SpaceError(
            f"option {name!r}: kind is {entry.get('kind')!r}; choose "
            f"{', '.join(KINDS)}",
            (*path, "kind"),
        )
    for key in ("levels", "range"):
        if key in entry and not isinstance(entry[key], list | tuple):
            raise SpaceError(f"option {name!r}: {key} must be a list", (*path, key))
    if not isinstance(entry.get("unit", ""), str):
        raise SpaceError(f"option {name!r}: unit must be text", (*path, "unit"))
    values = dict(entry)
    values["levels"] = tuple(entry.get("levels", ()))
    if "range" in entry:
        values["range"] = tuple(entry["range"])
    try:
        values["change_cost_s"] = float(entry.get("change_cost_s", 0.0))
        return Option(name=name, **values)
    except LevelError as error:
        raise LevelError(str(error), (*path, "default")) from error
    except SpaceError as error:
        raise SpaceError(str(error), (*path, *error.path)) from error
    except (TypeError, ValueError) as error:
        raise SpaceError(f"option {name!r}: {error}", path) from error


def option_entry(option: Option) -> dict[str, Any]:
    """Return an option as it stands in a space file.

    Parameters
    ----------
    option : Option
        The option.

    Returns
    -------
    dict
        What differs from the defaults.
    """
    entry: dict[str, Any] = {"kind": option.kind}
    if option.unit:
        entry["unit"] = option.unit
    if option.range is not None:
        entry.update(range=list(option.range), count=option.count)
    elif option.kind != "boolean" or option.levels != (False, True):
        entry["levels"] = list(option.levels)
    if option.scale != "linear":
        entry["scale"] = option.scale
    if option.default is not None:
        entry["default"] = option.default
    if option.change_cost_s:
        entry["change_cost_s"] = option.change_cost_s
    return entry


def read_forbid(options: Options, items: Any) -> tuple[Forbidden, ...]:
    """Read the forbidden combinations of a space file.

    Parameters
    ----------
    options : Options
        What they may speak of.
    items : list of mapping, or None
        Each maps option names to conditions.

    Returns
    -------
    tuple of Forbidden
        In the order of the file.

    Raises
    ------
    SpaceError
        With the path of what is wrong.
    """
    if not isinstance(items or [], list | tuple):
        raise SpaceError("forbid must be a list of combinations", ("forbid",))
    return tuple(_forbidden(options, i, item) for i, item in enumerate(items or []))


def _forbidden(options: Options, position: int, item: Any) -> Forbidden:
    path: tuple[str | int, ...] = ("forbid", position)
    if not isinstance(item, Mapping) or not item:
        raise SpaceError(
            "a forbidden combination maps option names to levels that do not go "
            "together",
            path,
        )
    conditions = []
    for name, entry in item.items():
        place = (*path, str(name))
        if name not in options:
            names = ", ".join(option.name for option in options)
            meant = did_you_mean(str(name), [option.name for option in options])
            raise SpaceError(f"no option {name!r}; the space has {names}{meant}", place)
        try:
            conditions.append(Condition.from_entry(options[name], plain(entry)))
        except SpaceError as error:
            raise type(error)(str(error), place) from error
    return Forbidden(conditions=tuple(conditions))
