"""A SQLite file of the log: opened so that what is committed is on disk, its errors told apart."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Final

from gateway.audit.unavailable import LogUnavailableError, Unavailable, reason_of
from gateway.durable_folder import sync_folder

BUSY_SECONDS: Final = 2.0  # how long a lock of somebody else is waited for; a backup copies page by page
# 4 MiB of write-ahead log before its pages are carried over, for which a commit takes 4 ms longer; with four times as
# many it is 14 ms, and no entry is quicker for it.
CHECKPOINT_PAGES: Final = 1_000
PAGE_CACHE_KIB: Final = 64 * 1024  # an index of random words is written all over; its upper pages should stay
_MODE: Final = 0o600
_PIECE: Final = 1024 * 1024  # bytes of a journal that are held in memory
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


KEY_CHECK: Final = "CREATE TABLE key_check (id INTEGER PRIMARY KEY CHECK (id = 0), value BLOB NOT NULL)"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """A kind of file: how it is recognised, its version, its tables, and whether deleted bytes are overwritten.

    `KEY_CHECK` is one of the tables.
    """

    application_id: int
    version: int
    schema: tuple[str, ...]
    secure_delete: bool = False


@contextmanager
def told_apart(name: str) -> Iterator[None]:
    """Turn what SQLite says about a file into our typed error."""
    try:
        yield
    except UnicodeDecodeError as error:  # it quoted a damaged schema in its message
        raise LogUnavailableError(Unavailable.CORRUPT, f"{name}: the schema") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)  # absent where Python itself refused a value
        reason = Unavailable.CORRUPT if code is None else _FAULTS.get(code & _PRIMARY_CODE, Unavailable.UNUSABLE)
        if code in _UNSYNCED:
            reason = Unavailable.SYNC_FAILED
        detail = getattr(error, "sqlite_errorname", type(error).__name__)
        raise LogUnavailableError(reason, f"{name}: {detail}") from error


class SqliteFile:
    """One connection to a file, used by one thread at a time."""

    def __init__(self, path: Path, kind: FileKind, *, create: bool) -> None:
        """Open the file, which only its owner may read when it is made here.

        Raises:
            LogUnavailableError: UNUSABLE without a file, and CORRUPT, NEWER, OLDER or LOCKED as it deserves.

        """
        self._path = path
        self._kind = kind
        self._lock = RLock()
        if create:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _MODE))
            except OSError as error:
                reason = reason_of(error, Unavailable.UNUSABLE)
                raise LogUnavailableError(reason, f"{path}: {error.strerror or type(error).__name__}") from error
        self._connection: sqlite3.Connection | None = self._open()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read one statement, or several that need not agree; raises LogUnavailableError, CLOSED for a closed file."""
        with self._lock, told_apart(self._path.name):
            yield self._opened()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Change things in one transaction, which is durable when this ends; an exception undoes it."""
        with self._lock, told_apart(self._path.name):
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    with suppress(sqlite3.Error):  # the cause is on its way already
                        connection.execute("ROLLBACK")

    def key_check(self) -> bytes | None:
        """Return what a key is checked by."""
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM key_check").fetchone()
        if row is not None and type(row[0]) is not bytes:
            raise LogUnavailableError(Unavailable.CORRUPT, f"{self._path.name}: what its key is checked by")
        return None if row is None else bytes(row[0])

    def set_key_check(self, value: bytes) -> None:
        """Keep it."""
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO key_check VALUES (0, ?)", (value,))

    def purge(self) -> bool:
        """Empty the write-ahead log; what was deleted in the file itself is overwritten already.

        False: somebody reads it still. Where rows were moved from one page to another, as in an index, copies may be
        left in the free part of pages.
        """
        return self._empty_journal(BUSY_SECONDS)

    def purge_at_once(self) -> None:
        """Do so behind an erasure, without waiting for whoever reads: that is committed, and `purge` is still to come.

        Raises:
            LogUnavailableError: as `writing` does.

        """
        self._empty_journal(0)

    def settle(self) -> None:
        """Return once everything that reading shows is on disk for good, and the names of the files too.

        Whoever died, or met a sync that failed, may have left a journal of which the disk has less than reading shows:
        what is written behind such a gap is lost with it, however well it is synced. So its bytes are written again.

        Raises:
            LogUnavailableError: it may not be so.

        """
        with self.reading() as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # makes the journal, if there is none
            _write_again(f"{self._path}-wal")
            with _as_unavailable(Unavailable.SYNC_FAILED):
                sync_folder(self._path.parent)  # SQLite does so too, and is silent when that fails

    def _empty_journal(self, patience: float) -> bool:
        """Carry the write-ahead log over to the file and cut it: it holds pages as they were before something changed.

        Answers whether nobody read it for so many seconds.
        """
        try:
            with self.reading() as connection:
                connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
                try:
                    return not connection.execute("PRAGMA wal_checkpoint = TRUNCATE").fetchone()[0]
                finally:
                    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        except LogUnavailableError as error:
            if error.reason is Unavailable.LOCKED:
                return False
            raise

    def reconnect(self) -> None:
        """Open the file again; where that fails, what was open stays so and can be read."""
        with self._lock:
            connection = self._open()
            self.close()
            self._connection = connection

    def close(self) -> None:
        """Close the file, once nobody is in the middle of a transaction."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise LogUnavailableError(Unavailable.CLOSED, self._path.name)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        if not self._path.is_file():
            raise LogUnavailableError(Unavailable.UNUSABLE, f"{self._path}: there is no such file")
        with told_apart(self._path.name):
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with told_apart(self._path.name):
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
            connection.execute("BEGIN IMMEDIATE")
            if not _pragma(connection, "schema_version"):  # nobody else made the tables meanwhile
                for statement in kind.schema:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {kind.application_id}")
                connection.execute(f"PRAGMA user_version = {kind.version}")
            connection.execute("COMMIT")
        if _pragma(connection, "application_id") != kind.application_id:
            raise LogUnavailableError(Unavailable.CORRUPT, f"{self._path}: another kind of file")
        if (version := _pragma(connection, "user_version")) != kind.version:
            reason = Unavailable.NEWER if version > kind.version else Unavailable.OLDER
            raise LogUnavailableError(reason, str(self._path))
        # The pragma does not fail: it answers what became of it. Without a write-ahead log a commit is not durable.
        if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise LogUnavailableError(Unavailable.WRITE_FAILED, f"{self._path}: no write-ahead log can be kept here")


def _write_again(path: str) -> None:
    """Write a file as it is, so that the system takes its pages for changed, and sync it.

    Nobody but its one writer may write it meanwhile; whoever reads it sees the same bytes all the time. Where writing
    fails nothing was lost: the disk may be full, as some take room for what is written a second time.

    Raises:
        LogUnavailableError: DISK_FULL, READ_ONLY or WRITE_FAILED, and then it can be done again; SYNC_FAILED.

    """
    with _as_unavailable():
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        with _as_unavailable():
            at = 0
            while piece := os.pread(file, _PIECE, at):
                at += os.pwrite(file, piece, at)
        with _as_unavailable(Unavailable.SYNC_FAILED):
            os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _as_unavailable(reason: Unavailable | None = None) -> Iterator[None]:
    """Turn what the system says into our typed error, with the reason that it gives where none is given."""
    try:
        yield
    except OSError as error:
        told = reason or reason_of(error, Unavailable.WRITE_FAILED)
        raise LogUnavailableError(told, error.strerror or type(error).__name__) from error


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
