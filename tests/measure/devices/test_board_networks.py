"""Real inference through an agent: exported, copied once, run, told."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from measure.configuration import Configuration
from measure.devices.address import Address
from measure.devices.board_networks import NetworkPrograms
from measure.devices.board_programs import Calls
from measure.devices.network_program import NetworkProgram
from measure.devices.transport import AgentLink, InProcessLink, Reply
from measure.devices.worker_program import runtimes_of
from measure.errors import DeviceError, RunFailed, WorkloadError
from measure.simulator.tree import BoardTree
from measure.space import ConfigurationSpace
from measure.workloads.zygote import Zygote
from tests.measure.devices.sshd import sshd

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="boards run Linux")

JOBS = "tests.measure.workloads.jobs"
USUAL: dict[str, Any] = {
    "seconds": 0.02,
    "window_s": 0.05,
    "lead_s": 0.02,
    "min_calls": 2,
    "quick": True,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with caches and journals of its own."""
    path = tmp_path_factory.mktemp("board")
    (path / "root").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERFMODEL_CACHE", str(path / "host"))
        patch.setenv("XDG_CACHE_HOME", str(path / "cache"))
        patch.setenv("XDG_STATE_HOME", str(path / "state"))
        yield path


@pytest.fixture(scope="module")
def programs(folder: Path) -> Iterator[NetworkPrograms]:
    modules = ("measure.workloads.backends",)
    with Zygote(log=folder / "log", modules=modules) as zygote:
        zygote.call(f"{JOBS}:make_networks", str(folder), limit_s=120)
        with pytest.MonkeyPatch.context() as patch:
            build = "measure.devices.board_networks.NetworkPrograms._build"
            patch.setattr(
                build, lambda self, to, job, _: zygote.call(to, job, limit_s=120)
            )
            words = [str(folder / "tiny.keras"), str(folder / "numbers.keras")]
            yield NetworkPrograms(networks=words, log=folder / "log")


class Watched(AgentLink):
    """A link that counts the pieces that are copied."""

    pieces = 0

    def ask(self, do: str, **words: Any) -> Reply:
        self.pieces += "data" in words
        return super().ask(do, **words)


@pytest.fixture
def link(folder: Path) -> Iterator[Watched]:
    opened = Watched(Address(sysfs_root=str(folder / "root")))
    yield opened
    opened.close()


@pytest.fixture
def program(programs: NetworkPrograms, folder: Path) -> NetworkProgram:
    """A program that has not been copied by anyone."""
    known = programs.program(str(folder / "tiny.keras"), "images-32")
    return NetworkProgram(known.network, known.workload, programs.cache)


def run(program: NetworkProgram, link: AgentLink, **levels: Any) -> Calls:
    configuration = Configuration(levels)
    program.artefact(configuration)
    program.copy(link)
    argv = program.argv(configuration, **USUAL)
    return program.calls(link.ask("run", argv=argv, limit_s=120.0))


def test_a_network_is_exported_copied_once_and_run(
    program: NetworkProgram, programs: NetworkPrograms, folder: Path, link: Watched
) -> None:
    levels = Configuration({"batch_size": 8, "threads": 2})
    program.prepare([levels])
    now_s = link.ask("status")["now"]
    calls = run(program, link, **levels)
    assert calls.batch_size == 8 and calls.read_back["batch_size"] == 8
    assert calls.read_back["threads"] == 2
    assert calls.read_back["precision"] == "float32"
    assert len(calls.calls_s) >= 2 and min(calls.calls_s) > 0
    assert calls.cpu_time_s is not None and calls.cpu_time_s > 0
    assert calls.window is not None
    assert now_s < calls.window[0] < calls.window[1] < link.ask("status")["now"]
    assert calls.window[1] - calls.window[0] >= 0.05
    assert not calls.flags
    pieces, there = link.pieces, folder / "cache" / "measure" / "files"
    names = sorted(os.listdir(there))
    assert names == sorted(_sha256(path) for path in there.iterdir())
    program.copy(link)
    other = NetworkProgram(program.network, program.workload, programs.cache)
    other.artefact(levels)
    other.copy(link)
    assert link.pieces == pieces and sorted(os.listdir(there)) == names


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_precisions_and_batches_are_models_of_their_own(
    program: NetworkProgram,
) -> None:
    found = {
        program.artefact(Configuration(levels))
        for levels in (
            {},
            {"precision": "int8_dynamic"},
            {"batch_size": 8},
            {"backend": "graph"},
        )
    }
    assert len(found) == 4 and all(found)
    same = Configuration({"precision": "float32", "threads": 1, "backend": "tflite"})
    assert program.artefact(same) in found


def test_int8_is_not_for_graphs(
    program: NetworkProgram, programs: NetworkPrograms
) -> None:
    levels = Configuration({"backend": "graph", "precision": "int8_dynamic"})
    program.prepare([levels])
    with pytest.raises(RunFailed, match="exclude each other"):
        program.artefact(levels)
    offers = programs.offers(4)
    options = [o.option for o in offers.values() if o.option is not None]
    space = ConfigurationSpace(options, programs.forbidden(options))
    assert not space.is_valid({**space.reference(), **levels})
    assert space.is_valid({**space.reference(), "backend": "graph"})
    assert not programs.forbidden(options[:2])
    assert not programs.offers(1)["threads"].available


def test_a_tflite_file_is_one_model_for_all_batches(
    programs: NetworkPrograms, folder: Path
) -> None:
    word = str(folder / "tiny.tflite")
    own = NetworkPrograms(networks=[word], log=folder / "log")
    offers = own.offers(4)
    assert offers["batch_size"].available and not offers["precision"].available
    program = own.program(word, "images-32")
    assert program.artefact({"batch_size": 8}) == program.artefact({"batch_size": 1})


def test_what_was_not_copied_is_not_run(program: NetworkProgram) -> None:
    with pytest.raises(DeviceError, match="is not on the board"):
        program.argv(Configuration({}), **USUAL)


def test_an_unknown_network_or_workload_is_refused(programs: NetworkPrograms) -> None:
    with pytest.raises(WorkloadError, match="nonet"):
        programs.program("nonet", "images")
    with pytest.raises(WorkloadError, match="series"):
        programs.program("resnet50", "series")
    one, other = (programs.program(word, "images") for word in ("resnet", "resnet50"))
    assert one is other


def test_a_kill_of_what_runs_is_a_failure_from_outside(
    program: NetworkProgram, link: Watched
) -> None:
    program.artefact({})
    program.copy(link)
    argv = program.argv({}, **{**USUAL, "window_s": 60.0})
    kill = ["bash", "-c", '"$0" "$@" & sleep 0.3; kill -9 $!; wait $!; kill -9 $$']
    reply = link.ask("run", argv=[*kill, *argv], limit_s=30.0)
    with pytest.raises(RunFailed, match="SIGKILL") as failure:
        program.calls(reply)
    assert not failure.value.final


def test_what_takes_too_long_has_failed_for_good(
    program: NetworkProgram, link: Watched
) -> None:
    program.artefact({})
    program.copy(link)
    argv = program.argv({}, **{**USUAL, "window_s": 60.0})
    with pytest.raises(RunFailed, match="its time limit") as failure:
        program.calls(link.ask("run", argv=argv, limit_s=0.5))
    assert failure.value.final


def test_it_runs_over_ssh_and_tells_what_runs_it(
    program: NetworkProgram, programs: NetworkPrograms, folder: Path, tmp_path: Path
) -> None:
    packages = sysconfig.get_path("purelib")
    with sshd(tmp_path / "sshd", f"PYTHONPATH={packages}") as config:
        root = str(folder / "root")
        where = Address(ssh="board", ssh_config=str(config), sysfs_root=root)
        opened = AgentLink(where)
        try:
            calls = run(program, opened, threads=1)
            label, more = programs.version(opened)
        finally:
            opened.close()
        assert calls.calls_s and calls.read_back["threads"] == 1
        assert label.startswith("tensorflow-2.") and more["python"]
        assert more["graph"] == more["tflite"] and "tensorflow 2." in more["graph"]
        assert list((tmp_path / "sshd" / "cache" / "measure" / "files").iterdir())


class Telling(InProcessLink):
    """A board whose Python has some runtimes, each with its version."""

    def __init__(self, runtimes: dict[str, tuple[str, str]]) -> None:
        super().__init__(BoardTree("tx1-r32"))
        self.runtimes = runtimes

    def ask(self, do: str, *, limit_s: float = 15.0, **words: Any) -> Reply:
        if do != "run":
            return super().ask(do, limit_s=limit_s, **words)
        said: dict[str, str] = {"failed": "it is not there"}
        backend = json.loads(words["argv"][-1])["backend"]
        if backend in self.runtimes:
            said = dict(zip(("runtime", "version"), self.runtimes[backend]))
            said["python"] = "3.6.9"
        return {"rc": 0, "stdout": json.dumps(said), "stderr": ""}


def test_graphs_of_two_versions_of_tensorflow_are_told_apart() -> None:
    lite, told = ("tflite_runtime", "2.5.0"), []
    for tensorflow in ("1.15.2", "2.4.0"):
        link = Telling({"tflite": lite, "graph": ("tensorflow", tensorflow)})
        told.append(runtimes_of(link, "worker", ("tflite", "graph")))
    assert [label for label, _ in told] == ["tflite_runtime-2.5"] * 2
    assert [more["graph"] for _, more in told] == [
        "tensorflow 1.15.2",
        "tensorflow 2.4.0",
    ]


def test_a_board_that_runs_graphs_only_is_taken() -> None:
    link = Telling({"graph": ("tensorflow", "1.15.2")})
    label, more = runtimes_of(link, "worker", ("tflite", "graph"))
    assert label == "tensorflow-1.15" and "tflite" not in more
    with pytest.raises(DeviceError, match="it is not there"):
        runtimes_of(link, "worker", ("tflite",))
