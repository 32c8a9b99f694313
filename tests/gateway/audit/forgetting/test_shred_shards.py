"""Forgetting a person in all half-years of a log, whichever of them tells which licences are theirs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.entry import EntryDraft
from gateway.audit.forgetting.concerned import find_about_person
from gateway.audit.forgetting.one_shard import ShardShredding
from gateway.audit.forgetting.shred import Shredded, _Shredding, shred
from gateway.audit.forgetting.shred_approval import ShredApproval, ShredOrder
from gateway.audit.reader import LogReader
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from gateway.audit.shard import site_origin
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.gateway.audit.forgetting.test_shred import APPROVERS, OTHER, PERSON, approve, entry
from tests.support.link import place_in

FIRST, SECOND, THIRD = "2026h2", "2027h1", "2027h2"
MOMENTS = {FIRST: datetime(2026, 11, 22, tzinfo=UTC), SECOND: datetime(2027, 3, 1, tzinfo=UTC)} | {
    THIRD: datetime(2027, 8, 1, tzinfo=UTC)
}
LICENCES = {shard: f"licence of {shard}" for shard in MOMENTS}  # each half-year alone ties one to the person
IN_VAIN = {shard: [entry(at, [], name) for at, name in enumerate(LICENCES.values())] for shard in MOMENTS}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = MOMENTS[FIRST]

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[LogBook]:
    """Return a log of three half-years; in each somebody asked in vain for all licences, and one is the person's."""
    clock = Clock()
    book = LogBook(place_in(tmp_path), clock=clock)
    await book.open()
    for shard, moment in MOMENTS.items():
        clock.now = moment
        await write(book, [entry(10, [PERSON], LICENCES[shard]), *IN_VAIN[shard], entry(11, [OTHER], "another")])
    yield book
    await book.close()


async def write(book: LogBook, drafts: Sequence[EntryDraft]) -> None:
    for draft in drafts:
        await book.append(draft)


def order_of(book: LogBook) -> ShredOrder:
    return ShredOrder(log=site_origin(book.current.origin), subject=PERSON, basis="PIPL-47")


def approvals_of(order: ShredOrder) -> Sequence[ShredApproval]:
    return [approve(name, order, at=MOMENTS[THIRD]) for name in "ab"]


async def forget(book: LogBook) -> Shredded:
    order = order_of(book)
    approvals = await asyncio.to_thread(approvals_of, order)
    return await shred(book, order, approvals, APPROVERS, at=MOMENTS[THIRD])


def what_is_left(log: LogReader) -> list[str]:
    """Return what the index, or an opened private part, still says of the person or their licences."""
    search = LogSearch.of(log)
    queries = [Query(subject=PERSON), *(Query(licence=name) for name in LICENCES.values())]
    left = [f"found: {one.index}" for query in queries for one in search.find(query).entries]
    head = log.head()
    for index in range(0 if head is None else head.size):
        private = log.private(index)
        if private is not None and (PERSON in private.part.subjects or private.part.licence in LICENCES.values()):
            left.append(f"says: {index}")
    return left


async def all_left(book: LogBook) -> dict[str, list[str]]:
    return {shard: await asyncio.to_thread(lambda: what_is_left(book.reader(shard))) for shard in MOMENTS}  # noqa: B023 - awaited at once


NOTHING_LEFT: dict[str, list[str]] = {shard: [] for shard in MOMENTS}


async def test_a_licence_is_forgotten_wherever_it_was_asked_for(book: LogBook) -> None:
    """What one half-year tells to be the person's is forgotten in all of them, with one order."""
    done = await forget(book)
    assert (done.left, done.purged) == (0, True)
    assert [(one.shard, one.keys) for one in done.shards] == [(shard, 1) for shard in MOMENTS]
    assert await all_left(book) == NOTHING_LEFT
    for shard in MOMENTS:
        reader = await asyncio.to_thread(book.reader, shard)
        [other] = await asyncio.to_thread(find_about_person, reader, OTHER)
        opened = await asyncio.to_thread(reader.private, other)
        assert opened is not None
        assert (opened.part.subjects, opened.part.licence) == ((OTHER,), "another")
    assert not (await forget(book)).shards


@pytest.mark.parametrize("visit", [0, *(pytest.param(visit, marks=pytest.mark.slow) for visit in (1, 2, 3)), 4])
@pytest.mark.parametrize("step", ["_announce", "_erase_licences", "_erase_halves", "_erase_person"])
async def test_a_death_loses_no_licence(book: LogBook, monkeypatch: pytest.MonkeyPatch, step: str, visit: int) -> None:
    """Wherever it dies, the same command finds the licences that it needs, also where they are named no more."""
    original, visits = getattr(ShardShredding, step), 0

    def count() -> None:
        nonlocal visits
        visits += 1
        if visits > visit:
            raise ZeroDivisionError

    def die(self: ShardShredding, *args: object) -> object:
        count()
        return original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(ShardShredding, step, die)
        if step == "_erase_person" and visit >= len(MOMENTS):
            await forget(book)  # it has no more visits
        else:
            with pytest.raises(ZeroDivisionError):
                await forget(book)
    assert (await forget(book)).left == 0
    assert await all_left(book) == NOTHING_LEFT


async def test_a_licence_of_the_last_moment_is_forgotten_everywhere(
    book: LogBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A licence that is first named while the keys are about to go is forgotten in closed half-years too."""
    late = "licence of the last moment"
    monkeypatch.setitem(LICENCES, "late", late)
    shredding, loop = ShardShredding._erase_person, asyncio.get_running_loop()

    def come_before(self: ShardShredding, *args: object) -> object:
        if self._log is book.current:
            asyncio.run_coroutine_threadsafe(book.append(entry(20, [PERSON], late)), loop).result(30)
        return shredding(self, *args)  # type: ignore[arg-type]  # handed on

    async with book.writable(FIRST) as log:
        await log.append(entry(21, [], late))
    monkeypatch.setattr(ShardShredding, "_erase_person", come_before)
    assert (await forget(book)).left == 0
    assert await all_left(book) == NOTHING_LEFT


async def test_a_half_year_that_begins_meanwhile_is_told(book: LogBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written about the person in a half-year that began while this ran is left, and said to be."""
    names = await asyncio.to_thread(book.shards)
    monkeypatch.setattr(book, "shards", lambda: names[:-1])
    settle = _Shredding._settle_salts

    async def begin(self: _Shredding) -> None:
        await settle(self)
        monkeypatch.setattr(book, "shards", lambda: names)

    monkeypatch.setattr(_Shredding, "_settle_salts", begin)
    assert (await forget(book)).left == 1
    monkeypatch.undo()
    assert (await forget(book)).left == 0


async def test_an_order_is_for_one_site(book: LogBook) -> None:
    """An order for the log of another site, or of one half-year alone, is refused."""
    for log in ("gw.999999/access", book.current.origin):
        order = replace(order_of(book), log=log)
        with pytest.raises(LogUnavailableError) as caught:
            await shred(book, order, [], APPROVERS, at=MOMENTS[THIRD])
        assert caught.value.reason is Unavailable.OTHER_LOG


async def test_a_half_year_that_cannot_be_cleared_is_told(book: LogBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the files of a half-year still hold something, the person is forgotten all the same."""
    purged: list[str] = []

    async def purge(log: LogReader) -> bool:
        purged.append(log.origin.rpartition("/")[2])
        return len(purged) < len(MOMENTS)

    monkeypatch.setattr("gateway.audit.forgetting.shred.purge", purge)
    assert not (await forget(book)).purged
    assert purged == list(MOMENTS)
    assert await all_left(book) == NOTHING_LEFT
