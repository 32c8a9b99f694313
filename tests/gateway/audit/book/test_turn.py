"""The turn of the half-year, whatever fails or leaves in the middle of it: nothing is lost, and no shard is spoilt."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.book.report import read_report
from gateway.audit.book.settings import AuditSettings
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.leaf import LeafDraft, LeafError, LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.reader import LogReader
from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.store.store import Batch, StoredHead
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.gateway.audit.book.test_book import NEW, OLD, Clock, access, export, opened, tell, told

AFTER = timedelta(seconds=20)  # behind the turn, from the moment that the clock begins with
NEXT = "2027h1"


class SlowPlace(FolderPlace):
    """A place where opening a shard waits for a test."""

    def __init__(self, site: Path) -> None:
        super().__init__(site, AuditSettings(), region="370000")
        self.slow = ""
        self.entered = threading.Event()
        self.go = threading.Event()

    def open(self, shard: str, *arguments: object) -> AccessLog:
        """Open a shard, when the test says."""
        if shard == self.slow:
            self.entered.set()
            self.go.wait(30)
        return super().open(shard, *arguments)  # type: ignore[arg-type]  # as above


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> SlowPlace:
    """Return where the logs of a new site are."""
    return SlowPlace(tmp_path)


def fail_once(monkeypatch: pytest.MonkeyPatch, is_meant: Callable[[EntryDraft], bool]) -> None:
    """Let the log refuse the first such entry, as a full disk does."""
    failed: list[EntryDraft] = []
    real = AccessLog.append

    async def append(log: AccessLog, draft: EntryDraft) -> Receipt:
        if is_meant(draft) and not failed:
            failed.append(draft)
            raise LogUnavailableError(Unavailable.DISK_FULL, "once")
        return await real(log, draft)

    monkeypatch.setattr(AccessLog, "append", append)


def is_opening(draft: EntryDraft) -> bool:
    """Answer whether an entry opens a shard."""
    return draft.leaf.kind is LeafKind.SEAL and draft.leaf.more["action"] == "open"


async def test_a_request_that_leaves_during_the_turn(place: SlowPlace, clock: Clock) -> None:
    """Whoever stops waiting ends nothing: the page is turned, and the next entries are taken."""
    async with opened(place, clock) as book:
        await book.append(access())
        clock.now += AFTER
        place.slow = NEXT
        leaving, staying = (asyncio.create_task(book.append(access())) for _ in range(2))
        assert await asyncio.to_thread(place.entered.wait, 30)
        leaving.cancel()
        await asyncio.wait([leaving])
        place.go.set()
        assert (await staying).log.endswith(NEXT)
        assert (await book.append(access())).log.endswith(NEXT)
        assert book.stopped is None


async def test_who_leaves_while_a_shard_is_opened(place: SlowPlace, clock: Clock) -> None:
    """A closed shard that nobody waits for any more is closed again when it is open, and another can have it."""
    async with opened(place, clock):
        clock.now += AFTER
    async with opened(place, clock) as book:
        place.slow = "2026h2"

        async def use() -> None:
            async with book.writable("2026h2"):
                raise AssertionError

        leaving = asyncio.create_task(use())
        assert await asyncio.to_thread(place.entered.wait, 30)
        leaving.cancel()
        await asyncio.wait([leaving])
        place.go.set()
        while not await can_write(book, "2026h2"):  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def can_write(book: LogBook, shard: str) -> bool:
    """Answer whether nobody else has a shard."""
    try:
        async with book.writable(shard):
            return True
    except LogUnavailableError as error:
        if error.reason is not Unavailable.SECOND_WRITER:
            raise
    return False


async def test_nothing_goes_behind_the_closing_seal(
    place: SlowPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where a turn fails and the clock steps back before midnight, the old shard takes no entry, nor a second seal."""
    async with opened(place, clock) as book:
        await book.append(access(OLD))
        before = clock.now
        clock.now += AFTER
        fail_once(monkeypatch, is_opening)
        with pytest.raises(LogUnavailableError):
            await book.append(access(OLD))
        clock.now = before + timedelta(seconds=9, milliseconds=900)
        assert (await book.append(access(OLD))).log.endswith(NEXT)
    assert (await told(place, "2026h2"))[-1] == "seal close"
    for shard in ("2026h2", NEXT):
        assert await asyncio.to_thread(export, place, shard, tmp_path / shard) == []


async def test_a_closed_shard_that_is_opened_takes_nothing(
    place: SlowPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that ended between the closing seal and the next shard begins that, wherever its clock is now."""
    before = clock.now
    with monkeypatch.context() as patch:
        async with opened(place, clock) as book:
            await book.append(access())
            clock.now += AFTER
            patch.setattr("gateway.audit.book.book.roll_over", close_only)
            with pytest.raises(LogUnavailableError):
                await book.turn()
            await asyncio.to_thread((place.folder(NEXT) / "trust.policy").unlink)  # it was not begun
            book._is_started = False  # the process died
    clock.now = before
    async with opened(place, clock) as book:
        assert (await book.append(access())).log.endswith(NEXT)
    assert (await told(place, "2026h2"))[-1] == "seal close"


async def close_only(old: AccessLog, _new: AccessLog, **_: object) -> None:
    """Close a shard and fail."""
    await old.append(seal_draft("close"))
    raise LogUnavailableError(Unavailable.DISK_FULL)


def seal_draft(action: str) -> EntryDraft:
    """Return a seal."""
    draft = access(caller="tongban")
    leaf = type(draft.leaf)(kind=LeafKind.SEAL, req=draft.leaf.req, caller="tongban", more={"action": action})
    return EntryDraft(leaf=leaf)


def policies_before(reader: LogReader) -> list[object]:
    """Return which policies the announcements of a shard name as those before."""
    head = reader.head()
    assert head is not None
    leaves = [parse_leaf(leaf).content for leaf in reader.store.leaves(0, head.size)]
    return [leaf.more.get("previous") for leaf in leaves if leaf.kind is LeafKind.POLICY]


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_beginning_that_was_cut_short(
    place: SlowPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_restarted: bool
) -> None:
    """What a shard begins with is completed before it takes an entry: its keys, and what was in force before it."""
    book = LogBook(place, clock=clock)
    await book.open()
    await book.append(access(OLD))
    clock.now += AFTER
    fail_once(monkeypatch, lambda draft: draft.leaf.kind is LeafKind.KEY)
    with pytest.raises(LogUnavailableError):
        await book.append(access(OLD))
    if is_restarted:
        book._is_started = False  # it dies
        await book.close()
        book = LogBook(place, clock=clock)
        await book.open()
    await book.append(access(OLD))
    reader = book.reader()
    said = [one for one in await asyncio.to_thread(tell, reader) if one != "admin start"]
    assert said == ["seal open", "key begin", "key begin", "policy activate", "access"]
    assert await asyncio.to_thread(policies_before, reader) == [OLD]
    await book.close()
    assert await asyncio.to_thread(export, place, NEXT, tmp_path / "export") == []


async def test_a_freeze_during_the_turn(place: SlowPlace, clock: Clock) -> None:
    """A log that is frozen while the page is turned stays frozen behind it."""
    async with opened(place, clock) as book:
        await book.append(access())
        clock.now += AFTER
        place.slow = NEXT
        waiting = asyncio.create_task(book.append(access()))
        assert await asyncio.to_thread(place.entered.wait, 30)
        book.freeze(LogUnavailableError(Unavailable.FORK_WITNESSED, "here"))
        place.go.set()
        for refused in (waiting, book.append(access())):
            with pytest.raises(LogUnavailableError) as caught:
                await refused
            assert caught.value.reason is Unavailable.FORK_WITNESSED
        assert book.stopped is not None
        assert book.stopped.reason is Unavailable.FORK_WITNESSED


async def test_a_turn_that_fails_is_told(place: SlowPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the page cannot be turned the log says that it takes nothing, and why, until it is turned."""
    async with opened(place, clock) as book:
        clock.now += AFTER
        fail_once(monkeypatch, is_opening)
        with pytest.raises(LogUnavailableError):
            await book.turn()
        stopped = (await read_report(book)).stopped
        assert stopped is not None
        assert stopped.reason is Unavailable.DISK_FULL
        await book.turn()
        assert (await read_report(book)).stopped is None


async def test_readers_of_many_threads(place: SlowPlace, clock: Clock) -> None:
    """Threads that ask for a shard at once get one reader."""
    async with opened(place, clock):
        pass
    clock.now += AFTER
    async with opened(place, clock) as book:
        readers = await asyncio.gather(*(asyncio.to_thread(book.reader, "2026h2") for _ in range(8)))
        assert len(set(map(id, readers))) == 1
    with pytest.raises(LogUnavailableError):
        book.reader("2026h2")


async def test_a_clock_behind_the_log_at_a_start(place: SlowPlace, clock: Clock) -> None:
    """The book opens, says that it takes nothing, and says that it was started once the clock has caught up."""
    async with opened(place, clock):
        pass
    now = clock.now
    clock.now -= timedelta(hours=2)
    async with opened(place, clock) as book:
        assert book.stopped is not None
        assert book.stopped.reason is Unavailable.CLOCK_WENT_BACK
        clock.now = now
        await book.resume()
        assert book.stopped is None
    assert await told(place, "2026h2") == ["key begin", "key begin", *["admin start", "admin stop"] * 2]


def break_behind_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next batch be stored, though nobody hears so: the connection breaks."""
    broken: list[Batch] = []
    real = SqliteStore.commit

    def commit(store: SqliteStore, batch: Batch, *, expected: StoredHead | None) -> None:
        real(store, batch, expected=expected)
        if not broken:
            broken.append(batch)
            raise LogUnavailableError(Unavailable.UNREACHABLE)

    monkeypatch.setattr(SqliteStore, "commit", commit)


@pytest.mark.parametrize("is_turned", [False, True])
async def test_an_announcement_of_which_nobody_knows(
    place: SlowPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_turned: bool
) -> None:
    """A policy that was announced, though that seemed to fail, is not announced again; the chain of policies holds."""
    async with opened(place, clock) as book:
        await book.announce_policy(OLD, approvals=2)
        with monkeypatch.context() as patch:
            break_behind_commit(patch)
            with pytest.raises(LogUnavailableError):
                await book.announce_policy(NEW, approvals=2)
            clock.now += AFTER if is_turned else timedelta()
            await book.append(access(NEW))
            await book.announce_policy(NEW, approvals=2)
        await book.announce_policy(OLD, approvals=2)
        assert await asyncio.to_thread(policies_before, book.reader("2026h2")) == [None, OLD, *[NEW] * (not is_turned)]
        assert await asyncio.to_thread(policies_before, book.reader()) == [NEW, NEW] if is_turned else [None, OLD, NEW]
    for shard in ("2026h2", NEXT)[: 1 + is_turned]:
        assert await asyncio.to_thread(export, place, shard, tmp_path / shard) == []


async def test_trust_of_which_nobody_knows(place: SlowPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is with trust."""
    async with opened(place, clock) as book:
        break_behind_commit(monkeypatch)
        with pytest.raises(LogUnavailableError):
            await book.announce_trust("t1")
        await book.announce_trust("t1")
    assert (await told(place, "2026h2")).count("trust activate") == 1


@pytest.mark.parametrize("is_probed", [False, True])
async def test_what_comes_back_into_force_while_nothing_is_taken(
    place: SlowPlace, clock: Clock, tmp_path: Path, *, is_probed: bool
) -> None:
    """A policy and a trust store that were in force before are said again before the next entry, with who approved."""
    async with opened(place, clock) as book:
        for digest, version in ((OLD, "t1"), (NEW, "t2")):
            await book.announce_policy(digest, approvals=2)
            await book.announce_trust(version)
        now = clock.now
        clock.now -= timedelta(hours=1)
        with pytest.raises(LogUnavailableError):
            await book.announce_policy(OLD, approvals=3)
        with pytest.raises(LogUnavailableError):
            await book.announce_trust("t1")
        clock.now = now
        if is_probed:
            await book.resume()
        await book.append(access(OLD))
        said = await asyncio.to_thread(announced, book.reader())
        assert said[-3:] == [(OLD, 3), ("t1", None), (OLD, None)]
    assert await asyncio.to_thread(export, place, "2026h2", tmp_path / "export") == []


def announced(reader: LogReader) -> list[tuple[str, object]]:
    """Return what entries name or announce, with the approvals."""
    head = reader.head()
    assert head is not None
    leaves = [parse_leaf(leaf).content for leaf in reader.store.leaves(0, head.size)]
    return [(leaf.policy or leaf.trust, leaf.more.get("approvals")) for leaf in leaves if leaf.policy or leaf.trust]


async def test_what_was_in_force_in_between_is_not_said(place: SlowPlace, clock: Clock) -> None:
    """Of policies that came into force one after the other while nothing was taken the last one is said."""
    async with opened(place, clock) as book:
        await book.announce_policy(OLD, approvals=2)
        now = clock.now
        clock.now -= timedelta(hours=1)
        for digest in (NEW, OLD):
            with suppress(LogUnavailableError):
                await book.announce_policy(digest, approvals=2)
        clock.now = now
        await book.append(access())
        await book.append(access(NEW))  # asked before
        await book.append(access(OLD))
        said = await asyncio.to_thread(announced, book.reader())
        assert [name for name, approvals in said if approvals is not None] == [OLD, NEW, OLD]


async def test_what_no_log_takes_is_not_due(place: SlowPlace, clock: Clock) -> None:
    """A name that cannot stand in an entry is refused to whoever says it, and keeps no other entry from the log."""
    async with opened(place, clock) as book:
        for refused in (book.announce_policy("bad\n"), book.announce_trust("bad\n")):
            with pytest.raises(LeafError):
                await refused
        await book.append(access(OLD))


async def test_a_stop_waits_for_one_announcement(
    place: SlowPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many requests waited for it and left while the log failed slowly, one attempt is under way."""
    entered, go = asyncio.Event(), asyncio.Event()
    attempts: list[LeafKind] = []

    async def append(_: AccessLog, draft: EntryDraft) -> Receipt:
        attempts.append(draft.leaf.kind)
        entered.set()
        await go.wait()
        raise LogUnavailableError(Unavailable.LOCKED)

    async with opened(place, clock) as book:
        monkeypatch.setattr(AccessLog, "append", append)
        waiting = [asyncio.create_task(book.append(access(policy))) for policy in (OLD, NEW) for _ in range(50)]
        await entered.wait()
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
        closing = asyncio.create_task(book.close())
        await asyncio.sleep(0)
        late = asyncio.create_task(book.append(access(NEW)))
        go.set()
        await closing
        with pytest.raises(LogUnavailableError):
            await late
        assert attempts == [LeafKind.POLICY, LeafKind.ADMIN]


async def test_who_leaves_during_an_announcement(
    place: SlowPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A request that leaves while a policy is announced for it ends nothing, and the policy is not announced twice."""
    announcing, go = asyncio.Event(), asyncio.Event()
    real = AccessLog.append

    async def append(log: AccessLog, draft: EntryDraft) -> Receipt:
        receipt = await real(log, draft)
        if draft.leaf.kind is LeafKind.POLICY:
            announcing.set()
            await go.wait()
        return receipt

    monkeypatch.setattr(AccessLog, "append", append)
    async with opened(place, clock) as book:
        leaving = asyncio.create_task(book.append(access(NEW)))
        await announcing.wait()
        leaving.cancel()
        await asyncio.wait([leaving])
        go.set()
        await book.append(access(NEW))
    assert (await told(place, "2026h2")).count("policy activate") == 1
    assert await asyncio.to_thread(export, place, "2026h2", tmp_path / "export") == []


@pytest.mark.parametrize("is_probed", [False, True])
async def test_what_is_owed_is_said_first(place: SlowPlace, clock: Clock, *, is_probed: bool) -> None:
    """What must be said before any entry waits for a clock that is behind, and is said once, whoever comes first."""
    async with opened(place, clock):
        pass
    now = clock.now
    clock.now -= timedelta(hours=2)
    async with opened(place, clock) as book:
        leaf = LeafDraft(kind=LeafKind.ADMIN, req="R", caller="tongban", more={"action": "owed"})
        await book.say_first([EntryDraft(leaf=leaf)])
        with pytest.raises(LogUnavailableError):
            await book.append(access())
        clock.now = now
        if is_probed:
            await book.resume()
        await book.append(access())
        await book.append(access())
        said = await asyncio.to_thread(tell, book.reader())
    assert [one for one in said if one in {"admin owed", "access"}] == ["admin owed", "access", "access"]
