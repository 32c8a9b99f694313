"""What is asked of the licence store in PostgreSQL: each look-up is one statement, and so as of one moment."""

import hashlib
import re
from datetime import UTC, date, datetime
from typing import Any, Final

import asyncpg

from gateway.sources.decoy import draw_decoy
from gateway.sources.licence_store import (
    SOURCE_NAME,
    LicenceEntry,
    LicenceHistory,
    Look,
    Mark,
    Selection,
    StatusChange,
    UnknownLicenceError,
    VersionEntry,
    is_nameable,
    name_licences,
)
from gateway.sources.postgres_tables import Connection
from gateway.sources.source import (
    ByIdentifier,
    Found,
    LicenceIndex,
    LicenceKey,
    NotFound,
    NotReady,
    Registered,
    SourceFault,
    SourceUnavailableError,
    StoredHead,
    key_text,
)
from gateway.sources.superseding import is_current, status_of_version
from policies.dimension import LicenceStatus

_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")
PAGE: Final = 500  # licences of a list that are read at a stretch

_VERSION: Final = """SELECT v.id AS version, v.document, v.stored_at, l.current, l.status, l.status_since,
    l.objection, v.issued_on, (SELECT s.at FROM stated s WHERE s.licence = l.id) AS stated_at """
_BY_IDENTIFIER: Final = (
    _VERSION
    + """FROM versions v JOIN licences l ON l.id = v.licence WHERE v.identifier = $1 AND v.identifier <> ''
    ORDER BY v.document IS NULL, v.issued_on DESC, v.id DESC LIMIT 1"""
)
_BY_NUMBER: Final = (
    _VERSION
    + """FROM licences l JOIN versions v ON v.id = l.current
    WHERE l.number = $1 AND l.number <> '' AND $3::text <> '' AND (l.type_code = $3 OR l.name = $3) LIMIT 2"""
)
# The decoy is chosen and one document is read whatever is found. $2 is drawn for the key.
_FIND: Final = """
WITH fits AS MATERIALIZED ({fits}),
found AS MATERIALIZED (SELECT * FROM fits WHERE (SELECT count(*) FROM fits) = 1),
decoy AS MATERIALIZED (
    SELECT id FROM documents WHERE id > $2::bigint % (SELECT max(id) FROM documents) ORDER BY id LIMIT 1)
SELECT f.*, d.sha256, d.content FROM (VALUES (1)) AS one (row) LEFT JOIN found AS f ON true LEFT JOIN decoy AS c ON true
LEFT JOIN documents AS d ON d.id = coalesce(f.document, c.id)
"""
_FIND_BY_IDENTIFIER: Final = _FIND.format(fits=_BY_IDENTIFIER)
_FIND_BY_NUMBER: Final = _FIND.format(fits=_BY_NUMBER)
# The licence of a number and a type, by code where both state one, else by name: the first that came.
SAME_LICENCE: Final = """SELECT id FROM licences WHERE number = $1 AND number <> ''
    AND CASE WHEN type_code = '' OR $2 = '' THEN name = $3 AND name <> '' ELSE type_code = $2 END"""
_FIND_STATUS: Final = f"""
WITH named AS MATERIALIZED ({_BY_IDENTIFIER.replace("$1", "$4")}), same AS MATERIALIZED ({SAME_LICENCE})
SELECT * FROM named UNION ALL {_VERSION} FROM licences l JOIN versions v ON v.id = l.current
WHERE l.id = (SELECT min(id) FROM same) AND NOT EXISTS (SELECT 1 FROM named)
"""  # noqa: S608 - texts of ours
_HEAD: Final = """
WITH fits AS MATERIALIZED ({fits})
SELECT f.*, d.sha256 FROM fits AS f LEFT JOIN documents AS d ON d.id = f.document WHERE (SELECT count(*) FROM fits) = 1
"""
_HEAD_BY_IDENTIFIER: Final = _HEAD.format(fits=_BY_IDENTIFIER)
_HEAD_BY_NUMBER: Final = _HEAD.format(fits=_BY_NUMBER.replace("$3", "$2"))
_HOLDERS: Final = "SELECT code FROM holders WHERE version = $1 ORDER BY code"  # which never change
_MARK: Final = """SELECT revision, coalesce((SELECT max(id) FROM changes), 0),
    coalesce((SELECT max(id) FROM versions), 0) FROM store"""
# One statement is as of one moment, a later one than that of the mark: it may name more, and no less.
_NAMES: Final = """
WITH changed AS MATERIALIZED (
    SELECT licence FROM changes WHERE id > $1 AND id <= $2
    UNION SELECT licence FROM versions WHERE id > $3 AND id <= $4)
SELECT v.identifier, true FROM changed c JOIN versions v ON v.licence = c.licence
UNION ALL SELECT l.number, false FROM changed c JOIN licences l ON l.id = c.licence
"""
_LOCATE: Final = """
WITH named AS MATERIALIZED (SELECT licence FROM versions WHERE identifier = $1 AND identifier <> ''),
stored AS MATERIALIZED (SELECT v.licence FROM documents d JOIN versions v ON v.document = d.id WHERE d.sha256 = $2)
SELECT coalesce((SELECT min(licence) FROM named), (SELECT min(licence) FROM stored))
"""
_INDEX: Final = """SELECT l.id, v.identifier, l.number, l.type_code, l.name,
    ARRAY(SELECT h.code FROM holders h WHERE h.version = v.id ORDER BY h.code)
    FROM licences l JOIN versions v ON v.id = l.current"""
_ENTRY: Final = """SELECT l.id, v.identifier, coalesce(d.sha256, ''), l.type_code, l.name, l.status, l.status_since,
    l.objection, (SELECT count(*) FROM versions w WHERE w.licence = l.id)
    FROM licences l JOIN versions v ON v.id = l.current LEFT JOIN documents d ON d.id = v.document """
_OF_HOLDER: Final = """l.id = ANY (ARRAY(SELECT v.licence FROM holders h JOIN versions v ON v.id = h.version
    JOIN licences m ON m.id = v.licence AND m.current = v.id WHERE h.code = {holder}))"""
_VERSIONS: Final = """SELECT v.identifier, coalesce(d.sha256, ''), coalesce(d.bytes, 0), v.issued_on, v.stored_at,
    v.id = l.current FROM versions v JOIN licences l ON l.id = v.licence LEFT JOIN documents d ON d.id = v.document
    WHERE v.licence = $1 ORDER BY v.id"""
_CHANGES: Final = "SELECT status, since, objection, reason FROM changes WHERE licence = $1 ORDER BY id"


async def find(connection: Connection, key: LicenceKey, *, secret: bytes) -> Found:
    """Return the licence of a key, as `LicenceStore.find` says."""
    drawn = draw_decoy(key, secret=secret)
    if isinstance(key, ByIdentifier):
        row = await connection.fetchrow(_FIND_BY_IDENTIFIER, key.identifier, drawn)
    else:
        row = await connection.fetchrow(_FIND_BY_NUMBER, key.number, drawn, key.type)
    if row is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a look-up without a row")
    content: bytes = row["content"] or b""
    if row["sha256"] is not None and hashlib.sha256(content).hexdigest() != row["sha256"]:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a document is not what was stored")
    if row["version"] is None:
        return NotFound(document=content, source=SOURCE_NAME)
    if row["document"] is None:
        holders = tuple(one[0] for one in await connection.fetch(_HOLDERS, row["version"]))
        return NotReady(
            status=_status_of(row),
            document=content,
            source=SOURCE_NAME,
            holders=holders,
            is_under_objection=row["objection"],
            as_of=_as_of(row),
        )
    return _head(row).with_document(content)


async def find_head(connection: Connection, key: LicenceKey, *, secret: bytes) -> Found | StoredHead:
    """Return the licence of a key without its document; what has none takes the way of `find`."""
    if isinstance(key, ByIdentifier):
        row = await connection.fetchrow(_HEAD_BY_IDENTIFIER, key.identifier)
    else:
        row = await connection.fetchrow(_HEAD_BY_NUMBER, key.number, key.type)
    if row is None or row["document"] is None:
        return await find(connection, key, secret=secret)
    return _head(row)


async def read_document(connection: Connection, sha256: str) -> bytes:
    """Return the document with this digest, which is compared."""
    content: bytes | None = await connection.fetchval("SELECT content FROM documents WHERE sha256 = $1", sha256)
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a document is not what was stored")
    return content


async def look(connection: Connection, since: Mark | None) -> Look:
    """Return where the store stands, and what changed since an earlier look."""
    row = await connection.fetchrow(_MARK)
    if row is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "the revision is gone")
    mark = Mark(revision=row[0], changes=row[1], versions=row[2])
    if mark == since:
        return Look(mark, frozenset())
    if since is None or not is_nameable(since, mark):
        return Look(mark, None)
    rows = await connection.fetch(_NAMES, since.changes, mark.changes, since.versions, mark.versions)
    return Look(mark, name_licences((row[0] for row in rows if row[1]), (row[0] for row in rows if not row[1])))


async def find_status(connection: Connection, index: LicenceIndex, *, issued_on: date | None) -> Registered | None:
    """Return how the licence of a document stands; no document is read."""
    row = await connection.fetchrow(_FIND_STATUS, index.number, index.type_code, index.name, index.identifier)
    if row is None:
        return None
    latest = row["version"] == row["current"] and is_current(issued_on, row["issued_on"])
    status = status_of_version(_status(row["status"]), is_current=latest)
    return Registered(status=status, is_under_objection=row["objection"], source=SOURCE_NAME, as_of=_as_of(row))


async def revision(connection: Connection) -> int:
    """Return the number that every change raises."""
    found = await connection.fetchval("SELECT revision FROM store")
    if found is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "the revision is gone")
    return int(found)


async def locate(connection: Connection, reference: str) -> int:
    """Return the licence that a reference names; raises UnknownLicenceError."""
    digest = reference.lower() if _DIGEST.fullmatch(reference) else ""
    licence = await connection.fetchval(_LOCATE, key_text(reference), digest)
    if licence is None:
        raise UnknownLicenceError
    return int(licence)


async def read_index(connection: Connection, reference: str) -> LicenceIndex:
    """Return what a licence is found by in its current version; raises UnknownLicenceError."""
    row = await connection.fetchrow(f"{_INDEX} WHERE l.id = $1", await locate(connection, reference))
    if row is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a licence without a version")
    return _index(row)


async def read_page(connection: Connection, selection: Selection, *, after: int) -> tuple[list[LicenceEntry], int]:
    """Return licences behind one in the order in which they came, and the number of the last; 0: there are no more."""
    rows, last = await _select(connection, _ENTRY, selection, after)
    return [_entry(row) for row in rows], last


async def read_indexes(connection: Connection, selection: Selection, *, after: int) -> tuple[list[LicenceIndex], int]:
    """Return what licences are found by, as `read_page` returns the licences."""
    rows, last = await _select(connection, _INDEX, selection, after)
    return [_index(row) for row in rows], last


async def _select(
    connection: Connection, query: str, selection: Selection, after: int
) -> tuple[list[asyncpg.Record], int]:
    arguments: list[Any] = [after]
    conditions = ["l.id > $1"]
    for condition, value in (
        ("(l.type_code = {0} OR l.name = {0})", selection.licence_type),
        ("l.status = {0}", selection.status),
        (_OF_HOLDER.replace("{holder}", "{0}"), selection.holder),
    ):
        if value:
            arguments.append(str(value))
            conditions.append(condition.format(f"${len(arguments)}"))
    rows = await connection.fetch(f"{query} WHERE {' AND '.join(conditions)} ORDER BY l.id LIMIT {PAGE}", *arguments)
    return rows, rows[-1][0] if len(rows) == PAGE else 0


async def read_history(connection: Connection, reference: str) -> LicenceHistory:
    """Return one licence, as of one moment; raises UnknownLicenceError."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        licence = await locate(connection, reference)
        entry = await connection.fetchrow(f"{_ENTRY} WHERE l.id = $1", licence)
        versions = await connection.fetch(_VERSIONS, licence)
        changes = await connection.fetch(_CHANGES, licence)
    if entry is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a licence without a version")
    return LicenceHistory(
        entry=_entry(entry),
        versions=tuple(
            VersionEntry(
                identifier=row[0],
                sha256=row[1],
                bytes=row[2],
                issued_on=row[3],
                stored_at=_moment(row[4]),
                is_current=row[5],
            )
            for row in versions
        ),
        changes=tuple(
            StatusChange(status=_status(row[0]), since=_moment(row[1]), is_under_objection=row[2], reason=row[3])
            for row in changes
        ),
    )


def _head(row: asyncpg.Record) -> StoredHead:
    if row["sha256"] is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a document is gone")
    return StoredHead(
        sha256=row["sha256"],
        status=_status_of(row),
        status_since=_moment(row["status_since"]),
        is_under_objection=row["objection"],
        stored_at=_moment(row["stored_at"]),
        source=SOURCE_NAME,
        as_of=_as_of(row),
    )


def _status_of(row: asyncpg.Record) -> LicenceStatus:
    return status_of_version(_status(row["status"]), is_current=row["version"] == row["current"])


def _as_of(row: asyncpg.Record) -> datetime | None:
    """Return when a register or an operator last said how a licence stands that a register states; else None."""
    stated_at = row["stated_at"]
    return None if stated_at is None else max(_moment(stated_at), _moment(row["status_since"]))


def _entry(row: asyncpg.Record) -> LicenceEntry:
    _, identifier, sha256, type_code, name, status, since, objection, versions = row
    return LicenceEntry(
        identifier=identifier,
        sha256=sha256,
        type_code=type_code,
        name=name,
        status=_status(status),
        status_since=_moment(since),
        is_under_objection=objection,
        versions=versions,
    )


def _index(row: asyncpg.Record) -> LicenceIndex:
    _, identifier, number, type_code, name, holders = row
    return LicenceIndex(identifier=identifier, number=number, type_code=type_code, name=name, holders=tuple(holders))


def _status(text: str) -> LicenceStatus:
    try:
        return LicenceStatus(text)
    except ValueError as error:
        raise SourceUnavailableError(SourceFault.CORRUPT, "an unknown status") from error


def _moment(time: datetime) -> datetime:
    return time.astimezone(UTC)
