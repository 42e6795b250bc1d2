"""Which configurations are worth choosing: fronts of responses, and the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perfmodel.candidates import Candidates
from perfmodel.constraints import Constraint, direction, parse_constraint
from perfmodel.dominance import dominated_volume, non_dominated, told_apart
from perfmodel.errors import SelectionError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from measure.space import ConfigurationSpace
    from perfmodel.dataset import PerformanceDataset

    Floats = NDArray[np.float64]

__all__ = ["ParetoFront", "pareto_front", "recommend"]

LEVEL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoFront:
    """Configurations that no other one beats in all responses.

    Parameters
    ----------
    frame : DataFrame
        One row a configuration: its options, each response, ``NAME_lower`` and
        ``NAME_upper`` (NaN where measured), and ``measured``.
    options : tuple of str
        The option columns.
    responses : mapping of str to str
        Each response and its unit.
    maximised : tuple of str
        The responses of which more is better.
    reference_point : mapping of str to float
        The worst value of each response over all candidates: where `hypervolume`
        ends by default.
    candidates : DataFrame
        All configurations that were compared, with the same columns.
    notes : tuple of str
        What a reader must know, a line each.
    """

    frame: pd.DataFrame
    options: tuple[str, ...]
    responses: Mapping[str, str]
    maximised: tuple[str, ...]
    reference_point: Mapping[str, float]
    candidates: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def told_apart(self) -> int:
        """How many rows differ from each other by more than their intervals."""
        return len(self.apart)

    @property
    def apart(self) -> NDArray[np.intp]:
        """Positions of the rows that differ from each other by more than intervals.

        Intervals of two of them have nothing in common in some response. What was
        measured counts as certain.
        """
        names = list(self.responses)
        values = self.frame[names].to_numpy(dtype=float)
        lower, upper = (
            self.frame[[f"{name}_{end}" for name in names]].to_numpy(dtype=float)
            for end in ("lower", "upper")
        )
        return told_apart(
            np.where(np.isnan(lower), values, lower),
            np.where(np.isnan(upper), values, upper),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table.

        Returns
        -------
        DataFrame
            One row a configuration.
        """
        return self.frame.copy()

    def hypervolume(
        self, reference: Mapping[str, float] | Sequence[float] | None = None
    ) -> float:
        """Return the volume that the front dominates.

        Parameters
        ----------
        reference : mapping or sequence of float, optional
            The point that the volume ends at, one value a response;
            `reference_point` by default.

        Returns
        -------
        float
            In the product of the responses' units.

        Raises
        ------
        SelectionError
            If it has not one value for each response.
        """
        names = list(self.responses)
        given = self.reference_point if reference is None else reference
        if isinstance(given, Mapping):
            missing = [name for name in names if name not in given]
            values = [] if missing else [float(given[name]) for name in names]
        else:
            values = [float(value) for value in given]
        if len(values) != len(names):
            raise SelectionError(
                f"a reference point needs one value for each of {', '.join(names)}"
            )
        signs = _signs(names, self.maximised)
        points = self.frame[names].to_numpy(dtype=float)
        return dominated_volume(points * signs, np.array(values) * signs)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the front in its first two responses, over all candidates.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes
            What was drawn on.

        Raises
        ------
        SelectionError
            If there is only one response.
        """
        from perfmodel.plots import plot_front

        names = list(self.responses)
        if len(names) < 2:
            raise SelectionError(
                f"a front of {names[0]} alone is one point, no picture"
            )
        labels = [
            f"{name} ({unit})" if unit else name
            for name, unit in self.responses.items()
        ]
        return plot_front(self.frame, names, ax, others=self.candidates, labels=labels)


def pareto_front(
    sources: Any,
    space: ConfigurationSpace | None = None,
    *,
    data: PerformanceDataset | None = None,
    directions: Sequence[str] = (),
    level: float = LEVEL,
    seed: int = 0,
) -> ParetoFront:
    """Find the configurations that no other one beats in all responses.

    Of datasets this is the front of what was measured, replicates averaged. Of models
    it is the front of predictions over all valid configurations (a seeded sample of
    50,000 where there are more); what `data` measured stands in place of predictions.

    Parameters
    ----------
    sources : model, PerformanceDataset, or a sequence of either
        One model a response, or runs with one or more responses; not both.
    space : ConfigurationSpace, optional
        Configurations to predict; by default the first model's.
    data : PerformanceDataset, optional
        Runs of the models' environment, with all of their responses.
    directions : sequence of str, optional
        ``-NAME`` to minimise and ``+NAME`` to maximise a response. Otherwise all are
        minimised but ``throughput_hz`` and ``accuracy``.
    level : float, default=0.9
        Level of the prediction intervals.
    seed : int, default=0
        Seed of the sample.

    Returns
    -------
    ParetoFront
        Sorted by the first response, the best first.

    Raises
    ------
    SelectionError
        If a response is there twice, or is not there.
    ModelError
        If a model does not know its response or its options.

    Examples
    --------
    >>> import pandas as pd
    >>> from perfmodel.dataset import PerformanceDataset
    >>> frame = pd.DataFrame({"threads": [1, 2, 4], "t": [4.0, 2.0, 3.0],
    ...                       "e": [1.0, 2.0, 4.0]})
    >>> data = PerformanceDataset.from_frame(
    ...     frame, options=["threads"], response=["t", "e"])
    >>> front = pareto_front(data)
    >>> front.frame["threads"].tolist(), front.hypervolume((4.0, 4.0))
    ([2, 1], 4.0)
    """
    found = Candidates(sources, space, data, level, seed)
    return _front(found, found.rows, directions)


def recommend(
    sources: Any,
    minimize: str,
    subject_to: Sequence[str] = (),
    space: ConfigurationSpace | None = None,
    *,
    data: PerformanceDataset | None = None,
    level: float = LEVEL,
    seed: int = 0,
) -> ParetoFront:
    """Find the best configurations that keep constraints.

    Parameters
    ----------
    sources : model, PerformanceDataset, or a sequence of either
        As for `pareto_front`.
    minimize : str
        The response to minimise; ``throughput_hz`` and ``accuracy`` are maximised,
        and any ``+NAME``.
    subject_to : sequence of str, optional
        Such as ``latency_s<=0.05`` or ``batch_size=1``. A prediction keeps a bound if
        the worse end of its interval does.
    space : ConfigurationSpace, optional
        As for `pareto_front`.
    data : PerformanceDataset, optional
        As for `pareto_front`.
    level : float, default=0.9
        Level of the prediction intervals.
    seed : int, default=0
        Seed of the sample.

    Returns
    -------
    ParetoFront
        Of the response to minimise and those bounded, the best first; further rows
        cost more and keep a bound by more.

    Raises
    ------
    SelectionError
        If nothing keeps the constraints; the message says how close one comes.
    """
    found = Candidates(sources, space, data, level, seed)
    objective, maximise = direction(minimize, found.responses)
    constraints = [
        parse_constraint(text, list(found.responses), found.space)
        for text in subject_to
    ]
    bounded = [one.name for one in constraints if not one.is_option]
    if bounded:
        found.add_intervals(found.rows.index)
    kept = np.ones(len(found.rows), dtype=bool)
    likely = kept.copy()
    for constraint in constraints:
        kept &= constraint.holds(found.rows)
        likely &= constraint.compare(found.rows[constraint.name])
    if not kept.any():
        raise SelectionError(_nothing_keeps(found, constraints, likely))
    directions = [("+" if maximise else "-") + objective]
    for constraint in constraints:
        if constraint.name in bounded and constraint.name != objective:
            less = constraint.relation.startswith("<")
            directions.append(("-" if less else "+") + constraint.name)
    names = list(dict.fromkeys([objective, *bounded]))
    responses = {name: found.responses[name] for name in names}
    front = _front(found, found.rows[kept], directions, responses)
    unsure = int((likely & ~kept).sum())
    if unsure:
        note = (
            f"{unsure} further configurations keep the constraints by prediction, but "
            f"not at the worse end of the {100 * level:g} % interval: measure them"
        )
        front = replace(front, notes=(*front.notes, note))
    return front


def _signs(names: Sequence[str], maximised: Sequence[str]) -> Floats:
    return np.array([-1.0 if name in maximised else 1.0 for name in names])


def _front(
    found: Candidates,
    rows: pd.DataFrame,
    directions: Sequence[str],
    responses: Mapping[str, str] | None = None,
) -> ParetoFront:
    """Return the front of some rows in some responses."""
    responses = found.responses if responses is None else responses
    maximise = dict(direction(name, responses) for name in responses)
    maximise.update(direction(word, responses) for word in directions)
    maximised = tuple(name for name in responses if maximise[name])
    names = list(responses)
    signs = _signs(names, maximised)
    points = rows[names].to_numpy(dtype=float) * signs
    index = rows.index[non_dominated(points)]
    found.add_intervals(index)
    rows = found.rows.loc[rows.index]
    order = np.lexsort((rows.loc[index, names].to_numpy(float) * signs).T[::-1])
    columns = [*found.space.names, *names]
    columns += [f"{name}_{end}" for name in names for end in ("lower", "upper")]
    columns.append("measured")
    front = ParetoFront(
        frame=found.rows.loc[index[order], columns].reset_index(drop=True),
        options=found.space.names,
        responses=dict(responses),
        maximised=maximised,
        reference_point={
            name: float(value) for name, value in zip(names, points.max(axis=0) * signs)
        },
        candidates=rows[columns].reset_index(drop=True),
        notes=tuple(found.notes),
    )
    if front.frame["measured"].all() or front.told_apart == len(front.frame):
        return front
    where = "all responses" if len(names) > 1 else names[0]
    level = f"{100 * found.level:g} %"
    count, apart = len(front.frame), front.told_apart
    if apart == 1:
        note = (
            f"these {count} configurations cannot be told apart: their {level} "
            f"intervals overlap that of the first in {where}"
        )
    else:
        note = (
            f"of these {count} configurations {apart} can be told apart: of the "
            f"others, the {level} interval overlaps that of one of them in {where}"
        )
    note += "; measure them to tell more"
    return replace(front, notes=(*front.notes, note))


def _nothing_keeps(
    found: Candidates, constraints: Sequence[Constraint], likely: NDArray[np.bool_]
) -> str:
    """Say that no configuration keeps the constraints, and how close one comes."""
    text = ", ".join(map(str, constraints))
    if likely.any():
        return (
            f"no configuration surely keeps {text}: {int(likely.sum())} do by "
            f"prediction, but not at the worse end of the {100 * found.level:g} % "
            "interval; measure more runs, or loosen the bound"
        )
    left = np.ones(len(found.rows), dtype=bool)
    for one in constraints:
        if one.is_option:
            left &= one.compare(found.rows[one.name])
    reached = []
    for one in constraints:
        if not one.is_option and left.any():
            values = found.rows.loc[left, one.name]
            best = values.min() if one.relation.startswith("<") else values.max()
            reached.append(f"{one.name} reaches {best:.4g}")
    return (
        f"no configuration keeps {text}"
        + (f"; {', '.join(reached)}" if reached else "")
        + "; loosen a constraint"
    )
