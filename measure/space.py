"""Configuration spaces: options, forbidden combinations, configurations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.configuration import Configuration
from measure.constraints import (
    BoolArray,
    Condition,
    Forbidden,
    IntArray,
    ValidSet,
)
from measure.documents import read_document, write_document
from measure.errors import LevelError, SpaceError
from measure.levels import Level
from measure.options import Kind, Option, Options
from measure.space_entries import (
    option_entry,
    read_forbid,
    read_options,
    require_keys,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Condition",
    "Configuration",
    "ConfigurationSpace",
    "Forbidden",
    "Kind",
    "Level",
    "Option",
    "Options",
]

# Up to here all valid rows are listed to draw without replacement; above, drawn
# rows are compared, since repeats are rare.
_LISTED_SIZE = 200_000
_FEW_VALID = 0.02


class ConfigurationSpace:
    """All valid configurations of some options.

    Parameters
    ----------
    options : iterable of Option
        With distinct names.
    forbid : iterable of Forbidden, default=()
        Combinations that are not valid.

    Raises
    ------
    SpaceError
        If a name stands twice, a forbidden combination speaks of what is not
        there, or nothing is left.

    Examples
    --------
    >>> space = ConfigurationSpace.from_dict({
    ...     "options": {
    ...         "backend": {"kind": "categorical", "levels": ["graph", "tflite"]},
    ...         "xnnpack": {"kind": "boolean"},
    ...     },
    ...     "forbid": [{"backend": "graph", "xnnpack": True}],
    ... })
    >>> space.size(), space.is_valid({"backend": "graph", "xnnpack": True})
    (3, False)
    """

    def __init__(
        self, options: Iterable[Option], forbid: Iterable[Forbidden] = ()
    ) -> None:
        self.options = Options(options)
        self.forbid = tuple(forbid)
        self.names = tuple(option.name for option in self.options)
        if not self.options:
            raise SpaceError("a space needs at least one option", ("options",))
        for name in self.names:
            if self.names.count(name) > 1:
                raise SpaceError(f"option {name!r} stands twice", ("options", name))
        for item in self.forbid:
            for condition in item.conditions:
                self.options[condition.option]
        if self.size() == 0:
            raise SpaceError(
                "the forbidden combinations leave no configuration: drop or narrow one",
                ("forbid",),
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ConfigurationSpace):
            return NotImplemented
        return tuple(self.options) == tuple(other.options) and (
            self.forbid == other.forbid
        )

    def __hash__(self) -> int:
        return hash((tuple(self.options), self.forbid))

    def __repr__(self) -> str:
        return f"ConfigurationSpace({', '.join(self.names)}; {self.size()} valid)"

    @cached_property
    def _valid(self) -> ValidSet:
        return ValidSet(self.options, self.forbid)

    def __getstate__(self) -> dict[str, Any]:
        # What is counted lazily is counted again: its cache cannot be pickled.
        return {name: v for name, v in self.__dict__.items() if name != "_valid"}

    # -- documents --------------------------------------------------------

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ConfigurationSpace:
        """Build a space from what a space file holds.

        Parameters
        ----------
        document : mapping
            ``options`` and, if anything is forbidden, ``forbid``.

        Returns
        -------
        ConfigurationSpace
            The space.

        Raises
        ------
        SpaceError
            Its `path` says where in the document.
        """
        if not isinstance(document, Mapping):
            raise SpaceError("a space file is a mapping with the key options")
        require_keys(document, ("options", "forbid"), "a space file")
        options = read_options(document.get("options"))
        return cls(options, read_forbid(options, document.get("forbid")))

    def to_dict(self) -> dict[str, Any]:
        """Return the space as `from_dict` reads it.

        Returns
        -------
        dict
            Of plain values, for YAML and JSON alike.
        """
        document: dict[str, Any] = {
            "options": {option.name: option_entry(option) for option in self.options}
        }
        if self.forbid:
            document["forbid"] = [item.to_dict() for item in self.forbid]
        return document

    @classmethod
    def from_file(cls, path: str | Path) -> ConfigurationSpace:
        """Read a space file, YAML or (``.json``) JSON.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        ConfigurationSpace
            The space.

        Raises
        ------
        SpaceError
            With the file, the line where YAML has one, and the entry.
        """
        document, lines = read_document(path)
        try:
            return cls.from_dict(document)
        except SpaceError as error:
            known = error.path
            while known and known not in lines:
                known = known[:-1]
            line = f":{lines[known]}" if known in lines else ""
            entry = ".".join(str(part) for part in error.path)
            where = f"{path}{line}: {entry}: " if entry else f"{path}{line}: "
            raise type(error)(where + str(error), error.path) from error

    def to_file(self, path: str | Path) -> None:
        """Write a space file that `from_file` reads back exactly.

        Parameters
        ----------
        path : str or Path
            YAML, or JSON if the name ends in ``.json``.
        """
        write_document(self.to_dict(), path)

    # -- configurations ----------------------------------------------------

    def configuration(self, levels: Mapping[str, Any]) -> Configuration:
        """Return a checked configuration.

        Parameters
        ----------
        levels : mapping of str to level
            One entry for each option.

        Returns
        -------
        Configuration
            In the order of the space, levels spelled as in the space.

        Raises
        ------
        SpaceError
            If an option is missing or unknown, or the combination forbidden.
        LevelError
            If a value is not a level.
        """
        row = self._row(levels)
        broken = self._valid.broken(row)
        if broken is not None:
            raise SpaceError(
                f"the combination {{{self.forbid[broken]}}} is forbidden (forbid item "
                f"{broken + 1})"
            )
        return self._configuration(row)

    def is_valid(self, configuration: Mapping[str, Any]) -> bool:
        """Return whether a configuration has known levels and is not forbidden.

        Parameters
        ----------
        configuration : mapping of str to level
            One entry for each option.

        Returns
        -------
        bool
            True if it can be measured.
        """
        try:
            return self._valid.broken(self._row(configuration)) is None
        except SpaceError:
            return False

    def size(self) -> int:
        """Return the number of valid configurations, counted without listing them.

        Returns
        -------
        int
            Exact, however large.
        """
        return self._valid.size()

    def reference(self, current: Mapping[str, Any] | None = None) -> Configuration:
        """Return the reference configuration.

        Each option's default; else what the device has now, if that is a level;
        else the middle level (categorical: the first). If that is forbidden, the
        valid configuration that changes the fewest options, then moves them the
        least.

        Parameters
        ----------
        current : mapping of str to level, optional
            What the device has when the sweep begins.

        Returns
        -------
        Configuration
            Valid.
        """
        wanted = []
        for option in self.options:
            level = option.reference
            if option.default is None and current and option.name in current:
                try:
                    level = option.check(current[option.name])
                except LevelError:
                    pass
            wanted.append(option.index(level))
        return self._configuration(self._nearest(wanted))

    def restrict(self, held: Mapping[str, Any]) -> ConfigurationSpace:
        """Return the space of the other options, some being held.

        Parameters
        ----------
        held : mapping of str to level
            Options that stay at one level.

        Returns
        -------
        ConfigurationSpace
            Without the held options.

        Raises
        ------
        SpaceError
            If an option is unknown or nothing valid is left.
        """
        levels = {name: self.options[name].check(held[name]) for name in held}
        forbid = []
        for item in self.forbid:
            rest = [c for c in item.conditions if c.option not in levels]
            holds = all(
                c.mask(self.options[c.option])[
                    self.options[c.option].index(levels[c.option])
                ]
                for c in item.conditions
                if c.option in levels
            )
            if holds and not rest:
                raise SpaceError(f"the combination {{{item}}} is forbidden")
            if holds:
                forbid.append(Forbidden(conditions=tuple(rest)))
        options = [option for option in self.options if option.name not in levels]
        return ConfigurationSpace(options, forbid)

    def _row(self, levels: Mapping[str, Any]) -> list[int]:
        missing = [name for name in self.names if name not in levels]
        unknown = [name for name in levels if name not in self.names]
        if missing or unknown:
            what = (
                f"option {unknown[0]!r} is unknown"
                if unknown
                else (f"option {missing[0]!r} has no level")
            )
            raise SpaceError(f"{what}; the space has {', '.join(self.names)}")
        return [option.index(levels[option.name]) for option in self.options]

    def _configuration(self, row: Sequence[int]) -> Configuration:
        pairs = zip(self.options, row, strict=True)
        return Configuration({o.name: o.levels[i] for o, i in pairs})

    def _nearest(self, wanted: Sequence[int]) -> list[int]:
        row = list(wanted)
        if self._valid.broken(row) is None:
            return row
        bound = {c.option for item in self.forbid for c in item.conditions}
        columns = [i for i, name in enumerate(self.names) if name in bound]
        for changed in range(1, len(columns) + 1):
            best: tuple[int, list[int]] | None = None
            for chosen in combinations(columns, changed):
                levels = [
                    [j for j in range(len(self.options[i].levels)) if j != wanted[i]]
                    for i in chosen
                ]
                for values in product(*levels):
                    pairs = list(zip(chosen, values, strict=True))
                    distance = sum(abs(j - wanted[i]) for i, j in pairs)
                    if best is not None and distance >= best[0]:
                        continue
                    for i, j in pairs:
                        row[i] = j
                    if self._valid.broken(row) is None:
                        best = (distance, list(row))
                    for i in chosen:
                        row[i] = wanted[i]
            if best is not None:
                return best[1]
        return self._valid.row(0)

    # -- arrays -------------------------------------------------------------

    def encode(self, frame: pd.DataFrame) -> IntArray:
        """Return a frame of levels as level indices.

        Parameters
        ----------
        frame : DataFrame
            With a column for each option; other columns are left out.

        Returns
        -------
        ndarray of int, shape (n, n_options)
            Positions in each option's levels.

        Raises
        ------
        SpaceError
            If a column is missing.
        LevelError
            If a value is not a level; the row is named.
        """
        import pandas as pd

        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise SpaceError(
                f"no column {missing[0]!r}; columns are {', '.join(map(str, frame))}"
            )
        indices = np.empty((len(frame), len(self.options)), dtype=np.int64)
        for i, option in enumerate(self.options):
            codes, values = pd.factorize(
                frame[option.name].astype(object), use_na_sentinel=False
            )
            found = np.zeros(len(values), dtype=np.int64)
            for position, value in enumerate(values):
                try:
                    found[position] = option.index(value)
                except LevelError as error:
                    row = int(np.flatnonzero(codes == position)[0])
                    raise LevelError(f"row {row}: {error}") from error
            indices[:, i] = found[codes]
        return indices

    def decode(self, indices: IntArray) -> pd.DataFrame:
        """Return level indices as a frame of levels.

        Parameters
        ----------
        indices : ndarray of int, shape (n, n_options)
            Positions in each option's levels.

        Returns
        -------
        DataFrame
            One column an option, levels as in the space.
        """
        import pandas as pd

        columns = {}
        for i, option in enumerate(self.options):
            levels = pd.Series(list(option.levels), dtype=_dtype(option))
            columns[option.name] = levels.take(indices[:, i]).reset_index(drop=True)
        return pd.DataFrame(columns)

    def valid(self, indices: IntArray) -> BoolArray:
        """Return which rows of level indices are valid.

        Parameters
        ----------
        indices : ndarray of int, shape (n, n_options)
            Positions in each option's levels.

        Returns
        -------
        ndarray of bool, shape (n,)
            True where nothing forbidden matches.
        """
        return self._valid.holds(indices)

    def all_rows(self) -> IntArray:
        """Return all valid configurations as level indices, in order.

        Returns
        -------
        ndarray of int, shape (size(), n_options)
            Ask `size` first: nothing limits it.
        """
        return self._valid.all_rows()

    def unrank(self, ranks: Iterable[int]) -> IntArray:
        """Return the valid configurations of those numbers.

        Parameters
        ----------
        ranks : iterable of int
            From 0 to ``size() - 1``, in the order of `all_rows`.

        Returns
        -------
        ndarray of int, shape (n, n_options)
            Level indices.
        """
        rows = [self._valid.row(int(rank)) for rank in ranks]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(self.options))

    def sample(
        self, n: int, rng: np.random.Generator, *, replace: bool = False
    ) -> IntArray:
        """Draw valid configurations, each with the same probability.

        Parameters
        ----------
        n : int
            How many.
        rng : numpy.random.Generator
            The source of randomness.
        replace : bool, default=False
            Whether a configuration may be drawn more than once.

        Returns
        -------
        ndarray of int, shape (n, n_options)
            Level indices, in random order.

        Raises
        ------
        SpaceError
            If more are asked for than there are, without replacement.
        """
        size = self.size()
        if not replace and n > size:
            raise SpaceError(f"{n} distinct configurations of {size}: ask for fewer")
        if not replace and size <= _LISTED_SIZE:
            return self.all_rows()[rng.choice(size, size=n, replace=False)]
        rows: IntArray = np.empty((0, len(self.options)), dtype=np.int64)
        while len(rows) < n:
            rows = np.vstack([rows, self._draw(n - len(rows), rng)])
            if not replace:
                _, first = np.unique(rows, axis=0, return_index=True)
                rows = rows[np.sort(first)]
        return rows

    def _draw(self, n: int, rng: np.random.Generator) -> IntArray:
        """Draw n rows with replacement: by rejection, or by number if few are valid."""
        counts = self._valid.n_levels
        total = 1
        for count in counts:
            total *= count
        share = self.size() / total
        if share < _FEW_VALID:
            # 64 bits more than the size needs: the bias of the modulus vanishes.
            n_bytes = self.size().bit_length() // 8 + 9
            draws = (int.from_bytes(rng.bytes(n_bytes), "little") for _ in range(n))
            return self.unrank(draw % self.size() for draw in draws)
        tries = int(n / share) + 16
        rows = np.column_stack([rng.integers(count, size=tries) for count in counts])
        return rows[self.valid(rows)][:n]


def _dtype(option: Option) -> Any:
    if option.kind == "boolean":
        return bool
    if option.kind == "categorical":
        return object
    whole = all(isinstance(level, int) for level in option.levels)
    return np.int64 if whole else np.float64
