"""What changes the licence store in PostgreSQL, inside a transaction that holds the lock of the writer."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Final

from gateway.sources.intake import NewLicence
from gateway.sources.licence_store import Added, StatusChange, first_status
from gateway.sources.placing import place_announcement, place_document
from gateway.sources.postgres_look import SAME_LICENCE, locate
from gateway.sources.postgres_tables import Connection
from gateway.sources.source import LicenceIndex

_BEGIN: Final = "UPDATE store SET revision = revision + 1"
_SAME: Final = f"WITH same AS MATERIALIZED ({SAME_LICENCE}) SELECT min(id) FROM same"  # noqa: S608 - texts of ours
_NAMED: Final = """WITH named AS MATERIALIZED (SELECT licence FROM versions WHERE identifier = $1 AND identifier <> '')
    SELECT min(licence) FROM named"""
_ADD_DOCUMENT: Final = """INSERT INTO documents (id, sha256, bytes, content)
    SELECT coalesce(max(id), 0) + 1, $1, $2, $3 FROM documents RETURNING id"""
_ADD_LICENCE: Final = """INSERT INTO licences (id, number, type_code, name, current, status, status_since, objection)
    SELECT coalesce(max(id), 0) + 1, $1, $2, $3, 0, $4, $5, false FROM licences RETURNING id"""
_ADD_VERSION: Final = """INSERT INTO versions (id, licence, identifier, issued_on, document, stored_at)
    SELECT coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5 FROM versions RETURNING id"""
_ADD_CHANGE: Final = "INSERT INTO changes (licence, status, since, objection, reason) VALUES ($1, $2, $3, $4, $5)"
SET_CURRENT: Final = """UPDATE licences SET current = (SELECT v.id FROM versions v WHERE v.licence = licences.id
    ORDER BY v.document IS NULL, v.issued_on DESC, v.id DESC LIMIT 1) WHERE id = ANY ($1::bigint[])"""


@asynccontextmanager
async def change(connection: Connection) -> AsyncIterator[None]:
    """Do everything inside in one transaction, or nothing of it; one writer at a time, and each raises the revision.

    Statements inside see what the writer before them committed, for the lock is taken before they begin.
    """
    async with connection.transaction():
        await connection.execute(_BEGIN)
        yield


async def add(connection: Connection, licences: Sequence[NewLicence], *, at: datetime) -> tuple[Added, ...]:
    """Store licences, as `LicenceStore.add` says."""
    return tuple([await _add_one(connection, licence, at) for licence in licences])


async def announce(connection: Connection, index: LicenceIndex, *, at: datetime) -> Added:
    """Note a licence without a document, unless it is known."""
    same, named = await _same_licence(connection, index), await _licence_named(connection, index.identifier)
    placed = place_announcement(index, same=same, named=named)
    if placed is Added.NEW:
        await _add_version(connection, await _add_licence(connection, index, at), index, at)
    return placed


async def set_status(connection: Connection, reference: str, change: StatusChange) -> None:
    """Set a status and add to its history; raises UnknownLicenceError."""
    licence = await locate(connection, reference)
    await connection.execute(
        "UPDATE licences SET status = $1, status_since = $2, objection = $3 WHERE id = $4",
        change.status.value,
        change.since,
        change.is_under_objection,
        licence,
    )
    await connection.execute(
        "UPDATE stated SET otherwise = $1, otherwise_objected = $2 WHERE licence = $3",
        change.status.value,
        change.is_under_objection,
        licence,
    )
    await _add_change(connection, licence, change)


async def _add_one(connection: Connection, new: NewLicence, at: datetime) -> Added:
    if await connection.fetchval("SELECT 1 FROM documents WHERE sha256 = $1", new.sha256):
        return Added.ALREADY_THERE
    same, named = await _same_licence(connection, new.index), await _licence_named(connection, new.index.identifier)
    placed, known = place_document(new.index, same=same, named=named)
    if placed is Added.IDENTIFIER_IN_USE:
        return placed
    licence = await _add_licence(connection, new.index, at) if known is None else known
    document = await connection.fetchval(_ADD_DOCUMENT, new.sha256, len(new.document), new.document)
    await _add_version(connection, licence, new.index, at, document=document, issued_on=new.issued_on)
    return placed


async def _add_licence(connection: Connection, index: LicenceIndex, at: datetime) -> int:
    first = first_status(at)
    licence: int = await connection.fetchval(
        _ADD_LICENCE, index.number, index.type_code, index.name, first.status.value, at
    )
    await _add_change(connection, licence, first)
    return licence


async def _add_version(
    connection: Connection,
    licence: int,
    index: LicenceIndex,
    at: datetime,
    *,
    document: int | None = None,
    issued_on: date | None = None,
) -> None:
    issued = "" if issued_on is None else issued_on.isoformat()
    version = await connection.fetchval(_ADD_VERSION, licence, index.identifier, issued, document, at)
    rows = [(code, version) for code in index.holders]
    await connection.executemany("INSERT INTO holders (code, version) VALUES ($1, $2)", rows)
    await connection.execute(SET_CURRENT, [licence])


async def _add_change(connection: Connection, licence: int, change: StatusChange) -> None:
    await connection.execute(
        _ADD_CHANGE, licence, change.status.value, change.since, change.is_under_objection, change.reason
    )


async def _same_licence(connection: Connection, index: LicenceIndex) -> int | None:
    found: int | None = await connection.fetchval(_SAME, index.number, index.type_code, index.name)
    return found


async def _licence_named(connection: Connection, identifier: str) -> int | None:
    """Return the licence that has this identifier in any version."""
    found: int | None = await connection.fetchval(_NAMED, identifier)
    return found
