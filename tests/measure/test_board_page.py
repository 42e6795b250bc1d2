"""Every command of the how-to for a board's owner, over SSH on a board of files."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from measure.simulator.disk_tree import DiskTree
from tests.measure.devices.fake_board import board_tree
from tests.measure.devices.lean import lean_python
from tests.measure.devices.sshd import sshd

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="boards run Linux")

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "board.md"
NOT_RUN = {
    "ssh-copy-id": "there is a key already",
    "pip3 install": "the board's Python has a runtime",
}
SHORTER = {"--budget 2h": "--runs 6 --design random", "mobilenet": "tcn"}
"""What would take hours here."""


def commands() -> list[str]:
    """The lines of the page that a reader types with a board at hand."""
    found = re.findall(r"^```text\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    return [line for block in found for line in block.splitlines()]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A board, and what its owner's words mean here."""
    tree = board_tree("tx1-r32", time.monotonic, 0.02)
    python = lean_python(tmp_path)
    with sshd(tmp_path / "sshd") as config, DiskTree(tmp_path / "board", tree) as disk:
        where = f"--ssh board --ssh-config {config} --sysfs-root {disk.folder}"
        before = disk.snapshot()
        yield {
            "--ssh nvidia@kitchen --sudo": where,
            "sweep --device": f"sweep --python {python} --device",
            "check --device": f"check --python {python} --device",
            "ssh nvidia@kitchen": f"ssh -F {config} board",
            "sudo python3 ~/.cache": f"env XDG_STATE_HOME={config.parent}/state python "
            f"{config.parent}/cache",
            "agent.py restore": f"agent.py restore {disk.folder}",
            **SHORTER,
        }
        assert disk.snapshot() == before


def test_a_reader_gets_from_a_fresh_board_to_a_front(
    board: dict[str, str], tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PERFMODEL_CACHE": str(tmp_path / "artefacts"),
    }
    lines = commands()
    assert all(any(line.startswith(n) for line in lines) for n in NOT_RUN)
    for line in lines:
        if line.startswith(tuple(NOT_RUN)):
            continue
        for word, meaning in board.items():
            line = line.replace(word, meaning)
        words = [sys.executable if w == "python" else w for w in shlex.split(line)]
        done = subprocess.run(
            words,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # 3: done, and so few runs that they cannot be trusted.
        assert done.returncode in (0, 3), (line, done.stdout, done.stderr)
