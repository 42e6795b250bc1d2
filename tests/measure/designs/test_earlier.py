"""Runs that were made already are kept, whatever file holds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from measure.cli import main
from measure.designs import evaluate
from measure.designs.earlier import read_earlier
from measure.errors import DesignError
from measure.space import ConfigurationSpace

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "threads": {"kind": "numeric", "levels": [1, 2, 4]},
            "isa": {"kind": "boolean", "change_cost_s": 30},
        }
    }
)


def exported(path: Path, **columns: Any) -> Path:
    table = {
        "device": "host",
        "network": ["resnet50"] * 4 + ["tcn"] * 3,
        "threads": [1, 2, 4, 1, 1, 2, 4],
        "isa": ["true", "true", "false", "false", "true", "true", "false"],
        "latency_s": 0.1,
        "sweep_id": ["a", "a", "a", "b", "a", "a", "a"],
        "replicate": 0,
        "whole_plot": [0, 0, 1, 0, 0, 0, 1],
        **columns,
    }
    pd.DataFrame(table).to_csv(path, index=False)
    return path


def test_an_export_gives_the_rows_of_one_environment_with_their_whole_plots(
    tmp_path: Path,
) -> None:
    frame, notes = read_earlier(exported(tmp_path / "t.csv"), SPACE)
    assert frame["threads"].tolist() == [1, 2, 4, 1]
    assert frame["isa"].tolist() == [True, True, False, False]
    # Whole plot 0 of another sweep is another whole plot.
    assert frame["whole_plot"].tolist() == [0, 0, 1, 2]
    assert "2 environments: kept are the rows of host/resnet50" in notes[1]


def test_repeats_and_reference_runs_of_an_export_are_not_kept(tmp_path: Path) -> None:
    path = exported(
        tmp_path / "t.csv",
        network="tcn",
        role=["design"] * 6 + ["reference"],
        replicate=[0, 0, 0, 0, 1, 1, 0],
        whole_plot="",
    )
    frame, _ = read_earlier(path, SPACE)
    assert len(frame) == 4 and "whole_plot" not in frame


def test_a_file_without_an_option_or_with_no_level_is_refused(tmp_path: Path) -> None:
    path = exported(tmp_path / "t.csv", isa="maybe")
    with pytest.raises(DesignError, match="line 2: option 'isa' has no level 'maybe'"):
        read_earlier(path, SPACE)
    pd.read_csv(path).drop(columns="isa").to_csv(path, index=False)
    with pytest.raises(DesignError, match="it lacks the column 'isa'"):
        read_earlier(path, SPACE)


def test_design_writes_all_runs_and_the_added_ones_alone(tmp_path: Path) -> None:
    SPACE.to_file(tmp_path / "space.yaml")
    table = exported(tmp_path / "t.csv", network="tcn", sweep_id="a", whole_plot=0)
    pd.read_csv(table).query("isa").to_csv(table, index=False)
    words = ["design", "--space", str(tmp_path / "space.yaml"), "--runs", "9"]
    words += ["--augment", str(table), "--iterations", "3", "--model", "main"]
    words += ["--out", str(tmp_path / "all.csv"), "--added", str(tmp_path / "new.csv")]
    for design, there in (("d-optimal", 0), ("split-plot", 1)):
        report = tmp_path / "r.json"
        ran = CliRunner().invoke(
            main, [*words, "--design", design, "--json", str(report)]
        )
        assert ran.exit_code == 0, ran.output
        every = pd.read_csv(tmp_path / "all.csv")
        added = pd.read_csv(tmp_path / "new.csv")
        assert len(every) == 9 and len(added) == 5
        assert every.iloc[4:].reset_index(drop=True).equals(added)
        assert every["threads"].tolist()[:4] == [1, 2, 1, 2]
        assert json.loads(report.read_text())["kept"] == 4
        assert ("whole_plot" in added) == bool(there)
    assert not set(every["whole_plot"][:4]) & set(added["whole_plot"])
    ran = CliRunner().invoke(main, [*words[:5], "--design", "random", *words[9:]])
    assert ran.exit_code == 2 and "--added needs --augment" in ran.output


def test_a_variance_ratio_is_for_designs_with_whole_plots(tmp_path: Path) -> None:
    SPACE.to_file(tmp_path / "space.yaml")
    words = ["design", "--space", str(tmp_path / "space.yaml"), "--runs", "12"]
    words += ["--model", "main", "--iterations", "3", "--variance-ratio", "10"]
    words += ["--out", str(tmp_path / "d.csv"), "--json", str(tmp_path / "r.json")]
    ran = CliRunner().invoke(main, [*words, "--design", "split-plot"])
    assert ran.exit_code == 0, ran.output
    frame = pd.read_csv(tmp_path / "d.csv")
    expected = evaluate(
        frame,
        space=SPACE,
        model="main",
        whole_plots=frame["whole_plot"].to_numpy(),
        variance_ratio=10.0,
    )
    found = json.loads((tmp_path / "r.json").read_text())["d_efficiency"]
    assert found == pytest.approx(expected.d_efficiency)
    ran = CliRunner().invoke(main, [*words, "--design", "d-optimal"])
    assert ran.exit_code == 1 and "has no whole plots (--variance-ratio)" in ran.output


def test_failed_runs_are_left_out_and_a_repeat_stands_in_for_them(
    tmp_path: Path,
) -> None:
    names = list(SPACE.names)
    levels = [[option.levels[i] for option in SPACE.options] for i in (0, 1)]
    runs = [
        # One row of the design twice, whose first repeat failed; another in vain.
        ("0", "failed", levels[0]),
        ("1", "done", levels[0]),
        ("0", "failed", levels[1]),
        ("1", "failed", levels[1]),
    ]
    rows = [[*map(str, row), "s", repeat, status] for repeat, status, row in runs]
    header = [*names, "sweep_id", "replicate", "status"]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    frame, notes = read_earlier(path, SPACE)
    assert frame[names].to_numpy().tolist() == [levels[0]]
    assert any("3 failed" in note for note in notes)


def test_a_configuration_that_a_design_holds_twice_is_kept_twice(
    tmp_path: Path,
) -> None:
    level = [str(option.levels[0]) for option in SPACE.options]
    rows = [[*level, "s", repeat] for repeat in ("0", "0", "1", "1")]
    path = tmp_path / "t.csv"
    header = [*SPACE.names, "sweep_id", "replicate"]
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    assert len(read_earlier(path, SPACE)[0]) == 2
