"""Executing a script, and the files it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from studies.build import Built, build
from studies.errors import StudyError
from studies.notebook import execute, load_script


def test_a_build_leaves_an_executed_notebook_with_the_given_parameters(
    tiny: Built,
) -> None:
    notebook = nbformat.read(tiny.notebook, as_version=4)
    nbformat.validate(notebook)
    printed = [
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream"
    ]
    assert printed == ["the store is given.db\n"]


def test_findings_figures_and_tables_are_collected_from_the_notebook(
    tiny: Built,
) -> None:
    content = json.loads(json.dumps(tiny.to_dict()))
    assert {"notebook", "html", "figures", "tables", "findings"} <= set(content)
    assert [finding["verdict"] for finding in content["findings"]] == [
        "yes",
        "undecided",
    ]
    assert [figure["name"] for figure in content["figures"]] == ["effects"]
    assert content["notices"] == [{"text": "The device is simulated.", "level": "note"}]


def test_each_table_is_a_csv_file_at_full_precision(tiny: Built) -> None:
    frame = pd.read_csv(tiny.html.parent / tiny.tables[0]["path"])
    assert frame["latency_s"].iloc[0] == 0.046123456
    assert frame["latency_s"].isna().iloc[1]


def test_each_figure_is_a_file_of_its_own(tiny: Built) -> None:
    svg = (tiny.html.parent / tiny.figures[0]["path"]).read_text()
    assert svg.startswith("<svg")


def test_the_same_script_gives_the_same_page(tiny: Built, tiny_script: Path) -> None:
    before = tiny.html.read_bytes()
    again = build(
        tiny_script,
        name="tiny",
        title="A tiny study & its title",
        out=tiny_script.parent,
        parameters={"store": "given.db"},
    )
    assert again.html.read_bytes() == before


def test_a_cell_that_raises_names_its_section_and_leaves_the_notebook(
    tmp_path: Path,
) -> None:
    script = tmp_path / "broken.py"
    script.write_text(
        "# %% [markdown]\n# ## Drift\n\n# %%\nprint('before')\n\n"
        "# %%\nraise ValueError('no\\nruns')\n\n"
        "# %% [markdown]\n# ## Models\n\n# %%\nprint('after')\n"
    )
    with pytest.raises(StudyError, match="under 'Drift': ValueError: no runs$"):
        build(script, name="broken", title="Broken", out=tmp_path)
    assert "before" in (tmp_path / "broken.ipynb").read_text()
    assert not (tmp_path / "broken.html").exists()


def test_a_process_that_dies_is_an_error_with_its_section(tmp_path: Path) -> None:
    script = tmp_path / "dying.py"
    script.write_text("# %% [markdown]\n# ## Fit\n\n# %%\nimport os; os._exit(7)\n")
    with pytest.raises(StudyError, match="died under 'Fit'"):
        build(script, name="dying", title="Dying", out=tmp_path)


def test_a_missing_folder_is_refused_before_anything_is_executed(
    tiny_script: Path, tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match="no such folder; make it first"):
        build(tiny_script, name="tiny", title="Tiny", out=tmp_path / "missing")


def test_parameters_without_a_cell_for_them_are_refused(tmp_path: Path) -> None:
    script = tmp_path / "plain.py"
    script.write_text("# %%\n1\n")
    with pytest.raises(StudyError, match="no cell tagged 'parameters' to set store"):
        load_script(script, {"store": "a.db"})


def test_progress_counts_the_cells_and_names_the_section_of_each(
    tiny_script: Path,
) -> None:
    seen: list[str] = []
    totals: list[int] = []

    @contextmanager
    def progress(what: str, total: int) -> Iterator[Callable[[str], None]]:
        totals.append(total)
        yield seen.append

    notebook = load_script(tiny_script, {})
    execute(notebook, tiny_script.parent, progress)
    assert totals == [len(seen)]
    assert seen[2] == "What was measured"
