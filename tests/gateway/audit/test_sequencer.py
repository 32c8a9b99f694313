"""The sequencer: batches, order, refusals, and failures of everything that it works with."""

import asyncio
import threading
from pathlib import Path

import pytest

from gateway.audit.data_keys import MADE_AHEAD
from gateway.audit.head import HeadFile
from gateway.audit.leaf import LeafError, LeafFlaw, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.sequencer import MAX_CLOCK_BACK_MS, MAX_WAITING
from gateway.audit.store.memory import MemoryKeys, MemoryStore
from gateway.audit.store.store import Batch, StoredHead
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.unavailable import ADVICE, LogUnavailableError, Unavailable
from keys.own.errors import OwnKeyError, OwnKeyFault
from tests.support.audit import ORIGIN, SIGNER, START_MS, Clock, make_draft, opened, sqlite_setup, verify_log

CAUSE = Unavailable.UNREACHABLE


class Gate(MemoryStore):
    """A store whose commits wait for a test, fail before storing, or fail after it."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.batches: list[int] = []
        self.fail: type[Exception] | Exception | None = None
        self.store_first = False

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch, when and how the test says."""
        self.entered.set()
        self.open.wait()
        fail, self.fail = self.fail, None
        if fail is not None and not self.store_first:
            raise fail
        super().commit(batch, expected=expected)
        self.batches.append(len(batch.leaves))
        if fail is not None:
            raise fail


@pytest.fixture
def store() -> Gate:
    return Gate()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(store: Gate, clock: Clock, tmp_path: Path):
    keys = MemoryKeys()
    with opened(sqlite_setup(tmp_path, clock, open_store=lambda: store, open_keys=lambda: keys)) as log:
        yield log
        store.open.set()


async def reached(event: threading.Event) -> None:
    await asyncio.to_thread(event.wait)


async def append_many(log: AccessLog, count: int, first: int = 0) -> list[asyncio.Task]:  # type: ignore[type-arg]  # short
    tasks = [asyncio.create_task(log.append(make_draft(number, caller=f"c{number % 3}")))
             for number in range(first, first + count)]  # fmt: skip
    await asyncio.sleep(0)
    return tasks


async def test_one_commit_serves_everybody_who_waits(log: AccessLog, store: Gate) -> None:
    """While a batch is committed the next gathers; no batch has more than 256 entries."""
    store.open.clear()
    first = await append_many(log, 1)
    await reached(store.entered)
    rest = await append_many(log, 600, first=1)
    store.open.set()
    receipts = await asyncio.gather(*first, *rest)
    assert store.batches == [1, 256, 256, 88]
    assert [receipt.index for receipt in receipts] == list(range(601))
    assert len({receipt.checkpoint for receipt in receipts}) == 4
    assert await asyncio.to_thread(verify_log, log) == 601


async def test_nobody_is_told_before_the_commit(log: AccessLog, store: Gate) -> None:
    """As long as the store has not committed, no receipt exists."""
    store.open.clear()
    tasks = await append_many(log, 3)
    await reached(store.entered)
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in tasks)
    store.open.set()
    await asyncio.gather(*tasks)


async def test_what_fails_uses_up_no_keys_but_its_own(log: AccessLog, store: Gate) -> None:
    """However often a batch is refused, keys that were made ahead stay there for the next; none is given twice."""
    await log.append(make_draft(0))
    for number in range(1, 40):
        store.fail, store.store_first = LogUnavailableError(Unavailable.DISK_FULL), number % 2 == 0
        with pytest.raises(LogUnavailableError):
            await log.append(make_draft(number))
    await log.append(make_draft(40))
    given = await asyncio.to_thread(log.keys._store.last)
    assert given <= 2 * MADE_AHEAD
    numbers = [row.number for row in store._owners.values()]
    assert len(set(numbers)) == len(numbers)
    assert await asyncio.to_thread(verify_log, log) == 21


async def test_numbers_of_a_caller_have_no_gaps(log: AccessLog) -> None:
    """Each caller has its own numbers, from 1 on."""
    receipts = await asyncio.gather(*await append_many(log, 30))
    for caller in range(3):
        assert [receipt.seq for receipt in receipts[caller::3]] == list(range(1, 11))


async def test_whoever_stops_waiting_harms_nobody(log: AccessLog, store: Gate) -> None:
    """The entry of a cancelled waiter is written, and its neighbours get their receipts."""
    store.open.clear()
    tasks = await append_many(log, 5)
    await reached(store.entered)
    tasks[2].cancel()
    store.open.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in done].count("CancelledError") == 1
    assert await asyncio.to_thread(verify_log, log) == 5


async def test_too_many_are_told_at_once(log: AccessLog, store: Gate) -> None:
    """Beyond the bound an entry is refused without waiting; those who wait are served."""
    store.open.clear()
    first = await append_many(log, 1)
    await reached(store.entered)
    tasks = await append_many(log, MAX_WAITING, first=1)
    with pytest.raises(LogUnavailableError) as caught:
        await log.append(make_draft(0))
    assert (caught.value.reason, caught.value.passes) == (Unavailable.OVERLOADED, True)
    store.open.set()
    await asyncio.gather(*first, *tasks)


@pytest.mark.parametrize("stored", [False, True])
async def test_a_failed_commit_is_everybodys(log: AccessLog, store: Gate, *, stored: bool) -> None:
    """All waiters of the batch get the error, stored or not, and the log goes on behind whatever was stored."""
    await asyncio.gather(*await append_many(log, 2))
    store.fail, store.store_first = LogUnavailableError(CAUSE), stored
    store.open.clear()
    tasks = await append_many(log, 4)
    store.open.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, LogUnavailableError)]
    assert failed
    assert {error.reason for error in failed} == {CAUSE}
    assert len(set(map(id, failed))) == len(failed)
    receipts = await asyncio.gather(*await append_many(log, 3))
    size = 2 + (4 if stored else 4 - len(failed)) + 3
    assert receipts[-1].index == size - 1
    assert await asyncio.to_thread(verify_log, log) == size


async def test_the_last_failure_is_told(log: AccessLog, store: Gate) -> None:
    """A batch that failed is told as the reason why nothing is taken, until one is written."""
    assert log.failure is None
    store.fail = LogUnavailableError(CAUSE)
    with pytest.raises(LogUnavailableError):
        await log.append(make_draft(0))
    assert log.failure is not None
    assert (log.failure.reason, log.stopped) == (CAUSE, None)
    await log.append(make_draft(0))
    assert log.failure is None


async def test_a_fault_of_ours_stops_the_log(log: AccessLog, store: Gate) -> None:
    """An unexpected exception reaches every waiter as our error, and nothing is taken any more."""
    store.fail = ZeroDivisionError("secret")
    for _ in range(2):
        with pytest.raises(LogUnavailableError) as caught:
            await log.append(make_draft(0))
        assert caught.value.reason is Unavailable.BROKEN
        assert "secret" not in str(caught.value)
    assert log.stopped is not None


async def test_a_signer_that_fails_stores_nothing(log: AccessLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a signature nothing is written; with one the log goes on."""

    def fail(*_: object) -> None:
        raise OwnKeyError(OwnKeyFault.DEVICE)

    with monkeypatch.context() as patch:
        patch.setattr(NoteSigner, "sign", fail)
        with pytest.raises(LogUnavailableError) as caught:
            await log.append(make_draft(0))
    assert (caught.value.reason, log.head()) == (Unavailable.SIGNER, None)
    assert (await log.append(make_draft(0))).index == 0


async def test_a_second_head_that_fails_holds_the_next_batch(log: AccessLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """No batch is committed before the second head of the one before it is on disk."""

    def fail(*_: object) -> None:
        raise LogUnavailableError(Unavailable.DISK_FULL)

    with monkeypatch.context() as patch:
        patch.setattr(HeadFile, "write", fail)
        await log.append(make_draft(0))
        with pytest.raises(LogUnavailableError) as caught:
            await log.append(make_draft(1))
        assert caught.value.reason is Unavailable.DISK_FULL
        assert (await asyncio.to_thread(verify_log, log)) == 1
    assert (await log.append(make_draft(2))).index == 1


async def test_an_entry_that_is_too_large_takes_no_number(log: AccessLog) -> None:
    """Its neighbours are written, without a gap."""
    large = make_draft(1, reasons=("r" * 128,) * 16)
    outcomes = await asyncio.gather(
        log.append(make_draft(0)), log.append(large), log.append(make_draft(2)), return_exceptions=True
    )
    error = outcomes[1]
    assert isinstance(error, LeafError)
    assert error.flaw is LeafFlaw.TOO_LARGE
    assert [outcome.seq for outcome in (outcomes[0], outcomes[2])] == [1, 2]
    with pytest.raises(LeafError):
        await log.append(large)
    assert await asyncio.to_thread(verify_log, log) == 2


async def test_time_never_runs_backwards(log: AccessLog, clock: Clock) -> None:
    """A clock that is set back a little leaves the latest time; further back, nothing is taken until it caught up."""
    times = []
    for now in (START_MS, START_MS + 500, START_MS + 500 - MAX_CLOCK_BACK_MS, START_MS + 600):
        clock.now = now
        times.append(parse_leaf(log.leaf((await log.append(make_draft(0))).index)).t - START_MS)
    assert times == [0, 500, 500, 600]
    clock.now = START_MS + 599 - MAX_CLOCK_BACK_MS
    with pytest.raises(LogUnavailableError) as caught:
        await log.append(make_draft(0))
    assert caught.value.reason is Unavailable.CLOCK_WENT_BACK
    clock.now = START_MS + 700
    assert (await log.append(make_draft(0))).index == 4


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    """Entries that were taken are written and told; later ones are refused."""
    store = Gate()
    log = await asyncio.to_thread(AccessLog, sqlite_setup(tmp_path, open_store=lambda: store, open_keys=MemoryKeys))
    tasks = await append_many(log, 300)
    await asyncio.to_thread(log.close)
    assert len(await asyncio.gather(*tasks)) == 300
    with pytest.raises(LogUnavailableError) as caught:
        await log.append(make_draft(0))
    assert caught.value.reason is Unavailable.CLOSED


def test_a_loop_that_ended_is_left_alone(log: AccessLog, store: Gate) -> None:
    """Whoever waited on a loop that is closed hears nothing, and the log goes on."""
    store.open.clear()

    async def give_up() -> None:
        await append_many(log, 1)
        await reached(store.entered)

    asyncio.run(give_up())
    store.open.set()
    assert asyncio.run(log.append(make_draft(5))).index == 1


def test_every_reason_has_advice() -> None:
    """Both languages say what to do."""
    assert set(ADVICE) == set(Unavailable)
    assert all(advice.zh and advice.en for advice in ADVICE.values())


def test_the_signer_is_named_as_the_log() -> None:
    """A log whose key has another name does not sign as it."""
    assert SIGNER.key.name == ORIGIN
