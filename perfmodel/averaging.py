"""Runs as rows to learn from: without a response left out, repeats averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perfmodel.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["averaged_runs"]


def averaged_runs(runs: pd.DataFrame, response: str, where: str = "") -> dict[str, Any]:
    """Drop runs that lack something, and average those of one configuration.

    Parameters
    ----------
    runs : DataFrame
        Option columns, then the response; the index counts the rows of the table.
    response : str
        Its last column.
    where : str, default=""
        Which environment they are of, for messages.

    Returns
    -------
    dict
        ``X``, the configurations in the order of their first run; ``y``, their mean
        response; ``replicates``, how many runs each stands for; ``counted``, what was
        left out or averaged, one phrase each.

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
            f"response {response!r} is missing in all {len(runs)} runs{where}; choose "
            "another response, or measure again"
        )
    kept = runs[has_response & has_levels]
    if len(kept) == 0:
        raise DataError(
            f"no run{where} has a level of every option ({', '.join(names)}); name "
            "fewer options"
        )
    groups = kept.groupby(names, sort=False, observed=True)[response]
    means, sizes = groups.mean(), groups.size()
    averaged = means.reset_index()
    return {
        "X": averaged[names].infer_objects(),
        "y": averaged[response].to_numpy(dtype=float),
        "replicates": sizes.to_numpy(dtype=np.int64),
        "counted": _counted(
            len(runs),
            response,
            missing=int((~has_response).sum()),
            incomplete=int((has_response & ~has_levels).sum()),
            repeats=len(kept) - len(means),
        ),
    }


def _counted(
    runs: int, response: str, missing: int, incomplete: int, repeats: int
) -> tuple[str, ...]:
    """Say what was done to the runs."""
    out = []
    if missing:
        verb = "has" if missing == 1 else "have"
        end = "is left out" if missing == 1 else "are left out"
        out.append(f"{missing} of {runs} runs {verb} no {response} and {end}")
    if incomplete:
        verb = "lacks" if incomplete == 1 else "lack"
        end = "is left out" if incomplete == 1 else "are left out"
        out.append(
            f"{incomplete} of {runs} runs {verb} the level of an option and {end}"
        )
    if repeats:
        word = "repeat" if repeats == 1 else "repeats"
        out.append(f"{repeats} {word} of a configuration averaged")
    return tuple(out)
