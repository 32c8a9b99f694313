"""Logs to test: entries of full size, stores of each kind, and a log that is opened as often as a test likes."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.data_keys import AesKeyWrapper
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.leaf import parse_leaf
from gateway.audit.log import AccessLog, LogSetup
from gateway.audit.lookup import Epoch, LookupKeys
from gateway.audit.private import DataKey, open_private, seal_private, split_private
from gateway.audit.sequencer import Sequencer, SequencerParts
from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.store.sqlite_keys import SqliteKeys
from gateway.audit.store.store import Batch
from gateway.audit.tlog.checkpoint import parse_checkpoint, verify_checkpoint
from gateway.audit.tlog.merkle import leaf_hash, verify_consistency, verify_inclusion
from gateway.audit.tlog.note_signer import NoteSigner
from keys.own.signer import SoftwareSigner
from tests.support.audit_drafts import make_draft

ORIGIN = "gw.370000/access/2026h2"
WRAPPER = AesKeyWrapper(b"k" * 32)
LOOKUP = LookupKeys({Epoch(1): b"a" * 32})
SIGNER = NoteSigner(ORIGIN, SoftwareSigner(Ed25519PrivateKey.from_private_bytes(b"s" * 32)))
START_MS = 1_790_000_000_000


class Clock:
    """A clock that a test sets, in milliseconds since 1970."""

    def __init__(self, now: int = START_MS) -> None:
        self.now = now

    def __call__(self) -> int:
        """Tell the time."""
        return self.now


def sqlite_setup(folder: Path, clock: Callable[[], int] | None = None, **changes: Any) -> LogSetup:
    """Return the setup of a log in three files of a folder."""
    setup = LogSetup(
        origin=ORIGIN,
        open_store=lambda: SqliteStore(folder / "log.sqlite"),
        open_keys=lambda: SqliteKeys(folder / "keys.sqlite"),
        head=folder / "head",
        wrapper=WRAPPER,
        lookup=LOOKUP,
        signers=(SIGNER,),
        clock_ms=clock or Clock(),
    )
    return replace(setup, **changes)


@contextmanager
def opened(setup: LogSetup, **parts: Any) -> Iterator[AccessLog]:
    """Open a log and close it at the end."""
    log = AccessLog(setup, **parts)
    try:
        yield log
    finally:
        log.close()


def verify_log(log: AccessLog) -> int:
    """Verify every entry of a log, the numbers of its callers and its head; return how many entries there are."""
    head = log.head()
    size = 0 if head is None else head.size
    seqs: dict[str, int] = {}
    latest = 0
    for index, data in enumerate(log.store.leaves(0, size + 1)):
        leaf = parse_leaf(data)
        assert leaf.seq == seqs.get(leaf.content.caller, 0) + 1
        assert leaf.t >= latest
        seqs[leaf.content.caller], latest = leaf.seq, leaf.t
        proof = log.prove(index)
        checkpoint = proof.checkpoint.checkpoint
        verify_inclusion(
            leaf=leaf_hash(data), index=index, size=checkpoint.size, proof=proof.hashes, root=checkpoint.root
        )
    assert sum(seqs.values()) == size
    assert log.store.seqs() == seqs
    return size


def reseal_private(log: AccessLog, entry: int, **changes: Any) -> None:
    """Put another private part in place of an entry's, as somebody could who has the database and all its keys."""
    sealed = split_private(log.store.private(entry) or b"")
    keys = log.keys.read({*sealed.subject_keys, *sealed.official_keys})
    part = replace(open_private(sealed, entry=entry, keys=keys).part, **changes)
    subjects = [DataKey(number=number, key=keys[number]) for number in sealed.subject_keys]
    [official] = sealed.official_keys
    data = seal_private(part, entry=entry, subjects=subjects, official=DataKey(number=official, key=keys[official]))
    log.store.replace_privates({entry: data})


def verify_receipt(log: AccessLog, receipt: Receipt, draft: EntryDraft) -> None:
    """Verify that a receipt tells of this entry, and that the log as it is now goes on from what it says."""
    data = log.leaf(receipt.index)
    leaf = parse_leaf(data)
    assert (leaf_hash(data), leaf.seq, leaf.content) == (receipt.leaf_hash, receipt.seq, draft.leaf)
    opened = log.private(receipt.index)
    assert opened is not None
    assert opened.part == draft.private
    signed = parse_checkpoint(receipt.checkpoint)
    verify_checkpoint(signed, [SIGNER.key])
    old, now = signed.checkpoint, log.prove(receipt.index).checkpoint.checkpoint
    assert receipt.index < old.size
    proof = log.prove_growth(old.size, now.size)
    verify_consistency(old=old.size, old_root=old.root, new=now.size, new_root=now.root, proof=proof)


# --- a process that dies ----------------------------------------------------------------------------------------------

DEADLY_BATCH = 3


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingSequencer(Sequencer):
    """Kills the process when its third batch has reached a step."""

    def __init__(self, parts: SequencerParts, step: int) -> None:
        self._step = step
        self._reached_times = 0
        super().__init__(parts)

    def _reached(self, step: int) -> None:
        self._reached_times += step == self._step
        if self._reached_times == DEADLY_BATCH:
            _die()


class DyingStore(SqliteStore):
    """Kills the process when the rows of the third batch are inserted, and not committed."""

    inserted = 0

    def _insert(self, connection: sqlite3.Connection, batch: Batch) -> None:
        super()._insert(connection, batch)
        self.inserted += 1
        if self.inserted == DEADLY_BATCH:
            _die()


async def _append_until_death(log: AccessLog) -> None:
    for number in range(1_000):  # one after the other, so that each is a batch of its own
        receipt = await log.append(make_draft(number, caller=f"c{number % 2}"))
        told = f"{receipt.index} {receipt.seq} {receipt.leaf_hash.hex()} {receipt.checkpoint.hex()}\n"
        os.write(sys.stdout.fileno(), told.encode())


def main(folder: Path, step: int) -> None:
    """Append to a log and print receipts, until the third batch has reached a step."""
    store = DyingStore if step == 4 else SqliteStore
    setup = sqlite_setup(folder, open_store=lambda: store(folder / "log.sqlite"))
    log = AccessLog(setup, sequencer=lambda parts: DyingSequencer(parts, step))
    asyncio.run(_append_until_death(log))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
