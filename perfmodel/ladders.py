"""Whether the runs lie where a model of them will be asked.

An optimal design for main effects and interactions puts its runs at the ends of
each ladder of levels. Cross-validation then leaves out only more ends: its error
says nothing of the levels between, where a curved response may be far off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from measure.space import ConfigurationSpace

# From here on a ladder has more levels between its ends than at them.
_LONG = 5
# Below this part of what runs spread evenly would have between the ends, it is said.
_SPARSE = 0.5
_BOTH = "(sweep --model quadratic, or --design random)"


def sparse_ladders(space: ConfigurationSpace, runs: pd.DataFrame) -> tuple[str, ...]:
    """Say which numeric options were hardly measured between their end levels.

    Parameters
    ----------
    space : ConfigurationSpace
        The options with all their levels.
    runs : DataFrame, shape (n, n_options)
        The levels that were measured.

    Returns
    -------
    tuple of str
        One phrase that names the options; empty where there is none.

    Examples
    --------
    >>> import pandas as pd
    >>> from measure.options import Option
    >>> from measure.space import ConfigurationSpace
    >>> space = ConfigurationSpace([Option(name="f", levels=(1, 2, 3, 4, 5, 6))])
    >>> sparse_ladders(space, pd.DataFrame({"f": [1, 6, 6, 1, 1, 3, 6, 6]}))[0][:39]
    'hardly measured between the ends of f: '
    >>> sparse_ladders(space, pd.DataFrame({"f": [1, 2, 3, 4, 5, 6]}))
    ()
    """
    sparse = []
    curved = False
    for option in space.options:
        if option.kind != "numeric" or len(option.levels) < _LONG:
            continue
        levels = sorted(float(level) for level in option.levels)
        measured = runs[option.name].dropna().astype(float).to_numpy()
        if not len(measured):
            continue
        between = float(np.mean((measured > levels[0]) & (measured < levels[-1])))
        even = (len(levels) - 2) / len(levels)
        if between < _SPARSE * even:
            sparse.append(option.name)
            curved = curved or between > 0
    if not sparse:
        return ()
    return (
        f"hardly measured between the ends of {', '.join(sparse)}: the error on unseen "
        "runs is about such ends too, and may be far larger between; add runs there "
        # Some between are what a quadratic design measures: one level of many.
        + ("(sweep --design random)" if curved else _BOTH),
    )
