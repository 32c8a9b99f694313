"""The secrets of a log: exchanged, lost, and found without their log."""

import asyncio
import base64
import shutil
from collections.abc import Collection, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.book.secrets import index_file, read_index_key
from gateway.audit.book.settings import AuditSettings
from gateway.audit.entry import EntryDraft, Receipt, SubjectId, make_private
from gateway.audit.lookup import LookupKind
from gateway.audit.private import KeyNumber
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.gateway.audit.book.test_book import Clock, access, opened

SHARD, NEXT = "2026h2", "2027h1"


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    """Return where the logs of a new site are."""
    return FolderPlace(tmp_path, AuditSettings(), region="370000")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Return the folder of the secrets."""
    return tmp_path / "state" / "audit" / "keys"


def about(person: str) -> EntryDraft:
    """Return an entry about somebody."""
    return EntryDraft(leaf=access().leaf, private=make_private(subjects=[SubjectId(person)], official="li"))


async def write(place: FolderPlace, clock: Clock, *people: str) -> None:
    """Open the log, write entries about people, and close it."""
    async with opened(place, clock) as book:
        for person in people:
            await book.append(about(person))


async def why_not(place: FolderPlace, clock: Clock) -> LogUnavailableError:
    """Return why the log does not open."""
    with pytest.raises(LogUnavailableError) as caught:
        await LogBook(place, clock=clock).open()
    return caught.value


@pytest.mark.parametrize("name", ["wrapping.key", f"index-{SHARD}.key"])
async def test_an_exchanged_secret(place: FolderPlace, clock: Clock, keys: Path, name: str) -> None:
    """With another key the log opens neither for writing nor for reading, and names the file."""
    await write(place, clock, "A")
    good = await asyncio.to_thread((keys / name).read_bytes)
    await asyncio.to_thread((keys / name).write_bytes, base64.b64encode(b"x" * 32))
    error = await why_not(place, clock)
    assert (error.reason, str(keys / name) in error.detail) == (Unavailable.UNUSABLE, True)
    with pytest.raises(LogUnavailableError, match=name):
        await asyncio.to_thread(place.read, SHARD)
    await asyncio.to_thread((keys / name).write_bytes, good)
    await write(place, clock, "A")


@pytest.mark.parametrize("name", ["wrapping.key", f"index-{SHARD}.key"])
async def test_a_shard_without_entries_keeps_to_its_secrets(
    place: FolderPlace, clock: Clock, keys: Path, name: str
) -> None:
    """Also before the first entry, whatever was made with a key is bound to it."""
    log = await asyncio.to_thread(place.open, SHARD, lambda: 0)
    await asyncio.to_thread(log.close)
    await asyncio.to_thread((keys / name).write_bytes, base64.b64encode(b"x" * 32))
    assert str(keys / name) in (await why_not(place, clock)).detail


async def test_secrets_that_vanish_before_the_turn(place: FolderPlace, clock: Clock, keys: Path) -> None:
    """Nothing is made in place of what is gone, and with it back the half-year turns."""
    async with opened(place, clock) as book:
        await book.append(access())
        await asyncio.to_thread(keys.rename, keys.with_name("gone"))
        clock.now += timedelta(days=1)
        with pytest.raises(LogUnavailableError, match=r"signing\.key: absent") as caught:
            await book.append(access())
        assert caught.value.reason is Unavailable.UNUSABLE
        assert not await asyncio.to_thread(keys.exists)
        await asyncio.to_thread(keys.with_name("gone").rename, keys)
        await book.append(access())
        assert await asyncio.to_thread(book.shards) == (SHARD, NEXT)


@pytest.mark.parametrize("later", [timedelta(), timedelta(days=1)])
async def test_a_log_that_vanished(place: FolderPlace, clock: Clock, later: timedelta) -> None:
    """Where there is the key of an index without its log nothing begins, today or in the next half-year."""
    await write(place, clock, "A")
    folder = place.folder(SHARD)
    await asyncio.to_thread(folder.rename, folder.with_name("gone"))
    clock.now += later
    error = await why_not(place, clock)
    assert (error.reason, f"index-{SHARD}.key" in error.detail) == (Unavailable.UNUSABLE, True)
    assert not await asyncio.to_thread(folder.exists)
    await asyncio.to_thread(folder.with_name("gone").rename, folder)
    await write(place, clock, "A")


async def test_a_log_that_is_begun_anew(place: FolderPlace, clock: Clock, keys: Path) -> None:
    """Whoever archives a half-year and removes the key of its index begins it anew."""
    await write(place, clock, "A")
    await asyncio.to_thread(shutil.rmtree, place.folder(SHARD))
    await asyncio.to_thread((keys / f"index-{SHARD}.key").unlink)
    await write(place, clock, "A")


async def test_a_beginning_that_was_cut_short(
    place: FolderPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a first start dies, the next one goes on: there is no key of an index without a store."""
    for step in ("read_shared", "read_index_key", "verify_index_key", "verify_wrapping_key", "AccessLog"):
        with monkeypatch.context() as patch:
            patch.setattr(f"gateway.audit.book.place.{step}", _die)
            with pytest.raises(KeyboardInterrupt):
                await asyncio.to_thread(place.open, SHARD, lambda: 0)
    await write(place, clock, "A")


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


async def test_a_damaged_data_key(place: FolderPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose data key was changed is refused, time and again; entries about others of the same batch are written."""
    await write(place, clock, "A", "B")
    async with opened(place, clock) as book:
        log = book.current
        read = log.keys._store.read
        owner = log.lookup.owner(LookupKind.SUBJECT, "A", log.lookup.current)
        number = (await asyncio.to_thread(log.store.owners, [owner]))[owner]

        def read_changed(numbers: Collection[KeyNumber]) -> Mapping[KeyNumber, bytes]:
            return {at: b"changed" if at == number else wrapped for at, wrapped in read(numbers).items()}

        monkeypatch.setattr(log.keys._store, "read", read_changed)
        for _ in range(2):
            drafts = [about("A"), EntryDraft(leaf=access().leaf), about("B"), about("C")]
            refused, *written = await asyncio.gather(*map(book.append, drafts), return_exceptions=True)
            assert isinstance(refused, LogUnavailableError)
            assert refused.reason is Unavailable.CORRUPT
            assert [type(one) for one in written] == [Receipt] * 3
        assert book.stopped is None


async def test_the_key_of_an_index_is_its_shards(place: FolderPlace, clock: Clock, keys: Path) -> None:
    """Each half-year has a key of its own; all others are shared."""
    async with opened(place, clock) as book:
        await book.append(access())
        clock.now += timedelta(days=1)
        await book.append(access())
    names = sorted(path.name for path in await asyncio.to_thread(lambda: list(keys.iterdir())))
    assert names == [f"index-{SHARD}.key", f"index-{NEXT}.key", "signing-sm2.key", "signing.key", "wrapping.key"]
    both = {await asyncio.to_thread(read_index_key, keys, shard, make=False) for shard in (SHARD, NEXT)}
    assert len(both) == 2
    for shard in (SHARD, NEXT):
        with closing(await asyncio.to_thread(place.read, shard)):
            assert await asyncio.to_thread(index_file(keys, shard).is_file)
