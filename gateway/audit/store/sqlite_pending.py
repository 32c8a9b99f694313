"""Words of the log in SQLite that are on their way into the index.

A word is random: those of one batch lie all over the index, and to put them in at once writes a page for nearly each.
So the words of a batch are kept in one row, and each commit carries one part of the words of all such rows over into
the index: those with the same first byte. A row is dropped when each of its parts has been carried.

Parts take turns, and turns have numbers: turn ``n`` carries part ``n mod 256`` of all rows that were written before it.
A row holds the number of the last turn before it. All of this is done in the transaction of the commit, so whatever
dies, a word waits or is in the index.
"""

import sqlite3
import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit.store.store import MAX_BATCH, Batch
from gateway.audit.unavailable import LogUnavailableError, Unavailable

# With half as many a commit writes more pages (10 us more for each entry, in a log of half a million); with twice as
# many a search looks through more of what waits: 0.3 ms for a word, of up to 16,000 entries, with 256.
PARTS: Final = 256
_PART_SHIFT: Final = 64 - 8
_WORDS_A_TURN: Final = 512  # so that large batches do not let more wait; 64 entries have 450
_WORD_SIZE: Final = 8
_NEVER: Final = -1  # the last turn of a log that had none

PENDING: Final = """CREATE TABLE pending (
    first INTEGER PRIMARY KEY, turn INTEGER NOT NULL, places BLOB NOT NULL, words BLOB NOT NULL)"""
_LAST: Final = "SELECT turn FROM pending ORDER BY first DESC LIMIT 1"
_READ: Final = "SELECT first, turn, places, words FROM pending WHERE first > ? AND first < ? ORDER BY first"
_READ_PART: Final = f"""SELECT first, turn, places, words FROM pending
    WHERE first > ? AND first < ? AND turn >= (
        SELECT turn - (turn + {PARTS} - ?) % {PARTS} FROM pending ORDER BY first DESC LIMIT 1)
    ORDER BY first DESC"""  # noqa: S608 - a number of ours
_WRITE: Final = "INSERT INTO pending VALUES (?, ?, ?, ?)"
_ALWAYS: Final = (-1 - MAX_BATCH, 2**63 - 1)  # the range of all entries


@dataclass(frozen=True, slots=True)
class _PendingRow:
    """The words of one batch, 8 bytes each, and for each the place of its entry in the batch."""

    first: int
    turn: int
    places: bytes
    words: bytes

    @classmethod
    def make(cls, first: int, turn: int, rows: Collection[tuple[int, int]]) -> "_PendingRow":
        words = struct.pack(f">{len(rows)}q", *[word for word, _ in rows])
        return cls(first, turn, bytes([entry - first for _, entry in rows]), words)

    @property
    def columns(self) -> tuple[int, int, bytes, bytes]:
        """How it is stored."""
        return self.first, self.turn, self.places, self.words

    def rows(self) -> list[tuple[int, int]]:
        """Return its rows of the index: (word, entry)."""
        words = struct.unpack(f">{len(self.places)}q", self.words)
        return list(zip(words, [self.first + place for place in self.places], strict=True))

    def entries(self, word: bytes) -> list[int]:
        """Return the entries that a word leads to, the latest first."""
        found, at = [], self.words.find(word)
        while at >= 0:
            if at % _WORD_SIZE == 0:
                found.append(self.first + self.places[at // _WORD_SIZE])
            at = self.words.find(word, at + 1)
        return sorted(found, reverse=True)

    def waits(self, word: int, last: int) -> bool:
        """Answer whether a word of it is not in the index yet, after turn ``last``."""
        return self.turn >= last - (last - (word >> _PART_SHIFT)) % PARTS


class PendingWords:
    """What waits, as the writer of a log remembers it; it reads it again where the file has another last turn."""

    def __init__(self) -> None:
        """Begin without anything that waits."""
        self._last = _NEVER
        self._parts = _no_parts()

    def add(self, connection: sqlite3.Connection, batch: Batch) -> None:
        """Keep the words of a batch, and carry over what has its turn.

        Raises:
            LogUnavailableError: CORRUPT.

        """
        last, rows = _last_turn(connection), list(dict.fromkeys(batch.words))
        if last != self._last:
            self._read(connection, last)
        self._last = last + 1 + len(rows) // _WORDS_A_TURN  # before anything else: if that is undone, it is seen here
        for turn in range(last + 1, self._last + 1):
            due, self._parts[turn % PARTS] = self._parts[turn % PARTS], []
            # In the order of the words, so that neighbours in the index are written together.
            connection.executemany("INSERT OR IGNORE INTO words VALUES (?, ?)", sorted(due))
        connection.execute("DELETE FROM pending WHERE turn <= ?", (self._last - PARTS,))
        connection.execute(_WRITE, _PendingRow.make(batch.first, self._last, rows).columns)
        for row in rows:
            self._parts[row[0] >> _PART_SHIFT].append(row)  # from -128 on, as a list can be counted from its end

    def _read(self, connection: sqlite3.Connection, last: int) -> None:
        self._parts = _no_parts()
        for waiting in _read_rows(connection.execute(_READ, _ALWAYS)):
            for row in waiting.rows():
                if waiting.waits(row[0], last):
                    self._parts[row[0] >> _PART_SHIFT].append(row)


def find_pending(connection: sqlite3.Connection, word: int, *, before: int, since: int, limit: int) -> list[int]:
    """Return the entries of a word that wait, the latest first; what the index has under it already is earlier.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    found: list[int] = []
    part, sought = (word >> _PART_SHIFT) % PARTS, word.to_bytes(_WORD_SIZE, signed=True)
    for waiting in _read_rows(connection.execute(_READ_PART, (since - MAX_BATCH, before, part)), sought):
        found += [entry for entry in waiting.entries(sought) if since <= entry < before]
        if len(found) >= limit:
            break
    return found[:limit]


def pending_rows(connection: sqlite3.Connection, spans: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the rows (word, entry) that wait, or waited lately, and lead to entries of these spans [first, end).

    Raises:
        LogUnavailableError: CORRUPT.

    """
    found: set[tuple[int, int]] = set()
    for first, end in spans:
        for waiting in _read_rows(connection.execute(_READ, (first - MAX_BATCH, end))):
            found.update([row for row in waiting.rows() if first <= row[1] < end])
    return found


def erase_pending(connection: sqlite3.Connection, *, words: Collection[int] = (), entries: Collection[int] = ()) -> int:
    """Delete what waits, or waited lately, under these words or for these entries; return how much was not carried yet.

    Where there is any, all is written anew with other turns, so that the writer reads it again.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    last, left, erased, found = _last_turn(connection), [], 0, False
    for waiting in _read_rows(connection.execute(_READ, _ALWAYS)):
        rows = waiting.rows()
        kept = [row for row in rows if row[0] not in words and row[1] not in entries]
        if len(kept) < len(rows):
            found = True
            erased += sum(waiting.waits(word, last) for word, _ in set(rows).difference(kept))
        left.append(_PendingRow.make(waiting.first, waiting.turn + PARTS, kept).columns)
    if found:
        connection.execute("DELETE FROM pending")
        connection.executemany(_WRITE, left)
    return erased


def _no_parts() -> list[list[tuple[int, int]]]:
    return [[] for _ in range(PARTS)]


def _last_turn(connection: sqlite3.Connection) -> int:
    row = connection.execute(_LAST).fetchone()
    if row is not None and type(row[0]) is not int:
        raise LogUnavailableError(Unavailable.CORRUPT, "words on their way into the index")
    return _NEVER if row is None else int(row[0])


def _read_rows(rows: Iterable[Sequence[object]], sought: bytes = b"") -> Iterator[_PendingRow]:
    """Yield rows, only those that may hold a word where one is sought."""
    for first, turn, places, words in rows:
        if (
            type(first) is not int or type(turn) is not int or type(places) is not bytes or type(words) is not bytes
            or len(words) != len(places) * _WORD_SIZE
        ):  # fmt: skip
            raise LogUnavailableError(Unavailable.CORRUPT, "words on their way into the index")
        if sought in words:
            yield _PendingRow(first, turn, places, words)
