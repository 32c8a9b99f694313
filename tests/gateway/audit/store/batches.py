"""Batches for a store, as a sequencer would make them."""

from typing import Final

from gateway.audit.leaf import LeafDraft, LeafKind, encode_leaf
from gateway.audit.lookup import Epoch, KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.store.store import Batch, LogStore, StoredHead
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.tile import TileWriter

OWNER: Final = KeyOwner(b"o" * 12)


def make_leaf(entry: int, t: int = 1_000) -> bytes:
    """Return the leaf of an entry in these batches."""
    return encode_leaf(LeafDraft(kind=LeafKind.ACCESS, req=f"R{entry}", caller="caller"), t=t, seq=entry + 1)


class Writer:
    """Batches for a store, one behind the other."""

    def __init__(self) -> None:
        self.tree = TileWriter()
        self.head: StoredHead | None = None
        self.seq = 0

    def batch(self, count: int = 3, *, words: tuple[int, ...] = (), t: int = 1_000) -> Batch:
        """Return the next batch, of entries by one caller, whose words lead to each of them."""
        first = self.tree.size
        leaves = [make_leaf(entry, t) for entry in range(first, first + count)]
        for leaf in leaves:
            self.tree.append(leaf_hash(leaf))
        self.seq += count
        head = StoredHead(size=first + count, root=self.tree.root(), t=t, checkpoint=b"note %d" % (first + count))
        self.before, self.head = self.head, head
        return Batch(
            first=first,
            leaves=leaves,
            privates=[b"" if entry % 2 else b"private %d" % entry for entry in range(first, first + count)],
            words=[(word, entry) for entry in range(first, first + count) for word in words],
            epoch=Epoch(1),
            owners={OWNER: KeyNumber(7)} if not first else {},
            seqs={"caller": self.seq},
            tiles=self.tree.take(),
            head=head,
        )

    def write(self, store: LogStore, count: int = 3, *, words: tuple[int, ...] = (), t: int = 1_000) -> Batch:
        """Commit the next batch and return it."""
        batch = self.batch(count, words=words, t=t)
        store.commit(batch, expected=self.before)
        return batch
