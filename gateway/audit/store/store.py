"""What the log needs of a store: one transaction for a batch, and reading. Nothing in it waits on an event loop.

A store is written by one thread, and says so when somebody else wrote in between. It keeps entries in groups of up to
16, compressed together: leaves of one minute resemble each other, and a row each would cost more than they do, while
whoever looks for one entry has to read all of its group. The hashes of entries stand beside them and are never written
again; a store makes tiles of level 0 from them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from gateway.audit.data_keys import MANY_OWNERS
from gateway.audit.lookup import Epoch, KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.tlog.tile import TILE_WIDTH, Tile
from gateway.audit.unavailable import LogUnavailableError, Unavailable

MAX_BATCH: Final = TILE_WIDTH  # entries of one transaction
MAX_CALLER_ROWS: Final = 100_000  # more systems than a country has
_CHECK_SIZE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHead:
    """The head of the log: the size and root of its tree, the time of its last entry, the signed checkpoint."""

    size: int
    root: bytes
    t: int
    checkpoint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one transaction adds, 1 to 256 entries from index ``first`` on."""

    first: int
    leaves: Sequence[bytes]
    privates: Sequence[bytes]  # one for each leaf, b"" where there is none
    words: Sequence[tuple[int, int]]  # (word, entry)
    epoch: Epoch  # of the words, and of new owners
    owners: Mapping[KeyOwner, KeyNumber]  # new ones, with the numbers of their keys
    seqs: Mapping[str, int]  # the last number of each caller that is in the batch
    tiles: Sequence[Tile]  # in place of narrower ones
    head: StoredHead


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """One entry as it is kept: its leaf, its sealed private part, b"" where there is none, and its hash in the tree."""

    leaf: bytes
    private: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRow:
    """Who owns which data key since which batch, named by its first entry."""

    owner: KeyOwner
    number: KeyNumber
    epoch: Epoch
    first: int


class LogStore(Protocol):
    """The store of one log.

    Every method raises LogUnavailableError: LOCKED, DISK_FULL, READ_ONLY, UNREACHABLE, WRITE_FAILED, SYNC_FAILED,
    UNUSABLE as its cause is; CORRUPT for what cannot have been written by us.
    """

    def head(self) -> StoredHead | None:
        """Return the head; None for a log without entries."""
        ...

    def seqs(self) -> Mapping[str, int]:
        """Return the last number of every caller."""
        ...

    def tile(self, level: int, index: int) -> bytes | None:
        """Return the hashes of a tile as wide as the tree has it; None where there is none."""
        ...

    def leaves(self, first: int, end: int) -> Sequence[bytes]:
        """Return the leaves of the entries [first, end), fewer where they end or were pruned."""
        ...

    def private(self, entry: int) -> bytes | None:
        """Return the sealed private part of an entry; None where there is none."""
        ...

    def pick(self, entries: Collection[int]) -> Mapping[int, StoredEntry]:
        """Return single entries, as far as they are there; quicker than `leaves` and `private` for each."""
        ...

    def find(self, word: int, *, before: int, limit: int, since: int = 0) -> Sequence[int]:
        """Return the entries from ``since`` on and below ``before`` that a word leads to, the latest first."""
        ...

    def first_at(self, t: int) -> int | None:
        """Return the first entry at or after a time in milliseconds; None: all are before."""
        ...

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch durably, or nothing of it.

        Raises:
            LogUnavailableError: SECOND_WRITER, the head is not the expected one. After any other reason the batch may
                be stored all the same: read the head again.

        """
        ...

    def erase_words(self, words: Collection[int]) -> int:
        """Delete what the index has under these words, and return how many entries it led to."""
        ...

    def erase_entry_words(self, entries: Iterable[int]) -> int:
        """Delete every row of the index that leads to these entries, and return how many there were.

        It goes through the whole index in short transactions, once for all entries; an error leaves some of them.
        """
        ...

    def batches_with_private(self, end: int) -> Sequence[tuple[int, int]]:
        """Return (first entry, count) of the groups that begin below ``end`` and still have private parts."""
        ...

    def replace_privates(self, privates: Mapping[int, bytes]) -> None:
        """Put other sealed parts in place of those that these entries have; b"" removes one."""
        ...

    def owners(self, owners: Collection[KeyOwner]) -> Mapping[KeyOwner, KeyNumber]:
        """Return the numbers of the data keys that these owners have."""
        ...

    def owners_before(
        self, epoch: Epoch, *, after: KeyOwner | None = None, limit: int = MANY_OWNERS
    ) -> Mapping[KeyOwner, KeyNumber]:
        """Return owners of earlier epochs and the numbers of their keys: the first in order, or those ``after`` one."""
        ...

    def last_owned(self) -> int:
        """Return the highest number of a data key that an owner has; 0 without owners. It goes through all of them."""
        ...

    def erase_owners(self, owners: Collection[KeyOwner]) -> None:
        """Forget these owners."""
        ...

    def index_rows(self, spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
        """Yield the rows (word, entry) that lead to the entries of these spans [first, end), page by page.

        They come in the order of words, then entries. It goes through much of the index, and keeps nobody waiting.
        """
        ...

    def owner_rows(self, spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[OwnerRow]]:
        """Yield the owners that came with batches of these spans, in the order of owners, page by page."""
        ...

    def missing_rows(self, rows: Collection[tuple[int, int]]) -> Collection[tuple[int, int]]:
        """Return which of these rows (word, entry) the index does not have."""
        ...

    def key_check(self) -> bytes | None:
        """Return what `set_key_check` kept; None: nothing yet."""
        ...

    def set_key_check(self, value: bytes) -> None:
        """Keep durably by what another key than the first one is noticed, in place of what was kept."""
        ...

    def purge(self) -> bool:
        """Have what was erased or replaced leave the files too; False: some may still be there, so do it again later.

        Blocks, for long where there is much, and keeps nobody else waiting.
        """
        ...

    def settle(self) -> None:
        """Return once everything that can be read is on disk for good, whatever became of the writes that brought it.

        Called before the log goes on from what it reads: after a death, or a sync that failed, reading may show more
        than the disk has.
        """
        ...

    def reconnect(self) -> None:
        """Drop whatever is half done, and open the store again."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


def check_value(caller: str, seq: int) -> bytes:
    """Return what stands beside the number of a caller, so that a damaged row is noticed."""
    return sha256(f"{caller}\0{seq}".encode()).digest()[:_CHECK_SIZE]


def verify_seqs(rows: Sequence[tuple[str, int, bytes]]) -> Mapping[str, int]:
    """Return the numbers of the callers from rows (caller, seq, check).

    Raises:
        LogUnavailableError: CORRUPT.

    """
    try:
        if any(check_value(caller, seq) != bytes(check) for caller, seq, check in rows):
            raise LogUnavailableError(Unavailable.CORRUPT, "the number of a caller")
        return {caller: seq for caller, seq, _ in rows}
    except (TypeError, ValueError) as error:
        raise LogUnavailableError(Unavailable.CORRUPT, "the number of a caller") from error
