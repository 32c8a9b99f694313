"""The key table in a SQLite file of its own, in which what is deleted is overwritten.

It lies apart from the log so that its backups can be few and short-lived: an old copy of it undoes every erasure.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from gateway.audit.private import KeyNumber
from gateway.audit.store.sqlite_file import FileKind, SqliteFile

_SCHEMA: Final = (
    # AUTOINCREMENT: the number of an erased key is never given again, or an old entry would name a stranger's key.
    "CREATE TABLE data_keys (number INTEGER PRIMARY KEY AUTOINCREMENT, wrapped BLOB NOT NULL)",
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
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'data_keys'").fetchone()
        return 0 if row is None else int(row[0])

    def add(self, keys: Mapping[KeyNumber, bytes]) -> None:
        """Keep wrapped keys."""
        with self._file.writing() as connection:
            connection.executemany("INSERT INTO data_keys VALUES (?, ?)", list(keys.items()))

    def read(self, numbers: Collection[KeyNumber]) -> Mapping[KeyNumber, bytes]:
        """Return the keys with these numbers."""
        query = "SELECT number, wrapped FROM data_keys WHERE number = ?"
        with self._file.reading() as connection:
            rows = [connection.execute(query, (number,)).fetchone() for number in numbers]
        return {KeyNumber(row[0]): bytes(row[1]) for row in rows if row is not None}

    def erase(self, numbers: Collection[KeyNumber]) -> int:
        """Destroy keys; then empty the write-ahead log, which still holds the pages before they were overwritten."""
        with self._file.writing() as connection:
            query = "DELETE FROM data_keys WHERE number = ?"
            erased = max(connection.executemany(query, [(number,) for number in numbers]).rowcount, 0)
        with self._file.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint = TRUNCATE").fetchall()
        return erased

    def reconnect(self) -> None:
        """Open the file again."""
        self._file.reconnect()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
