"""A store in one SQLite file; what a commit reported is on disk (WAL, synchronous = FULL)."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.sources.database import DatabaseKind, open_database, snapshot, told_apart, transaction

T = TypeVar("T")


class SqliteFile:
    """The connection of a store; it belongs to the thread that opened it."""

    def __init__(self, path: Path, *, kind: DatabaseKind, create: bool = False) -> None:
        """Open the file, or make it.

        Raises:
            SourceUnavailableError: as `open_database` does.

        """
        self._connection = open_database(path, create=create, kind=kind)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do what changes nothing, as of one moment."""
        with told_apart(), snapshot(self._connection):
            return work(self._connection)

    def _change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do everything in one transaction, durable when it returns, or nothing of it."""
        with told_apart(), transaction(self._connection):
            done = work(self._connection)
            self._commit()
        return done

    def _commit(self) -> None:
        self._connection.execute("COMMIT")
