"""``python -m measure check``: can a result be trusted, and is a device ready."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from measure.commands.boards import board_options, python_option
from measure.commands.recorded import column_options, table_arguments
from measure.commands.shared import DEFAULT_STORE, words_option
from measure.console import Output, check_folder, output_options

if TYPE_CHECKING:
    from measure.devices.base import Device
    from measure.judgement import Finding

_HELP = """Say whether a store's results can be trusted, or what a device offers.

With --device: its networks, workloads and options, what cannot be set and why.

\b
Example:
  python -m measure check
  python -m measure check --device host --space-out space.yaml
  python -m measure check --device sim:effects --json -
  python -m measure check --device tx1 --ssh nvidia@kitchen --sudo
  python -m measure check --device replay:t.csv --options a,b --response y
"""


@click.command("check", help=_HELP)
@click.option(
    "--store",
    metavar="DB",
    type=click.Path(path_type=Path),
    help=f"File of results.  [default: {DEFAULT_STORE}]",
)
@click.option("--device", "address", help="Look at a device instead.")
@click.option(
    "--space-out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the device's usual options as a space file.",
)
@board_options
@python_option
@click.option(
    "--options",
    callback=words_option,
    metavar="NAME,..",
    help="For replay: columns that were set.",
)
@column_options
@output_options
def check(
    output: Output,
    store: Path | None,
    address: str | None,
    space_out: Path | None,
    where: dict[str, Any],
    python: str | None,
    options: tuple[str, ...] | None,
    responses: tuple[str, ...] | None,
    environment: tuple[str, ...] | None,
) -> None:
    """Print findings; exit code 3 if the result cannot be trusted."""
    if address is not None and store is not None:
        raise click.UsageError("--store and --device exclude each other")
    table = table_arguments(address or "a store", options, responses, environment)
    if options is not None and not table:
        raise click.UsageError(
            "--options describes a table of recorded runs: it is for --device "
            "replay:TABLE.csv"
        )
    if python:
        where["python"] = python
    if where and address is None:
        address = "auto"
    if address is None:
        if space_out is not None:
            raise click.UsageError("--space-out needs --device")
        _check_store(output, store or Path(DEFAULT_STORE))
        return
    from measure.devices.opening import open_device

    if space_out is not None:
        check_folder(space_out, "--space-out")
    with open_device(address, **where, **table) as device:
        _check_device(output, device, space_out)


def _check_store(output: Output, path: Path) -> None:
    from measure.judgement import findings, reasons
    from measure.store import SqliteStore, planned_sweeps

    found: list[tuple[str, Finding]] = []
    with SqliteStore(path, read_only=True) as store:
        plans = planned_sweeps(store, str(path))
        for plan in plans:
            runs = store.runs(plan.sweep_id)
            found += [(plan.sweep_id, finding) for finding in findings(plan, runs)]
    several = len(plans) > 1
    for sweep_id, finding in found:
        where = f"{sweep_id}: {finding.where}" if several else finding.where
        output.print(f"{finding.level}: {finding.what}, {where}: {finding.text}")
        output.print(f"  {finding.advice}")
    if not found:
        output.print(f"{path}: nothing found that speaks against it")
    why = reasons([finding for _, finding in found])
    document = {
        "store": str(path),
        "trusted": not why,
        "findings": [
            {"sweep_id": sweep_id, **finding.to_dict()} for sweep_id, finding in found
        ],
    }
    for reason in why:
        output.untrusted(reason)
    output.finish(document)


def _check_device(output: Output, device: Device, space_out: Path | None) -> None:
    offers = {name: _offer(entry) for name, entry in device.offers().items()}
    networks = {name: list(fits) for name, fits in device.networks().items()}
    workloads = list(dict.fromkeys(w for fits in networks.values() for w in fits))
    found = _device_findings(device)
    output.print(f"device {device.address}" + " (simulated)" * device.simulated)
    about = dict(device.describe())
    for name, text in about.items():
        output.print(f"{name}: {text}")
    rows = [(name, ", ".join(fits)) for name, fits in networks.items()]
    output.table(("network", "workloads"), rows)
    output.table(
        ("option", "kind", "levels", "available"),
        [_row(name, entry) for name, entry in offers.items()],
    )
    for entry in found:
        output.print(f"{entry['level']}: {entry['what']}: {entry['text']}")
    document: dict[str, Any] = {
        "device": device.address,
        "trusted": True,
        "findings": found,
        "networks": networks,
        "workloads": workloads,
        "options": offers,
        **({"board": about} if about else {}),
        **_truth(output, device, list(networks)),
    }
    if space_out is not None:
        device.space().to_file(space_out)
        document["space_out"] = str(space_out)
        output.print(f"written: {space_out}")
    output.finish(document)


def _offer(entry: Any) -> dict[str, Any]:
    """Return one option as JSON has it."""
    option = entry.option
    return {
        "kind": None if option is None else option.kind,
        "unit": "" if option is None else option.unit,
        "levels": [] if option is None else list(option.levels),
        "available": bool(entry.available),
        "reason": entry.reason,
    }


def _row(name: str, entry: dict[str, Any]) -> tuple[str, str, str, str]:
    from measure.levels import spelled

    levels = ", ".join(spelled(level) for level in entry["levels"])
    state = "yes" if entry["available"] else f"no: {entry['reason']}"
    return name, entry["kind"] or "", levels, state


def _device_findings(device: Device) -> list[dict[str, str]]:
    """Return what speaks against measuring now."""
    conditions = device.conditions()
    found = []
    if conditions.power_source == "battery":
        found.append(
            {
                "level": "warning",
                "what": "interference",
                "where": device.name,
                "text": "on battery",
                "advice": "connect the mains: clocks are held down on battery",
            }
        )
    cores = sum(conditions.cores.values())
    load = conditions.load_1min
    if load is not None and cores and load > 0.5 * cores:
        found.append(
            {
                "level": "warning",
                "what": "interference",
                "where": device.name,
                "text": f"the load is {load:.1f} on {cores} cores",
                "advice": "stop other programs before measuring",
            }
        )
    return found


def _truth(output: Output, device: Device, networks: list[str]) -> dict[str, Any]:
    """Return the true effects, of a simulated device that knows them."""
    from measure.devices.simulated import NOISE, EffectsDevice, true_effects

    if not isinstance(device, EffectsDevice):
        return {}
    truth = {network: true_effects(network) for network in networks}
    for network, effects in truth.items():
        rows = [
            (entry["term"], f"{entry['effect']:.2f}", f"{entry['sign']:+d}")
            for entry in effects
        ]
        output.table(("term", "effect %", "sign"), rows, f"truth of {network}")
    return {"truth": truth, "noise_percent": 100 * NOISE}
