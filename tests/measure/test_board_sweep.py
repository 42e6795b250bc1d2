"""``measure sweep`` on boards: real inference, over SSH, on files that act like one."""

from __future__ import annotations

import json
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from measure.cli import main
from measure.devices.address import Address
from measure.records import Run
from measure.simulator.disk_tree import DiskTree
from measure.simulator.tree_layouts import DEBUG
from measure.store import SqliteStore
from tests.measure.devices.fake_board import board_tree
from tests.measure.devices.kill_kit import BoardSweep, kill_at_random
from tests.measure.devices.lean import lean_python
from tests.measure.devices.sshd import sshd

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="boards run Linux")

ROOT = Path(__file__).parents[2]

TREES = ("tx1-r24", "tx1-r28", "tx1-r32", "tx2", "tk1")


@dataclass(frozen=True)
class Kit:
    """What all boards of a module share: a server, a Python with a runtime."""

    config: Path
    python: Path


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    folder = tmp_path_factory.mktemp("boards")
    with pytest.MonkeyPatch.context() as patch, sshd(folder / "sshd") as config:
        # Networks are exported once.
        patch.setenv("PERFMODEL_CACHE", str(folder / "artefacts"))
        yield Kit(config=config, python=lean_python(folder))


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def words(kit: Kit, tmp_path: Path) -> Callable[..., list[str]]:
    """What a sweep of few runs takes, on a board by its folder."""

    def made(word: str, folder: Path, *more: str) -> list[str]:
        found = ["sweep", "--device", word, "--ssh", "board"]
        found += ["--ssh-config", str(kit.config), "--sysfs-root", str(folder)]
        found += ["--python", str(kit.python), "--networks", "tcn"]
        found += ["--design", "random", "--runs", "2"]
        found += ["--store", str(tmp_path / "m.db")]
        return [*found, *more]

    return made


def run(words: list[str]) -> int:
    with pytest.raises(SystemExit) as left:
        main.main(words, prog_name="measure")
    return int(left.value.code or 0)


def runs_of(path: Path) -> tuple[Run, ...]:
    with SqliteStore(path / "m.db", read_only=True) as store:
        return tuple(store.runs())


def value(run_: Run, name: str) -> float | None:
    return next(one.value for one in run_.readings if one.name == name)


@pytest.mark.parametrize("name", TREES)
def test_a_sweep_over_ssh_measures_and_leaves_no_trace(
    name: str, words: Callable[..., list[str]], tmp_path: Path
) -> None:
    word = name.partition("-")[0]
    with DiskTree(tmp_path / "board", board_tree(name, time.monotonic, 0.02)) as disk:
        before = disk.snapshot()
        said = tmp_path / "s.json"
        code = run(words(word, disk.folder, "--json", str(said)))
        assert disk.snapshot() == before
    document: dict[str, Any] = json.loads(said.read_text())
    assert code in (0, 3), document
    assert (document["runs_done"], document["runs_failed"]) == (2, 0)
    for one in runs_of(tmp_path):
        assert one.status == "done" and not one.simulated
        assert dict(one.read_back) == dict(one.configuration)
        assert value(one, "latency_s") and value(one, "cpu_time_s")
        environment = one.environment
        assert (environment.device, environment.version) == (
            word,
            "tflite_runtime-2.21",
        )
        assert environment.fingerprint["kernel"]
        assert (
            "127.0.0.1" not in str(environment) and "board" in environment.fingerprint
        )
        energy = next(r for r in one.readings if r.name == "energy_j")
        if word == "tk1":
            assert energy.value is None and "no power sensor" in energy.reason
        else:
            assert energy.value is not None and energy.uncertainty is not None
            assert value(one, "power_w") == pytest.approx(
                value(one, "power_w") or 0.0, abs=0.5
            )


def sweep_of(
    kit: Kit, tmp_path: Path, name: str, disk: DiskTree, over_ssh: bool, runs: int
) -> BoardSweep:
    state = kit.config.parent / "state" if over_ssh else tmp_path / "state"
    return BoardSweep(
        where=Address(
            ssh="board" if over_ssh else "",
            ssh_config=str(kit.config) if over_ssh else "",
            sysfs_root=str(disk.folder),
        ),
        word=name.partition("-")[0],
        python=kit.python,
        folder=tmp_path,
        state=state,
        words=("--runs", str(runs)),
    )


@pytest.mark.parametrize(
    ("kind", "name", "over_ssh"),
    [
        ("host", "tx1-r24", True),
        ("ssh", "tx2", True),
        ("agent", "tx1-r32", True),
        ("host+agent", "tx1-r28", False),
    ],
)
def test_a_sweep_that_is_killed_is_restored_and_resumed(
    kind: str, name: str, over_ssh: bool, kit: Kit, tmp_path: Path
) -> None:
    seed = random.randrange(10**6)
    with DiskTree(tmp_path / "board", board_tree(name, time.monotonic, 0.02)) as disk:
        sweep = sweep_of(kit, tmp_path, name, disk, over_ssh, 3)
        found = kill_at_random(sweep, disk, kind, random.Random(seed), 2.0)
    assert found.good, (seed, found)


def test_ctrl_c_leaves_the_board_as_it_was_and_who_comes_second_is_told(
    kit: Kit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "tx1-r32"
    with DiskTree(tmp_path / "board", board_tree(name, time.monotonic, 0.02)) as disk:
        before = disk.snapshot()
        sweep = sweep_of(kit, tmp_path, name, disk, True, 20)
        program = sweep.start()
        words = sweep.sweep()[3:]
        words[words.index("--store") + 1] = str(tmp_path / "other.db")
        assert run(words) == 1
        error = capsys.readouterr().err
        assert f"process {program.pid}" in error and "is sweeping it" in error
        assert error.count("\n") == 1
        program.send_signal(signal.SIGINT)
        said, _ = program.communicate(timeout=60)
        assert program.returncode == 130 and "measure resume" in said
        assert disk.snapshot() == before
        assert sweep.call("restore")[1]["restored"] == []


def test_a_level_that_is_refused_is_final_and_the_sweep_goes_on(
    words: Callable[..., list[str]], tmp_path: Path
) -> None:
    tree = board_tree("tx1-r32", time.monotonic, 0.02)
    # Memory clocks are swallowed: all but the one that stands are not taken.
    tree.faults[f"{DEBUG}/clk/override.emc/clk_update_rate"] = "swallowed"
    with DiskTree(tmp_path / "board", tree) as disk:
        before = disk.snapshot()
        more = ("--options", "emc_freq_hz", "--protocol", "quick", "--runs", "4")
        assert run(words("tx1", disk.folder, *more)) == 3
        assert disk.snapshot() == before
    failed = [one for one in runs_of(tmp_path) if one.status == "failed"]
    assert failed and all(one.final for one in failed)
    assert all("wrote" in one.reason and "emc" in one.reason for one in failed)
