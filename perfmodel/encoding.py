"""From levels to numbers: one frozen record, reused on whatever is predicted.

Levels become *codes* first (a numeric option's value, any other option's position in
its levels): plain numbers that a saved model keeps. Codes become *features*, scaled to
[0, 1], for processes and trees; model terms are made of them by `measure.terms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.errors import LevelError
from measure.levels import listed, number, spelled
from perfmodel.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from measure.options import Option
    from measure.space import ConfigurationSpace

__all__ = ["LOG_RATIO", "Encoding"]

#: From this ratio of the largest to the smallest level on, the logarithm is scaled.
LOG_RATIO = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How the levels of a space become numbers.

    Parameters
    ----------
    space : ConfigurationSpace
        The options, in the order of the columns.

    Notes
    -----
    A numeric option is one feature, 0 at its lowest and 1 at its highest level, of
    the logarithm where highest / lowest is 8 or more. An option of two levels is one
    feature of 0 and 1. A categorical option of more is one indicator a level.
    Numbers between and beyond the levels are taken as they are.

    Examples
    --------
    >>> import pandas as pd
    >>> from measure.space import ConfigurationSpace, Option
    >>> space = ConfigurationSpace([
    ...     Option(name="threads", levels=(1, 2, 3)),
    ...     Option(name="backend", levels=("graph", "tflite", "xla")),
    ... ])
    >>> encoding = Encoding(space=space)
    >>> frame = pd.DataFrame({"threads": [1, 2], "backend": ["xla", "graph"]})
    >>> encoding.features(encoding.codes(frame)).tolist()
    [[0.0, 0.0, 0.0, 1.0], [0.5, 1.0, 0.0, 0.0]]
    """

    space: ConfigurationSpace

    def codes(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Turn raw levels into codes.

        Parameters
        ----------
        frame : DataFrame of shape (n, any)
            Rows of levels; columns that are no option are ignored.

        Returns
        -------
        ndarray of shape (n, n_options)
            A numeric option's value, else the position of the level.

        Raises
        ------
        ModelError
            If an option has no column, or a cell is empty or no level.
        """
        missing = [name for name in self.space.names if name not in frame.columns]
        if missing:
            raise ModelError(
                f"no column for option {missing[0]!r}; the columns are "
                f"{', '.join(map(str, frame.columns))}, and the model needs "
                f"{', '.join(self.space.names)}"
            )
        out = np.empty((len(frame), len(self.space.options)))
        for column, option in enumerate(self.space.options):
            out[:, column] = _codes_of(option, frame[option.name])
        return out

    def features(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn codes into features between 0 and 1.

        Parameters
        ----------
        codes : ndarray of shape (n, n_options)
            As `codes` gives them.

        Returns
        -------
        ndarray of shape (n, n_features)
            The columns of each option side by side; `columns` says whose is whose.
        """
        parts: list[NDArray[np.float64]] = []
        for column, option in enumerate(self.space.options):
            values = codes[:, column]
            if option.kind == "numeric":
                parts.append(_scaled(option, values)[:, None])
            elif len(option.levels) == 2:
                parts.append(values[:, None])
            else:
                parts.append(
                    (values[:, None] == np.arange(len(option.levels))).astype(float)
                )
        return np.hstack(parts)

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of the option that each feature belongs to."""
        names: list[str] = []
        for option in self.space.options:
            indicators = option.kind != "numeric" and len(option.levels) > 2
            names += [option.name] * (len(option.levels) if indicators else 1)
        return tuple(names)

    def extrapolated(self, codes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which rows lie outside what the space declares.

        Parameters
        ----------
        codes : ndarray of shape (n, n_options)
            As `codes` gives them.

        Returns
        -------
        ndarray of bool, shape (n,)
            True where a number is beyond its option's levels, or where the nearest
            levels are a forbidden combination.
        """
        outside = np.zeros(len(codes), dtype=bool)
        nearest = np.empty(codes.shape, dtype=np.int64)
        for column, option in enumerate(self.space.options):
            values = codes[:, column]
            nearest[:, column] = values
            if option.kind == "numeric":
                levels = np.asarray(option.levels, dtype=float)
                slack = 1e-9 * np.ptp(levels)
                outside |= values < levels.min() - slack
                outside |= values > levels.max() + slack
                distance = np.abs(values[:, None] - levels)
                nearest[:, column] = distance.argmin(axis=1)
        return np.asarray(outside | ~self.space.valid(nearest))


def _scaled(option: Option, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale numbers to 0 at the lowest and 1 at the highest level."""
    levels = np.asarray(option.levels, dtype=float)
    low, high = float(levels.min()), float(levels.max())
    if low > 0 and high / low >= LOG_RATIO:
        floor = low * 1e-3  # what a logarithm cannot take is far out, not an error
        logs = np.log(np.maximum(values, floor) / low)
        return np.asarray(logs / np.log(high / low))
    return (values - low) / (high - low)


def _codes_of(option: Option, column: pd.Series[Any]) -> NDArray[np.float64]:
    """Turn one option's cells into codes, naming the first that is none."""
    import pandas as pd

    types = pd.api.types
    if option.kind == "numeric" and types.is_numeric_dtype(column):
        found = column.to_numpy(dtype=float, na_value=np.nan)
        if np.all(np.isfinite(found)) and not types.is_bool_dtype(column):
            return found
    places, values = pd.factorize(column.astype(object), use_na_sentinel=False)
    found = np.empty(len(values))
    for position, value in enumerate(values):
        code = _code(option, value)
        if code is None:
            row = int(np.flatnonzero(places == position)[0]) + 1
            numeric = option.kind == "numeric"
            allowed = "a number" if numeric else f"one of {listed(option.levels)}"
            shown = "an empty cell" if pd.isna(value) else repr(spelled(value))
            raise ModelError(
                f"row {row}, option {option.name!r}: got {shown}; give {allowed}"
            )
        found[position] = code
    return np.asarray(found[places])


def _code(option: Option, value: Any) -> float | None:
    """Turn one cell into its code, or None if it has none."""
    if option.kind == "numeric":
        value = number(value)
        return None if value is None else float(value)
    try:
        return float(option.index(value))
    except LevelError:
        return None
