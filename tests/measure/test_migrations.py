"""A store of every schema version still opens, and two processes may make one."""

from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from measure import migrations
from measure.migrations import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    STEPS,
    check_owner,
    migrate,
)
from measure.store import SqliteStore
from tests.contracts.samples import sample_plan, sample_run

GOLDEN = Path(__file__).parent / "golden"


def test_there_is_a_golden_store_of_every_version() -> None:
    found = sorted(path.name for path in GOLDEN.glob("store_v*.db"))
    assert found == [f"store_v{version}.db" for version in range(1, SCHEMA_VERSION + 1)]


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_a_golden_store_opens_with_all_that_it_held(
    version: int, tmp_path: Path
) -> None:
    path = tmp_path / "old.db"
    shutil.copy(GOLDEN / f"store_v{version}.db", path)
    plan = sample_plan()
    runs = (sample_run(plan, 0), sample_run(plan, 1), sample_run(plan, 2))
    for read_only in (True, False):
        with SqliteStore(path, read_only=read_only) as store:
            assert store.plans() == (plan,)
            assert store.runs() == runs
    with SqliteStore(path) as store:
        store.add_run(sample_run(plan, 3))
        assert len(store.runs()) == 4


def test_a_new_store_has_the_version_and_the_mark() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    connection.close()


def test_a_step_that_fails_leaves_the_store_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half (x)")
        raise sqlite3.OperationalError("no more room")

    monkeypatch.setattr(migrations, "STEPS", (*STEPS, broken))
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection)
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    assert tables == 0
    connection.close()


def test_many_may_make_the_same_store_at_once(tmp_path: Path) -> None:
    path = tmp_path / "m.db"

    def make(number: int) -> None:
        with SqliteStore(path) as store:
            store.add_plan(sample_plan(f"s{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(8)))
    with SqliteStore(path) as store:
        assert len(store.plans()) == 8


@pytest.mark.parametrize("moment", [0, 1, 2])
def test_a_store_that_is_made_while_it_is_looked_at_is_no_other_programs(
    tmp_path: Path, moment: int
) -> None:
    path = tmp_path / "m.db"

    class Looking:
        """Another process makes the store after so many statements."""

        def __init__(self) -> None:
            self.connection = sqlite3.connect(path, isolation_level=None)
            self.said = 0

        def execute(self, statement: str) -> sqlite3.Cursor:
            if self.said == moment:
                with SqliteStore(path):
                    pass
            self.said += 1
            return self.connection.execute(statement)

    looking = Looking()
    check_owner(looking, str(path))  # type: ignore[arg-type]
    looking.connection.close()
    assert looking.said > moment
