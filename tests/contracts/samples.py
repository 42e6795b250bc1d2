"""Small records that tests fill stores with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from measure.records import (
    Conditions,
    Environment,
    Plan,
    PlannedRun,
    Reading,
    Run,
)
from measure.space import Configuration, ConfigurationSpace, Option

SPACE = ConfigurationSpace(
    [
        Option(name="threads", levels=(1, 2), default=2),
        Option(name="backend", levels=("graph", "xla"), change_cost_s=5.0),
    ]
)
ENVIRONMENT = Environment(
    device="host",
    network="tcn",
    workload="series",
    version="tensorflow-2.21",
    fingerprint={"kernel": "6.1", "cpu": "x86-64"},
)
REFERENCE = Configuration({"threads": 2, "backend": "graph"})


def sample_plan(sweep_id: str = "s1", **changes: Any) -> Plan:
    """Return a plan of four design runs between two reference runs."""
    rows = [(t, b) for t in (1, 2) for b in ("graph", "xla")]
    where = {"network": "tcn", "workload": "series"}
    runs = [
        PlannedRun(configuration=Configuration({"threads": t, "backend": b}), **where)
        for t, b in rows
    ]
    ends = PlannedRun(configuration=REFERENCE, role="reference", **where)
    plan = Plan(
        sweep_id=sweep_id,
        created_at="2026-01-02T03:04:05+00:00",
        device="host",
        space=SPACE.to_dict(),
        reference=REFERENCE,
        design={"name": "full-factorial", "model": "main", "seed": 0},
        protocol={"name": "full", "seconds": 0.35},
        seed=7,
        runs=(ends, *runs, ends),
        environments=(ENVIRONMENT,),
        labels={"device": "desk"},
    )
    return replace(plan, **changes)


def sample_run(plan: Plan, slot: int | None, **changes: Any) -> Run:
    """Return a finished run of one planned slot, or of one beside the plan."""
    planned = plan.runs[0 if slot is None else slot]
    run = Run(
        run_id=f"{plan.sweep_id}-{slot}",
        sweep_id=plan.sweep_id,
        slot=slot,
        environment=plan.environments[0],
        configuration=planned.configuration,
        role=planned.role,
        order=0 if slot is None else slot,
        status="done",
        started_at=f"2026-01-02T03:04:{10 + (slot or 0)}+00:00",
        wall_s=0.5,
        readings=(
            Reading(name="latency_s", value=0.01 + 0.001 * (slot or 0), unit="s"),
            Reading(name="energy_j", value=None, unit="J", reason="no sensor"),
        ),
        raw={"calls_s": (0.01, 0.0123456789012345), "warm_up_s": (0.5,)},
        read_back={"threads": 2, "backend": None},
        read_back_reason={"backend": "cannot be read"},
        conditions=Conditions(load_1min=0.4, temperature_c={"cpu": 51.5}),
        flags=("no steady state",),
        artefact="c0ffee",
    )
    return replace(run, **changes)
