"""A device that answers from recorded runs."""

from __future__ import annotations

import csv
import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from measure.cli import main
from measure.configuration import Configuration
from measure.designs.making import make_design
from measure.devices.base import Device
from measure.devices.opening import open_device
from measure.devices.replay import ReplayDevice
from measure.errors import DeviceError, MeasureError, RunFailed, SweepError
from measure.protocol import MeasurementProtocol
from measure.records import Run
from measure.store import MemoryStore, SqliteStore
from measure.sweep import Sweep
from measure.workloads.base import Timing
from tests.contracts.devices import DeviceContract

TIMING = Timing()
FLAGS = (
    "--options",
    "threads,clock,cache",
    "--response",
    "seconds",
    "--environment",
    "net,size",
)
ROLES: Mapping[str, Any] = {
    "options": ["threads", "clock", "cache"],
    "responses": ["seconds"],
    "environment": ["net", "size"],
}


def seconds_of(net: str, size: int, threads: int, clock: int, cache: str) -> float:
    """The truth that `campaign` records; every configuration has its own."""
    cached = 0.8 if cache == "on" else 1.0
    seconds = (1 + size) * (100 / clock + 8 / threads) * cached
    return seconds * (2.0 if net == "vgg" else 1.0)


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def campaign(
    keep: Callable[[dict[str, Any]], bool] = lambda row: True, repeats: int = 1
) -> list[dict[str, Any]]:
    """A full factorial in four environments, each repeat a thousandth slower."""
    rows = []
    for turn, net, size, threads, clock, cache in itertools.product(
        range(repeats),
        ("vgg", "vision"),
        (1, 2),
        (1, 2, 4),
        (100, 200, 400),
        ("on", "off"),
    ):
        row: dict[str, Any] = {
            "net": net,
            "size": size,
            "threads": threads,
            "clock": clock,
            "cache": cache,
            "board": "tx9",
        }
        seconds = seconds_of(net, size, threads, clock, cache)
        row["seconds"] = seconds * (1 + turn / 1000)
        if keep(row):
            rows.append(row)
    return rows


def replay(path: Path, **changes: Any) -> ReplayDevice:
    return ReplayDevice(str(path), **{**ROLES, **changes})


def configuration(**levels: Any) -> Configuration:
    return Configuration({"threads": 1, "clock": 100, "cache": "on", **levels})


def value_of(device: ReplayDevice, network: str, one: Configuration) -> float:
    measured = device.measure(network, "recorded", one, TIMING)
    assert not measured.calls_s
    (reading,) = measured.readings
    assert reading.name == "seconds" and reading.value is not None
    return reading.value


def command(folder: Path, *words: str) -> Result:
    folder.mkdir(exist_ok=True)
    return CliRunner().invoke(main, [*words, "--store", str(folder / "s.db")])


def sweep(path: Path, *words: str, code: int = 0) -> str:
    """Run `sweep` on a table and return what it printed."""
    result = command(path.parent, "sweep", "--device", f"replay:{path}", *words)
    assert result.exit_code == code, result.output
    return str(result.output)


def runs_of(path: Path) -> list[Run]:
    with SqliteStore(path.parent / "s.db", read_only=True) as store:
        return list(store.runs())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path / "lab.csv", campaign())


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table that a sweep of the simulated device was exported to."""
    folder = tmp_path_factory.mktemp("exported")
    words = ["--device", "sim:effects", "--runs", "30", "--networks", "resnet"]
    words += ["--options", "turbo,precision,emc_freq_hz", "--design", "random"]
    assert command(folder, "sweep", *words).exit_code in (0, 3)
    out = folder / "effects.csv"
    assert command(folder, "export", "--out", str(out)).exit_code == 0
    return out


class TestReplayDevice(DeviceContract):
    times_calls = False

    @pytest.fixture
    def device(self, table: Path) -> Device:
        return replay(table)


class TestReplayOfAnExportedStore(DeviceContract):
    times_calls = False

    @pytest.fixture
    def device(self, exported: Path) -> Device:
        return open_device(f"replay:{exported}")


def test_networks_are_the_environment_values_joined(table: Path) -> None:
    device = replay(table)
    assert device.networks() == {
        name: ("recorded",) for name in ("vgg/1", "vgg/2", "vision/1", "vision/2")
    }
    assert (device.name, device.simulated) == ("replay:lab", True)


def test_a_column_network_is_the_network(tmp_path: Path) -> None:
    rows = [
        {"network": net, "workload": load, "device": board, "a": a, "y": 1.5}
        for net, load, board, a in itertools.product(
            ("vgg", "tcn"), ("images", "text"), ("tx1", "tx2"), (1, 2)
        )
    ]
    path = write(tmp_path / "t.csv", rows)
    names = ["device", "network", "workload"]
    device = ReplayDevice(str(path), options=["a"], responses=["y"], environment=names)
    workloads = ("images/tx1", "images/tx2", "text/tx1", "text/tx2")
    assert device.networks() == {"vgg": workloads, "tcn": workloads}
    one = [row for row in rows if row["device"] == "tx1"]
    same = ReplayDevice(
        str(write(path, one)), options=["a"], responses=["y"], environment=names
    )
    assert same.networks() == {name: ("images", "text") for name in ("vgg", "tcn")}


def test_a_table_without_environment_is_one_network(table: Path) -> None:
    device = replay(table, environment=None)
    assert device.networks() == {"lab": ("recorded",)}


def test_it_answers_with_what_was_recorded(table: Path) -> None:
    device = replay(table)
    for threads, clock, cache in itertools.product((1, 4), (100, 400), ("on", "off")):
        one = configuration(threads=threads, clock=clock, cache=cache)
        expected = seconds_of("vgg", 2, threads, clock, cache)
        assert value_of(device, "vgg/2", one) == pytest.approx(expected, rel=1e-12)


def test_repeats_are_answered_in_turn_and_then_flagged(tmp_path: Path) -> None:
    device = replay(write(tmp_path / "t.csv", campaign(repeats=2)))
    first = seconds_of("vgg", 1, 1, 100, "on")
    values = [value_of(device, "vgg/1", configuration()) for _ in range(2)]
    assert values == pytest.approx([first, 1.001 * first], rel=1e-12)
    # Another environment has turns of its own.
    assert value_of(device, "vgg/2", configuration()) == pytest.approx(1.5 * first)
    again = device.measure("vgg/1", "recorded", configuration(), TIMING)
    assert again.readings[0].value == pytest.approx(first)
    assert again.flags == ("recorded 2 times, answered again",)


def test_a_configuration_that_was_not_recorded_fails_by_name(tmp_path: Path) -> None:
    rows = campaign(lambda row: (row["threads"], row["clock"]) != (4, 400))
    device = replay(write(tmp_path / "t.csv", rows))
    one = configuration(threads=4, clock=400)
    with pytest.raises(RunFailed, match="threads=4,clock=400,cache=on was not") as told:
        device.measure("vgg/1", "recorded", one, TIMING)
    assert told.value.final


def test_a_run_without_a_response_is_a_failed_run(tmp_path: Path) -> None:
    rows = campaign()
    rows[0]["seconds"] = ""
    device = replay(write(tmp_path / "t.csv", rows))
    with pytest.raises(RunFailed, match="without a response"):
        device.measure("vgg/1", "recorded", configuration(), TIMING)


def test_an_unset_option_is_at_its_default_which_was_recorded(tmp_path: Path) -> None:
    # The middle of all levels, two threads at 200, is missing.
    rows = campaign(lambda row: (row["threads"], row["clock"]) != (2, 200))
    device = replay(write(tmp_path / "t.csv", rows))
    reference = device.space().reference()
    assert device.lacks("vgg/1", "recorded", [reference]) == []
    assert sum(reference[n] == v for n, v in (("threads", 2), ("clock", 200))) == 1
    part = Configuration({"cache": "off"})
    full = Configuration({**reference, "cache": "off"})
    assert value_of(device, "vgg/1", part) == value_of(
        replay(tmp_path / "t.csv"), "vgg/1", full
    )


def test_options_with_one_level_are_left_out_and_named(table: Path) -> None:
    device = replay(table, options=["threads", "board", "clock", "cache"])
    assert device.space().names == ("threads", "clock", "cache")
    assert device.space(["board", "clock"]).names == ("clock",)
    assert device.notes == ("left out, recorded at one level only: board=tx9",)
    offer = device.offers()["board"]
    assert not offer.available and "tx9" in offer.reason


def test_an_option_that_an_environment_lacks_is_not_asked_of_it(tmp_path: Path) -> None:
    rows = campaign(lambda row: row["net"] == "vgg" or row["cache"] == "on")
    for row in rows:
        row["cache"] = row["cache"] if row["net"] == "vgg" else ""
    device = replay(write(tmp_path / "t.csv", rows))
    space = device.space(["threads", "clock"])
    pairs = [("vgg/1", "recorded"), ("vision/1", "recorded")]
    found = device.recorded(pairs, space)
    assert len(found) == 9
    one = Configuration({"threads": 4, "clock": 400})
    expected = seconds_of("vision", 1, 4, 400, "on")
    assert value_of(device, "vision/1", one) == pytest.approx(expected)


def test_reference_runs_of_an_export_are_not_answered_with(tmp_path: Path) -> None:
    rows = campaign(lambda row: row["net"] == "vgg")
    for row in rows:
        row["role"] = "design"
    rows.insert(0, {**rows[0], "role": "reference", "seconds": 1e6})
    path = write(tmp_path / "t.csv", rows)
    described = {
        "options": {
            "threads": {"kind": "numeric", "levels": [1, 2, 4, 8]},
            "clock": {"kind": "numeric", "unit": "MHz", "levels": [100, 200, 400]},
            "cache": {"kind": "categorical", "levels": ["on", "off"]},
        },
        "forbid": [{"threads": 8, "cache": "on"}, {"threads": 4, "clock": 100}],
        "responses": {"seconds": "s"},
        "environment": ["net", "size"],
        "meta": ["role"],
    }
    (tmp_path / "t.json").write_text(json.dumps(described), encoding="utf-8")
    device = ReplayDevice(str(path))
    assert value_of(device, "vgg/1", configuration()) < 1e3
    assert "1 reference runs" in device.notes[0]
    # The description's units and rules hold, for the levels that were recorded.
    measured = device.measure("vgg/1", "recorded", configuration(), TIMING)
    assert measured.readings[0].unit == "s"
    assert device.space().options["threads"].levels == (1, 2, 4)
    assert not device.space().is_valid(configuration(threads=4))
    assert [len(item.conditions) for item in device.space().forbid] == [2]


def test_environments_that_would_share_a_name_are_refused(tmp_path: Path) -> None:
    rows = [
        {"c": c, "d": d, "a": a, "y": 1.0}
        for (c, d), a in itertools.product((("x/y", "z"), ("x", "y/z")), (1, 2))
    ]
    path = write(tmp_path / "t.csv", rows)
    with pytest.raises(DeviceError, match="would both be called x/y/z"):
        replay(path, options=["a"], responses=["y"], environment=["c", "d"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"options": None}, "the columns are net, size, threads"),
        ({"responses": None}, "the response; the columns are"),
        ({"responses": None}, "--options threads,clock,cache --response NAME"),
        ({"options": ["board"]}, "nothing varies"),
        ({"options": ["thread"]}, "no column 'thread'"),
    ],
)
def test_what_the_columns_are_must_be_said(
    table: Path, changes: Mapping[str, Any], told: str
) -> None:
    with pytest.raises(MeasureError, match=told) as caught:
        replay(table, **changes)
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="nowhere.csv: there is no such file"):
        open_device(f"replay:{tmp_path / 'nowhere.csv'}")


def test_a_sweep_of_a_replay_says_so_in_every_run(table: Path) -> None:
    printed = sweep(table, *FLAGS, "--runs", "12")
    assert "recorded runs, nothing is measured" in printed
    assert "reference" not in printed
    runs = runs_of(table)
    assert len(runs) == 4 * 12
    assert all(run.simulated and run.role == "design" for run in runs)
    environments = {(run.environment.device, run.environment.version) for run in runs}
    assert environments == {("replay:lab", "replay")}
    for run in runs:
        net, size = run.environment.network.split("/")
        levels: dict[str, Any] = dict(run.configuration)
        expected = seconds_of(net, int(size), **levels)
        assert run.response("seconds") == pytest.approx(expected, rel=1e-12)
        assert math.isnan(run.response("latency_s"))


def test_networks_may_be_given_by_their_beginnings(table: Path) -> None:
    sweep(table, *FLAGS, "--runs", "8", "--networks", "vis,vgg/2", code=1)
    sweep(table, *FLAGS, "--runs", "8", "--networks", "vision/1,vgg/2")
    assert {run.environment.network for run in runs_of(table)} == {"vision/1", "vgg/2"}


@pytest.mark.parametrize("design", ["d-optimal", "random", "full-factorial"])
def test_a_design_is_drawn_from_what_was_recorded(tmp_path: Path, design: str) -> None:
    def keep(row: dict[str, Any]) -> bool:
        if row["net"] == "vision" and row["threads"] == 1 and row["cache"] == "off":
            return False
        return bool((row["threads"], row["clock"]) != (4, 400))

    path = write(tmp_path / "t.csv", campaign(keep))
    words = () if design == "full-factorial" else ("--runs", "10")
    printed = sweep(path, *FLAGS, "--design", design, "--model", "main", *words)
    assert "13 configurations were recorded" in printed
    runs = runs_of(path)
    assert all(run.status == "done" for run in runs)
    each = [run.configuration for run in runs if run.environment.network == "vgg/1"]
    assert len(set(each)) == len(each) == (13 if design == "full-factorial" else 10)


def test_a_design_that_asks_for_more_is_refused_before_anything_is_run(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "t.csv", campaign(lambda row: row["clock"] != 200))
    (tmp_path / "d.csv").write_text("threads,clock,cache\n1,100,on\n2,400,off\n")
    sweep(path, *FLAGS, "--design", str(tmp_path / "d.csv"))
    rows = campaign(lambda row: row["threads"] == 1 or row["clock"] != 400)
    write(path, rows)
    said = ("threads=2,clock=400,cache=off", "not recorded for vgg/1", "--design")
    for words in (("--design", str(tmp_path / "d.csv")), ("--design", "sobol")):
        printed = sweep(path, *FLAGS, "--runs", "14", *words, code=1)
        assert "not recorded for vgg/1" in printed and "--design d-optimal" in printed
    printed = sweep(path, *FLAGS, "--design", str(tmp_path / "d.csv"), code=1)
    assert all(text in printed for text in said)


def test_replicates_are_recorded_repeats(tmp_path: Path) -> None:
    rows = campaign(repeats=2)
    del rows[-20:]
    path = write(tmp_path / "t.csv", rows)
    words = (*FLAGS, "--networks", "vision/2", "--model", "main", "--replicates")
    printed = sweep(path, *words, "3", code=1)
    assert "3 times" in printed
    sweep(path, *words, "2", "--networks", "vgg/1", "--runs", "8")
    groups: dict[Configuration, list[float]] = {}
    for run in runs_of(path):
        groups.setdefault(run.configuration, []).append(run.response("seconds"))
    assert len(groups) == 8
    for values in groups.values():
        assert max(values) == pytest.approx(1.001 * min(values), rel=1e-9)


def test_held_options_choose_among_the_recorded(table: Path) -> None:
    words = ("--options", "threads,clock", *FLAGS[2:], "--set", "cache=off")
    sweep(table, *words, "--runs", "6", "--networks", "vgg/1")
    runs = runs_of(table)
    assert {run.configuration["cache"] for run in runs} == {"off"}
    assert len({run.configuration for run in runs}) == 6


def test_more_runs_than_were_recorded_are_refused(table: Path) -> None:
    for design in ("d-optimal", "random"):
        words = ("--design", design, "--runs", "19")
        assert "18 configurations to choose from" in sweep(
            table, *FLAGS, *words, code=1
        )


def test_a_resumed_replay_goes_on_with_the_next_repeat(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", campaign(repeats=2))
    device = replay(path)
    pair = ("vgg/1", "recorded")
    design = make_design(
        "full-factorial",
        device.space(),
        candidates=device.recorded([pair], device.space()),
    )
    store = MemoryStore()
    begun = Sweep(
        device,
        design,
        store,
        networks=["vgg/1"],
        protocol=MeasurementProtocol(replicates=2),
    )

    def stop(progress: Any) -> None:
        if progress.done == 20:
            raise KeyboardInterrupt

    assert begun.run(tell=stop).stopped == "interrupted"
    fresh = Sweep.of_plan(replay(path), begun.plan, store)
    assert fresh.run().runs_done == 16
    groups: dict[Configuration, list[float]] = {}
    for run in store.runs():
        groups.setdefault(run.configuration, []).append(run.response("seconds"))
    assert len(groups) == 18
    for first, second in groups.values():
        assert second == pytest.approx(1.001 * first, rel=1e-9)


def test_resume_finds_the_table_from_another_folder(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(table.parent)
    words = ["sweep", "--device", "replay:lab.csv", *FLAGS, "--runs", "12"]
    words += ["--budget", "0.000001"]
    assert command(table.parent, *words).exit_code == 0
    before = len(runs_of(table))
    assert before < 48
    elsewhere = table.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    result = command(table.parent, "resume")
    assert result.exit_code == 0, result.output
    assert len(runs_of(table)) == 48


def test_resume_refuses_a_table_that_has_changed(table: Path) -> None:
    sweep(table, *FLAGS, "--runs", "12", "--budget", "0.000001")
    write(table, campaign(repeats=2))
    result = command(table.parent, "resume")
    assert result.exit_code == 1 and "table is" in result.output


@pytest.mark.parametrize("flag", ["--response", "--environment"])
def test_flags_that_describe_a_table_are_for_a_replay_only(
    tmp_path: Path, flag: str
) -> None:
    result = command(tmp_path, "sweep", "--device", "sim:effects", flag, "x")
    assert result.exit_code == 2 and "replay:TABLE.csv" in result.output


def test_a_program_is_told_what_a_design_lacks(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", campaign(lambda row: row["clock"] < 400))
    device = replay(path)
    wide = replay(write(tmp_path / "w.csv", campaign()))
    design = make_design("full-factorial", wide.space())
    with pytest.raises(SweepError, match="clock=400,cache=off and 5 others"):
        Sweep(device, design, MemoryStore())


@pytest.mark.published_data
def test_forty_runs_of_a_published_campaign_predict_the_others(
    tmp_path: Path, published_data: Path
) -> None:
    import numpy as np

    from perfmodel.dataset import PerformanceDataset
    from perfmodel.fitting import fit

    name = "jetson_tx2_dnn_freq"
    path = published_data / name / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    options = ["num_cores", "core_freq_khz", "gpu_freq_hz", "emc_freq_hz"]
    result = command(
        tmp_path, "sweep", "--device", f"replay:{path}", "--options", ",".join(options),
        "--response", "inference_time_s", "--environment", "dnn,image_size",
        "--design", "d-optimal", "--model", "quadratic", "--runs", "40",
        "--networks", "xception/600x600",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    model = fit(PerformanceDataset.from_store(tmp_path / "s.db"), "gaussian-process")
    with SqliteStore(tmp_path / "s.db", read_only=True) as store:
        seen = {run.configuration for run in store.runs()}
    assert len(seen) == 40
    whole = PerformanceDataset.from_csv(
        path,
        options=options,
        response="inference_time_s",
        environment=["dnn", "image_size"],
    ).select(dnn="xception", image_size="600x600")
    rows = whole.frame[options].to_dict("records")
    others = np.array(
        [Configuration({n: row[n] for n in options}) not in seen for row in rows]
    )
    assert others.sum() == 728
    truth = whole.frame["inference_time_s"].to_numpy()[others]
    predicted = model.predict(whole.frame[options][others])
    assert float(np.mean(np.abs(predicted / truth - 1))) < 0.10


def test_check_shows_what_a_table_offers(table: Path) -> None:
    words = ["check", "--device", f"replay:{table}", "--json", "-"]
    columns = ["--options", "threads,cache", "--response", "seconds"]
    result = CliRunner().invoke(main, [*words, *columns, "--environment", "board"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found["options"]) == {"threads", "cache"}
    assert list(found["networks"]) == sorted(found["networks"])
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1 and "nothing says which columns" in result.stderr
    for wrong in (["--device", "sim:tx1", *columns], columns):
        result = CliRunner().invoke(main, ["check", *wrong])
        assert result.exit_code == 2 and "replay:TABLE.csv" in result.stderr
