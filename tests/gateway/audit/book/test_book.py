"""The book of a site: begun, gone on with, and turned over at the half-year, with all announced that it names."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace, LogPlace, MemoryPlace
from gateway.audit.book.settings import AuditSettings
from gateway.audit.entry import EntryDraft
from gateway.audit.export import ExportOrder, export_log
from gateway.audit.leaf import LeafDraft, LeafKind, parse_leaf
from gateway.audit.reader import LogReader
from gateway.audit.tlog.quorum import parse_policy
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.source import FolderSource
from gateway.audit.verify.verifier import verify_log
from gateway.decision import make_decision_id
from gateway.secret_file import read_or_make_secret

DECEMBER = datetime(2026, 12, 31, 15, 59, 50, tzinfo=UTC)  # ten seconds before midnight in China
BUNDLES = {"sha256:" + hashlib.sha256(data).hexdigest(): data for data in (b'{"a":1}', b'{"b":2}')}
OLD, NEW = BUNDLES


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime = DECEMBER) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    """Return where the logs of a new site are."""
    return FolderPlace(tmp_path, AuditSettings(), region="370000")


@asynccontextmanager
async def opened(place: LogPlace, clock: Clock) -> AsyncIterator[LogBook]:
    """Open a book and close it at the end."""
    book = LogBook(place, clock=clock)
    await book.open()
    try:
        yield book
    finally:
        await book.close()


def access(policy: str = "", caller: str = "hall") -> EntryDraft:
    """Return an entry of an answer, as far as a book looks at it."""
    leaf = LeafDraft(kind=LeafKind.ACCESS, req=make_decision_id(DECEMBER), caller=caller, policy=policy)
    return EntryDraft(leaf=leaf)


def tell(reader: LogReader) -> list[str]:
    """Spell the entries of a shard in short."""
    head = reader.head()
    assert head is not None
    leaves = [parse_leaf(leaf).content for leaf in reader.store.leaves(0, head.size)]
    return [" ".join(filter(None, (leaf.kind, str(leaf.more.get("action", ""))))) for leaf in leaves]


async def told(place: LogPlace, shard: str) -> list[str]:
    """Do so in a thread, with a reader of its own."""

    def read() -> list[str]:
        with closing(place.read(shard)) as reader:
            return tell(reader)

    return await asyncio.to_thread(read)


def export(place: FolderPlace, shard: str, folder: Path) -> Sequence[str]:
    """Export a shard, verify it with its published keys alone, and return what is wrong."""
    policy = parse_policy((place.folder(shard) / "trust.policy").read_bytes())
    with closing(place.read(shard)) as reader:
        export_log(reader.store, ExportOrder(policy=policy, read_bundle=BUNDLES.__getitem__), folder)
    verified = verify_log(FolderSource(folder), policy=policy, workers=1)
    return [str(finding) for finding in verified.findings]


async def test_begun(place: FolderPlace, clock: Clock) -> None:
    """A new log begins with its keys, and says when the gateway started and stopped."""
    async with opened(place, clock) as book:
        assert await asyncio.to_thread(book.shards) == ("2026h2",)
        assert book.current.origin == "gw.370000/access/2026h2"
        await book.append(access())
    assert await told(place, "2026h2") == ["key begin", "key begin", "admin start", "access", "admin stop"]


async def test_gone_on_with(place: FolderPlace, clock: Clock) -> None:
    """A log that is opened again goes on, also with the numbers of its callers and with what it announced."""
    async with opened(place, clock) as book:
        first = await book.append(access(OLD))
    async with opened(place, clock) as book:
        second = await book.append(access(OLD))
    assert (first.seq, second.seq) == (1, 2)
    assert (await told(place, "2026h2")).count("policy activate") == 1


async def test_what_is_named_was_announced(place: FolderPlace, clock: Clock, tmp_path: Path) -> None:
    """No answer names a policy that an entry before it did not put in force, whoever forgot to say so."""
    async with opened(place, clock) as book:
        await book.append(access(OLD))
        await book.announce_policy(NEW, approvals=2)
        await asyncio.gather(*(book.append(access(policy)) for policy in (NEW, OLD, NEW)))
        await book.announce_policy(OLD)
        await book.append(access(OLD))
    assert await asyncio.to_thread(export, place, "2026h2", tmp_path / "export") == []
    assert (await told(place, "2026h2")).count("policy activate") == 3


async def test_the_same_is_said_once(place: FolderPlace, clock: Clock) -> None:
    """Several that announce the same at once make one entry."""
    async with opened(place, clock) as book:
        await asyncio.gather(*(book.announce_policy(NEW) for _ in range(5)), *(book.append(access(NEW)) for _ in "abc"))
        await asyncio.gather(*(book.announce_trust("a" * 64) for _ in range(5)))
    said = await told(place, "2026h2")
    assert (said.count("policy activate"), said.count("trust activate")) == (1, 1)


async def test_the_page_is_turned(place: FolderPlace, clock: Clock, tmp_path: Path) -> None:
    """At midnight of the half-year in China a shard is closed and the next begun, and both verify; nothing is lost."""
    async with opened(place, clock) as book:
        before = [book.append(access(OLD)) for _ in range(20)]
        told_before = await asyncio.gather(*before)
        clock.now += timedelta(seconds=20)
        receipts = await asyncio.gather(*(book.append(access(OLD, caller=f"hall-{n}")) for n in range(20)))
        assert {receipt.log for receipt in told_before} == {"gw.370000/access/2026h2"}
        assert {receipt.log for receipt in receipts} == {"gw.370000/access/2027h1"}
        assert await asyncio.to_thread(book.shards) == ("2026h2", "2027h1")
        assert (await asyncio.to_thread(tell, book.reader("2026h2")))[-1] == "seal close"
    said = await told(place, "2027h1")
    assert said[:5] == ["seal open", "key begin", "key begin", "policy activate", "access"]
    assert said.count("access") == 20
    for shard in ("2026h2", "2027h1"):
        assert await asyncio.to_thread(export, place, shard, tmp_path / shard) == []


async def test_a_turn_that_was_missed(place: FolderPlace, clock: Clock) -> None:
    """A gateway that was down at the turn closes the old shard when it starts again."""
    async with opened(place, clock) as book:
        await book.append(access())
    clock.now += timedelta(days=40)
    async with opened(place, clock) as book:
        assert book.current.origin.endswith("2027h1")
    assert (await told(place, "2026h2"))[-2:] == ["admin stop", "seal close"]
    assert (await told(place, "2027h1"))[0] == "seal open"


async def test_a_turn_that_was_interrupted(place: FolderPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that died between closing one shard and beginning the next goes on there, and closes nothing twice."""
    async with opened(place, clock):
        pass
    clock.now += timedelta(days=40)
    with monkeypatch.context() as broken:
        broken.setattr("gateway.audit.shard.spell_shard", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await LogBook(place, clock=clock).open()
    async with opened(place, clock):
        pass
    assert (await told(place, "2026h2")).count("seal close") == 1
    assert (await told(place, "2027h1"))[0] == "seal open"


async def test_a_clock_behind_the_shard(place: FolderPlace, clock: Clock) -> None:
    """A clock that is set back over the turn does not bring the old shard back."""
    clock.now += timedelta(seconds=20)
    async with opened(place, clock):
        pass
    clock.now -= timedelta(seconds=20)
    async with opened(place, clock) as book:
        receipt = await book.append(access())
    assert receipt.log.endswith("2027h1")
    assert await asyncio.to_thread(place.shards) == ("2027h1",)


async def test_a_clock_years_ahead(place: FolderPlace, clock: Clock) -> None:
    """A half-year that is not the one after the last is begun only where the settings name it."""
    async with opened(place, clock):
        pass
    clock.now += timedelta(days=400)
    with pytest.raises(LogUnavailableError) as caught:
        await LogBook(place, clock=clock).open()
    assert caught.value.reason is Unavailable.CLOCK_WENT_AHEAD
    assert await asyncio.to_thread(place.shards) == ("2026h2",)
    book = LogBook(place, clock=clock, may_begin="2028h1")
    await book.open()
    assert book.current.origin.endswith("2028h1")
    await book.close()


async def test_nothing_before_it_is_opened(place: FolderPlace, clock: Clock) -> None:
    """A book that is not open takes nothing, and neither does one that was closed or frozen."""
    book = LogBook(place, clock=clock)
    with pytest.raises(LogUnavailableError) as caught:
        await book.append(access())
    assert caught.value.reason is Unavailable.CLOSED
    await book.open()
    book.freeze(LogUnavailableError(Unavailable.FORKED, "by a witness"))
    with pytest.raises(LogUnavailableError) as caught:
        await book.append(access())
    assert caught.value.reason is Unavailable.FORKED
    assert book.stopped is not None
    await book.close()
    with pytest.raises(LogUnavailableError):
        await book.append(access())


async def test_two_books(place: FolderPlace, clock: Clock) -> None:
    """A second writer is told that there is a first."""
    async with opened(place, clock):
        with pytest.raises(LogUnavailableError) as caught:
            await LogBook(place, clock=clock).open()
        assert caught.value.reason is Unavailable.SECOND_WRITER


async def test_secrets_that_others_may_read(place: FolderPlace, clock: Clock, tmp_path: Path) -> None:
    """A key that others may read is not used; one that is missing is not made anew for a log that exists."""
    async with opened(place, clock):
        pass
    key = tmp_path / "state" / "audit" / "keys" / "wrapping.key"
    await asyncio.to_thread(key.chmod, 0o644)
    with pytest.raises(LogUnavailableError, match="open-permissions"):
        await LogBook(place, clock=clock).open()
    await asyncio.to_thread(key.unlink)
    with pytest.raises(LogUnavailableError, match="absent"):
        await LogBook(place, clock=clock).open()


async def test_another_key_for_the_next_shard(place: FolderPlace, clock: Clock, tmp_path: Path) -> None:
    """A signing key that is laid ready for the next shard signs that one, and not the one before."""
    async with opened(place, clock) as book:
        old = book.current.signers[0].key
        keys = tmp_path / "state" / "audit" / "keys"
        await asyncio.to_thread(read_or_make_secret, keys / "signing-2027h1.key")
        clock.now += timedelta(days=1)
        await book.append(access())
        new = book.current.signers[0].key
        assert new.public_key != old.public_key
    assert await asyncio.to_thread(export, place, "2026h2", tmp_path / "old") == []
    assert await asyncio.to_thread(export, place, "2027h1", tmp_path / "new") == []


async def test_in_memory(clock: Clock) -> None:
    """A gateway without a site folder keeps its log in memory, over a turn of the page too."""
    async with opened(MemoryPlace(region="370000"), clock) as book:
        await book.append(access())
        clock.now += timedelta(days=1)
        await book.append(access())
        assert await asyncio.to_thread(book.shards) == ("2026h2", "2027h1")
        assert (await asyncio.to_thread(tell, book.reader("2026h2")))[-1] == "seal close"
        with pytest.raises(KeyError):
            book.reader("2025h1")
