"""The folder of a saved model."""

from __future__ import annotations

import errno
import io
import json
from pathlib import Path

import numpy as np
import pytest

from perfmodel.archive import SCHEMA, array, entry, read_folder, write_folder
from perfmodel.errors import ArchiveError


def saved(tmp_path: Path) -> Path:
    """A folder with one array and one number."""
    return write_folder(tmp_path / "m", {"model": "cart"}, {"a": np.arange(3.0)}, {})


def rewrite(folder: Path, **changes: object) -> None:
    """Change the document as someone would who keeps its hash right."""
    from perfmodel.archive import _document_hash

    path = folder / "model.json"
    document = {**json.loads(path.read_text()), **changes}
    document["sha256"] = _document_hash(document)
    path.write_text(json.dumps(document))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "m",
        {"model": "xgboost", "seed": 3},
        {"a": np.arange(3), "b": np.array([[0.1, 0.2]])},
        {"booster.json": b"{}"},
    )
    document, arrays, files = read_folder(folder)
    assert (document["model"], document["seed"], document["schema"]) == (
        "xgboost",
        3,
        SCHEMA,
    )
    np.testing.assert_array_equal(arrays["b"], [[0.1, 0.2]])
    assert files == {"booster.json": b"{}"}
    assert {"python", "numpy", "scikit-learn"} <= set(document["versions"])


def test_saving_again_replaces_the_model(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", {}, {}, {"booster.json": b"{}"})
    saved(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "arrays.npz",
        "model.json",
    ]
    read_folder(folder)


@pytest.mark.parametrize("what", ["arrays.npz", "model.json", "rename"])
def test_a_full_disk_leaves_the_earlier_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    folder = saved(tmp_path)
    write, rename = Path.write_bytes, Path.rename

    def full(path: Path, content: bytes) -> int:
        if path.name == what:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    def stuck(path: Path, target: Path) -> Path:
        if what == "rename" and ".writing" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Path, "rename", stuck)
    with pytest.raises(ArchiveError, match="No space left on device; save elsewhere"):
        write_folder(folder, {"model": "forest"}, {}, {})
    assert read_folder(folder)[0]["model"] == "cart"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ArchiveError, match="holds 'thesis.tex', which is no part of a"):
        write_folder(tmp_path, {}, {}, {})
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_folder_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no folder .* to save in"):
        write_folder(tmp_path / "a" / "b", {}, {}, {})


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("")
    with pytest.raises(ArchiveError, match="is a file; name a folder"):
        write_folder(tmp_path / "m", {}, {}, {})


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no saved model"):
        read_folder(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"format": "pickle"}', "\x00\xff"])
def test_a_document_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    folder = saved(tmp_path)
    (folder / "model.json").write_text(text)
    with pytest.raises(ArchiveError, match="damaged|not a saved performance model"):
        read_folder(folder)


def test_a_newer_schema_is_refused_with_the_way_out(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    rewrite(folder, schema=SCHEMA + 1)
    with pytest.raises(ArchiveError, match="schema 2 is newer than 1.*upgrade"):
        read_folder(folder)


def test_a_file_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    files = json.loads((folder / "model.json").read_text())["files"]
    rewrite(folder, files={**files, "../secret": "0"})
    with pytest.raises(ArchiveError, match="'../secret' that is no part"):
        read_folder(folder)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    (folder / "arrays.npz").unlink()
    with pytest.raises(ArchiveError, match="damaged, it cannot be read"):
        read_folder(folder)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    from perfmodel.archive import _sha256

    folder = saved(tmp_path)
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{"x": 1}], dtype=object))
    (folder / "arrays.npz").write_bytes(buffer.getvalue())
    rewrite(folder, files={"arrays.npz": _sha256(buffer.getvalue())})
    with pytest.raises(ArchiveError, match="holds no plain arrays"):
        read_folder(folder)


def test_entries_are_of_the_type_they_must_be() -> None:
    assert entry({"a": 1}, "a", float) == 1.0
    with pytest.raises(ArchiveError, match="'a' is bool, not float"):
        entry({"a": True}, "a", float)
    with pytest.raises(ArchiveError, match="'b' is NoneType, not list"):
        entry({}, "b", list)


def test_arrays_are_of_the_kind_and_shape_they_must_be() -> None:
    arrays = {"a": np.zeros((2, 3)), "bad": np.array([np.inf])}
    assert array(arrays, "a", "f", (-1, 3)).shape == (2, 3)
    with pytest.raises(ArchiveError, match=r"'a' is float64 of shape \(2, 3\), not of"):
        array(arrays, "a", "f", (3,))
    with pytest.raises(ArchiveError, match="'a' is float64"):
        array(arrays, "a", "i", (2, 3))
    with pytest.raises(ArchiveError, match="no array 'b'"):
        array(arrays, "b", "f", (1,))
    with pytest.raises(ArchiveError, match="is not finite"):
        array(arrays, "bad", "f", (1,))
