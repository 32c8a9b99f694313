"""Connections to the licence store in PostgreSQL: how they are made, and what their errors mean."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg

from gateway.postgres_address import AddressError, read_postgres_address
from gateway.sources.postgres_tables import SCHEMA, Connection, OwnConnection, make_tables, read_secret
from gateway.sources.source import SourceFault, SourceUnavailableError

CONNECT_SECONDS: Final = 2.0  # a server of the same network takes milliseconds
_LOCK_MILLISECONDS: Final = 2_000  # for whoever else writes: one batch of an import takes a second
_SESSION: Final = {
    "search_path": SCHEMA,
    "application_name": "tongban store",
    "synchronous_commit": "on",
    "lock_timeout": str(_LOCK_MILLISECONDS),
    "jit": "off",
    # Every look-up is one row by an index, and its plan stays right whatever the tables grow to.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # A machine that vanished keeps the lock of the writer until the server has noticed: in 25 seconds, not two hours.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_FAULTS: Final = (
    (asyncpg.LockNotAvailableError, SourceFault.BUSY),
    (asyncpg.QueryCanceledError, SourceFault.BUSY),
    (asyncpg.DeadlockDetectedError, SourceFault.BUSY),
    (asyncpg.TooManyConnectionsError, SourceFault.BUSY),
    (asyncpg.DataCorruptedError, SourceFault.CORRUPT),
    (asyncpg.IndexCorruptedError, SourceFault.CORRUPT),
    (asyncpg.PostgresError, SourceFault.UNUSABLE),
    (asyncpg.InterfaceError, SourceFault.UNUSABLE),
    (asyncpg.InternalClientError, SourceFault.UNUSABLE),
    (TimeoutError, SourceFault.UNUSABLE),
    (OSError, SourceFault.UNUSABLE),
)
_EXPECTED: Final = tuple(kind for kind, _ in _FAULTS)


@contextmanager
def told_apart() -> Iterator[None]:
    """Turn what the server, its client and the network say into one typed error."""
    try:
        yield
    except _EXPECTED as error:
        fault = next(fault for kind, fault in _FAULTS if isinstance(error, kind))
        detail = getattr(error, "sqlstate", None) or type(error).__name__  # texts may quote values
        raise SourceUnavailableError(fault, detail) from error


async def connect(path: Path, *, statement_seconds: float, **options: Any) -> OwnConnection:  # noqa: ANN401 - of asyncpg
    """Connect to the database whose address is in a file.

    The server ends a statement that takes longer, and it is not waited for much longer either.

    Raises:
        SourceUnavailableError: UNUSABLE, there is no address that can be used.
        Exception: the others that `told_apart` knows.

    """
    try:
        address = await asyncio.to_thread(read_postgres_address, path)
    except AddressError as error:
        raise SourceUnavailableError(SourceFault.UNUSABLE, str(error)) from error
    connection: OwnConnection = await asyncpg.connect(
        address,
        timeout=CONNECT_SECONDS,
        command_timeout=statement_seconds + 1,
        server_settings=_SESSION | {"statement_timeout": str(round(statement_seconds * 1000))},
        **options,
    )
    return connection


async def open_store(connection: Connection, *, create: bool) -> bytes:
    """Return the secret of the store, whose tables are made where there are none and ``create`` says so.

    Raises:
        SourceUnavailableError: as `read_secret` does; UNUSABLE, a server that does not write durably is to be filled.

    """
    if create:
        if await connection.fetchval("SHOW fsync") != "on":
            raise SourceUnavailableError(SourceFault.UNUSABLE, "the server runs with fsync=off")
        await make_tables(connection)
    return await read_secret(connection)
