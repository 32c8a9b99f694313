"""The log in PostgreSQL, for several gateways: one of them writes it, elected by an advisory lock.

A batch is one statement, and so one round trip and one transaction, behind a lock on the one row of the head. The lock
of the writer belongs to its connection: whoever lost the connection has lost the lock, and writes nothing with it.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from gateway.audit.lookup import Epoch, KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.store.group import (
    GROUP_WIDTH,
    NO_PRIVATE_SIZE,
    join_hashes,
    make_groups,
    pick_entries,
    read_group,
    replace_in_group,
    unpack_leaves,
)
from gateway.audit.store.postgres_check import keep_check, read_check
from gateway.audit.store.postgres_link import Connection, PostgresLink
from gateway.audit.store.postgres_purge import purge_tables
from gateway.audit.store.postgres_sql import (
    COMMIT,
    ERASABLE,
    ERASE_ENTRY_WORDS,
    ERASE_WORDS,
    FIND,
    HAS_TABLES,
    KEY_CHECK,
    OWNERS,
    READ_ANY,
    ROWS,
    ROWS_OF,
    SCHEMA,
    SCHEMA_VERSION,
)
from gateway.audit.store.store import (
    MAX_BATCH,
    Batch,
    OwnerRow,
    StoredEntry,
    StoredHead,
    check_value,
    verify_seqs,
)
from gateway.audit.tlog.merkle import EMPTY_ROOT, HASH_SIZE
from gateway.audit.tlog.tile import TILE_WIDTH
from gateway.audit.unavailable import LogUnavailableError, Unavailable

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.cursor import Cursor

_LEVEL_SHIFT: Final = 56  # the row number of a tile: its level above, its index below
_CHUNK: Final = 4_096  # entries whose rows are erased by one statement; rows that are fetched at a time
_SORT_SECONDS: Final = 600.0  # for the rows of some days, 10^7 and more, to be sorted
_EMPTY: Final = StoredHead(size=0, root=EMPTY_ROOT, t=0, checkpoint=b"")


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
        if not await connection.fetchval(HAS_TABLES):  # asked first: to change them waits for every backup that runs
            if not self._creates:
                raise LogUnavailableError(Unavailable.UNUSABLE, "the tables of the log are missing")
            async with connection.transaction():
                await connection.execute(SCHEMA)
        if await connection.fetchval("SELECT max(version) FROM audit_version") != SCHEMA_VERSION:
            raise LogUnavailableError(Unavailable.NEWER)
        self._creates = False  # what vanishes while the log is open is not made anew

    def head(self) -> StoredHead | None:
        """Return the head."""

        async def read(connection: Connection) -> StoredHead | None:
            row = await connection.fetchrow("SELECT size, root, t, checkpoint FROM audit_head")
            if row is None:
                raise LogUnavailableError(Unavailable.CORRUPT, "the row of the head is missing")
            head = StoredHead(size=row[0], root=row[1], t=row[2], checkpoint=row[3])
            return None if head == _EMPTY else head

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
            query = "SELECT first, hashes FROM audit_entries WHERE first >= $1 AND first < $2 ORDER BY first"
            rows = await connection.fetch(query, first, first + TILE_WIDTH)
            return join_hashes(first, [(row[0], row[1]) for row in rows])

        async def read(connection: Connection) -> bytes | None:
            place = level << _LEVEL_SHIFT | index
            hashes: bytes | None = await connection.fetchval("SELECT hashes FROM audit_tiles WHERE place = $1", place)
            return hashes

        return self._reader.read(read if level else join)

    def leaves(self, first: int, end: int) -> Sequence[bytes]:
        """Return the leaves of a range."""

        async def read(connection: Connection) -> Sequence[bytes]:
            query = "SELECT first, hashes, leaves FROM audit_entries WHERE first > $1 AND first < $2 ORDER BY first"
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
            return pick_entries([read_group(*row) for row in await connection.fetch(READ_ANY, list(entries))], entries)

        return self._reader.read(read)

    def find(self, word: int, *, before: int, limit: int, since: int = 0) -> Sequence[int]:
        """Return the entries that a word leads to."""

        async def read(connection: Connection) -> Sequence[int]:
            return [row[0] for row in await connection.fetch(FIND, word, before, limit, since, MAX_BATCH)]

        return self._reader.read(read)

    def first_at(self, t: int) -> int | None:
        """Return the first entry at or after a time; all entries of a batch have one time."""

        async def read(connection: Connection) -> int | None:
            query = "SELECT first FROM audit_entries WHERE t >= $1 ORDER BY t, first LIMIT 1"
            first: int | None = await connection.fetchval(query, t)
            return first

        return self._reader.read(read)

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch."""
        before, head, groups = expected or _EMPTY, batch.head, make_groups(batch)
        words = list(dict.fromkeys(batch.words))
        tiles = [tile for tile in batch.tiles if tile.address.level]
        arguments = (
            *(before.size, before.root, before.t, before.checkpoint, head.t),
            *([group.first for group in groups], [group.hashes for group in groups]),
            *([group.leaves for group in groups], [group.privates for group in groups]),
            *(batch.first, [word for word, _ in words], bytes([entry - batch.first for _, entry in words])),
            *(batch.epoch, list(batch.owners.keys()), list(batch.owners.values())),
            *(list(batch.seqs), list(batch.seqs.values()), [check_value(*row) for row in batch.seqs.items()]),
            [tile.address.level << _LEVEL_SHIFT | tile.address.index for tile in tiles],
            [tile.hashes for tile in tiles],
            *(head.size, head.root, head.checkpoint),
        )

        async def write(connection: Connection) -> None:
            if await connection.fetchval(COMMIT, *arguments) is None:
                raise LogUnavailableError(Unavailable.SECOND_WRITER, "the head is another than expected")

        self._writer.run(write)

    def erase_words(self, words: Collection[int]) -> int:
        """Delete what the index has under these words; the server keeps the old rows until `purge`."""

        async def write(connection: Connection) -> int:
            return int(await connection.fetchval(ERASE_WORDS, list(words)))

        return self._writer.run(write)

    def erase_entry_words(self, entries: Iterable[int]) -> int:
        """Delete every row of the index that leads to these entries; the server keeps the old rows until `purge`."""
        erased, left = 0, iter(entries)
        while chunk := list(islice(left, _CHUNK)):

            async def write(connection: Connection, chunk: list[int] = chunk) -> int:
                return int(await connection.fetchval(ERASE_ENTRY_WORDS, chunk))

            erased += self._writer.run(write)
        return erased

    def batches_with_private(self, end: int) -> Sequence[tuple[int, int]]:
        """Return the batches that still have private parts."""

        async def read(connection: Connection) -> Sequence[tuple[int, int]]:
            query = """SELECT first, length(hashes) / $2::int FROM audit_entries
                WHERE first < $1 AND length(privates) > length(hashes) / $2::int * $3::int ORDER BY first"""
            return [(row[0], row[1]) for row in await connection.fetch(query, end, HASH_SIZE, NO_PRIVATE_SIZE)]

        return self._reader.read(read)

    def replace_privates(self, privates: Mapping[int, bytes]) -> None:
        """Put other sealed parts in place; the server keeps the old rows until `purge`."""

        async def write(connection: Connection) -> None:
            async with connection.transaction():
                for row in await connection.fetch(READ_ANY, list(privates)):
                    group = read_group(*row)
                    replaced = replace_in_group(group, privates)
                    await connection.execute(
                        "UPDATE audit_entries SET privates = $1 WHERE first = $2", replaced, group.first
                    )

        self._writer.run(write)

    def owners(self, owners: Collection[KeyOwner]) -> Mapping[KeyOwner, KeyNumber]:
        """Return the numbers of the data keys of owners."""

        async def read(connection: Connection) -> Mapping[KeyOwner, KeyNumber]:
            query = "SELECT owner, number FROM audit_owners WHERE owner = ANY ($1::bytea[])"
            return {KeyOwner(row[0]): KeyNumber(row[1]) for row in await connection.fetch(query, list(owners))}

        return self._reader.read(read)

    def owners_before(self, epoch: Epoch) -> Mapping[KeyOwner, KeyNumber]:
        """Return the owners of earlier epochs."""

        async def read(connection: Connection) -> Mapping[KeyOwner, KeyNumber]:
            rows = await connection.fetch("SELECT owner, number FROM audit_owners WHERE epoch < $1", epoch)
            return {KeyOwner(row[0]): KeyNumber(row[1]) for row in rows}

        return self._reader.read(read)

    def erase_owners(self, owners: Collection[KeyOwner]) -> None:
        """Forget owners; the server keeps the old rows until `purge`."""

        async def write(connection: Connection) -> None:
            await connection.execute("DELETE FROM audit_owners WHERE owner = ANY ($1::bytea[])", list(owners))

        self._writer.run(write)

    def index_rows(self, spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
        """Yield rows of the index; the server sorts them, on disk where they are many."""
        for rows in self._scan(ROWS, spans, MAX_BATCH):
            yield [(row[0], row[1]) for row in rows]

    def owner_rows(self, spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[OwnerRow]]:
        """Yield owners; the server goes through all of them."""
        for rows in self._scan(OWNERS, spans):
            yield [OwnerRow(owner=row[0], number=row[1], epoch=row[2], first=row[3]) for row in rows]

    def missing_rows(self, rows: Collection[tuple[int, int]]) -> Collection[tuple[int, int]]:
        """Return the rows that the index does not have."""

        async def read(connection: Connection) -> Collection[tuple[int, int]]:
            there: set[tuple[int, int]] = set()
            for first, words, places in await connection.fetch(ROWS_OF, list({entry for _, entry in rows})):
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
            return await connection.fetchval("SELECT max(number) FROM audit_owners") or 0

        return self._reader.read(read)

    def key_check(self) -> bytes | None:
        """Return what the key is checked by."""
        return read_check(self._reader, KEY_CHECK)

    def set_key_check(self, value: bytes) -> None:
        """Keep it."""
        keep_check(self._writer, KEY_CHECK, value)

    def purge(self) -> bool:
        """Have the server remove the old rows, on a connection of its own; it writes over their bytes some day."""
        return purge_tables(self._dsn, ERASABLE)

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


async def _prefer_indexes(connection: Connection) -> None:
    """Have everything read by an index: the planner takes arrays that lie apart for small, and would read them all."""
    await connection.execute("SET enable_seqscan = off")


async def _open_cursor(connection: Connection, query: str, *arguments: object) -> "Cursor":
    await connection.transaction(readonly=True).start()
    return await connection.cursor(query, *arguments, timeout=_SORT_SECONDS)
