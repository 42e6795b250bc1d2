"""``measure restore`` and ``measure check`` on a board."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from measure.cli import main
from measure.devices.address import AGENT
from measure.simulator.disk_tree import DiskTree
from measure.simulator.tree_layouts import CPU

MINIMUM, MAXIMUM = (f"{CPU}/cpu0/cpufreq/scaling_{end}_freq" for end in ("min", "max"))


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskTree]:
    with DiskTree(tmp_path / "board", "tx1-r32") as opened:
        yield opened


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main.main(list(words), prog_name="measure")
    return int(left.value.code or 0)


def said(path: Path) -> Any:
    return json.loads(path.read_text())


HOST = """
import os, signal, sys
from measure.devices.address import Address
from measure.devices.jetson import JetsonDevice
device = JetsonDevice("tx1", Address(sysfs_root=sys.argv[1]))
levels = {"cpu_cores": 2, "cpu_freq_hz": 1020000000, "emc_freq_hz": 408000000}
device.controls.apply(levels)
os.kill(device.link.hello["pid"], signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave_set(disk: DiskTree) -> None:
    """Kill agent and host while a configuration is held."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", HOST, str(disk.folder)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == -9, done.stderr


@pytest.mark.parametrize("bare", [True, False])
def test_what_a_killed_sweep_left_set_is_put_back(
    bare: bool, disk: DiskTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = disk.snapshot()
    leave_set(disk)
    assert disk.snapshot() != before
    words = [] if bare else ["--device", "tx1", "--sysfs-root", str(disk.folder)]
    path = tmp_path / "r.json"
    assert run("restore", *words, "--json", str(path)) == 0
    assert disk.snapshot() == before
    assert len(said(path)["restored"]) >= 5
    assert "files are as they were" in capsys.readouterr().out
    assert run("restore", *words, "--json", str(path)) == 0
    assert said(path)["restored"] == []
    assert "nothing to restore" in capsys.readouterr().out


def test_after_a_start_of_the_board_nothing_is_written(
    disk: DiskTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_set(disk)
    disk.close()
    (disk.folder / "proc/sys/kernel/random/boot_id").write_text("another\n")
    set_now = disk.snapshot()
    assert run("restore") == 0
    assert disk.snapshot() == set_now
    assert "gone with an earlier start" in capsys.readouterr().out


def test_nothing_was_ever_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("restore") == 0
    assert capsys.readouterr().out == "nothing to restore\n"
    for device in ("host", "sim:tx1"):
        assert run("restore", "--device", device) == 0
    assert run("restore", "--device", "host", "--sudo") == 2


def test_what_cannot_be_put_back_is_one_line_and_kept(
    disk: DiskTree, capsys: pytest.CaptureFixture[str]
) -> None:
    before = disk.snapshot()
    leave_set(disk)
    place = disk.folder / disk.tree.resolve(MAXIMUM)[1:]
    disk.close()
    content = place.read_bytes()
    place.unlink()
    assert run("restore") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "scaling_max_freq could not be put back" in error
    place.write_bytes(content)
    assert run("restore") == 0
    now = {path: text for path, text in disk.snapshot().items() if path in before}
    assert {p: t.strip() for p, t in now.items() if p in disk.tree.settable} == {
        p: t.strip() for p, t in before.items() if p in disk.tree.settable
    }


@pytest.mark.parametrize("word", ["tx1", "auto"])
def test_check_tells_what_a_board_offers(
    word: str, disk: DiskTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = disk.snapshot()
    path, space = tmp_path / "c.json", tmp_path / "space.yaml"
    root = str(disk.folder)
    words = ["--device", word, "--sysfs-root", root, "--json", str(path)]
    assert run("check", *words, "--space-out", str(space)) == 0
    document = said(path)
    assert document["device"] == "tx1"
    assert "L4T R32.7.1, kernel 4.9" in document["board"]["software"]
    power = document["board"]["power"]
    assert power == "VDD_IN (all of the board), VDD_GPU, VDD_CPU"
    # What runs networks is the Python that runs the agent: here it has TensorFlow.
    assert document["board"]["networks run by"].startswith("tensorflow 2.")
    assert "power: VDD_IN" in capsys.readouterr().out
    assert document["options"]["emc_freq_hz"]["available"]
    assert len(document["options"]["cpu_freq_hz"]["levels"]) == 17
    assert "nvpmodel" in document["options"]["power_mode"]["reason"]
    assert "cpu_cores" in space.read_text()
    assert disk.snapshot() == before


def test_check_says_what_networks_need_and_how_to_get_it(
    disk: DiskTree, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    # Without site-packages there is no TensorFlow.
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    words = ["check", "--device", "tx1", "--sysfs-root", str(disk.folder)]
    path = tmp_path / "c.json"
    assert run(*words, "--python", str(python), "--json", str(path)) == 0
    told = said(path)["board"]["networks run by"]
    assert told.startswith("nothing: ") and "install tflite-runtime" in told
    assert "--python names another Python" in told
    assert run(*words, "--python", str(tmp_path / "none"), "--json", str(path)) == 0
    assert said(path)["board"]["networks run by"].startswith("nothing: ")


def test_check_of_another_board_than_said_is_refused(
    disk: DiskTree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", "--device", "tx2", "--sysfs-root", str(disk.folder)) == 1
    assert "is a tx1; say --device tx1" in capsys.readouterr().err
    assert run("check", "--device", "sim:tx1", "--sysfs-root", "/") == 1
    assert "--sysfs-root is for boards" in capsys.readouterr().err


def test_the_agent_is_installed_with_the_package() -> None:
    assert AGENT.is_file()
