"""Real inference on this machine, on the smallest networks there are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from measure.configuration import Configuration
from measure.devices.base import Device
from measure.devices.host import MEASURE, HostDevice
from measure.devices.host_levels import import_variables
from measure.devices.host_power import HostPower
from measure.errors import DeviceError, RunFailed, WorkloadError
from measure.responses import readings_of
from measure.workloads.base import Timing
from measure.workloads.networks import find_network
from measure.workloads.zygote import Zygote
from tests.contracts.devices import DeviceContract
from tests.measure.devices.test_rapl import burning, tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures on Linux")

JOBS = "tests.measure.workloads.jobs"
QUICK = Timing(seconds=0.02, min_calls=2, warm_up_cap_s=0.5, quick=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with tiny networks and a cache of its own."""
    path = tmp_path_factory.mktemp("host")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERFMODEL_CACHE", str(path / "cache"))
        yield path


@pytest.fixture(scope="module")
def zygote(folder: Path) -> Iterator[Zygote]:
    modules = ("measure.workloads.backends",)
    variables = import_variables(True)
    with Zygote(log=folder / "log", environment=variables, modules=modules) as zygote:
        zygote.call(f"{JOBS}:make_networks", str(folder), limit_s=120)
        yield zygote


@pytest.fixture(scope="module")
def words(folder: Path, zygote: Zygote) -> tuple[str, str]:
    return str(folder / "tiny.keras"), str(folder / "numbers.keras")


@pytest.fixture(scope="module")
def host(words: tuple[str, str], folder: Path) -> Iterator[HostDevice]:
    with HostDevice(networks=words, log=folder / "log") as device:
        yield device


class TestHostDevice(DeviceContract):
    builds = {"backend": "tflite", "batch_size": 8}

    @pytest.fixture
    def device(self, host: HostDevice) -> Device:
        return host

    @pytest.fixture
    def pair(self, words: tuple[str, str]) -> tuple[str, str]:
        return words[0], "images-32"


def test_the_workload_of_a_file_is_what_its_input_asks_for(
    host: HostDevice, words: tuple[str, str]
) -> None:
    networks = host.networks()
    assert networks[words[0]] == ("images-32",)
    assert networks[words[1]] == ("random",)
    assert "images" in networks["resnet50"] and networks["tcn"] == ("series",)
    assert "random weights" in host.weights("resnet50")


LEVELS = [
    {"backend": "graph", "isa": "SSE41", "onednn": True, "threads": 1},
    {"backend": "graph", "onednn": False, "batch_size": 8},
    {"backend": "xla", "batch_size": 8},
    {"backend": "tflite", "precision": "float32"},
    {"backend": "tflite", "precision": "int8_dynamic", "threads": 1},
    {"backend": "graph", "precision": "bfloat16"},
]


@pytest.mark.parametrize(
    "levels", LEVELS, ids=lambda levels: ",".join(map(str, levels.values()))
)
def test_each_level_is_measured_and_read_back(
    host: HostDevice,
    words: tuple[str, str],
    levels: dict[str, str | bool | int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    offers = host.offers()
    for name, level in levels.items():
        if level not in offers[name].levels:
            pytest.skip(f"{name} {level}: {offers[name].reason or 'not offered here'}")
    pair = (words[0], "images-32")
    measured = host.measure(*pair, Configuration(levels), QUICK)
    assert dict(measured.read_back) == levels
    assert all(measured.read_back_reason[name] for name in levels)
    assert measured.artefact and not measured.flags
    assert measured.cpu_time_s is not None and measured.cpu_time_s > 0
    assert measured.batch_size == levels.get("batch_size", 1)
    energy = {r.name: r for r in readings_of(measured)}["energy_j"]
    assert energy.value is None and energy.reason
    assert capfd.readouterr() == ("", "")


def test_where_the_processor_tells_it_a_run_has_energy(
    host: HostDevice,
    words: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert host.describe()["power"]
    tree(tmp_path, {"intel-rapl:0": "package-0"})
    monkeypatch.setattr(host, "power", HostPower.find(tmp_path))
    assert host.describe() == {"power": "RAPL package-0"}
    timing = Timing(seconds=0.1, min_calls=2)
    configuration = Configuration({"batch_size": 8})
    with burning(tmp_path, [25.0]):
        measured = host.measure(words[0], "images-32", configuration, timing)
    found = {r.name: r for r in readings_of(measured)}
    assert found["power_w"].value == pytest.approx(25.0, rel=0.2)
    gross, net = found["energy_gross_j"], found["energy_per_item_j"]
    assert gross.value is not None and net.uncertainty is not None
    mean_s = found["latency_mean_s"].value or 0.0
    assert gross.value == pytest.approx(25.0 * mean_s, rel=0.5)


def test_threads_share_an_artefact_and_batches_do_not(
    host: HostDevice, words: tuple[str, str]
) -> None:
    def hashed(**levels: int) -> str:
        return host.artefact(words[0], "images-32", Configuration(levels))

    assert hashed(threads=1) == hashed(threads=2) != hashed(batch_size=8)


def test_levels_that_exclude_each_other_are_forbidden_and_refused(
    host: HostDevice, words: tuple[str, str]
) -> None:
    levels = {"backend": "graph", "precision": "int8_dynamic"}
    space = host.space()
    assert not space.is_valid({**space.reference(), **levels})
    with pytest.raises(RunFailed, match="exclude each other") as caught:
        host.measure(words[0], "images-32", Configuration(levels), QUICK)
    assert caught.value.final


def test_a_run_over_the_time_limit_has_failed_for_good(
    host: HostDevice, words: tuple[str, str]
) -> None:
    timing = replace(QUICK, seconds=30.0, time_limit_s=0.5)
    with pytest.raises(RunFailed, match="longer than the limit of 0.5 s") as caught:
        host.measure(words[0], "images-32", Configuration({"threads": 1}), timing)
    assert caught.value.final


def test_an_unknown_xla_flag_kills_the_child_and_the_run_says_so(
    host: HostDevice, words: tuple[str, str], zygote: Zygote
) -> None:
    configuration = Configuration({"backend": "xla"})
    job = host.job(words[0], "images-32", configuration, QUICK)
    job["environment"]["XLA_FLAGS"] = "--xla_no_such_flag=1"
    with pytest.raises(RunFailed, match="ended .*xla_no_such_flag") as caught:
        zygote.call(MEASURE, job, limit_s=60)
    assert caught.value.final


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_artefact_runs_the_graph_that_a_session_would_have_made(
    host: HostDevice,
    folder: Path,
    words: tuple[str, str],
    zygote: Zygote,
    precision: str,
) -> None:
    if precision not in host.offers()["precision"].levels:
        pytest.skip(host.offers()["precision"].reason)
    network = {"network": words[0], "format": "keras", "file": words[0]}
    path = str(folder / f"same-{precision}.pb")
    job = {"network": network, "precision": precision, "path": path}
    found = zygote.call(f"{JOBS}:executed", job, limit_s=60)["value"]
    assert found["ours"] == found["session"]
    assert found["ours_result"] == found["session_result"]


@pytest.fixture
def one_zygote(monkeypatch: pytest.MonkeyPatch, zygote: Zygote) -> None:
    """Let devices that a test opens fork from what is there, which saves seconds."""
    monkeypatch.setattr(HostDevice, "_zygote", lambda self, onednn: zygote)


@pytest.mark.usefixtures("one_zygote")
def test_a_tflite_file_runs_on_tflite_only(folder: Path) -> None:
    word = str(folder / "tiny.tflite")
    with HostDevice(networks=[word], log=folder / "log") as device:
        assert device.networks()[word] == ("images-32",)
        offer = device.offers()["backend"]
        assert not offer.available and "TFLite" in offer.reason
        with pytest.raises(DeviceError, match="backend cannot be set"):
            device.space(["backend"])
        configuration = Configuration({"batch_size": 8})
        measured = device.measure(word, "images-32", configuration, QUICK)
    assert measured.read_back["batch_size"] == 8


@pytest.mark.usefixtures("one_zygote")
def test_a_network_of_any_size_gets_usual_photographs(folder: Path) -> None:
    word = str(folder / "any_size.keras")
    with HostDevice(networks=[word], log=folder / "log") as device:
        assert device.networks()[word] == ("images",)
        configuration = Configuration({"backend": "xla", "batch_size": 8})
        measured = device.measure(word, "images", configuration, QUICK)
    assert measured.read_back["batch_size"] == 8


@pytest.mark.usefixtures("one_zygote")
def test_a_file_that_is_no_network_is_refused_in_one_line(folder: Path) -> None:
    path = folder / "broken.keras"
    path.write_bytes(b"nothing")
    with pytest.raises(WorkloadError, match="cannot be read as a keras file") as caught:
        HostDevice(networks=[str(path)], log=folder / "log")
    assert "\n" not in str(caught.value)


def test_an_unknown_network_or_workload_is_refused(host: HostDevice) -> None:
    with pytest.raises(WorkloadError, match="'alexnet' is unknown"):
        host.environment("alexnet", "images")
    with pytest.raises(WorkloadError, match="has no workload 'series'"):
        host.environment("resnet50", "series")
    assert host.environment("resnet50", "images-96").workload == "images-96"


def test_an_environment_names_the_runtime_and_what_must_match(host: HostDevice) -> None:
    environment = host.environment("tcn", find_network("tcn").workloads[0])
    assert environment.version.startswith("tensorflow-2.")
    assert {"cpu", "kernel", "tensorflow", "cores"} <= set(environment.fingerprint)


def test_a_file_is_told_apart_by_its_content(
    host: HostDevice, words: tuple[str, str]
) -> None:
    one, other = (
        host.environment(word, host.networks()[word][0]).fingerprint["file"]
        for word in words
    )
    assert len(one) == len(other) == 32 and one != other


def test_the_log_keeps_no_line_for_each_kernel(
    host: HostDevice, folder: Path, words: tuple[str, str]
) -> None:
    configuration = Configuration({"backend": "graph", "isa": "default"})
    host.artefact(words[0], "images-32", configuration)
    before = len((folder / "log").read_text())
    measured = host.measure(words[0], "images-32", configuration, QUICK)
    assert measured.read_back["isa"] == "default"
    assert "onednn_verbose" not in (folder / "log").read_text()[before:]
