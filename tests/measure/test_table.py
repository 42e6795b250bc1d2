"""Tables round-trip, and what does not fit is named by row and column."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.errors import TableError
from measure.options import Option
from measure.space import ConfigurationSpace
from measure.table import Table, write_table
from measure.table_reading import infer_option, read_table

SPACE = ConfigurationSpace(
    [
        Option(name="threads", levels=(1, 2), unit=""),
        Option(name="rate", levels=(0.1, 1e9)),
        Option(name="onednn", kind="boolean"),
        Option(name="isa", levels=("None", "NA", "a,b")),
    ]
)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


rows = st.fixed_dictionaries(
    {
        "network": st.sampled_from(["resnet50", "x y", '"q"']),
        "threads": st.sampled_from([1, 2, None]),
        "rate": st.sampled_from([0.1, 1e9]),
        "onednn": st.sampled_from([True, False, None]),
        "isa": st.sampled_from(["None", "NA", "a,b"]),
        "latency_s": st.floats(1e-9, 1e9) | st.just(float("nan")),
    }
)


@given(st.lists(rows, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_table_round_trips(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, object]]
) -> None:
    path = tmp_path_factory.mktemp("table") / "T.csv"
    frame = pd.DataFrame(records, dtype=object)
    frame["latency_s"] = frame["latency_s"].astype(float)
    table = Table(
        frame=frame,
        space=SPACE,
        responses={"latency_s": "s"},
        environment=("network",),
        meta=("run_id",),
    )
    write_table(table, path)
    again = read_table(path)
    assert again.space == SPACE
    assert again.responses == {"latency_s": "s"} and again.environment == ("network",)
    for name in frame.columns:
        for got, want in zip(again.frame[name], frame[name], strict=True):
            both_missing = pd.isna(got) and pd.isna(want)
            assert both_missing or got == want


def test_a_table_whose_name_ends_in_gz_is_compressed(tmp_path: Path) -> None:
    plain = read_table(
        write(tmp_path / "a.csv", "threads,y\n1,2.5\n2,1.5\n"),
        options=["threads"],
        responses=["y"],
    )
    write_table(plain, tmp_path / "T.csv.gz")
    with gzip.open(tmp_path / "T.csv.gz", "rt") as file:
        assert file.readline() == "threads,y\n"
    pd.testing.assert_frame_equal(read_table(tmp_path / "T.csv.gz").frame, plain.frame)


def test_what_a_table_does_not_say_is_inferred(tmp_path: Path) -> None:
    path = tmp_path / "my.csv.gz"
    text = "a,b,c,d,y\n4,TRUE,None,7,1.5\n1,false,NA,7,\n4.0,False,,7,2e-3\n"
    with gzip.open(path, "wt") as file:
        file.write(text)
    table = read_table(path, options=["a", "b", "c", "d"], responses=["y"])
    assert table.space.options["a"].levels == (1, 4)
    assert table.space.options["b"].kind == "boolean"
    assert table.space.options["c"].levels == ("NA", "None")
    assert table.constant == {"d": "7"}
    assert list(table.frame["c"]) == ["None", "NA", None]
    assert table.frame["y"].isna().tolist() == [False, True, False]


def test_levels_of_one_value_make_no_option() -> None:
    assert infer_option("a", ["1", "1.0", ""]) is None
    assert infer_option("a", []) is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["empty"]),
        ("a,y\n", ["no rows"]),
        ("a;y\n1;2\n", ["';'", "commas"]),
        ("a,a,y\n1,2,3\n", ["'a'", "twice"]),
        ("a,y\n1,2\n3\n", ["row 2", "1 cells", "2"]),
        ("b,y\n1,2\n2,3\n", ["no column 'a'", "columns are b, y"]),
        ("a,y\n1,2\n2,fast\n", ["row 2", "'y'", "'fast'"]),
        ("a,y\n1,2\n1,3\n", ["one level", "nothing varies"]),
        (
            "a,y\n" + "".join(f"{i},1\n" for i in range(9)) + "x,1\n",
            ["row 10", "'a'", "'x'", "--space"],
        ),
    ],
)
def test_a_bad_table_is_refused_in_one_line(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    path = write(tmp_path / "T.csv", text)
    with pytest.raises(TableError) as caught:
        read_table(path, options=["a"], responses=["y"])
    message = str(caught.value)
    assert "T.csv" in message and "\n" not in message
    for part in parts:
        assert part in message


def test_a_table_without_a_description_names_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "T.csv", "a,y\n1,2\n2,3\n")
    with pytest.raises(TableError, match="columns are a, y"):
        read_table(path)
    with pytest.raises(TableError, match="cannot be read as CSV"):
        read_table(tmp_path / "none.csv", options=["a"], responses=["y"])


def test_a_level_that_the_space_lacks_is_named_with_its_row(tmp_path: Path) -> None:
    path = write(tmp_path / "T.csv", "threads,y\n1,2\n3,3\n")
    space = ConfigurationSpace([Option(name="threads", levels=(1, 2))])
    with pytest.raises(TableError, match="row 2: option 'threads' has no level '3'"):
        read_table(path, responses=["y"], space=space)


@pytest.mark.parametrize(
    ("description", "part"),
    [
        ("[]", "not a mapping"),
        ('{"responses": []}', "responses must be a dict"),
        ('{"extra": 1}', "no key 'extra'"),
        ('{"options": {"a": {"kind": "numeric", "levels": [1]}}}', "two or more"),
        ("{", "not JSON"),
    ],
)
def test_a_bad_description_is_refused(
    tmp_path: Path, description: str, part: str
) -> None:
    path = write(tmp_path / "T.csv", "a,y\n1,2\n2,3\n")
    write(tmp_path / "T.json", description)
    with pytest.raises(TableError, match=r"T\.json"):
        read_table(path)
    try:
        read_table(path)
    except TableError as error:
        assert part in str(error)


def test_a_table_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    table = Table(
        frame=pd.DataFrame({"threads": [1], "y": [2.0]}),
        space=ConfigurationSpace([Option(name="threads", levels=(1, 2))]),
        responses={"y": ""},
    )
    with pytest.raises(TableError, match="cannot be written.*--out"):
        write_table(table, tmp_path / "missing" / "T.csv")
