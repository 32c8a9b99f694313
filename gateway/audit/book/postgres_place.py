"""A shard in PostgreSQL: a schema of its own in the database whose address a secret file holds."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from gateway.audit.data_keys import KeyStore
from gateway.audit.store.store import LogStore
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.postgres_address import AddressError, read_postgres_address

if TYPE_CHECKING:
    import asyncpg


def read_address(path: Path) -> str:
    """Return the address of a database from a file that nobody else may read; it may hold a password.

    Raises:
        LogUnavailableError: UNUSABLE, there is no such file, others may read it, or it holds something else.

    """
    try:
        return read_postgres_address(path)
    except AddressError as error:
        raise LogUnavailableError(Unavailable.UNUSABLE, str(error)) from error


class PostgresPlace:
    """The schema of one shard."""

    def __init__(self, address: str, shard: str) -> None:
        """Take the address of a database; the schema is made with what is made in it."""
        self._schema = f"audit_{shard}"
        parts = urlsplit(address)
        query = urlencode([*parse_qsl(parts.query), ("search_path", self._schema)])
        self._address = urlunsplit(parts._replace(query=query))

    def store(self, *, origin: str, writes: bool, create: bool) -> LogStore:
        """Open the log; raises LogUnavailableError as `PostgresStore` does, UNUSABLE without the library."""
        try:
            from gateway.audit.store.postgres import PostgresStore  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise _without_library() from error
        if create:
            self._make_schema()
        return PostgresStore(self._address, origin=origin, writes=writes, create=create)

    def has_store(self) -> bool:
        """Answer whether there is a log; raises as `store` does."""
        try:
            from gateway.audit.store.postgres_link import PostgresLink  # noqa: PLC0415 - an extra
            from gateway.audit.store.postgres_sql import HAS_TABLES  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise _without_library() from error

        async def look(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
            return bool(await connection.fetchval(HAS_TABLES))

        with closing(PostgresLink(self._address)) as link:
            return link.run(look)

    def keys(self, *, create: bool) -> KeyStore:
        """Open the table of data keys; raises as `store` does."""
        try:
            from gateway.audit.store.postgres_keys import PostgresKeys  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise _without_library() from error
        if create:
            self._make_schema()
        return PostgresKeys(self._address, create=create)

    def _make_schema(self) -> None:
        from gateway.audit.store.postgres_link import PostgresLink  # noqa: PLC0415 - an extra

        async def make(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {self._schema}")

        PostgresLink(self._address, prepare=make).close()


def _without_library() -> LogUnavailableError:
    return LogUnavailableError(Unavailable.UNUSABLE, "asyncpg is not installed: pip install 'tongban[postgres]'")
