"""The keeper of a book: it turns the half-year, seals days and ends retention, whatever fails on the way."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.book.keeper import RETAIN, BookKeeper
from gateway.audit.book.report import read_report
from gateway.audit.book.retaining import SETTLED_DAYS
from gateway.audit.forgetting.retention_terms import LEAST_PROVISION_DAYS, Retention
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.lookup import MAX_EPOCH, Epoch
from gateway.audit.seal.check import check_index
from gateway.audit.shard import shard_name
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.chains import SEAL_DAY
from tests.support.audit_drafts import make_draft
from tests.support.link import place_in

START = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
# The half-year of the moments that tests jump to, over many others.
YEARS_LATER = shard_name(START + timedelta(days=60 + LEAST_PROVISION_DAYS + 1))


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
async def book(tmp_path: Path, clock: Clock) -> AsyncIterator[LogBook]:
    """Return an open book."""
    book = LogBook(place_in(tmp_path), clock=clock, may_begin=YEARS_LATER)
    await book.open()
    yield book
    await book.close()


async def pass_days(book: LogBook, clock: Clock, days: int) -> None:
    """Let so many days pass, in which no half-year is missed."""
    end = clock.now + timedelta(days=days)
    while clock.now < end:
        clock.now = min(clock.now + timedelta(days=180), end)
        await book.turn()


async def live(book: LogBook, clock: Clock, keeper: BookKeeper, days: int = SETTLED_DAYS + 2) -> None:
    """Let so many days pass, with an entry in each, and the looks of the keeper."""
    for number in range(days):
        await book.append(make_draft(1_000 + number))
        clock.now += timedelta(days=1)
        await keeper.look()


async def seals(book: LogBook, shard: str) -> list[str]:
    """Return the actions of the seals of a shard."""
    reader = await asyncio.to_thread(book.reader, shard)
    leaves = [parse_leaf(leaf).content for leaf in await asyncio.to_thread(reader.store.leaves, 0, 1_000)]
    return [str(leaf.more["action"]) for leaf in leaves if leaf.kind is LeafKind.SEAL]


async def test_a_day_is_sealed(book: LogBook, clock: Clock) -> None:
    """Once a day is over, the next look seals it, and further looks do nothing."""
    failed: list[str] = []
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=failed.append)
    await book.append(make_draft(1))
    clock.now += timedelta(days=1)
    for _ in range(3):
        await keeper.look()
    assert await seals(book, "2026h2") == [SEAL_DAY]
    assert failed == []


async def test_what_is_past_its_time(book: LogBook, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Years later the private parts of a closed shard go, its data keys with them, and a line says so."""
    caplog.set_level(logging.INFO)
    entry = (await book.append(make_draft(1))).index
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=lambda _: None)
    await live(book, clock, keeper, 3)  # days that are sealed, and sealed anew by the deletion
    sealed = await asyncio.to_thread(book.current.store.owners_before, Epoch(MAX_EPOCH))
    await pass_days(book, clock, LEAST_PROVISION_DAYS + 1)
    await live(book, clock, keeper)
    reader = await asyncio.to_thread(book.reader, "2026h2")
    assert (await asyncio.to_thread(check_index, reader, now_ms=int(clock.now.timestamp() * 1000))).findings == ()
    assert await asyncio.to_thread(reader.store.owners, list(sealed)) == {}
    assert await asyncio.to_thread(reader.private, entry) is None
    assert await asyncio.to_thread(reader.keys.read, list(sealed.values())) == {}
    assert sealed
    assert "2026h2: " in caplog.text


async def test_a_wrong_clock_removes_nothing(book: LogBook, clock: Clock) -> None:
    """A clock that is years ahead removes nothing before it has been so on as many days as are waited for."""
    entry = (await book.append(make_draft(1))).index
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=lambda _: None)
    await pass_days(book, clock, LEAST_PROVISION_DAYS + 1)
    reader = await asyncio.to_thread(book.reader, "2026h2")
    await live(book, clock, keeper, SETTLED_DAYS)
    assert await asyncio.to_thread(reader.private, entry) is not None
    await live(book, clock, keeper, 2)
    assert await asyncio.to_thread(reader.private, entry) is None


async def test_a_fault_ends_nothing(book: LogBook, clock: Clock) -> None:
    """A chore that fails is counted, and those after it are done; retention is tried again the next day."""
    failed: list[str] = []
    done: list[datetime] = []
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=failed.append)

    async def fail(_: datetime) -> None:
        raise ZeroDivisionError

    async def refuse(_: datetime) -> None:
        raise LogUnavailableError(Unavailable.DISK_FULL)

    async def work(at: datetime) -> None:
        done.append(at)

    keeper.add("fails", fail)
    keeper.add("refuses", refuse)
    keeper.add("works", work)
    await keeper.look()
    await keeper.look()
    assert failed == ["fails", "refuses"] * 2
    assert done == [START, START]


async def test_one_shard_keeps_no_other_from_it(tmp_path: Path, book: LogBook, clock: Clock) -> None:
    """Where a closed shard cannot be opened, retention in the others goes on."""
    failed: list[str] = []
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=failed.append)
    clock.now = START + timedelta(days=60)
    await keeper.look()
    entry = (await book.append(make_draft(1))).index
    await book.close()
    again = LogBook(place_in(tmp_path), clock=clock, may_begin=YEARS_LATER)
    await again.open()
    await asyncio.to_thread((place_in(tmp_path).folder("2026h2") / "head").unlink)
    keeper = BookKeeper(again, clock=clock, read_retention=Retention, failed=failed.append)
    await pass_days(again, clock, LEAST_PROVISION_DAYS + 1)
    await live(again, clock, keeper)
    reader = await asyncio.to_thread(again.reader, "2027h1")
    assert await asyncio.to_thread(reader.private, entry) is None
    assert set(failed) == {RETAIN}
    await again.close()


async def test_files_that_still_hold_something_are_cleared_later(
    book: LogBook, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a backup kept in the files is cleared on the next day, though nothing is due then; once is enough."""
    entry = (await book.append(make_draft(1))).index
    failed: list[str] = []
    purged: list[str] = []
    has_backup = True

    async def purge(log: AccessLog) -> bool:
        purged.append(log.origin.rpartition("/")[2])
        return not has_backup

    monkeypatch.setattr("gateway.audit.book.retaining.purge", purge)
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=failed.append)
    await keeper.look()
    await pass_days(book, clock, LEAST_PROVISION_DAYS + 1)
    await live(book, clock, keeper)
    reader = await asyncio.to_thread(book.reader, "2026h2")
    assert await asyncio.to_thread(reader.private, entry) is None
    for _ in range(2):
        purged.clear()
        await live(book, clock, keeper, 1)
        assert purged.count("2026h2") == 1
    has_backup = False
    failed.clear()
    await live(book, clock, keeper, 3)
    assert purged.count("2026h2") == 2  # with the one that failed
    assert failed == []


async def test_a_purge_is_owed_over_a_restart(book: LogBook, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look of a process clears the files of every closed shard: the one before it may have failed to."""
    purged: list[str] = []

    async def purge(log: AccessLog) -> bool:
        purged.append(log.origin.rpartition("/")[2])
        return True

    monkeypatch.setattr("gateway.audit.book.retaining.purge", purge)
    await pass_days(book, clock, 60)
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=lambda _: None)
    await live(book, clock, keeper, 2)
    assert purged == ["2026h2"]


async def test_retention_that_cannot_be_read_is_tried_again(book: LogBook, clock: Clock) -> None:
    """Where nobody can tell for how long things are kept, the next look asks again, on the same day."""
    asked: list[datetime] = []

    def read() -> Retention:
        asked.append(clock.now)
        if len(asked) == 1:
            raise LogUnavailableError(Unavailable.UNUSABLE)
        return Retention()

    keeper = BookKeeper(book, clock=clock, read_retention=read, failed=lambda _: None)
    for _ in range(3):
        await keeper.look()
    assert asked == [START] * 2


async def test_rules_may_keep_longer(book: LogBook, clock: Clock) -> None:
    """What a rule wants to be kept for longer is there after the time of the settings; what cannot be told is kept."""
    entry = (await book.append(make_draft(1))).index
    failed: list[str] = []

    def nobody_knows() -> Retention:
        raise LogUnavailableError(Unavailable.UNUSABLE)

    await pass_days(book, clock, LEAST_PROVISION_DAYS + 1)
    for read in (lambda: Retention().at_least(10 * LEAST_PROVISION_DAYS), nobody_knows):
        await BookKeeper(book, clock=clock, read_retention=read, failed=failed.append).look()
        reader = await asyncio.to_thread(book.reader, "2026h2")
        assert await asyncio.to_thread(reader.private, entry) is not None
    assert failed == [RETAIN]


async def test_the_log_is_tried_where_nobody_asks(book: LogBook, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that takes nothing is tried until it does again; that is one entry, however often it is tried."""
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=lambda _: None)
    size = await size_of(book)
    await keeper.probe()
    assert await size_of(book) == size
    with monkeypatch.context() as patch:
        patch.setattr(book.current.store, "commit", refuse_commit)
        for _ in range(3):
            await keeper.probe() if book.stopped else await fail_once(book)
        assert (await read_report(book)).stopped is not None
    for _ in range(3):
        await keeper.probe()
    assert (await read_report(book)).stopped is None
    assert await size_of(book) == size + 1
    last = parse_leaf(await asyncio.to_thread(book.current.leaf, size)).content
    assert dict(last.more) == {"action": "resume", "target": "gateway"}


async def test_a_reader_that_fails_makes_one_entry(
    book: LogBook, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where entries are taken and only reading fails, trying it again and again does not fill the log."""
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=lambda _: None)
    size = await size_of(book)
    with monkeypatch.context() as patch:
        patch.setattr(book.current, "head", refuse_reading)
        for _ in range(4):
            await keeper.probe()
    assert await size_of(book) == size + 1


async def test_what_is_under_way_is_finished(book: LogBook, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keeper that is ended in the middle of a chore ends behind it: no thread works on a book that is closed."""
    monkeypatch.setattr("gateway.audit.book.keeper.PROBE_SECONDS", 0.001)
    monkeypatch.setattr("gateway.audit.book.keeper.LOOK_SECONDS", 0.001)
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=lambda _: None)
    entered, go = asyncio.Event(), asyncio.Event()
    done: list[bool] = []

    async def work(_: datetime) -> None:
        entered.set()
        await go.wait()
        done.append(True)

    keeper.add("works", work)
    running = asyncio.create_task(keeper.run())
    await entered.wait()
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    go.set()
    await asyncio.wait([running])
    assert (running.cancelled(), done) == (True, [True])


async def test_a_stop_waits_for_one_shard(book: LogBook, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keeper that is ended while it purges one half-year after the other begins no other; the rest is done later."""
    monkeypatch.setattr("gateway.audit.book.keeper.LOOK_SECONDS", 0.001)
    await pass_days(book, clock, 3 * 365)
    entered, go = asyncio.Event(), asyncio.Event()
    purged: list[str] = []

    async def purge(log: AccessLog) -> bool:
        purged.append(log.origin)
        entered.set()
        await go.wait()
        return True

    monkeypatch.setattr("gateway.audit.book.retaining.purge", purge)
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=lambda _: None)
    running = asyncio.create_task(keeper.run())
    await entered.wait()
    running.cancel()
    await asyncio.sleep(0)
    go.set()
    await asyncio.wait([running])
    assert len(purged) == 1
    await keeper.look()
    assert len(purged) == len(set(purged)) == len(await asyncio.to_thread(book.shards)) - 1


async def test_the_log_is_tried_during_a_look(book: LogBook, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a look takes its time, a log that takes nothing is tried all the same."""
    monkeypatch.setattr("gateway.audit.book.keeper.PROBE_SECONDS", 0.001)
    monkeypatch.setattr("gateway.audit.book.keeper.LOOK_SECONDS", 0.001)
    keeper = BookKeeper(book, clock=clock, read_retention=Retention, failed=lambda _: None)
    entered, go = asyncio.Event(), asyncio.Event()

    async def work(_: datetime) -> None:
        entered.set()
        await go.wait()

    keeper.add("works", work)
    running = asyncio.create_task(keeper.run())
    await entered.wait()
    with monkeypatch.context() as patch:
        patch.setattr(book.current.store, "commit", refuse_commit)
        await fail_once(book)
    async with asyncio.timeout(30):
        while book.stopped is not None:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)
    running.cancel()
    go.set()
    await asyncio.wait([running])


def refuse_commit(*_: object, **__: object) -> None:
    """Write nothing, as on a full disk."""
    raise LogUnavailableError(Unavailable.DISK_FULL)


def refuse_reading() -> None:
    """Read nothing."""
    raise LogUnavailableError(Unavailable.UNREACHABLE)


async def fail_once(book: LogBook) -> None:
    """Hand in an entry that is refused."""
    with pytest.raises(LogUnavailableError):
        await book.append(make_draft(1))


async def size_of(book: LogBook) -> int:
    """Return how many entries the log has."""
    head = await asyncio.to_thread(book.current.store.head)
    assert head is not None
    return head.size
