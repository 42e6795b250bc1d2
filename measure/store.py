"""Where results are kept: appended, never changed, committed run by run.

`SqliteStore` is one file in write-ahead-log mode. ``synchronous=FULL`` makes each
commit survive a power cut, not only the kill of the process; a run lasts so much
longer than the sync that it costs nothing that can be seen.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from measure.errors import StoreError
from measure.migrations import check_owner, migrate, version_of
from measure.records import Environment, Plan, Run
from measure.store_errors import (
    BUSY_TIMEOUT_S,
    damaged,
    explain,
    is_write_error,
    known_run,
    known_sweep,
    not_planned,
)


class ResultStore(Protocol):
    """Plans and runs, appended and never changed."""

    def add_plan(self, plan: Plan) -> None:
        """Append a planned sweep.

        Parameters
        ----------
        plan : Plan
            With a new `sweep_id`.
        """

    def add_run(self, run: Run) -> None:
        """Append a run that ended; it is there for good when this returns.

        Parameters
        ----------
        run : Run
            Of a planned sweep; a slot can be finished once.
        """

    def plans(self) -> tuple[Plan, ...]:
        """Return all planned sweeps, the oldest first."""

    def runs(self, sweep_id: str | None = None) -> tuple[Run, ...]:
        """Return the runs of one sweep, or of all, in the order they were added.

        Parameters
        ----------
        sweep_id : str, optional
            Which sweep.
        """


class MemoryStore:
    """A `ResultStore` that is gone with the process: for tests and trials.

    Examples
    --------
    >>> MemoryStore().plans()
    ()
    """

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}
        self._runs: list[Run] = []
        self._ids: set[str] = set()
        self._finished: set[tuple[str, int]] = set()

    def add_plan(self, plan: Plan) -> None:
        """Append a planned sweep.

        Parameters
        ----------
        plan : Plan
            With a new `sweep_id`.

        Raises
        ------
        StoreError
            If the sweep is there already.
        """
        if plan.sweep_id in self._plans:
            raise StoreError(known_sweep("memory", plan))
        self._plans[plan.sweep_id] = plan

    def add_run(self, run: Run) -> None:
        """Append a run that ended.

        Parameters
        ----------
        run : Run
            Of a planned sweep; a slot can be finished once.

        Raises
        ------
        StoreError
            If the sweep or slot is unknown, or the slot or run is there already.
        """
        plan = self._plans.get(run.sweep_id)
        slot = run.slot
        if plan is None or (slot is not None and not 0 <= slot < len(plan.runs)):
            raise StoreError(not_planned("memory", run))
        done = run.status == "done" and slot is not None
        if run.run_id in self._ids or (run.sweep_id, slot) in self._finished and done:
            raise StoreError(known_run("memory", run))
        self._ids.add(run.run_id)
        self._runs.append(run)
        if done and slot is not None:
            self._finished.add((run.sweep_id, slot))

    def plans(self) -> tuple[Plan, ...]:
        """Return all planned sweeps, the oldest first.

        Returns
        -------
        tuple of Plan
            As they were added.
        """
        return tuple(self._plans.values())

    def runs(self, sweep_id: str | None = None) -> tuple[Run, ...]:
        """Return the runs of one sweep, or of all, in the order they were added.

        Parameters
        ----------
        sweep_id : str, optional
            Which sweep; all by default.

        Returns
        -------
        tuple of Run
            Finished and failed ones.
        """
        wanted = (r for r in self._runs if sweep_id in (None, r.sweep_id))
        return tuple(wanted)


class SqliteStore:
    """A `ResultStore` in one SQLite file; any number of processes may read it.

    Parameters
    ----------
    path : path-like
        The file; it is made if it is not there, its folder is not.
    read_only : bool, default=False
        Refuse a file that is not there, and write nothing; a folder that cannot be
        written is then no obstacle.

    Raises
    ------
    StoreError
        If the file is damaged, of a newer schema, another program's, or cannot be
        opened, read or written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with SqliteStore(f"{folder}/measurements.db") as store:
    ...         store.plans()
    ()
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self._read_only = read_only
        with self._one_line_errors():
            self._connection = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add_plan(self, plan: Plan) -> None:
        """Append a planned sweep, whole or not at all.

        Parameters
        ----------
        plan : Plan
            With a new `sweep_id`.

        Raises
        ------
        StoreError
            If the sweep is there already, or the file cannot be written.
        """
        document = plan.to_dict()
        planned = document.pop("runs")
        document.pop("environments")
        with self._transaction() as connection:
            if self._has("sweeps", "sweep_id", plan.sweep_id):
                raise StoreError(known_sweep(str(self.path), plan))
            connection.execute(
                "INSERT INTO sweeps (sweep_id, created_at, plan) VALUES (?, ?, ?)",
                (plan.sweep_id, plan.created_at, _dump(document)),
            )
            for position, environment in enumerate(plan.environments):
                number = self._environment_id(environment)
                connection.execute(
                    "INSERT INTO sweep_environments VALUES (?, ?, ?)",
                    (plan.sweep_id, position, number),
                )
            connection.executemany(
                "INSERT INTO planned_runs VALUES (?, ?, ?)",
                ((plan.sweep_id, i, _dump(run)) for i, run in enumerate(planned)),
            )

    def add_run(self, run: Run) -> None:
        """Append a run that ended; it survives a power cut once this returns.

        Parameters
        ----------
        run : Run
            Of a planned sweep; a slot can be finished once.

        Raises
        ------
        StoreError
            If the sweep or slot is unknown, the slot or run is there already, or
            the file cannot be written.
        """
        self.add_runs([run])

    def add_runs(self, runs: Iterable[Run]) -> None:
        """Append runs, all of them or none.

        Parameters
        ----------
        runs : iterable of Run
            As for `add_run`.

        Raises
        ------
        StoreError
            If one of them cannot be added.
        """
        with self._transaction() as connection:
            for run in runs:
                self._insert(connection, run)

    def plans(self) -> tuple[Plan, ...]:
        """Return all planned sweeps, the oldest first.

        Returns
        -------
        tuple of Plan
            As they were added.
        """
        with self._one_line_errors():
            rows = self._connection.execute(
                "SELECT sweep_id, plan FROM sweeps ORDER BY number"
            ).fetchall()
            return tuple(self._plan(sweep_id, text) for sweep_id, text in rows)

    def runs(self, sweep_id: str | None = None) -> tuple[Run, ...]:
        """Return the runs of one sweep, or of all, in the order they were added.

        Parameters
        ----------
        sweep_id : str, optional
            Which sweep; all by default.

        Returns
        -------
        tuple of Run
            Finished and failed ones.
        """
        query = "SELECT environment_id, record FROM runs"
        values: tuple[str, ...] = ()
        if sweep_id is not None:
            query, values = query + " WHERE sweep_id = ?", (sweep_id,)
        with self._one_line_errors():
            rows = self._connection.execute(query + " ORDER BY number", values)
            known = self._environments()
            return tuple(
                Run.from_dict({**json.loads(record), "environment": known[number]})
                for number, record in rows.fetchall()
            )

    def _insert(self, connection: sqlite3.Connection, run: Run) -> None:
        document = run.to_dict()
        document.pop("environment")
        try:
            connection.execute(
                "INSERT INTO runs (run_id, sweep_id, slot, environment_id, status,"
                " started_at, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    run.run_id,
                    run.sweep_id,
                    run.slot,
                    self._environment_id(run.environment),
                    run.status,
                    run.started_at,
                    _dump(document),
                ),
            )
        except sqlite3.IntegrityError as error:
            if "FOREIGN KEY" in str(error):
                raise StoreError(not_planned(str(self.path), run)) from error
            raise StoreError(known_run(str(self.path), run)) from error

    def _open(self) -> sqlite3.Connection:
        """Open, check and, unless reading, migrate the file."""
        if self.path.is_dir():
            raise StoreError(f"{self.path}: a folder; --store names a file")
        if self._read_only and not self.path.is_file():
            raise StoreError(
                f"{self.path}: no such store; make one by `python -m measure sweep`, "
                "or name another --store"
            )
        if not self.path.parent.is_dir():
            raise StoreError(
                f"{self.path}: there is no folder {self.path.parent}; make it first"
            )
        if self._read_only and not self.path.stat().st_size:
            raise StoreError(
                f"{self.path}: an empty file, no sweep was planned in it; make one by "
                "`python -m measure sweep`, or name another --store"
            )
        mode = "mode=rw" if self._read_only else "mode=rwc"
        try:
            return self._connect(mode)
        except sqlite3.OperationalError as error:
            log = self.path.with_name(self.path.name + "-wal")
            unread = log.exists() and log.stat().st_size > 0
            if not self._read_only or unread or not is_write_error(error):
                raise
            return self._connect("mode=ro&immutable=1")

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.resolve().as_uri()}?{mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            check_owner(connection, str(self.path))
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise StoreError(damaged(str(self.path), verdict))
            if not self._read_only:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                migrate(connection)
            elif not version_of(connection):
                raise StoreError(
                    f"{self.path}: a store without any sweep; make one by `python -m "
                    "measure sweep`, or name another --store"
                )
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what is done inside as one, or nothing of it."""
        with self._one_line_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        """Say in one line what SQLite found, and how to go on."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(explain(self.path, error)) from error

    def _has(self, table: str, column: str, value: str) -> bool:
        query = f"SELECT 1 FROM {table} WHERE {column} = ?"
        return self._connection.execute(query, (value,)).fetchone() is not None

    def _environment_id(self, environment: Environment) -> int:
        """Return the number of an environment, added if it is new."""
        record = _dump(environment.to_dict())
        find = "SELECT environment_id FROM environments WHERE record = ?"
        row = self._connection.execute(find, (record,)).fetchone()
        if row is None:
            names = ("device", "network", "workload", "version")
            self._connection.execute(
                "INSERT INTO environments (device, network, workload, version, record)"
                " VALUES (?, ?, ?, ?, ?)",
                (*(getattr(environment, name) for name in names), record),
            )
            row = self._connection.execute(find, (record,)).fetchone()
        return int(row[0])

    def _environments(self) -> dict[int, Any]:
        rows = self._connection.execute(
            "SELECT environment_id, record FROM environments"
        )
        return {number: json.loads(record) for number, record in rows.fetchall()}

    def _plan(self, sweep_id: str, text: str) -> Plan:
        known = self._environments()
        numbers = self._connection.execute(
            "SELECT environment_id FROM sweep_environments WHERE sweep_id = ?"
            " ORDER BY position",
            (sweep_id,),
        ).fetchall()
        planned = self._connection.execute(
            "SELECT record FROM planned_runs WHERE sweep_id = ? ORDER BY slot",
            (sweep_id,),
        ).fetchall()
        document = json.loads(text)
        document["environments"] = [known[number] for (number,) in numbers]
        document["runs"] = [json.loads(record) for (record,) in planned]
        return Plan.from_dict(document)


def planned_sweeps(store: ResultStore, where: str) -> tuple[Plan, ...]:
    """Return the store's plans, refusing a store that has none.

    Parameters
    ----------
    store : ResultStore
        Any store.
    where : str
        Its name in the message.

    Returns
    -------
    tuple of Plan
        At least one.

    Raises
    ------
    StoreError
        If no sweep was planned.

    Examples
    --------
    >>> planned_sweeps(MemoryStore(), "memory")
    Traceback (most recent call last):
    measure.errors.StoreError: memory: no sweep was planned in it; make one by ...
    """
    plans = store.plans()
    if not plans:
        raise StoreError(
            f"{where}: no sweep was planned in it; make one by `python -m measure "
            "sweep`, or name another --store"
        )
    return plans


def _dump(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"), allow_nan=False)
