"""Source and target side by side: the same options, the same configurations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from measure.levels import Level, number, plain, spelled
from perfmodel.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from measure.options import Option
    from measure.space import ConfigurationSpace
    from perfmodel.dataset import PerformanceDataset

Key = tuple[str, ...]


def configuration_keys(frame: pd.DataFrame, names: tuple[str, ...]) -> list[Key]:
    """One hashable spelling for each row's configuration; 1, 1.0 and "1" are alike.

    Parameters
    ----------
    frame : DataFrame of shape (n, any)
        Rows of levels.
    names : tuple of str
        The options, in the order of the key.

    Returns
    -------
    list of tuple of str
        One a row.

    Examples
    --------
    >>> import pandas as pd
    >>> configuration_keys(pd.DataFrame({"a": [1.0], "b": ["x"]}), ("a", "b"))
    [('1', 'x')]
    """
    columns = []
    for name in names:
        spellings: dict[Any, str] = {}
        cells = []
        for value in frame[name].tolist():
            if value not in spellings:
                spellings[value] = _spelled(value)
            cells.append(spellings[value])
        columns.append(cells)
    return list(zip(*columns)) if columns else [() for _ in range(len(frame))]


def _spelled(value: Any) -> str:
    value = plain(value)
    if isinstance(value, bool):
        return spelled(value)
    as_number = number(value)
    return spelled(as_number) if as_number is not None else str(value)


def matched_rows(
    source: list[Key], target: list[Key]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the same configuration; repeats are matched in their order.

    Parameters
    ----------
    source, target : list of tuple of str
        As `configuration_keys` gives them.

    Returns
    -------
    tuple of ndarray
        Rows of the source, in its order, and the row of the target for each.

    Examples
    --------
    >>> rows = matched_rows([("1",), ("2",), ("1",)], [("1",), ("3",), ("1",)])
    >>> [row.tolist() for row in rows]
    [[0, 2], [0, 2]]
    """
    seen: Counter[Key] = Counter()
    where: dict[tuple[Key, int], int] = {}
    for row, key in enumerate(target):
        where[key, seen[key]] = row
        seen[key] += 1
    seen.clear()
    pairs = []
    for row, key in enumerate(source):
        other = where.get((key, seen[key]))
        seen[key] += 1
        if other is not None:
            pairs.append((row, other))
    rows = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What source and target have as options, as one space.

    Parameters
    ----------
    space : ConfigurationSpace
        The options of both sides; levels are those of either.
    held : dict of str to level
        Options that one side lacks, and the level they are given there.
    notes : tuple of str
        What a reader should know, a sentence each.
    """

    space: ConfigurationSpace
    held: dict[str, Level]
    notes: tuple[str, ...] = ()

    def frame(self, data: PerformanceDataset) -> pd.DataFrame:
        """Return the levels of a dataset's learnable rows, one column an option.

        Parameters
        ----------
        data : PerformanceDataset
            One side.

        Returns
        -------
        DataFrame of shape (n, n_options)
            As many rows as ``data.y``.
        """
        return self.complete(data.X)

    def complete(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with each option that it lacks at its held level.

        Parameters
        ----------
        frame : DataFrame
            Rows of levels.

        Returns
        -------
        DataFrame of shape (n, n_options)
            A new frame.
        """
        missing = [
            name
            for name in self.space.names
            if name not in frame.columns and name not in self.held
        ]
        if missing:
            raise DataError(
                f"no column for option {missing[0]!r}; the columns are "
                f"{', '.join(map(str, frame.columns))}"
            )
        out = frame.copy()
        for name in self.space.names:
            if name not in out.columns:
                out[name] = self.held[name]
            elif name in self.held and out[name].isna().any():
                out[name] = out[name].where(out[name].notna(), self.held[name])
        return out[list(self.space.names)]


def common_options(*sides: PerformanceDataset) -> Options:
    """Join the options of several datasets.

    An option that a side lacks is at its default there (the middle or first level where
    it has none); one with other levels on the two sides has those of both.

    Parameters
    ----------
    *sides : PerformanceDataset
        Two or more.

    Returns
    -------
    Options
        One space for all.

    Raises
    ------
    DataError
        If the sides have no option in common, or one is numeric here and not there.
    """
    from measure.space import ConfigurationSpace

    names = dict.fromkeys(name for side in sides for name in side.space.names)
    options, held, notes = [], {}, []
    shared = 0
    for name in names:
        found = [s.space.options[name] for s in sides if name in s.space.names]
        option = _joined(name, found)
        options.append(option)
        if len(found) < len(sides):
            held[name] = option.reference
            notes.append(
                f"option {name} is not on every side: there it stands at "
                f"{spelled(option.reference)}"
            )
        else:
            shared += 1
    if not shared:
        raise DataError(
            "source and target have no option in common: the source has "
            f"{', '.join(sides[0].space.names)}, the target "
            f"{', '.join(sides[-1].space.names)}"
        )
    forbids = {side.space.forbid for side in sides}
    same = len(forbids) == 1 and not held
    space = ConfigurationSpace(options, sides[0].space.forbid if same else ())
    return Options(space=space, held=held, notes=tuple(notes))


def _joined(name: str, found: list[Option]) -> Option:
    from measure.space import Option

    kinds = {option.kind for option in found}
    if "numeric" in kinds and len(kinds) > 1:
        raise DataError(
            f"option {name!r} is numeric in one environment and not in another; say "
            "what it is in a space file"
        )
    levels = list(dict.fromkeys(level for option in found for level in option.levels))
    if all(option.levels == found[0].levels for option in found):
        return found[0]
    kind = found[0].kind if len(kinds) == 1 else "categorical"
    if kind == "numeric":
        levels.sort(key=float)
    if kind == "categorical":
        levels = list(dict.fromkeys(_spelled(level) for level in levels))
    default = found[0].default
    return Option(name=name, levels=tuple(levels), kind=kind, default=default)
