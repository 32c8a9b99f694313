"""The log as a whole, through appends, failures, deaths, erasures and restarts in any order."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.head import HeadFile
from gateway.audit.log import AccessLog
from gateway.audit.lookup import Epoch, LookupKind, caller_day
from gateway.audit.sequencer import Sequencer, SequencerParts
from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.store.store import Batch, StoredHead
from gateway.audit.tlog.checkpoint import verify_checkpoint
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.proof import encode_proof, parse_proof
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.support.audit import (
    LOOKUP,
    SIGNER,
    START_MS,
    Clock,
    make_draft,
    opened,
    sqlite_setup,
    verify_log,
    verify_receipt,
)


class Faulty(SqliteStore):
    """A store that fails once when it is told to, before or after it has stored."""

    fail: str = ""

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch, or fail."""
        fail, self.fail = self.fail, ""
        if fail != "before":
            super().commit(batch, expected=expected)
        if fail:
            raise LogUnavailableError(Unavailable.WRITE_FAILED)


class Dying(Sequencer):
    """A sequencer whose thread ends at a step, as if the process had."""

    step = 0

    def _reached(self, step: int) -> None:
        if step == self.step:
            raise SystemExit


class LogMachine(RuleBasedStateMachine):
    """Nothing acknowledged is lost or there twice, numbers have no gaps, and every receipt goes on to verify."""

    @initialize()
    def begin(self) -> None:
        """Make an empty log."""
        self.folder = Path(tempfile.mkdtemp(prefix="tongban-log-"))
        self.clock = Clock()
        self.number = 0
        self.receipts: list[tuple[Receipt, EntryDraft]] = []
        self.open()

    def open(self) -> None:
        """Open the log that is there."""

        def make_store() -> Faulty:
            self.store = Faulty(self.folder / "log.sqlite")
            return self.store

        def make_sequencer(parts: SequencerParts) -> Dying:
            self.sequencer = Dying(parts)
            return self.sequencer

        self.log = AccessLog(sqlite_setup(self.folder, self.clock, open_store=make_store), sequencer=make_sequencer)

    def append(self, count: int, callers: int) -> list[Receipt | BaseException]:
        """Append entries at once and note their receipts."""
        drafts = []
        for _ in range(count):
            drafts.append(make_draft(self.number, caller=f"c{self.number % callers}"))
            self.number += 1

        async def go() -> list[Receipt | BaseException]:
            return await asyncio.gather(*map(self.log.append, drafts), return_exceptions=True)

        outcomes = asyncio.run(go())
        self.receipts += [
            (outcome, draft) for outcome, draft in zip(outcomes, drafts, strict=True) if isinstance(outcome, Receipt)
        ]
        return outcomes

    @rule(count=st.integers(1, 300), callers=st.integers(1, 4), later=st.integers(-1_000, 1_000))
    def append_some(self, count: int, callers: int, later: int) -> None:
        """Append entries, which are all taken."""
        self.clock.now += later
        assert all(isinstance(outcome, Receipt) for outcome in self.append(count, callers))

    @rule(fail=st.sampled_from(["before", "after"]))
    def fail_once(self, fail: str) -> None:
        """Let a commit fail, before or after it has stored."""
        self.store.fail = fail
        assert any(isinstance(outcome, LogUnavailableError) for outcome in self.append(3, 2))

    @rule()
    def restart(self) -> None:
        """Close the log and open it."""
        self.log.close()
        self.open()

    @rule(step=st.sampled_from([1, 2, 3, 5]))
    def die(self, step: int) -> None:
        """End the thread at a step with an entry on its way, and start again."""
        self.sequencer.step = step

        async def go() -> None:
            task = asyncio.create_task(self.log.append(make_draft(self.number, caller="c0")))
            await asyncio.to_thread(self.sequencer._thread.join)
            task.cancel()

        asyncio.run(go())
        self.number += 1
        self.log.close()
        self.open()

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def check_a_receipt(self, data: st.DataObject) -> None:
        """Hold an earlier receipt against the log as it is."""
        receipt, draft = data.draw(st.sampled_from(self.receipts))
        verify_receipt(self.log, receipt, draft)

    @invariant()
    def nothing_is_there_twice(self) -> None:
        """No two receipts name one entry."""
        indices = [receipt.index for receipt, _ in self.receipts]
        assert len(set(indices)) == len(indices)

    def teardown(self) -> None:
        """Verify the whole log."""
        try:
            assert verify_log(self.log) >= len(self.receipts)
            for receipt, draft in self.receipts[:: max(len(self.receipts) // 50, 1)]:
                verify_receipt(self.log, receipt, draft)
        finally:
            self.log.close()
            shutil.rmtree(self.folder)


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(max_examples=10, stateful_step_count=8, deadline=None)
TestLogMachine.pytestmark = [pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")]


def test_a_proof_file_is_enough(tmp_path: Path) -> None:
    """The proof of an entry verifies with the log's key alone."""
    with opened(sqlite_setup(tmp_path)) as log:
        for number in range(3):
            receipt = asyncio.run(log.append(make_draft(number)))
        proof = parse_proof(encode_proof(log.prove(1)))
        verify_checkpoint(proof.checkpoint, [SIGNER.key])
        assert leaf_hash(log.leaf(2)) == receipt.leaf_hash
        with pytest.raises(ValueError, match="index"):
            log.prove(3)


def test_entries_are_found_by_each_of_their_words(tmp_path: Path) -> None:
    """By subject, official, case, licence, request and a caller's day."""
    with opened(sqlite_setup(tmp_path)) as log:
        drafts = [make_draft(number) for number in range(8)]
        for draft in drafts:
            asyncio.run(log.append(draft))
        wanted = drafts[5]
        assert wanted.private is not None
        for kind, value in (
            (LookupKind.REQUEST, wanted.leaf.req),
            (LookupKind.SUBJECT, wanted.private.subjects[0]),
            (LookupKind.OFFICIAL, wanted.private.official),
            (LookupKind.CASE, wanted.private.case),
            (LookupKind.LICENCE, wanted.private.licence),
        ):
            assert list(log.store.find(LOOKUP.word(kind, value, Epoch(1)), before=100, limit=9)) == [5]
        day = LOOKUP.word(LookupKind.CALLER_DAY, caller_day("approval-01", START_MS), Epoch(1))
        assert list(log.store.find(day, before=100, limit=3)) == [7, 6, 5]


def test_a_person_can_be_forgotten_and_the_log_still_verifies(tmp_path: Path) -> None:
    """Without the subject's key and words nothing leads to the person; the official stays, and so does the tree."""
    with opened(sqlite_setup(tmp_path)) as log:
        drafts = [make_draft(number) for number in range(4)]
        for draft in drafts:
            asyncio.run(log.append(draft))
        assert drafts[2].private is not None
        subject = drafts[2].private.subjects[0]
        assert log.keys.erase([LOOKUP.owner(LookupKind.SUBJECT, subject, Epoch(1))]) == 1
        assert log.store.erase_words(LOOKUP.words(LookupKind.SUBJECT, subject)) == 1
        part = log.private(2)
        assert part is not None
        assert (part.subject_erased, part.official_erased) == (True, False)
        assert (part.part.subjects, part.part.licence, part.part.official) == ((), "", drafts[2].private.official)
        assert log.store.find(LOOKUP.word(LookupKind.SUBJECT, subject, Epoch(1)), before=100, limit=9) == []
        assert verify_log(log) == 4
        asyncio.run(log.append(drafts[2]))
        again = log.private(4)
        assert again is not None
        assert again.part.subjects == (subject,)


def test_the_second_head_agrees_after_closing(tmp_path: Path) -> None:
    """A log that was closed leaves both heads equal."""
    with opened(sqlite_setup(tmp_path)) as log:
        asyncio.run(log.append(make_draft(0)))
        head = log.head()
    file = HeadFile(tmp_path / "head", create=False)
    assert head is not None
    assert file.head is not None
    assert (file.head.size, file.head.root) == (head.size, head.root)
    file.close()
