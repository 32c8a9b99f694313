"""Licences that a register states without their documents, written into PostgreSQL many at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gateway.sources.licence_store import Added
from gateway.sources.postgres_change import SET_CURRENT
from gateway.sources.postgres_tables import Connection
from gateway.sources.recorded import RecordedLicence
from gateway.sources.recording import KnownLicences, Recording

# Nested loops of `unnest`: each key is one look-up by an index, however many there are.
_OWNERS: Final = """SELECT v.identifier, min(v.licence) FROM unnest($1::text[]) AS wanted (identifier)
    JOIN versions v ON v.identifier = wanted.identifier GROUP BY v.identifier"""
_KNOWN: Final = """SELECT l.id, l.number, l.type_code, l.name, l.status, l.objection
    FROM unnest($1::text[]) AS wanted (number) JOIN licences l ON l.number = wanted.number
    UNION SELECT l.id, l.number, l.type_code, l.name, l.status, l.objection
    FROM unnest($2::bigint[]) AS wanted (id) JOIN licences l ON l.id = wanted.id"""
_ISSUED: Final = """SELECT v.licence, v.issued_on FROM unnest($1::bigint[]) AS wanted (licence)
    JOIN versions v ON v.licence = wanted.licence"""
_STATED: Final = """SELECT s.licence, s.issued_on, s.identifier, s.otherwise, s.otherwise_objected
    FROM unnest($1::bigint[]) AS wanted (licence) JOIN stated s ON s.licence = wanted.licence"""
_NEXT: Final = """SELECT coalesce((SELECT max(id) FROM licences), 0) + 1,
    coalesce((SELECT max(id) FROM versions), 0) + 1"""
_RESTATE: Final = "UPDATE licences SET status = $1, status_since = $2, objection = $3 WHERE id = $4"
_STATE: Final = """INSERT INTO stated (licence, at, issued_on, identifier, otherwise, otherwise_objected)
    SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::boolean[])
    ON CONFLICT (licence) DO UPDATE SET at = excluded.at, issued_on = excluded.issued_on,
        identifier = excluded.identifier, otherwise = excluded.otherwise,
        otherwise_objected = excluded.otherwise_objected"""


async def record_licences(
    connection: Connection, licences: Sequence[RecordedLicence], *, reason: str, at: datetime
) -> list[Added]:
    """Note licences inside the transaction that is open, and say what became of each, as `Recording` does."""
    batch = Recording(await _read_known(connection, licences), reason=reason, at=at)
    results = [batch.take(one) for one in licences]
    for table, columns, records in (
        ("licences", (), batch.licences),
        ("versions", ("id", "licence", "identifier", "issued_on", "stored_at"), batch.versions),
        ("holders", (), batch.holders),
        ("changes", ("licence", "status", "since", "objection", "reason"), batch.changes),
    ):
        await connection.copy_records_to_table(table, records=records, columns=columns or None)
    await connection.executemany(_RESTATE, batch.restated)
    if batch.stated:
        await connection.execute(_STATE, *map(list, zip(*batch.stated, strict=True)))
    await connection.execute(SET_CURRENT, batch.lengthened)
    return results


async def _read_known(connection: Connection, licences: Sequence[RecordedLicence]) -> KnownLicences:
    """Read what the store knows about the numbers and identifiers of a batch."""
    identifiers = {one.identifier for one in licences if one.identifier}
    numbers = {one.number for one in licences if one.number}
    found = await connection.fetch(_OWNERS, list(identifiers))
    owners: dict[str, int] = {row[0]: row[1] for row in found}
    known = sorted(tuple(row) for row in await connection.fetch(_KNOWN, list(numbers), list(set(owners.values()))))
    ids = [row[0] for row in known]
    issued = [(row[0], row[1]) for row in await connection.fetch(_ISSUED, ids)]
    stated = [(row[0], row[1], row[2], row[3], row[4]) for row in await connection.fetch(_STATED, ids)]
    row = await connection.fetchrow(_NEXT)
    licence, version = (1, 1) if row is None else row
    return KnownLicences(known, issued, owners, licence, version, stated)
