"""Sweeps that are killed at random moments, put back and resumed."""

from __future__ import annotations

import random
import time
from dataclasses import asdict
from itertools import cycle, product
from pathlib import Path
from typing import Any

from measure.devices.address import Address
from measure.simulator.disk_tree import DiskTree
from measure.simulator.tree_layouts import LAYOUTS
from tests.measure.devices.fake_board import board_tree
from tests.measure.devices.kill_kit import HAD_ENDED, BoardSweep, kill_at_random
from tests.measure.devices.lean import lean_python
from tests.measure.devices.sshd import sshd

KINDS = {
    "local": ("host", "agent", "host+agent"),
    "ssh": ("host", "agent", "ssh", "host+agent"),
}
RUNS, SPAN_S, PERIOD_S = 5, 4.0, 0.02


def kills(moments: int, folder: Path, seed: int) -> list[dict[str, Any]]:
    """Kill at so many moments, over boards, links and victims in turn."""
    draw = random.Random(seed)
    cases = [
        (name, link, kind)
        for link, kinds in KINDS.items()
        for name, kind in product(LAYOUTS, kinds)
    ]
    draw.shuffle(cases)
    python = lean_python(folder)
    found: list[dict[str, Any]] = []
    hits = 0
    with sshd(folder / "sshd") as config:
        for number, case in enumerate(cycle(cases)):
            if hits >= moments:
                return found
            place = folder / str(number)
            place.mkdir()
            one = _once(*case, config, python, place, draw)
            found.append(one)
            # Nothing was killed where the sweep was faster than the moment.
            hits += HAD_ENDED not in one["killed"]
            print(f"{hits}/{moments}", *one.values(), flush=True)
    raise AssertionError("cases do not end")


def _once(
    name: str,
    link: str,
    kind: str,
    config: Path,
    python: Path,
    folder: Path,
    draw: random.Random,
) -> dict[str, Any]:
    over_ssh = link == "ssh"
    with DiskTree(folder / "board", board_tree(name, time.monotonic, PERIOD_S)) as disk:
        sweep = BoardSweep(
            where=Address(
                ssh="board" if over_ssh else "",
                ssh_config=str(config) if over_ssh else "",
                sysfs_root=str(disk.folder),
            ),
            word=name.partition("-")[0],
            python=python,
            folder=folder,
            state=(config.parent if over_ssh else folder.parent) / "state",
            words=("--runs", str(RUNS)),
        )
        after = kill_at_random(sweep, disk, kind, draw, SPAN_S)
    return {"board": name, "link": link, **asdict(after), "good": after.good}
