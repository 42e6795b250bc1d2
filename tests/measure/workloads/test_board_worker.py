"""What runs networks on a board: with the runtime there, and without."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from measure.workloads import board_timing, board_worker, command
from measure.workloads.board_timing import Failed
from measure.workloads.zygote import Zygote

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="boards run Linux")

JOBS = "tests.measure.workloads.jobs"
SOURCES = [str(module.__file__) for module in (board_timing, command, board_worker)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worker")


@pytest.fixture(scope="module")
def zygote(folder: Path) -> Iterator[Zygote]:
    modules = ("measure.workloads.backends",)
    with Zygote(log=folder / "log", modules=modules) as zygote:
        made = zygote.call(f"{JOBS}:make_models", str(folder), limit_s=120)["value"]
        # These came with newer versions, and are left out where they say nothing new.
        assert "explicit_paddings" not in made["attributes"]
        assert "strides" in made["attributes"]
        yield zygote


def work(
    zygote: Zygote, folder: Path, model: str, inputs: str, **changes: Any
) -> dict[str, Any]:
    job = {
        "kind": "graph" if model.endswith(".pb") else "tflite",
        "model": str(folder / model),
        "inputs": str(folder / inputs),
        "threads": 1,
        "seconds": 0.01,
        "window_s": 0.0,
        "lead_s": 0.0,
        "min_calls": 2,
        "quick": True,
        "warm_up_cap_s": 0.1,
        "limit_s": 30.0,
        **changes,
    }
    found: dict[str, Any] = zygote.call(f"{JOBS}:worked", job, limit_s=60)["value"]
    return found


def test_all_of_it_is_in_the_syntax_of_python_3_4() -> None:
    start = "from vermin import main; main()"
    words = [sys.executable, "-c", start, "-t=3.4-", "--no-tips", *SOURCES]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_imports_the_standard_library_only(tmp_path: Path) -> None:
    from measure.devices.copying import worker

    (tmp_path / "worker").write_bytes(worker())
    probe = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'worker')!r})\n"
        "import measure.workloads.board_worker; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", probe], capture_output=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.decode().split()}
    known = set(sys.stdlib_module_names) | {"__main__", "measure", "sitecustomize"}
    assert loaded <= known


@pytest.mark.parametrize("batch", [1, 4])
def test_a_tflite_file_is_resized_to_its_inputs(
    zygote: Zygote, folder: Path, batch: int
) -> None:
    found = work(zygote, folder, "tiny.tflite", f"images{batch}.npy")
    assert found["batch_size"] == found["read_back"]["batch_size"] == batch
    assert found["read_back"]["threads"] == 1 and len(found["calls_s"]) >= 2
    assert found["read_back"]["precision"] == "float32" and not found["flags"]


def test_threads_are_read_back(zygote: Zygote, folder: Path) -> None:
    for threads in (2, 3):
        found = work(zygote, folder, "tiny.tflite", "images1.npy", threads=threads)
        assert found["read_back"]["threads"] == threads
        assert "made when it loaded" in found["read_back_reason"]["threads"]


def test_threads_that_are_not_those_asked_for_are_a_failure(
    zygote: Zygote, folder: Path
) -> None:
    changes = {"threads": 2, "asked": {"threads": 3}}
    found = work(zygote, folder, "tiny.tflite", "images1.npy", **changes)
    assert found["failed"].startswith("threads: 3 was set and 2 read back")


def test_a_level_that_does_not_take_is_a_failure(zygote: Zygote, folder: Path) -> None:
    asked = {"precision": "int8_dynamic", "batch_size": 1}
    found = work(zygote, folder, "tiny.tflite", "images1.npy", asked=asked)
    assert found["failed"].startswith(
        "precision: int8_dynamic was set and float32 read"
    )
    assert found["final"]
    asked = {"backend": "graph", "batch_size": 2, "threads": 1}
    assert "failed" not in work(zygote, folder, "tiny.pb", "images2.npy", asked=asked)


def test_a_network_too_small_to_share_does_not_show_its_threads() -> None:
    assert board_worker._pool(0, 4)[0] is None
    assert board_worker._pool(3, 4)[0] == 4
    assert board_worker._pool(0, 1)[0] == 1


def test_threads_that_may_be_of_several_pools_are_not_taken_for_one() -> None:
    assert board_worker._pool(7, 2)[0] is None
    assert board_worker._pool(6, 4)[0] is None
    assert board_worker._pool(1, 4)[0] is None
    assert board_worker._pool(7, 2, 7)[0] == 8
    assert board_worker._pool(4, 4, 3)[0] == 4


def test_a_frozen_graph_is_run(zygote: Zygote, folder: Path) -> None:
    found = work(zygote, folder, "tiny.pb", "images2.npy")
    assert found["batch_size"] == 2 and len(found["calls_s"]) >= 2
    assert found["read_back_reason"]["backend"].endswith("which has CPU")


def test_output_that_is_no_number_is_flagged(zygote: Zygote, folder: Path) -> None:
    found = work(zygote, folder, "tiny.tflite", "nan.npy")
    assert found["flags"] == [board_worker.NOT_FINITE]


@pytest.mark.parametrize(
    ("model", "inputs", "reason"),
    [
        (
            "newer.pb",
            "images2.npy",
            "has no attribute of_tomorrow of Conv2D; operation ReluOfTomorrow",
        ),
        ("tiny.pb", "numbers1.npy", "of this board cannot run it: "),
        ("custom.tflite", "numbers1.npy", "unresolved custom op: Digamma"),
        ("fixed.tflite", "numbers4.npy", "[1, 5] cannot be resized to [4, 5]"),
        ("no.tflite", "numbers1.npy", "cannot load the model"),
    ],
)
def test_what_a_board_cannot_run_fails_for_good_and_is_named(
    zygote: Zygote, folder: Path, model: str, inputs: str, reason: str
) -> None:
    found = work(zygote, folder, model, inputs)
    assert reason in found["failed"] and found["final"]
    assert "\n" not in found["failed"]


class Interpreter:
    """An old one, which cannot set threads."""

    def __init__(self, model_path: str) -> None:
        raise ValueError(f"Didn't find op for builtin opcode in {model_path}")


def _module(name: str, **members: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(members)
    return module


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A board without any runtime."""
    names = ("tflite_runtime", "ai_edge_litert", "tensorflow")
    for name in (*names, *(f"{name}.interpreter" for name in names)):
        monkeypatch.setitem(sys.modules, name, None)
    return monkeypatch


def test_a_board_without_a_runtime_says_what_to_install(
    board: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Failed, match="install tflite-runtime"):
        board_worker.find_interpreter()
    with pytest.raises(Failed, match="no TensorFlow"):
        board_worker.tell_versions({"backend": "graph"})


def test_the_leanest_runtime_is_taken(board: pytest.MonkeyPatch) -> None:
    lite = _module("lite", Interpreter=Interpreter)
    one = _module("tensorflow", contrib=_module("c", lite=lite), __version__="1.9.0")
    board.setitem(sys.modules, "tensorflow", one)
    assert board_worker.tell_versions({})["version"] == "1.9.0"
    vars(one)["lite"] = lite
    assert board_worker.find_interpreter()[0] == "tensorflow"
    lean = _module("tflite_runtime", __version__="2.5.0")
    board.setitem(sys.modules, "tflite_runtime", lean)
    inner = _module("tflite_runtime.interpreter", Interpreter=Interpreter)
    board.setitem(sys.modules, "tflite_runtime.interpreter", inner)
    told = board_worker.tell_versions({})
    assert (told["runtime"], told["version"]) == ("tflite_runtime", "2.5.0")


def test_an_old_runtime_says_what_it_lacks(
    board: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import numpy as np

    np.save(tmp_path / "x.npy", np.ones(1))
    lean = _module("tflite_runtime.interpreter", Interpreter=Interpreter)
    board.setitem(sys.modules, "tflite_runtime", _module("tflite_runtime"))
    board.setitem(sys.modules, "tflite_runtime.interpreter", lean)
    job = {"inputs": str(tmp_path / "x.npy"), "model": "m", "threads": 2}
    with pytest.raises(Failed, match="cannot set threads"):
        board_worker.run_tflite(job)
    with pytest.raises(Failed, match="Didn't find op"):
        board_worker.run_tflite({**job, "threads": None})


def test_a_graph_without_one_input_and_one_output_is_refused() -> None:
    def node(name: str, op: str, *inputs: str) -> types.SimpleNamespace:
        return types.SimpleNamespace(name=name, op=op, input=inputs)

    x, y = node("x", "Placeholder"), node("y", "Relu", "x:0")
    graph = types.SimpleNamespace(node=[x, node("c", "Const"), y, node("z", "Add")])
    with pytest.raises(Failed, match=r"inputs \['x'\] and the outputs \['c', 'y', 'z'"):
        board_worker.ends(graph)
    graph.node = [x, node("c", "Const"), node("y", "Add", "x", "^c")]
    assert board_worker.ends(graph) == ("x:0", "y:0")
