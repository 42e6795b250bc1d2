"""Designs as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from measure.designs.factorial import full_factorial
from measure.designs.reading import read_design, write_design
from measure.errors import DesignError
from measure.space import ConfigurationSpace

SPACE = ConfigurationSpace.from_dict(
    {
        "options": {
            "threads": {"kind": "numeric", "levels": [1, 2, 4]},
            "scale": {"kind": "numeric", "levels": [0.5, 1.0]},
            "mode": {"kind": "categorical", "levels": ["None", "NA", "1"]},
            "onednn": {"kind": "boolean"},
        },
        "forbid": [{"threads": 4, "onednn": True}],
    }
)


def text(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "D.csv"
    path.write_text(content)
    return path


def test_a_design_is_read_as_it_was_written(tmp_path: Path) -> None:
    design = full_factorial(SPACE)
    write_design(design, tmp_path / "D.csv")
    again = read_design(tmp_path / "D.csv", SPACE)
    assert again.frame.equals(design.frame)
    assert again.frame.dtypes.tolist() == design.frame.dtypes.tolist()
    assert again.space == SPACE and again.name == "D.csv"


def test_levels_are_read_in_any_spelling(tmp_path: Path) -> None:
    path = text(tmp_path, "onednn,threads,mode,scale\nTRUE,1.0,NA,1\n false,4,1.0,.5\n")
    frame = read_design(path, SPACE).frame
    assert frame["threads"].tolist() == [1, 4]
    assert frame["onednn"].tolist() == [True, False]
    assert frame["mode"].tolist() == ["NA", "1"]
    assert frame["scale"].tolist() == [1.0, 0.5]


def test_blocks_and_whole_plots_are_kept_and_others_refused(tmp_path: Path) -> None:
    path = text(tmp_path, "threads,onednn,block,whole_plot\n1,true,b,3\n2,true,a,1\n")
    design = read_design(path, SPACE)
    assert design.frame["block"].tolist() == [0, 1]
    assert design.frame["whole_plot"].tolist() == [3, 1]
    assert design.space.names == ("threads", "onednn")
    assert "does not set scale, mode" in design.notes[0]
    path = text(tmp_path, "threads,speed\n1,2\n")
    with pytest.raises(DesignError, match="column 'speed' is no option; options are"):
        read_design(path, SPACE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "lacks a header"),
        ("threads\n\n", "lacks a row"),
        ("block\n1\n", "no column is an option"),
        ("threads,threads\n1,1\n", "column 'threads' is there twice"),
        ("threads,onednn\n1\n", "line 2: 1 cells, but 2 columns"),
        ("threads\n1\n3\n", "line 3: option 'threads' has no level"),
        ("threads\n1\n\n", None),
        ("threads,onednn\n1,true\n4,true\n", r"line 3: .*forbidden \(threads=4"),
    ],
)
def test_a_file_that_is_no_design_is_refused_with_its_line(
    tmp_path: Path, content: str, message: str | None
) -> None:
    path = text(tmp_path, content)
    if message is None:
        assert read_design(path, SPACE).runs == 1
    else:
        with pytest.raises(DesignError, match=message) as caught:
            read_design(path, SPACE)
        assert str(caught.value).startswith(str(path))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="cannot be read as a CSV file: No such"):
        read_design(tmp_path / "none.csv", SPACE)
    with pytest.raises(DesignError, match="cannot be written"):
        write_design(full_factorial(SPACE), tmp_path / "none" / "D.csv")
