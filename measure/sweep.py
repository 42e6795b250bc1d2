"""Sweep: design x device x workload -> store; resumable, one at a time per device.

A run is appended when it ends. Whatever happens between two commits (Ctrl-C, kill,
power cut) costs the run that was being measured and nothing else: `Sweep.of_plan`
goes on with what the store lacks.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from measure.configuration import Configuration
from measure.errors import RunFailed, SweepError
from measure.judgement import last_attempts, pending
from measure.levels import Level
from measure.locks import device_lock
from measure.planning import labelled, make_plan, now, select
from measure.protocol import MeasurementProtocol
from measure.records import Environment, Plan, PlannedRun, Run
from measure.responses import readings_of

if TYPE_CHECKING:
    from measure.designs.base import Design
    from measure.devices.base import Device, Measurement
    from measure.store import ResultStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a sweep stands; given to whoever wants to be told.

    Parameters
    ----------
    step : str
        ``prepare`` (building what is measured) or ``run``.
    done, total : int
        Runs of this sitting, reference runs included.
    left_s : float or None
        Time left, estimated from the runs so far.
    run : Run or None
        The run that has just ended.
    text : str
        What is being prepared.
    """

    step: str
    done: int
    total: int
    left_s: float | None = None
    run: Run | None = None
    text: str = ""


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
        What is measured; as in `measure.planning.select`.
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
        self._protocol = MeasurementProtocol.from_dict(dict(plan.protocol))
        self._timing = self._protocol.timing()

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
        with device_lock(self.device.address, where):
            environments = self._environments()
            if all(p.sweep_id != self.plan.sweep_id for p in self.store.plans()):
                self.store.add_plan(self.plan)
            sitting = _Sitting(self, environments, tell or (lambda progress: None))
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


class _Sitting:
    """One go at a sweep, from start or resume to its end."""

    def __init__(
        self,
        sweep: Sweep,
        environments: Mapping[tuple[str, str], Environment],
        tell: Callable[[Progress], None],
    ) -> None:
        self.sweep, self.plan, self.store = sweep, sweep.plan, sweep.store
        self.environments, self.tell = environments, tell
        before = self.store.runs(self.plan.sweep_id)
        self.order = len(before)
        self.runs_done = 0
        self.measured: dict[tuple[Any, ...], list[Run]] = {}
        for run in before:
            self._remember(run)
        attempts = last_attempts(before)
        self.second_chance = {s for s, r in attempts.items() if r.status == "failed"}
        self.queue = pending(self.plan, before)
        self.opening = _opening(self.plan, self.queue) if before else []
        self.total = len(self.queue) + len(self.opening)
        self.ended = 0

    def carry_out(self, start: float, budget_s: float | None) -> str:
        """Measure the queue; return why it stopped early, if it did."""
        try:
            self._prepare()
            began = time.perf_counter()
            for planned in self.opening:
                self._measure(None, planned, began)
            while self.queue:
                if budget_s is not None and time.perf_counter() - start > budget_s:
                    self._close(began)
                    return "budget"
                self._next(began)
        except KeyboardInterrupt:
            return "interrupted"
        return ""

    def _prepare(self) -> None:
        """Let the device build what is measured, so that no run waits for it."""
        for network, workload in self.environments:
            wanted: dict[Configuration, None] = {}
            for slot in self.queue:
                run = self.plan.runs[slot]
                if (run.network, run.workload) == (network, workload):
                    wanted[run.configuration] = None
            if wanted:
                self.sweep.device.prepare(
                    network, workload, list(wanted), self._tell_prepared
                )

    def _tell_prepared(self, done: int, total: int, text: str = "") -> None:
        self.tell(Progress(step="prepare", done=done, total=total, text=text))

    def _next(self, began: float) -> None:
        slot = self.queue.pop(0)
        run = self._measure(slot, self.plan.runs[slot], began)
        if run.status == "failed" and not run.final and slot not in self.second_chance:
            self.second_chance.add(slot)
            self.total += 1
            self.queue.insert(self._before_closing(), slot)

    def _before_closing(self) -> int:
        """Return the place before the reference runs that end the queue."""
        place = len(self.queue)
        while place and self.plan.runs[self.queue[place - 1]].role == "reference":
            place -= 1
        return place

    def _close(self, began: float) -> None:
        """Measure each environment's reference, so that a cut sweep shows its drift."""
        self.total = self.ended + len(self.environments)
        for network, workload in self.environments:
            planned = _reference(self.plan, network, workload)
            self._measure(None, planned, began)

    def _measure(self, slot: int | None, planned: PlannedRun, began: float) -> Run:
        """Measure one planned run and append what came of it."""
        if self.sweep._protocol.cool_down_s:
            time.sleep(self.sweep._protocol.cool_down_s)
        run = self._attempt(slot, planned)
        self.store.add_run(run)
        self._remember(run)
        self.order += 1
        self.ended += 1
        if run.role == "design" and run.status == "done":
            self.runs_done += 1
        each_s = (time.perf_counter() - began) / self.ended
        left_s = each_s * (self.total - self.ended)
        self.tell(
            Progress(
                step="run", done=self.ended, total=self.total, left_s=left_s, run=run
            )
        )
        return run

    def _attempt(self, slot: int | None, planned: PlannedRun) -> Run:
        pair = (planned.network, planned.workload)
        run = Run(
            run_id=uuid.uuid4().hex,
            sweep_id=self.plan.sweep_id,
            slot=slot,
            environment=self.environments[pair],
            configuration=planned.configuration,
            role=planned.role,
            order=self.order,
            status="failed",
            started_at=now(),
            replicate=planned.replicate,
            block=planned.block,
            whole_plot=planned.whole_plot,
            simulated=self.sweep.device.simulated,
        )
        start = time.perf_counter()
        try:
            artefact = self.sweep.device.artefact(*pair, planned.configuration)
            twin = self._twin(planned, artefact)
            if twin is not None:
                return _as_twin(run, twin, artefact)
            measurement = self.sweep.device.measure(
                *pair, planned.configuration, self.sweep._timing
            )
        except RunFailed as failure:
            return replace(
                run,
                reason=failure.reason,
                final=failure.final,
                wall_s=time.perf_counter() - start,
            )
        return _finished(run, measurement, artefact, time.perf_counter() - start)

    def _remember(self, run: Run) -> None:
        """Keep finished runs by what really ran, to find twins."""
        if run.status == "done" and run.role == "design" and not run.identical_to:
            key = self._what_runs(
                (run.environment.network, run.environment.workload),
                run.configuration,
                run.artefact,
            )
            if key is not None:
                self.measured.setdefault(key, []).append(run)

    def _twin(self, planned: PlannedRun, artefact: str) -> Run | None:
        """Return a finished run of another configuration that is the same in fact."""
        if planned.role == "reference":
            return None
        pair = (planned.network, planned.workload)
        key = self._what_runs(pair, planned.configuration, artefact)
        if key is None:
            return None
        others = [
            run
            for run in self.measured.get(key, [])
            if run.configuration != planned.configuration
        ]
        same = [run for run in others if run.replicate == planned.replicate]
        return next(iter(same or others), None)

    def _what_runs(
        self, pair: tuple[str, str], configuration: Configuration, artefact: str
    ) -> tuple[Any, ...] | None:
        """Return what two configurations must share to be one; None if unknown."""
        compiled: frozenset[str] = getattr(
            self.sweep.device, "compile_options", frozenset()
        )
        if not artefact or not compiled:
            return None
        at_run_time = {n: v for n, v in configuration.items() if n not in compiled}
        return (pair, artefact, Configuration(at_run_time))


def _opening(plan: Plan, queue: Sequence[int]) -> list[PlannedRun]:
    """Return the reference runs that a resumed sweep begins with."""
    pairs: dict[tuple[str, str], bool] = {}
    for slot in queue:
        run = plan.runs[slot]
        pairs.setdefault((run.network, run.workload), run.role == "reference")
    return [_reference(plan, *pair) for pair, begins in pairs.items() if not begins]


def _reference(plan: Plan, network: str, workload: str) -> PlannedRun:
    return PlannedRun(
        network=network,
        workload=workload,
        configuration=plan.reference,
        role="reference",
    )


def _finished(run: Run, measured: Measurement, artefact: str, wall_s: float) -> Run:
    """Return a run with what its measurement gave."""
    return replace(
        run,
        status="done",
        wall_s=wall_s,
        readings=readings_of(measured),
        raw={"calls_s": measured.calls_s, "warm_up_s": measured.warm_up_s},
        read_back=measured.read_back,
        read_back_reason=measured.read_back_reason,
        conditions=measured.conditions,
        flags=measured.flags,
        artefact=measured.artefact or artefact,
    )


def _as_twin(run: Run, twin: Run, artefact: str) -> Run:
    """Return a run that shares the measurement of its twin."""
    return replace(
        run,
        status="done",
        reason=f"measured as run {twin.run_id}: equal artefact and run-time options",
        readings=twin.readings,
        conditions=twin.conditions,
        artefact=artefact,
        identical_to=twin.run_id,
    )


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
