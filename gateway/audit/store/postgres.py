"""The log in PostgreSQL, for several gateways: one of them writes it, elected by an advisory lock.

A batch is one statement, and so one round trip and one transaction, behind a lock on the one row of the head. The lock
of the writer belongs to its connection: whoever lost the connection has lost the lock, and writes nothing with it.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from gateway.audit.lookup import Epoch, KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.store.postgres_link import Connection, PostgresLink
from gateway.audit.store.store import (
    MAX_BATCH,
    NO_PRIVATE_SIZE,
    Batch,
    StoredEntry,
    StoredHead,
    by_batch,
    check_value,
    pack_leaves,
    pick_leaves,
    pick_privates,
    replace_in_bundle,
    unpack_leaves,
    unpack_privates,
    verify_seqs,
)
from gateway.audit.tlog.merkle import EMPTY_ROOT
from gateway.audit.tlog.tile import encode_bundle
from gateway.audit.unavailable import LogUnavailableError, Unavailable

SCHEMA_VERSION: Final = 1
_LEVEL_SHIFT: Final = 56  # the row number of a tile: its level above, its index below
_CHUNK: Final = 4_096  # entries whose rows are erased by one statement
# Words stand beside their batch in an array, under a GIN index: a row for each would take twice the space.
# EXTERNAL: these bytes are compressed or random already. fastupdate off: nobody pays for the words of others.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS audit_version (version int NOT NULL);
CREATE TABLE IF NOT EXISTS audit_head (
    id int PRIMARY KEY CHECK (id = 0), size bigint NOT NULL, root bytea NOT NULL, t bigint NOT NULL,
    checkpoint bytea NOT NULL);
CREATE TABLE IF NOT EXISTS audit_batches (
    first bigint PRIMARY KEY, count int NOT NULL, t bigint NOT NULL, leaves bytea NOT NULL, privates bytea NOT NULL);
CREATE TABLE IF NOT EXISTS audit_words (first bigint PRIMARY KEY, words bigint[] NOT NULL, places bytea NOT NULL);
CREATE TABLE IF NOT EXISTS audit_owners (owner bytea PRIMARY KEY, number bigint NOT NULL, epoch int NOT NULL);
CREATE TABLE IF NOT EXISTS audit_seqs (caller text PRIMARY KEY, seq bigint NOT NULL, checked bytea NOT NULL);
CREATE TABLE IF NOT EXISTS audit_tiles (place bigint PRIMARY KEY, hashes bytea NOT NULL);
CREATE INDEX IF NOT EXISTS audit_batches_by_time ON audit_batches (t);
CREATE INDEX IF NOT EXISTS audit_words_by_word ON audit_words USING gin (words) WITH (fastupdate = off);
ALTER TABLE audit_batches ALTER leaves SET STORAGE EXTERNAL, ALTER privates SET STORAGE EXTERNAL;
ALTER TABLE audit_words ALTER words SET STORAGE EXTERNAL, ALTER places SET STORAGE EXTERNAL;
ALTER TABLE audit_tiles ALTER hashes SET STORAGE EXTERNAL;
INSERT INTO audit_head SELECT 0, 0, $root$, 0, '' WHERE NOT EXISTS (SELECT FROM audit_head);
INSERT INTO audit_version SELECT $version$ WHERE NOT EXISTS (SELECT FROM audit_version);
""".replace("$root$", f"'\\x{EMPTY_ROOT.hex()}'").replace("$version$", str(SCHEMA_VERSION))
_READ_ANY: Final = """
SELECT first, count, leaves, privates FROM audit_batches
WHERE first IN (SELECT (SELECT max(first) FROM audit_batches WHERE first <= entry) FROM unnest($1::bigint[]) AS entry)
"""  # the batches that hold any of these entries
# Everything is taken from the fence: where the head is another one, nothing is written and nothing returned.
_COMMIT: Final = """
WITH fence AS (
    SELECT id FROM audit_head WHERE size = $1 AND root = $2 AND t = $3 AND checkpoint = $4 FOR UPDATE
), entries AS (
    INSERT INTO audit_batches SELECT $5, $6, $7, $8, $9 FROM fence
), words AS (
    INSERT INTO audit_words SELECT $5, $10::bigint[], $11 FROM fence
), owners AS (
    INSERT INTO audit_owners SELECT o.owner, o.number, $12 FROM fence, unnest($13::bytea[], $14::bigint[])
        AS o (owner, number) ON CONFLICT (owner) DO UPDATE SET number = excluded.number, epoch = excluded.epoch
), seqs AS (
    INSERT INTO audit_seqs SELECT s.* FROM fence, unnest($15::text[], $16::bigint[], $17::bytea[])
        AS s (caller, seq, checked) ON CONFLICT (caller) DO UPDATE SET seq = excluded.seq, checked = excluded.checked
), tiles AS (
    INSERT INTO audit_tiles SELECT t.* FROM fence, unnest($18::bigint[], $19::bytea[]) AS t (place, hashes)
        ON CONFLICT (place) DO UPDATE SET hashes = excluded.hashes
)
UPDATE audit_head SET size = $20, root = $21, t = $7, checkpoint = $22 FROM fence WHERE audit_head.id = fence.id
RETURNING audit_head.size
"""
_EMPTY: Final = StoredHead(size=0, root=EMPTY_ROOT, t=0, checkpoint=b"")


class PostgresStore:
    """The store of one log in one schema; two connections, so that reading does not wait for the writer."""

    def __init__(self, dsn: str, *, origin: str) -> None:
        """Connect, become the writer of this log, and make the tables where they are missing.

        Raises:
            LogUnavailableError: SECOND_WRITER, somebody else is; NEWER; and as `PostgresLink` says.

        """
        self._lock_number = int.from_bytes(hashlib.sha256(origin.encode()).digest()[:8], signed=True)
        self._writer = PostgresLink(dsn, prepare=self._become_writer)
        try:
            self._reader = PostgresLink(dsn, prepare=_nothing)
        except BaseException:
            self._writer.close()
            raise

    async def _become_writer(self, connection: Connection) -> None:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock_number):
            raise LogUnavailableError(Unavailable.SECOND_WRITER, "another connection holds the lock of this log")
        async with connection.transaction():
            await connection.execute(_SCHEMA)
            if await connection.fetchval("SELECT max(version) FROM audit_version") != SCHEMA_VERSION:
                raise LogUnavailableError(Unavailable.NEWER)

    def head(self) -> StoredHead | None:
        """Return the head."""

        async def read(connection: Connection) -> StoredHead | None:
            row = await connection.fetchrow("SELECT size, root, t, checkpoint FROM audit_head")
            if row is None:
                raise LogUnavailableError(Unavailable.CORRUPT, "the row of the head is missing")
            head = StoredHead(size=row[0], root=row[1], t=row[2], checkpoint=row[3])
            return None if head == _EMPTY else head

        return self._reader.run(read)

    def seqs(self) -> Mapping[str, int]:
        """Return the last number of every caller."""

        async def read(connection: Connection) -> Mapping[str, int]:
            rows = await connection.fetch("SELECT caller, seq, checked FROM audit_seqs")
            return verify_seqs([(row[0], row[1], row[2]) for row in rows])

        return self._reader.run(read)

    def tile(self, level: int, index: int) -> bytes | None:
        """Return the hashes of a tile."""

        async def read(connection: Connection) -> bytes | None:
            place = level << _LEVEL_SHIFT | index
            hashes: bytes | None = await connection.fetchval("SELECT hashes FROM audit_tiles WHERE place = $1", place)
            return hashes

        return self._reader.run(read)

    def leaves(self, first: int, end: int) -> Sequence[bytes]:
        """Return the leaves of a range."""

        async def read(connection: Connection) -> Sequence[bytes]:
            query = "SELECT first, count, leaves FROM audit_batches WHERE first > $1 AND first < $2 ORDER BY first"
            leaves: list[bytes] = []
            for start, count, data in await connection.fetch(query, first - MAX_BATCH, end):
                if start + count > first:
                    leaves += unpack_leaves(data, count)[max(first - start, 0) : end - start]
            return leaves

        return self._reader.run(read)

    def private(self, entry: int) -> bytes | None:
        """Return a sealed private part."""

        async def read(connection: Connection) -> bytes | None:
            query = "SELECT first, count, privates FROM audit_batches WHERE first <= $1 ORDER BY first DESC LIMIT 1"
            row = await connection.fetchrow(query, entry)
            if row is None or not row[0] <= entry < row[0] + row[1]:
                return None
            return unpack_privates(row[2], row[1])[entry - row[0]] or None

        return self._reader.run(read)

    def pick(self, entries: Collection[int]) -> Mapping[int, StoredEntry]:
        """Return single entries."""

        async def read(connection: Connection) -> Mapping[int, StoredEntry]:
            found: dict[int, StoredEntry] = {}
            for first, count, leaves, privates in await connection.fetch(_READ_ANY, list(entries)):
                if mine := by_batch(entries, first, count):
                    picked = pick_leaves(leaves, count, {entry - first for entry in mine})
                    parts = pick_privates(privates, picked)
                    found |= {
                        entry: StoredEntry(leaf=picked[entry - first], private=parts[entry - first]) for entry in mine
                    }
            return found

        return self._reader.run(read)

    def find(self, word: int, *, before: int, limit: int, since: int = 0) -> Sequence[int]:
        """Return the entries that a word leads to."""

        async def read(connection: Connection) -> Sequence[int]:
            query = """SELECT b.first + get_byte(b.places, at - 1) AS entry
                FROM audit_words AS b, unnest(array_positions(b.words, $1)) AS at
                WHERE b.words @> ARRAY[$1::bigint] AND b.first < $2 AND b.first > $4 - $5::int
                    AND b.first + get_byte(b.places, at - 1) < $2 AND b.first + get_byte(b.places, at - 1) >= $4
                ORDER BY entry DESC LIMIT $3"""
            return [row[0] for row in await connection.fetch(query, word, before, limit, since, MAX_BATCH)]

        return self._reader.run(read)

    def first_at(self, t: int) -> int | None:
        """Return the first entry at or after a time; all entries of a batch have one time."""

        async def read(connection: Connection) -> int | None:
            query = "SELECT first FROM audit_batches WHERE t >= $1 ORDER BY t, first LIMIT 1"
            first: int | None = await connection.fetchval(query, t)
            return first

        return self._reader.run(read)

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch."""
        before, head = expected or _EMPTY, batch.head
        words = list(dict.fromkeys(batch.words))
        arguments = (
            *(before.size, before.root, before.t, before.checkpoint),
            *(batch.first, len(batch.leaves), head.t, pack_leaves(batch.leaves), encode_bundle(batch.privates)),
            *([word for word, _ in words], bytes([entry - batch.first for _, entry in words])),
            *(batch.epoch, list(batch.owners.keys()), list(batch.owners.values())),
            *(list(batch.seqs), list(batch.seqs.values()), [check_value(*row) for row in batch.seqs.items()]),
            [tile.address.level << _LEVEL_SHIFT | tile.address.index for tile in batch.tiles],
            [tile.hashes for tile in batch.tiles],
            *(head.size, head.root, head.checkpoint),
        )

        async def write(connection: Connection) -> None:
            if await connection.fetchval(_COMMIT, *arguments) is None:
                raise LogUnavailableError(Unavailable.SECOND_WRITER, "the head is another than expected")

        self._writer.run(write)

    def erase_words(self, words: Collection[int]) -> int:
        """Delete what the index has under these words; the server keeps the old rows until it vacuums."""

        async def write(connection: Connection) -> int:
            query = """WITH touched AS (
                SELECT b.first, array_agg(b.words[at] ORDER BY at) FILTER (WHERE b.words[at] <> ALL ($1)) AS words,
                    string_agg(substring(b.places FROM at FOR 1), '' ORDER BY at)
                        FILTER (WHERE b.words[at] <> ALL ($1)) AS places,
                    count(*) FILTER (WHERE b.words[at] = ANY ($1)) AS erased
                FROM audit_words AS b, generate_subscripts(b.words, 1) AS at WHERE b.words && $1 GROUP BY b.first
            ), written AS (
                UPDATE audit_words AS b SET words = coalesce(t.words, '{}'), places = coalesce(t.places, '')
                FROM touched AS t WHERE b.first = t.first
            ) SELECT coalesce(sum(erased), 0)::bigint FROM touched"""
            return int(await connection.fetchval(query, list(words)))

        return self._writer.run(write)

    def erase_entry_words(self, entries: Iterable[int]) -> int:
        """Delete every row of the index that leads to these entries; the server keeps the old rows until it vacuums."""
        query = """WITH doomed AS (
                SELECT b.first, array_agg(e.entry - b.first) AS gone FROM unnest($1::bigint[]) AS e (entry)
                CROSS JOIN LATERAL (
                    SELECT first FROM audit_words WHERE first <= e.entry ORDER BY first DESC LIMIT 1) AS b
                GROUP BY b.first
            ), touched AS (
                SELECT b.first, array_agg(w.word ORDER BY at) FILTER (WHERE w.place <> ALL (d.gone)) AS words,
                    string_agg(set_byte('\\x00', 0, w.place), '' ORDER BY at)
                        FILTER (WHERE w.place <> ALL (d.gone)) AS places,
                    count(*) FILTER (WHERE w.place = ANY (d.gone)) AS erased
                FROM audit_words AS b JOIN doomed AS d ON d.first = b.first CROSS JOIN LATERAL (
                    SELECT word, at, get_byte(b.places, at::int - 1) AS place
                    FROM unnest(b.words) WITH ORDINALITY AS u (word, at)) AS w
                GROUP BY b.first
            ), written AS (
                UPDATE audit_words AS b SET words = coalesce(t.words, '{}'), places = coalesce(t.places, '')
                FROM touched AS t WHERE b.first = t.first
            ) SELECT coalesce(sum(erased), 0)::bigint FROM touched"""
        erased, left = 0, iter(entries)
        while chunk := list(islice(left, _CHUNK)):

            async def write(connection: Connection, chunk: list[int] = chunk) -> int:
                return int(await connection.fetchval(query, chunk))

            erased += self._writer.run(write)
        return erased

    def batches_with_private(self, end: int) -> Sequence[tuple[int, int]]:
        """Return the batches that still have private parts."""

        async def read(connection: Connection) -> Sequence[tuple[int, int]]:
            query = """SELECT first, count FROM audit_batches WHERE first < $1 AND length(privates) > count * $2
                ORDER BY first"""
            return [(row[0], row[1]) for row in await connection.fetch(query, end, NO_PRIVATE_SIZE)]

        return self._reader.run(read)

    def replace_privates(self, privates: Mapping[int, bytes]) -> None:
        """Put other sealed parts in place; the server keeps the old rows until it vacuums."""

        async def write(connection: Connection) -> None:
            async with connection.transaction():
                for first, count, _, data in await connection.fetch(_READ_ANY, list(privates)):
                    replaced = replace_in_bundle(data, first, count, privates)
                    await connection.execute("UPDATE audit_batches SET privates = $1 WHERE first = $2", replaced, first)

        self._writer.run(write)

    def owners(self, owners: Collection[KeyOwner]) -> Mapping[KeyOwner, KeyNumber]:
        """Return the numbers of the data keys of owners."""

        async def read(connection: Connection) -> Mapping[KeyOwner, KeyNumber]:
            query = "SELECT owner, number FROM audit_owners WHERE owner = ANY ($1::bytea[])"
            return {KeyOwner(row[0]): KeyNumber(row[1]) for row in await connection.fetch(query, list(owners))}

        return self._reader.run(read)

    def owners_before(self, epoch: Epoch) -> Mapping[KeyOwner, KeyNumber]:
        """Return the owners of earlier epochs."""

        async def read(connection: Connection) -> Mapping[KeyOwner, KeyNumber]:
            rows = await connection.fetch("SELECT owner, number FROM audit_owners WHERE epoch < $1", epoch)
            return {KeyOwner(row[0]): KeyNumber(row[1]) for row in rows}

        return self._reader.run(read)

    def erase_owners(self, owners: Collection[KeyOwner]) -> None:
        """Forget owners; the server keeps the old rows until it vacuums."""

        async def write(connection: Connection) -> None:
            await connection.execute("DELETE FROM audit_owners WHERE owner = ANY ($1::bytea[])", list(owners))

        self._writer.run(write)

    def reconnect(self) -> None:
        """Connect again."""
        self._writer.reconnect()
        self._reader.reconnect()

    def close(self) -> None:
        """Disconnect; the next may become the writer."""
        self._reader.close()
        self._writer.close()


async def _nothing(_: Connection) -> None:
    """There is nothing to prepare for reading."""
