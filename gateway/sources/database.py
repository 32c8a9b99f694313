"""A SQLite file of the gateway: opened with the settings that keep it whole, its errors told apart."""

import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adapters.strict.bounds import MAX_DOCUMENT
from gateway.sources.decoy import SECRET_BYTES
from gateway.sources.source import SourceFault, SourceUnavailableError

SCHEMA_VERSION: Final = 2
APPLICATION_ID: Final = 0x54420001  # "TB", kind 1: so that another SQLite file is not taken for a store
BUSY_SECONDS: Final = 2.0  # how long a lock of somebody else is waited for; one batch of an import takes a second
_CACHE_KIB: Final = 16 * 1024  # the inner pages of the indexes of ten million licences
_SETTINGS: Final = (
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "foreign_keys = ON",
    "synchronous = FULL",
    f"cache_size = -{_CACHE_KIB}",
)
_MODE: Final = 0o600
_LONGEST_VALUE: Final = MAX_DOCUMENT + 1024  # bytes of one value: no document is larger
_PRIMARY_CODE: Final = 0xFF  # SQLite puts details above the lowest byte of an error code

# What registers stated of a licence, see `gateway.sources.standing`; `at` is when one did last.
_NEW_IN_2: Final = (
    """CREATE TABLE stated (
        licence INTEGER PRIMARY KEY REFERENCES licences (id), at TEXT NOT NULL, issued_on TEXT NOT NULL,
        identifier TEXT NOT NULL, otherwise TEXT NOT NULL, otherwise_objected INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS holders_by_version ON holders (version)",
)
# An absent text is "", so that comparing needs no special case; times are RFC 3339 in UTC; keys in normal spelling.
_SCHEMA: Final = (
    "CREATE TABLE secret (value BLOB NOT NULL)",
    """CREATE TABLE licences (
        id INTEGER PRIMARY KEY, number TEXT NOT NULL, type_code TEXT NOT NULL, name TEXT NOT NULL,
        current INTEGER NOT NULL, status TEXT NOT NULL, status_since TEXT NOT NULL, objection INTEGER NOT NULL)""",
    "CREATE INDEX licences_by_number ON licences (number)",
    """CREATE TABLE documents (
        id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL, content BLOB NOT NULL)""",
    """CREATE TABLE versions (
        id INTEGER PRIMARY KEY, licence INTEGER NOT NULL REFERENCES licences (id), identifier TEXT NOT NULL,
        issued_on TEXT NOT NULL, document INTEGER UNIQUE REFERENCES documents (id), stored_at TEXT NOT NULL)""",
    "CREATE INDEX versions_by_identifier ON versions (identifier)",
    "CREATE INDEX versions_by_licence ON versions (licence)",
    """CREATE TABLE holders (
        code TEXT NOT NULL, version INTEGER NOT NULL REFERENCES versions (id), PRIMARY KEY (code, version))
        WITHOUT ROWID""",
    """CREATE TABLE changes (
        id INTEGER PRIMARY KEY, licence INTEGER NOT NULL REFERENCES licences (id), status TEXT NOT NULL,
        since TEXT NOT NULL, objection INTEGER NOT NULL, reason TEXT NOT NULL)""",
    "CREATE INDEX changes_by_licence ON changes (licence)",
    *_NEW_IN_2,
)
_UPGRADES: Final = {1: _NEW_IN_2}  # by the version before


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseKind:
    """A kind of file: how it is recognised, its version, its tables, and whether its table `secret` gets one.

    ``upgrades`` lead from each earlier version to the next.
    """

    application_id: int
    version: int
    schema: tuple[str, ...]
    has_secret: bool = False
    upgrades: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


LICENCES: Final = DatabaseKind(
    application_id=APPLICATION_ID, version=SCHEMA_VERSION, schema=_SCHEMA, has_secret=True, upgrades=_UPGRADES
)

_FAULTS: Final = {
    sqlite3.SQLITE_BUSY: SourceFault.BUSY,
    sqlite3.SQLITE_LOCKED: SourceFault.BUSY,
    sqlite3.SQLITE_CORRUPT: SourceFault.CORRUPT,
    sqlite3.SQLITE_NOTADB: SourceFault.CORRUPT,
}


@contextmanager
def told_apart() -> Iterator[None]:
    """Turn what SQLite and the file system say into one typed error."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)  # absent where Python itself refused a value
        fault = SourceFault.CORRUPT if code is None else _FAULTS.get(code & _PRIMARY_CODE, SourceFault.UNUSABLE)
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise SourceUnavailableError(fault, name) from error
    except OSError as error:
        raise SourceUnavailableError(SourceFault.UNUSABLE, error.strerror or type(error).__name__) from error


def parse_time(text: str) -> datetime:
    """Read a time of a column; raises SourceUnavailableError (CORRUPT) for what nobody writes."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError) as error:
        raise SourceUnavailableError(SourceFault.CORRUPT, "an unreadable time") from error


def open_database(path: Path, *, create: bool = False, kind: DatabaseKind = LICENCES) -> sqlite3.Connection:
    """Open a file of this kind, which nobody but its owner may read when it is made here.

    Raises:
        SourceUnavailableError: ABSENT without a file, and NEWER, CORRUPT, BUSY or UNUSABLE as it deserves.

    """
    with told_apart():
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _MODE))
        elif not path.exists():
            raise SourceUnavailableError(SourceFault.ABSENT)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        with told_apart():
            _prepare(connection, kind, create=create)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Read everything inside as of one moment."""
    yield from _begun(connection, "BEGIN")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Change things; whoever does not commit inside has changed nothing."""
    yield from _begun(connection, "BEGIN IMMEDIATE")


def _begun(connection: sqlite3.Connection, statement: str) -> Iterator[None]:
    connection.execute(statement)
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _prepare(connection: sqlite3.Connection, kind: DatabaseKind, *, create: bool) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    if create and not _pragma(connection, "schema_version"):
        connection.execute("PRAGMA journal_mode = WAL")
        _write_schema(connection, kind)
    if not _pragma(connection, "schema_version"):
        raise SourceUnavailableError(SourceFault.ABSENT)  # a file that somebody is only about to fill
    if _pragma(connection, "application_id") != kind.application_id:
        raise SourceUnavailableError(SourceFault.CORRUPT, "another kind of file")
    if _pragma(connection, "user_version") > kind.version:
        raise SourceUnavailableError(SourceFault.NEWER)
    if _pragma(connection, "user_version") < kind.version:
        _upgrade(connection, kind)


def _upgrade(connection: sqlite3.Connection, kind: DatabaseKind) -> None:
    """Bring a file of an earlier version up to ours, unless somebody else just did."""
    with transaction(connection):
        while (version := _pragma(connection, "user_version")) < kind.version:
            if version not in kind.upgrades:
                raise SourceUnavailableError(SourceFault.CORRUPT, "a version that there never was")
            for statement in kind.upgrades[version]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")
        connection.execute("COMMIT")


def _write_schema(connection: sqlite3.Connection, kind: DatabaseKind) -> None:
    """Make the tables, unless somebody else just did."""
    with transaction(connection):
        if _pragma(connection, "schema_version"):
            return
        for statement in kind.schema:
            connection.execute(statement)
        if kind.has_secret:
            connection.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(SECRET_BYTES),))
        connection.execute(f"PRAGMA application_id = {kind.application_id}")
        connection.execute(f"PRAGMA user_version = {kind.version}")
        connection.execute("COMMIT")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
