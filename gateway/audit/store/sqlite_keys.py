"""The key table in a SQLite file of its own, in which what is deleted is overwritten.

It lies apart from the log so that its backups can be few and short-lived: an old copy of it undoes every erasure.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from gateway.audit.private import KeyNumber
from gateway.audit.store.key_row import KeyRow, make_rows, pick_keys
from gateway.audit.store.sqlite_file import KEY_CHECK, FileKind, SqliteFile
from gateway.audit.unavailable import LogUnavailableError, Unavailable

_SCHEMA: Final = (
    "CREATE TABLE data_keys (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, wrapped BLOB NOT NULL)",
    KEY_CHECK,
)
KEY_FILE: Final = FileKind(application_id=0x54420011, version=1, schema=_SCHEMA, secure_delete=True)  # "TB", kind 17


class SqliteKeys:
    """The key table of one log."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """Open the file, or make it; raises LogUnavailableError as `SqliteFile` says."""
        self._file = SqliteFile(path, KEY_FILE, create=create)

    def last(self) -> int:
        """Return the highest number that was ever given."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT last FROM data_keys ORDER BY first DESC LIMIT 1").fetchone()
        if row is not None and type(row[0]) is not int:
            raise LogUnavailableError(Unavailable.CORRUPT, "the number of the last data key")
        return 0 if row is None else int(row[0])

    def add(self, keys: Mapping[KeyNumber, bytes]) -> None:
        """Keep wrapped keys."""
        with self._file.writing() as connection:
            rows = [(row.first, row.last, row.wrapped) for row in make_rows(keys)]
            connection.executemany("INSERT INTO data_keys VALUES (?, ?, ?)", rows)

    def read(self, numbers: Collection[KeyNumber]) -> Mapping[KeyNumber, bytes]:
        """Return the keys with these numbers."""
        with self._file.reading() as connection:
            return pick_keys(_rows(connection, numbers), numbers)

    def erase(self, numbers: Collection[KeyNumber]) -> int:
        """Destroy keys; then `purge` the write-ahead log, which still holds the pages before they were overwritten."""
        erased, doomed = 0, frozenset(numbers)
        with self._file.writing() as connection:
            for row in _rows(connection, doomed):
                left, gone = row.without(doomed)
                connection.execute("UPDATE data_keys SET wrapped = ? WHERE first = ?", (left.wrapped, left.first))
                erased += gone
        self._file.purge_at_once()
        return erased

    def key_check(self) -> bytes | None:
        """Return what the key is checked by."""
        return self._file.key_check()

    def set_key_check(self, value: bytes) -> None:
        """Keep it."""
        self._file.set_key_check(value)

    def purge(self) -> bool:
        """Empty the journal."""
        return self._file.purge()

    def settle(self) -> None:
        """Put what can be read on disk for good."""
        self._file.settle()

    def reconnect(self) -> None:
        """Open the file again."""
        self._file.reconnect()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _rows(connection: sqlite3.Connection, numbers: Iterable[KeyNumber]) -> Iterator[KeyRow]:
    """Return each row that holds any of these keys once."""
    query = "SELECT first, last, wrapped FROM data_keys WHERE first <= ? ORDER BY first DESC LIMIT 1"
    last = 0
    for number in sorted(numbers):
        if number > last and (found := connection.execute(query, (number,)).fetchone()) is not None:
            row = KeyRow(*found)
            last = max(row.last, number)
            if row.last >= number:
                yield row
