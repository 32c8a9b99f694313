"""The licence store in one SQLite file."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

from gateway.sources import sqlite_change, sqlite_look
from gateway.sources.database import LICENCES, told_apart
from gateway.sources.intake import NewLicence
from gateway.sources.licence_pages import read_pages
from gateway.sources.licence_store import Added, LicenceEntry, LicenceHistory, Look, Mark, Selection, StatusChange
from gateway.sources.recorded import RecordedLicence
from gateway.sources.source import Found, LicenceIndex, LicenceKey, Registered, StoredHead
from gateway.sources.sqlite_file import SqliteFile
from gateway.sources.sqlite_recording import record_licences
from policies.dimension import LicenceStatus

_LARGE_CACHE_KIB: Final = 64 * 1024  # the pages that a batch of an import changes in a store of some million licences
_PAGES_BEFORE_CHECKPOINT: Final = 20_000  # 80 MB: a page that many batches change is carried over once


class SqliteLicenceStore(SqliteFile):
    """A `LicenceStore`; it belongs to the thread that opened it."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the file, or make it.

        Raises:
            SourceUnavailableError: as `open_database` does.

        """
        super().__init__(path, kind=LICENCES, create=create)
        with told_apart():
            self._secret = sqlite_look.read_secret(self._connection)

    def find(self, key: LicenceKey) -> Found:
        """Return the licence of a key."""
        return self._read(lambda connection: sqlite_look.find(connection, key, secret=self._secret))

    def find_head(self, key: LicenceKey) -> Found | StoredHead:
        """Return the licence of a key without its document."""
        return self._read(lambda connection: sqlite_look.find_head(connection, key, secret=self._secret))

    def read_document(self, sha256: str) -> bytes:
        """Return the document with this digest."""
        return self._read(lambda connection: sqlite_look.read_document(connection, sha256))

    def look(self, since: Mark | None) -> Look:
        """Return where the store stands, and what changed."""
        return self._read(lambda connection: sqlite_look.look(connection, since))

    def revision(self) -> int:
        """Return the number that every change raises."""
        return self._read(sqlite_look.revision)

    def find_status(self, index: LicenceIndex, *, issued_on: date | None) -> Registered | None:
        """Return how the licence of a document stands."""
        return self._read(lambda connection: sqlite_look.find_status(connection, index, issued_on=issued_on))

    def add(self, licences: Sequence[NewLicence], *, at: datetime) -> tuple[Added, ...]:
        """Store licences in one transaction."""
        return self._change(lambda connection: sqlite_change.add(connection, licences, at=at))

    def announce(self, index: LicenceIndex, *, at: datetime) -> Added:
        """Note a licence without a document, unless it is known."""
        return self._change(lambda connection: sqlite_change.announce(connection, index, at=at))

    def expect_many(self) -> None:
        """Make room for batches that change most pages of the indexes; every commit is as durable as before."""
        with told_apart():
            self._connection.execute(f"PRAGMA cache_size = -{_LARGE_CACHE_KIB}")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BEFORE_CHECKPOINT}")

    def record(self, licences: Sequence[RecordedLicence], *, reason: str, at: datetime) -> list[Added]:
        """Note what a register states about licences without their documents, in one transaction."""
        return self._change(lambda connection: record_licences(connection, licences, reason=reason, at=at))

    def set_status(
        self, reference: str, status: LicenceStatus, *, is_under_objection: bool, reason: str, at: datetime
    ) -> StatusChange:
        """Set the status and add to its history, in one transaction."""
        change = StatusChange(status=status, since=at, is_under_objection=is_under_objection, reason=reason)
        self._change(lambda connection: sqlite_change.set_status(connection, reference, change))
        return change

    def index(self, reference: str) -> LicenceIndex:
        """Return what a licence is found by in its current version."""
        return self._read(lambda connection: sqlite_look.read_index(connection, reference))

    def entries(self, selection: Selection) -> Iterator[LicenceEntry]:
        """Read the licences page by page."""
        return read_pages(lambda after: self._read(lambda one: sqlite_look.read_page(one, selection, after=after)))

    def indexes(self, selection: Selection) -> Iterator[LicenceIndex]:
        """Read what the licences are found by, page by page."""
        return read_pages(lambda after: self._read(lambda one: sqlite_look.read_indexes(one, selection, after=after)))

    def history(self, reference: str) -> LicenceHistory:
        """Return one licence, as of one moment."""
        return self._read(lambda connection: sqlite_look.read_history(connection, reference))
