"""Reading a log: its head, entries, private parts and proofs."""

from collections.abc import Sequence

from gateway.audit.data_keys import DataKeys
from gateway.audit.lookup import LookupKeys
from gateway.audit.private import OpenedPart, PrivateFlaw, PrivatePartError, open_private, split_private
from gateway.audit.recovery import read_tiles
from gateway.audit.store.store import LogStore, StoredHead
from gateway.audit.tlog.checkpoint import SignedCheckpoint, parse_checkpoint
from gateway.audit.tlog.merkle import consistency_ranges, inclusion_ranges
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.tlog.proof import TlogProof
from gateway.audit.tlog.tile import hash_ranges, range_tiles
from gateway.audit.unavailable import LogUnavailableError, Unavailable


class LogReader:
    """One log, open for reading while whoever writes it goes on; blocks, and is for threads."""

    def __init__(
        self,
        *,
        origin: str,
        store: LogStore,
        keys: DataKeys,
        lookup: LookupKeys,
        signers: Sequence[NoteSigner] = (),
    ) -> None:
        """Read from these; store and keys are closed with the reader. ``signers`` sign what is taken out of the log."""
        self.origin = origin
        self.store = store
        self.keys = keys
        self.lookup = lookup
        self.signers = tuple(signers)

    def close(self) -> None:
        """Let go of everything."""
        self.keys.close()
        self.store.close()

    def head(self) -> StoredHead | None:
        """Return the head of the log; None without entries."""
        return self.store.head()

    def leaf(self, index: int) -> bytes:
        """Return the leaf of an entry.

        Raises:
            LogUnavailableError: CORRUPT where there is none.

        """
        leaves = self.store.leaves(index, index + 1)
        if not leaves:
            raise LogUnavailableError(Unavailable.CORRUPT, f"entry {index} is missing")
        return leaves[0]

    def private(self, index: int) -> OpenedPart | None:
        """Return the private part of an entry, as far as its keys still exist; None where it has none.

        Raises:
            PrivatePartError: it was changed.
            LogUnavailableError: it cannot be read, or one of its keys was changed.

        """
        data = self.store.private(index)
        if data is None:
            return None
        sealed = split_private(data)
        keys = self.keys.read((*sealed.subject_keys, *sealed.official_keys))
        return open_private(sealed, entry=index, keys=keys)

    def private_of_subject(self, index: int) -> OpenedPart | None:
        """Return the private part of an entry without the official's half, whose key is not needed.

        Raises:
            PrivatePartError: it was changed, or one of its keys was.
            LogUnavailableError: it cannot be read.

        """
        data = self.store.private(index)
        if data is None:
            return None
        sealed = split_private(data)
        try:
            keys = self.keys.read(sealed.subject_keys)
        except LogUnavailableError as error:
            if error.reason is not Unavailable.CORRUPT:
                raise
            raise PrivatePartError(PrivateFlaw.NOT_AUTHENTIC) from error
        return open_private(sealed, entry=index, keys=keys)

    def prove(self, index: int, checkpoint: SignedCheckpoint | None = None) -> TlogProof:
        """Return the proof of an entry against a checkpoint, None: the latest; ValueError for an index beyond it."""
        signed = checkpoint or self._latest()
        ranges = inclusion_ranges(index, signed.checkpoint.size)
        return TlogProof(index=index, hashes=self._hash(ranges, signed.checkpoint.size), checkpoint=signed)

    def prove_growth(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of ``new`` entries begins with that of ``old``; ValueError as is due."""
        return self._hash(consistency_ranges(old, new), new)

    def _latest(self) -> SignedCheckpoint:
        head = self.store.head()
        if head is None:
            raise ValueError("the log has no entries")
        return parse_checkpoint(head.checkpoint)

    def _hash(self, ranges: Sequence[tuple[int, int]], size: int) -> tuple[bytes, ...]:
        return hash_ranges(ranges, read_tiles(self.store, range_tiles(ranges, size)))
