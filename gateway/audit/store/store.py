"""What the log needs of a store: one transaction for a batch, and reading. Nothing in it waits on an event loop.

A store is written by one thread, and says so when somebody else wrote in between. It keeps entries by the batch they
came in, compressed together: leaves of one minute resemble each other, and a row each would cost more than they do.
"""

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from gateway.audit.errors import MalformedLogDataError
from gateway.audit.leaf import MAX_LEAF
from gateway.audit.lookup import Epoch, KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.tlog.tile import TILE_WIDTH, Tile, encode_bundle, parse_bundle
from gateway.audit.unavailable import LogUnavailableError, Unavailable

MAX_BATCH: Final = TILE_WIDTH  # entries of one transaction
MAX_CALLER_ROWS: Final = 100_000  # more systems than a country has
_LEVEL: Final = 1  # of zlib: twice as quick as 6 for 3 % more bytes
_MAX_BUNDLE: Final = MAX_BATCH * (2 + MAX_LEAF)
_CHECK_SIZE: Final = 8
_PREFIX_SIZE: Final = 2  # of an entry in a bundle: its length
_USUAL_LEAF: Final = 800  # bytes; a guess too low costs a second step
NO_PRIVATE_SIZE: Final = _PREFIX_SIZE  # bytes in a bundle of an entry without a private part


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
    """One entry as it is kept: its leaf, and its sealed private part, b"" where there is none."""

    leaf: bytes
    private: bytes


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
        """Return the hashes of a tile as wide as it is stored; None where there is none."""
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
        """Return (first entry, count) of the batches that begin below ``end`` and still have private parts."""
        ...

    def replace_privates(self, privates: Mapping[int, bytes]) -> None:
        """Put other sealed parts in place of those that these entries have; b"" removes one."""
        ...

    def owners(self, owners: Collection[KeyOwner]) -> Mapping[KeyOwner, KeyNumber]:
        """Return the numbers of the data keys that these owners have."""
        ...

    def owners_before(self, epoch: Epoch) -> Mapping[KeyOwner, KeyNumber]:
        """Return the owners of all earlier epochs with the numbers of their keys."""
        ...

    def erase_owners(self, owners: Collection[KeyOwner]) -> None:
        """Forget these owners."""
        ...

    def reconnect(self) -> None:
        """Drop whatever is half done, and open the store again."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


def pack_leaves(leaves: Sequence[bytes]) -> bytes:
    """Write the leaves of a batch: an entry bundle, compressed."""
    return zlib.compress(encode_bundle(leaves), _LEVEL)


def unpack_leaves(data: bytes, count: int) -> list[bytes]:
    """Read the leaves of a batch.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    reader = zlib.decompressobj()
    try:
        bundle = reader.decompress(data, _MAX_BUNDLE)
        if not reader.eof or reader.unused_data or not 1 <= count <= MAX_BATCH:
            raise LogUnavailableError(Unavailable.CORRUPT, "the leaves of a batch")
        return parse_bundle(bundle, count)
    except (zlib.error, MalformedLogDataError) as error:
        raise LogUnavailableError(Unavailable.CORRUPT, "the leaves of a batch") from error


def pick_leaves(data: bytes, count: int, places: Collection[int]) -> Mapping[int, bytes]:
    """Read single leaves of a batch by their places, decompressing no more than that takes.

    What was changed behind them is not noticed, and what was changed in them by their hashes only.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    wanted = sorted(places)
    if not 0 <= wanted[0] <= wanted[-1] < count:
        raise ValueError(f"places below {count} were expected")
    reader = zlib.decompressobj()
    try:
        bundle = reader.decompress(data, (wanted[-1] + 1) * _USUAL_LEAF)
        while (found := _pick(bundle, wanted)) is None:
            more = reader.decompress(reader.unconsumed_tail, (wanted[-1] + 1) * _USUAL_LEAF)
            if not more or len(bundle) > _MAX_BUNDLE:
                raise LogUnavailableError(Unavailable.CORRUPT, "the leaves of a batch")
            bundle += more
    except zlib.error as error:
        raise LogUnavailableError(Unavailable.CORRUPT, "the leaves of a batch") from error
    return found


def pick_privates(data: bytes, places: Collection[int]) -> Mapping[int, bytes]:
    """Read single private parts of a batch by their places.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    found = _pick(data, sorted(places))
    if found is None:
        raise LogUnavailableError(Unavailable.CORRUPT, "the private parts of a batch")
    return found


def _pick(bundle: bytes, wanted: Sequence[int]) -> dict[int, bytes] | None:
    """Walk over a bundle to the entries at these places; None where it ends before."""
    found: dict[int, bytes] = {}
    place, at, start, size = 0, 0, 0, len(bundle)
    for one in wanted:
        while place <= one:
            at = start + _PREFIX_SIZE
            if at > size:
                return None
            start = at + (bundle[start] << 8 | bundle[start + 1])
            place += 1
        if start > size:
            return None
        found[one] = bundle[at:start]
    return found


def by_batch(entries: Iterable[int], first: int, count: int) -> list[int]:
    """Return which of these entries are in a batch."""
    return [entry for entry in entries if first <= entry < first + count]


def replace_in_bundle(data: bytes, first: int, count: int, privates: Mapping[int, bytes]) -> bytes:
    """Return the private parts of a batch with others in place of some.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    parts = unpack_privates(data, count)
    for entry in by_batch(privates, first, count):
        parts[entry - first] = privates[entry]
    return encode_bundle(parts)


def unpack_privates(data: bytes, count: int) -> list[bytes]:
    """Read the private parts of a batch, which are written as a bundle; they are random to a compressor.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    try:
        return parse_bundle(data, count)
    except MalformedLogDataError as error:
        raise LogUnavailableError(Unavailable.CORRUPT, "the private parts of a batch") from error


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
