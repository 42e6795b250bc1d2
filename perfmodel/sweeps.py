"""Runs of several sweeps as one: reference runs set them to one level, and go."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from measure.spelling import several
from perfmodel.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from measure.table import Table

    Floats = NDArray[np.float64]

__all__ = ["learned_from", "level_offsets", "told_by_no_table"]

#: A sweep that lies off the others by less than this is not worth a note.
NOTED_OFFSET = 0.005
DESIGN, REFERENCE, FAILED = "design", "reference", "failed"


def learned_from(table: Table) -> tuple[Table, list[str]]:
    """Leave reference runs out, after setting each sweep to the level that they tell.

    The level of a sweep is the mean log response of its reference runs. It is told
    where all sweeps of an environment have reference runs, of one configuration; what
    the scatter of these runs alone would give is left (`level_offsets`).

    Parameters
    ----------
    table : Table
        As `measure export` writes it; one whose meta columns are not ``sweep_id`` and
        ``role`` is returned as it is.

    Returns
    -------
    Table
        One row a design run, failed ones without response.
    list of str
        What was moved, and which sweeps lie where they were measured, a sentence each.

    Raises
    ------
    DataError
        If there is no design run.

    Examples
    --------
    >>> import pandas as pd
    >>> from measure.options import Option
    >>> from measure.space import ConfigurationSpace
    >>> from measure.table import Table
    >>> frame = pd.DataFrame({
    ...     "threads": [1, 2, 1, 2, 1, 1], "time_s": [8.0, 4.0, 9.0, 4.5, 8.0, 9.0],
    ...     "sweep_id": list("aabbab"), "role": ["design"] * 4 + ["reference"] * 2})
    >>> space = ConfigurationSpace([Option(name="threads", levels=(1, 2))])
    >>> found, notes = learned_from(Table(
    ...     frame=frame, space=space, responses={"time_s": "s"},
    ...     meta=("sweep_id", "role")))
    >>> found.frame["time_s"].round(3).tolist()
    [8.485, 4.243, 8.485, 4.243]
    """
    if not {"sweep_id", "role"} <= set(table.meta):
        return table, []
    frame = table.frame
    is_reference = (frame["role"] == REFERENCE).to_numpy()
    if len(frame) and is_reference.all():
        raise DataError(
            "all rows are reference runs, which no model learns from; go on with "
            "`python -m measure resume`"
        )
    references, design = frame[is_reference], frame[~is_reference].copy()
    if "status" in table.meta:
        design.loc[design["status"] == FAILED, list(table.responses)] = math.nan
    moved: dict[str, list[str]] = {}
    untold: dict[str, None] = {}
    for name in table.responses:
        for place, rows in _places(design, table.environment):
            those = rows[rows[name].notna()]
            sweeps = those["sweep_id"].value_counts()
            if len(sweeps) < 2:
                continue
            near = _of_place(references, table.environment, rows)
            near = near[near["sweep_id"].isin(sweeps.index) & (near[name] > 0)]
            logs = near[name].map(math.log).groupby(near["sweep_id"])
            one = len(near[list(table.space.names)].astype(str).drop_duplicates()) == 1
            if not one or logs.ngroups < len(sweeps):
                untold[_untold(place, list(sweeps.index))] = None
                continue
            told = {str(sweep): values.to_numpy() for sweep, values in logs}
            offsets = level_offsets(told, {str(s): int(n) for s, n in sweeps.items()})
            factors = np.exp(those["sweep_id"].map(offsets).astype(float))
            design.loc[those.index, name] = those[name] / factors
            if max(map(abs, offsets.values())) > NOTED_OFFSET:
                moved.setdefault(place, []).append(_moved(name, place, offsets))
    notes = [
        first
        + (f" ({several(len(rest), 'further response')} likewise)" if rest else "")
        for first, *rest in moved.values()
    ]
    return replace(table, frame=design.reset_index(drop=True)), [*notes, *untold]


def level_offsets(
    logs: Mapping[str, Floats], sizes: Mapping[str, int]
) -> dict[str, float]:
    """Say how far each sweep lies off the mean of all, as far as that can be told.

    Parameters
    ----------
    logs : mapping of str to ndarray
        Each sweep's log responses of the reference configuration.
    sizes : mapping of str to int
        Design runs of each, by which it counts in the mean.

    Returns
    -------
    dict of str to float
        Offset of the log response, shrunk by its squared standard error over itself: to
        0 where it is less than that error. Sweeps with one reference run each tell no
        error, and nothing is shrunk.

    References
    ----------
    .. [1] Breiman, "Better subset regression using the nonnegative garrote",
       Technometrics 37, 1995.

    Examples
    --------
    >>> sizes = {"a": 20, "b": 20}
    >>> level_offsets({"a": np.array([0.0, 0.0]), "b": np.array([0.2, 0.2])}, sizes)
    {'a': -0.1, 'b': 0.1}
    >>> level_offsets({"a": np.array([0.0, 0.2]), "b": np.array([0.1, 0.15])}, sizes)
    {'a': 0.0, 'b': 0.0}
    """
    total = sum(sizes[sweep] for sweep in logs)
    middle = sum(sizes[sweep] * float(v.mean()) for sweep, v in logs.items()) / total
    free = sum(len(values) - 1 for values in logs.values())
    squares = sum(float(((v - v.mean()) ** 2).sum()) for v in logs.values())
    variance = squares / free if free else 0.0
    spread = {
        sweep: (sizes[sweep] / total) ** 2 / len(values)
        for sweep, values in logs.items()
    }
    out = {}
    for sweep, values in logs.items():
        offset = float(values.mean()) - middle
        own = (1 - sizes[sweep] / total) ** 2 / len(values) - spread[sweep]
        error = variance * (sum(spread.values()) + own)
        kept = max(1 - error / offset**2, 0.0) if offset else 0.0
        out[sweep] = kept * offset if kept else 0.0
    return out


def told_by_no_table(table: Table) -> list[str]:
    """Say what a store would tell of several sweeps, and a table of them does not.

    Parameters
    ----------
    table : Table
        Read from a file.

    Returns
    -------
    list of str
        One sentence, or none if its runs are of one sweep.
    """
    sweeps = set(table.frame["sweep_id"]) if "sweep_id" in table.meta else set()
    if len(sweeps) < 2:
        return []
    return [
        f"the table's runs are of {len(sweeps)} sweeps, and it does not say whether "
        "all were measured by one protocol: --store does"
    ]


def _places(
    frame: pd.DataFrame, environment: Sequence[str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each environment's name and rows."""
    if not environment:
        yield "", frame
        return
    for values, rows in frame.groupby(list(environment), sort=False, dropna=False):
        yield "/".join(map(str, values)), rows


def _of_place(
    frame: pd.DataFrame, environment: Sequence[str], like: pd.DataFrame
) -> pd.DataFrame:
    """Give the rows of the environment that some rows are of."""
    for name in environment:
        frame = frame[frame[name] == like[name].iloc[0]]
    return frame


def _moved(name: str, place: str, offsets: Mapping[str, float]) -> str:
    where = f" in {place}" if place else ""
    told = [
        f"of sweep {sweep} by {math.exp(offset):.4f}"
        for sweep, offset in sorted(offsets.items())
    ]
    return f"{name}{where} is divided, as reference runs say: {', '.join(told)}"


def _untold(place: str, sweeps: Sequence[str]) -> str:
    where = f" in {place}" if place else ""
    return (
        f"sweeps {', '.join(sorted(sweeps))}{where} are used as measured: no reference "
        "runs of one configuration tell how far apart they lie"
    )
