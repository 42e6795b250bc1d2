"""Options and their levels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from measure.errors import LevelError, SpaceError
from measure.levels import Level, listed, number, plain, spelled

Kind = Literal["numeric", "categorical", "boolean"]
KINDS: tuple[Kind, ...] = ("numeric", "categorical", "boolean")
SCALES = ("linear", "log")

_TRUTH = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing that can be set, and the levels it can be set to.

    Parameters
    ----------
    name : str
        Unique within its `ConfigurationSpace`; becomes a column name.
    levels : tuple of bool, int, float or str, shape (n_levels,)
        In reporting order. May be empty where `range` is given, and for a
        boolean option, whose levels are then False and True.
    kind : {"numeric", "categorical", "boolean"}, optional
        Default: what the levels are.
    unit : str, default=""
        SI symbol of the levels, such as ``"Hz"``; empty if dimensionless.
    default : level, optional
        The level of the reference configuration.
    range : tuple of float, shape (2,), optional
        Lowest and highest level; `count` levels are spread between them.
    count : int, optional
        How many levels `range` is discretised to, at least 2.
    scale : {"linear", "log"}, default="linear"
        Whether the levels of `range` are equally spaced, or their logarithms.
    change_cost_s : float, default=0.0
        Time that changing the option takes; designs then change it rarely.

    Raises
    ------
    SpaceError
        If there are fewer than two levels, or two are equal, or a field does
        not fit the kind.
    LevelError
        If `default` is not a level.

    Examples
    --------
    >>> Option(name="batch_size", levels=(1, 8)).check(4)
    Traceback (most recent call last):
    measure.errors.LevelError: option 'batch_size' has no level 4; choose one of 1, 8
    >>> Option(name="f", range=(1e8, 1e9), count=3, scale="log", unit="Hz").levels
    (100000000.0, 316227766.01683795, 1000000000.0)
    """

    name: str
    levels: tuple[Level, ...] = ()
    kind: Kind | None = None
    unit: str = ""
    default: Level | None = None
    range: tuple[float, float] | None = None
    count: int | None = None
    scale: str = "linear"
    change_cost_s: float = 0.0
    _index: Mapping[Any, int] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        def fail(message: str, entry: str) -> SpaceError:
            return SpaceError(f"option {self.name!r}: {message}", (entry,))

        def store(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        if not self.name.strip():
            raise SpaceError(f"an option needs a name, not {self.name!r}", ("name",))
        if self.scale not in SCALES:
            raise fail(f"scale is {self.scale!r}; choose linear or log", "scale")
        if self.kind is not None and self.kind not in KINDS:
            raise fail(f"kind is {self.kind!r}; choose {', '.join(KINDS)}", "kind")
        levels = tuple(plain(level) for level in self.levels)
        if self.range is not None or self.count is not None:
            if self.kind not in (None, "numeric"):
                raise fail(f"a {self.kind} option takes levels, not a range", "range")
            if levels and levels != _spread(self):
                raise fail("give levels or range and count, not both", "levels")
            levels = _spread(self)
        kind = self.kind or _kind_of(levels)
        if kind == "boolean" and not levels:
            levels = (False, True)
        levels = tuple(_as_kind(self.name, level, kind) for level in levels)
        if len(levels) < 2:
            raise fail(
                f"{len(levels)} level{'s' * (not levels)}; an option needs two or "
                "more (hold one with --set)",
                "levels",
            )
        index: dict[Any, int] = {}
        for position, level in enumerate(levels):
            if _key(level) in index:
                raise fail(f"level {spelled(level)} is there twice", "levels")
            index[_key(level)] = position
        if not math.isfinite(self.change_cost_s) or self.change_cost_s < 0:
            raise fail("change_cost_s must be 0 or more seconds", "change_cost_s")
        store("levels", levels)
        store("kind", kind)
        store("_index", index)
        if self.default is not None:
            store("default", self.check(self.default))

    def index(self, value: Any) -> int:
        """Return the position of `value` among the levels.

        Parameters
        ----------
        value : object
            A level, or text or a number that spells one (``"TRUE"``, ``1.0``).

        Returns
        -------
        int
            Position in `levels`.

        Raises
        ------
        LevelError
            If it is not a level.
        """
        value = plain(value)
        try:
            found = self._index.get(_key(_as_kind(self.name, value, self.kind)))
        except SpaceError:
            found = None
        if found is None and self.kind == "categorical" and isinstance(value, bool):
            found = self._index.get(str(value))
        if found is None:
            shown = spelled(value) if not isinstance(value, str) else repr(value)
            raise LevelError(
                f"option {self.name!r} has no level {shown}; choose one of "
                f"{listed(self.levels)}"
            )
        return found

    def check(self, value: Any) -> Level:
        """Return `value` as the level it is, spelled as in the space.

        Parameters
        ----------
        value : object
            A level, or what spells one.

        Returns
        -------
        bool, int, float or str
            The level.

        Raises
        ------
        LevelError
            If it is not a level.
        """
        return self.levels[self.index(value)]

    @property
    def reference(self) -> Level:
        """The default; else the middle level, or the first of a categorical."""
        if self.default is not None:
            return self.default
        if self.kind == "numeric":
            return sorted(self.levels, key=float)[(len(self.levels) - 1) // 2]
        return self.levels[0]

    def restricted(self, levels: Iterable[Any]) -> Option:
        """Return the same option with fewer levels.

        Parameters
        ----------
        levels : iterable of level
            Levels to keep, in this order.

        Returns
        -------
        Option
            The default is kept where it is among them.
        """
        kept = tuple(self.check(level) for level in levels)
        return Option(
            name=self.name,
            levels=kept,
            kind=self.kind,
            unit=self.unit,
            default=self.default if self.default in kept else None,
            change_cost_s=self.change_cost_s,
        )

    def snapped(self, available: Iterable[float]) -> Option:
        """Return a numeric option with each level moved to the nearest available.

        Parameters
        ----------
        available : iterable of float
            Levels that the device has, in the option's unit.

        Returns
        -------
        Option
            With the distinct nearest levels, in their order.
        """
        ladder = sorted(available)
        nearest = [
            min(ladder, key=partial(_distance, float(level))) for level in self.levels
        ]
        kept = tuple(dict.fromkeys(nearest))
        default = None
        if self.default is not None:
            default = nearest[self.index(self.default)]
        return Option(
            name=self.name,
            levels=kept,
            kind="numeric",
            unit=self.unit,
            default=default,
            change_cost_s=self.change_cost_s,
        )


class Options(tuple[Option, ...]):
    """The options of a space, in order; an option is found by its name too.

    Examples
    --------
    >>> options = Options([Option(name="threads", levels=(1, 2))])
    >>> options["threads"] is options[0], "threads" in options
    (True, True)
    """

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            for option in self:
                if option.name == key:
                    return option
            names = ", ".join(option.name for option in self)
            raise SpaceError(f"no option {key!r}; the space has {names}")
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str):
            return any(option.name == key for option in self)
        return super().__contains__(key)


def _distance(a: float, b: float) -> float:
    return abs(a - b)


def _kind_of(levels: tuple[Level, ...]) -> Kind:
    if levels and all(isinstance(level, bool) for level in levels):
        return "boolean"
    numeric = [isinstance(x, int | float) and not isinstance(x, bool) for x in levels]
    return "numeric" if levels and all(numeric) else "categorical"


def _as_kind(name: str, level: Any, kind: Kind | None) -> Level:
    """Return `level` as a level of `kind`, or raise SpaceError."""
    if kind == "numeric":
        value = number(level)
        if value is None:
            raise SpaceError(
                f"option {name!r}: level {level!r} is not a finite number", ("levels",)
            )
        return value
    if kind == "boolean":
        text = spelled(level).strip().lower()
        if level is None or text not in _TRUTH:
            raise SpaceError(
                f"option {name!r}: level {level!r} is not true or false", ("levels",)
            )
        return _TRUTH[text]
    if isinstance(level, bool) or level is None:
        raise SpaceError(
            f"option {name!r}: level {spelled(level) if level is not None else 'null'}"
            " of a categorical option is not text (YAML reads an unquoted on, off, "
            'yes, no, true, false, null as such): quote it, as in "off"',
            ("levels",),
        )
    if isinstance(level, float) and not math.isfinite(level):
        raise SpaceError(f"option {name!r}: level {level!r} is not finite", ("levels",))
    if not isinstance(level, str | int | float):
        raise SpaceError(
            f"option {name!r}: level {level!r} is neither text nor number", ("levels",)
        )
    return level


def _key(level: Level) -> Any:
    """What two equal levels share: 1, 1.0 and "1" are one level, True is not."""
    if isinstance(level, bool):
        return level
    if isinstance(level, str):
        return level
    return spelled(level)


def _spread(option: Option) -> tuple[float, ...]:
    """Return the levels that `range` and `count` stand for."""

    def fail(message: str, entry: str) -> SpaceError:
        return SpaceError(f"option {option.name!r}: {message}", (entry,))

    if option.range is None or option.count is None:
        entry = "range" if option.range is None else "count"
        raise fail("range and count belong together", entry)
    ends = [number(end) for end in option.range]
    if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0] >= ends[1]:
        raise fail("range must be two numbers, the lower first", "range")
    low, high = float(ends[0]), float(ends[1])
    count = number(option.count)
    if not isinstance(count, int) or count < 2:
        raise fail(f"count is {option.count!r}; it must be 2 or more", "count")
    if option.scale == "log" and low <= 0:
        raise fail("a log scale needs a range above 0", "range")
    steps = [i / (count - 1) for i in range(count)]
    if option.scale == "log":
        inner = [low * (high / low) ** step for step in steps[1:-1]]
    else:
        inner = [low + (high - low) * step for step in steps[1:-1]]
    return (low, *inner, high)
