"""Groups: entries at rest, up to 16 in one row, their leaves compressed together."""

import zlib
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

import msgspec

from gateway.audit.errors import MalformedLogDataError
from gateway.audit.leaf import MAX_LEAF
from gateway.audit.store.store import Batch, StoredEntry
from gateway.audit.tlog.merkle import HASH_SIZE
from gateway.audit.tlog.tile import encode_bundle, parse_bundle
from gateway.audit.unavailable import LogUnavailableError, Unavailable

GROUP_WIDTH: Final = 16  # entries; groups of 64 are 2 % smaller, and a page of a search then unpacks four times as much
NO_PRIVATE_SIZE: Final = 2  # bytes in a bundle of an entry without a private part: its length
_LEVEL: Final = 3  # of zlib: as quick as 1 here, and 2 % smaller
_NOT_COMPRESSED: Final = 0
_MAX_BUNDLE: Final = GROUP_WIDTH * (2 + MAX_LEAF)
# What leaves have in common, so that one by itself is compressed too. Never to be changed: stored leaves need it.
_USUAL: Final = (
    b'"kind":"auditor-query","kind":"policy","kind":"seal","kind":"match","kind":"deny","outcome":"refused"'
    b'"outcome":"unknown","outcome":"invalid"{"caller":"","commits":{"case":"","lic":"","op":"","resp":"","subj":""},'
    b'"form":"pppp----mmygcaepppp","item":"11370000","kind":"access","obligations":["notify-holder"],"org":"11370000'
    b'00","outcome":"valid","partner":"370000","plan":"p1","policy":"sha256:","purpose":"approval","reasons":["'
    b'revocation.good"],"req":"01K","revocation":1000,"seq":1,"t":17,"trust":"","v":1}'
)


class _Timed(msgspec.Struct):
    """What is read of a leaf where only its time matters."""

    t: int


_TIMED: Final = msgspec.json.Decoder(_Timed)


@dataclass(frozen=True, slots=True)
class Group:
    """Up to 16 entries as they are kept together: their hashes, compressed leaves and private parts.

    No group goes beyond a multiple of 16, and so none beyond a tile.
    """

    first: int
    hashes: bytes
    leaves: bytes
    privates: bytes

    @property
    def count(self) -> int:
        """How many entries it holds."""
        return len(self.hashes) // HASH_SIZE


@dataclass(frozen=True, slots=True)
class _Run:
    """Entries side by side, before they are packed."""

    first: int
    hashes: bytes
    leaves: Sequence[bytes]
    privates: Sequence[bytes]

    def cut(self, start: int, end: int, *, level: int = _LEVEL) -> Group:
        """Return the entries from place ``start`` to ``end`` as one group."""
        return Group(
            self.first + start,
            self.hashes[start * HASH_SIZE : end * HASH_SIZE],
            pack_leaves(self.leaves[start:end], level=level),
            encode_bundle(self.privates[start:end]),
        )


def make_groups(batch: Batch) -> list[Group]:
    """Return the entries of a batch as they are kept."""
    run, size = _Run(batch.first, _hashes(batch), batch.leaves, batch.privates), len(batch.leaves)
    edges = [0, *range(GROUP_WIDTH - batch.first % GROUP_WIDTH, size, GROUP_WIDTH), size]
    return [run.cut(start, end) for start, end in pairwise(edges)]


def close_groups(opened: Sequence[Group], batch: Batch) -> tuple[list[Group], list[Group]]:
    """Return the whole groups of 16 that a batch completes, then the entries behind them, each by itself.

    ``opened`` are the entries by themselves that it goes on from. Leaves of single entries are not compressed, since
    they soon will be with others.

    Raises:
        LogUnavailableError: CORRUPT, one of them is missing or cannot be read.

    """
    first = batch.first - batch.first % GROUP_WIDTH
    if [(group.first, group.count) for group in opened] != [(entry, 1) for entry in range(first, batch.first)]:
        raise LogUnavailableError(Unavailable.CORRUPT, "the entries of a group that is not full")
    run = _Run(
        first,
        b"".join([group.hashes for group in opened]) + _hashes(batch),
        [*(leaf for group in opened for leaf in unpack_leaves(group.leaves, 1)), *batch.leaves],
        [*(part for group in opened for part in unpack_privates(group.privates, 1)), *batch.privates],
    )
    size = len(run.leaves)
    whole = size - size % GROUP_WIDTH
    closed = [run.cut(start, start + GROUP_WIDTH) for start in range(0, whole, GROUP_WIDTH)]
    return closed, [run.cut(at, at + 1, level=_NOT_COMPRESSED) for at in range(max(whole, len(opened)), size)]


def _hashes(batch: Batch) -> bytes:
    """Return the hashes of its entries."""
    tiles = [
        tile for tile in batch.tiles if tile.address.level == 0
    ]  # side by side, the first one holds the first entry
    return b"".join([tile.hashes for tile in tiles])[(batch.first - tiles[0].address.first) * HASH_SIZE :]


def join_groups(groups: Sequence[Group]) -> Group:
    """Return as one group what lies in several, side by side within one of 16 entries.

    Raises:
        LogUnavailableError: CORRUPT, they do not fit together, or one of them cannot be read.

    """
    first = groups[0].first
    *starts, end = accumulate((group.count for group in groups), initial=first)
    if [group.first for group in groups] != starts or first // GROUP_WIDTH != (end - 1) // GROUP_WIDTH:
        raise LogUnavailableError(Unavailable.CORRUPT, "groups side by side were expected")
    return Group(
        first,
        b"".join([group.hashes for group in groups]),
        pack_leaves([leaf for group in groups for leaf in unpack_leaves(group.leaves, group.count)]),
        encode_bundle([part for group in groups for part in unpack_privates(group.privates, group.count)]),
    )


def first_in_group(group: Group, t: int) -> int | None:
    """Return the first entry of a group at or after a time (milliseconds since 1970); None: all are before.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    leaves = unpack_leaves(group.leaves, group.count)
    try:
        at = bisect_left(leaves, t, key=lambda leaf: _TIMED.decode(leaf).t)  # times never go back
    except msgspec.MsgspecError as error:
        raise LogUnavailableError(Unavailable.CORRUPT, "the leaves of a group") from error
    return None if at == len(leaves) else group.first + at


def read_group(first: int, hashes: bytes, leaves: bytes, privates: bytes) -> Group:
    """Return a group from its row.

    Raises:
        LogUnavailableError: CORRUPT, these cannot be its columns.

    """
    if [type(value) for value in (hashes, leaves, privates)] != [bytes] * 3 or not hashes or len(hashes) % HASH_SIZE:
        raise LogUnavailableError(Unavailable.CORRUPT, "a group of entries")
    return Group(first, hashes, leaves, privates)


def pick_entries(groups: Iterable[Group], entries: Collection[int]) -> Mapping[int, StoredEntry]:
    """Return those of the entries that are in these groups.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    found: dict[int, StoredEntry] = {}
    for group in groups:
        if mine := by_group(entries, group):
            leaves, privates = unpack_leaves(group.leaves, group.count), unpack_privates(group.privates, group.count)
            for entry in mine:
                at = entry - group.first
                hashed = group.hashes[at * HASH_SIZE : (at + 1) * HASH_SIZE]
                found[entry] = StoredEntry(leaf=leaves[at], private=privates[at], hash=hashed)
    return found


def replace_in_group(group: Group, privates: Mapping[int, bytes]) -> bytes:
    """Return the private parts of a group with others in place of some.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    parts = unpack_privates(group.privates, group.count)
    for entry in by_group(privates, group):
        parts[entry - group.first] = privates[entry]
    return encode_bundle(parts)


def by_group(entries: Iterable[int], group: Group) -> list[int]:
    """Return which of these entries are in a group."""
    return [entry for entry in entries if group.first <= entry < group.first + group.count]


def join_hashes(first: int, rows: Iterable[tuple[int, bytes]]) -> bytes | None:
    """Return the tile of level 0 from entry ``first`` on, from the (first, hashes) of its groups; None without any.

    Raises:
        LogUnavailableError: CORRUPT, one of them is missing.

    """
    joined = b""
    for start, hashes in rows:
        if type(hashes) is not bytes or len(hashes) % HASH_SIZE or start != first + len(joined) // HASH_SIZE:
            raise LogUnavailableError(Unavailable.CORRUPT, "a tile")
        joined += hashes
    return joined or None


def pack_leaves(leaves: Sequence[bytes], *, level: int = _LEVEL) -> bytes:
    """Write the leaves of a group: an entry bundle, compressed."""
    packer = zlib.compressobj(level, zdict=_USUAL)
    return packer.compress(encode_bundle(leaves)) + packer.flush()


def unpack_leaves(data: bytes, count: int) -> list[bytes]:
    """Read the leaves of a group.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    reader = zlib.decompressobj(zdict=_USUAL)
    try:
        bundle = reader.decompress(data, _MAX_BUNDLE)
        if not reader.eof or reader.unused_data or not 1 <= count <= GROUP_WIDTH:
            raise LogUnavailableError(Unavailable.CORRUPT, "the leaves of a group")
        return parse_bundle(bundle, count)
    except (zlib.error, MalformedLogDataError) as error:
        raise LogUnavailableError(Unavailable.CORRUPT, "the leaves of a group") from error


def unpack_privates(data: bytes, count: int) -> list[bytes]:
    """Read the private parts of a group, which are written as a bundle; they are random to a compressor.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    try:
        return parse_bundle(data, count)
    except MalformedLogDataError as error:
        raise LogUnavailableError(Unavailable.CORRUPT, "the private parts of a group") from error
