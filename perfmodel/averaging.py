"""Runs as rows to learn from: without a response left out, repeats averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.spelling import runs_of, several
from perfmodel.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["averaged_runs", "measurements"]


def measurements(frame: pd.DataFrame, meta: Sequence[str]) -> pd.Series[Any] | None:
    """Say which measurement each run has its responses from.

    Parameters
    ----------
    frame : DataFrame
        One row a run.
    meta : sequence of str
        Its columns about the runs themselves.

    Returns
    -------
    Series or None
        The run that was measured: its own, or the one in ``identical_to``; None if
        these columns are not there.
    """
    if not {"run_id", "identical_to"} <= set(meta):
        return None
    told = frame["identical_to"].fillna("").astype(str)
    return frame["run_id"].astype(str).where(told == "", told)


def averaged_runs(
    runs: pd.DataFrame,
    response: str,
    where: str = "",
    measurement: pd.Series[Any] | None = None,
) -> dict[str, Any]:
    """Drop runs that lack something, and average those of one configuration.

    Parameters
    ----------
    runs : DataFrame
        Option columns, then the response; the index counts the rows of the table.
    response : str
        Its last column.
    where : str, default=""
        Which environment they are of, for messages.
    measurement : Series, optional
        Equal where runs share a measurement, being one configuration in fact.

    Returns
    -------
    dict
        ``X``, the configurations in the order of their first run; ``y``, their mean
        response; ``replicates``, how many runs each stands for; ``groups``, a number a
        row, equal where rows share a measurement, or None where no two do; ``counted``,
        what was left out or averaged, one phrase each.

    Raises
    ------
    DataError
        If a response is infinite, or nothing is left.

    Examples
    --------
    >>> import pandas as pd
    >>> runs = pd.DataFrame({"threads": [1, 2, 2, 4], "time": [8.0, 4.2, 4.0, None]})
    >>> found = averaged_runs(runs, "time")
    >>> found["y"].tolist(), found["replicates"].tolist()
    ([8.0, 4.1], [1, 2])
    """
    names = [name for name in runs.columns if name != response]
    infinite = np.isinf(runs[response].to_numpy())
    if infinite.any():
        row = int(runs.index[infinite][0]) + 1
        raise DataError(
            f"row {row}, column {response!r}: the response is infinite; correct it, or "
            "leave the cell empty for a failed run"
        )
    has_response = runs[response].notna()
    has_levels = runs[names].notna().all(axis=1)
    if not has_response.any():
        raise DataError(
            f"response {response!r} is missing in all "
            f"{several(len(runs), 'run')}{where}; choose "
            "another response, or measure again"
        )
    kept = runs[has_response & has_levels]
    if len(kept) == 0:
        raise DataError(
            f"no run{where} has a level of every option ({', '.join(names)}); name "
            "fewer options"
        )
    rows = kept.groupby(names, sort=False, observed=True)
    means, sizes = rows[response].mean(), rows.size()
    averaged = means.reset_index()
    groups = None
    if measurement is not None:
        row_of = rows.ngroup().to_numpy()
        groups = _joined(row_of, measurement[kept.index].tolist())
    return {
        "X": averaged[names].infer_objects(),
        "y": averaged[response].to_numpy(dtype=float),
        "replicates": sizes.to_numpy(dtype=np.int64),
        "groups": groups,
        "counted": _counted(
            len(runs),
            response,
            missing=int((~has_response).sum()),
            incomplete=int((has_response & ~has_levels).sum()),
            kept=len(kept),
            rows=len(means),
            shared=0 if groups is None else len(groups) - len(set(groups.tolist())),
        ),
    }


def _joined(rows: NDArray[Any], measured: list[Any]) -> NDArray[np.int64] | None:
    """Number rows, those alike that share a measurement, directly or by others."""
    number = list(range(int(rows.max()) + 1))

    def root(row: int) -> int:
        while number[row] != row:
            row = number[row]
        return row

    first: dict[Any, int] = {}
    for row, one in zip(rows.tolist(), measured, strict=True):
        a, b = sorted((root(row), root(first.setdefault(one, row))))
        number[b] = a
    groups = np.array([root(row) for row in range(len(number))], dtype=np.int64)
    return groups if len(set(groups.tolist())) < len(groups) else None


def _counted(
    runs: int,
    response: str,
    missing: int,
    incomplete: int,
    kept: int,
    rows: int,
    shared: int,
) -> tuple[str, ...]:
    """Say what was done to the runs."""
    out = []
    for left, lack in (
        (missing, ("has", "have", f"no {response}")),
        (incomplete, ("lacks", "lack", "the level of an option")),
    ):
        if left:
            one, many, what = lack
            verb, end = (one, "is") if left == 1 else (many, "are")
            whole = several(runs, "run")
            out.append(f"{left} of {whole} {verb} {what} and {end} left out")
    if kept > rows:
        out.append(f"{runs_of(kept, rows)}: repeats are averaged")
    if shared:
        verb = "shares" if shared == 1 else "share"
        out.append(
            f"{several(shared, 'configuration')} {verb} the measurement of another, "
            "being the same in fact: they are one in folds and intervals"
        )
    return tuple(out)
