"""The command line of studies, as a person uses it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
SWEEP = "--device sim:effects --runs 12 --design random --model main"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m studies`` in a folder, with a state folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "studies", *words],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(folder / ".state"),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def runs_in(store: Path) -> int:
    with sqlite3.connect(store) as connection:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])


@pytest.fixture
def own_study(tmp_path: Path) -> Path:
    """A study of one's own that measures a simulated device."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "study.cfg").write_text(
        f"[study]\ntitle = Mine\nsummary = A test.\n"
        f"[measure]\nstore = own.db\nsweep = {SWEEP}\n"
    )
    (folder / "study.py").write_text(
        "# %%\nfrom studies import measured\nfrom studies.display import show\n\n"
        '# %% tags=["parameters"]\nstore = ""\n\n'
        "# %%\nsweeps = measured.read_sweeps(store)\nshow(*measured.nature(sweeps))\n"
        "print(len(sweeps[0].runs), 'runs')\n"
    )
    return folder


def test_list_names_the_studies(tmp_path: Path) -> None:
    result = run(tmp_path, "list", "--json", "-")
    assert result.returncode == 0
    assert "quickstart" in [one["name"] for one in json.loads(result.stdout)["studies"]]
    assert result.stderr.startswith("quickstart: ")


def test_a_study_measures_once_and_then_uses_what_is_there(
    own_study: Path, tmp_path: Path
) -> None:
    first = run(tmp_path, "run", "mine", "--out", ".", "--json", "first.json")
    assert first.returncode in (0, 3), first.stderr
    assert "python -m measure sweep" in first.stdout
    runs = runs_in(tmp_path / "own.db")
    second = run(tmp_path, "run", "mine", "--out", ".")
    assert second.returncode in (0, 3), second.stderr
    assert "python -m measure resume" in second.stdout
    assert runs_in(tmp_path / "own.db") == runs
    content = json.loads((tmp_path / "first.json").read_text())
    assert {"notebook", "html", "figures", "tables", "findings"} <= set(content)
    html = (tmp_path / "mine.html").read_text()
    assert "Simulated: sim:effects is a simulator" in html


def test_a_sweep_that_is_refused_stops_the_study(
    own_study: Path, tmp_path: Path
) -> None:
    text = (own_study / "study.cfg").read_text().replace("sim:effects", "sim:nothing")
    (own_study / "study.cfg").write_text(text)
    result = run(tmp_path, "run", "mine", "--out", ".")
    assert result.returncode == 1
    assert "sim:nothing" in result.stderr
    assert not (tmp_path / "mine.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "slow"], "no study 'slow'; there is: quickstart"),
        (["run", "quickstart", "--out", "missing"], "no such folder; make it first"),
        (["report"], "results/measurements.db"),
        (["report", "--data", "missing.csv", "--response", "y"], "missing.csv"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing(
    words: list[str], message: str, tmp_path: Path
) -> None:
    result = run(tmp_path, *words)
    assert result.returncode == 1
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == []


def table(folder: Path) -> list[str]:
    """Write a small table with a known effect; return the words that describe it."""
    rows = ["threads,cache,machine,seconds"]
    for machine, factor in (("a", 1.0), ("b<b>", 0.5)):
        for threads in (1, 2, 4):
            for cache in ("on", "off"):
                for repeat in range(3):
                    seconds = factor * 8 / threads * (1 + 0.01 * repeat)
                    rows.append(f"{threads},{cache},{machine},{seconds}")
    (folder / "t.csv").write_text("\n".join(rows) + "\n")
    words = "--data t.csv --options threads,cache --response seconds"
    return [*words.split(), "--environment", "machine"]


def test_a_report_on_an_outsiders_table_finds_the_option_that_acts(
    tmp_path: Path,
) -> None:
    words = table(tmp_path)
    result = run(tmp_path, "report", *words, "--out", ".", "--json", "-")
    assert result.returncode == 0, result.stderr
    content: dict[str, Any] = json.loads(result.stdout)
    texts = [finding["text"] for finding in content["findings"]]
    assert any("options for seconds: threads" in text for text in texts)
    html = (tmp_path / "report.html").read_text()
    assert "b&lt;b&gt;" in html
    assert "b<b>" not in html
