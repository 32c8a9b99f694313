"""Licences that a register states without their documents, written into the SQLite store many at a time."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gateway.rendering import encode_time
from gateway.sources.licence_store import Added
from gateway.sources.recorded import RecordedLicence
from gateway.sources.recording import KnownLicences, Recording
from gateway.sources.sqlite_change import SET_CURRENT

_KNOWN: Final = """SELECT l.id, l.number, l.type_code, l.name, l.status, l.objection FROM licences l
    WHERE l.number IN (SELECT value FROM json_each(?)) OR l.id IN (SELECT value FROM json_each(?)) ORDER BY l.id"""
_IDENTIFIERS: Final = (
    "SELECT identifier, licence FROM versions WHERE identifier IN (SELECT value FROM json_each(?)) ORDER BY id DESC"
)
_ISSUED: Final = "SELECT licence, issued_on FROM versions WHERE licence IN (SELECT value FROM json_each(?))"
_STATED: Final = """SELECT licence, issued_on, identifier, otherwise, otherwise_objected FROM stated
    WHERE licence IN (SELECT value FROM json_each(?))"""


def record_licences(
    connection: sqlite3.Connection, licences: Sequence[RecordedLicence], *, reason: str, at: datetime
) -> list[Added]:
    """Note licences inside the transaction that is open, and say what became of each, as `Recording` does."""
    batch = Recording(_read_known(connection, licences), reason=reason, at=encode_time(at))
    results = [batch.take(one) for one in licences]
    many = connection.executemany
    many("INSERT INTO licences VALUES (?, ?, ?, ?, ?, ?, ?, ?)", batch.licences)
    many("INSERT INTO versions (id, licence, identifier, issued_on, stored_at) VALUES (?, ?, ?, ?, ?)", batch.versions)
    many("INSERT INTO holders VALUES (?, ?)", batch.holders)
    many("INSERT INTO changes (licence, status, since, objection, reason) VALUES (?, ?, ?, ?, ?)", batch.changes)
    many("UPDATE licences SET status = ?, status_since = ?, objection = ? WHERE id = ?", batch.restated)
    many("INSERT OR REPLACE INTO stated VALUES (?, ?, ?, ?, ?, ?)", batch.stated)
    many(SET_CURRENT, [(licence,) for licence in batch.lengthened])
    return results


def _read_known(connection: sqlite3.Connection, licences: Sequence[RecordedLicence]) -> KnownLicences:
    """Read what the store knows about the numbers and identifiers of a batch."""
    execute = connection.execute
    identifiers = {one.identifier for one in licences if one.identifier}
    owners = dict(execute(_IDENTIFIERS, (json.dumps(list(identifiers)),)).fetchall())
    numbers = {one.number for one in licences if one.number}
    known = execute(_KNOWN, (json.dumps(list(numbers)), json.dumps(list(set(owners.values()))))).fetchall()
    ids = (json.dumps([row[0] for row in known]),)
    issued, stated = execute(_ISSUED, ids), execute(_STATED, ids)
    free = _next(connection, "licences"), _next(connection, "versions")
    return KnownLicences(known, issued, owners, *free, stated)


def _next(connection: sqlite3.Connection, table: str) -> int:
    (highest,) = connection.execute(f"SELECT MAX(id) FROM {table}").fetchone()  # noqa: S608 - one of two names
    return (highest or 0) + 1
