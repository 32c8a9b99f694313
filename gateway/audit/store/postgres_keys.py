"""The key table in a PostgreSQL database of its own, with its own backups.

A deleted row stays in the server's files until they are vacuumed, and in its write-ahead log and archives until those
end. So each erasure vacuums the table, and the archives of this database are to be kept for days, not months.
"""

from collections.abc import Collection, Mapping
from typing import Final

from gateway.audit.private import KeyNumber
from gateway.audit.store.postgres_link import Connection, PostgresLink

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS audit_data_keys (number bigint PRIMARY KEY, wrapped bytea NOT NULL);
CREATE TABLE IF NOT EXISTS audit_last_key (id int PRIMARY KEY CHECK (id = 0), number bigint NOT NULL);
INSERT INTO audit_last_key VALUES (0, 0) ON CONFLICT DO NOTHING;
"""


class PostgresKeys:
    """The key table of one log."""

    def __init__(self, dsn: str) -> None:
        """Connect, and make the table where it is missing; raises LogUnavailableError as `PostgresLink` says."""
        self._link = PostgresLink(dsn, prepare=_make_tables)

    def last(self) -> int:
        """Return the highest number that was ever given."""

        async def read(connection: Connection) -> int:
            return int(await connection.fetchval("SELECT number FROM audit_last_key"))

        return self._link.run(read)

    def add(self, keys: Mapping[KeyNumber, bytes]) -> None:
        """Keep wrapped keys."""

        async def write(connection: Connection) -> None:
            query = """WITH added AS (
                INSERT INTO audit_data_keys SELECT * FROM unnest($1::bigint[], $2::bytea[]) RETURNING number
            ) UPDATE audit_last_key SET number = greatest(number, $3)"""
            await connection.execute(query, list(keys), list(keys.values()), max(keys))

        if keys:
            self._link.run(write)

    def read(self, numbers: Collection[KeyNumber]) -> Mapping[KeyNumber, bytes]:
        """Return the keys with these numbers."""

        async def read(connection: Connection) -> Mapping[KeyNumber, bytes]:
            query = "SELECT number, wrapped FROM audit_data_keys WHERE number = ANY ($1::bigint[])"
            return {KeyNumber(row[0]): row[1] for row in await connection.fetch(query, list(numbers))}

        return self._link.run(read)

    def erase(self, numbers: Collection[KeyNumber]) -> int:
        """Destroy keys, and have the server clear their place."""

        async def write(connection: Connection) -> int:
            query = """WITH gone AS (DELETE FROM audit_data_keys WHERE number = ANY ($1::bigint[]) RETURNING number)
                SELECT count(*) FROM gone"""
            erased = int(await connection.fetchval(query, list(numbers)))
            await connection.execute("VACUUM audit_data_keys")
            return erased

        return self._link.run(write)

    def reconnect(self) -> None:
        """Connect again."""
        self._link.reconnect()

    def close(self) -> None:
        """Disconnect."""
        self._link.close()


async def _make_tables(connection: Connection) -> None:
    await connection.execute(_SCHEMA)
