"""What is said while a design is searched for."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from measure.commands.telling import searching
from measure.console import Output
from measure.designs import compiling
from measure.designs.making import make_design
from measure.errors import DesignError
from measure.space import ConfigurationSpace

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "isa": {"kind": "boolean", "change_cost_s": 30},
            "threads": {"kind": "numeric", "levels": [1, 2, 4]},
            "onednn": {"kind": "boolean"},
        }
    }
)


@pytest.mark.parametrize("name", ["d-optimal", "split-plot"])
def test_compiling_is_told_when_it_begins_and_not_before_an_error(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiling, "is_compiled", lambda loop: False)
    with pytest.raises(DesignError, match="fewer than"), searching(Output()) as tell:
        make_design(name, SPACE, 3, progress=tell)
    assert capsys.readouterr().out == ""
    with searching(Output()) as tell:
        make_design(name, SPACE, 16, "main", iterations=2, progress=tell)
    assert capsys.readouterr().out.count("compiling the search for designs") == 1
    monkeypatch.setattr(compiling, "is_compiled", lambda loop: True)
    with searching(Output()) as tell:
        make_design(name, SPACE, 16, "main", iterations=2, progress=tell)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["d-optimal", "split-plot"])
def test_a_long_search_has_lines_and_ctrl_c_keeps_the_best(
    name: str, tmp_path: Path
) -> None:
    SPACE.to_file(tmp_path / "space.json")
    words = ["design", "--space", "space.json", "--design", name, "--out", "d.csv"]
    words += ["--runs", "20", "--model", "quadratic", "--iterations", "1000000000"]
    code = (
        "from measure.cli import main; import measure.commands.telling as telling\n"
        "telling.LINE_EVERY_S = 0.2\n"
        f"main({words!r}, prog_name='python -m measure')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("choosing the design (Ctrl-C keeps the best so far): "):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert err.count("\n") == 1 and "d.csv is the best design it had found" in err
    assert "the search was interrupted" in out
    assert len((tmp_path / "d.csv").read_text().splitlines()) == 21


def test_a_sweep_measures_nothing_where_ctrl_c_ended_its_search(tmp_path: Path) -> None:
    code = (
        "from dataclasses import replace\n"
        "import measure.asking as asking; from measure.cli import main\n"
        "made = asking.ask_design\n"
        "asking.ask_design = lambda *w, **k: replace(made(*w, **k), interrupted=True)\n"
        "words = ['--device', 'sim:effects', '--design', 'random', '--runs', '9']\n"
        "main(['sweep', *words], prog_name='python -m measure')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 130
    assert done.stderr == (
        "measure: interrupted in choosing the design; nothing is measured\n"
    )
    assert not list(tmp_path.rglob("*.db"))
