"""What the rows of a licence store say, in SQLite as in PostgreSQL: the same columns, read in one place.

Times are texts in one and moments in the other, and truth is a number in one; nothing else differs.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from gateway.sources.database import parse_time
from gateway.sources.licence_store import SOURCE_NAME, LicenceEntry, LicenceHistory, StatusChange, VersionEntry
from gateway.sources.source import (
    NotReady,
    Registered,
    SourceFault,
    SourceUnavailableError,
    StoredHead,
)
from gateway.sources.superseding import is_current, status_of_version
from policies.dimension import LicenceStatus

_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")

# The fields of `VersionRow`, of a licence l and one of its versions v.
VERSION_COLUMNS: Final = """v.id AS version, v.document, v.stored_at, l.current, l.status, l.status_since,
    l.objection, v.issued_on, (SELECT s.at FROM stated s WHERE s.licence = l.id) AS stated_at"""
# What `read_entry` and `read_history` read.
ENTRIES: Final = """SELECT l.id, v.identifier, COALESCE(d.sha256, ''), l.type_code, l.name, l.status, l.status_since,
    l.objection, (SELECT COUNT(*) FROM versions w WHERE w.licence = l.id)
    FROM licences l JOIN versions v ON v.id = l.current LEFT JOIN documents d ON d.id = v.document"""
VERSIONS: Final = """SELECT v.identifier, COALESCE(d.sha256, ''), COALESCE(d.bytes, 0), v.issued_on, v.stored_at,
    v.id = l.current FROM versions v JOIN licences l ON l.id = v.licence LEFT JOIN documents d ON d.id = v.document"""
CHANGES: Final = "SELECT status, since, objection, reason FROM changes"


class VersionRow(NamedTuple):
    """One version of one licence, as a look-up finds it."""

    version: int
    document: int | None
    stored_at: str | datetime
    current: int
    status: str
    status_since: str | datetime
    objection: int
    issued_on: str
    stated_at: str | datetime | None

    def head(self, sha256: str | None) -> StoredHead:
        """Return the licence, whose document has this digest; None: the document is gone."""
        if sha256 is None:
            raise SourceUnavailableError(SourceFault.CORRUPT, "a document is gone")
        return StoredHead(
            sha256=sha256,
            status=self._own_status(),
            status_since=_moment(self.status_since),
            is_under_objection=bool(self.objection),
            stored_at=_moment(self.stored_at),
            source=SOURCE_NAME,
            as_of=self._as_of(),
        )

    def not_ready(self, *, decoy: bytes, holders: Iterable[str]) -> NotReady:
        """Return the licence, whose document is not made yet."""
        return NotReady(
            status=self._own_status(),
            document=decoy,
            source=SOURCE_NAME,
            holders=tuple(holders),
            is_under_objection=bool(self.objection),
            as_of=self._as_of(),
        )

    def registered(self, issued_on: date | None) -> Registered:
        """Return how the licence of a document stands that was issued on this day; None: nobody knows when."""
        latest = self.version == self.current and is_current(issued_on, self.issued_on)
        return Registered(
            status=status_of_version(_status(self.status), is_current=latest),
            is_under_objection=bool(self.objection),
            source=SOURCE_NAME,
            as_of=self._as_of(),
            is_announced=self.document is None,
        )

    def _own_status(self) -> LicenceStatus:
        return status_of_version(_status(self.status), is_current=self.version == self.current)

    def _as_of(self) -> datetime | None:
        """Return when a register or an operator last said how it stands, if a register states it; else None."""
        return None if self.stated_at is None else max(_moment(self.stated_at), _moment(self.status_since))


def read_history(
    entry: Iterable[Any], versions: Iterable[Iterable[Any]], changes: Iterable[Iterable[Any]]
) -> LicenceHistory:
    """Return one licence from its rows of `ENTRIES`, `VERSIONS` and `CHANGES`."""
    return LicenceHistory(
        entry=read_entry(entry),
        versions=tuple(
            VersionEntry(
                identifier=identifier,
                sha256=sha256,
                bytes=size,
                issued_on=issued_on,
                stored_at=_moment(stored_at),
                is_current=bool(is_latest),
            )
            for identifier, sha256, size, issued_on, stored_at, is_latest in versions
        ),
        changes=tuple(
            StatusChange(
                status=_status(status), since=_moment(since), is_under_objection=bool(objection), reason=reason
            )
            for status, since, objection, reason in changes
        ),
    )


def read_entry(row: Iterable[Any]) -> LicenceEntry:
    """Return a licence as lists show it, from its row of `ENTRIES`."""
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


def check_document(content: object, sha256: str) -> bytes:
    """Return a document that has the digest under which it was stored; raises SourceUnavailableError otherwise."""
    if not isinstance(content, bytes) or hashlib.sha256(content).hexdigest() != sha256:
        raise SourceUnavailableError(SourceFault.CORRUPT, "a document is not what was stored")
    return content


def digest_of(reference: str) -> str:
    """Return the digest that a reference is, as it is stored; "" if it is none."""
    return reference.lower() if _DIGEST.fullmatch(reference) else ""


def _status(text: str) -> LicenceStatus:
    try:
        return LicenceStatus(text)
    except ValueError as error:
        raise SourceUnavailableError(SourceFault.CORRUPT, "an unknown status") from error


def _moment(stored: str | datetime) -> datetime:
    return stored.astimezone(UTC) if isinstance(stored, datetime) else parse_time(stored)
