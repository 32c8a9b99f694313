"""The access log as the gateway uses it: append and wait, read, prove."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.data_keys import DataKeys, KeyStore, KeyWrapper
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.head import HeadFile
from gateway.audit.leaf import LeafError
from gateway.audit.lookup import LookupKeys
from gateway.audit.private import OpenedPart, open_private, split_private
from gateway.audit.recovery import read_tiles
from gateway.audit.sequencer import Outcome, Sequencer, SequencerParts, Waiting
from gateway.audit.store.store import LogStore, StoredHead
from gateway.audit.tlog.checkpoint import SignedCheckpoint, parse_checkpoint
from gateway.audit.tlog.merkle import consistency_ranges, inclusion_ranges
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.tlog.proof import TlogProof
from gateway.audit.tlog.tile import hash_ranges, range_tiles
from gateway.audit.unavailable import LogUnavailableError, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSetup:
    """What a log is opened with; ``clock_ms`` tells milliseconds since 1970."""

    origin: str
    open_store: Callable[[], LogStore]
    open_keys: Callable[[], KeyStore]
    head: Path  # of the second head: on another disk than the store, where there is one
    wrapper: KeyWrapper
    lookup: LookupKeys
    signers: Sequence[NoteSigner]  # an Ed25519 key named as the origin, and an SM2 key
    clock_ms: Callable[[], int]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    """Who waits for an entry, and on which loop."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Receipt]


class AccessLog:
    """One log, written by this process alone. Reading blocks, and is for threads; `append` is for event loops."""

    def __init__(self, setup: LogSetup, *, sequencer: Callable[[SequencerParts], Sequencer] = Sequencer) -> None:
        """Open the log and verify that it goes on from what was acknowledged.

        Raises:
            LogUnavailableError: it does not, or cannot be opened; nothing was changed then but empty files made.

        """
        self.origin = setup.origin
        self.lookup = setup.lookup
        with ExitStack() as stack:
            self.store = setup.open_store()
            stack.callback(self.store.close)
            keys = setup.open_keys()
            self.keys = DataKeys(keys, self.store, setup.wrapper)
            stack.callback(self.keys.close)
            head = HeadFile(setup.head, create=self.store.head() is None)
            stack.callback(head.close)
            self.head_was_damaged = head.damaged  # one of two slots: a write was cut short, or somebody changed it
            self._sequencer = sequencer(
                SequencerParts(
                    origin=setup.origin,
                    store=self.store,
                    keys=self.keys,
                    head=head,
                    lookup=setup.lookup,
                    signers=setup.signers,
                    clock_ms=setup.clock_ms,
                    told=_tell,
                )
            )
            self._sequencer.start()
            self._opened = stack.pop_all()

    @property
    def stopped(self) -> LogUnavailableError | None:
        """Why the log stopped for good; None while it takes entries, or will again by itself."""
        return self._sequencer.stopped

    async def append(self, draft: EntryDraft) -> Receipt:
        """Return once the entry is durable and stands in a signed tree.

        Whoever stops waiting harms nobody: the entry is written all the same.

        Raises:
            LogUnavailableError: it is not, or nobody knows; no answer must leave.
            LeafError: TOO_LARGE.

        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()
        self._sequencer.submit(Waiting(draft, _Waiter(loop, future)))
        return await future

    def close(self) -> None:
        """Write what waits and let go of everything; blocks."""
        self._sequencer.close()
        self._opened.close()

    # --- reading ------------------------------------------------------------------------------------------------------

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

    def prove(self, index: int) -> TlogProof:
        """Return the proof of an entry against the latest checkpoint; ValueError for an index beyond it."""
        signed = self._latest()
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


def _tell(outcomes: Sequence[tuple[Waiting, Outcome]]) -> None:
    """Hand the outcomes of a batch to their loops, one call for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Receipt], Outcome]]] = {}
    for waiting, outcome in outcomes:
        waiter = waiting.token
        if isinstance(waiter, _Waiter):
            by_loop.setdefault(waiter.loop, []).append((waiter.future, outcome))
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, told)
        except RuntimeError:  # the loop is closed, and nobody waits there any more
            continue


def _resolve(told: Sequence[tuple["asyncio.Future[Receipt]", Outcome]]) -> None:
    for future, outcome in told:
        if future.done():  # cancelled
            continue
        if isinstance(outcome, LogUnavailableError):
            future.set_exception(LogUnavailableError(outcome.reason, outcome.detail))  # an instance of its own each
        elif isinstance(outcome, LeafError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
