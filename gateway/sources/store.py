"""The licence store in one SQLite file; what a commit reported is on disk (WAL, synchronous = FULL)."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.rendering import encode_time
from gateway.sources.database import open_database, snapshot, told_apart, transaction
from gateway.sources.decoy import pick_decoy
from gateway.sources.intake import NewLicence
from gateway.sources.licence_store import (
    SOURCE_NAME,
    Added,
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
from gateway.sources.recorded import RecordedLicence
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
from gateway.sources.store_recording import record_licences
from gateway.sources.superseding import is_current, status_of_version
from policies.dimension import LicenceStatus

_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")
_PAGE: Final = 500  # licences read at a stretch, so that no reader holds up the checkpoints of a writer

_LARGE_CACHE_KIB: Final = 64 * 1024  # the pages that a batch of an import changes in a store of some million licences
_PAGES_BEFORE_CHECKPOINT: Final = 20_000  # 80 MB: a page that many batches change is carried over once

_FOUND: Final = """SELECT l.id AS licence, v.id AS version, v.document, v.stored_at, l.current,
    l.status, l.status_since, l.objection, v.issued_on, (SELECT s.at FROM stated s WHERE s.licence = l.id) AS stated_at
    FROM licences l JOIN versions v """
_BY_IDENTIFIER: Final = (
    _FOUND
    + "ON v.licence = l.id WHERE v.identifier = ? ORDER BY v.document IS NULL, v.issued_on DESC, v.id DESC LIMIT 1"
)
_BY_NUMBER: Final = _FOUND + "ON v.id = l.current WHERE l.number = ? AND (l.type_code = ? OR l.name = ?) LIMIT 2"
_CURRENT: Final = _FOUND + "ON v.id = l.current WHERE l.id = ?"
_SAME_LICENCE: Final = """SELECT id FROM licences WHERE number = ? AND number <> ''
    AND CASE WHEN type_code = '' OR ? = '' THEN name = ? AND name <> '' ELSE type_code = ? END ORDER BY id LIMIT 1"""
_LATEST: Final = """SELECT id FROM versions WHERE licence = ?
    ORDER BY document IS NULL, issued_on DESC, id DESC LIMIT 1"""
_ENTRY: Final = """SELECT l.id, v.identifier, COALESCE(d.sha256, '') AS sha256, l.type_code, l.name, l.status,
    l.status_since, l.objection, (SELECT COUNT(*) FROM versions w WHERE w.licence = l.id) AS versions
    FROM licences l JOIN versions v ON v.id = l.current LEFT JOIN documents d ON d.id = v.document """
_INDEX: Final = """SELECT l.id, v.identifier, l.number, l.type_code, l.name,
    (SELECT json_group_array(h.code) FROM holders h WHERE h.version = v.id)
    FROM licences l JOIN versions v ON v.id = l.current"""
_HIGHEST: Final = "SELECT COALESCE((SELECT MAX(id) FROM changes), 0), COALESCE((SELECT MAX(id) FROM versions), 0)"
_CHANGED: Final = "SELECT licence FROM changes WHERE id > ? UNION SELECT licence FROM versions WHERE id > ?"
_IDENTIFIERS_OF: Final = "SELECT identifier FROM versions WHERE licence IN (SELECT value FROM json_each(?))"
_NUMBERS_OF: Final = "SELECT number FROM licences WHERE id IN (SELECT value FROM json_each(?))"


class _Row(NamedTuple):
    """One version of one licence, as a look-up finds it."""

    licence: int
    version: int
    document: int | None
    stored_at: str
    current: int
    status: str
    status_since: str
    objection: int
    issued_on: str
    stated_at: str | None


class SqliteLicenceStore:
    """A `LicenceStore`; it belongs to the thread that opened it."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the file, or make it.

        Raises:
            SourceUnavailableError: as `open_database` does.

        """
        self._connection = open_database(path, create=create)
        with told_apart():
            self._secret = self._read_secret()

    def find(self, key: LicenceKey) -> Found:
        """Return the licence of a key; the decoy is chosen and nothing else is read whatever is found."""
        with told_apart(), snapshot(self._connection):
            row = self._look_up(key)
            decoy = self._decoy(key)
            if row is None or row.document is None:
                return self._tell_without(row, decoy)
            sha256, content = self._read(row.document)
        return _head(row, sha256).with_document(content)

    def find_head(self, key: LicenceKey) -> Found | StoredHead:
        """Return the licence of a key; a document that is there is not read."""
        with told_apart(), snapshot(self._connection):
            row = self._look_up(key)
            if row is None or row.document is None:
                return self._tell_without(row, self._decoy(key))
            found = self._connection.execute("SELECT sha256 FROM documents WHERE id = ?", (row.document,)).fetchone()
        if found is None:
            raise SourceUnavailableError(SourceFault.CORRUPT, "a document is gone")
        return _head(row, found[0])

    def read_document(self, sha256: str) -> bytes:
        """Read a document and compare its digest."""
        with told_apart(), snapshot(self._connection):
            row = self._connection.execute("SELECT id FROM documents WHERE sha256 = ?", (sha256,)).fetchone()
            if row is None:
                raise SourceUnavailableError(SourceFault.CORRUPT, "a document is gone")
            return self._read(row[0])[1]

    def revision(self) -> int:
        """Return a number made of the highest of changes and versions: every change adds one of them, and none goes."""
        with told_apart():
            return self._mark().revision

    def look(self, since: Mark | None) -> Look:
        """Read what is behind the highest numbers of the earlier look."""
        with told_apart(), snapshot(self._connection):
            mark = self._mark()
            if mark == since:
                return Look(mark, frozenset())
            if since is None or not is_nameable(since, mark):
                return Look(mark, None)
            execute = self._connection.execute
            changed = execute(_CHANGED, (since.changes, since.versions)).fetchall()
            licences = (json.dumps([licence for (licence,) in changed]),)
            identifiers = execute(_IDENTIFIERS_OF, licences).fetchall()
            numbers = execute(_NUMBERS_OF, licences).fetchall()
        return Look(mark, name_licences((one for (one,) in identifiers), (one for (one,) in numbers)))

    def find_status(self, index: LicenceIndex, *, issued_on: date | None) -> Registered | None:
        """Return how the licence of a document stands; no document is read."""
        with told_apart(), snapshot(self._connection):
            row = self._look_up(ByIdentifier(identifier=index.identifier))
            licence = self._same_licence(index) if row is None else None
            if licence is not None:
                row = _Row(*self._connection.execute(_CURRENT, (licence,)).fetchone())
        if row is None:
            return None
        latest = row.version == row.current and is_current(issued_on, row.issued_on)
        status = status_of_version(_status(row.status), is_current=latest)
        return Registered(status=status, is_under_objection=bool(row.objection), source=SOURCE_NAME, as_of=_as_of(row))

    def add(self, licences: Sequence[NewLicence], *, at: datetime) -> tuple[Added, ...]:
        """Store licences in one transaction."""
        with self._change():
            return tuple(self._add_one(licence, at) for licence in licences)

    def announce(self, index: LicenceIndex, *, at: datetime) -> Added:
        """Note a licence without a document, unless it is known."""
        with self._change():
            licence = self._same_licence(index)
            if licence is not None:
                return Added.ALREADY_THERE
            if self._holder_of_identifier(index.identifier) is not None:
                return Added.IDENTIFIER_IN_USE if index.number else Added.ALREADY_THERE
            self._add_version(self._add_licence(index, at), index, None, None, at)
            return Added.NEW

    def expect_many(self) -> None:
        """Make room for batches that change most pages of the indexes; every commit is as durable as before."""
        with told_apart():
            self._connection.execute(f"PRAGMA cache_size = -{_LARGE_CACHE_KIB}")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BEFORE_CHECKPOINT}")

    def record(self, licences: Sequence[RecordedLicence], *, reason: str, at: datetime) -> list[Added]:
        """Note what a register states about licences without their documents, in one transaction."""
        with self._change():
            return record_licences(self._connection, licences, reason=reason, at=at)

    def set_status(
        self, reference: str, status: LicenceStatus, *, is_under_objection: bool, reason: str, at: datetime
    ) -> StatusChange:
        """Set the status and add to its history, in one transaction."""
        change = StatusChange(status=status, since=at, is_under_objection=is_under_objection, reason=reason)
        with self._change():
            licence = self._locate(reference)
            self._connection.execute(
                "UPDATE licences SET status = ?, status_since = ?, objection = ? WHERE id = ?",
                (status.value, encode_time(at), is_under_objection, licence),
            )
            self._connection.execute(
                "UPDATE stated SET otherwise = ?, otherwise_objected = ? WHERE licence = ?",
                (status.value, is_under_objection, licence),
            )
            self._add_change(licence, change)
        return change

    def index(self, reference: str) -> LicenceIndex:
        """Read what a licence is found by, as of one moment."""
        with told_apart(), snapshot(self._connection):
            row = self._connection.execute(f"{_INDEX} WHERE l.id = ?", (self._locate(reference),)).fetchone()
        return _index(row)

    def entries(self, selection: Selection) -> Iterator[LicenceEntry]:
        """Read the licences page by page."""
        return map(_entry, self._select(_ENTRY, selection))

    def indexes(self, selection: Selection) -> Iterator[LicenceIndex]:
        """Read what the licences are found by, page by page."""
        return map(_index, self._select(_INDEX, selection))

    def history(self, reference: str) -> LicenceHistory:
        """Read one licence as of one moment."""
        with told_apart(), snapshot(self._connection):
            licence = self._locate(reference)
            entry = _entry(self._connection.execute(f"{_ENTRY} WHERE l.id = ?", (licence,)).fetchone())
            versions = self._connection.execute(
                """SELECT v.identifier, COALESCE(d.sha256, ''), COALESCE(d.bytes, 0), v.issued_on, v.stored_at,
                v.id = l.current FROM versions v JOIN licences l ON l.id = v.licence
                LEFT JOIN documents d ON d.id = v.document WHERE v.licence = ? ORDER BY v.id""",
                (licence,),
            ).fetchall()
            changes = self._connection.execute(
                "SELECT status, since, objection, reason FROM changes WHERE licence = ? ORDER BY id", (licence,)
            ).fetchall()
        return LicenceHistory(
            entry=entry,
            versions=tuple(
                VersionEntry(
                    identifier=identifier,
                    sha256=sha256,
                    bytes=size,
                    issued_on=issued_on,
                    stored_at=_moment(stored_at),
                    is_current=bool(is_current),
                )
                for identifier, sha256, size, issued_on, stored_at, is_current in versions
            ),
            changes=tuple(
                StatusChange(
                    status=_status(status), since=_moment(since), is_under_objection=bool(objection), reason=reason
                )
                for status, since, objection, reason in changes
            ),
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Do everything inside in one transaction, durable when it is left, or nothing of it."""
        with told_apart(), transaction(self._connection):
            yield
            self._commit()

    def _commit(self) -> None:
        self._connection.execute("COMMIT")

    def _read_secret(self) -> bytes:
        row = self._connection.execute("SELECT value FROM secret").fetchone()
        if row is None or not isinstance(row[0], bytes):
            raise SourceUnavailableError(SourceFault.CORRUPT, "the secret is gone")
        return row[0]

    def _look_up(self, key: LicenceKey) -> _Row | None:
        if isinstance(key, ByIdentifier):
            rows = self._connection.execute(_BY_IDENTIFIER, (key.identifier,)).fetchall() if key.identifier else []
        else:
            wanted = (key.number, key.type, key.type)
            rows = self._connection.execute(_BY_NUMBER, wanted).fetchall() if key.number and key.type else []
        return _Row(*rows[0]) if len(rows) == 1 else None

    def _decoy(self, key: LicenceKey) -> int | None:
        """Return which document is read where there is none to find; None in a store without documents."""
        (highest,) = self._connection.execute("SELECT MAX(id) FROM documents").fetchone()
        if highest is None:
            return None
        picked = pick_decoy(key, secret=self._secret, count=highest)  # documents are never removed: ids have no gaps
        (decoy,) = self._connection.execute(
            "SELECT id FROM documents WHERE id > ? ORDER BY id LIMIT 1", (picked,)
        ).fetchone()
        return int(decoy)

    def _read(self, document: int) -> tuple[str, bytes]:
        row = self._connection.execute("SELECT sha256, content FROM documents WHERE id = ?", (document,)).fetchone()
        if row is None or not isinstance(row[1], bytes) or hashlib.sha256(row[1]).hexdigest() != row[0]:
            raise SourceUnavailableError(SourceFault.CORRUPT, "a document is not what was stored")
        return row[0], row[1]

    def _tell_without(self, row: _Row | None, decoy: int | None) -> NotFound | NotReady:
        """Return what is known of a licence without a document: nothing, or that it is to come."""
        content = b"" if decoy is None else self._read(decoy)[1]
        if row is None:
            return NotFound(document=content, source=SOURCE_NAME)
        return NotReady(
            status=_status_of(row),
            document=content,
            source=SOURCE_NAME,
            holders=self._holders(row.version),
            is_under_objection=bool(row.objection),
            as_of=_as_of(row),
        )

    def _select(self, query: str, selection: Selection) -> Iterator[tuple[Any, ...]]:
        wanted: dict[str, Any] = {"type": selection.licence_type, "holder": selection.holder}
        wanted["status"] = "" if selection.status is None else selection.status.value
        conditions = [
            "l.id > :last",
            *(["(l.type_code = :type OR l.name = :type)"] if selection.licence_type else []),
            *(["l.status = :status"] if selection.status is not None else []),
            *(["l.current IN (SELECT version FROM holders WHERE code = :holder)"] if selection.holder else []),
        ]
        query = f"{query} WHERE {' AND '.join(conditions)} ORDER BY l.id LIMIT {_PAGE}"
        last = 0
        while True:
            with told_apart():
                page = self._connection.execute(query, wanted | {"last": last}).fetchall()
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1][0]

    def _holders(self, version: int) -> tuple[str, ...]:
        rows = self._connection.execute("SELECT code FROM holders WHERE version = ? ORDER BY code", (version,))
        return tuple(code for (code,) in rows)

    def _mark(self) -> Mark:
        changes, versions = self._connection.execute(_HIGHEST).fetchone()
        return Mark(revision=changes + versions, changes=changes, versions=versions)

    def _add_one(self, new: NewLicence, at: datetime) -> Added:
        execute = self._connection.execute
        if execute("SELECT 1 FROM documents WHERE sha256 = ?", (new.sha256,)).fetchone():
            return Added.ALREADY_THERE
        known = self._same_licence(new.index)
        other = self._holder_of_identifier(new.index.identifier)
        if known is None and not new.index.number:
            known = other
        if other is not None and other != known:
            return Added.IDENTIFIER_IN_USE
        licence = self._add_licence(new.index, at) if known is None else known
        document = execute(
            "INSERT INTO documents (sha256, bytes, content) VALUES (?, ?, ?)",
            (new.sha256, len(new.document), new.document),
        ).lastrowid
        self._add_version(licence, new.index, document, new.issued_on, at)
        return Added.NEW if known is None else Added.NEW_VERSION

    def _add_licence(self, index: LicenceIndex, at: datetime) -> int:
        licence = self._connection.execute(
            """INSERT INTO licences (number, type_code, name, current, status, status_since, objection)
            VALUES (?, ?, ?, 0, ?, ?, 0)""",
            (index.number, index.type_code, index.name, LicenceStatus.ACTIVE.value, encode_time(at)),
        ).lastrowid
        first = StatusChange(status=LicenceStatus.ACTIVE, since=at, is_under_objection=False, reason="")
        self._add_change(int(licence or 0), first)
        return int(licence or 0)

    def _add_version(
        self, licence: int, index: LicenceIndex, document: int | None, issued_on: date | None, at: datetime
    ) -> None:
        execute = self._connection.execute
        issued = "" if issued_on is None else issued_on.isoformat()
        version = execute(
            "INSERT INTO versions (licence, identifier, issued_on, document, stored_at) VALUES (?, ?, ?, ?, ?)",
            (licence, index.identifier, issued, document, encode_time(at)),
        ).lastrowid
        self._connection.executemany("INSERT INTO holders VALUES (?, ?)", [(code, version) for code in index.holders])
        (latest,) = execute(_LATEST, (licence,)).fetchone()
        execute("UPDATE licences SET current = ? WHERE id = ?", (latest, licence))

    def _add_change(self, licence: int, change: StatusChange) -> None:
        self._connection.execute(
            "INSERT INTO changes (licence, status, since, objection, reason) VALUES (?, ?, ?, ?, ?)",
            (licence, change.status.value, encode_time(change.since), change.is_under_objection, change.reason),
        )

    def _same_licence(self, index: LicenceIndex) -> int | None:
        wanted = (index.number, index.type_code, index.name, index.type_code)
        row = self._connection.execute(_SAME_LICENCE, wanted).fetchone()
        return None if row is None else int(row[0])

    def _holder_of_identifier(self, identifier: str) -> int | None:
        """Return the licence that has this identifier in any version."""
        query = "SELECT licence FROM versions WHERE identifier = ? AND identifier <> '' LIMIT 1"
        row = self._connection.execute(query, (identifier,)).fetchone()
        return None if row is None else int(row[0])

    def _locate(self, reference: str) -> int:
        licence = self._holder_of_identifier(key_text(reference))
        if licence is None and _DIGEST.fullmatch(reference):
            query = "SELECT v.licence FROM versions v JOIN documents d ON d.id = v.document WHERE d.sha256 = ?"
            row = self._connection.execute(query, (reference.lower(),)).fetchone()
            licence = None if row is None else int(row[0])
        if licence is None:
            raise UnknownLicenceError
        return licence


def _head(row: _Row, sha256: str) -> StoredHead:
    return StoredHead(
        sha256=sha256,
        status=_status_of(row),
        status_since=_moment(row.status_since),
        is_under_objection=bool(row.objection),
        stored_at=_moment(row.stored_at),
        source=SOURCE_NAME,
        as_of=_as_of(row),
    )


def _as_of(row: _Row) -> datetime | None:
    """Return when a register or an operator last said how a licence stands that a register states; else None."""
    return None if row.stated_at is None else max(_moment(row.stated_at), _moment(row.status_since))


def _status_of(row: _Row) -> LicenceStatus:
    return status_of_version(_status(row.status), is_current=row.version == row.current)


def _entry(row: Sequence[Any]) -> LicenceEntry:
    _, identifier, sha256, type_code, name, status, since, objection, versions = row
    return LicenceEntry(
        identifier=identifier,
        sha256=sha256,
        type_code=type_code,
        name=name,
        status=_status(status),
        status_since=_moment(since),
        is_under_objection=bool(objection),
        versions=versions,
    )


def _index(row: Sequence[Any]) -> LicenceIndex:
    _, identifier, number, type_code, name, holders = row
    return LicenceIndex(
        identifier=identifier,
        number=number,
        type_code=type_code,
        name=name,
        holders=tuple(sorted(json.loads(holders))),
    )


def _status(text: str) -> LicenceStatus:
    try:
        return LicenceStatus(text)
    except ValueError as error:
        raise SourceUnavailableError(SourceFault.CORRUPT, "an unknown status") from error


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError) as error:
        raise SourceUnavailableError(SourceFault.CORRUPT, "an unreadable time") from error
