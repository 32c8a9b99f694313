"""The log in a SQLite file: write-ahead, every commit on disk before it counts, one writer."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

from gateway.audit.data_keys import MANY_OWNERS
from gateway.audit.lookup import OWNER_SIZE, Epoch, KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.store.group import (
    GROUP_WIDTH,
    NO_PRIVATE_SIZE,
    Group,
    by_group,
    first_in_group,
    join_groups,
    join_hashes,
    make_groups,
    pick_entries,
    read_group,
    replace_in_group,
    unpack_leaves,
)
from gateway.audit.store.sqlite_file import KEY_CHECK, FileKind, SqliteFile
from gateway.audit.store.sqlite_pending import PENDING, PendingWords
from gateway.audit.store.sqlite_words import (
    WORDS,
    erase_entry_words,
    erase_words,
    find_entries,
    index_rows,
    missing_rows,
    within_spans,
)
from gateway.audit.store.store import (
    Batch,
    OwnerRow,
    StoredEntry,
    StoredHead,
    check_value,
    verify_seqs,
)
from gateway.audit.tlog.merkle import HASH_SIZE
from gateway.audit.tlog.tile import TILE_WIDTH
from gateway.audit.unavailable import LogUnavailableError, Unavailable

_LEVEL_SHIFT: Final = 56  # the row number of a tile: its level above, its index below
_MANY_ROWS: Final = 3  # of a group; two take hardly more than one, and batches of some size leave no more
_PARAMETERS: Final = 4_096  # of one statement; SQLite takes 32,766
_SCHEMA: Final = (
    """CREATE TABLE head (
        id INTEGER PRIMARY KEY CHECK (id = 0), size INTEGER NOT NULL, root BLOB NOT NULL, t INTEGER NOT NULL,
        checkpoint BLOB NOT NULL)""",
    """CREATE TABLE entries (
        first INTEGER PRIMARY KEY, t INTEGER NOT NULL, hashes BLOB NOT NULL, leaves BLOB NOT NULL,
        privates BLOB NOT NULL)""",
    "CREATE INDEX entries_by_time ON entries (t)",
    """CREATE TABLE owners (
        owner BLOB PRIMARY KEY, number INTEGER NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL)
        WITHOUT ROWID""",
    WORDS,
    PENDING,
    'CREATE TABLE seqs (caller TEXT PRIMARY KEY, seq INTEGER NOT NULL, "check" BLOB NOT NULL) WITHOUT ROWID',
    "CREATE TABLE tiles (place INTEGER PRIMARY KEY, hashes BLOB NOT NULL)",
    KEY_CHECK,
)
LOG_FILE: Final = FileKind(application_id=0x54420010, version=2, schema=_SCHEMA, secure_delete=True)  # "TB", kind 16


class SqliteStore:
    """The store of one log in one file; reading does not wait for the writer."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """Open the file, or make it.

        Raises:
            LogUnavailableError: as `SqliteFile` says.

        """
        self._pending = PendingWords()
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
        first = index * TILE_WIDTH
        with self._reader.reading() as connection:
            if level == 0:
                query = "SELECT first, hashes FROM entries WHERE first >= ? AND first < ? ORDER BY first"
                return join_hashes(first, connection.execute(query, (first, first + TILE_WIDTH)))
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
        query = "SELECT first, hashes, leaves, privates FROM entries WHERE first > ? AND first < ? ORDER BY first"
        with self._reader.reading() as connection:
            for row in connection.execute(query, (first - GROUP_WIDTH, end)):
                group = read_group(*row)
                if group.first + group.count > first:
                    leaves += unpack_leaves(group.leaves, group.count)[max(first - group.first, 0) : end - group.first]
        return leaves

    def private(self, entry: int) -> bytes | None:
        """Return a sealed private part."""
        found = self.pick([entry]).get(entry)
        return None if found is None else found.private or None

    def pick(self, entries: Collection[int]) -> Mapping[int, StoredEntry]:
        """Return single entries."""
        found: dict[int, StoredEntry] = {}
        with self._reader.reading() as connection:
            for entry in entries:
                if entry not in found and (group := _group_of(connection, entry)) is not None:
                    found |= pick_entries([group], entries)
        return found

    def find(self, word: int, *, before: int, limit: int, since: int = 0) -> Sequence[int]:
        """Return the entries that a word leads to."""
        return find_entries(self._reader, word, before=before, since=since, limit=limit)

    def first_at(self, t: int) -> int | None:
        """Return the first entry at or after a time.

        A row has the time of its first entry, and times never go back. So the first row that is late enough ends the
        search, and those before it are all early but for some entries of the last one, whose leaves have their times.
        """
        late = "SELECT first FROM entries WHERE t >= ? ORDER BY t, first LIMIT 1"
        early = "SELECT first, hashes, leaves, privates FROM entries WHERE t < ? ORDER BY t DESC, first DESC LIMIT 1"
        with self._reader.reading() as connection:
            ending = connection.execute(late, (t,)).fetchone()  # before the others: it may be joined to one of them
            row = connection.execute(early, (t,)).fetchone()
        found = None if row is None else first_in_group(read_group(*row), t)
        return found if found is not None or ending is None else int(ending[0])

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch."""
        with self._writer.writing() as connection:
            if _head(connection) != expected:
                raise LogUnavailableError(Unavailable.SECOND_WRITER, "the head is another than expected")
            self._insert(connection, batch)

    def _insert(self, connection: sqlite3.Connection, batch: Batch) -> None:
        head, groups = batch.head, make_groups(batch)
        if _join_rows(connection, groups[0]):
            del groups[0]
        connection.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?)",
            [(group.first, head.t, group.hashes, group.leaves, group.privates) for group in groups],
        )
        self._pending.add(connection, batch)
        connection.executemany(
            "INSERT OR REPLACE INTO owners VALUES (?, ?, ?, ?)",
            [(owner, number, batch.epoch, batch.first) for owner, number in batch.owners.items()],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO seqs VALUES (?, ?, ?)",
            [(caller, seq, check_value(caller, seq)) for caller, seq in batch.seqs.items()],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO tiles VALUES (?, ?)",
            [
                (tile.address.level << _LEVEL_SHIFT | tile.address.index, tile.hashes)
                for tile in batch.tiles
                if tile.address.level
            ],
        )
        connection.execute(
            "INSERT OR REPLACE INTO head VALUES (0, ?, ?, ?, ?)", (head.size, head.root, head.t, head.checkpoint)
        )

    def erase_words(self, words: Collection[int]) -> int:
        """Delete what the index has under these words; the deleted bytes are overwritten."""
        return erase_words(self._writer, words)

    def erase_entry_words(self, entries: Iterable[int]) -> int:
        """Delete every row of the index that leads to these entries, one slice of the index after the other."""
        return erase_entry_words(self._writer, entries)

    def batches_with_private(self, end: int) -> Sequence[tuple[int, int]]:
        """Return the groups that still have private parts; the parts themselves are not read."""
        query = """SELECT first, length(hashes) / ? AS count FROM entries
            WHERE first < ? AND length(privates) > length(hashes) / ? * ? ORDER BY first"""
        with self._reader.reading() as connection:
            return connection.execute(query, (HASH_SIZE, end, HASH_SIZE, NO_PRIVATE_SIZE)).fetchall()

    def replace_privates(self, privates: Mapping[int, bytes]) -> None:
        """Put other sealed parts in place; the bytes of those before are overwritten, in the journal by `purge`."""
        done: set[int] = set()
        with self._writer.writing() as connection:
            for entry in privates:
                group = None if entry in done else _group_of(connection, entry)
                if group is not None:
                    done |= set(by_group(privates, group))
                    replaced = replace_in_group(group, privates)
                    connection.execute("UPDATE entries SET privates = ? WHERE first = ?", (replaced, group.first))
        self._writer.purge_at_once()

    def owners(self, owners: Collection[KeyOwner]) -> Mapping[KeyOwner, KeyNumber]:
        """Return the numbers of the data keys of owners."""
        found: dict[KeyOwner, KeyNumber] = {}
        left = iter(owners)
        with self._reader.reading() as connection:
            while some := list(islice(left, _PARAMETERS)):
                query = f"SELECT owner, number FROM owners WHERE owner IN ({', '.join('?' * len(some))})"  # noqa: S608 - marks only
                found |= {KeyOwner(row[0]): KeyNumber(row[1]) for row in connection.execute(query, some)}
        return found

    def owners_before(
        self, epoch: Epoch, *, after: KeyOwner | None = None, limit: int = MANY_OWNERS
    ) -> Mapping[KeyOwner, KeyNumber]:
        """Return the owners of earlier epochs."""
        query = "SELECT owner, number FROM owners WHERE epoch < ? AND owner > ? ORDER BY owner LIMIT ?"
        with self._reader.reading() as connection:
            rows = connection.execute(query, (epoch, after or b"", limit))
            return {KeyOwner(row[0]): KeyNumber(row[1]) for row in rows}

    def erase_owners(self, owners: Collection[KeyOwner]) -> None:
        """Forget owners; the deleted bytes are overwritten."""
        with self._writer.writing() as connection:
            connection.executemany("DELETE FROM owners WHERE owner = ?", [(owner,) for owner in owners])

    def index_rows(self, spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
        """Yield rows of the index, one part of all words after the other; words are hashes, so parts are alike."""
        return index_rows(self._reader, spans)

    def owner_rows(self, spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[OwnerRow]]:
        """Yield owners, one part of all after the other; they are hashes too."""
        within, bounds = within_spans("first", spans)
        query = f"""SELECT owner, number, epoch, first FROM owners
            WHERE owner >= ? AND owner < ? AND ({within}) ORDER BY owner"""  # noqa: S608 - the same
        edges = [bytes([first]) for first in range(256)] + [b"\xff" * (OWNER_SIZE + 1)]
        for low, high in pairwise(edges):
            with self._reader.reading() as connection:
                rows = connection.execute(query, (low, high, *bounds)).fetchall()
            if rows:
                yield [OwnerRow(owner=row[0], number=row[1], epoch=row[2], first=row[3]) for row in rows]

    def missing_rows(self, rows: Collection[tuple[int, int]]) -> Collection[tuple[int, int]]:
        """Return the rows that the index does not have."""
        return missing_rows(self._reader, rows)

    def last_owned(self) -> int:
        """Return the highest number that an owner has."""
        with self._reader.reading() as connection:
            number = connection.execute("SELECT max(number) FROM owners").fetchone()[0] or 0
        if type(number) is not int:
            raise LogUnavailableError(Unavailable.CORRUPT, "the number of a data key")
        return number

    def key_check(self) -> bytes | None:
        """Return what the key is checked by."""
        return self._writer.key_check()

    def set_key_check(self, value: bytes) -> None:
        """Keep it."""
        self._writer.set_key_check(value)

    def purge(self) -> bool:
        """Empty the journal."""
        return self._writer.purge()

    def settle(self) -> None:
        """Put what can be read on disk for good."""
        self._writer.settle()

    def reconnect(self) -> None:
        """Open the file again."""
        self._writer.reconnect()
        self._reader.reconnect()

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        self._writer.close()


def _join_rows(connection: sqlite3.Connection, last: Group) -> bool:
    """Put a group of entries that lies in many rows into the first of them, with the last ones; answer whether it was.

    Entries that come one at a time have a row each at first, which takes a third more.
    """
    start, end = last.first // GROUP_WIDTH * GROUP_WIDTH, last.first + last.count
    if end < start + GROUP_WIDTH:
        return False
    query = "SELECT first, hashes, leaves, privates FROM entries WHERE first >= ? AND first < ? ORDER BY first"
    rows = connection.execute(query, (start, last.first)).fetchall()
    if len(rows) < _MANY_ROWS - 1:
        return False
    try:
        joined = join_groups([*(read_group(*row) for row in rows), last])
    except LogUnavailableError:  # damage to earlier entries, of which whoever reads them is told
        return False
    connection.execute(
        "UPDATE entries SET hashes = ?, leaves = ?, privates = ? WHERE first = ?",
        (joined.hashes, joined.leaves, joined.privates, joined.first),
    )
    connection.execute("DELETE FROM entries WHERE first > ? AND first < ?", (joined.first, end))
    return True


def _group_of(connection: sqlite3.Connection, entry: int) -> Group | None:
    """Return the last group that begins at or before an entry."""
    query = "SELECT first, hashes, leaves, privates FROM entries WHERE first <= ? ORDER BY first DESC LIMIT 1"
    row = connection.execute(query, (entry,)).fetchone()
    return None if row is None else read_group(*row)


def _head(connection: sqlite3.Connection) -> StoredHead | None:
    row = connection.execute("SELECT size, root, t, checkpoint FROM head").fetchone()
    if row is None:
        return None
    if [type(value) for value in row] != [int, bytes, int, bytes]:
        raise LogUnavailableError(Unavailable.CORRUPT, "the head")
    return StoredHead(size=row[0], root=row[1], t=row[2], checkpoint=row[3])
