"""A SQLite file of the log: opened so that what is committed is on disk, its errors told apart."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Final

from gateway.audit.unavailable import LogUnavailableError, Unavailable

BUSY_SECONDS: Final = 2.0  # how long a lock of somebody else is waited for; a backup copies page by page
CHECKPOINT_PAGES: Final = 4_000  # 16 MiB of write-ahead log before its pages are carried over
PAGE_CACHE_KIB: Final = 64 * 1024  # an index of random words is written all over; its upper pages should stay
_MODE: Final = 0o600
_LONGEST_VALUE: Final = 4 * 1024 * 1024  # bytes; a batch of the largest private parts has 3 MiB
_PRIMARY_CODE: Final = 0xFF  # SQLite puts details above the lowest byte of an error code
_FAULTS: Final = {
    sqlite3.SQLITE_BUSY: Unavailable.LOCKED,
    sqlite3.SQLITE_LOCKED: Unavailable.LOCKED,
    sqlite3.SQLITE_FULL: Unavailable.DISK_FULL,
    sqlite3.SQLITE_READONLY: Unavailable.READ_ONLY,
    sqlite3.SQLITE_IOERR: Unavailable.WRITE_FAILED,
    sqlite3.SQLITE_CORRUPT: Unavailable.CORRUPT,
    sqlite3.SQLITE_NOTADB: Unavailable.CORRUPT,
}
# After a failed fsync the system forgets what it could not write, and the next one succeeds.
_UNSYNCED: Final = frozenset({sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """A kind of file: how it is recognised, its version, its tables, and whether deleted bytes are overwritten."""

    application_id: int
    version: int
    schema: tuple[str, ...]
    secure_delete: bool = False


@contextmanager
def told_apart() -> Iterator[None]:
    """Turn what SQLite says into our typed error."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)  # absent where Python itself refused a value
        reason = Unavailable.CORRUPT if code is None else _FAULTS.get(code & _PRIMARY_CODE, Unavailable.UNUSABLE)
        if code in _UNSYNCED:
            reason = Unavailable.SYNC_FAILED
        raise LogUnavailableError(reason, getattr(error, "sqlite_errorname", type(error).__name__)) from error


class SqliteFile:
    """One connection to a file, used by one thread at a time."""

    def __init__(self, path: Path, kind: FileKind, *, create: bool) -> None:
        """Open the file, which only its owner may read when it is made here.

        Raises:
            LogUnavailableError: UNUSABLE without a file, and CORRUPT, NEWER or LOCKED as it deserves.

        """
        self._path = path
        self._kind = kind
        self._lock = RLock()
        if create:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _MODE))
            except OSError as error:
                reason = Unavailable.READ_ONLY if path.exists() else Unavailable.UNUSABLE
                raise LogUnavailableError(reason, error.strerror or type(error).__name__) from error
        self._connection = self._open()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read one statement, or several that need not agree."""
        with self._lock, told_apart():
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Change things in one transaction, which is durable when this ends; an exception undoes it."""
        with self._lock, told_apart():
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    with suppress(sqlite3.Error):  # the cause is on its way already
                        connection.execute("ROLLBACK")

    def reconnect(self) -> None:
        """Open the file again."""
        with self._lock:
            self.close()
            self._connection = self._open()

    def close(self) -> None:
        """Close the file."""
        with self._lock, suppress(sqlite3.Error):
            self._connection.close()

    def _open(self) -> sqlite3.Connection:
        if not self._path.is_file():
            raise LogUnavailableError(Unavailable.UNUSABLE, "there is no such file")
        with told_apart():
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with told_apart():
                self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        kind = self._kind
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        settings = (
            *("trusted_schema = OFF", "cell_size_check = ON", "synchronous = FULL"),
            *(f"wal_autocheckpoint = {CHECKPOINT_PAGES}", f"cache_size = -{PAGE_CACHE_KIB}"),
            f"secure_delete = {'ON' if kind.secure_delete else 'OFF'}",
        )
        for setting in settings:
            connection.execute(f"PRAGMA {setting}")
        if not _pragma(connection, "schema_version"):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            if not _pragma(connection, "schema_version"):  # nobody else made the tables meanwhile
                for statement in kind.schema:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {kind.application_id}")
                connection.execute(f"PRAGMA user_version = {kind.version}")
            connection.execute("COMMIT")
        if _pragma(connection, "application_id") != kind.application_id:
            raise LogUnavailableError(Unavailable.CORRUPT, "another kind of file")
        if _pragma(connection, "user_version") > kind.version:
            raise LogUnavailableError(Unavailable.NEWER)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
