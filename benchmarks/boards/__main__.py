"""``python -m benchmarks.boards [--moments 45] [--json FILE]``: kill, restore, cost.

At random moments of a program that sets one configuration after the other, host, agent
or ssh is killed; then every settable byte of the board is compared with what it was.
Then what setting costs beside the time that a level must stand, and what the agent
takes. The boards are files on this disk that behave like boards; SSH is a real server
on loopback. Leaves with exit code 1 if a byte differs or a limit is not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import tempfile
import time
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

from measure.devices.address import Address
from measure.devices.configured import configured
from measure.devices.jetson import JetsonDevice
from measure.devices.links import remembered
from measure.devices.sensors import begin_watch, end_watch, find_rails
from measure.devices.settling import STABLE_S
from measure.devices.transport import AgentLink
from measure.errors import DeviceError
from measure.simulator.disk_tree import DiskTree
from measure.simulator.tree_layouts import LAYOUTS
from tests.measure.devices.sshd import missing, sshd
from tests.measure.devices.test_kills import start

#: What the issue of a board's controls asks for.
OVERHEAD_S, MEMORY_MB, CPU_SHARE = 0.15, 20.0, 0.01


def kill_once(
    name: str, victim: str, config: str, folder: Path, draw: random.Random
) -> dict[str, Any]:
    """Kill at one moment; tell whether the board was put back, and how."""
    with DiskTree(folder / "board", name) as disk:
        before = disk.snapshot()
        ssh = "board" if config else ""
        where = Address(ssh=ssh, ssh_config=config, sysfs_root=str(disk.folder))
        program = start(where, name.partition("-")[0], draw.randrange(10**6))
        assert program.stdout is not None
        agent, way = map(int, program.stdout.readline().split())
        time.sleep(draw.uniform(0.0, 1.0))
        pids = {"agent": agent, "ssh": way, "host": program.pid}
        for one in victim.split("+"):
            try:
                os.kill(pids[one], signal.SIGKILL)
            except ProcessLookupError:
                victim = f"{victim} (had ended)"
        program.wait(120)
        program.stdout.close()
        alone = _is(disk, before)
        for wait in (0.1, 0.5, 1.0, 2.0, 4.0, 8.0):
            if not remembered():
                break
            try:
                AgentLink(where).close()
            except DeviceError:
                time.sleep(wait)
        after = _is(disk, before)
        now = disk.snapshot()
        differ = [p for p in {**before, **now} if before.get(p) != now.get(p)]
    link = "ssh" if config else "local"
    return {
        "board": name,
        "killed": victim,
        "link": link,
        "alone": alone,
        "back": after,
        "differ": differ,
    }


def _is(disk: DiskTree, before: dict[str, bytes], limit_s: float = 1.0) -> bool:
    """Tell whether a board is what it was, once its thread has had the time to be."""
    until = time.monotonic() + limit_s
    while disk.snapshot() != before:
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def kills(moments: int, folder: Path, seed: int) -> list[dict[str, Any]]:
    """Kill at so many moments, over boards, links and victims in turn."""
    draw = random.Random(seed)
    local = [("local", v) for v in ("host", "agent", "host+agent")]
    remote = [("ssh", v) for v in ("host", "agent", "ssh", "host+agent")]
    found = []
    with sshd(folder / "sshd") as config:
        plan = [(n, k, v) for (k, v), n in product(local + remote, LAYOUTS)]
        draw.shuffle(plan)
        for number, (name, link, victim) in enumerate(islice(cycle(plan), moments)):
            place = folder / str(number)
            place.mkdir()
            chosen = str(config) if link == "ssh" else ""
            found.append(kill_once(name, victim, chosen, place, draw))
    return found


def costs(folder: Path) -> dict[str, float]:
    """Measure what setting, reading back and restoring cost, and the agent itself."""
    with DiskTree(folder / "cost", "tx1-r32") as disk:
        with JetsonDevice("tx1", Address(sysfs_root=str(disk.folder))) as device:
            draw, options, took = random.Random(0), device.space().options, []
            for _ in range(20):
                levels = {o.name: draw.choice(o.levels) for o in options}
                begin = time.perf_counter()
                with configured(device.controls, levels):
                    pass
                took.append(time.perf_counter() - begin - STABLE_S)
            rails = list(find_rails(device.link, "tx1").values())
            assert isinstance(device.link, AgentLink)
            pid = device.link.hello["pid"]
            begin_watch(device.link, rails, 0.1)
            used = _cpu_s(pid)
            time.sleep(10.0)
            used = _cpu_s(pid) - used
            end_watch(device.link, rails)
            return {
                "overhead_s": statistics.median(took),
                "memory_mb": _peak_mb(pid),
                "cpu_share": used / 10.0,
            }


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024.0
    return float("nan")


def main() -> int:
    """Print tables; 1 if anything is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--moments", type=int, default=45)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    if missing():
        print(missing())
        return 1
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_STATE_HOME"] = f"{name}/state"
        found = kills(words.moments, Path(name), words.seed)
        cost = costs(Path(name))
    print(f"{'board':8} {'link':6} {'killed':22} {'alone':6} back")
    for one in sorted(found, key=lambda entry: (entry["board"], entry["link"])):
        row = (one["board"], one["link"], one["killed"])
        alone, back = ("yes" if one[key] else "no" for key in ("alone", "back"))
        print(f"{row[0]:8} {row[1]:6} {row[2]:22} {alone:6} {back}", *one["differ"])
    good = sum(one["back"] for one in found)
    print(f"{good} of {len(found)} boards byte for byte what they were, after restore")
    limits = {
        "overhead_s": OVERHEAD_S,
        "memory_mb": MEMORY_MB,
        "cpu_share": CPU_SHARE,
    }
    for key, limit in limits.items():
        print(f"{key}: {cost[key]:.3g} (at most {limit:g})")
    if words.json:
        words.json.write_text(json.dumps({"kills": found, "costs": cost}, indent=2))
    kept = all(cost[key] <= limit for key, limit in limits.items())
    return 0 if good == len(found) and kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
