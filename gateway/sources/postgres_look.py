"""What is asked of the licence store in PostgreSQL: each look-up is one statement, and so as of one moment."""

from datetime import date
from typing import Final

import asyncpg

from gateway.sources.decoy import draw_decoy
from gateway.sources.licence_pages import last_of, page_query
from gateway.sources.licence_rows import (
    CHANGES,
    ENTRIES,
    VERSION_COLUMNS,
    VERSIONS,
    VersionRow,
    check_document,
    digest_of,
    read_entry,
)
from gateway.sources.licence_rows import read_history as read_rows
from gateway.sources.licence_store import (
    SOURCE_NAME,
    LicenceEntry,
    LicenceHistory,
    Look,
    Mark,
    Selection,
    UnknownLicenceError,
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
    Registered,
    SourceFault,
    SourceUnavailableError,
    StoredHead,
    key_text,
)

_VERSION: Final = f"SELECT {VERSION_COLUMNS} "
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
SELECT f.*, d.sha256, d.content, (SELECT count(*) FROM fits) AS fit
FROM (VALUES (1)) AS one (row) LEFT JOIN found AS f ON true LEFT JOIN decoy AS c ON true
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
_OF_HOLDER: Final = """l.id = ANY (ARRAY(SELECT v.licence FROM holders h JOIN versions v ON v.id = h.version
    JOIN licences m ON m.id = v.licence AND m.current = v.id WHERE h.code = {0}))"""
_ENTRY: Final = f"{ENTRIES} WHERE l.id = $1"
_VERSIONS: Final = f"{VERSIONS} WHERE v.licence = $1 ORDER BY v.id"
_CHANGES: Final = f"{CHANGES} WHERE licence = $1 ORDER BY id"


async def find(connection: Connection, key: LicenceKey, *, secret: bytes) -> Found:
    """Return the licence of a key, as `LicenceStore.find` says."""
    drawn = draw_decoy(key, secret=secret)
    if isinstance(key, ByIdentifier):
        row = await connection.fetchrow(_FIND_BY_IDENTIFIER, key.identifier, drawn)
    else:
        row = await connection.fetchrow(_FIND_BY_NUMBER, key.number, drawn, key.type)
    if row is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a look-up without a row")
    content = b"" if row["sha256"] is None else check_document(row["content"], row["sha256"])
    if row["version"] is None:
        return NotFound(document=content, source=SOURCE_NAME, is_ambiguous=row["fit"] > 1)
    if row["document"] is None:
        holders = await connection.fetch(_HOLDERS, row["version"])
        return _version(row).not_ready(decoy=content, holders=(one[0] for one in holders))
    return _version(row).head(row["sha256"]).with_document(content)


async def find_head(connection: Connection, key: LicenceKey, *, secret: bytes) -> Found | StoredHead:
    """Return the licence of a key without its document; what has none takes the way of `find`."""
    if isinstance(key, ByIdentifier):
        row = await connection.fetchrow(_HEAD_BY_IDENTIFIER, key.identifier)
    else:
        row = await connection.fetchrow(_HEAD_BY_NUMBER, key.number, key.type)
    if row is None or row["document"] is None:
        return await find(connection, key, secret=secret)
    return _version(row).head(row["sha256"])


async def read_document(connection: Connection, sha256: str) -> bytes:
    """Return the document with this digest, which is compared."""
    row = await connection.fetchrow("SELECT content FROM documents WHERE sha256 = $1", sha256)
    if row is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a document is gone")
    return check_document(row[0], sha256)


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
    return None if row is None else _version(row).registered(issued_on)


async def revision(connection: Connection) -> int:
    """Return the number that every change raises."""
    found = await connection.fetchval("SELECT revision FROM store")
    if found is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "the revision is gone")
    return int(found)


async def locate(connection: Connection, reference: str) -> int:
    """Return the licence that a reference names; raises UnknownLicenceError."""
    licence = await connection.fetchval(_LOCATE, key_text(reference), digest_of(reference))
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
    """Return a page of the licences behind one, and what `last_of` says of it."""
    rows = await _select(connection, ENTRIES, selection, after)
    return [read_entry(row) for row in rows], last_of(rows)


async def read_indexes(connection: Connection, selection: Selection, *, after: int) -> tuple[list[LicenceIndex], int]:
    """Return what licences are found by, as `read_page` returns the licences."""
    rows = await _select(connection, _INDEX, selection, after)
    return [_index(row) for row in rows], last_of(rows)


async def _select(connection: Connection, query: str, selection: Selection, after: int) -> list[asyncpg.Record]:
    statement, arguments = page_query(query, selection, after=after, sign="$", of_holder=_OF_HOLDER)
    return await connection.fetch(statement, *arguments)


async def read_history(connection: Connection, reference: str) -> LicenceHistory:
    """Return one licence, as of one moment; raises UnknownLicenceError."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        licence = await locate(connection, reference)
        entry = await connection.fetchrow(_ENTRY, licence)
        versions = await connection.fetch(_VERSIONS, licence)
        changes = await connection.fetch(_CHANGES, licence)
    if entry is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a licence without a version")
    return read_rows(entry, versions, changes)


def _version(row: asyncpg.Record) -> VersionRow:
    return VersionRow(*row[: len(VersionRow._fields)])


def _index(row: asyncpg.Record) -> LicenceIndex:
    _, identifier, number, type_code, name, holders = row
    return LicenceIndex(identifier=identifier, number=number, type_code=type_code, name=name, holders=tuple(holders))
