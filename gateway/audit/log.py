"""The access log as its one writer has it: append and wait, and everything that a reader does."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.audit.data_keys import DataKeys, KeyStore, KeyWrapper
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.head import DAMAGED_HEAD, HeadFile
from gateway.audit.leaf import LeafError
from gateway.audit.lookup import LookupKeys
from gateway.audit.reader import LogReader
from gateway.audit.sequencer import Committed, Outcome, Sequencer, SequencerParts, Waiting, ignore_committed
from gateway.audit.store.store import LogStore
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.unavailable import LogUnavailableError

_LOG: Final = logging.getLogger(__name__)


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
    committed: Committed = ignore_committed  # as `SequencerParts` says


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    """Who waits for an entry, and on which loop."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Receipt]


class AccessLog(LogReader):
    """One log, written by this process alone. Reading blocks, and is for threads; `append` is for event loops."""

    def __init__(self, setup: LogSetup, *, sequencer: Callable[[SequencerParts], Sequencer] = Sequencer) -> None:
        """Open the log and verify that it goes on from what was acknowledged.

        Raises:
            LogUnavailableError: it does not, or cannot be opened; nothing was changed then but empty files made.

        """
        self.upkeep = (
            asyncio.Lock()
        )  # held while days are sealed or something is forgotten: one never sees half of another
        with ExitStack() as stack:
            store = setup.open_store()
            stack.callback(store.close)
            keys = DataKeys(setup.open_keys(), store, setup.wrapper)
            stack.callback(keys.close)
            super().__init__(origin=setup.origin, store=store, keys=keys, lookup=setup.lookup, signers=setup.signers)
            head = HeadFile(setup.head, create=self.store.head() is None)
            stack.callback(head.close)
            if head.damaged:
                _LOG.warning("the access log: %s: %s", setup.head, DAMAGED_HEAD)
            self._sequencer = sequencer(
                SequencerParts(
                    origin=setup.origin,
                    store=self.store,
                    keys=keys,
                    head=head,
                    lookup=setup.lookup,
                    signers=setup.signers,
                    clock_ms=setup.clock_ms,
                    told=_tell,
                    committed=setup.committed,
                )
            )
            self._sequencer.start()
            self._opened = stack.pop_all()

    @property
    def stopped(self) -> LogUnavailableError | None:
        """Why the log stopped for good; None while it takes entries, or will again by itself."""
        return self._sequencer.stopped

    @property
    def failure(self) -> LogUnavailableError | None:
        """Why the last batch failed, or why no more is taken; None once a batch was written."""
        return self._sequencer.failure

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

    def freeze(self, error: LogUnavailableError) -> None:
        """Take nothing any more, for a reason that does not show in the store."""
        self._sequencer.stop(error)

    def close(self) -> None:
        """Write what waits and let go of everything; blocks."""
        self._sequencer.close()
        self._opened.close()


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
