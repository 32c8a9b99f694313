"""What a secret key is checked by, in a table of one row."""

from gateway.audit.store.postgres_link import Connection, PostgresLink


def make_check_table(table: str) -> str:
    """Return the statement that makes the table."""
    return f"CREATE TABLE {table} (id int PRIMARY KEY CHECK (id = 0), value bytea NOT NULL);"


def read_check(link: PostgresLink, table: str) -> bytes | None:
    """Return what is kept; raises LogUnavailableError."""

    async def read(connection: Connection) -> bytes | None:
        value: bytes | None = await connection.fetchval(f"SELECT value FROM {table}")  # noqa: S608 - a name of ours
        return value

    return link.read(read)


def keep_check(link: PostgresLink, table: str, value: bytes) -> None:
    """Keep a value in place of what was kept; raises LogUnavailableError."""

    async def write(connection: Connection) -> None:
        query = f"INSERT INTO {table} VALUES (0, $1) ON CONFLICT (id) DO UPDATE SET value = excluded.value"  # noqa: S608 - the same
        await connection.execute(query, value)

    link.run(write)
