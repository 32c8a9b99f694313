"""The log in PostgreSQL, for several gateways: one of them writes it, elected by an advisory lock.

A batch is one statement, and so one round trip and one transaction, behind a lock on the one row of the head. The lock
of the writer belongs to its connection: whoever lost the connection has lost the lock, and writes nothing with it.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from gateway.audit.data_keys import MANY_OWNERS
from gateway.audit.lookup import Epoch, KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.store import postgres_owners
from gateway.audit.store import postgres_sql as sql
from gateway.audit.store.group import (
    GROUP_WIDTH,
    NO_PRIVATE_SIZE,
    first_in_group,
    join_hashes,
    pick_entries,
    read_group,
    replace_in_group,
    unpack_leaves,
)
from gateway.audit.store.postgres_check import keep_check, read_check
from gateway.audit.store.postgres_commit import EMPTY, LEVEL_SHIFT, OpenEntry, plan_commit, read_open
from gateway.audit.store.postgres_link import Connection, PostgresLink
from gateway.audit.store.postgres_owners import join_owner, split_after, split_owners
from gateway.audit.store.postgres_purge import purge_tables
from gateway.audit.store.store import (
    MAX_BATCH,
    Batch,
    OwnerRow,
    StoredEntry,
    StoredHead,
    verify_seqs,
)
from gateway.audit.tlog.merkle import HASH_SIZE
from gateway.audit.tlog.tile import TILE_WIDTH
from gateway.audit.unavailable import LogUnavailableError, Unavailable

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.cursor import Cursor

_CHUNK: Final = 4_096  # entries whose rows are erased by one statement; rows that are fetched at a time
_SORT_SECONDS: Final = 600.0  # for the rows of some days, 10^7 and more, to be sorted


class PostgresStore:
    """The store of one log in one schema; two connections, so that reading does not wait for the writer."""

    def __init__(self, dsn: str, *, origin: str, writes: bool = True, create: bool = True) -> None:
        """Connect and become the writer of this log, ``create``: make its tables where there are none; or only read.

        Raises:
            LogUnavailableError: SECOND_WRITER, somebody else is; UNUSABLE without tables; NEWER; and as `PostgresLink`
                says.

        """
        self._dsn = dsn
        self._creates = create
        self._was_writer = False
        self._opened: Sequence[OpenEntry] | None = None  # as they were written last; None: to be read
        self._lock_number = int.from_bytes(hashlib.sha256(origin.encode()).digest()[:8], signed=True)
        self._writer = PostgresLink(dsn, prepare=self._become_writer if writes else _prefer_indexes, renews=not writes)
        try:
            self._reader = PostgresLink(dsn, prepare=_prefer_indexes)
        except BaseException:
            self._writer.close()
            raise

    async def _become_writer(self, connection: Connection) -> None:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock_number):
            # Whoever was the writer and lost its connection waits: the server may not have noticed that it is gone.
            reason = Unavailable.LOCKED if self._was_writer else Unavailable.SECOND_WRITER
            raise LogUnavailableError(reason, "another connection holds the lock of this log")
        self._was_writer = True
        self._opened = None
        # Asked first: to change them waits for every backup that runs.
        if not await connection.fetchval(sql.HAS_TABLES):
            if not self._creates:
                raise LogUnavailableError(Unavailable.UNUSABLE, "the tables of the log are missing")
            async with connection.transaction():
                await connection.execute(sql.SCHEMA)
        version = await connection.fetchval("SELECT max(version) FROM audit_version")
        if version != sql.SCHEMA_VERSION:
            raise LogUnavailableError(Unavailable.OLDER if (version or 0) < sql.SCHEMA_VERSION else Unavailable.NEWER)
        await _prefer_indexes(connection)
        self._creates = False  # what vanishes while the log is open is not made anew

    def head(self) -> StoredHead | None:
        """Return the head."""

        async def read(connection: Connection) -> StoredHead | None:
            row = await connection.fetchrow("SELECT size, root, t, checkpoint FROM audit_head")
            if row is None:
                raise LogUnavailableError(Unavailable.CORRUPT, "the row of the head is missing")
            head = StoredHead(size=row[0], root=row[1], t=row[2], checkpoint=row[3])
            return None if head == EMPTY else head

        return self._reader.read(read)

    def seqs(self) -> Mapping[str, int]:
        """Return the last number of every caller."""

        async def read(connection: Connection) -> Mapping[str, int]:
            rows = await connection.fetch("SELECT caller, seq, checked FROM audit_seqs")
            return verify_seqs([(row[0], row[1], row[2]) for row in rows])

        return self._reader.read(read)

    def tile(self, level: int, index: int) -> bytes | None:
        """Return the hashes of a tile."""
        first = index * TILE_WIDTH

        async def join(connection: Connection) -> bytes | None:
            query = "SELECT first, hashes FROM audit_groups WHERE first >= $1 AND first < $2 ORDER BY first"
            rows = await connection.fetch(query, first, first + TILE_WIDTH)
            return join_hashes(first, [(row[0], row[1]) for row in rows])

        async def read(connection: Connection) -> bytes | None:
            place = level << LEVEL_SHIFT | index
            hashes: bytes | None = await connection.fetchval("SELECT hashes FROM audit_tiles WHERE place = $1", place)
            return hashes

        return self._reader.read(read if level else join)

    def leaves(self, first: int, end: int) -> Sequence[bytes]:
        """Return the leaves of a range."""

        async def read(connection: Connection) -> Sequence[bytes]:
            query = "SELECT first, hashes, leaves FROM audit_groups WHERE first > $1 AND first < $2 ORDER BY first"
            leaves: list[bytes] = []
            for row in await connection.fetch(query, first - GROUP_WIDTH, end):
                group = read_group(row[0], row[1], row[2], b"")
                if group.first + group.count > first:
                    leaves += unpack_leaves(group.leaves, group.count)[max(first - group.first, 0) : end - group.first]
            return leaves

        return self._reader.read(read)

    def private(self, entry: int) -> bytes | None:
        """Return a sealed private part."""
        found = self.pick([entry]).get(entry)
        return None if found is None else found.private or None

    def pick(self, entries: Collection[int]) -> Mapping[int, StoredEntry]:
        """Return single entries."""

        async def read(connection: Connection) -> Mapping[int, StoredEntry]:
            rows = await connection.fetch(sql.READ_ANY, _groups_of(entries), list(entries))
            return pick_entries([read_group(*row) for row in rows], entries)

        return self._reader.read(read)

    def find(self, word: int, *, before: int, limit: int, since: int = 0) -> Sequence[int]:
        """Return the entries that a word leads to."""

        async def read(connection: Connection) -> Sequence[int]:
            return [row[0] for row in await connection.fetch(sql.FIND, word, before, limit, since, MAX_BATCH)]

        return self._reader.read(read)

    def first_at(self, t: int) -> int | None:
        """Return the first entry at or after a time; a row has the time of its first one."""

        async def read(connection: Connection) -> int | None:
            for row in await connection.fetch(sql.AROUND, t):
                group = read_group(row[0], row[1], row[2], b"")
                if (found := group.first if row[3] >= t else first_in_group(group, t)) is not None:
                    return found
            return None

        return self._reader.read(read)

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch."""
        before = expected or EMPTY

        async def write(connection: Connection) -> None:
            opened, self._opened = self._opened, None  # until it is known what became of the batch
            if opened is None:
                opened = [read_open(*row) for row in await connection.fetch(sql.READ_OPEN)]
            try:
                planned = plan_commit(batch, before, opened)
            except LogUnavailableError:
                if await connection.fetchval("SELECT size FROM audit_head") == before.size:
                    raise
                planned = None
            if planned is None or await connection.fetchval(sql.COMMIT, *planned.arguments) is None:
                raise LogUnavailableError(Unavailable.SECOND_WRITER, "the head is another than expected")
            self._opened = planned.opened

        self._writer.run(write)

    def erase_words(self, words: Collection[int]) -> int:
        """Delete what the index has under these words; the server keeps the old rows until `purge`."""

        async def write(connection: Connection) -> int:
            self._opened = None
            return int(await connection.fetchval(sql.ERASE_WORDS, list(words)))

        return self._writer.run(write)

    def erase_entry_words(self, entries: Iterable[int]) -> int:
        """Delete every row of the index that leads to these entries; the server keeps the old rows until `purge`."""
        erased, left = 0, iter(entries)
        while chunk := list(islice(left, _CHUNK)):

            async def write(connection: Connection, chunk: list[int] = chunk) -> int:
                self._opened = None
                return int(await connection.fetchval(sql.ERASE_ENTRY_WORDS, chunk))

            erased += self._writer.run(write)
        return erased

    def batches_with_private(self, end: int) -> Sequence[tuple[int, int]]:
        """Return the batches that still have private parts."""

        async def read(connection: Connection) -> Sequence[tuple[int, int]]:
            query = """SELECT first, length(hashes) / $2::int FROM audit_groups
                WHERE first < $1 AND length(privates) > length(hashes) / $2::int * $3::int ORDER BY first"""
            return [(row[0], row[1]) for row in await connection.fetch(query, end, HASH_SIZE, NO_PRIVATE_SIZE)]

        return self._reader.read(read)

    def replace_privates(self, privates: Mapping[int, bytes]) -> None:
        """Put other sealed parts in place; the server keeps the old rows until `purge`."""

        async def write(connection: Connection) -> None:
            self._opened = None
            async with connection.transaction():
                for row in await connection.fetch(sql.READ_ANY, _groups_of(privates), list(privates)):
                    group = read_group(*row)
                    table = "audit_open" if group.count == 1 else "audit_entries"
                    query = f"UPDATE {table} SET privates = $1 WHERE first = $2"  # noqa: S608 - names of ours
                    await connection.execute(query, replace_in_group(group, privates), group.first)

        self._writer.run(write)

    def owners(self, owners: Collection[KeyOwner]) -> Mapping[KeyOwner, KeyNumber]:
        """Return the numbers of the data keys of owners."""

        async def read(connection: Connection) -> Mapping[KeyOwner, KeyNumber]:
            rows = await connection.fetch(postgres_owners.FIND_OWNERS, split_owners(owners)[0])
            found = {join_owner(row[0], row[1]): KeyNumber(row[2]) for row in rows}
            return {owner: found[owner] for owner in owners if owner in found}

        return self._reader.read(read)

    def owners_before(
        self, epoch: Epoch, *, after: KeyOwner | None = None, limit: int = MANY_OWNERS
    ) -> Mapping[KeyOwner, KeyNumber]:
        """Return the owners of earlier epochs."""

        async def read(connection: Connection) -> Mapping[KeyOwner, KeyNumber]:
            rows = await connection.fetch(postgres_owners.OWNERS_BEFORE, epoch, *split_after(after), limit)
            return {join_owner(row[0], row[1]): KeyNumber(row[2]) for row in rows}

        return self._reader.read(read)

    def erase_owners(self, owners: Collection[KeyOwner]) -> None:
        """Forget owners; the server keeps the old rows until `purge`."""

        async def write(connection: Connection) -> None:
            await connection.execute(postgres_owners.ERASE_OWNERS, *split_owners(owners))

        self._writer.run(write)

    def index_rows(self, spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
        """Yield rows of the index; the server sorts them, on disk where they are many."""
        for rows in self._scan(sql.ROWS, spans, MAX_BATCH):
            yield [(row[0], row[1]) for row in rows]

    def owner_rows(self, spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[OwnerRow]]:
        """Yield owners; the server goes through all of them."""
        for rows in self._scan(postgres_owners.OWNERS, spans):
            yield [
                OwnerRow(owner=join_owner(row[0], row[1]), number=row[2], epoch=row[3], first=row[4]) for row in rows
            ]

    def missing_rows(self, rows: Collection[tuple[int, int]]) -> Collection[tuple[int, int]]:
        """Return the rows that the index does not have."""

        async def read(connection: Connection) -> Collection[tuple[int, int]]:
            there: set[tuple[int, int]] = set()
            for first, words, places in await connection.fetch(sql.ROWS_OF, list({entry for _, entry in rows})):
                there |= {(word, first + place) for word, place in zip(words, places, strict=True)}
            return [row for row in rows if row not in there]

        return self._reader.read(read)

    def _scan(self, query: str, spans: Sequence[tuple[int, int]], *more: int) -> Iterator["Sequence[asyncpg.Record]"]:
        """Read much on a connection of its own, so that nobody waits for it."""
        bounds = [span[0] for span in spans], [span[1] for span in spans]
        link = PostgresLink(self._dsn, prepare=_prefer_indexes)
        try:
            cursor = link.run(lambda connection: _open_cursor(connection, query, *bounds, *more))
            while rows := link.run(lambda _: cursor.fetch(_CHUNK, timeout=_SORT_SECONDS)):
                yield rows
        finally:
            link.close()

    def last_owned(self) -> int:
        """Return the highest number that an owner has."""

        async def read(connection: Connection) -> int:
            return await connection.fetchval(postgres_owners.LAST_OWNED) or 0

        return self._reader.read(read)

    def key_check(self) -> bytes | None:
        """Return what the key is checked by."""
        return read_check(self._reader, sql.KEY_CHECK)

    def set_key_check(self, value: bytes) -> None:
        """Keep it."""
        keep_check(self._writer, sql.KEY_CHECK, value)

    def purge(self) -> bool:
        """Have the server remove the old rows, on a connection of its own; it writes over their bytes some day."""
        return purge_tables(self._dsn, sql.ERASABLE, probe=sql.KEY_CHECK)

    def settle(self) -> None:
        """Do nothing: the server shows no transaction before it is on disk, and stops when a sync fails."""

    def reconnect(self) -> None:
        """Connect again."""
        self._writer.reconnect()
        self._reader.reconnect()

    def close(self) -> None:
        """Disconnect; the next may become the writer."""
        self._reader.close()
        self._writer.close()


def _groups_of(entries: Iterable[int]) -> list[int]:
    """Return the first entries of the groups that hold these, where they are whole."""
    return list({entry - entry % GROUP_WIDTH for entry in entries})


async def _prefer_indexes(connection: Connection) -> None:
    """Have everything read by an index: the planner takes arrays that lie apart for small, and would read them all."""
    await connection.execute("SET enable_seqscan = off")


async def _open_cursor(connection: Connection, query: str, *arguments: object) -> "Cursor":
    await connection.transaction(readonly=True).start()
    return await connection.cursor(query, *arguments, timeout=_SORT_SECONDS)
