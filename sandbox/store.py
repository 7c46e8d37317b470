"""What is remembered besides git: one SQLite file, used from the event loop's thread only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.schema import FIRST_IDS, TABLES

Row = dict[str, Any]


def now() -> str:
    """The time as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_dict(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}


class Store:
    """The tables, with the few verbs the routes need. No statement waits, so none can be interleaved."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = _as_dict
        # WAL with NORMAL survives the death of the process; only a power cut can lose the last writes.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(TABLES)
        with self.write():
            for table, first in FIRST_IDS.items():
                if self.one("SELECT 1 FROM sqlite_sequence WHERE name = ?", table) is None:
                    self.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, first)

    def close(self) -> None:
        """Fold the log into the file and let go of it."""
        self._db.close()

    @contextmanager
    def write(self) -> Iterator[None]:
        """Everything inside happens, or nothing does."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def run(self, sql: str, *values: Any) -> int:
        """Run a statement and say how many rows it changed."""
        return self._db.execute(sql, values).rowcount

    def all(self, sql: str, *values: Any) -> list[Row]:
        """Every row of an answer."""
        return self._db.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> Row | None:
        """The first row of an answer, if there is one."""
        found: Row | None = self._db.execute(sql, values).fetchone()
        return found

    def count(self, sql: str, *values: Any) -> int:
        """The single number that ``sql`` asks for."""
        row = self.one(sql, *values)
        return int(next(iter(row.values()))) if row else 0

    def get(self, table: str, row_id: int) -> Row:
        """The row of a table that is known to exist."""
        row = self.one(f"SELECT * FROM {table} WHERE id = ?", row_id)  # noqa: S608 (a name of ours)
        if row is None:
            raise KeyError(f"{table} {row_id}")
        return row

    def insert(self, table: str, **values: Any) -> Row:
        """Add a row and return it with its defaults filled in."""
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({columns}) VALUES ({marks}) RETURNING *"  # noqa: S608 (names of ours)
        (row,) = self._db.execute(sql, tuple(values.values())).fetchall()
        made: Row = row
        return made

    def update(self, table: str, row_id: int, **values: Any) -> None:
        """Change some columns of one row."""
        if values:
            pairs = ", ".join(f"{column} = ?" for column in values)
            self.run(f"UPDATE {table} SET {pairs} WHERE id = ?", *values.values(), row_id)  # noqa: S608 (names of ours)

    def next_number(self, repo_id: int) -> int:
        """The next issue number of a repository; call it inside ``write`` so that a failure leaves no gap."""
        row = self.one("UPDATE repos SET last_number = last_number + 1 WHERE id = ? RETURNING last_number", repo_id)
        return int(row["last_number"]) if row else 0
