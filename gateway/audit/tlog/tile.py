"""Tiles: the tree in files of 256 hashes, and the entries in bundles of 256 (C2SP tlog-tiles).

A tile (level, index) holds the nodes of height 8·level from number 256·index on; each hash of a level above 0 is the
root of a full tile below. Bundles stand beside level 0, under the level `ENTRIES`. A partial tile is the beginning of
the full one, so that whoever has a wider tile has every narrower one: stores keep one row per (level, index).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.audit.errors import LogFlaw, MalformedLogDataError
from gateway.audit.tlog.merkle import (
    HASH_SIZE,
    MAX_TREE_SIZE,
    CompactRange,
    Range,
    fold_hashes,
    join_subtrees,
    perfect_nodes,
)

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 256
TILE_SIZE: Final = TILE_WIDTH * HASH_SIZE
ENTRIES: Final = -1  # the level of bundles in a `TileAddress`; they span what level 0 spans
MAX_LEVEL: Final = 7  # 256^8 exceeds the largest tree; the specification's 63 names levels that no tree reaches

MAX_ENTRY: Final = 2**16 - 1  # bytes; the length prefix has two
MAX_BUNDLE: Final = TILE_WIDTH * (2 + MAX_ENTRY)
MAX_PATH: Final = 64  # characters; the longest path of a tree has 44

_PREFIX_SIZE: Final = 2
_PATH: Final = re.compile(r"tile/(entries|[0-9])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True, order=True)
class TileAddress:
    """Where a tile or a bundle stands, and how many hashes or entries of it are meant."""

    level: int  # or ENTRIES
    index: int
    width: int = TILE_WIDTH

    @property
    def span(self) -> int:
        """How many log entries one hash of it stands for."""
        return 1 << TILE_HEIGHT * max(self.level, 0)

    @property
    def first(self) -> int:
        """The index of the first log entry below it."""
        return self.index * TILE_WIDTH * self.span


# --- paths ------------------------------------------------------------------------------------------------------------


def encode_tile_path(address: TileAddress) -> str:
    """Return the path below the log's prefix, such as ``tile/0/x001/234/067.p/5``; ValueError if no tree has it."""
    if not _is_possible(address):
        raise ValueError(f"a tile of a tree was expected, got {address}")
    level = "entries" if address.level == ENTRIES else str(address.level)
    number, groups = divmod(address.index, 1000)
    path = f"{groups:03}"
    while number:
        number, group = divmod(number, 1000)
        path = f"x{group:03}/{path}"
    return f"tile/{level}/{path}" + (f".p/{address.width}" if address.width < TILE_WIDTH else "")


def parse_tile_path(path: str) -> TileAddress:
    """Read such a path, in its one spelling.

    Raises:
        MalformedLogDataError: PATH.

    """
    matched = _PATH.fullmatch(path) if len(path) <= MAX_PATH else None
    if matched is None:
        raise MalformedLogDataError(LogFlaw.PATH, "tile/LEVEL/INDEX[.p/WIDTH] was expected")
    level = ENTRIES if matched[1] == "entries" else int(matched[1])
    index = int(matched[2].replace("/", "").replace("x", ""))
    address = TileAddress(level, index, int(matched[3]) if matched[3] else TILE_WIDTH)
    # A partial path of width 256 and needless leading groups are other spellings; writing it again shows both.
    if not _is_possible(address) or encode_tile_path(address) != path:
        raise MalformedLogDataError(LogFlaw.PATH, "a tile that a tree can have was expected, in its one spelling")
    return address


def _is_possible(address: TileAddress) -> bool:
    """Answer whether a tree of any size has this tile."""
    return (
        ENTRIES <= address.level <= MAX_LEVEL
        and address.index >= 0
        and 1 <= address.width <= TILE_WIDTH
        and address.first + address.width * address.span <= MAX_TREE_SIZE
    )


# --- which tiles a tree has -------------------------------------------------------------------------------------------


def tile_at(level: int, index: int, size: int) -> TileAddress | None:
    """Return the tile at this place in a tree of ``size``, as wide as it is there; None where there is nothing."""
    width = min((size >> TILE_HEIGHT * max(level, 0)) - index * TILE_WIDTH, TILE_WIDTH)
    return TileAddress(level, index, width) if width > 0 else None


def tiles_of(size: int) -> Iterator[TileAddress]:
    """Name every hash tile of a tree of ``size``, level by level."""
    for level in range(MAX_LEVEL + 1):
        width = size >> TILE_HEIGHT * level
        for index in range(-(-width // TILE_WIDTH)):
            yield TileAddress(level, index, min(width - index * TILE_WIDTH, TILE_WIDTH))


def bundles_of(size: int, *, first: int = 0) -> Iterator[TileAddress]:
    """Name the bundles of a tree of ``size``, from the one that holds entry ``first`` on."""
    for index in range(first // TILE_WIDTH, -(-size // TILE_WIDTH)):
        yield TileAddress(ENTRIES, index, min(size - index * TILE_WIDTH, TILE_WIDTH))


def edge_of(size: int) -> tuple[TileAddress | None, ...]:
    """Name the partial tiles at the right edge by level, as `TileWriter` needs them; None where a level has none."""
    levels = range(-(-size.bit_length() // TILE_HEIGHT))
    widths = [size >> TILE_HEIGHT * level for level in levels]
    return tuple(
        TileAddress(level, width // TILE_WIDTH, width % TILE_WIDTH) if width % TILE_WIDTH else None
        for level, width in zip(levels, widths, strict=True)
    )


# --- hash tiles -------------------------------------------------------------------------------------------------------


def verify_tile_length(tile: bytes, address: TileAddress) -> None:
    """Verify that it has the length that its address says.

    Raises:
        MalformedLogDataError: LENGTH.

    """
    if len(tile) != address.width * HASH_SIZE:
        raise MalformedLogDataError(
            LogFlaw.LENGTH, f"{address.width * HASH_SIZE} bytes were expected at {encode_tile_path(address)}"
        )


def range_tiles(ranges: Sequence[Range], size: int) -> tuple[TileAddress, ...]:
    """Name the tiles of a tree of ``size`` that `hash_ranges` reads for these ranges; ValueError for ranges beyond."""
    if any(end > size for _, end in ranges):
        raise ValueError(f"ranges below {size} were expected")
    places = {_place(height, index)[0] for start, end in ranges for height, index in perfect_nodes(start, end)}
    found = [tile_at(level, index, size) for level, index in sorted(places)]
    return tuple(address for address in found if address is not None)  # none is: each holds a node below the size


def hash_ranges(ranges: Sequence[Range], tiles: Mapping[TileAddress, bytes]) -> tuple[bytes, ...]:
    """Hash the ranges of a proof from the tiles that `range_tiles` names; a wrong tile gives a proof that fails.

    Raises:
        MalformedLogDataError: LENGTH, a tile is not as long as its address says.
        KeyError: a tile is missing (the caller's mistake).

    """
    by_place = {}
    for address, tile in tiles.items():
        verify_tile_length(tile, address)
        by_place[address.level, address.index] = tile
    hashes = []
    for start, end in ranges:
        nodes = []
        for height, index in perfect_nodes(start, end):
            place, first, count = _place(height, index)
            nodes.append(fold_hashes(by_place[place][first * HASH_SIZE : (first + count) * HASH_SIZE]))
        hashes.append(join_subtrees(nodes))
    return tuple(hashes)


def _place(height: int, index: int) -> tuple[tuple[int, int], int, int]:
    """Return (level, index) of the tile that a node lies in, and which hashes of the tile are below the node."""
    level, above = divmod(height, TILE_HEIGHT)
    tile, first = divmod(index << above, TILE_WIDTH)
    return (level, tile), first, 1 << above


# --- entry bundles ----------------------------------------------------------------------------------------------------


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Write up to 256 entries, each behind its length as uint16; ValueError for more, or for one that is too long."""
    if len(entries) > TILE_WIDTH or any(len(entry) > MAX_ENTRY for entry in entries):
        raise ValueError(f"up to {TILE_WIDTH} entries of up to {MAX_ENTRY} bytes were expected")
    return b"".join([len(entry).to_bytes(_PREFIX_SIZE) + entry for entry in entries])


def parse_bundle(bundle: bytes, width: int = TILE_WIDTH) -> list[bytes]:
    """Read exactly ``width`` entries and nothing behind them.

    Raises:
        MalformedLogDataError: LENGTH.

    """
    entries = []
    at, total = 0, len(bundle)
    with suppress(IndexError):  # it ends within a length
        for _ in range(width):
            start = at + _PREFIX_SIZE
            at = start + (bundle[at] << 8 | bundle[at + 1])
            entries.append(bundle[start:at])
    if at != total or len(entries) != width:
        raise MalformedLogDataError(LogFlaw.LENGTH, f"a bundle of {width} entries was expected")
    return entries


# --- writing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tile:
    """A hash tile with its content."""

    address: TileAddress
    hashes: bytes


class _Level:
    """The last tile of a level while it grows; its compact range ends as the tile's root."""

    __slots__ = ("hashes", "index", "range")

    def __init__(self, index: int, hashes: bytes | bytearray = b"", compact: CompactRange | None = None) -> None:
        self.index = index
        self.hashes = bytearray(hashes)
        self.range = CompactRange() if compact is None else compact

    @classmethod
    def read(cls, index: int, hashes: bytes) -> "_Level":
        level = cls(index, hashes)
        for at in range(0, len(hashes), HASH_SIZE):
            level.range.append(hashes[at : at + HASH_SIZE])
        return level

    def copy(self) -> "_Level":
        return _Level(self.index, self.hashes, self.range.copy())

    def tile(self, level: int) -> Tile:
        return Tile(TileAddress(level, self.index, self.range.size), bytes(self.hashes))


class TileWriter:
    """A growing tree: what a sequencer appends to, and what of it has to be stored.

    Append the hashes of a batch, store what `take` returns, sign `root`. Should storing fail, drop this writer and go
    on with the `copy` from before the batch, or with one made anew from the edge that was stored.
    To verify a stored tree, write it again and compare: tile by tile, then the root.
    """

    __slots__ = ("_full", "_levels", "_taken", "size")

    size: int

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        """Go on from a tree of ``size``, whose partial tiles are ``edge``, by level, b"" where there is none.

        Raises:
            MalformedLogDataError: LENGTH, for an edge that a tree of this size does not have.

        """
        addresses = edge_of(size)
        if len(edge) != len(addresses):
            raise MalformedLogDataError(LogFlaw.LENGTH, f"an edge of {len(addresses)} levels was expected")
        for hashes, address in zip(edge, addresses, strict=True):
            if len(hashes) != (address.width * HASH_SIZE if address else 0):
                raise MalformedLogDataError(LogFlaw.LENGTH, f"the edge of a tree of {size} entries was expected")
        self.size = size
        self._taken = size
        self._full: list[Tile] = []
        self._levels = [
            _Level.read(size >> TILE_HEIGHT * (level + 1), hashes) for level, hashes in enumerate(edge or (b"",))
        ]

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next entry."""
        self.size += 1
        level = self._levels[0]
        level.hashes += leaf
        level.range.append(leaf)
        if level.range.size == TILE_WIDTH:
            self._carry()

    def _carry(self) -> None:
        """Finish every level that is full, from below."""
        number = 0
        while (level := self._levels[number]).range.size == TILE_WIDTH:
            self._full.append(level.tile(number))
            self._levels[number] = _Level(level.index + 1)
            number += 1
            if number == len(self._levels):
                self._levels.append(_Level(0))
            above = self._levels[number]
            above.hashes += (root := level.range.root())
            above.range.append(root)

    def take(self) -> tuple[Tile, ...]:
        """Return what was written since the last call: the tiles that became full, then the partial ones that grew."""
        partial = [
            level.tile(number)
            for number, level in enumerate(self._levels)
            if level.range.size and self.size >> TILE_HEIGHT * number != self._taken >> TILE_HEIGHT * number
        ]
        written = (*self._full, *partial)
        self._full = []
        self._taken = self.size
        return written

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        return join_subtrees([subtree for level in reversed(self._levels) for subtree in level.range.hashes])

    def edge(self) -> tuple[bytes, ...]:
        """Return the partial tiles by level, as the constructor takes them."""
        return tuple(bytes(level.hashes) for level in self._levels[: len(edge_of(self.size))])

    def copy(self) -> "TileWriter":
        """Return one that grows apart from this one, and has the same to take."""
        copy = TileWriter()
        copy.size, copy._taken, copy._full = self.size, self._taken, list(self._full)
        copy._levels = [level.copy() for level in self._levels]
        return copy
