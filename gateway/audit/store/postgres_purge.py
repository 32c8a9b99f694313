"""Having PostgreSQL let go of what was erased: old rows stay until VACUUM, and VACUUM keeps what anybody still sees.

A backup that runs may still see them; so may a standby that says so, a prepared transaction, a replication slot. Which
of these keeps what the server alone knows, and it tells everybody: for a table that was frozen its catalogue has the
number of a transaction, and nobody sees any more what earlier ones erased. So a table of one row is frozen, as often as
it takes. What somebody keeps stays where it is, and whoever erased it is told to come again.

VACUUM gives the place of old rows free, and does not clear it: their bytes stay until others are written there. So a
table of secrets is written anew, which locks it for one or two seconds per million keys. That would stop a log.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import asyncpg

from gateway.audit.store.postgres_link import Connection, PostgresLink

WAIT_SECONDS: Final = 15.0  # for those that may still see it; a standby tells of itself every 10 seconds
VACUUM_SECONDS: Final = 600.0  # for one table: its pages that changed since the last time, and all of its indexes
LOCK_SECONDS: Final = 2.0  # for the lock of a table that is written anew: whoever comes meanwhile waits behind it
_LOOK_SECONDS: Final = 0.2
_NUMBER: Final = "SELECT pg_current_xact_id()::xid::text"  # of a transaction; those of what was erased are lower
_IS_CLEAR: Final = "SELECT age(relfrozenxid) <= age($1::text::xid) FROM pg_class WHERE oid = $2::text::regclass"


def purge_tables(dsn: str, tables: Sequence[str], *, probe: str, rewrites: bool = False) -> bool:
    """Vacuum tables; False: some of the old rows may be left, for somebody still sees them. Blocks.

    ``probe`` is a table of one row or none, in the same database. ``rewrites``: write the tables anew, so that no byte
    of the old rows is left.

    Raises:
        LogUnavailableError: nobody knows what is left.

    """

    async def purge(connection: Connection) -> bool:
        number = await connection.fetchval(_NUMBER)
        is_unseen = await _outlast(connection, probe, number)
        for table in tables:
            if rewrites and is_unseen:
                is_unseen = await _rewrite(connection, table) and await connection.fetchval(_IS_CLEAR, number, table)
            else:
                await connection.execute(f"VACUUM {table}", timeout=VACUUM_SECONDS)
        return is_unseen

    link = PostgresLink(dsn)
    try:
        return link.run(purge)
    finally:
        link.close()


async def _rewrite(connection: Connection, table: str) -> bool:
    """Write a table anew; False: somebody uses it all the time, as a backup that has just begun."""
    await connection.execute(f"SET lock_timeout = {round(LOCK_SECONDS * 1000)}")
    try:
        await connection.execute(f"VACUUM FULL {table}", timeout=VACUUM_SECONDS)
    except asyncpg.LockNotAvailableError:
        return False
    return True


async def _outlast(connection: Connection, probe: str, number: str) -> bool:
    """Wait until nobody sees what earlier transactions erased; False: somebody still does."""
    for _ in range(round(WAIT_SECONDS / _LOOK_SECONDS)):
        await connection.execute(f"VACUUM (FREEZE) {probe}")
        if await connection.fetchval(_IS_CLEAR, number, probe):
            return True
        await asyncio.sleep(_LOOK_SECONDS)
    return False
