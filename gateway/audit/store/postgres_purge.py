"""Having PostgreSQL let go of what was erased: old rows stay until VACUUM, and VACUUM keeps what anybody still sees.

A backup that runs may still see them; so may a standby that says so, a prepared transaction, a replication slot. What
such a one keeps stays where it is, and whoever erased it is told to come again.

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
_LOOK_SECONDS: Final = 0.1
# Transactions that may have a snapshot of this database, or whose number a snapshot may be waiting for; what a slot
# holds back goes by the number too, so that one which moves on is another one.
_RUNNING: Final = """
SELECT l.virtualtransaction FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a USING (pid)
WHERE l.pid IS DISTINCT FROM pg_backend_pid() AND (l.locktype = 'transactionid'
    OR l.locktype = 'virtualxid' AND (a.datname IS NULL OR a.datname = current_database()))
UNION SELECT slot_name || ' ' || xmin::text FROM pg_replication_slots WHERE xmin IS NOT NULL
"""


def purge_tables(dsn: str, tables: Sequence[str], *, rewrites: bool = False) -> bool:
    """Vacuum tables; False: some of the old rows may be left, for somebody still sees them. Blocks.

    ``rewrites``: write them anew, so that no byte of the old rows is left.

    Raises:
        LogUnavailableError: nobody knows what is left.

    """

    async def purge(connection: Connection) -> bool:
        # Twice: a snapshot that was taken while an older transaction ran sees what that one sees.
        is_unseen = await _outlast(connection) and await _outlast(connection)
        for table in tables:
            if rewrites and is_unseen:
                is_unseen = await _rewrite(connection, table)
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


async def _outlast(connection: Connection) -> bool:
    """Wait until everything that runs now has ended; False: something has not."""
    running = await _read_running(connection)
    for _ in range(round(WAIT_SECONDS / _LOOK_SECONDS)):
        if not running:
            return True
        await asyncio.sleep(_LOOK_SECONDS)
        running &= await _read_running(connection)
    return not running


async def _read_running(connection: Connection) -> set[str]:
    return {row[0] for row in await connection.fetch(_RUNNING)}
