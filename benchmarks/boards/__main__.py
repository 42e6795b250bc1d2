"""``python -m benchmarks.boards [--moments 45] [--json FILE]``: kill, restore, cost.

At random moments of a sweep host, agent or ssh is killed, while real networks run on
boards that are files on this disk and behave like boards; SSH is a real server on
loopback. Then `measure restore` and `measure resume`: every settable byte of the board
is compared with what it was, and every run is counted. Then what a run costs beside
measuring, and what the agent takes. Leaves with exit code 1 if a byte differs, a run
is lost or counted twice, or a limit is not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks.boards.costs import costs
from benchmarks.boards.kills import kills
from tests.measure.devices.sshd import missing

LIMITS = {
    "overhead_s": 0.15,
    "memory_mb": 20.0,
    "cpu_share": 0.01,
    "sim_run_s": 0.05,
}
"""What setting and watching a board may cost."""


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
        os.environ["XDG_CACHE_HOME"] = f"{name}/cache"
        found = kills(words.moments, Path(name), words.seed)
        cost = costs(Path(name))
    print(
        f"\n{'board':8} {'link':6} {'killed':22} {'alone':6} {'back':5} lost twice left"
    )
    for one in sorted(found, key=lambda entry: (entry["board"], entry["link"])):
        alone, back = ("yes" if one[key] else "no" for key in ("alone", "restored"))
        print(
            f"{one['board']:8} {one['link']:6} {one['killed']:22} {alone:6} {back:5} "
            f"{one['lost']:4} {one['twice']:5} {one['unfinished']:4}"
        )
    good = sum(one["good"] for one in found)
    print(f"{good} of {len(found)}: byte for byte as before, no run lost or twice")
    for key, limit in LIMITS.items():
        print(f"{key}: {cost[key]:.3g} (at most {limit:g})")
    if words.json:
        words.json.write_text(json.dumps({"kills": found, "costs": cost}, indent=2))
    kept = all(cost[key] <= limit for key, limit in LIMITS.items())
    return 0 if good == len(found) and kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
