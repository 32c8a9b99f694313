"""The key table in a PostgreSQL database of its own, with its own backups.

An erased key stays in the server's files until `purge`, and in its write-ahead log and archives until those end. So the
archives of this database are to be kept for days, not months.
"""

from collections.abc import Collection, Mapping
from itertools import islice
from typing import Final

from gateway.audit.private import KeyNumber
from gateway.audit.store.key_row import KeyRow, make_rows, pick_keys
from gateway.audit.store.postgres_check import keep_check, make_check_table, read_check
from gateway.audit.store.postgres_link import Connection, PostgresLink
from gateway.audit.store.postgres_purge import purge_tables
from gateway.audit.unavailable import LogUnavailableError, Unavailable

_CHUNK: Final = 4_096  # keys that are erased by one statement
_HAS_TABLES: Final = "SELECT to_regclass('audit_data_keys') IS NOT NULL"
_KEY_CHECK: Final = "audit_data_keys_check"
_SCHEMA: Final = f"""
CREATE TABLE audit_data_keys (first bigint PRIMARY KEY, last bigint NOT NULL, wrapped bytea NOT NULL);
ALTER TABLE audit_data_keys ALTER wrapped SET STORAGE EXTERNAL;
{make_check_table(_KEY_CHECK)}
"""  # EXTERNAL: what is encrypted cannot be compressed
_ROWS: Final = """
SELECT first, last, wrapped FROM audit_data_keys
WHERE first IN (SELECT (SELECT max(first) FROM audit_data_keys WHERE first <= n) FROM unnest($1::bigint[]) AS n)
"""  # the rows that hold any of these keys


class PostgresKeys:
    """The key table of one log."""

    def __init__(self, dsn: str, *, create: bool = True) -> None:
        """Connect, ``create``: make the table where there is none.

        Raises:
            LogUnavailableError: UNUSABLE without a table; and as `PostgresLink` says.

        """
        self._dsn = dsn
        self._creates = create
        self._link = PostgresLink(dsn, prepare=self._find_tables)

    async def _find_tables(self, connection: Connection) -> None:
        if not await connection.fetchval(_HAS_TABLES):
            if not self._creates:
                raise LogUnavailableError(Unavailable.UNUSABLE, "the table of the data keys is missing")
            async with connection.transaction():
                await connection.execute(_SCHEMA)
        self._creates = False  # what vanishes while it is open is not made anew

    def last(self) -> int:
        """Return the highest number that was ever given."""

        async def read(connection: Connection) -> int:
            return int(await connection.fetchval("SELECT coalesce(max(last), 0) FROM audit_data_keys"))

        return self._link.read(read)

    def add(self, keys: Mapping[KeyNumber, bytes]) -> None:
        """Keep wrapped keys."""
        rows = make_rows(keys)

        async def write(connection: Connection) -> None:
            query = "INSERT INTO audit_data_keys SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])"
            columns = [row.first for row in rows], [row.last for row in rows], [row.wrapped for row in rows]
            await connection.execute(query, *columns)

        self._link.run(write)

    def read(self, numbers: Collection[KeyNumber]) -> Mapping[KeyNumber, bytes]:
        """Return the keys with these numbers."""

        async def read(connection: Connection) -> Mapping[KeyNumber, bytes]:
            return pick_keys([KeyRow(*row) for row in await connection.fetch(_ROWS, list(numbers))], numbers)

        return self._link.read(read)

    def erase(self, numbers: Collection[KeyNumber]) -> int:
        """Destroy keys; the server keeps the old rows until `purge`."""
        erased, left = 0, iter(numbers)
        while doomed := frozenset(islice(left, _CHUNK)):

            async def write(connection: Connection, doomed: Collection[KeyNumber] = doomed) -> int:
                rows = [KeyRow(*row).without(doomed) for row in await connection.fetch(_ROWS, list(doomed))]
                query = "UPDATE audit_data_keys SET wrapped = $1 WHERE first = $2"
                await connection.executemany(query, [(row.wrapped, row.first) for row, _ in rows])
                return sum(gone for _, gone in rows)

            erased += self._link.run(write)
        return erased

    def key_check(self) -> bytes | None:
        """Return what the key is checked by."""
        return read_check(self._link, _KEY_CHECK)

    def set_key_check(self, value: bytes) -> None:
        """Keep it."""
        keep_check(self._link, _KEY_CHECK, value)

    def purge(self) -> bool:
        """Have the server write the table anew, on a connection of its own."""
        return purge_tables(self._dsn, ["audit_data_keys"], probe=_KEY_CHECK, rewrites=True)

    def settle(self) -> None:
        """Do nothing: the server shows no transaction before it is on disk, and stops when a sync fails."""

    def reconnect(self) -> None:
        """Connect again."""
        self._link.reconnect()

    def close(self) -> None:
        """Disconnect."""
        self._link.close()
