"""Stores: what is added stays, and what cannot be is refused in one line."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from measure.errors import StoreError
from measure.migrations import SCHEMA_VERSION
from measure.store import MemoryStore, ResultStore, SqliteStore, planned_sweeps
from tests.contracts.samples import sample_plan, sample_run
from tests.contracts.stores import StoreContract
from tests.measure.disks import mounted


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> ResultStore:
        return MemoryStore()


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ResultStore]:  # type: ignore[override]
        with SqliteStore(tmp_path / "m.db") as store:
            yield store


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Return the path of a store with one sweep and two runs."""
    path = tmp_path / "filled.db"
    plan = sample_plan()
    with SqliteStore(path) as store:
        store.add_plan(plan)
        store.add_run(sample_run(plan, 0))
        store.add_run(sample_run(plan, 1))
    return path


def one_line(error: pytest.ExceptionInfo[StoreError]) -> str:
    """Return the message, which must be one line that names a way out."""
    text = str(error.value)
    assert "\n" not in text
    return text


def test_another_process_sees_what_was_committed(filled: Path) -> None:
    code = (
        "import sys; from measure.store import SqliteStore; "
        "print(len(SqliteStore(sys.argv[1], read_only=True).runs()))"
    )
    with SqliteStore(filled) as store:
        store.add_run(sample_run(sample_plan(), 2))
        seen = subprocess.run(
            [sys.executable, "-c", code, str(filled)],
            capture_output=True,
            text=True,
            check=True,
        )
    assert seen.stdout.strip() == "3"


def test_a_store_is_in_wal_mode_with_foreign_keys_and_its_version(filled: Path) -> None:
    with SqliteStore(filled) as store:
        ask = store._connection.execute
        assert ask("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert ask("PRAGMA foreign_keys").fetchone()[0] == 1
        assert ask("PRAGMA synchronous").fetchone()[0] == 2
        assert ask("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM runs",
        "UPDATE runs SET status = 'failed'",
        "DELETE FROM sweeps",
        "UPDATE environments SET device = 'x'",
        "DELETE FROM planned_runs",
    ],
)
def test_nothing_is_changed_or_deleted(filled: Path, statement: str) -> None:
    connection = sqlite3.connect(filled)
    with pytest.raises(sqlite3.DatabaseError, match="append only"):
        connection.execute(statement)
    connection.close()


def test_environments_are_kept_once(filled: Path) -> None:
    with SqliteStore(filled) as store:
        ask = store._connection.execute
        assert ask("SELECT count(*) FROM environments").fetchone()[0] == 1


def test_a_store_that_is_not_there_is_refused_for_reading(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        SqliteStore(tmp_path / "none.db", read_only=True)
    assert "no such store" in one_line(error)
    assert not (tmp_path / "none.db").exists()


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        SqliteStore(tmp_path / "none" / "m.db")
    assert "no folder" in one_line(error)
    assert not (tmp_path / "none").exists()


def test_a_folder_is_not_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="names a file"):
        SqliteStore(tmp_path)


def test_a_store_of_a_newer_schema_is_refused_and_left_alone(filled: Path) -> None:
    connection = sqlite3.connect(filled)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = filled.read_bytes()
    for read_only in (True, False):
        with pytest.raises(StoreError) as error:
            SqliteStore(filled, read_only=read_only)
        assert f"version {SCHEMA_VERSION + 1}" in one_line(error)
    assert filled.read_bytes() == before


@pytest.mark.parametrize("kept", [0.3, 0.5, 0.9])
def test_a_truncated_store_is_refused_and_left_alone(filled: Path, kept: float) -> None:
    whole = filled.read_bytes()
    filled.write_bytes(whole[: int(len(whole) * kept)])
    before = filled.read_bytes()
    for read_only in (True, False):
        with pytest.raises(StoreError) as error:
            SqliteStore(filled, read_only=read_only)
        assert "damaged or truncated" in one_line(error)
    assert filled.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database, but long enough to be read as one\n" * 100)
    with pytest.raises(StoreError) as error:
        SqliteStore(path)
    assert "damaged" in one_line(error)


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError) as error:
        SqliteStore(path)
    assert "another program" in one_line(error)
    assert path.read_bytes() == before


def test_an_empty_file_is_a_new_store_to_write_and_refused_to_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    with pytest.raises(StoreError, match="empty file"):
        SqliteStore(path, read_only=True)
    SqliteStore(path).close()
    with SqliteStore(path, read_only=True) as store:
        with pytest.raises(StoreError, match="no sweep was planned"):
            planned_sweeps(store, str(path))


def test_a_read_only_folder_is_refused_for_writing_and_can_be_read(
    filled: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder, "size=4m"):
        shutil.copy(filled, folder / "m.db")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        for name in ("m.db", "new.db"):
            with pytest.raises(StoreError) as error:
                SqliteStore(folder / name)
            assert "cannot be written" in one_line(error)
        with SqliteStore(folder / "m.db", read_only=True) as store:
            assert len(store.runs()) == 2


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="permissions do not bind root",
)
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        SqliteStore(folder / "m.db")


def test_a_full_disk_is_said_in_one_line_and_loses_no_finished_run(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    plan = sample_plan()
    with mounted(folder, "size=400k"):
        path = folder / "m.db"
        added = 0
        with SqliteStore(path) as store:
            store.add_plan(plan)
            with pytest.raises(StoreError) as error:
                for number in range(1000):
                    run = sample_run(plan, None, run_id=f"r{number}")
                    store.add_run(run)
                    added += 1
        assert "disk is full" in one_line(error)
        assert 0 < added < 1000
        with SqliteStore(path, read_only=True) as store:
            assert [run.run_id for run in store.runs()] == [
                f"r{number}" for number in range(added)
            ]


def test_a_disk_that_is_full_from_the_start_is_said_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder, "size=64k"):
        (folder / "other").write_bytes(b"x" * (60 << 10))
        with pytest.raises(StoreError) as error:
            SqliteStore(folder / "m.db")
        assert "disk is full" in one_line(error)


def test_a_store_left_by_a_killed_process_opens_with_all_its_commits(
    tmp_path: Path,
) -> None:
    code = """
import os, signal, sys
from measure.store import SqliteStore
from tests.contracts.samples import sample_plan, sample_run
store = SqliteStore(sys.argv[1])
store.add_plan(sample_plan())
store.add_run(sample_run(sample_plan(), 0))
os.kill(os.getpid(), signal.SIGKILL)
"""
    path = tmp_path / "m.db"
    root = str(Path(__file__).parents[2])
    killed = subprocess.run([sys.executable, "-c", code, str(path)], cwd=root)
    assert killed.returncode == -9
    assert Path(f"{path}-wal").stat().st_size > 0
    with SqliteStore(path, read_only=True) as store:
        assert [run.run_id for run in store.runs()] == ["s1-0"]
