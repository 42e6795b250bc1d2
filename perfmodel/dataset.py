"""Performance data: configurations, responses, and the environments they are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from measure.errors import MeasureError
from measure.space import ConfigurationSpace
from measure.spelling import did_you_mean
from perfmodel.averaging import averaged_runs, measurements
from perfmodel.cells import (
    infer_space,
    level_cells,
    place_cells,
    response_cells,
    space_of,
    without_options,
)
from perfmodel.columns import check_columns, check_described
from perfmodel.errors import DataError, SelectionError
from perfmodel.places import environments_of, rows_of, shown

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from measure.table import Table

__all__ = ["PerformanceDataset", "infer_space"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PerformanceDataset:
    """Runs of one or more environments, and what their columns mean.

    Parameters
    ----------
    frame : DataFrame
        One row a run; its index counts the rows of the whole table from 0, messages
        count them from 1.
    space : ConfigurationSpace
        The options that vary, with their levels.
    options : tuple of str
        Names of all option columns, in order.
    responses : mapping of str to str
        Response columns, and the unit of each.
    environment : tuple of str, default=()
        Columns that say where a run was made; none: the table is one environment.
    meta : tuple of str, default=()
        Further columns, kept but not used.
    notes : tuple of str, default=()
        What was done to the runs on the way here, one sentence each.

    See Also
    --------
    from_csv : Read an exchange table, or any table of an outsider.
    from_frame : Take a DataFrame.
    from_store : Read the finished design runs of a store.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"threads": [1, 2, 2, 4], "time": [8.0, 4.2, 4.0, None]})
    >>> data = PerformanceDataset.from_frame(
    ...     frame, options=["threads"], response="time")
    >>> data.X["threads"].tolist(), data.y.tolist()
    ([1, 2], [8.0, 4.1])
    >>> data.counted  # doctest: +NORMALIZE_WHITESPACE
    ('1 of 4 runs has no time and is left out',
     '3 runs of 2 configurations: repeats are averaged')
    """

    frame: pd.DataFrame
    space: ConfigurationSpace
    options: tuple[str, ...]
    responses: Mapping[str, str]
    environment: tuple[str, ...] = ()
    meta: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    _learned: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    # -- making one ----------------------------------------------------------

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        options: Sequence[str] | None = None,
        response: str | Sequence[str] | None = None,
        environment: Sequence[str] | None = None,
        space: ConfigurationSpace | str | Path | None = None,
    ) -> Self:
        """Read a table from a CSV file.

        Parameters
        ----------
        path : str or Path
            The table. What is not said here is read from the T.json beside it.
        options : sequence of str, optional
            Names of the option columns.
        response : str or sequence of str, optional
            Name of the response column, or of several.
        environment : sequence of str, optional
            Names of the environment columns; none: the table is one environment.
        space : ConfigurationSpace or path of a space file, optional
            Options and levels. By default they are what the columns show.

        Returns
        -------
        PerformanceDataset
            With all rows of the file but reference runs, which set the sweeps of an
            environment to one level.

        Raises
        ------
        DataError
            If the file is no such table; where a column was not said, the message
            lists the columns and a command to copy.
        """
        from measure.table_reading import read_table
        from perfmodel.sweeps import learned_from, told_by_no_table

        try:
            if isinstance(space, str | Path):
                space = ConfigurationSpace.from_file(space)
            check_described(Path(path), options or space, response)
            table = read_table(
                Path(path),
                options=_names(options),
                responses=_names(response),
                environment=_names(environment),
                space=space,
            )
        except MeasureError as error:
            raise DataError(str(error)) from error
        runs, notes = learned_from(table)
        data = cls.from_table(runs, options=_names(options))
        return replace(data, notes=(*notes, *told_by_no_table(runs)))

    @classmethod
    def from_table(cls, table: Table, options: Sequence[str] | None = None) -> Self:
        """Take a table of the exchange format.

        Parameters
        ----------
        table : measure.table.Table
            Read and checked.
        options : sequence of str, optional
            Names of the option columns; by default those of its space, and those that
            never vary.

        Returns
        -------
        PerformanceDataset
            With its rows and columns.
        """
        return cls.from_frame(
            table.frame,
            options=options or [*table.space.names, *(table.constant or ())],
            response=dict(table.responses),
            environment=table.environment,
            space=table.space,
            meta=table.meta,
        )

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        options: Sequence[str] | None = None,
        response: str | Sequence[str] | Mapping[str, str] | None = None,
        environment: Sequence[str] = (),
        space: ConfigurationSpace | None = None,
        meta: Sequence[str] = (),
    ) -> Self:
        """Take a DataFrame.

        Parameters
        ----------
        frame : DataFrame
            One row a run.
        options : sequence of str, optional
            Names of the option columns; by default those of the space.
        response : str, sequence of str, or mapping of str to str
            Name of the response column, of several, or of each with its unit.
        environment : sequence of str, default=()
            Names of the environment columns; none: the table is one environment.
        space : ConfigurationSpace, optional
            Options and levels; what it has beside `options` is left out. By default
            they are what the columns show.
        meta : sequence of str, default=()
            Further columns to keep.

        Returns
        -------
        PerformanceDataset
            With its own copy of the rows.

        Raises
        ------
        DataError
            If a column is missing, there is no row, a response is text or infinite,
            or nothing was measured.
        """
        if options is None and space is not None:
            options = space.names
        responses = (
            dict(response)
            if isinstance(response, Mapping)
            else {name: "" for name in _names(response) or ()}
        )
        options, environment = _names(options) or (), _names(environment) or ()
        check_columns(frame, options, responses, environment)
        if len(frame) == 0:
            raise DataError("the table has no rows; measure or give at least 5 runs")
        meta = tuple(name for name in meta if name in frame.columns)
        kept = frame[
            list(dict.fromkeys([*environment, *options, *responses, *meta]))
        ].reset_index(drop=True)
        for name in responses:
            kept[name] = response_cells(kept[name], name)
        for name in environment:
            kept[name] = place_cells(kept[name])
        space = space_of(kept[list(options)], space)
        for option in space.options:
            kept[option.name] = level_cells(kept[option.name], option)
        return cls(
            frame=kept,
            space=space,
            options=tuple(options),
            responses=responses,
            environment=environment,
            meta=meta,
        )

    @classmethod
    def from_store(cls, path: str | Path, sweeps: Iterable[str] | None = None) -> Self:
        """Read the finished design runs of a store.

        Parameters
        ----------
        path : str or Path
            A SQLite store, as `measure sweep` fills it.
        sweeps : iterable of str, optional
            Only these sweeps; by default all.

        Returns
        -------
        PerformanceDataset
            Of all its environments.

        Raises
        ------
        DataError
            If the store cannot be read, or holds no finished run.
        """
        from perfmodel.stored import read_store

        try:
            table, notes = read_store(Path(path), sweeps)
        except MeasureError as error:
            raise DataError(str(error)) from error
        return replace(cls.from_table(table), notes=notes)

    # -- parts of it ---------------------------------------------------------

    @property
    def response(self) -> str:
        """Name of the response; an error if there are several."""
        if len(self.responses) > 1:
            raise SelectionError(
                f"the data have {len(self.responses)} responses: "
                f"{', '.join(self.responses)}; choose one with "
                f"for_response({next(iter(self.responses))!r})"
            )
        return next(iter(self.responses))

    @property
    def unit(self) -> str:
        """Unit of the response; an error if there are several."""
        return self.responses[self.response]

    def environments(self) -> list[dict[str, str]]:
        """List the environments, in the order of their first run.

        Returns
        -------
        list of dict
            Environment column to value; one empty dict if there are no columns.
        """
        return environments_of(self.frame, self.environment)

    def for_response(self, name: str) -> Self:
        """Give the same runs with one response.

        Parameters
        ----------
        name : str
            One of `responses`.

        Returns
        -------
        PerformanceDataset
            Without the other responses.

        Raises
        ------
        SelectionError
            If there is no such response.
        """
        if name not in self.responses:
            raise SelectionError(
                f"no response {name!r}; choose one of {', '.join(self.responses)}"
                f"{did_you_mean(name, self.responses)}"
            )
        return replace(self, responses={name: self.responses[name]})

    def select(self, **values: Any) -> Self:
        """Give the runs of some environments.

        Parameters
        ----------
        **values : str or sequence of str
            Environment column to its value, or to several.

        Returns
        -------
        PerformanceDataset
            Options that are empty in all its runs are not in its space.

        Raises
        ------
        SelectionError
            If there is no such column or value.
        """
        keep = rows_of(self.frame, self.environment, values)
        return self._with_rows(self.frame[keep])

    def take(self, rows: Any) -> Self:
        """Give some of the runs.

        Parameters
        ----------
        rows : array-like of int or bool
            Positions, or which to keep.

        Returns
        -------
        PerformanceDataset
            With the same space, so that models of both share their options.
        """
        chosen = np.asarray(rows)
        if chosen.dtype == bool:
            chosen = np.flatnonzero(chosen)
        return replace(self, frame=self.frame.iloc[chosen])

    def _with_rows(self, frame: pd.DataFrame) -> Self:
        """Take part of the rows; options that have no cell left are dropped."""
        gone = [name for name in self.space.names if frame[name].isna().all()]
        space = without_options(self.space, gone) if gone else self.space
        options = tuple(name for name in self.options if name not in gone)
        return replace(self, frame=frame, space=space, options=options)

    # -- what a model learns from ---------------------------------------------

    @property
    def X(self) -> pd.DataFrame:
        """Configurations with a response, one row each, raw levels."""
        return self._rows()["X"]  # type: ignore[no-any-return]

    @property
    def y(self) -> NDArray[np.float64]:
        """Response of each row of `X`: the mean of its replicates."""
        return self._rows()["y"]  # type: ignore[no-any-return]

    @property
    def replicates(self) -> NDArray[np.int64]:
        """How many runs each row of `X` stands for."""
        return self._rows()["replicates"]  # type: ignore[no-any-return]

    @property
    def groups(self) -> NDArray[np.int64] | None:
        """A number a row of `X`, equal where rows share a measurement; or None."""
        return self._rows()["groups"]  # type: ignore[no-any-return]

    @property
    def counted(self) -> tuple[str, ...]:
        """Say what was left out of `X` and `y`, or averaged, one phrase each."""
        return self._rows()["counted"]  # type: ignore[no-any-return]

    def _rows(self) -> dict[str, Any]:
        """Drop, count and average the runs of one environment; once."""
        if self._learned:
            return self._learned
        response = self.response
        places = self.environments()
        if len(places) > 1:
            raise SelectionError(
                f"the data have {len(places)} environments: "
                f"{'; '.join(map(shown, places))}; choose one with select("
                f"{', '.join(f'{k}={v!r}' for k, v in places[0].items())})"
            )
        where = f" of {shown(places[0])}" if places[0] else ""
        runs = self.frame[[*self.space.names, response]]
        self._learned.update(
            averaged_runs(runs, response, where, measurements(self.frame, self.meta))
        )
        return self._learned


def _names(names: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """Take one name, or several."""
    if names is None:
        return None
    return (names,) if isinstance(names, str) else tuple(names)
