"""Having PostgreSQL let go of what was erased: old rows stay until VACUUM, and VACUUM keeps what anybody still sees.

A backup that runs may still see them; so may a standby that says so, a prepared transaction, a replication slot. What
such a one keeps stays where it is, and whoever erased it is told to come again.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from gateway.audit.store.postgres_link import Connection, PostgresLink

WAIT_SECONDS: Final = 15.0  # for those that may still see it; a standby tells of itself every 10 seconds
VACUUM_SECONDS: Final = 600.0  # for one table: its pages that changed since the last time, and all of its indexes
_LOOK_SECONDS: Final = 0.1
# Transactions that may have a snapshot of this database, or whose number a snapshot may be waiting for; what a slot
# holds back goes by the number too, so that one which moves on is another one.
_RUNNING: Final = """
SELECT l.virtualtransaction FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a USING (pid)
WHERE l.pid IS DISTINCT FROM pg_backend_pid() AND (l.locktype = 'transactionid'
    OR l.locktype = 'virtualxid' AND (a.datname IS NULL OR a.datname = current_database()))
UNION SELECT slot_name || ' ' || xmin::text FROM pg_replication_slots WHERE xmin IS NOT NULL
"""


def purge_tables(dsn: str, tables: Sequence[str]) -> bool:
    """Vacuum tables; False: some of the old rows may be left, for somebody still sees them. Blocks.

    Raises:
        LogUnavailableError: nobody knows what is left.

    """

    async def purge(connection: Connection) -> bool:
        # Twice: a snapshot that was taken while an older transaction ran sees what that one sees.
        is_unseen = await _outlast(connection) and await _outlast(connection)
        for table in tables:
            await connection.execute(f"VACUUM {table}", timeout=VACUUM_SECONDS)
        return is_unseen

    link = PostgresLink(dsn)
    try:
        return link.run(purge)
    finally:
        link.close()


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
