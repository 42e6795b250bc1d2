"""What setting dear options takes in an order of runs, and in a random one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from measure.spelling import several

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from measure.configuration import Configuration
    from measure.space import ConfigurationSpace

_SHUFFLES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How often dear options are set anew, and how long that takes.

    Parameters
    ----------
    options : tuple of str
        Those with a ``change_cost_s``.
    planned, random : float
        Changes of level from run to run, each option counted, in the planned order;
        and on average if the design's runs stood in random order.
    planned_s, random_s : float
        What they take.
    """

    options: tuple[str, ...]
    planned: float
    random: float
    planned_s: float
    random_s: float

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values.

        Returns
        -------
        dict
            Keys as the fields.
        """
        return {**asdict(self), "options": list(self.options)}

    def describe(self, plotted_s: float | None = None) -> str:
        """Say it in a sentence.

        Parameters
        ----------
        plotted_s : float, optional
            What the changes of a split-plot design would take, where this is none.

        Returns
        -------
        str
            With the saving against the other order.
        """
        count = several(round(self.planned), "change")
        words = (
            f"setting {', '.join(self.options)}: {count}, about "
            f"{_seconds(self.planned_s)}"
        )
        if plotted_s is not None:
            return f"{words}; --design split-plot: about {_seconds(plotted_s)}"
        return (
            f"{words}, in this order; {self.random:.0f}, about "
            f"{_seconds(self.random_s)}, in random order"
        )


def dear_options(space: ConfigurationSpace) -> tuple[str, ...]:
    """Return the options that take time to change.

    Parameters
    ----------
    space : ConfigurationSpace
        Any.

    Returns
    -------
    tuple of str
        Those with a ``change_cost_s`` above 0.
    """
    return tuple(o.name for o in space.options if o.change_cost_s > 0)


def usual_change_s(space: ConfigurationSpace) -> float:
    """Return what setting dear options takes from one random configuration to the next.

    Parameters
    ----------
    space : ConfigurationSpace
        Any.

    Returns
    -------
    float
        Seconds; an option of L levels changes (L - 1) / L times.

    Examples
    --------
    >>> from measure.space import ConfigurationSpace
    >>> usual_change_s(ConfigurationSpace.from_dict({"options": {
    ...     "isa": {"kind": "boolean", "change_cost_s": 30}}}))
    15.0
    """
    costs = [o.change_cost_s * (1 - 1 / len(o.levels)) for o in space.options]
    return float(sum(costs))


def changes_of(
    space: ConfigurationSpace,
    runs: Sequence[Configuration],
    movable: Sequence[bool],
) -> Changes | None:
    """Count the changes of dear options in an order of runs.

    Parameters
    ----------
    space : ConfigurationSpace
        With costs.
    runs : sequence of Configuration
        In their order.
    movable : sequence of bool
        Which would stand elsewhere in a random order; reference runs would not.

    Returns
    -------
    Changes or None
        None where no option is dear.
    """
    names = dear_options(space)
    if not names or len(runs) < 2:
        return None
    levels = np.array(
        [[space.options[name].index(run[name]) for name in names] for run in runs]
    )
    costs = np.array([space.options[name].change_cost_s for name in names])
    planned, planned_s = _count(levels, costs)
    where = np.flatnonzero(np.asarray(movable))
    rng = np.random.default_rng(0)
    found = []
    for _ in range(_SHUFFLES):
        shuffled = levels.copy()
        shuffled[where] = levels[rng.permutation(where)]
        found.append(_count(shuffled, costs))
    random, random_s = np.mean(found, axis=0)
    return Changes(
        options=names,
        planned=planned,
        random=float(random),
        planned_s=planned_s,
        random_s=float(random_s),
    )


def _count(
    levels: NDArray[np.int64], costs: NDArray[np.float64]
) -> tuple[float, float]:
    changed = (levels[1:] != levels[:-1]).sum(axis=0)
    return float(changed.sum()), float(changed @ costs)


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"
