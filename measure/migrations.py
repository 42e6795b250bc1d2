"""The store's schema, one function per step, so that an old store still opens.

A step is never changed once a store was written with it: the next change is the
next function. ``PRAGMA user_version`` counts the steps that a store has seen.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from measure.errors import StoreError

#: Marks a SQLite file as ours (``PRAGMA application_id``): ASCII "MEAS".
APPLICATION_ID = 0x4D454153


def create(connection: sqlite3.Connection) -> None:
    """Make the tables of version 1: environments, sweeps, planned runs, runs.

    A planned run is finished once (`runs_finished_once`); nothing is ever updated
    or deleted (the triggers), so that a result that was seen stays as it was.

    Parameters
    ----------
    connection : sqlite3.Connection
        Inside a transaction.
    """
    statements = [
        """CREATE TABLE environments (
            environment_id INTEGER PRIMARY KEY,
            device TEXT NOT NULL,
            network TEXT NOT NULL,
            workload TEXT NOT NULL,
            version TEXT NOT NULL,
            record TEXT NOT NULL UNIQUE
        )""",
        """CREATE TABLE sweeps (
            number INTEGER PRIMARY KEY,
            sweep_id TEXT NOT NULL UNIQUE,
            created_at TEXT NOT NULL,
            plan TEXT NOT NULL
        )""",
        """CREATE TABLE sweep_environments (
            sweep_id TEXT NOT NULL REFERENCES sweeps (sweep_id),
            position INTEGER NOT NULL,
            environment_id INTEGER NOT NULL REFERENCES environments,
            PRIMARY KEY (sweep_id, position)
        ) WITHOUT ROWID""",
        """CREATE TABLE planned_runs (
            sweep_id TEXT NOT NULL REFERENCES sweeps (sweep_id),
            slot INTEGER NOT NULL,
            record TEXT NOT NULL,
            PRIMARY KEY (sweep_id, slot)
        ) WITHOUT ROWID""",
        """CREATE TABLE runs (
            number INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL UNIQUE,
            sweep_id TEXT NOT NULL REFERENCES sweeps (sweep_id),
            slot INTEGER,
            environment_id INTEGER NOT NULL REFERENCES environments,
            status TEXT NOT NULL CHECK (status IN ('done', 'failed')),
            started_at TEXT NOT NULL,
            record TEXT NOT NULL,
            FOREIGN KEY (sweep_id, slot) REFERENCES planned_runs (sweep_id, slot)
        )""",
        """CREATE UNIQUE INDEX runs_finished_once ON runs (sweep_id, slot)
            WHERE status = 'done' AND slot IS NOT NULL""",
        "CREATE INDEX runs_of_a_sweep ON runs (sweep_id, number)",
    ]
    tables = "environments sweeps sweep_environments planned_runs runs".split()
    for table in tables:
        for action in ("UPDATE", "DELETE"):
            statements.append(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON "
                f"{table} BEGIN SELECT RAISE(ABORT, 'a store is append only'); END"
            )
    for statement in statements:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


#: Step i takes a store from version i to version i + 1.
STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (create,)
#: Version that this code writes.
SCHEMA_VERSION = len(STEPS)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the store's schema version.

    Parameters
    ----------
    connection : sqlite3.Connection
        An open store.

    Returns
    -------
    int
        0 for a file without a schema.
    """
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check_owner(connection: sqlite3.Connection, where: str) -> None:
    """Refuse a SQLite file that another program wrote, or that is newer than we are.

    Parameters
    ----------
    connection : sqlite3.Connection
        An open SQLite file.
    where : str
        Its path, for the message.

    Raises
    ------
    StoreError
        If the file is not a store that this version can read.
    """
    version = version_of(connection)
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{where}: its schema is version {version} and this program knows up to "
            f"{SCHEMA_VERSION}; upgrade the program, or name another --store"
        )
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    # Last: a store that another process makes meanwhile has its owner with its tables.
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if owner != APPLICATION_ID and (tables or version):
        raise StoreError(
            f"{where}: a SQLite file of another program; name another --store"
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a store to `SCHEMA_VERSION`, all steps in one transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
        In autocommit mode; two processes may do this at once.
    """
    if version_of(connection) == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been first while this one waited for the lock.
        for step in STEPS[version_of(connection) :]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
