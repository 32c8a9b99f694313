"""The sequencer: the one thread that writes a log, in batches, each durable before anybody is told of it.

A batch goes through seven steps. Should the process die after a step, the next start finds:

1. Collected, up to 256 entries or 2 ms: nothing of it. Nobody was answered.
2. Timed, numbered, hashed and put into a copy of the tree, data keys made: at most data keys that nothing uses.
3. Signed (before the insertion, so that a key that does not sign leaves nothing to undo): the same. The checkpoint
   never left the process.
4. Inserted, not committed: the same; the store drops the transaction.
5. Committed: the whole batch. Nobody was answered, and the second head is one batch behind; it is brought up to date.
6. Waiters told: the same, and some or all have their receipts.
7. Second head written, by a thread of its own while the next batch is collected: the whole batch, and both heads
   agree. The next batch is not committed before.

When a step fails, every waiter of the batch gets the error, also where the batch may be stored all the same. Before
the next batch the log reads its state again and so goes on behind whatever was stored; or it stops, where the error
says that going on would be wrong.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from gateway.audit.data_keys import DamagedKeysError, DataKeys
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.head import Head, HeadFile
from gateway.audit.leaf import LeafError, encode_leaf
from gateway.audit.lookup import KeyOwner, LookupKeys, Marks, make_marks
from gateway.audit.private import KeyNumber, seal_private
from gateway.audit.recovery import LogState, read_state
from gateway.audit.store.store import MAX_BATCH, Batch, LogStore, StoredHead
from gateway.audit.tlog.checkpoint import Checkpoint, encode_checkpoint, sign_checkpoint
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from keys.own.errors import OwnKeyError

MAX_WAITING: Final = 4_096  # entries; at 10,000 a second they wait less than half a second
GATHER_SECONDS: Final = 0.002  # how long a batch waits for as many as the last one had
MAX_CLOCK_BACK_MS: Final = 60_000  # steps of a clock that is being set; entries keep the latest time meanwhile

Outcome = Receipt | LogUnavailableError | LeafError
Committed = Callable[[int, int, Sequence[EntryDraft]], None]  # the first entry, their time in ms, the entries
Told = Callable[[Sequence[tuple["Waiting", Outcome]]], None]

_LOG: Final = logging.getLogger(__name__)


def ignore_committed(_first: int, _t: int, _drafts: Sequence[EntryDraft]) -> None:
    """Do nothing about what became durable."""


@dataclass(slots=True, eq=False)
class Waiting:
    """An entry that waits to be written; ``token`` is whatever its owner knows it by."""

    draft: EntryDraft
    token: object


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencerParts:
    """What a sequencer works with.

    In its thread, ``committed`` is called with what became durable, before anybody is told, and ``told`` with the
    outcomes of a batch; neither waits nor raises.
    """

    origin: str
    store: LogStore
    keys: DataKeys
    head: HeadFile
    lookup: LookupKeys
    signers: Sequence[NoteSigner]
    clock_ms: Callable[[], int]
    told: Told
    committed: Committed = ignore_committed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A batch before it is signed, the state behind it, and what each waiter will get but for the checkpoint."""

    batch: Batch
    state: LogState
    accepted: Sequence[tuple[Waiting, bytes, int]]  # with leaf hash and number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    """What a batch puts beside its leaves."""

    privates: Sequence[bytes]
    words: Sequence[tuple[int, int]]
    owners: Mapping[KeyOwner, KeyNumber]


class Sequencer:
    """One thread over one log; `submit` may be called by any."""

    def __init__(self, parts: SequencerParts) -> None:
        """Read the state of the log; nothing is written but the second head, where it is behind.

        Raises:
            LogUnavailableError: the log cannot or must not go on.

        """
        self._parts = parts
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()  # None: the end
        self._expected = 1
        self._closing = False
        self._stopped: LogUnavailableError | None = None
        self._failure: LogUnavailableError | None = None
        self._state: LogState | None = self._read_state()
        self._head_writer = ThreadPoolExecutor(1, thread_name_prefix="audit-head")
        self._head_written: Future[None] | None = None
        self._thread = Thread(target=self._run, name="audit-sequencer", daemon=True)

    @property
    def stopped(self) -> LogUnavailableError | None:
        """Why the log stopped for good; None while it runs."""
        return self._stopped

    @property
    def failure(self) -> LogUnavailableError | None:
        """Why the last batch failed, or why no more is taken; None once a batch was written."""
        return self._stopped or self._failure

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def submit(self, waiting: Waiting) -> None:
        """Take an entry; its outcome is told later.

        Raises:
            LogUnavailableError: OVERLOADED, CLOSED, or why the log stopped; then nothing is told.

        """
        if self._stopped is not None:
            raise LogUnavailableError(self._stopped.reason, self._stopped.detail)
        if self._closing:
            raise LogUnavailableError(Unavailable.CLOSED)
        if self._queue.qsize() >= MAX_WAITING:
            raise LogUnavailableError(Unavailable.OVERLOADED, f"{MAX_WAITING} wait")
        self._queue.put(waiting)

    def stop(self, error: LogUnavailableError) -> None:
        """Take nothing any more for this reason, which somebody else found; what waits is refused too."""
        self._stopped = self._stopped or error

    def close(self) -> None:
        """Write what waits, then end; store, keys and head are left open."""
        self._closing = True
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while taken := self._collect():
            try:
                with self._parts.keys.between_batches:
                    outcomes = self._write(taken)
            except LogUnavailableError as error:
                self._failed(error)
                outcomes = [(waiting, error) for waiting in taken]
            except Exception as error:  # noqa: BLE001 - a fault of ours must stop the log, not leave everybody waiting
                _LOG.error("the access log stopped: %s", type(error).__name__)
                broken = LogUnavailableError(Unavailable.BROKEN, type(error).__name__)
                broken.__cause__ = error
                self._failed(broken)
                outcomes = [(waiting, broken) for waiting in taken]
            self._parts.told(outcomes)  # 6
            self._reached(6)
            self._write_head()  # 7
        self._settle_quietly()
        self._refuse_late()

    def _collect(self) -> list[Waiting]:
        """Wait for entries, and a little for as many as the last batch had; nothing at the end."""
        taken: list[Waiting] = []
        deadline: float | None = None
        while len(taken) < MAX_BATCH:
            try:
                left = None if deadline is None else max(deadline - time.monotonic(), 0)
                waiting = self._queue.get(timeout=left if len(taken) < self._expected else 0)
            except Empty:
                break
            if waiting is None:
                self._queue.put(None)  # for the next call: what came before the end is written
                break
            taken.append(waiting)
            deadline = deadline or time.monotonic() + GATHER_SECONDS
        self._expected = max(len(taken), 1)
        return taken

    def _write(self, taken: Sequence[Waiting]) -> list[tuple[Waiting, Outcome]]:
        """Take a batch through steps 1 to 6 and return what to tell."""
        parts = self._parts
        if self._stopped is not None:  # what still waited when the log stopped
            raise LogUnavailableError(self._stopped.reason, self._stopped.detail)
        if self._state is None:
            self._settle()
            parts.store.reconnect()
            parts.keys.reconnect()
            self._state = self._read_state()
        before = self._state
        self._reached(1)
        refused: list[tuple[Waiting, Outcome]] = []
        try:
            prepared = self._prepare(taken, before, refused)  # 2
        except DamagedKeysError as error:
            return self._write_others(taken, error)
        self._reached(2)
        if prepared is None:
            return refused
        batch, size, root = prepared.batch, prepared.batch.head.size, prepared.batch.head.root
        checkpoint = self._sign(Checkpoint(origin=parts.origin, size=size, root=root))  # 3
        head = StoredHead(size=size, root=root, t=batch.head.t, checkpoint=checkpoint)
        self._reached(3)
        self._settle()  # 7 of the batch before
        parts.store.commit(replace(batch, head=head), expected=before.head)  # 4, 5
        self._reached(5)
        prepared.state.head = head
        self._state = prepared.state
        self._failure = None
        parts.committed(batch.first, batch.head.t, [waiting.draft for waiting, _, _ in prepared.accepted])
        return refused + [
            (waiting, Receipt(log=parts.origin, index=index, leaf_hash=hashed, checkpoint=checkpoint, seq=seq))
            for index, (waiting, hashed, seq) in enumerate(prepared.accepted, batch.first)
        ]

    def _write_others(self, taken: Sequence[Waiting], damaged: DamagedKeysError) -> list[tuple[Waiting, Outcome]]:
        """Refuse the entries about people whose data key was changed, and write the others."""
        told: list[tuple[Waiting, Outcome]] = []
        others: list[Waiting] = []
        for waiting in taken:
            marks = make_marks(waiting.draft, t=0, keys=self._parts.lookup)
            if waiting.draft.private is None or damaged.owners.isdisjoint((*marks.subjects, marks.official)):
                others.append(waiting)
            else:
                told.append((waiting, damaged))
        return told + self._write(others)

    def _prepare(
        self, taken: Sequence[Waiting], before: LogState, refused: list[tuple[Waiting, Outcome]]
    ) -> _Prepared | None:
        """Time, number, hash and seal; an entry that is too large is refused and takes no number."""
        t = self._time(before.t)
        seqs: dict[str, int] = {}
        writer = before.writer.copy()
        first = writer.size
        accepted: list[tuple[Waiting, bytes, int]] = []
        leaves: list[bytes] = []
        for waiting in taken:
            content = waiting.draft.leaf
            seq = (seqs.get(content.caller) or before.seqs.get(content.caller, 0)) + 1
            try:
                leaf = encode_leaf(content, t=t, seq=seq)
            except LeafError as error:
                refused.append((waiting, error))
                continue
            seqs[content.caller] = seq
            hashed = leaf_hash(leaf)
            writer.append(hashed)
            leaves.append(leaf)
            accepted.append((waiting, hashed, seq))
        if not accepted:
            return None
        sealed = self._seal([waiting.draft for waiting, _, _ in accepted], first, t)
        head = StoredHead(size=writer.size, root=writer.root(), t=t, checkpoint=b"")
        return _Prepared(
            batch=Batch(
                first=first,
                leaves=leaves,
                privates=sealed.privates,
                words=sealed.words,
                epoch=self._parts.lookup.current,
                owners=sealed.owners,
                seqs=seqs,
                tiles=writer.take(),
                head=head,
            ),
            state=LogState(writer=writer, head=head, seqs=before.seqs | seqs),
            accepted=accepted,
        )

    def _seal(self, drafts: Sequence[EntryDraft], first: int, t: int) -> _Sealed:
        """Seal the private parts and find the words of the index."""
        lookup = self._parts.lookup
        marks: list[Marks] = [make_marks(draft, t=t, keys=lookup) for draft in drafts]
        owners = [
            owner
            for draft, mark in zip(drafts, marks, strict=True)
            if draft.private is not None
            for owner in (*mark.subjects, mark.official)
        ]
        found = self._parts.keys.ensure(owners)
        keys = found.keys
        privates = [
            b""
            if draft.private is None
            else seal_private(
                draft.private,
                entry=entry,
                subjects=[keys[owner] for owner in mark.subjects],
                official=keys[mark.official],
            )
            for entry, (draft, mark) in enumerate(zip(drafts, marks, strict=True), first)
        ]
        words = [(word, entry) for entry, mark in enumerate(marks, first) for word in mark.words]
        return _Sealed(privates=privates, words=words, owners=found.new)

    def _time(self, latest: int) -> int:
        """Return the time of a batch: never before the last one.

        Raises:
            LogUnavailableError: CLOCK_WENT_BACK, by more than a clock that is being set.

        """
        now = self._parts.clock_ms()
        if latest - now > MAX_CLOCK_BACK_MS:
            raise LogUnavailableError(Unavailable.CLOCK_WENT_BACK, f"by {(latest - now) // 1000} seconds")
        return max(latest, now)

    def _sign(self, checkpoint: Checkpoint) -> bytes:
        try:
            return encode_checkpoint(sign_checkpoint(checkpoint, self._parts.signers))
        except OwnKeyError as error:
            raise LogUnavailableError(Unavailable.SIGNER, str(error.fault)) from error

    def _read_state(self) -> LogState:
        parts = self._parts
        parts.store.settle()  # before the second head, or anybody else, hears of a batch that is not on disk
        parts.keys.settle()
        keys = [signer.key for signer in parts.signers]
        state = read_state(parts.store, origin=parts.origin, keys=keys, acknowledged=parts.head.head)
        if state.head is not None and (parts.head.head is None or parts.head.head.size < state.head.size):
            parts.head.write(Head(origin=parts.origin, size=state.head.size, root=state.head.root))
        return state

    def _write_head(self) -> None:
        """Have the second head written, if there is a new one."""
        head = None if self._state is None else self._state.head
        written = self._parts.head.head
        if head is not None and (written is None or written.size < head.size):
            self._head_written = self._head_writer.submit(self._write_head_of, head)

    def _write_head_of(self, head: StoredHead) -> None:
        self._parts.head.write(Head(origin=self._parts.origin, size=head.size, root=head.root))
        self._reached(7)

    def _settle(self) -> None:
        """Wait until the second head of the batch before is on disk; raises what kept it from getting there."""
        written, self._head_written = self._head_written, None
        if written is not None:
            written.result()

    def _settle_quietly(self) -> None:
        """Do so at the end, when nobody waits any more; the next start brings the second head up to date."""
        try:
            self._settle()
        except LogUnavailableError as error:
            self._failed(error)
        self._head_writer.shutdown()

    def _refuse_late(self) -> None:
        """Answer those who came while the log was being closed."""
        late = [waiting for _ in range(self._queue.qsize()) if (waiting := self._queue.get()) is not None]
        self._parts.told([(waiting, LogUnavailableError(Unavailable.CLOSED)) for waiting in late])

    def _failed(self, error: LogUnavailableError) -> None:
        """Read the state again before the next batch, or stop."""
        self._state = None
        self._failure = error
        if not error.passes:
            self._stopped = error

    def _reached(self, step: int) -> None:
        """Mark the end of a step; tests put their faults here."""
