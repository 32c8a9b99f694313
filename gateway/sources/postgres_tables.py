"""The tables of the licence store in PostgreSQL, in a schema of their own."""

import secrets
from typing import TYPE_CHECKING, Final

import asyncpg

from gateway.sources.decoy import SECRET_BYTES
from gateway.sources.source import SourceFault, SourceUnavailableError

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    OwnConnection = asyncpg.Connection[asyncpg.Record]
    Connection = OwnConnection | PoolConnectionProxy[asyncpg.Record]
else:
    OwnConnection = Connection = asyncpg.Connection  # takes a parameter in its stubs only

SCHEMA: Final = "licences"
SCHEMA_VERSION: Final = 1
_HAS_TABLES: Final = "SELECT to_regclass('store') IS NOT NULL"
# As in SQLite: an absent text is "", and keys are in their normal spelling. Ids are given by whoever writes, and there
# is one at a time: the lock on the row of `store` is taken first, whose revision every change raises.
# EXTERNAL: documents are compressed already. STATISTICS 0: a plan must not depend on how often a text was seen.
# No foreign keys: nothing is ever removed, and each would be looked up once more for every row of an import.
_TABLES: Final = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE store (
    id int PRIMARY KEY CHECK (id = 0), version int NOT NULL, secret bytea NOT NULL, revision bigint NOT NULL);
CREATE TABLE licences (
    id bigint PRIMARY KEY, number text COLLATE "C" NOT NULL, type_code text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL, current bigint NOT NULL, status text COLLATE "C" NOT NULL,
    status_since timestamptz NOT NULL, objection boolean NOT NULL);
CREATE INDEX licences_by_number ON licences (number);
CREATE TABLE documents (
    id bigint PRIMARY KEY, sha256 text COLLATE "C" NOT NULL UNIQUE, bytes int NOT NULL, content bytea NOT NULL);
CREATE TABLE versions (
    id bigint PRIMARY KEY, licence bigint NOT NULL, identifier text COLLATE "C" NOT NULL,
    issued_on text COLLATE "C" NOT NULL, document bigint UNIQUE, stored_at timestamptz NOT NULL);
CREATE INDEX versions_by_identifier ON versions (identifier);
CREATE INDEX versions_by_licence ON versions (licence);
CREATE TABLE holders (code text COLLATE "C" NOT NULL, version bigint NOT NULL, PRIMARY KEY (code, version));
CREATE INDEX holders_by_version ON holders (version);
CREATE TABLE changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, licence bigint NOT NULL, status text COLLATE "C" NOT NULL,
    since timestamptz NOT NULL, objection boolean NOT NULL, reason text NOT NULL);
CREATE INDEX changes_by_licence ON changes (licence);
CREATE TABLE stated (
    licence bigint PRIMARY KEY, at timestamptz NOT NULL, issued_on text COLLATE "C" NOT NULL,
    identifier text COLLATE "C" NOT NULL, otherwise text COLLATE "C" NOT NULL, otherwise_objected boolean NOT NULL);
ALTER TABLE documents ALTER content SET STORAGE EXTERNAL;
ALTER TABLE licences ALTER number SET STATISTICS 0, ALTER type_code SET STATISTICS 0, ALTER name SET STATISTICS 0;
ALTER TABLE versions ALTER identifier SET STATISTICS 0, ALTER licence SET STATISTICS 0;
ALTER TABLE holders ALTER code SET STATISTICS 0, ALTER version SET STATISTICS 0;
"""


async def make_tables(connection: Connection) -> None:
    """Make the tables where there are none; of several that make them, one does."""
    if await connection.fetchval(_HAS_TABLES):
        return
    async with connection.transaction():
        # Two that make a schema at once would both try; the lock ends with the transaction.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"tongban {SCHEMA}")
        if not await connection.fetchval(_HAS_TABLES):
            await connection.execute(_TABLES)
            await connection.execute(
                "INSERT INTO store VALUES (0, $1, $2, 0)", SCHEMA_VERSION, secrets.token_bytes(SECRET_BYTES)
            )


async def read_secret(connection: Connection) -> bytes:
    """Return the secret by which decoys are picked.

    Raises:
        SourceUnavailableError: UNUSABLE without tables; NEWER; CORRUPT.

    """
    if not await connection.fetchval(_HAS_TABLES):
        raise SourceUnavailableError(SourceFault.UNUSABLE, "the database has no licence store yet")
    row = await connection.fetchrow("SELECT version, secret FROM store")
    if row is None or len(row[1]) != SECRET_BYTES:
        raise SourceUnavailableError(SourceFault.CORRUPT, "the secret is gone")
    if row[0] > SCHEMA_VERSION:
        raise SourceUnavailableError(SourceFault.NEWER)
    secret: bytes = row[1]
    return secret
