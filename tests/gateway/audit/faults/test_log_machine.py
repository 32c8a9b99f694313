"""The log through everything at once, in any order: what it told is there, once, whatever happened in between.

The model is the list of what was acknowledged, and of whom was forgotten.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.leaf import LeafDraft, LeafKind, parse_leaf
from gateway.audit.log import AccessLog, LogSetup
from gateway.audit.lookup import Epoch, LookupKind
from gateway.audit.sequencer import Sequencer, SequencerParts
from gateway.audit.store.postgres import PostgresStore
from gateway.audit.store.postgres_keys import PostgresKeys
from gateway.audit.tlog.checkpoint import parse_checkpoint, verify_checkpoint
from gateway.audit.tlog.merkle import leaf_hash, verify_consistency
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.support.audit import (
    LOOKUP,
    ORIGIN,
    SIGNER,
    START_MS,
    Clock,
    make_draft,
    opened,
    sqlite_setup,
    verify_log,
    verify_receipt,
)
from tests.support.postgres import PostgresServer, running_postgres

SUBJECTS = 6  # few, so that those who are forgotten come again
LAST = 2**62


class Dying(Sequencer):
    """A sequencer whose thread ends at a step, as if the process had."""

    step = 0

    def _reached(self, step: int) -> None:
        if step == self.step:
            raise SystemExit


class LogMachine(RuleBasedStateMachine):
    """Receipts verify against every later checkpoint, numbers have no gaps, nothing told is lost or there twice."""

    make_setup: ClassVar[Callable[[Path, Clock], LogSetup]] = staticmethod(sqlite_setup)
    has_files: ClassVar[bool] = True  # that can be copied and put back

    @initialize()
    def begin(self) -> None:
        """Make an empty log."""
        self.folder = Path(tempfile.mkdtemp(prefix="tongban-log-"))
        self.clock = Clock()
        self.setup = self.make_setup(self.folder / "log", self.clock)
        self.number = 0
        self.kept: list[tuple[Receipt, EntryDraft]] = []
        self.forgotten: dict[str, int] = {}  # subject to the size of the log when it was forgotten
        self.expired = 0  # entries below have no private part any more
        self.backup: tuple[Path, int] | None = None
        self.open()

    def open(self) -> None:
        """Open the log that is there."""

        def make_sequencer(parts: SequencerParts) -> Dying:
            self.sequencer = Dying(parts)
            return self.sequencer

        self.log = AccessLog(self.setup, sequencer=make_sequencer)

    def drafts(self, count: int) -> list[EntryDraft]:
        """Return entries about a few people."""
        self.number += count
        return [
            make_draft(number % SUBJECTS, caller=f"c{number % 3}", req=f"REQ{number}")
            for number in range(self.number - count, self.number)
        ]

    @rule(count=st.integers(1, 270), later=st.integers(-1_000, 100_000))
    def append(self, count: int, later: int) -> None:
        """Append entries at once; all are taken."""
        self.clock.now += later
        drafts = self.drafts(count)

        async def go() -> list[Receipt]:
            return await asyncio.gather(*map(self.log.append, drafts))

        self.kept += list(zip(asyncio.run(go()), drafts, strict=True))

    @rule()
    def restart(self) -> None:
        """Close the log and open it."""
        self.log.close()
        self.open()

    @rule(step=st.sampled_from([1, 2, 3, 5]))
    def die(self, step: int) -> None:
        """End the thread at a step with entries on their way, and start again."""
        self.sequencer.step = step
        drafts = self.drafts(2)

        async def go() -> None:
            tasks = [asyncio.create_task(self.log.append(draft)) for draft in drafts]
            await asyncio.to_thread(self.sequencer._thread.join)
            for task in tasks:
                task.cancel()

        asyncio.run(go())
        self.restart()

    @rule(hours=st.integers(1, 10_000))
    def clock_goes_back(self, hours: int) -> None:
        """Set the clock back far, which refuses entries, and right again."""
        head = self.log.head()
        if head is None:
            return
        now, self.clock.now = self.clock.now, head.t - hours * 3_600_000
        with pytest.raises(LogUnavailableError) as caught:
            asyncio.run(self.log.append(self.drafts(1)[0]))
        assert caught.value.reason is Unavailable.CLOCK_WENT_BACK
        self.clock.now = max(now, head.t)

    @rule()
    def a_second_writer_comes(self) -> None:
        """Nobody else can open the log for writing meanwhile."""
        with pytest.raises(LogUnavailableError) as caught:
            AccessLog(self.setup)
        assert caught.value.reason is Unavailable.SECOND_WRITER

    @precondition(lambda self: self.has_files and self.kept)
    @rule()
    def back_up(self) -> None:
        """Copy the closed log."""
        self.log.close()
        copy = self.folder / "backup"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder / "log", copy)
        self.open()
        self.backup = (copy, self.size())

    @precondition(lambda self: self.backup)
    @rule(which=st.sampled_from(["log.sqlite", "keys.sqlite"]))
    def restore(self, which: str) -> None:
        """Put an old file in place: an older log is refused. Then put back what was there."""
        assert self.backup is not None
        copy, size = self.backup
        self.log.close()
        path = self.folder / "log" / which
        mine = path.read_bytes()
        path.write_bytes((copy / which).read_bytes())
        try:
            if which == "log.sqlite" and size < self.expected_size():
                with pytest.raises(LogUnavailableError) as caught:
                    AccessLog(self.setup)
                assert caught.value.reason is Unavailable.RESTORED_BACKUP
        finally:
            for left in path.parent.glob(f"{which}-*"):
                left.unlink()
            path.write_bytes(mine)
        self.open()

    @rule(which=st.integers(0, SUBJECTS - 1))
    def shred(self, which: int) -> None:
        """Forget a person: an entry says so, then keys and rows of the index are gone."""
        subject = _subject(which)
        receipt = asyncio.run(self.log.append(_own_entry(self.number)))
        self.kept.append((receipt, _own_entry(self.number)))
        self.log.keys.erase([LOOKUP.owner(LookupKind.SUBJECT, subject, Epoch(1))])
        self.log.store.erase_words(LOOKUP.words(LookupKind.SUBJECT, subject))
        self.forgotten[subject] = receipt.index

    @precondition(lambda self: self.kept)
    @rule()
    def retain(self) -> None:
        """Remove the private parts and rows of everything up to now."""
        end = self.size()
        self.log.store.erase_entry_words(range(end))
        for start in range(0, end, 200):
            self.log.store.replace_privates(dict.fromkeys(range(start, min(start + 200, end)), b""))
        self.expired = end

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def check_a_receipt(self, data: st.DataObject) -> None:
        """Hold an earlier receipt against the log as it is."""
        self.verify(*data.draw(st.sampled_from(self.kept)))

    @invariant()
    def nothing_is_there_twice(self) -> None:
        """No two receipts name one entry, and the log has all of them."""
        indices = {receipt.index for receipt, _ in self.kept}
        assert len(indices) == len(self.kept)
        assert self.size() > max(indices, default=-1)

    def size(self) -> int:
        """Return how many entries the log has."""
        head = self.log.head()
        return 0 if head is None else head.size

    def expected_size(self) -> int:
        """Return how many entries it must have."""
        return max((receipt.index for receipt, _ in self.kept), default=-1) + 1

    def verify(self, receipt: Receipt, draft: EntryDraft) -> None:
        """Verify a receipt, and that the entry can be opened as far as nobody was forgotten."""
        index, private = receipt.index, draft.private
        subject = private.subjects[0] if private is not None else None
        if private is not None and index >= self.expired and index > self.forgotten.get(str(subject), -1):
            verify_receipt(self.log, receipt, draft)
            return
        data = self.log.leaf(index)
        assert (leaf_hash(data), parse_leaf(data).content) == (receipt.leaf_hash, draft.leaf)
        signed = parse_checkpoint(receipt.checkpoint)
        verify_checkpoint(signed, [SIGNER.key])
        old, now = signed.checkpoint, self.log.prove(index).checkpoint.checkpoint
        proof = self.log.prove_growth(old.size, now.size)
        verify_consistency(old=old.size, old_root=old.root, new=now.size, new_root=now.root, proof=proof)
        opened = self.log.private(index)
        if index < self.expired or private is None:
            assert opened is None
        else:
            assert opened is not None
            assert opened.subject_erased
            assert not opened.part.subjects

    def teardown(self) -> None:
        """Verify the whole log."""
        if not hasattr(self, "log"):
            return
        try:
            assert verify_log(self.log) >= len(self.kept)
            for receipt, draft in self.kept[:: max(len(self.kept) // 40, 1)]:
                self.verify(receipt, draft)
            for subject, since in self.forgotten.items():
                found = self.log.store.find(LOOKUP.word(LookupKind.SUBJECT, subject, Epoch(1)), before=since, limit=9)
                assert list(found) == []
        finally:
            self.log.close()
            shutil.rmtree(self.folder)


def _subject(which: int) -> str:
    private = make_draft(which).private
    assert private is not None
    return private.subjects[0]


def _own_entry(number: int) -> EntryDraft:
    at = datetime.fromtimestamp(START_MS / 1000, UTC) + timedelta(seconds=number)
    more: dict[str, str | int] = {"basis": "test", "approvals": 2, "digest": "d"}
    return EntryDraft(leaf=LeafDraft(kind=LeafKind.SHRED, req=f"OWN{at:%H%M%S}", caller="tongban", more=more))


QUIET = [pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")]  # of threads that die

TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(max_examples=12, stateful_step_count=10, deadline=None)
TestLogMachine.pytestmark = QUIET


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_log_in_a_database(server: PostgresServer) -> None:
    """The same holds for a log in PostgreSQL."""

    def make_setup(folder: Path, clock: Clock) -> LogSetup:
        log, keys = server.new_database(), server.new_database()
        return sqlite_setup(
            folder, clock, open_store=lambda: PostgresStore(log, origin=ORIGIN), open_keys=lambda: PostgresKeys(keys)
        )

    class Machine(LogMachine):
        has_files = False

    Machine.make_setup = staticmethod(make_setup)
    case = Machine.TestCase
    case.settings = settings(max_examples=30, stateful_step_count=10, deadline=None)
    case("runTest").runTest()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_log_in_files_for_longer() -> None:
    """The same holds over many more and longer lives of a log in files."""

    class Machine(LogMachine):
        """With settings of its own."""

    case = Machine.TestCase
    case.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
    case("runTest").runTest()


def test_an_older_second_head_is_no_harm(tmp_path: Path) -> None:
    """A second head from a backup is a beginning of the log, and is brought up to date."""
    with opened(sqlite_setup(tmp_path)) as log:
        asyncio.run(log.append(make_draft(0)))
    old = (tmp_path / "head").read_bytes()
    with opened(sqlite_setup(tmp_path)) as log:
        asyncio.run(log.append(make_draft(1)))
    (tmp_path / "head").write_bytes(old)
    with opened(sqlite_setup(tmp_path)) as log:
        assert verify_log(log) == 2
