"""The log in a SQLite file: write-ahead, every commit on disk before it counts, one writer."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from gateway.audit.lookup import Epoch, KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.store.sqlite_file import FileKind, SqliteFile
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
from gateway.audit.tlog.merkle import HASH_SIZE
from gateway.audit.tlog.tile import encode_bundle
from gateway.audit.unavailable import LogUnavailableError, Unavailable

_LEVEL_SHIFT: Final = 56  # the row number of a tile: its level above, its index below
_SLICES: Final = 64  # of the index, which has 10^8 rows in a large shard; each slice then keeps a batch waiting briefly
_SCHEMA: Final = (
    """CREATE TABLE head (
        id INTEGER PRIMARY KEY CHECK (id = 0), size INTEGER NOT NULL, root BLOB NOT NULL, t INTEGER NOT NULL,
        checkpoint BLOB NOT NULL)""",
    """CREATE TABLE batches (
        first INTEGER PRIMARY KEY, count INTEGER NOT NULL, t INTEGER NOT NULL, leaves BLOB NOT NULL,
        privates BLOB NOT NULL)""",
    "CREATE INDEX batches_by_time ON batches (t)",
    "CREATE TABLE owners (owner BLOB PRIMARY KEY, number INTEGER NOT NULL, epoch INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE words (word INTEGER NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (word, entry)) WITHOUT ROWID",
    'CREATE TABLE seqs (caller TEXT PRIMARY KEY, seq INTEGER NOT NULL, "check" BLOB NOT NULL) WITHOUT ROWID',
    "CREATE TABLE tiles (place INTEGER PRIMARY KEY, hashes BLOB NOT NULL)",
)
LOG_FILE: Final = FileKind(application_id=0x54420010, version=1, schema=_SCHEMA, secure_delete=True)  # "TB", kind 16


class SqliteStore:
    """The store of one log in one file; reading does not wait for the writer."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """Open the file, or make it.

        Raises:
            LogUnavailableError: as `SqliteFile` says.

        """
        self._writer = SqliteFile(path, LOG_FILE, create=create)
        try:
            self._reader = SqliteFile(path, LOG_FILE, create=False)
        except BaseException:
            self._writer.close()
            raise

    def head(self) -> StoredHead | None:
        """Return the head."""
        with self._reader.reading() as connection:
            return _head(connection)

    def seqs(self) -> Mapping[str, int]:
        """Return the last number of every caller."""
        with self._reader.reading() as connection:
            return verify_seqs(connection.execute('SELECT caller, seq, "check" FROM seqs').fetchall())

    def tile(self, level: int, index: int) -> bytes | None:
        """Return the hashes of a tile."""
        with self._reader.reading() as connection:
            place = (level << _LEVEL_SHIFT | index,)
            row = connection.execute("SELECT hashes FROM tiles WHERE place = ?", place).fetchone()
        if row is None:
            return None
        if type(row[0]) is not bytes or len(row[0]) % HASH_SIZE:
            raise LogUnavailableError(Unavailable.CORRUPT, "a tile")
        return bytes(row[0])

    def leaves(self, first: int, end: int) -> Sequence[bytes]:
        """Return the leaves of a range."""
        leaves: list[bytes] = []
        query = "SELECT first, count, leaves FROM batches WHERE first > ? AND first < ? ORDER BY first"
        with self._reader.reading() as connection:
            for start, count, data in connection.execute(query, (first - MAX_BATCH, end)):
                if start + count > first:
                    leaves += unpack_leaves(data, count)[max(first - start, 0) : end - start]
        return leaves

    def private(self, entry: int) -> bytes | None:
        """Return a sealed private part."""
        query = "SELECT first, count, privates FROM batches WHERE first <= ? ORDER BY first DESC LIMIT 1"
        with self._reader.reading() as connection:
            row = connection.execute(query, (entry,)).fetchone()
        if row is None or not row[0] <= entry < row[0] + row[1]:
            return None
        return unpack_privates(row[2], row[1])[entry - row[0]] or None

    def pick(self, entries: Collection[int]) -> Mapping[int, StoredEntry]:
        """Return single entries."""
        query = "SELECT first, count, leaves, privates FROM batches WHERE first <= ? ORDER BY first DESC LIMIT 1"
        found: dict[int, StoredEntry] = {}
        for entry in entries:
            if entry in found:
                continue
            with self._reader.reading() as connection:
                row = connection.execute(query, (entry,)).fetchone()
            if row is not None:
                found |= _read_batch(row, entries)
        return found

    def find(self, word: int, *, before: int, limit: int, since: int = 0) -> Sequence[int]:
        """Return the entries that a word leads to."""
        query = "SELECT entry FROM words WHERE word = ? AND entry < ? AND entry >= ? ORDER BY entry DESC LIMIT ?"
        with self._reader.reading() as connection:
            return [row[0] for row in connection.execute(query, (word, before, since, limit))]

    def first_at(self, t: int) -> int | None:
        """Return the first entry at or after a time; all entries of a batch have one time."""
        query = "SELECT first FROM batches WHERE t >= ? ORDER BY t, first LIMIT 1"
        with self._reader.reading() as connection:
            row = connection.execute(query, (t,)).fetchone()
        return None if row is None else int(row[0])

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch."""
        with self._writer.writing() as connection:
            if _head(connection) != expected:
                raise LogUnavailableError(Unavailable.SECOND_WRITER, "the head is another than expected")
            self._insert(connection, batch)

    def _insert(self, connection: sqlite3.Connection, batch: Batch) -> None:
        head = batch.head
        leaves, privates = pack_leaves(batch.leaves), encode_bundle(batch.privates)
        connection.execute(
            "INSERT INTO batches VALUES (?, ?, ?, ?, ?)", (batch.first, len(batch.leaves), head.t, leaves, privates)
        )
        # In the order of the words, so that neighbours in the index are written together.
        connection.executemany("INSERT OR IGNORE INTO words VALUES (?, ?)", sorted(batch.words))
        connection.executemany(
            "INSERT OR REPLACE INTO owners VALUES (?, ?, ?)",
            [(owner, number, batch.epoch) for owner, number in batch.owners.items()],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO seqs VALUES (?, ?, ?)",
            [(caller, seq, check_value(caller, seq)) for caller, seq in batch.seqs.items()],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO tiles VALUES (?, ?)",
            [(tile.address.level << _LEVEL_SHIFT | tile.address.index, tile.hashes) for tile in batch.tiles],
        )
        connection.execute(
            "INSERT OR REPLACE INTO head VALUES (0, ?, ?, ?, ?)", (head.size, head.root, head.t, head.checkpoint)
        )

    def erase_words(self, words: Collection[int]) -> int:
        """Delete what the index has under these words; the deleted bytes are overwritten."""
        with self._writer.writing() as connection:
            erased = connection.executemany("DELETE FROM words WHERE word = ?", [(word,) for word in words]).rowcount
        self._empty_journal()
        return max(erased, 0)

    def erase_entry_words(self, entries: Iterable[int]) -> int:
        """Delete every row of the index that leads to these entries, one slice of the index after the other."""
        erased, width = 0, 2**64 // _SLICES
        query = "DELETE FROM words WHERE word BETWEEN ? AND ? AND entry IN (SELECT entry FROM temp.doomed)"
        with self._writer.writing() as connection:
            connection.execute("CREATE TEMP TABLE IF NOT EXISTS doomed (entry INTEGER PRIMARY KEY)")
            connection.execute("DELETE FROM temp.doomed")
            connection.executemany("INSERT OR IGNORE INTO temp.doomed VALUES (?)", ((entry,) for entry in entries))
        for low in range(-(2**63), 2**63, width):
            with self._writer.writing() as connection:
                erased += connection.execute(query, (low, low + width - 1)).rowcount
        with self._writer.writing() as connection:
            connection.execute("DROP TABLE temp.doomed")
        self._empty_journal()
        return erased

    def batches_with_private(self, end: int) -> Sequence[tuple[int, int]]:
        """Return the batches that still have private parts; the parts themselves are not read."""
        query = "SELECT first, count FROM batches WHERE first < ? AND length(privates) > count * ? ORDER BY first"
        with self._reader.reading() as connection:
            return connection.execute(query, (end, NO_PRIVATE_SIZE)).fetchall()

    def replace_privates(self, privates: Mapping[int, bytes]) -> None:
        """Put other sealed parts in place; the bytes of those before are overwritten."""
        query = "SELECT first, count, privates FROM batches WHERE first <= ? ORDER BY first DESC LIMIT 1"
        done: set[int] = set()
        with self._writer.writing() as connection:
            for entry in privates:
                row = None if entry in done else connection.execute(query, (entry,)).fetchone()
                if row is not None:
                    done |= set(by_batch(privates, row[0], row[1]))
                    replaced = replace_in_bundle(row[2], row[0], row[1], privates)
                    connection.execute("UPDATE batches SET privates = ? WHERE first = ?", (replaced, row[0]))
        self._empty_journal()

    def _empty_journal(self) -> None:
        """Carry the write-ahead log over: it holds pages as they were before something was erased."""
        with self._writer.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint = TRUNCATE").fetchall()

    def owners(self, owners: Collection[KeyOwner]) -> Mapping[KeyOwner, KeyNumber]:
        """Return the numbers of the data keys of owners."""
        query = "SELECT owner, number FROM owners WHERE owner = ?"
        with self._reader.reading() as connection:
            rows = [connection.execute(query, (owner,)).fetchone() for owner in owners]
        return {KeyOwner(row[0]): KeyNumber(row[1]) for row in rows if row is not None}

    def owners_before(self, epoch: Epoch) -> Mapping[KeyOwner, KeyNumber]:
        """Return the owners of earlier epochs."""
        query = "SELECT owner, number FROM owners WHERE epoch < ?"
        with self._reader.reading() as connection:
            return {KeyOwner(row[0]): KeyNumber(row[1]) for row in connection.execute(query, (epoch,))}

    def erase_owners(self, owners: Collection[KeyOwner]) -> None:
        """Forget owners; the deleted bytes are overwritten."""
        with self._writer.writing() as connection:
            connection.executemany("DELETE FROM owners WHERE owner = ?", [(owner,) for owner in owners])

    def reconnect(self) -> None:
        """Open the file again."""
        self._writer.reconnect()
        self._reader.reconnect()

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        self._writer.close()


def _read_batch(row: tuple[int, int, bytes, bytes], entries: Collection[int]) -> Mapping[int, StoredEntry]:
    """Return those of the entries that are in the batch of a row."""
    first, count, leaves, privates = row
    mine = by_batch(entries, first, count)
    if not mine:
        return {}
    picked = pick_leaves(leaves, count, {entry - first for entry in mine})
    parts = pick_privates(privates, picked)
    return {entry: StoredEntry(leaf=picked[entry - first], private=parts[entry - first]) for entry in mine}


def _head(connection: sqlite3.Connection) -> StoredHead | None:
    row = connection.execute("SELECT size, root, t, checkpoint FROM head").fetchone()
    if row is None:
        return None
    if [type(value) for value in row] != [int, bytes, int, bytes]:
        raise LogUnavailableError(Unavailable.CORRUPT, "the head")
    return StoredHead(size=row[0], root=row[1], t=row[2], checkpoint=row[3])
