"""Finding studies and reading what they say of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.catalogue import find_study, list_studies, read_study
from studies.errors import StudyError


def test_every_study_has_its_three_files_and_a_summary() -> None:
    for study in list_studies():
        assert study.summary.endswith(".")
        assert (study.script.parent / "README.md").is_file()


def test_an_unknown_study_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(StudyError, match="no study 'slow'; there is: .*quickstart"):
        find_study("slow")


def test_a_folder_of_ones_own_is_a_study(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "study.cfg").write_text(
        "[study]\ntitle = Mine: 50 %\n[measure]\nstore = a.db\nsweep = --runs 9\n"
    )
    (folder / "study.py").write_text("# %%\n1\n")
    study = find_study(str(folder))
    assert (study.name, study.title) == ("mine", "Mine: 50 %")
    assert study.sweep == ("--runs", "9")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no 'study'"),
        ("[study]\nsummary = x\n", "no 'title'"),
        ("title = x\n", "no section headers"),
    ],
)
def test_a_damaged_study_file_is_an_error_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "study.cfg").write_text(text)
    (tmp_path / "study.py").write_text("")
    with pytest.raises(StudyError, match=f"study.cfg.*{message}"):
        read_study(tmp_path)


def test_a_folder_without_a_script_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.cfg").write_text("[study]\ntitle = x\n")
    with pytest.raises(StudyError, match="no study.py"):
        read_study(tmp_path)
