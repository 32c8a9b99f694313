"""What changes the licence store in SQLite, inside a transaction."""

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from gateway.rendering import encode_time
from gateway.sources.intake import NewLicence
from gateway.sources.licence_store import Added, StatusChange, first_status
from gateway.sources.placing import place_announcement, place_document
from gateway.sources.source import LicenceIndex
from gateway.sources.sqlite_look import licence_named, locate, same_licence

SET_CURRENT: Final = """UPDATE licences SET current = (SELECT id FROM versions WHERE licence = licences.id
    ORDER BY document IS NULL, issued_on DESC, id DESC LIMIT 1) WHERE id = ?"""


def add(connection: sqlite3.Connection, licences: Sequence[NewLicence], *, at: datetime) -> tuple[Added, ...]:
    """Store licences, as `LicenceStore.add` says."""
    return tuple([_add_one(connection, licence, at) for licence in licences])


def announce(connection: sqlite3.Connection, index: LicenceIndex, *, at: datetime) -> Added:
    """Note a licence without a document, unless it is known."""
    same, named = same_licence(connection, index), licence_named(connection, index.identifier)
    placed = place_announcement(index, same=same, named=named)
    if placed is Added.NEW:
        _add_version(connection, _add_licence(connection, index, at), index, at)
    return placed


def set_status(connection: sqlite3.Connection, reference: str, change: StatusChange) -> None:
    """Set a status and add to its history; raises UnknownLicenceError."""
    licence = locate(connection, reference)
    connection.execute(
        "UPDATE licences SET status = ?, status_since = ?, objection = ? WHERE id = ?",
        (change.status.value, encode_time(change.since), change.is_under_objection, licence),
    )
    connection.execute(
        "UPDATE stated SET otherwise = ?, otherwise_objected = ? WHERE licence = ?",
        (change.status.value, change.is_under_objection, licence),
    )
    _add_change(connection, licence, change)


def _add_one(connection: sqlite3.Connection, new: NewLicence, at: datetime) -> Added:
    if connection.execute("SELECT 1 FROM documents WHERE sha256 = ?", (new.sha256,)).fetchone():
        return Added.ALREADY_THERE
    same, named = same_licence(connection, new.index), licence_named(connection, new.index.identifier)
    placed, known = place_document(new.index, same=same, named=named)
    if placed is Added.IDENTIFIER_IN_USE:
        return placed
    licence = _add_licence(connection, new.index, at) if known is None else known
    document = connection.execute(
        "INSERT INTO documents (sha256, bytes, content) VALUES (?, ?, ?)",
        (new.sha256, len(new.document), new.document),
    ).lastrowid
    _add_version(connection, licence, new.index, at, document=document, issued_on=new.issued_on)
    return placed


def _add_licence(connection: sqlite3.Connection, index: LicenceIndex, at: datetime) -> int:
    first = first_status(at)
    licence = connection.execute(
        """INSERT INTO licences (number, type_code, name, current, status, status_since, objection)
        VALUES (?, ?, ?, 0, ?, ?, 0)""",
        (index.number, index.type_code, index.name, first.status.value, encode_time(at)),
    ).lastrowid
    _add_change(connection, int(licence or 0), first)
    return int(licence or 0)


def _add_version(
    connection: sqlite3.Connection,
    licence: int,
    index: LicenceIndex,
    at: datetime,
    *,
    document: int | None = None,
    issued_on: date | None = None,
) -> None:
    issued = "" if issued_on is None else issued_on.isoformat()
    version = connection.execute(
        "INSERT INTO versions (licence, identifier, issued_on, document, stored_at) VALUES (?, ?, ?, ?, ?)",
        (licence, index.identifier, issued, document, encode_time(at)),
    ).lastrowid
    connection.executemany("INSERT INTO holders VALUES (?, ?)", [(code, version) for code in index.holders])
    connection.execute(SET_CURRENT, (licence,))


def _add_change(connection: sqlite3.Connection, licence: int, change: StatusChange) -> None:
    connection.execute(
        "INSERT INTO changes (licence, status, since, objection, reason) VALUES (?, ?, ?, ?, ?)",
        (licence, change.status.value, encode_time(change.since), change.is_under_objection, change.reason),
    )
