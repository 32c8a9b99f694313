"""The licence store in PostgreSQL for commands and threads: one connection, and nobody else's event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final, TypeVar

from gateway.sources import postgres_change, postgres_look
from gateway.sources.intake import NewLicence
from gateway.sources.licence_pages import read_pages
from gateway.sources.licence_store import Added, LicenceEntry, LicenceHistory, Look, Mark, Selection, StatusChange
from gateway.sources.postgres_recording import record_licences
from gateway.sources.postgres_session import connect, open_store, told_apart
from gateway.sources.postgres_tables import Connection, OwnConnection
from gateway.sources.recorded import RecordedLicence
from gateway.sources.source import Found, LicenceIndex, LicenceKey, Registered, StoredHead
from policies.dimension import LicenceStatus

T = TypeVar("T")
STATEMENT_SECONDS: Final = 60.0  # a page of a list goes through the whole store where few licences fit
_CLOSE_SECONDS: Final = 2.0


class PostgresLicenceStore:
    """A `LicenceStore`; it belongs to the thread that opened it, which runs no event loop."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the store whose database has its address in the file ``path``, or make it there.

        Raises:
            SourceUnavailableError: UNUSABLE, it cannot be reached or has no tables; and as `open_store` does.

        """
        self._path = path
        self._create = create
        self._connection: OwnConnection | None = None
        self._secret = b""
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        try:
            self._run(self._connect)
        except BaseException:
            self.close()
            raise

    def find(self, key: LicenceKey) -> Found:
        """Return the licence of a key."""
        return self._read(lambda connection: postgres_look.find(connection, key, secret=self._secret))

    def find_status(self, index: LicenceIndex, *, issued_on: date | None) -> Registered | None:
        """Return how the licence of a document stands."""
        return self._read(lambda connection: postgres_look.find_status(connection, index, issued_on=issued_on))

    def find_head(self, key: LicenceKey) -> Found | StoredHead:
        """Return the licence of a key without its document."""
        return self._read(lambda connection: postgres_look.find_head(connection, key, secret=self._secret))

    def read_document(self, sha256: str) -> bytes:
        """Return the document with this digest."""
        return self._read(lambda connection: postgres_look.read_document(connection, sha256))

    def look(self, since: Mark | None) -> Look:
        """Return where the store stands, and what changed."""
        return self._read(lambda connection: postgres_look.look(connection, since))

    def revision(self) -> int:
        """Return the number that every change raises."""
        return self._read(postgres_look.revision)

    def add(self, licences: Sequence[NewLicence], *, at: datetime) -> tuple[Added, ...]:
        """Store licences in one transaction."""
        return self._change(lambda connection: postgres_change.add(connection, licences, at=at))

    def announce(self, index: LicenceIndex, *, at: datetime) -> Added:
        """Note a licence without a document, unless it is known."""
        return self._change(lambda connection: postgres_change.announce(connection, index, at=at))

    def expect_many(self) -> None:
        """Do nothing: how much memory an import takes is for the server to say."""

    def record(self, licences: Sequence[RecordedLicence], *, reason: str, at: datetime) -> list[Added]:
        """Note what a register states about licences without their documents, in one transaction."""
        return self._change(lambda connection: record_licences(connection, licences, reason=reason, at=at))

    def set_status(
        self, reference: str, status: LicenceStatus, *, is_under_objection: bool, reason: str, at: datetime
    ) -> StatusChange:
        """Set the status and add to its history, in one transaction."""
        change = StatusChange(status=status, since=at, is_under_objection=is_under_objection, reason=reason)
        self._change(lambda connection: postgres_change.set_status(connection, reference, change))
        return change

    def index(self, reference: str) -> LicenceIndex:
        """Return what a licence is found by in its current version."""
        return self._read(lambda connection: postgres_look.read_index(connection, reference))

    def entries(self, selection: Selection) -> Iterator[LicenceEntry]:
        """Read the licences page by page."""
        return read_pages(lambda after: self._read(lambda one: postgres_look.read_page(one, selection, after=after)))

    def indexes(self, selection: Selection) -> Iterator[LicenceIndex]:
        """Read what the licences are found by, page by page."""
        return read_pages(lambda after: self._read(lambda one: postgres_look.read_indexes(one, selection, after=after)))

    def history(self, reference: str) -> LicenceHistory:
        """Return one licence, as of one moment."""
        return self._read(lambda connection: postgres_look.read_history(connection, reference))

    def close(self) -> None:
        """Disconnect."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            self._runner.run(_disconnect(connection))
        self._runner.close()

    def _change(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do everything in one transaction; where it fails nobody knows whether the last word reached the server."""

        async def run() -> T:
            connection = await self._connect()
            async with postgres_change.change(connection):
                return await work(connection)

        return self._run(run)

    def _read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do what changes nothing, once more where the connection broke since it was used last."""

        async def run() -> T:
            connection = await self._connect()
            try:
                return await work(connection)
            except Exception:
                if not connection.is_closed():
                    raise
            return await work(await self._connect())

        return self._run(run)

    def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        async def told() -> T:
            with told_apart():
                return await work()

        return self._runner.run(told())

    async def _connect(self) -> OwnConnection:
        """Return the connection, made anew where it broke."""
        if self._connection is None or self._connection.is_closed():
            connection = await connect(self._path, statement_seconds=STATEMENT_SECONDS)
            try:
                self._secret = await open_store(connection, create=self._create)
            except BaseException:
                connection.terminate()
                raise
            self._connection = connection
            self._create = False  # what vanishes while the store is open is not made anew
        return self._connection


async def _disconnect(connection: OwnConnection) -> None:
    try:
        await connection.close(timeout=_CLOSE_SECONDS)
    except Exception:  # noqa: BLE001 - it is let go either way, and the server notices
        connection.terminate()
