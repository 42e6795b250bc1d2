"""Sweep: design x device x workload -> store; resumable, one at a time per device.

A run is appended when it ends. Whatever happens between two commits (Ctrl-C, kill,
power cut) costs the run that was being measured and nothing else: `Sweep.of_plan`
goes on with what the store lacks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from measure.errors import SweepError
from measure.levels import Level
from measure.locks import device_lock
from measure.planning import labelled, make_plan
from measure.protocol import MeasurementProtocol
from measure.records import Environment, Plan
from measure.selection import select
from measure.sitting import Progress, Sitting

__all__ = ["Outcome", "Progress", "Sweep", "check_resumable"]

if TYPE_CHECKING:
    from measure.designs.base import Design
    from measure.devices.base import Device
    from measure.store import ResultStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one sitting of a sweep ended.

    Parameters
    ----------
    plan : Plan
        The sweep.
    stopped : str
        Empty if all was measured that could be, else ``interrupted`` or ``budget``.
    wall_s : float
        How long it took.
    runs_done : int
        Design runs finished in this sitting.
    """

    plan: Plan
    stopped: str
    wall_s: float
    runs_done: int


class Sweep:
    """A design measured on a device, into a store.

    Parameters
    ----------
    device : Device
        What measures.
    design : Design
        The configurations, one row a run.
    store : ResultStore
        Where runs are appended.
    networks, workloads : sequence of str, optional
        What is measured; as in `measure.selection.select`.
    protocol : MeasurementProtocol, optional
        How; the full protocol by default.
    held : mapping of str to level, optional
        Options held at one level.
    labels : mapping of str to str, optional
        The user's names for the environment's device and version.
    seed : int, default=0
        Of the random order.

    Examples
    --------
    >>> from measure.designs.making import make_design
    >>> from measure.devices.opening import open_device
    >>> from measure.store import MemoryStore
    >>> store = MemoryStore()
    >>> with open_device("sim:effects") as device:
    ...     design = make_design("random", device.space(), runs=8, seed=0)
    ...     sweep = Sweep(device, design, store, networks=["resnet50"])
    ...     outcome = sweep.run()
    >>> outcome.runs_done, len(store.runs())
    (8, 10)
    """

    def __init__(
        self,
        device: Device,
        design: Design,
        store: ResultStore,
        *,
        networks: Sequence[str] | None = None,
        workloads: Sequence[str] | None = None,
        protocol: MeasurementProtocol | None = None,
        held: Mapping[str, Level] | None = None,
        labels: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> None:
        plan = make_plan(
            device,
            select(device, networks, workloads).pairs,
            design,
            protocol or MeasurementProtocol(),
            held=held,
            labels=labels,
            seed=seed,
        )
        self._assign(device, plan, store)

    @classmethod
    def of_plan(cls, device: Device, plan: Plan, store: ResultStore) -> Sweep:
        """Return the sweep of a plan, new or already begun.

        Parameters
        ----------
        device : Device
            Opened as the plan says.
        plan : Plan
            From `make_plan`, or from a store.
        store : ResultStore
            Holds the plan and its runs so far, if it was begun.

        Returns
        -------
        Sweep
            `run` goes on with what is not finished.
        """
        sweep = cls.__new__(cls)
        sweep._assign(device, plan, store)
        return sweep

    def _assign(self, device: Device, plan: Plan, store: ResultStore) -> None:
        self.device, self.plan, self.store = device, plan, store

    def run(
        self,
        *,
        budget_s: float | None = None,
        tell: Callable[[Progress], None] | None = None,
    ) -> Outcome:
        """Measure what the store lacks, in planned order.

        A run that fails from outside is queued again: once if it never failed
        before this sitting, not at all if this sitting is its second chance.

        Parameters
        ----------
        budget_s : float, optional
            No run is begun later than this; the closing reference runs still are.
        tell : callable, optional
            Called with a `Progress` after each run.

        Returns
        -------
        Outcome
            ``stopped`` says whether it was interrupted (Ctrl-C) or out of budget.

        Raises
        ------
        SweepError
            If another process sweeps the device.
        EnvironmentMismatch
            If the device is no longer what the sweep was begun on.
        StoreError
            If a run cannot be stored; those before it are safe.
        """
        start = time.perf_counter()
        where = str(getattr(self.store, "path", "memory"))
        with device_lock(self.device.place, where):
            environments = self._environments()
            if all(p.sweep_id != self.plan.sweep_id for p in self.store.plans()):
                self.store.add_plan(self.plan)
            sitting = Sitting(
                self.device,
                self.plan,
                self.store,
                environments,
                tell or (lambda progress: None),
            )
            stopped = sitting.carry_out(start, budget_s)
        return Outcome(
            plan=self.plan,
            stopped=stopped,
            wall_s=time.perf_counter() - start,
            runs_done=sitting.runs_done,
        )

    def _environments(self) -> dict[tuple[str, str], Environment]:
        """Return today's environments, refusing those that are not the plan's."""
        found = {}
        for planned in self.plan.environments:
            pair = (planned.network, planned.workload)
            today = labelled(self.device.environment(*pair), self.plan.labels)
            planned.require_match(today)
            found[pair] = today
        return found


def check_resumable(plan: Plan, device: Device) -> None:
    """Raise unless a device is the one that a plan was made for.

    Parameters
    ----------
    plan : Plan
        From a store.
    device : Device
        Opened by the plan's address.

    Raises
    ------
    SweepError
        If it lacks a network or workload of the plan.
    """
    offered = device.networks()
    for environment in plan.environments:
        if environment.network not in offered:
            raise SweepError(
                f"sweep {plan.sweep_id}: device {device.name} no longer has network "
                f"{environment.network!r}; it has {', '.join(offered)}"
            )
