"""The licence store in PostgreSQL as a source: asked from the event loop, over a few connections."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import asyncpg

from gateway.sources import postgres_look
from gateway.sources.errand import Errand
from gateway.sources.licence_store import SOURCE_NAME, Look, Mark
from gateway.sources.postgres_session import connect, open_store, told_apart
from gateway.sources.postgres_tables import Connection, OwnConnection
from gateway.sources.source import (
    Found,
    LicenceIndex,
    LicenceKey,
    Registered,
    SourceFault,
    SourceUnavailableError,
    StoredHead,
)

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Pool = asyncpg.Pool

T = TypeVar("T")
ANSWER_SECONDS: Final = 2.0  # for one look-up, waiting for a connection included; it takes half a millisecond
MAX_WAITING: Final = 1000  # look-ups at once; behind 8 connections the last one waits 100 ms
CONNECTIONS: Final = 8  # of each process; a server usually takes 100 of all together
PAUSE_SECONDS: Final = 1.0  # after a server that did not answer: until somebody waits for it again


class PostgresSource:
    """A `LicenceSource`; used from one event loop, and connected when it is asked first."""

    name = SOURCE_NAME

    def __init__(self, path: Path) -> None:
        """Ask the store whose database has its address in the file ``path``, which is read for each connection."""
        self._path = path
        self._pool: Pool | None = None
        self._secret = b""
        self._waiting = 0
        self._silent_until = 0.0  # on the clock of the event loop
        self._is_closed = False

    async def find(self, key: LicenceKey, errand: Errand) -> Found:
        """Return what the store knows.

        Raises:
            SourceUnavailableError: it cannot be asked, does not answer in time, or too much is waiting for it.

        """
        return await self._ask(
            lambda connection: postgres_look.find(connection, key, secret=self._secret), until=errand.until
        )

    async def find_head(self, key: LicenceKey, errand: Errand) -> Found | StoredHead:
        """Return what the store knows, without a document that is there; raises SourceUnavailableError."""
        return await self._ask(
            lambda connection: postgres_look.find_head(connection, key, secret=self._secret), until=errand.until
        )

    async def read_document(self, sha256: str) -> bytes:
        """Return the document that a head named; raises SourceUnavailableError."""
        return await self._ask(lambda connection: postgres_look.read_document(connection, sha256))

    async def look(self, since: Mark | None) -> Look:
        """Return where the store stands, and what changed; raises SourceUnavailableError."""
        return await self._ask(lambda connection: postgres_look.look(connection, since))

    async def find_status(self, index: LicenceIndex, errand: Errand, *, issued_on: date | None) -> Registered | None:
        """Return how the licence of a document stands; raises SourceUnavailableError, as `find` does."""
        return await self._ask(
            lambda connection: postgres_look.find_status(connection, index, issued_on=issued_on), until=errand.until
        )

    async def revision(self) -> int:
        """Return the number that every change raises; raises SourceUnavailableError, as `find` does."""
        return await self._ask(postgres_look.revision)

    def close(self) -> None:
        """Disconnect."""
        self._is_closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    async def _ask(self, work: Callable[[Connection], Awaitable[T]], *, until: float | None = None) -> T:
        now = asyncio.get_running_loop().time()
        if self._waiting >= MAX_WAITING:
            raise SourceUnavailableError(SourceFault.BUSY, "too much is waiting")
        if now < self._silent_until:
            raise SourceUnavailableError(SourceFault.UNUSABLE, "no answer a moment ago")
        end = now + ANSWER_SECONDS
        self._waiting += 1
        try:
            with told_apart():
                async with asyncio.timeout_at(end if until is None else min(end, until)):
                    return await self._use_twice(work)
        except SourceUnavailableError as error:
            # Whoever had little time left says nothing about the server.
            if isinstance(error.__cause__, TimeoutError) and asyncio.get_running_loop().time() >= end:
                self._silent_until = end + PAUSE_SECONDS  # nobody else waits for it, but for one now and then
            raise
        finally:
            self._waiting -= 1

    async def _use_twice(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do what changes nothing, once more on a new connection where the one it had broke: after a restart all do."""
        try:
            return await self._use(work)
        except asyncpg.QueryCanceledError:
            raise  # it took too long, and would again
        except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InterfaceError, OSError):
            if self._pool is None:
                raise
            await self._pool.expire_connections()
        return await self._use(work)

    async def _use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        if self._is_closed:
            raise SourceUnavailableError(SourceFault.UNUSABLE, "closed")
        pool = self._pool
        if pool is None:
            pool = self._pool = await self._make_pool()
        connection = await pool.acquire()
        try:
            return await work(connection)
        except (asyncpg.PostgresError, SourceUnavailableError):
            raise  # the server's answer, which leaves the connection as it was
        except BaseException:
            connection.terminate()  # nobody knows what comes next on it
            raise
        finally:
            await pool.release(connection)

    async def _make_pool(self) -> Pool:
        """Return the pool, which connects when it is used; of several that make it, the first counts."""
        pool: Pool = asyncpg.create_pool(min_size=0, max_size=CONNECTIONS, connect=self._connect, reset=_leave)
        await pool
        return self._pool or pool

    async def _connect(self, *_: object, **options: Any) -> OwnConnection:  # noqa: ANN401 - what the pool wants
        chosen = {name: options[name] for name in ("loop", "connection_class", "record_class")}
        connection = await connect(self._path, statement_seconds=ANSWER_SECONDS, **chosen)
        try:
            self._secret = await open_store(connection, create=False)
        except BaseException:
            connection.terminate()
            raise
        return connection


async def _leave(_: Connection) -> None:
    """Leave a connection as it is: every look-up is one statement, so that there is nothing to undo."""
