"""How each configuration is measured, and in which order: plain data in the plan.

Random order within blocks, whole plots kept together, and the reference
configuration at the start, at the end and every tenth run between: its line is the
drift that all other runs are judged against.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from measure.errors import SweepError
from measure.workloads.base import Timing

#: Role of the runs a model learns from, and of those that only tell the drift.
DESIGN, REFERENCE = "design", "reference"
#: Levels of ``--protocol``.
PROTOCOLS = ("full", "quick")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementProtocol:
    """How often, how long and in which order a configuration is measured.

    Parameters
    ----------
    name : str, default="full"
        ``"full"``, or ``"quick"``: one short batch and no warm-up test.
    seconds : float, default=0.35
        Measuring time of a run once it is warm.
    min_calls : int, default=5
        Calls that a run has at least, however long one takes.
    warm_up_cap_s : float, default=2.0
        The warm-up ends here at the latest, flagged where nothing was steady yet.
    time_limit_s : float, default=60.0
        A run that takes longer has failed, and its configuration is the cause.
    replicates : int, default=1
        How often each design row is measured, each time in a fresh process.
    reference_every : int, default=10
        Design runs between two runs of the reference configuration.
    cool_down_s : float, default=0.0
        Pause before each run.

    Raises
    ------
    SweepError
        If a number is out of its range.

    Examples
    --------
    >>> MeasurementProtocol(seconds=0.1).seconds
    0.1
    >>> MeasurementProtocol.quick().name
    'quick'
    """

    name: str = "full"
    seconds: float = 0.35
    min_calls: int = 5
    warm_up_cap_s: float = 2.0
    time_limit_s: float = 60.0
    replicates: int = 1
    reference_every: int = 10
    cool_down_s: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in PROTOCOLS:
            allowed = ", ".join(PROTOCOLS)
            raise SweepError(f"no protocol {self.name!r}; choose one of {allowed}")
        least = {"min_calls": 1, "replicates": 1, "reference_every": 1}
        for field in fields(self):
            if field.name == "name":
                continue
            value = getattr(self, field.name)
            low = least.get(field.name, 0)
            if not math.isfinite(value) or value < low:
                raise SweepError(
                    f"protocol: {field.name} is {value}; it must be a number of at "
                    f"least {low}"
                )
        if self.seconds <= 0 or self.time_limit_s <= self.seconds:
            raise SweepError(
                f"protocol: seconds is {self.seconds:g}; it must be more than 0 and "
                f"less than the time limit of {self.time_limit_s:g} s"
            )

    @classmethod
    def full(cls, **values: float) -> MeasurementProtocol:
        """Return the protocol for results that are kept.

        Parameters
        ----------
        **values : float
            What shall differ from the defaults.

        Returns
        -------
        MeasurementProtocol
            Warm-up test, 0.35 s of measuring, at least five calls.
        """
        return replace(cls(), **values)  # type: ignore[arg-type]

    @classmethod
    def quick(cls, **values: float) -> MeasurementProtocol:
        """Return the protocol for a first look: one short batch, no warm-up test.

        Parameters
        ----------
        **values : float
            What shall differ from the defaults.

        Returns
        -------
        MeasurementProtocol
            0.05 s of measuring, at least one call.
        """
        base = cls(name="quick", seconds=0.05, min_calls=1, warm_up_cap_s=0.0)
        return replace(base, **values)  # type: ignore[arg-type]

    def timing(self) -> Timing:
        """Return what a measured process has to know.

        Returns
        -------
        Timing
            Plain values.
        """
        return Timing(
            seconds=self.seconds,
            min_calls=self.min_calls,
            warm_up_cap_s=self.warm_up_cap_s,
            time_limit_s=self.time_limit_s,
            quick=self.name == "quick",
        )

    def to_dict(self) -> dict[str, str | float]:
        """Return the values as plain data.

        Returns
        -------
        dict
            Field names and values.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> MeasurementProtocol:
        """Return the protocol that `to_dict` gave `values` of.

        Parameters
        ----------
        values : mapping
            Field names and values.

        Returns
        -------
        MeasurementProtocol
            Equal to the one that was written.

        Raises
        ------
        SweepError
            If a name is unknown.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise SweepError(
                f"protocol: unknown value {unknown[0]!r}; it has {', '.join(known)}"
            )
        return cls(**values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One place in the run order.

    Parameters
    ----------
    row : int or None
        Row of the design; None for the reference configuration.
    replicate : int
        Which repeat of the row this is, from 0.
    block, whole_plot : int or None
        As in the design; None where it has none.
    """

    row: int | None
    replicate: int = 0
    block: int | None = None
    whole_plot: int | None = None

    @property
    def role(self) -> str:
        """``"reference"`` or ``"design"``."""
        return REFERENCE if self.row is None else DESIGN


def run_order(
    rows: int,
    rng: np.random.Generator,
    *,
    replicates: int = 1,
    reference_every: int = 10,
    blocks: Sequence[int] | None = None,
    whole_plots: Sequence[int] | None = None,
) -> list[Slot]:
    """Return the order in which a design is run, reference runs included.

    All rows are run once before any is repeated, so that a sweep that is cut short
    has as many configurations as it can. Within such a round, blocks follow each
    other as the design has them; whole plots of a block, and rows of a whole plot,
    are in random order. A reference run never splits a whole plot. A repeat of a whole
    plot is a whole plot of its own, with its own number: its hard options are set anew.

    Parameters
    ----------
    rows : int
        Rows of the design.
    rng : numpy.random.Generator
        Source of the order.
    replicates : int, default=1
        How often each row is run.
    reference_every : int, default=10
        Design runs between two reference runs.
    blocks, whole_plots : sequence of int, optional
        Block and whole plot of each row.

    Returns
    -------
    list of Slot
        First and last are the reference.

    Examples
    --------
    >>> order = run_order(3, np.random.default_rng(0))
    >>> [slot.role for slot in order]
    ['reference', 'design', 'design', 'design', 'reference']
    """
    order: list[Slot] = []
    since = reference_every
    labels = [int(plot) for plot in whole_plots or ()]
    span = max(labels) - min(labels) + 1 if labels else 0
    for replicate in range(replicates):
        for unit in _units(rows, rng, blocks, whole_plots):
            if since >= reference_every:
                order.append(Slot(row=None))
                since = 0
            for row in unit:
                slot = Slot(
                    row=row,
                    replicate=replicate,
                    block=None if blocks is None else int(blocks[row]),
                    whole_plot=labels[row] + replicate * span if labels else None,
                )
                order.append(slot)
                since += 1
    order.append(Slot(row=None))
    return order


def run_orders(
    environments: int,
    rows: int,
    rng: np.random.Generator,
    *,
    replicates: int = 1,
    reference_every: int = 10,
    blocks: Sequence[int] | None = None,
    whole_plots: Sequence[int] | None = None,
) -> list[list[Slot]]:
    """Return the order of each environment: its own, but for whole plots.

    Parameters
    ----------
    environments : int
        How many.
    rows : int
        Rows of the design.
    rng : numpy.random.Generator
        Source of the order.
    replicates : int, default=1
        As for `run_order`.
    reference_every : int, default=10
        As for `run_order`.
    blocks, whole_plots : sequence of int, optional
        As for `run_order`.

    Returns
    -------
    list of list of Slot
        Whole plots stand in the same order in all of them, so that environments which
        take turns share the hard options' levels; the rows of a plot do not.
    """
    first = run_order(
        rows,
        rng,
        replicates=replicates,
        reference_every=reference_every,
        blocks=blocks,
        whole_plots=whole_plots,
    )
    if whole_plots is not None:
        return [first, *(_shuffled(first, rng) for _ in range(environments - 1))]
    others = [
        run_order(
            rows,
            rng,
            replicates=replicates,
            reference_every=reference_every,
            blocks=blocks,
        )
        for _ in range(environments - 1)
    ]
    return [first, *others]


def take_turns(orders: Sequence[Sequence[Slot]]) -> list[tuple[int, Slot]]:
    """Return the runs of all environments in one order.

    Parameters
    ----------
    orders : sequence of sequence of Slot
        One an environment.

    Returns
    -------
    list of tuple of int and Slot
        Environment and slot. They alternate at reference runs, or, where there are
        whole plots, at each of these, so that the hard options stay for all of them.
    """
    turns: list[tuple[int, Slot]] = []
    for together in itertools.zip_longest(*map(_pieces, orders)):
        for index, piece in enumerate(together):
            turns += [(index, slot) for slot in piece or ()]
    return turns


def _pieces(order: Sequence[Slot]) -> list[list[Slot]]:
    """Cut an order before each reference run, and around each whole plot."""
    pieces: list[list[Slot]] = []
    for place, slot in enumerate(order):
        before = order[place - 1] if place else None
        cut = slot.row is None or before is None
        if slot.whole_plot is not None and before is not None:
            cut = _visit(slot) != _visit(before)
        if cut:
            pieces.append([])
        pieces[-1].append(slot)
    return pieces


def _visit(slot: Slot) -> tuple[int | None, int | None, int, bool]:
    """Return what the slots of one visit to a whole plot share."""
    return slot.block, slot.whole_plot, slot.replicate, slot.row is None


def _shuffled(order: Sequence[Slot], rng: np.random.Generator) -> list[Slot]:
    """Return the same order of whole plots, with other orders within them."""
    found: list[Slot] = []
    for _, group in itertools.groupby(order, key=_visit):
        slots = list(group)
        found += [slots[int(i)] for i in rng.permutation(len(slots))]
    return found


def _units(
    rows: int,
    rng: np.random.Generator,
    blocks: Sequence[int] | None,
    whole_plots: Sequence[int] | None,
) -> list[list[int]]:
    """Return groups of rows that nothing may come between, in their random order."""
    by_block: dict[int, dict[int, list[int]]] = {}
    for row in range(rows):
        block = 0 if blocks is None else int(blocks[row])
        plot = row if whole_plots is None else int(whole_plots[row])
        by_block.setdefault(block, {}).setdefault(plot, []).append(row)
    units: list[list[int]] = []
    for plots in by_block.values():
        groups = list(plots.values())
        for index in rng.permutation(len(groups)):
            group = groups[int(index)]
            units.append([group[int(i)] for i in rng.permutation(len(group))])
    return units
