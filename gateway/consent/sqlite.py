"""Consents in one SQLite file; what a commit reported is on disk (WAL, synchronous = FULL).

Beside the file lies the key that holders' numbers are hashed with, so that a copy of the file alone tells nothing.
"""

import re
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from gateway.consent.record import ConsentId, ConsentRecord
from gateway.rendering import encode_time
from gateway.sources.database import DatabaseKind, parse_time
from gateway.sources.source import SourceFault, SourceUnavailableError
from gateway.sources.sqlite_file import SqliteFile

CONSENTS: Final = DatabaseKind(
    application_id=0x54420002,  # "TB", kind 2
    version=1,
    schema=(
        """CREATE TABLE consents (
        id TEXT PRIMARY KEY, registered_by TEXT NOT NULL, given_at TEXT NOT NULL, expires_at TEXT NOT NULL,
        withdrawn_at TEXT NOT NULL, scope TEXT NOT NULL) WITHOUT ROWID""",
    ),
)
_HASH: Final = re.compile(r"[0-9a-f]{64}").fullmatch


class _Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a consent covers, as JSON in one column: it is read as a whole or not at all."""

    holders: list[str]
    items: list[str]
    licences: list[str]
    fields: list[str] | None
    organisations: list[str]


class SqliteConsentStore(SqliteFile):
    """A `ConsentStore`; it belongs to the thread that opened it."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the file, or make it.

        Raises:
            SourceUnavailableError: as `open_database` does.

        """
        super().__init__(path, kind=CONSENTS, create=create)

    def add(self, record: ConsentRecord) -> None:
        """Keep a consent."""
        row = (
            record.id,
            record.registered_by,
            encode_time(record.given_at),
            encode_time(record.expires_at),
            "" if record.withdrawn_at is None else encode_time(record.withdrawn_at),
            _encode_scope(record),
        )
        insert = "INSERT INTO consents VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        self._change(lambda connection: connection.execute(insert, row))

    def find(self, consent: ConsentId) -> ConsentRecord | None:
        """Return a consent."""
        query = "SELECT * FROM consents WHERE id = ?"
        row = self._read(lambda connection: connection.execute(query, (consent,)).fetchone())
        return None if row is None else _record(row)

    def withdraw(self, consent: ConsentId, *, at: datetime, organisation: str | None = None) -> datetime | None:
        """Withdraw a consent."""
        return self._change(lambda connection: _withdraw(connection, consent, at=at, organisation=organisation))


def _withdraw(
    connection: sqlite3.Connection, consent: ConsentId, *, at: datetime, organisation: str | None
) -> datetime | None:
    connection.execute(
        """UPDATE consents SET withdrawn_at = ? WHERE id = ? AND withdrawn_at = ''
        AND (? IS NULL OR registered_by = ?)""",
        (encode_time(at), consent, organisation, organisation),
    )
    row = connection.execute(
        "SELECT withdrawn_at FROM consents WHERE id = ? AND (? IS NULL OR registered_by = ?)",
        (consent, organisation, organisation),
    ).fetchone()
    return None if row is None else parse_time(row[0])


def _encode_scope(record: ConsentRecord) -> str:
    scope = _Scope(
        holders=sorted(holder.hex() for holder in record.holders),
        items=sorted(record.items),
        licences=sorted(record.licences),
        fields=None if record.fields is None else sorted(record.fields),
        organisations=sorted(record.organisations),
    )
    return msgspec.json.encode(scope).decode()


def _record(row: tuple[str, str, str, str, str, str]) -> ConsentRecord:
    consent, registered_by, given_at, expires_at, withdrawn_at, text = row
    try:
        scope = msgspec.json.decode(text, type=_Scope)
    except (msgspec.MsgspecError, TypeError, UnicodeError, RecursionError) as error:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a consent cannot be read") from error
    if not all(map(_HASH, scope.holders)):
        raise SourceUnavailableError(SourceFault.CORRUPT, "a consent cannot be read")
    return ConsentRecord(
        id=ConsentId(consent),
        holders=frozenset(bytes.fromhex(holder) for holder in scope.holders),
        items=frozenset(scope.items),
        licences=frozenset(scope.licences),
        fields=None if scope.fields is None else frozenset(scope.fields),
        organisations=frozenset(scope.organisations),
        registered_by=registered_by,
        given_at=parse_time(given_at),
        expires_at=parse_time(expires_at),
        withdrawn_at=parse_time(withdrawn_at) if withdrawn_at else None,
    )
