"""What the tutorial says of a published campaign is what comes out."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from measure.cli import main as measure
from measure.store import SqliteStore
from perfmodel.cli import main as perfmodel

TABLE = "jetson_tx2_dnn_freq/jetson_tx2_dnn_freq.csv"
OPTIONS = ["num_cores", "core_freq_khz", "gpu_freq_hz", "emc_freq_hz"]
PLACES = ["dnn", "image_size"]
LATENCY = "inference_time_s"
ROW = re.compile(r"^\| `(--design [^`]+)` \| ([\d.]+) % \|$", re.MULTILINE)
TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.md"
STATED = [(words, float(value)) for words, value in ROW.findall(TUTORIAL.read_text())]


def call(program: object, *words: str) -> None:
    result = CliRunner().invoke(program, words)  # type: ignore[arg-type]
    assert result.exit_code in (0, 3), result.output


def error_on_the_others(table: Path, folder: Path, words: list[str]) -> float:
    """Follow the tutorial; return the mean error in per cent on what was not run."""
    store, models = str(folder / "tx2.db"), folder / "models"
    columns = ["--options", ",".join(OPTIONS), "--response", LATENCY]
    columns += ["--environment", ",".join(PLACES)]
    sweep = ["sweep", "--device", f"replay:{table}", *columns, *words, "--runs", "40"]
    call(measure, *sweep, "--store", store)
    fit = ["fit", "--store", store, "--model", "gaussian-process"]
    call(perfmodel, *fit, "--save", str(models))
    with SqliteStore(store, read_only=True) as opened:
        runs = opened.runs()
    data, errors = pd.read_csv(table), []
    for _, part in data.groupby(PLACES):
        place = [str(part[column].iloc[0]) for column in PLACES]
        name = "/".join(place)
        seen = [r.configuration for r in runs if r.environment.network == name]
        rows = {tuple(one[option] for option in OPTIONS) for one in seen}
        others = part[[tuple(row) not in rows for row in part[OPTIONS].to_numpy()]]
        assert (len(rows), len(others)) == (40, 728)
        given, out = folder / "others.csv", folder / "predicted.csv"
        others.to_csv(given, index=False)
        (model,) = (f for f in models.iterdir() if all(w in f.name for w in place))
        call(
            perfmodel,
            *("predict", "--model", str(model), "--data", str(given)),
            *("--out", str(out)),
        )
        predicted = pd.read_csv(out)
        errors.append((predicted["prediction"] / predicted[LATENCY] - 1).abs().mean())
    assert len(errors) == 4
    return 100 * float(pd.Series(errors).mean())


def test_the_tutorial_states_an_error_of_three_designs() -> None:
    assert [words.split()[1] for words, _ in STATED] == [
        "d-optimal",
        "d-optimal",
        "random",
    ]


@pytest.mark.published_data
@pytest.mark.parametrize(("words", "stated"), STATED)
def test_the_error_on_the_other_configurations_is_the_stated_one(
    words: str, stated: float, published_data: Path, tmp_path: Path
) -> None:
    found = error_on_the_others(published_data / TABLE, tmp_path, words.split())
    assert found == pytest.approx(stated, abs=0.5)
