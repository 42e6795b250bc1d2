"""One go at a sweep: the queue of runs, what fails in it, and what is identical."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from measure.configuration import Configuration
from measure.counting import last_attempts, pending
from measure.errors import RunFailed
from measure.planning import now
from measure.protocol import MeasurementProtocol
from measure.records import Environment, Plan, PlannedRun, Run
from measure.responses import readings_of

if TYPE_CHECKING:
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


class Sitting:
    """One go at a sweep, from start or resume to its end.

    Parameters
    ----------
    device : Device
        What measures.
    plan : Plan
        The sweep; the store has it.
    store : ResultStore
        Where runs are appended.
    environments : mapping of (str, str) to Environment
        Network and workload to today's environment, in the order of the plan.
    tell : callable
        Called with a `Progress` after each run.
    """

    def __init__(
        self,
        device: Device,
        plan: Plan,
        store: ResultStore,
        environments: Mapping[tuple[str, str], Environment],
        tell: Callable[[Progress], None],
    ) -> None:
        self.device, self.plan, self.store = device, plan, store
        self.environments, self.tell = environments, tell
        self.protocol = MeasurementProtocol.from_dict(dict(plan.protocol))
        self.timing = self.protocol.timing()
        before = self.store.runs(self.plan.sweep_id)
        self.order = len(before)
        self.runs_done = 0
        self.measured: dict[tuple[Any, ...], list[Run]] = {}
        for run in before:
            self._remember(run)
            pair = (run.environment.network, run.environment.workload)
            self.device.recall(*pair, run.configuration)
        attempts = last_attempts(before)
        self.second_chance = {s for s, r in attempts.items() if r.status == "failed"}
        self.queue = pending(self.plan, before)
        self.has_reference = bool(plan.planned("reference"))
        again = bool(before) and self.has_reference
        self.opening = _opening(self.plan, self.queue) if again else []
        self.total = len(self.queue) + len(self.opening)
        self.ended = 0

    def carry_out(self, start: float, budget_s: float | None) -> str:
        """Measure the queue.

        Parameters
        ----------
        start : float
            When the budget began, as `time.perf_counter` tells it.
        budget_s : float or None
            No run is begun later than this.

        Returns
        -------
        str
            Why it stopped early: ``interrupted``, ``budget`` or nothing.
        """
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
        finally:
            self.device.keep_levels(False)
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
                self.device.prepare(
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
            self.queue.insert(self._place_again(slot), slot)

    def _place_again(self, slot: int) -> int:
        """Return where a failed run is queued: with its whole plot, else near the end.

        Later, the hard options would have to be set anew for it alone.
        """
        planned = self.plan.runs[slot]
        if planned.whole_plot is None:
            return self._before_closing()
        place = 0
        while place < len(self.queue):
            other = self.plan.runs[self.queue[place]]
            if _visit(other) != _visit(planned):
                break
            place += 1
        return place

    def _before_closing(self) -> int:
        """Return the place before the reference runs that end the queue."""
        place = len(self.queue)
        while place and self.plan.runs[self.queue[place - 1]].role == "reference":
            place -= 1
        return place

    def _close(self, began: float) -> None:
        """Measure each environment's reference, so that a cut sweep shows its drift."""
        if not self.has_reference:
            return
        self.total = self.ended + len(self.environments)
        for network, workload in self.environments:
            planned = _reference(self.plan, network, workload)
            self._measure(None, planned, began)

    def _measure(self, slot: int | None, planned: PlannedRun, began: float) -> Run:
        """Measure one planned run and append what came of it."""
        if self.protocol.cool_down_s:
            time.sleep(self.protocol.cool_down_s)
        stays = self._stays(planned)
        if stays:
            self.device.keep_levels(True)
        run = self._attempt(slot, planned)
        self.store.add_run(run)
        if not stays:
            # Also after a last run that was not measured: a twin, or a failed build.
            self.device.keep_levels(False)
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
            simulated=self.device.simulated,
        )
        start = time.perf_counter()
        try:
            artefact = self.device.artefact(*pair, planned.configuration)
            twin = self._twin(planned, artefact)
            if twin is not None:
                return _as_twin(run, twin, artefact)
            measurement = self.device.measure(*pair, planned.configuration, self.timing)
        except RunFailed as failure:
            return replace(
                run,
                reason=failure.reason,
                final=failure.final,
                wall_s=time.perf_counter() - start,
            )
        return _finished(run, measurement, artefact, time.perf_counter() - start)

    def _stays(self, planned: PlannedRun) -> bool:
        """Tell whether the next run is of the same visit to a whole plot."""
        if planned.whole_plot is None or not self.queue:
            return False
        following = self.plan.runs[self.queue[0]]
        return _visit(following)[2:] == _visit(planned)[2:]

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
        compiled = self.device.compile_options
        if not artefact or not compiled:
            return None
        at_run_time = {n: v for n, v in configuration.items() if n not in compiled}
        return (pair, artefact, Configuration(at_run_time))


def _visit(run: PlannedRun) -> tuple[str, str, str, int, int | None, int]:
    """Return what the runs of an environment in one visit to a whole plot share."""
    place = (run.network, run.workload, run.role)
    return (*place, run.block, run.whole_plot, run.replicate)


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
        raw={
            "calls_s": measured.calls_s,
            "warm_up_s": measured.warm_up_s,
            **measured.raw,
        },
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
