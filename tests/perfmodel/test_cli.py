"""The command line of `perfmodel`: what it prints, writes, refuses and ends with."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from measure import progress
from perfmodel.cli import main
from tests import known_answers
from tests.known_answers import brute_force_front

Run = Callable[..., Result]
QUICK = ["--model", "stepwise"]
COLUMNS = ["--options", "fast,frequency,backend,inert", "--environment", "machine"]


@pytest.fixture()
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty folder; however slow the machine, without progress."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "FIRST_LINE_S", math.inf)

    def call(*words: object) -> Result:
        return CliRunner().invoke(
            main, [str(word) for word in words], prog_name="python -m perfmodel"
        )

    return call


def frame(rows: int = 60, seed: int = 0) -> pd.DataFrame:
    """Return runs of two machines with two responses."""
    answer = known_answers.additive()
    space = answer.space
    parts = []
    for machine, factor in (("laptop", 1.0), ("server", 0.5)):
        chosen = space.sample(rows, np.random.default_rng(seed))
        part = space.decode(chosen)
        part["machine"] = machine
        part["time_s"] = factor * answer.noisy(part, 0.02, seed)
        part["energy_j"] = 3 * part["frequency"] * part["time_s"]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


@pytest.fixture()
def table(tmp_path: Path) -> Path:
    """Write runs of two machines; half of all configurations."""
    path = tmp_path / "runs.csv"
    frame(30).to_csv(path, index=False)
    return path


@pytest.fixture()
def one(tmp_path: Path) -> Path:
    """Write runs of one machine with a description beside them."""
    path = tmp_path / "one.csv"
    frame(30).query("machine == 'laptop'").to_csv(path, index=False)
    document = known_answers.additive().space.to_dict()
    document["responses"] = {"time_s": "s", "energy_j": "J"}
    document["environment"] = ["machine"]
    path.with_suffix(".json").write_text(json.dumps(document))
    return path


def one_line(result: Result, code: int = 1) -> str:
    """Return the one line of a refusal."""
    assert result.exit_code == code, result.output
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


def document(result: Result) -> dict[str, Any]:
    """Return the JSON of a command that wrote it to standard output."""
    assert result.exit_code in (0, 3), result.output
    loaded: dict[str, Any] = json.loads(result.stdout)
    return loaded


# -- fit and explain ----------------------------------------------------------


def test_fit_prints_accuracy_influential_options_and_the_best(run, one) -> None:
    result = run("fit", "--data", one, "--response", "time_s", *QUICK)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert result.stdout.startswith("time_s (s) of laptop, 30 runs\n")
    for part in ("error on unseen runs", "mean", "backend", "frequency", "best conf"):
        assert part in result.stdout
    assert "ms (" in result.stdout, "short times are printed in milliseconds"


def test_repeats_are_counted_as_runs_and_as_configurations(run, tmp_path) -> None:
    once = frame(20)
    pd.concat([once, once]).to_csv(tmp_path / "twice.csv", index=False)
    words = ["--data", "twice.csv", *COLUMNS, "--response", "time_s"]
    out = run("fit", *words, *QUICK).stdout
    assert "time_s of laptop, 40 runs of 20 configurations\n" in out
    assert "note: 40 runs of 20 configurations: repeats are averaged" in out
    out = run("transfer", *words, "--src", "laptop", "--dst", "server").stdout
    assert "note: target: 40 runs of 20 configurations: repeats are averaged" in out


def test_the_json_of_fit_has_every_key(run, one) -> None:
    (model,) = document(
        run("fit", "--data", one, "--response", "time_s", *QUICK, "--json", "-")
    )["models"]
    assert set(model) >= {
        "environment",
        "response",
        "unit",
        "runs",
        "model",
        "error_percent",
        "error_lower",
        "error_upper",
        "baseline_error_percent",
        "learnable",
        "terms",
        "influential",
    }
    assert model["environment"] == {"machine": "laptop"}
    assert (model["response"], model["unit"], model["runs"]) == ("time_s", "s", 30)
    assert model["error_lower"] <= model["error_percent"] <= model["error_upper"]
    assert model["error_percent"] < model["baseline_error_percent"]
    assert model["learnable"] is True
    keys = "term order effect sign lower upper share p_adjusted reported"
    assert list(model["terms"][0]) == keys.split()
    assert model["influential"] == [t for t in model["terms"] if t["reported"]]
    assert [term["term"] for term in model["influential"]][:3] == [
        "backend",
        "frequency",
        "fast",
    ]
    assert "inert" not in {term["term"] for term in model["influential"]}


def test_json_and_text_say_the_same_wherever_the_json_goes(run, one, tmp_path) -> None:
    words = ["fit", "--data", one, "--response", "time_s", *QUICK]
    piped = run(*words, "--json", "-")
    filed = run(*words, "--json", tmp_path / "r.json")
    assert json.loads(piped.stdout) == json.loads((tmp_path / "r.json").read_text())
    assert piped.stderr == filed.stdout


def test_the_best_differ_in_options_that_have_an_influence(run, one) -> None:
    words = ["--data", one, "--response", "time_s", *QUICK, "--json", "-"]
    (model,) = document(run("fit", *words))["models"]
    best = [entry["configuration"] for entry in model["best"]]
    assert len(best) == 3
    told = [{k: v for k, v in levels.items() if k != "inert"} for levels in best]
    assert told[0] == {"fast": True, "frequency": 5, "backend": "tflite"}
    assert told[0] != told[1] != told[2]
    predictions = [entry["prediction"] for entry in model["best"]]
    assert predictions == sorted(predictions)


def test_each_environment_and_response_has_its_model_and_folder(run, table) -> None:
    words = ["--data", table, *COLUMNS, "--response", "time_s,energy_j", *QUICK]
    result = run("fit", *words, "--save", "models", "--json", "r.json")
    assert result.exit_code == 0, result.output
    models = json.loads(Path("r.json").read_text())["models"]
    assert [(m["environment"]["machine"], m["response"]) for m in models] == [
        ("laptop", "time_s"),
        ("laptop", "energy_j"),
        ("server", "time_s"),
        ("server", "energy_j"),
    ]
    folders = sorted(path.name for path in Path("models").iterdir())
    assert folders == [
        "laptop-energy_j",
        "laptop-time_s",
        "server-energy_j",
        "server-time_s",
    ]
    for name in folders:
        assert f"saved: {Path('models') / name}" in result.stdout
    assert "all models:" in result.stdout


def test_one_model_is_saved_in_the_folder_itself(run, one) -> None:
    run("fit", "--data", one, "--response", "time_s", *QUICK, "--save", "model")
    assert Path("model/model.json").exists()


def test_a_saved_model_explains_itself_as_it_did_when_it_was_fitted(run, one) -> None:
    words = ["--data", one, "--response", "time_s", *QUICK]
    fitted = document(run("fit", *words, "--save", "model", "--json", "-"))
    saved = document(run("explain", "--model", "model", "--json", "-"))
    first, second = fitted["models"][0], saved["models"][0]
    for key in ("terms", "error_percent", "environment", "response", "unit", "best"):
        if key != "best":
            assert first[key] == second[key], key


def test_explain_lists_all_terms_and_marks_those_reported(run, one) -> None:
    result = run("explain", "--data", one, "--response", "time_s", *QUICK)
    lines = result.stdout.splitlines()
    n_terms = 4 + 6
    start = next(i for i, line in enumerate(lines) if "all terms" in line)
    rows = lines[start + 2 : start + 2 + n_terms]
    assert rows[0].split()[:2] == ["*", "backend"]
    assert "p adjusted" in lines[start + 1]
    assert any(" ? " in row for row in rows)
    assert "?: no upper end" in lines[start + 2 + n_terms]
    assert "higher order" in lines[start + 3 + n_terms]


def test_a_response_without_signal_is_said_in_the_first_line(run, tmp_path) -> None:
    noise = frame(30).query("machine == 'laptop'")
    noise["time_s"] = np.random.default_rng(5).lognormal(0, 0.3, len(noise))
    noise.to_csv(tmp_path / "noise.csv", index=False)
    result = run("fit", "--data", "noise.csv", *COLUMNS, "--response", "time_s", *QUICK)
    assert result.stdout.startswith("no learnable signal: time_s of laptop")
    assert "influential" not in result.stdout
    assert result.stderr == ""


def test_fit_says_that_the_model_does_not_fit_where_replicates_agree(
    run, tmp_path
) -> None:
    levels = np.arange(12)
    time = np.random.default_rng(3).permutation(np.geomspace(1.0, 13.0, 12))
    once = pd.DataFrame({"a": levels, "b": levels % 2, "time_s": time})
    again = once.assign(time_s=1.01 * time)
    pd.concat([once, again]).to_csv(tmp_path / "odd.csv", index=False)
    words = ["--data", "odd.csv", "--options", "a,b", "--response", "time_s", *QUICK]
    result = run("fit", *words, "--json", "r.json")
    assert result.stdout.startswith("no learnable signal: time_s")
    assert "spread 13-fold, so the noise is small: the model does not fit" in (
        result.stdout
    )
    (model,) = json.loads(Path("r.json").read_text())["models"]
    assert model["advice"] in result.stdout


def test_fewer_runs_than_terms_end_with_3_and_the_reason(run, one, tmp_path) -> None:
    few = pd.read_csv(one).head(8)
    few.to_csv(one, index=False)
    words = ["fit", "--data", one, "--response", "time_s", *QUICK]
    result = run(*words, "--json", "r.json")
    assert result.exit_code == 3
    assert result.stderr == ""
    assert "fewer than the 10 main effects and pairs" in result.stdout
    written = json.loads(Path("r.json").read_text())
    assert written["models"][0]["runs"] == 8
    assert len(written["reasons"]) == 1


# -- a table of an outsider's ----------------------------------------------------


def test_a_bare_table_is_answered_with_its_columns_and_a_command(run, table) -> None:
    line = one_line(run("fit", "--data", table))
    for column in ("fast", "frequency", "backend", "inert", "machine", "time_s"):
        assert column in line
    _, _, command = line.partition("python -m perfmodel ")
    words = shlex.split(command)
    assert words[words.index("--options") + 1] == "fast,frequency,backend,inert"
    assert words[words.index("--response") + 1] == "time_s,energy_j"
    assert words[words.index("--environment") + 1] == "machine"
    assert run(*words, *QUICK).exit_code == 0


def test_without_a_store_one_line_says_how_to_make_one(run) -> None:
    line = one_line(run("fit"))
    assert "results" in line and "python -m measure sweep" in line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="frequency"), "no column 'frequency'"),
        (lambda f: f.assign(time_s=f["time_s"].astype(str) + "s"), "a number or"),
        (lambda f: f.assign(frequency=["fast", *f["frequency"][1:]]), "are numbers"),
        (lambda f: f.head(0), "no rows"),
        (lambda f: f.assign(time_s=np.nan), "missing in"),
        (lambda f: f.assign(time_s=[np.inf, *f["time_s"][1:]]), "infinite"),
        (lambda f: f.head(4), "at least 5"),
        (lambda f: f.assign(fast=True, frequency=1, backend="a", inert=0), "varies"),
    ],
)
def test_bad_tables_are_refused_in_one_line(run, tmp_path, change, message) -> None:
    runs = frame(30).query("machine == 'laptop'").astype({"frequency": object})
    change(runs).to_csv(tmp_path / "bad.csv", index=False)
    result = run("fit", "--data", "bad.csv", *COLUMNS, "--response", "time_s", *QUICK)
    assert message in one_line(result)
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "--data", "none.csv"], "none.csv"),
        (["fit", "--store", "none.db"], "none.db"),
        (
            ["predict", "--model", "no", "--data", "a.csv", "--out", "p.csv"],
            "no such f",
        ),
        (["explain", "--model", "no/where"], "no such folder"),
        (["explain", "--model", "repm"], "no such folder and no such model"),
        (["explain", "--model", "repm"], "auto, gaussian-process, stepwise, cart"),
        (["fit", "--json", "no/where.json"], "no folder"),
    ],
)
def test_what_is_not_there_is_named(run, words, message) -> None:
    assert message in one_line(run(*words))


def test_an_unknown_model_is_answered_with_those_there_are(run, one) -> None:
    line = one_line(run("fit", "--data", one, "--response", "time_s", "--model", "x"))
    assert "gaussian-process" in line and "stepwise" in line


@pytest.mark.parametrize(
    "words",
    [
        ["fit", "--store", "a.db", "--data", "a.csv"],
        ["fit", "--options", "a"],
        ["fit", "--data", "a.csv", "--sweep", "1"],
        ["fit", "--data", "a.csv", "--options", "a,,b"],
        ["recommend"],
        ["nothing"],
    ],
)
def test_wrong_usage_ends_with_2(run, words) -> None:
    assert run(*words).exit_code == 2


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["fit", "--model", "gausian-process"], "gaussian-process"),
        (["explain", "--model", "stepwse"], "stepwise"),
        (["pareto", "--minimize", "time,energy_j"], "time_s"),
        (["recommend", "--minimize", "tme_s"], "time_s"),
        (["transfer", "--src", "labtop", "--dst", "server"], "laptop"),
        (["transfer", "--src", "machin=laptop", "--dst", "server"], "machine"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_one_meant(
    run, table, words, meant
) -> None:
    command = [*words, "--data", table, *COLUMNS]
    if "--minimize" not in words:
        command += ["--response", "time_s"]
    else:
        command += ["--response", "time_s,energy_j"]
    assert f"did you mean {meant!r}?" in one_line(run(*command))


def test_a_saved_models_folder_that_is_misspelt_is_answered_so(run) -> None:
    line = one_line(run("explain", "--model", "gausian-process"))
    assert "did you mean 'gaussian-process'?" in line


def test_pareto_takes_the_word_of_recommend(run, one) -> None:
    words = ["pareto", "--data", one, "--measured", "--json", "-"]
    ours = document(run(*words, "--minimize", "time_s,energy_j"))
    assert ours == document(run(*words, "--responses", "time_s,energy_j"))


# -- predict ----------------------------------------------------------------------


@pytest.fixture()
def model(run, one) -> Path:
    """Save a model."""
    words = ["--data", one, "--response", "time_s", *QUICK, "--save", "model"]
    assert run("fit", *words).exit_code == 0
    return Path("model")


def test_predict_keeps_the_rows_and_adds_four_columns(run, model, one) -> None:
    words = ["predict", "--model", model, "--data", one, "--out", "p.csv"]
    written = document(run(*words, "--json", "-"))
    rows, given = pd.read_csv("p.csv"), pd.read_csv(one)
    added = ["prediction", "lower", "upper", "extrapolated"]
    assert list(rows) == [*given, *added]
    pd.testing.assert_frame_equal(rows[list(given)], given)
    assert (rows["lower"] <= rows["prediction"]).all()
    assert (rows["prediction"] <= rows["upper"]).all()
    assert not rows["extrapolated"].any()
    error = (rows["prediction"] / rows["time_s"] - 1).abs().mean()
    assert error < 0.1
    assert (written["rows"], written["predicted"], written["skipped"]) == (30, 30, [])
    assert written["out"] == "p.csv"


def test_rows_that_cannot_be_predicted_are_kept_and_named(run, model, tmp_path) -> None:
    text = "fast,frequency,backend,inert\ntrue,9,xla,0\n,1,xla,0\nfalse,1,odd,0\n"
    (tmp_path / "new.csv").write_text(text + "TRUE,1,graph,1.0\n")
    words = ["predict", "--model", model, "--data", "new.csv", "--out", "p.csv"]
    written = document(run(*words, "--json", "-"))
    rows = pd.read_csv("p.csv", keep_default_na=False, dtype=str)
    assert rows["extrapolated"].tolist() == ["true", "", "", "false"]
    assert (rows["prediction"] == "").tolist() == [False, True, True, False]
    assert [entry["row"] for entry in written["skipped"]] == [2, 3]
    assert "fast is empty" in written["skipped"][0]["reason"]
    assert "'odd'" in written["skipped"][1]["reason"]
    assert (written["rows"], written["predicted"]) == (4, 2)


def test_rows_of_another_environment_are_counted(run, model, tmp_path) -> None:
    frame(5).to_csv(tmp_path / "both.csv", index=False)
    words = ["predict", "--model", model, "--data", "both.csv", "--out", "p.csv"]
    assert document(run(*words, "--json", "-"))["elsewhere"] == 5
    assert "5 rows are not of machine=laptop" in run(*words).stdout


def test_a_damaged_model_is_refused(run, model, one) -> None:
    arrays = model / "arrays.npz"
    content = bytearray(arrays.read_bytes())
    content[len(content) // 2] ^= 1
    arrays.write_bytes(bytes(content))
    words = ["predict", "--model", model, "--data", one, "--out", "p.csv"]
    assert "arrays.npz" in one_line(run(*words))
    assert not Path("p.csv").exists()


def test_a_folder_of_something_else_is_refused(run, one) -> None:
    Path("other").mkdir()
    Path("other/notes.txt").write_text("mine")
    words = ["predict", "--model", "other", "--data", one, "--out", "p.csv"]
    assert "no model.json" in one_line(run(*words))


def test_a_column_that_is_missing_for_the_model_is_named(run, model) -> None:
    Path("new.csv").write_text("fast,frequency\ntrue,1\n")
    words = ["predict", "--model", model, "--data", "new.csv", "--out", "p.csv"]
    assert "no column 'backend'" in one_line(run(*words))


# -- pareto and recommend ----------------------------------------------------------


@pytest.fixture()
def whole(tmp_path: Path) -> Path:
    """Write a complete table of two machines."""
    space = known_answers.additive().space
    path = tmp_path / "whole.csv"
    frame(space.size()).to_csv(path, index=False)
    return path


def test_the_front_of_a_complete_table_is_the_brute_force_front(run, whole) -> None:
    words = ["--data", whole, *COLUMNS, "--responses", "time_s,energy_j"]
    written = document(run("pareto", *words, "--json", "-"))
    runs = pd.read_csv(whole)
    assert len(written["fronts"]) == 2
    for entry in written["fronts"]:
        part = runs[runs["machine"] == entry["environment"]["machine"]]
        points = part[["time_s", "energy_j"]].to_numpy()
        expected = {tuple(point) for point in points[brute_force_front(points)]}
        found = [tuple(row["responses"].values()) for row in entry["front"]]
        assert set(found) == expected and len(found) == len(expected)
        assert all(row["measured"] for row in entry["front"])
        assert entry["reference_point"] == {
            "time_s": points[:, 0].max(),
            "energy_j": points[:, 1].max(),
        }
    assert len(written["front"]) == sum(len(e["front"]) for e in written["fronts"])


def test_what_was_not_measured_is_predicted_with_intervals(run, one) -> None:
    words = ["--data", one, "--responses", "time_s,energy_j", *QUICK]
    written = document(run("pareto", *words, "--json", "-"))
    assert written["hypervolume"] > 0
    assert set(written["reference_point"]) == {"time_s", "energy_j"}
    for row in written["front"]:
        assert set(row) >= {
            "configuration",
            "responses",
            "lower",
            "upper",
            "measured",
        }
        for name, value in row["responses"].items():
            if row["measured"]:
                assert row["lower"][name] is None
            else:
                assert row["lower"][name] <= value <= row["upper"][name]
    (entry,) = written["fronts"]
    assert entry["candidates"] == known_answers.additive().space.size()


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["fit"], "models"),
        (["recommend", "--minimize", "time_s"], "fronts"),
        (["pareto"], "fronts"),
    ],
)
def test_the_best_are_none_that_failed(run, one, words, key) -> None:
    runs = pd.read_csv(one)
    wanted = [*words, "--data", one, "--response", "time_s", *QUICK, "--json", "r.json"]
    run(*wanted)
    entry = json.loads(Path("r.json").read_text())[key][0]
    best = entry["best" if key == "models" else "front"][0]["configuration"]
    same = (runs[list(best)] == pd.Series(best)).all(axis=1)
    failed = pd.DataFrame([best]).assign(machine="laptop", time_s=np.nan)
    pd.concat([runs[~same], failed]).to_csv(one, index=False)
    result = run(*wanted)
    entry = json.loads(Path("r.json").read_text())[key][0]
    rows = entry["best" if key == "models" else "front"]
    assert best not in [row["configuration"] for row in rows]
    note = "1 configuration was tried and failed: left out of the best"
    assert note in result.stdout and note in entry["notes"]


def test_rows_that_differ_in_no_prediction_are_one_and_the_told_apart_first(
    run, one
) -> None:
    runs = pd.read_csv(one)
    words = ["--data", one, "--responses", "time_s,energy_j", *QUICK]
    mixed = run("pareto", *words, "--json", "-")
    (entry,) = document(mixed)["fronts"]
    assert 0 < entry["told_apart"] < len(entry["front"])
    first = f"first those that can be told apart: {entry['told_apart']}\n"
    assert first in mixed.stderr
    front = pd.DataFrame([row["configuration"] for row in entry["front"]])
    keys = ["fast", "frequency", "backend"]
    taken = runs.merge(front[keys].drop_duplicates(), how="left", indicator=True)
    runs[(taken["_merge"] == "left_only").to_numpy()].to_csv(one, index=False)
    result = run("pareto", *words, "--json", "r.json")
    assert result.exit_code == 0, result.output
    (entry,) = json.loads(Path("r.json").read_text())["fronts"]
    out = result.stdout
    assert "any: the option changes none" in out
    rows = [line for line in out.splitlines() if " predicted " in line]
    assert any(line.endswith(" any") for line in rows)
    assert len(rows) < len(entry["front"])


def test_a_front_on_noise_ends_with_3_and_the_reason(run, one) -> None:
    noise = pd.read_csv(one)
    noise["time_s"] = np.random.default_rng(5).lognormal(0, 0.3, len(noise))
    noise.to_csv(one, index=False)
    for words in (["pareto"], ["recommend", "--minimize", "time_s"]):
        call = [*words, "--data", one, "--response", "time_s", "--json", "r.json"]
        result = run(*call, *QUICK)
        assert result.exit_code == 3 and result.stderr == ""
        assert (
            "not to be trusted: no learnable signal: time_s of laptop" in result.stdout
        )
        assert len(json.loads(Path("r.json").read_text())["reasons"]) == 1
        assert run(*call, "--measured").exit_code == 0


def test_measured_alone_predicts_nothing(run, one) -> None:
    words = ["--data", one, "--responses", "time_s,energy_j", "--measured"]
    written = document(run("pareto", *words, "--json", "-"))
    assert written["fronts"][0]["candidates"] == 30
    assert all(row["measured"] for row in written["front"])


def test_a_direction_can_be_turned_round(run, one) -> None:
    words = ["--data", one, "--responses", "-time_s,+energy_j", "--measured"]
    (entry,) = document(run("pareto", *words, "--json", "-"))["fronts"]
    assert entry["maximised"] == ["energy_j"]


def test_the_best_keeps_its_constraints(run, one) -> None:
    words = ["--data", one, "--minimize", "energy_j", "--measured"]
    bounds = ["--subject-to", "time_s<=0.14", "--subject-to", "inert=0"]
    written = document(run("recommend", *words, *bounds, "--json", "-"))
    runs = pd.read_csv(one).query("time_s <= 0.14 and inert == 0")
    first = written["front"][0]
    assert first["responses"]["energy_j"] == runs["energy_j"].min()
    assert first["configuration"]["inert"] == 0


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        ("time_s<=1e-9", "time_s reaches"),
        ("power<=1", "no response"),
        ("time_s", "cannot be read"),
        ("inert=7", "no level"),
    ],
)
def test_constraints_that_cannot_be_kept_are_refused(
    run, one, constraint, message
) -> None:
    words = ["--data", one, "--minimize", "energy_j", "--measured"]
    assert message in one_line(run("recommend", *words, "--subject-to", constraint))


def test_several_environments_may_not_all_keep_a_constraint(run, whole) -> None:
    fastest = pd.read_csv(whole).groupby("machine")["time_s"].min()
    bound = float(fastest.mean())
    words = ["--data", whole, *COLUMNS, "--minimize", "energy_j"]
    result = run("recommend", *words, "--subject-to", f"time_s<={bound}")
    assert result.exit_code == 0
    assert "laptop: no configuration keeps" in result.stdout
    assert "of server" in result.stdout


# -- published measurements ---------------------------------------------------------


@pytest.mark.published_data
def test_the_right_option_has_the_largest_share_on_the_tx2(run, published_data) -> None:
    # Two of its environments; benchmarks/modelling has all, by the model of choice.
    path = Path("tx2.csv")
    runs = pd.read_csv(published_data / "jetson_tx2_dnn_freq/jetson_tx2_dnn_freq.csv")
    runs = runs[runs["image_size"] == "600x600"]
    runs.to_csv(path, index=False)
    options = ["num_cores", "core_freq_khz", "gpu_freq_hz", "emc_freq_hz"]
    responses = ["inference_time_s", "power_consumption"]
    words = ["--data", path, "--options", ",".join(options)]
    words += ["--response", ",".join(responses)]
    words += ["--environment", "board,dnn,image_size", "--model", "xgboost"]
    models = document(run("fit", *words, "--json", "-"))["models"]
    assert len(models) == 4
    for model in models:
        part = runs
        for column, value in model["environment"].items():
            part = part[part[column] == value]
        logs = np.log(part[model["response"]])
        spread = {name: logs.groupby(part[name]).mean().var(ddof=0) for name in options}
        main = [term for term in model["terms"] if term["order"] == 1]
        largest = max(main, key=lambda term: term["share"])
        assert largest["term"] == max(spread, key=spread.__getitem__)


@pytest.mark.published_data
def test_the_front_of_the_tx2_is_the_brute_force_front(run, published_data) -> None:
    path = published_data / "jetson_tx2_dnn_freq" / "jetson_tx2_dnn_freq.csv"
    names = ["inference_time_s", "power_consumption"]
    words = ["--data", path, "--environment", "board,dnn,image_size"]
    words += ["--options", "num_cores,core_freq_khz,gpu_freq_hz,emc_freq_hz"]
    written = document(
        run("pareto", *words, "--responses", ",".join(names), "--json", "-")
    )
    runs = pd.read_csv(path)
    assert len(written["fronts"]) == 4
    for entry in written["fronts"]:
        part = runs
        for column, value in entry["environment"].items():
            part = part[part[column] == value]
        points = part[names].to_numpy()
        expected = np.array(sorted(points[brute_force_front(points)].tolist()))
        found = [list(row["responses"].values()) for row in entry["front"]]
        np.testing.assert_allclose(sorted(found), expected)


# -- transfer -------------------------------------------------------------------------


def test_transfer_judges_each_response_and_its_json_has_every_key(run, table) -> None:
    words = ["--data", table, *COLUMNS, "--response", "time_s", "--save", "moved"]
    words += ["--src", "laptop", "--dst", "server", "--metrics", "ase17"]
    (entry,) = document(run("transfer", *words, "--json", "-"))["transfers"]
    assert set(entry) >= {
        "source",
        "target",
        "response",
        "target_runs",
        "method",
        "guard",
        "error_percent",
        "break_even_runs",
        "verdicts",
        "metrics",
    }
    assert set(entry["guard"]) >= {"statistic", "decision", "reason"}
    assert set(entry["error_percent"]) == {"alone", "transfer", "source_as_is"}
    verdicts = "shift rank options interactions distribution invalid optimum"
    assert list(entry["verdicts"]) == verdicts.split()
    for verdict in entry["verdicts"].values():
        assert verdict["verdict"] in ("yes", "no", "undecided")
        assert {"kind", "estimate", "lower", "upper", "runs_needed"} <= set(verdict)
    assert list(entry["metrics"]) == [f"M{i}" for i in range(1, 19)]
    assert (entry["source"], entry["target"]) == ("laptop", "server")
    assert entry["target_runs"] == 30
    assert Path(entry["saved"], "model.json").exists()


def test_transfer_prints_a_verdict_in_one_sentence_first(run, table) -> None:
    words = ["--data", table, *COLUMNS, "--response", "time_s", "--target-runs", "10"]
    result = run("transfer", *words, "--src", "laptop", "--dst", "server")
    assert result.exit_code == 0, result.output
    first = result.stdout.splitlines()[0]
    assert first.startswith("laptop to server, time_s: undecided, measure")


@pytest.mark.parametrize(
    ("src", "dst", "message"),
    [
        ("laptop", "laptop", "both source and target"),
        ("desktop", "server", "no environment"),
        ("laptop", "s,e", "no environment"),
    ],
)
def test_words_that_select_nothing_are_refused(run, table, src, dst, message) -> None:
    words = ["--data", table, *COLUMNS, "--response", "time_s"]
    assert message in one_line(run("transfer", *words, "--src", src, "--dst", dst))


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["fit", *QUICK], "fitting"),
        (["explain", *QUICK], "fitting"),
        (["pareto", *QUICK], "front of laptop"),
        (["recommend", *QUICK, "--minimize", "time_s"], "front of laptop"),
        (["transfer", "--src", "laptop", "--dst", "server"], "transfer"),
    ],
)
def test_what_takes_long_says_how_far_it_is(
    run, table, monkeypatch, words, what
) -> None:
    for name in ("FIRST_LINE_S", "LINE_EVERY_S"):
        monkeypatch.setattr(progress, name, 0.0)
    columns = [*COLUMNS, "--response", "time_s"]
    result = run(*words, "--data", table, *columns, "--json", "-")
    lines = re.findall(rf"^{what}: (\d+) %.*\(.+\)$", result.stderr, re.MULTILINE)
    assert lines == sorted(lines, key=int)
    assert len(lines) >= 3
    assert json.loads(result.stdout)
