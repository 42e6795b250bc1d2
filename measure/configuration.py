"""Configurations: one level for each option."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from measure.levels import Level, spelled


class Configuration(Mapping[str, Level]):
    """One level for each option; immutable, comparable, hashable.

    Parameters
    ----------
    levels : mapping of str to level
        Kept in the order given.

    Examples
    --------
    >>> one = Configuration({"threads": 2, "backend": "xla"})
    >>> one["threads"], one.key, one == {"backend": "xla", "threads": 2}
    (2, 'threads=2,backend=xla', True)
    """

    __slots__ = ("_levels",)

    def __init__(self, levels: Mapping[str, Level]) -> None:
        self._levels = dict(levels)

    def __getitem__(self, name: str) -> Level:
        return self._levels[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._levels)

    def __len__(self) -> int:
        return len(self._levels)

    def __hash__(self) -> int:
        return hash(frozenset(self._levels.items()))

    def __repr__(self) -> str:
        return f"Configuration({self._levels!r})"

    @property
    def key(self) -> str:
        """The levels in one line, as ``name=level`` pairs."""
        return ",".join(f"{name}={spelled(level)}" for name, level in self.items())
