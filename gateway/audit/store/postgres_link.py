"""A connection to PostgreSQL that is used like a file: one caller at a time, no event loop of the caller's."""

import asyncio
import time
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
RENEW_SECONDS: Final = 1.0  # until a connection that could not be made is tried again
_SESSION: Final = {
    "synchronous_commit": "on",
    "application_name": "tongban audit",
    "jit": "off",
    # A machine that vanished holds the lock of the log until the server has noticed: in 25 seconds, not two hours.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
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


async def _do_nothing(_: Connection) -> None:
    pass


class PostgresLink:
    """One connection and the loop that drives it; safe for several threads, and for none that runs a loop."""

    def __init__(
        self, dsn: str, *, prepare: Callable[[Connection], Awaitable[None]] = _do_nothing, renews: bool = True
    ) -> None:
        """Connect, then ``prepare``, also after each `reconnect`.

        ``renews``: a connection that broke is made anew by whoever uses it next. Not so where it holds the lock of the
        writer: there `reconnect` is called by who then reads the log again.

        Raises:
            LogUnavailableError: UNREACHABLE; UNUSABLE, the server does not write durably; and what ``prepare`` meets.

        """
        self._dsn = dsn
        self._prepare = prepare
        self._renews = renews
        self._failed_at: float | None = None  # when a connection was tried for last, and there was none
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
            if self._renews and self._is_broken():
                self._renew()
            connection = self._connection
            if connection is None:
                raise LogUnavailableError(Unavailable.UNREACHABLE, "not connected")
            return self._drive(work(connection))

    def read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do some work that changes nothing, once more where the connection broke since it was used last.

        Raises:
            LogUnavailableError: it failed.

        """
        with self._lock:
            try:
                return self.run(work)
            except LogUnavailableError:
                if not (self._renews and self._connection is not None and self._is_broken()):
                    raise
            return self.run(work)

    def reconnect(self) -> None:
        """Connect again; whatever was half done is undone by the server."""
        with self._lock:
            if self._loop.is_closed():
                raise LogUnavailableError(Unavailable.CLOSED)
            self._disconnect()
            self._failed_at = time.monotonic()
            self._connection = self._drive(self._connect())
            self._failed_at = None

    def close(self) -> None:
        """Disconnect."""
        with self._lock:
            self._disconnect()
            self._loop.close()

    def _is_broken(self) -> bool:
        return self._connection is None or self._connection.is_closed()

    def _renew(self) -> None:
        """Connect again, unless that failed a moment ago: whoever waits here keeps others waiting."""
        if self._failed_at is not None and time.monotonic() - self._failed_at < RENEW_SECONDS:
            raise LogUnavailableError(Unavailable.UNREACHABLE, "not connected")
        self.reconnect()

    async def _connect(self) -> Connection:
        connection: Connection = await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            server_settings=_SESSION,
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
