"""The log in memory, for tests and demonstrations: it keeps the contract of a store and nothing after the process."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from threading import RLock

from gateway.audit.data_keys import MANY_OWNERS
from gateway.audit.lookup import Epoch, KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.store.store import Batch, OwnerRow, StoredEntry, StoredHead
from gateway.audit.tlog.merkle import HASH_SIZE
from gateway.audit.tlog.tile import TILE_WIDTH
from gateway.audit.unavailable import LogUnavailableError, Unavailable


class MemoryStore:
    """The store of one log, as long as the process."""

    def __init__(self) -> None:
        """Begin without entries."""
        self._lock = RLock()
        self._head: StoredHead | None = None
        self._seqs: dict[str, int] = {}
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._leaves: list[bytes] = []
        self._privates: list[bytes] = []
        self._times: list[int] = []
        self._words: dict[int, list[int]] = {}
        self._owners: dict[KeyOwner, OwnerRow] = {}
        self._key_check: bytes | None = None

    def head(self) -> StoredHead | None:
        """Return the head."""
        with self._lock:
            return self._head

    def seqs(self) -> Mapping[str, int]:
        """Return the last number of every caller."""
        with self._lock:
            return dict(self._seqs)

    def tile(self, level: int, index: int) -> bytes | None:
        """Return the hashes of a tile."""
        with self._lock:
            return self._tiles.get((level, index))

    def leaves(self, first: int, end: int) -> Sequence[bytes]:
        """Return the leaves of a range."""
        with self._lock:
            return self._leaves[first:end]

    def private(self, entry: int) -> bytes | None:
        """Return a sealed private part."""
        with self._lock:
            return (self._privates[entry] or None) if 0 <= entry < len(self._privates) else None

    def pick(self, entries: Collection[int]) -> Mapping[int, StoredEntry]:
        """Return single entries."""
        with self._lock:
            return {entry: self._pick(entry) for entry in entries if 0 <= entry < len(self._leaves)}

    def _pick(self, entry: int) -> StoredEntry:
        tile, place = divmod(entry, TILE_WIDTH)
        hashed = self._tiles[0, tile][place * HASH_SIZE : (place + 1) * HASH_SIZE]
        return StoredEntry(leaf=self._leaves[entry], private=self._privates[entry], hash=hashed)

    def find(self, word: int, *, before: int, limit: int, since: int = 0) -> Sequence[int]:
        """Return the entries that a word leads to."""
        with self._lock:
            found = self._words.get(word, [])
            end = bisect_left(found, before)
            return found[max(end - limit, bisect_left(found, since)) : end][::-1]

    def first_at(self, t: int) -> int | None:
        """Return the first entry at or after a time."""
        with self._lock:
            entry = bisect_left(self._times, t)
            return entry if entry < len(self._times) else None

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch."""
        with self._lock:
            if self._head != expected or len(self._leaves) != batch.first:
                raise LogUnavailableError(Unavailable.SECOND_WRITER, "the head is another than expected")
            self._leaves += batch.leaves
            self._privates += batch.privates
            self._times += [batch.head.t] * len(batch.leaves)
            for word, entry in dict.fromkeys(batch.words):
                self._words.setdefault(word, []).append(entry)
            self._owners |= {
                owner: OwnerRow(owner=owner, number=number, epoch=batch.epoch, first=batch.first)
                for owner, number in batch.owners.items()
            }
            self._seqs |= batch.seqs
            self._tiles |= {(tile.address.level, tile.address.index): tile.hashes for tile in batch.tiles}
            self._head = batch.head

    def erase_words(self, words: Collection[int]) -> int:
        """Delete what the index has under these words."""
        with self._lock:
            return sum(len(self._words.pop(word, ())) for word in words)

    def erase_entry_words(self, entries: Iterable[int]) -> int:
        """Delete every row of the index that leads to these entries."""
        with self._lock:
            doomed, before = set(entries), sum(map(len, self._words.values()))
            left = {word: [entry for entry in found if entry not in doomed] for word, found in self._words.items()}
            self._words = {word: found for word, found in left.items() if found}
            return before - sum(map(len, self._words.values()))

    def batches_with_private(self, end: int) -> Sequence[tuple[int, int]]:
        """Return the entries that still have private parts, each as a batch of its own."""
        with self._lock:
            return [(entry, 1) for entry, private in enumerate(self._privates[: max(end, 0)]) if private]

    def replace_privates(self, privates: Mapping[int, bytes]) -> None:
        """Put other sealed parts in place."""
        with self._lock:
            for entry, private in privates.items():
                self._privates[entry] = private

    def owners(self, owners: Collection[KeyOwner]) -> Mapping[KeyOwner, KeyNumber]:
        """Return the numbers of the data keys of owners."""
        with self._lock:
            return {owner: self._owners[owner].number for owner in owners if owner in self._owners}

    def owners_before(
        self, epoch: Epoch, *, after: KeyOwner | None = None, limit: int = MANY_OWNERS
    ) -> Mapping[KeyOwner, KeyNumber]:
        """Return the owners of earlier epochs."""
        with self._lock:
            found = sorted(owner for owner, row in self._owners.items() if row.epoch < epoch and owner > (after or b""))
            return {owner: self._owners[owner].number for owner in found[:limit]}

    def last_owned(self) -> int:
        """Return the highest number that an owner has."""
        with self._lock:
            return max((row.number for row in self._owners.values()), default=0)

    def erase_owners(self, owners: Collection[KeyOwner]) -> None:
        """Forget owners."""
        with self._lock:
            for owner in owners:
                self._owners.pop(owner, None)

    def index_rows(self, spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
        """Yield rows of the index as one page."""
        with self._lock:
            rows = [(word, entry) for word, found in self._words.items() for entry in found if _lies_in(entry, spans)]
        yield sorted(rows)

    def owner_rows(self, spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[OwnerRow]]:
        """Yield owners as one page."""
        with self._lock:
            rows = [row for row in self._owners.values() if _lies_in(row.first, spans)]
        yield sorted(rows, key=lambda row: row.owner)

    def missing_rows(self, rows: Collection[tuple[int, int]]) -> Collection[tuple[int, int]]:
        """Return the rows that the index does not have."""
        with self._lock:
            return [(word, entry) for word, entry in rows if entry not in self._words.get(word, ())]

    def key_check(self) -> bytes | None:
        """Return what was kept."""
        return self._key_check

    def set_key_check(self, value: bytes) -> None:
        """Keep it."""
        self._key_check = value

    def purge(self) -> bool:
        """There are no files."""
        return True

    def settle(self) -> None:
        """There is no disk."""

    def reconnect(self) -> None:
        """There is nothing to open."""

    def close(self) -> None:
        """There is nothing to close."""


def _lies_in(entry: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(first <= entry < end for first, end in spans)


class MemoryKeys:
    """A key table, as long as the process."""

    def __init__(self) -> None:
        """Begin without keys."""
        self._keys: dict[KeyNumber, bytes] = {}
        self._last = 0
        self._key_check: bytes | None = None

    def last(self) -> int:
        """Return the highest number that was ever given."""
        return self._last

    def add(self, keys: Mapping[KeyNumber, bytes]) -> None:
        """Keep wrapped keys."""
        if keys and min(keys) <= self._last:
            raise LogUnavailableError(Unavailable.UNUSABLE, "numbers above the last were expected")
        self._keys |= keys
        self._last = max(keys, default=self._last)

    def read(self, numbers: Collection[KeyNumber]) -> Mapping[KeyNumber, bytes]:
        """Return the keys with these numbers."""
        return {number: self._keys[number] for number in numbers if number in self._keys}

    def erase(self, numbers: Collection[KeyNumber]) -> int:
        """Destroy keys."""
        return sum(self._keys.pop(number, None) is not None for number in numbers)

    def key_check(self) -> bytes | None:
        """Return what was kept."""
        return self._key_check

    def set_key_check(self, value: bytes) -> None:
        """Keep it."""
        self._key_check = value

    def purge(self) -> bool:
        """There are no files."""
        return True

    def settle(self) -> None:
        """There is no disk."""

    def reconnect(self) -> None:
        """There is nothing to open."""

    def close(self) -> None:
        """There is nothing to close."""
