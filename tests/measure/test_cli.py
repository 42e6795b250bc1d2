"""``python -m measure``: what is printed, written and refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from measure.records import Run
from measure.store import SqliteStore
from measure.table_reading import read_table
from tests.contracts.samples import sample_plan, sample_run
from tests.measure.disks import mounted

ROOT = Path(__file__).parents[2]
SWEEP_KEYS = set(
    "store sweep_id runs_planned runs_done runs_failed runs_identical environments "
    "wall_s configurations_per_minute drift trusted reasons".split()
)


class Shell:
    """Runs ``python -m measure`` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(folder / "state"),
            "COLUMNS": "200",
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "measure", *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str, code: int | Sequence[int] = 0) -> str:
        """Run a command that must end with `code`; return its standard output."""
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        allowed = [code] if isinstance(code, int) else code
        assert process.returncode in allowed, out + err
        assert not err, err
        return out

    def refused(self, *words: str, code: int = 1) -> str:
        """Run a command that must be refused in one line; return the line."""
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, out + err
        assert err.count("\n") == 1, err
        return err

    def all_runs(self, name: str) -> tuple[Run, ...]:
        """Return the runs of a store."""
        with SqliteStore(self.folder / name, read_only=True) as store:
            return store.runs()

    def json(self, *words: str, code: int | Sequence[int] = (0, 3)) -> dict[str, Any]:
        process = self.start(*words, "--json", "-")
        out, err = process.communicate(timeout=120)
        allowed = [code] if isinstance(code, int) else code
        assert process.returncode in allowed, out + err
        document: dict[str, Any] = json.loads(out)
        return document


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with one finished sweep of sim:effects."""
    folder = tmp_path_factory.mktemp("swept")
    small = Shell(folder)
    small(*RANDOM, "--runs", "12", "--replicates", "2", code=(0, 3))
    return folder / "results" / "measurements.db"


RANDOM = ("sweep", "--device", "sim:effects", "--design", "random")


def test_a_sweep_says_its_plan_first_and_makes_only_the_folder_results(
    shell: Shell,
) -> None:
    out = shell(*RANDOM, "--runs", "6", "--options", "turbo,precision", code=(0, 3))
    lines = out.splitlines()
    assert (
        lines[0] == "simulated device sim:effects: resnet50/images, mobilenetv2/images"
    )
    assert lines[1] == "options (levels): turbo (2), precision (3)"
    assert "6 runs x 2 environments, and 4 reference runs" in out
    assert "until" in lines[3]
    assert "run 1 of 16" in out and " ms" in out
    assert "12 of 12 runs done" in out
    assert (shell.folder / "results" / "measurements.db").exists()


def test_the_json_of_a_sweep_has_its_keys(shell: Shell) -> None:
    words = ("--runs", "8", "--replicates", "2", "--networks", "resnet")
    document = shell.json(*RANDOM, *words)
    assert SWEEP_KEYS | {"sweeps"} <= set(document)
    assert document["runs_planned"] == document["runs_done"] == 16
    assert document["runs_failed"] == document["runs_identical"] == 0
    assert document["environments"] == [
        {
            "device": "sim:effects",
            "network": "resnet50",
            "workload": "images",
            "version": "simulated",
        }
    ]
    assert set(document["drift"]) == {"estimate", "lower", "upper"}
    per_minute = 60 * 16 / document["wall_s"]
    assert document["configurations_per_minute"] == pytest.approx(per_minute)
    assert len(document["sweeps"]) == 1
    assert SWEEP_KEYS <= set(document["sweeps"][0])


def test_a_sweep_goes_on_when_the_reader_of_its_lines_has_left(shell: Shell) -> None:
    process = shell.start(*RANDOM, "--runs", "6", "--json", "sweep.json")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=120) in (0, 3)
    document = json.loads((shell.folder / "sweep.json").read_text())
    assert document["runs_done"] == 12
    process.stderr.close()


def test_a_dry_run_writes_nothing(shell: Shell) -> None:
    document = shell.json(*RANDOM, "--runs", "8", "--dry-run", code=0)
    assert (document["runs_planned"], document["runs_done"]) == (16, 0)
    assert document["trusted"] is True
    assert not (shell.folder / "results").exists()


def test_a_sweep_of_all_combinations_says_that_runs_are_not_used(shell: Shell) -> None:
    (shell.folder / "space.yaml").write_text(
        "options:\n  turbo: {kind: boolean}\n  xnnpack: {kind: boolean}\n"
    )
    words = ("--device", "sim:effects", "--design", "full-factorial", "--dry-run")
    said = shell("sweep", *words, "--space", "space.yaml", "--runs", "3")
    assert "--runs 3 is not used: full-factorial has the 4 runs" in said


def test_a_d_optimal_sweep_needs_no_number_of_runs(shell: Shell) -> None:
    words = ("--device", "sim:effects", "--dry-run", "--budget", "3s")
    out = shell("sweep", *words)
    assert "design: d-optimal for " in out


def test_a_design_file_is_measured_row_by_row(shell: Shell) -> None:
    (shell.folder / "d.csv").write_text(
        "turbo,precision,block\nTRUE,float16,1\nfalse,int8,1\nTrue,int8,2\n"
    )
    document = shell.json(
        "sweep", "--device", "sim:effects", "--design", "d.csv", "--networks", "resnet"
    )
    assert document["runs_done"] == 3
    with SqliteStore(shell.folder / "results" / "measurements.db") as store:
        runs = [run for run in store.runs() if run.role == "design"]
    assert [run.block for run in runs] == [1, 1, 2]
    assert dict(runs[2].configuration) == {"precision": "int8", "turbo": True}


def test_held_options_and_labels_are_in_every_run(shell: Shell) -> None:
    words = ("--set", "turbo=true", "--set", "precision=int8", "--runs", "5")
    label = ("--label", "device=desk,version=b2", "--networks", "resnet")
    shell(*RANDOM, *words, *label, code=(0, 3))
    with SqliteStore(shell.folder / "results" / "measurements.db") as store:
        runs = store.runs()
    assert {run.configuration["turbo"] for run in runs} == {True}
    assert {run.environment.device for run in runs} == {"desk"}
    assert {run.environment.version for run in runs} == {"b2"}
    shell("export", "--out", "t.csv")
    table = read_table(shell.folder / "t.csv")
    assert "turbo" not in table.space.names
    assert set(table.frame["turbo"]) == {"true"}


def test_show_has_a_line_for_each_environment(shell: Shell, swept: Path) -> None:
    out = shell("show", "--store", str(swept))
    assert "sim:effects/resnet50/images/simulated" in out
    assert "sim:effects/mobilenetv2/images/simulated" in out
    document = shell.json("show", "--store", str(swept), code=0)
    entry = document["sweeps"][0]
    assert (entry["runs_planned"], entry["runs_done"], entry["runs_failed"]) == (
        24,
    ) * (2) + (0,)
    assert entry["design"] == "random" and set(entry["drift"]) >= {"estimate"}
    assert entry["environment"]["network"] == "resnet50"


def test_check_lists_findings_with_advice(shell: Shell, swept: Path) -> None:
    document = shell.json("check", "--store", str(swept))
    assert isinstance(document["trusted"], bool)
    for finding in document["findings"]:
        assert {"level", "what", "where", "advice"} <= set(finding)
        assert finding["advice"]


def test_check_tells_what_a_device_offers_and_the_truth_of_a_simulated_one(
    shell: Shell,
) -> None:
    words = ("check", "--device", "sim:effects", "--space-out", "space.yaml")
    document = shell.json(*words, code=0)
    assert document["networks"] == {"resnet50": ["images"], "mobilenetv2": ["images"]}
    assert document["workloads"] == ["images"]
    option = document["options"]["precision"]
    assert option["levels"] == ["float32", "float16", "int8"]
    assert option["available"] is True and option["kind"] == "categorical"
    assert len(document["options"]) == 8
    truth = document["truth"]["resnet50"]
    assert len(truth) == 8 and set(truth[0]) == {"term", "effect", "sign"}
    assert document["noise_percent"] == 2
    shell(
        *RANDOM,
        "--space",
        "space.yaml",
        "--runs",
        "5",
        "--networks",
        "res",
        code=(0, 3),
    )


def test_export_writes_a_table_that_reads_back(shell: Shell, swept: Path) -> None:
    words = ("export", "--store", str(swept), "--out", "t.csv")
    document = shell.json(*words, code=0)
    assert document["rows"] == 48 and document["out"] == "t.csv"
    table = read_table(shell.folder / "t.csv")
    assert len(table.frame) == 48
    assert table.environment == ("device", "network", "workload", "version")
    assert table.responses["latency_s"] == "s"
    assert set(table.frame["role"]) == {"design"}
    assert table.space.options["cpu_freq_hz"].unit == "Hz"
    whole = shell.json("export", "--store", str(swept), "--all", "--out", "a.csv")
    assert whole["rows"] > 48
    everything = read_table(shell.folder / "a.csv")
    assert set(everything.frame["role"]) == {"design", "reference"}
    assert "precision_read" in everything.frame


def test_a_store_without_a_finished_run_exports_its_header(shell: Shell) -> None:
    with SqliteStore(shell.folder / "m.db") as store:
        store.add_plan(sample_plan())
    assert shell.json("export", "--store", "m.db", "--out", "t.csv")["rows"] == 0
    header = (shell.folder / "t.csv").read_text().splitlines()
    assert len(header) == 1
    assert header[0].startswith("device,network,workload,version,threads,backend,")


def test_failed_runs_make_the_exit_code_three_and_are_named(shell: Shell) -> None:
    plan = sample_plan()
    with SqliteStore(shell.folder / "m.db") as store:
        store.add_plan(plan)
        for slot in (0, 1, 2, 3, 5):
            store.add_run(sample_run(plan, slot))
        failed = {"status": "failed", "reason": "SIGSEGV", "final": True}
        store.add_run(sample_run(plan, 4, readings=(), raw={}, **failed))
    out = shell("check", "--store", "m.db", code=3)
    assert "1 of 4 runs failed (SIGSEGV)" in out
    assert "SIGSEGV" in shell("show", "--store", "m.db")
    document = shell.json("check", "--store", "m.db", code=3)
    assert document["trusted"] is False
    out = shell("resume", "--store", "m.db")
    assert "nothing to do" in out


def test_ctrl_c_in_mid_sweep_loses_nothing_and_says_how_to_go_on(shell: Shell) -> None:
    words = ("--device", "sim:effects?delay_s=0.05", "--design", "random")
    process = shell.start("sweep", *words, "--runs", "60", "--store", "m.db")
    path = shell.folder / "m.db"
    deadline = time.monotonic() + 60
    while stored(path) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, out + err
    assert err.count("\n") == 1
    assert "python -m measure resume --store m.db" in err
    before = stored(path)
    assert 5 <= before < 60
    assert "left" in shell("show", "--store", "m.db")
    document = shell.json("export", "--store", "m.db", "--out", "t.csv", code=0)
    assert 0 < document["rows"] < before


def test_ctrl_c_before_anything_is_measured_is_one_line_too(shell: Shell) -> None:
    code = (
        "import measure.asking as asking, measure.cli as cli\n"
        "def stop(*words, **more): raise KeyboardInterrupt\n"
        "asking.ask_space = stop\n"
        "cli.main(['sweep', '--device', 'sim:effects'], prog_name='python -m measure')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 130
    assert done.stderr == "measure: interrupted\n"


def stored(path: Path) -> int:
    """Return how many runs a store has, 0 while it is being made."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return 0


def test_resume_measures_what_is_left_and_then_nothing(shell: Shell) -> None:
    shell(*RANDOM, "--runs", "12", "--store", "full.db", code=(0, 3))
    with SqliteStore(shell.folder / "full.db") as full:
        (plan,), runs = full.plans(), full.runs()
    with SqliteStore(shell.folder / "cut.db") as cut:
        cut.add_plan(plan)
        for run in runs[:7]:
            cut.add_run(run)
    document = shell.json("resume", "--store", "cut.db")
    assert SWEEP_KEYS | {"sweeps"} <= set(document)
    assert document["runs_done"] == document["runs_planned"] == 24
    assert document["sweep_id"] == plan.sweep_id
    again = shell.json("resume", "--store", "cut.db", code=0)
    assert again["sweeps"] == [] and again["runs_done"] == 0
    assert again["sweep_id"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--networks", "alexnet"), "choose from resnet50, mobilenetv2"),
        (("--device", "sim:moon"), "choose"),
        (("--design", "taguchi"), "choose from d-optimal"),
        (("--workloads", "sound"), "choose from images"),
        (("--options", "fan"), "no option 'fan'"),
        (("--set", "turbo=maybe"), "choose one of"),
        (("--design", "d-optimal", "--runs", "9", "--model", "main"), "runs"),
        (("--model", "a + exec(1)", "--design", "d-optimal"), "exec"),
        (
            ("--label", "colour=red", "--design", "random"),
            "choose from device, version",
        ),
        (("--seconds", "0"), "more than 0"),
        (("--store", "none/m.db"), "no folder none"),
        (("--design", "none.csv"), "none.csv"),
        (("--space", "none.yaml"), "none.yaml"),
        (("--design", "d-optimum"), "did you mean 'd-optimal'?"),
        (("--model", "mian"), "interactions, quadratic; did you mean 'main'?"),
        (("--model", "turb + xnnpack"), "huge_pages; did you mean 'turbo'?"),
        (("--options", "turbow"), "did you mean 'turbo'?"),
        (("--set", "turbow=on"), "did you mean 'turbo'?"),
        (("--networks", "resnett"), "did you mean 'resnet50'?"),
        (("--workloads", "image"), "did you mean 'images'?"),
    ],
)
def test_what_cannot_be_swept_is_refused_in_one_line(
    shell: Shell, words: tuple[str, ...], said: str
) -> None:
    line = shell.refused("sweep", "--device", "sim:effects", "--runs", "6", *words)
    assert said in line
    assert not (shell.folder / "results").exists()


def test_a_misspelt_name_in_a_command_is_met_with_what_is_meant(shell: Shell) -> None:
    (shell.folder / "space.yaml").write_text(
        "options:\n  size: {kind: numeric, levels: [1, 2]}\n"
    )
    words = ("--device", "host", "--space", "space.yaml", "--dry-run")
    line = shell.refused("sweep", *words, "--command", "sleep {siz}")
    assert "{siz} names no option" in line and "did you mean 'size'?" in line


@pytest.mark.parametrize(
    "words",
    [
        ("sweep", "--runs", "0"),
        ("sweep", "--budget", "soon"),
        ("sweep", "--set", "turbo"),
        ("sweep", "--networks", "a,,b"),
        ("sweep", "--protocol", "slow"),
        ("export",),
        ("design", "--out", "d.csv"),
        ("fly",),
        ("check", "--space-out", "s.yaml"),
        ("sweep", "--no-such-flag"),
    ],
)
def test_wrong_usage_has_exit_code_two(shell: Shell, words: tuple[str, ...]) -> None:
    process = shell.start(*words)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and err


@pytest.mark.parametrize("command", ["show", "check", "resume", "export"])
def test_a_store_that_cannot_be_read_is_refused_in_one_line(
    shell: Shell, swept: Path, command: str
) -> None:
    more = ("--out", "t.csv") if command == "export" else ()
    for name, said in (
        ("none.db", "no such store"),
        ("empty.db", "sweep"),
        ("cut.db", "damaged or truncated"),
        ("newer.db", "schema is version 99"),
        ("unplanned.db", "no sweep was planned"),
    ):
        path = shell.folder / name
        if name == "empty.db":
            path.touch()
        elif name == "unplanned.db":
            SqliteStore(path).close()
        elif name != "none.db":
            shutil.copy(swept, path)
        if name == "cut.db":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        if name == "newer.db":
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA user_version = 99")
            connection.close()
        assert said in shell.refused(command, "--store", name, *more)


def test_an_output_in_a_folder_that_is_not_there_is_refused_before_any_work(
    shell: Shell, swept: Path
) -> None:
    line = shell.refused("export", "--store", str(swept), "--out", "none/t.csv")
    assert "there is no folder none" in line
    line = shell.refused(*RANDOM, "--runs", "5", "--json", "none/r.json")
    assert "there is no folder none" in line
    assert not (shell.folder / "results").exists()


def test_the_second_sweep_of_a_device_is_told_who_holds_it(shell: Shell) -> None:
    words = ("--device", "sim:effects?delay_s=0.05", "--design", "random")
    first = shell.start("sweep", *words, "--runs", "100", "--store", "first.db")
    try:
        deadline = time.monotonic() + 60
        while stored(shell.folder / "first.db") < 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        line = shell.refused("sweep", *words, "--runs", "5", "--store", "second.db")
    finally:
        first.kill()
        first.communicate()
    assert f"process {first.pid}" in line
    assert "first.db" in line and "since 20" in line
    assert not (shell.folder / "second.db").exists()


def test_a_full_disk_in_mid_sweep_is_said_in_one_line_and_resumed_from(
    shell: Shell,
) -> None:
    folder = shell.folder / "disk"
    folder.mkdir()
    words = ("--runs", "200", "--networks", "resnet", "--store", "disk/m.db")
    with mounted(folder, "size=600k"):
        line = shell.refused(*RANDOM, *words)
        assert "the disk is full; all finished runs are safe" in line
        before = stored(folder / "m.db")
        assert 0 < before < 200
        subprocess.run(["mount", "-o", "remount,size=8m", str(folder)], check=True)
        document = shell.json("resume", "--store", "disk/m.db")
        assert document["runs_done"] == document["runs_planned"] == 200
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        assert "cannot be written" in shell.refused(*RANDOM, *words)
        assert shell.json("show", "--store", "disk/m.db")["sweeps"]


def test_stores_are_merged(shell: Shell, swept: Path) -> None:
    shell(*RANDOM, "--runs", "5", "--store", "mine.db", code=(0, 3))
    document = shell.json("merge", "--store", "all.db", "mine.db", str(swept), code=0)
    assert document["sweeps"] == 2 and document["skipped"] == []
    assert document["rows"] == len(shell.all_runs("mine.db")) + len(
        shell.all_runs(str(swept))
    )
    assert len(shell.json("show", "--store", "all.db")["sweeps"]) == 4
    again = shell.json("merge", "--store", "all.db", "mine.db", code=0)
    assert (again["rows"], again["out"]) == (0, "all.db")
    line = shell.refused("merge", "--store", "new.db", "mine.db", "none.db")
    assert "no such store" in line
    assert not (shell.folder / "new.db").exists()


def test_debug_adds_the_traceback(shell: Shell) -> None:
    process = shell.start("show", "--store", "none.db", "--debug")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" in err and "no such store" in err.splitlines()[-1]


def test_a_design_is_written_and_judged(shell: Shell) -> None:
    (shell.folder / "space.yaml").write_text(
        "options:\n"
        "  a: {kind: boolean}\n"
        "  b: {kind: numeric, levels: [1, 2, 4]}\n"
        "  c: {kind: categorical, levels: [x, y, z]}\n"
    )
    words = ("design", "--space", "space.yaml", "--out", "d.csv")
    optimal = ("--design", "d-optimal", "--iterations", "5")
    document = shell.json(*words, *optimal, "--runs", "9", "--model", "main", code=0)
    keys = "design runs terms left_out_terms iterations d_efficiency upper_bound "
    keys += "bound_kind gap singular_terms aliases vif power cpu_s"
    assert set(keys.split()) <= set(document)
    assert document["runs"] == 9 and document["design"] == "d-optimal"
    lines = (shell.folder / "d.csv").read_text().splitlines()
    assert lines[0] == "a,b,c" and len(lines) == 10
    again = shell.json(*words, "--design", "d.csv", code=0)
    assert again["runs"] == 9
    augmented = ("--augment", "d.csv", *optimal, "--runs", "12", "--model", "main")
    assert shell.json(*words, *augmented, code=0)["runs"] == 12
    kept = (shell.folder / "d.csv").read_text().splitlines()
    assert kept[:10] == lines
    line = shell.refused(*words, *optimal, "--runs", "3")
    assert "run" in line


def test_a_design_is_drawn_and_judged_for_a_stated_effect(shell: Shell) -> None:
    (shell.folder / "space.yaml").write_text(
        "options:\n  a: {kind: boolean}\n  b: {kind: boolean}\n"
    )
    words = ("design", "--space", "space.yaml", "--out", "d.csv", "--design")
    words = (*words, "full-factorial", "--model", "main", "--picture")
    document = shell.json(*words, "d.svg", "--effect", "9", code=0)
    assert document["effect"] == 9 and document["correlations"] == []
    assert document["g_efficiency"] == pytest.approx(1)
    assert (shell.folder / "d.svg").read_text().startswith("<?xml")
    weak = shell.json(*words, "d.pdf", "--effect", "1", code=0)
    assert weak["power"]["a"] < document["power"]["a"]
    assert (shell.folder / "d.pdf").read_bytes().startswith(b"%PDF")
    process = shell.start(*words, "d.txt")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2 and "choose an ending of .png, .svg, .pdf" in err
