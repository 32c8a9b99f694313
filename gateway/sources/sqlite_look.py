"""What is asked of the licence store in SQLite: each look-up inside a snapshot, and so as of one moment."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from gateway.sources.decoy import pick_decoy
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

_FOUND: Final = f"SELECT {VERSION_COLUMNS} FROM licences l JOIN versions v "  # noqa: S608 - texts of ours
_BY_IDENTIFIER: Final = (
    _FOUND
    + "ON v.licence = l.id WHERE v.identifier = ? ORDER BY v.document IS NULL, v.issued_on DESC, v.id DESC LIMIT 1"
)
_BY_NUMBER: Final = _FOUND + "ON v.id = l.current WHERE l.number = ? AND (l.type_code = ? OR l.name = ?) LIMIT 2"
_CURRENT: Final = _FOUND + "ON v.id = l.current WHERE l.id = ?"
_SAME_LICENCE: Final = """SELECT id FROM licences WHERE number = ? AND number <> ''
    AND CASE WHEN type_code = '' OR ? = '' THEN name = ? AND name <> '' ELSE type_code = ? END ORDER BY id LIMIT 1"""
_INDEX: Final = """SELECT l.id, v.identifier, l.number, l.type_code, l.name,
    (SELECT json_group_array(h.code) FROM holders h WHERE h.version = v.id)
    FROM licences l JOIN versions v ON v.id = l.current"""
_OF_HOLDER: Final = "l.current IN (SELECT version FROM holders WHERE code = {0})"
_HIGHEST: Final = "SELECT COALESCE((SELECT MAX(id) FROM changes), 0), COALESCE((SELECT MAX(id) FROM versions), 0)"
_CHANGED: Final = "SELECT licence FROM changes WHERE id > ? UNION SELECT licence FROM versions WHERE id > ?"
_IDENTIFIERS_OF: Final = "SELECT identifier FROM versions WHERE licence IN (SELECT value FROM json_each(?))"
_NUMBERS_OF: Final = "SELECT number FROM licences WHERE id IN (SELECT value FROM json_each(?))"


def read_secret(connection: sqlite3.Connection) -> bytes:
    """Return the secret by which decoys are picked; raises SourceUnavailableError where it is gone."""
    row = connection.execute("SELECT value FROM secret").fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise SourceUnavailableError(SourceFault.CORRUPT, "the secret is gone")
    return row[0]


def find(connection: sqlite3.Connection, key: LicenceKey, *, secret: bytes) -> Found:
    """Return the licence of a key; the decoy is chosen and nothing else is read whatever is found."""
    row, is_ambiguous = _look_up(connection, key)
    decoy = _decoy(connection, key, secret)
    if row is None or row.document is None:
        return _tell_without(connection, row, decoy, is_ambiguous=is_ambiguous)
    sha256, content = _read(connection, row.document)
    return row.head(sha256).with_document(content)


def find_head(connection: sqlite3.Connection, key: LicenceKey, *, secret: bytes) -> Found | StoredHead:
    """Return the licence of a key; a document that is there is not read."""
    row, is_ambiguous = _look_up(connection, key)
    if row is None or row.document is None:
        return _tell_without(connection, row, _decoy(connection, key, secret), is_ambiguous=is_ambiguous)
    found = connection.execute("SELECT sha256 FROM documents WHERE id = ?", (row.document,)).fetchone()
    return row.head(None if found is None else found[0])


def read_document(connection: sqlite3.Connection, sha256: str) -> bytes:
    """Return the document with this digest, which is compared."""
    row = connection.execute("SELECT content FROM documents WHERE sha256 = ?", (sha256,)).fetchone()
    if row is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a document is gone")
    return check_document(row[0], sha256)


def look(connection: sqlite3.Connection, since: Mark | None) -> Look:
    """Read what is behind the highest numbers of the earlier look."""
    mark = _mark(connection)
    if mark == since:
        return Look(mark, frozenset())
    if since is None or not is_nameable(since, mark):
        return Look(mark, None)
    changed = connection.execute(_CHANGED, (since.changes, since.versions)).fetchall()
    licences = (json.dumps([licence for (licence,) in changed]),)
    identifiers = connection.execute(_IDENTIFIERS_OF, licences).fetchall()
    numbers = connection.execute(_NUMBERS_OF, licences).fetchall()
    return Look(mark, name_licences((one for (one,) in identifiers), (one for (one,) in numbers)))


def revision(connection: sqlite3.Connection) -> int:
    """Return a number made of the highest of changes and versions: every change adds one of them, and none goes."""
    return _mark(connection).revision


def find_status(connection: sqlite3.Connection, index: LicenceIndex, *, issued_on: date | None) -> Registered | None:
    """Return how the licence of a document stands; no document is read."""
    row, _ = _look_up(connection, ByIdentifier(identifier=index.identifier))
    licence = same_licence(connection, index) if row is None else None
    if licence is not None:
        row = VersionRow(*connection.execute(_CURRENT, (licence,)).fetchone())
    return None if row is None else row.registered(issued_on)


def same_licence(connection: sqlite3.Connection, index: LicenceIndex) -> int | None:
    """Return the licence with this number and type, by code where both state one, else by name: the first that came."""
    wanted = (index.number, index.type_code, index.name, index.type_code)
    row = connection.execute(_SAME_LICENCE, wanted).fetchone()
    return None if row is None else int(row[0])


def licence_named(connection: sqlite3.Connection, identifier: str) -> int | None:
    """Return the licence that has this identifier in any version."""
    query = "SELECT licence FROM versions WHERE identifier = ? AND identifier <> '' LIMIT 1"
    row = connection.execute(query, (identifier,)).fetchone()
    return None if row is None else int(row[0])


def locate(connection: sqlite3.Connection, reference: str) -> int:
    """Return the licence that a reference names; raises UnknownLicenceError."""
    licence, digest = licence_named(connection, key_text(reference)), digest_of(reference)
    if licence is None and digest:
        query = "SELECT v.licence FROM versions v JOIN documents d ON d.id = v.document WHERE d.sha256 = ?"
        row = connection.execute(query, (digest,)).fetchone()
        licence = None if row is None else int(row[0])
    if licence is None:
        raise UnknownLicenceError
    return licence


def read_index(connection: sqlite3.Connection, reference: str) -> LicenceIndex:
    """Return what a licence is found by in its current version; raises UnknownLicenceError."""
    return _index(connection.execute(f"{_INDEX} WHERE l.id = ?", (locate(connection, reference),)).fetchone())


def read_page(connection: sqlite3.Connection, selection: Selection, *, after: int) -> tuple[list[LicenceEntry], int]:
    """Return a page of the licences behind one, and what `last_of` says of it."""
    rows = _select(connection, ENTRIES, selection, after)
    return [read_entry(row) for row in rows], last_of(rows)


def read_indexes(connection: sqlite3.Connection, selection: Selection, *, after: int) -> tuple[list[LicenceIndex], int]:
    """Return what licences are found by, as `read_page` returns the licences."""
    rows = _select(connection, _INDEX, selection, after)
    return [_index(row) for row in rows], last_of(rows)


def read_history(connection: sqlite3.Connection, reference: str) -> LicenceHistory:
    """Return one licence; raises UnknownLicenceError."""
    licence = (locate(connection, reference),)
    return read_rows(
        connection.execute(f"{ENTRIES} WHERE l.id = ?", licence).fetchone(),
        connection.execute(f"{VERSIONS} WHERE v.licence = ? ORDER BY v.id", licence).fetchall(),
        connection.execute(f"{CHANGES} WHERE licence = ? ORDER BY id", licence).fetchall(),
    )


def _select(connection: sqlite3.Connection, query: str, selection: Selection, after: int) -> list[tuple[Any, ...]]:
    return connection.execute(*page_query(query, selection, after=after, sign="?", of_holder=_OF_HOLDER)).fetchall()


def _look_up(connection: sqlite3.Connection, key: LicenceKey) -> tuple[VersionRow | None, bool]:
    """Return the licence of a key, and whether several fit, of which none is meant then."""
    if isinstance(key, ByIdentifier):
        rows = connection.execute(_BY_IDENTIFIER, (key.identifier,)).fetchall() if key.identifier else []
    else:
        wanted = (key.number, key.type, key.type)
        rows = connection.execute(_BY_NUMBER, wanted).fetchall() if key.number and key.type else []
    return (VersionRow(*rows[0]) if len(rows) == 1 else None), len(rows) > 1


def _decoy(connection: sqlite3.Connection, key: LicenceKey, secret: bytes) -> int | None:
    """Return which document is read where there is none to find; None in a store without documents."""
    (highest,) = connection.execute("SELECT MAX(id) FROM documents").fetchone()
    if highest is None:
        return None
    picked = pick_decoy(key, secret=secret, count=highest)  # documents are never removed: ids have no gaps
    (decoy,) = connection.execute("SELECT id FROM documents WHERE id > ? ORDER BY id LIMIT 1", (picked,)).fetchone()
    return int(decoy)


def _read(connection: sqlite3.Connection, document: int) -> tuple[str, bytes]:
    row = connection.execute("SELECT sha256, content FROM documents WHERE id = ?", (document,)).fetchone()
    if row is None:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a document is gone")
    return row[0], check_document(row[1], row[0])


def _tell_without(
    connection: sqlite3.Connection, row: VersionRow | None, decoy: int | None, *, is_ambiguous: bool
) -> NotFound | NotReady:
    """Return what is known of a licence without a document: nothing, or that it is to come."""
    content = b"" if decoy is None else _read(connection, decoy)[1]
    if row is None:
        return NotFound(document=content, source=SOURCE_NAME, is_ambiguous=is_ambiguous)
    holders = connection.execute("SELECT code FROM holders WHERE version = ? ORDER BY code", (row.version,))
    return row.not_ready(decoy=content, holders=(code for (code,) in holders))


def _mark(connection: sqlite3.Connection) -> Mark:
    changes, versions = connection.execute(_HIGHEST).fetchone()
    return Mark(revision=changes + versions, changes=changes, versions=versions)


def _index(row: Iterable[Any]) -> LicenceIndex:
    _, identifier, number, type_code, name, holders = row
    return LicenceIndex(
        identifier=identifier,
        number=number,
        type_code=type_code,
        name=name,
        holders=tuple(sorted(json.loads(holders))),
    )
