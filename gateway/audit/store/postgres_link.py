"""A connection to PostgreSQL that is used like a file: one caller at a time, no event loop of the caller's."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from threading import RLock
from typing import TYPE_CHECKING, Final, TypeVar

import asyncpg

from gateway.audit.unavailable import LogUnavailableError, Unavailable

T = TypeVar("T")
if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection  # takes a parameter in its stubs only

STATEMENT_SECONDS: Final = 10.0  # for one statement; a batch takes milliseconds
CONNECT_SECONDS: Final = 5.0
_FAULTS: Final = (
    (asyncpg.DiskFullError, Unavailable.DISK_FULL),
    (asyncpg.ReadOnlySQLTransactionError, Unavailable.READ_ONLY),
    (asyncpg.DataCorruptedError, Unavailable.CORRUPT),
    (asyncpg.IndexCorruptedError, Unavailable.CORRUPT),
    (asyncpg.LockNotAvailableError, Unavailable.LOCKED),
    (asyncpg.DeadlockDetectedError, Unavailable.LOCKED),
    (asyncpg.QueryCanceledError, Unavailable.LOCKED),
    (asyncpg.PostgresConnectionError, Unavailable.UNREACHABLE),
    (asyncpg.OperatorInterventionError, Unavailable.UNREACHABLE),  # shut down, or about to start
    (asyncpg.InsufficientResourcesError, Unavailable.UNREACHABLE),
    (asyncpg.InterfaceError, Unavailable.UNREACHABLE),  # the connection is closed
    (asyncpg.PostgresIOError, Unavailable.WRITE_FAILED),
    (asyncpg.PostgresError, Unavailable.UNUSABLE),
    (asyncpg.InternalClientError, Unavailable.UNREACHABLE),
    (TimeoutError, Unavailable.UNREACHABLE),
    (OSError, Unavailable.UNREACHABLE),
)
_EXPECTED: Final = tuple(kind for kind, _ in _FAULTS)


class PostgresLink:
    """One connection and the loop that drives it; safe for several threads, and for none that runs a loop."""

    def __init__(self, dsn: str, *, prepare: Callable[[Connection], Awaitable[None]]) -> None:
        """Connect, then ``prepare``, also after each `reconnect`.

        Raises:
            LogUnavailableError: UNREACHABLE; UNUSABLE, the server does not write durably; and what ``prepare`` meets.

        """
        self._dsn = dsn
        self._prepare = prepare
        self._lock = RLock()
        self._loop = asyncio.new_event_loop()
        self._connection: Connection | None = None
        try:
            self.reconnect()
        except BaseException:
            self.close()
            raise

    def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do some work on the connection.

        Raises:
            LogUnavailableError: it failed; whether it took effect is open unless the reason says so.

        """
        with self._lock:
            connection = self._connection
            if connection is None:
                raise LogUnavailableError(Unavailable.UNREACHABLE, "not connected")
            return self._drive(work(connection))

    def reconnect(self) -> None:
        """Connect again; whatever was half done is undone by the server."""
        with self._lock:
            self._disconnect()
            connection = self._drive(self._connect())
            self._connection = connection

    def close(self) -> None:
        """Disconnect."""
        with self._lock:
            self._disconnect()
            self._loop.close()

    async def _connect(self) -> Connection:
        connection: Connection = await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            server_settings={"synchronous_commit": "on", "application_name": "tongban audit", "jit": "off"},
        )
        try:
            await _verify_durable(connection)
            await self._prepare(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            with suppress(*_EXPECTED):
                self._loop.run_until_complete(connection.close(timeout=CONNECT_SECONDS))

    def _drive(self, work: Awaitable[T]) -> T:
        async def told_apart() -> T:
            try:
                return await work
            except _EXPECTED as error:
                reason = next(reason for kind, reason in _FAULTS if isinstance(error, kind))
                detail = getattr(error, "sqlstate", None) or type(error).__name__  # texts may quote values
                raise LogUnavailableError(reason, detail) from error

        return self._loop.run_until_complete(told_apart())


async def _verify_durable(connection: Connection) -> None:
    if await connection.fetchval("SHOW fsync") != "on":
        raise LogUnavailableError(Unavailable.UNUSABLE, "the server runs with fsync=off")
