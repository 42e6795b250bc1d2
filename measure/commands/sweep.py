"""``python -m measure sweep``: plan it, say so, measure it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from measure.commands.boards import board_options, held_device, python_option
from measure.commands.commanding import command_options
from measure.commands.recorded import column_options, table_arguments
from measure.commands.shared import (
    MODEL_HELP,
    check_store,
    duration,
    log_of,
    open_store,
    pairs_of,
    seconds_option,
    store_option,
    words_option,
)
from measure.console import INTERRUPTED, Output, output_options

if TYPE_CHECKING:
    from measure.designs.base import Design
    from measure.devices.base import Device
    from measure.protocol import MeasurementProtocol
    from measure.records import Plan
    from measure.selection import Selection

_HELP = """Measure networks on a device under a designed set of configurations.

Without arguments: resnet and mobilenet on this machine, its usual options, a D-optimal
design with as many runs as fit five minutes. Ctrl-C loses no finished run; `python -m
measure resume` goes on.

\b
Example:
  python -m measure sweep --networks resnet,mobilenet --runs 40
  python -m measure sweep --device sim:effects --runs 60 --replicates 2
  python -m measure sweep --options threads,backend --set batch_size=8 --budget 10m
  python -m measure sweep --device replay:t.csv --options a,b --response y --runs 20
  python -m measure sweep --device tx1 --ssh nvidia@kitchen --sudo --networks mobilenet
"""


@click.command("sweep", help=_HELP)
@click.option(
    "--device",
    "address",
    default="auto",
    show_default=True,
    help="auto, host, tk1, tx1, tx2 (a board: here, or with --ssh), sim:tx1, sim:tx2, "
    "sim:effects (whose truth is known), or replay:TABLE.csv (recorded runs).",
)
@board_options
@python_option
@command_options
@click.option("--networks", callback=words_option, help="Names, or beginnings of them.")
@click.option("--workloads", callback=words_option, help="Such as images or images-96.")
@click.option("--options", callback=words_option, help="Options to vary.")
@column_options
@click.option(
    "--space",
    "space_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Space file: options, levels, what is forbidden.",
)
@click.option(
    "--design",
    "design_name",
    default="d-optimal",
    show_default=True,
    metavar="NAME|FILE.csv",
    help="Which configurations.",
)
@click.option("--model", metavar="main|interactions|quadratic|FORMULA", help=MODEL_HELP)
@click.option(
    "--criterion",
    type=click.Choice(["d", "a", "i", "bayes-d"]),
    help="What an optimal design is best at; bayes-d for fewer runs than terms."
    "  [default: d]",
)
@click.option(
    "--whole-plots",
    metavar="N",
    type=click.IntRange(min=1),
    help="Of split-plot: how often dear options are set; by default what tells most "
    "in the time it takes.",
)
@click.option(
    "--variance-ratio",
    metavar="ETA",
    type=click.FloatRange(min=0),
    help="Of split-plot: variance between whole plots over that within, as fit says."
    "  [default: 1]",
)
@click.option(
    "--set", "held", multiple=True, metavar="NAME=LEVEL", help="Hold an option."
)
@click.option(
    "--label",
    callback=words_option,
    metavar="NAME=TEXT,..",
    help="Your names for device and version.",
)
@click.option("--runs", type=click.IntRange(min=1), help="Rows of the design.")
@click.option(
    "--replicates",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How often each row is measured.",
)
@click.option(
    "--protocol",
    "protocol_name",
    type=click.Choice(["full", "quick"]),
    default="full",
    show_default=True,
    help="quick: one short batch, no warm-up test.",
)
@click.option("--seconds", type=float, help="Measuring time of a run.  [default: 0.35]")
@click.option(
    "--budget", callback=seconds_option, metavar="10m", help="Begin no run after this."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of what is drawn.",
)
@store_option
@click.option(
    "--only-new",
    is_flag=True,
    help="Leave out rows of the design that the store holds runs of already.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@output_options
def sweep(
    output: Output,
    address: str,
    where: dict[str, Any],
    commanded: dict[str, Any],
    python: str | None,
    networks: tuple[str, ...] | None,
    workloads: tuple[str, ...] | None,
    options: tuple[str, ...] | None,
    responses: tuple[str, ...] | None,
    environment: tuple[str, ...] | None,
    space_file: Path | None,
    design_name: str,
    model: str | None,
    criterion: str | None,
    whole_plots: int | None,
    variance_ratio: float | None,
    held: tuple[str, ...],
    label: tuple[str, ...] | None,
    runs: int | None,
    replicates: int,
    protocol_name: str,
    seconds: float | None,
    budget: float | None,
    seed: int,
    store: Path,
    only_new: bool,
    dry_run: bool,
) -> None:
    """Plan, print the plan, measure, print what came of it."""
    start = time.perf_counter()
    from contextlib import ExitStack
    from dataclasses import replace

    from measure.already import rows_of_store
    from measure.asking import USUAL_BUDGET_S, ask_design, ask_recorded, ask_space
    from measure.commands.telling import searching
    from measure.designs.making import is_sized
    from measure.devices.command_line import with_defaults
    from measure.planning import labelled, make_plan
    from measure.selection import select

    levels = pairs_of(held, "--set")
    labels = pairs_of(label or (), "--label")
    protocol = _protocol(protocol_name, seconds, replicates)
    arguments = table_arguments(
        address, options, responses, environment, held=levels, space_file=space_file
    )
    arguments |= {**where, **commanded, **({"python": python} if python else {})}
    if not dry_run:
        check_store(store)
    with ExitStack() as stack:
        log = None if dry_run else log_of(store)
        device = stack.enter_context(
            held_device(
                address,
                None if dry_run else store,
                networks=networks,
                seed=seed,
                log=log,
                **arguments,
            )
        )
        selection = select(device, networks, workloads)
        space, fixed = ask_space(device, options, space_file, levels)
        choice = ask_recorded(device, selection.pairs, space, fixed, replicates)
        completed = with_defaults(device, choice.space.names, choice.held)
        choice = replace(choice, held=completed)
        if runs is None and budget is None and is_sized(design_name):
            budget = USUAL_BUDGET_S
        with searching(output) as progress:
            design = ask_design(
                design_name,
                choice.space,
                device,
                selection.pairs,
                protocol,
                runs=runs,
                model=model,
                criterion=criterion,
                budget_s=budget,
                seed=seed,
                candidates=choice.candidates,
                whole_plots=whole_plots,
                variance_ratio=variance_ratio,
                progress=progress,
            )
        if design.interrupted:
            raise KeyboardInterrupt(
                "interrupted in choosing the design; nothing is measured"
            )
        if choice.notes:
            design = replace(design, notes=(*choice.notes, *design.notes))
        if store.exists():
            places = [
                labelled(device.environment(*pair), labels) for pair in selection.pairs
            ]
            there = rows_of_store(store, design, places, protocol, choice.held)
            design = _beside_store(design, there, store, only_new)
        plan = make_plan(
            device,
            selection.pairs,
            design,
            protocol,
            held=choice.held,
            labels=labels,
            device_arguments={"seed": seed, **arguments},
            seed=seed,
        )
        described = _describe(device, plan, design, selection, protocol, budget)
        _print_plan(output, described)
        if dry_run:
            document = _planned(plan, store, start)
        else:
            document = _measure(output, device, plan, store, budget, start)
        output.finish({**document, "plan": described})


def _beside_store(
    design: Design, there: list[bool], store: Path, only_new: bool
) -> Design:
    """Say which rows a store holds already, and leave them out if that is asked."""
    from dataclasses import replace

    from measure.errors import SweepError

    count = sum(there)
    if not count:
        return design
    rows = f"{count} of {design.runs} rows of {design.name} are in {store} already"
    if not only_new:
        note = f"{rows}, and are measured again; --only-new leaves them out"
        return replace(design, notes=(*design.notes, note))
    if count == design.runs:
        raise SweepError(
            f"all {design.runs} rows of {design.name} are in {store} already; nothing "
            "is new: leave out --only-new to measure them again"
        )
    frame = design.frame[[not one for one in there]].reset_index(drop=True)
    note = f"{rows}, and are left out"
    return replace(design, frame=frame, notes=(*design.notes, note))


def _protocol(name: str, seconds: float | None, replicates: int) -> MeasurementProtocol:
    from measure.protocol import MeasurementProtocol

    changes: dict[str, Any] = {"replicates": replicates}
    if seconds is not None:
        changes["seconds"] = seconds
    if name == "quick":
        return MeasurementProtocol.quick(**changes)
    return MeasurementProtocol.full(**changes)


def _describe(
    device: Device,
    plan: Plan,
    design: Design,
    selection: Selection,
    protocol: MeasurementProtocol,
    budget_s: float | None,
) -> dict[str, Any]:
    """Return what will be measured, how, and how long it will take."""
    from measure.planning import run_time_s

    total_s = sum(
        run_time_s(device, (run.network, run.workload), protocol) for run in plan.runs
    )
    if not device.simulated:
        total_s += plan.design.get("changes", {}).get("planned_s", 0.0)
    return {
        "device": device.address,
        "simulated": device.simulated,
        "pairs": ["/".join(pair) for pair in selection.pairs],
        "left_out": list(selection.left_out),
        "options": {o.name: list(o.levels) for o in design.space.options},
        "held": dict(plan.held),
        "design": dict(plan.design),
        "replicates": protocol.replicates,
        "reference_runs": len(plan.planned("reference")),
        "protocol": dict(plan.protocol),
        "estimated_s": total_s if budget_s is None else min(total_s, budget_s),
    }


def _print_plan(output: Output, described: dict[str, Any]) -> None:
    from datetime import datetime, timedelta

    from measure.levels import spelled

    is_replay = described["device"].startswith("replay:")
    where = "simulated device" if described["simulated"] else "device"
    where = "recorded runs, nothing is measured:" if is_replay else where
    output.print(f"{where} {described['device']}: {', '.join(described['pairs'])}")
    if described["left_out"]:
        left_out = ", ".join(described["left_out"])
        output.print(f"left out, since they do not fit: {left_out}")
    options = described["options"].items()
    shown = ", ".join(f"{name} ({len(levels)})" for name, levels in options)
    output.print(f"options (levels): {shown}")
    if described["held"]:
        held = described["held"].items()
        output.print(f"held: {', '.join(f'{n}={spelled(v)}' for n, v in held)}")
    design, protocol = described["design"], described["protocol"]
    for note in design["notes"]:
        output.print(note)
    places, times = len(described["pairs"]), described["replicates"]
    each = f" x {places} environments" if places > 1 else ""
    again = f" x {times} times" if times > 1 else ""
    beside = f", and {described['reference_runs']} reference runs"
    output.print(
        f"design: {design['name']} for {design['model']}, {design['rows']} runs{each}"
        f"{again}{'' if is_replay else beside}"
    )
    if is_replay:
        return
    left_s = described["estimated_s"]
    end = datetime.now() + timedelta(seconds=left_s)
    output.print(
        f"protocol: {protocol['name']}, {protocol['seconds']:g} s a run; about "
        f"{duration(left_s)}, until {end:%H:%M:%S}; what must be built comes on top"
    )


def _planned(plan: Plan, store: Path, start: float) -> dict[str, Any]:
    from measure.commands.outcome import Swept, totals

    wall_s = time.perf_counter() - start
    swept = Swept(plan=plan, runs=(), wall_s=wall_s, done_now=0)
    document = totals(str(store), [swept], wall_s)
    # Nothing was measured, so there is nothing to distrust.
    calm = {"trusted": True, "reasons": [], "dry_run": True}
    sweeps = [{**entry, **calm} for entry in document["sweeps"]]
    return {**document, **calm, "sweeps": sweeps}


def _measure(
    output: Output,
    device: Device,
    plan: Plan,
    path: Path,
    budget_s: float | None,
    start: float,
) -> dict[str, Any]:
    """Measure a plan and print what came of it."""
    from measure.commands.outcome import Swept, print_outcome, totals
    from measure.commands.telling import Teller
    from measure.sweep import Sweep

    with open_store(path) as store:
        with Teller(output) as teller:
            outcome = Sweep.of_plan(device, plan, store).run(
                budget_s=budget_s, tell=teller.tell
            )
        runs = store.runs(plan.sweep_id)
    wall_s = time.perf_counter() - start
    swept = Swept(plan=plan, runs=runs, wall_s=wall_s, done_now=outcome.runs_done)
    document = totals(str(path), [swept], wall_s)
    if outcome.stopped == "interrupted":
        leave_interrupted(document, path)
    if outcome.stopped == "budget":
        output.print("the budget is spent")
    print_outcome(output, document, runs)
    return document


def leave_interrupted(document: dict[str, Any], path: Path) -> NoReturn:
    """End with the one line that says how to go on.

    Parameters
    ----------
    document : dict
        What `totals` returned.
    path : pathlib.Path
        The store.

    Raises
    ------
    click.exceptions.Exit
        Always, with the exit code of an interruption.
    """
    # Not KeyboardInterrupt: click would put a line of its own before ours.
    click.echo(
        f"measure: interrupted after {document['runs_done']} of "
        f"{document['runs_planned']} runs, all of them safe; go on: python -m measure "
        f"resume --store {path}",
        err=True,
    )
    raise click.exceptions.Exit(INTERRUPTED)
