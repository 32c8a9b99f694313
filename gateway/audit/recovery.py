"""What the log goes on from after a start or a failure: read from the store, and held against its own proofs.

Nothing is repaired here. Either everything agrees, or the log stops and says which part does not.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.audit.errors import MalformedLogDataError, UnprovenError
from gateway.audit.head import Head
from gateway.audit.leaf import LeafError, parse_leaf
from gateway.audit.store.store import MAX_BATCH, LogStore, StoredHead
from gateway.audit.tlog.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from gateway.audit.tlog.merkle import EMPTY_ROOT, HASH_SIZE, MAX_TREE_SIZE, leaf_hash
from gateway.audit.tlog.note_key import NoteKey
from gateway.audit.tlog.tile import TILE_WIDTH, TileAddress, TileWriter, edge_of, hash_ranges, range_tiles
from gateway.audit.unavailable import LogUnavailableError, Unavailable


@dataclass(slots=True, kw_only=True)
class LogState:
    """What the next entry is put behind; the sequencer's own, and changed by it alone."""

    writer: TileWriter
    head: StoredHead | None
    seqs: dict[str, int]

    @property
    def t(self) -> int:
        """The time of the last entry, in milliseconds."""
        return 0 if self.head is None else self.head.t


def read_state(store: LogStore, *, origin: str, keys: Iterable[NoteKey], acknowledged: Head | None) -> LogState:
    """Read the state of a log, and verify that it is the one whose head was acknowledged, or goes on from it.

    1. The checkpoint is signed by the log and says what the head says.
    2. The tiles at the right edge lead to its root.
    3. The leaves of the last tile hash to it, and the last of them has the time that the head says.
    4. The numbers of the callers add up to the size: each entry took one.
    5. The tree begins with the acknowledged one.

    Raises:
        LogUnavailableError: OTHER_LOG, CORRUPT, RESTORED_BACKUP or FORKED; and what the store raises.

    """
    head, seqs = store.head(), dict(store.seqs())
    size = 0 if head is None else head.size
    if acknowledged is not None and acknowledged.origin != origin:
        raise LogUnavailableError(Unavailable.OTHER_LOG, f"{origin} was expected, got {acknowledged.origin}")
    if head is not None:
        _verify_head(head, origin, keys)
    if acknowledged is not None and acknowledged.size > size:
        detail = f"at least {acknowledged.size} entries were expected, got {size}"
        raise LogUnavailableError(Unavailable.RESTORED_BACKUP, detail)
    writer = _read_edge(store, size)
    if writer.root() != (EMPTY_ROOT if head is None else head.root):
        raise LogUnavailableError(Unavailable.CORRUPT, "the tiles lead to another root")
    _verify_last_leaves(store, writer, seqs, 0 if head is None else head.t)
    if sum(seqs.values()) != size:
        detail = f"numbers for {size} entries were expected, got {sum(seqs.values())}"
        raise LogUnavailableError(Unavailable.CORRUPT, detail)
    if acknowledged is not None and root_at(store, acknowledged.size, size=size) != acknowledged.root:
        raise LogUnavailableError(Unavailable.FORKED, f"another root of the first {acknowledged.size} entries")
    if acknowledged is None and size > MAX_BATCH:
        raise LogUnavailableError(Unavailable.HEAD_UNREADABLE, "nothing is written in it")
    return LogState(writer=writer, head=head, seqs=seqs)


def root_at(store: LogStore, earlier: int, *, size: int) -> bytes:
    """Return the root of the first ``earlier`` entries of a log that has ``size``.

    Raises:
        LogUnavailableError: CORRUPT; and what the store raises.

    """
    if not earlier:
        return EMPTY_ROOT
    ranges = [(0, earlier)]
    return hash_ranges(ranges, read_tiles(store, range_tiles(ranges, size)))[0]


def read_tiles(store: LogStore, addresses: Iterable[TileAddress]) -> dict[TileAddress, bytes]:
    """Read tiles as wide as they are asked for; the store may have wider ones.

    Raises:
        LogUnavailableError: CORRUPT, one is missing or too short; and what the store raises.

    """
    tiles = {}
    for address in addresses:
        hashes = store.tile(address.level, address.index)
        if hashes is None or len(hashes) < address.width * HASH_SIZE:
            raise LogUnavailableError(Unavailable.CORRUPT, f"tile {address.level}/{address.index} is missing or short")
        tiles[address] = hashes[: address.width * HASH_SIZE]
    return tiles


def _verify_head(head: StoredHead, origin: str, keys: Iterable[NoteKey]) -> None:
    try:
        signed = parse_checkpoint(head.checkpoint)
        if signed.checkpoint.origin != origin:
            raise LogUnavailableError(Unavailable.OTHER_LOG, f"{origin} was expected")
        verify_checkpoint(signed, keys)
    except (MalformedLogDataError, UnprovenError) as error:
        raise LogUnavailableError(Unavailable.CORRUPT, f"the checkpoint: {error}") from error
    if signed.checkpoint != Checkpoint(origin=origin, size=head.size, root=head.root) or head.size > MAX_TREE_SIZE:
        raise LogUnavailableError(Unavailable.CORRUPT, "the checkpoint says another size or root than the head")


def _read_edge(store: LogStore, size: int) -> TileWriter:
    addresses = edge_of(size)
    tiles = read_tiles(store, (address for address in addresses if address is not None))
    return TileWriter(size, [b"" if address is None else tiles[address] for address in addresses])


def _verify_last_leaves(store: LogStore, writer: TileWriter, seqs: dict[str, int], t: int) -> None:
    """Verify the leaves at the right edge, at most 256, and that no number in them is beyond the last of its caller."""
    first = max(writer.size - 1, 0) // TILE_WIDTH * TILE_WIDTH
    if first == writer.size:
        return
    width = writer.size - first
    hashes = read_tiles(store, [TileAddress(0, first // TILE_WIDTH, width)]).popitem()[1]
    leaves = store.leaves(first, writer.size)
    if b"".join([leaf_hash(leaf) for leaf in leaves]) != hashes:
        raise LogUnavailableError(Unavailable.CORRUPT, f"the entries from {first} on are not those of the tree")
    try:
        parsed = [parse_leaf(leaf) for leaf in leaves]
        if parsed[-1].t != t:
            raise LogUnavailableError(Unavailable.CORRUPT, "the head has another time than the last entry")
        for leaf in parsed:
            if leaf.seq > seqs.get(leaf.content.caller, 0):
                raise LogUnavailableError(Unavailable.CORRUPT, "the number of a caller is behind its entries")
    except LeafError as error:
        raise LogUnavailableError(Unavailable.CORRUPT, f"an entry: {error}") from error
