"""A site whose log is in PostgreSQL: the server restarts, is backed up, and lets go of what was erased."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, closing
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.book.settings import AuditSettings
from gateway.audit.entry import EntryDraft, SubjectId, make_private
from gateway.audit.forgetting.purge import purge
from gateway.audit.link.remote import RemoteLog
from gateway.audit.log import AccessLog
from gateway.audit.lookup import LookupKind
from gateway.audit.private import KeyNumber, erase_subject
from gateway.audit.store import postgres_purge
from gateway.audit.store.postgres_keys import PostgresKeys
from gateway.audit.store.postgres_link import PostgresLink
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.gateway.audit.book.test_book import Clock, access
from tests.support.postgres import PostgresServer, running_postgres

T = TypeVar("T")
P = ParamSpec("P")
SHARD = "2026h2"
SCHEMA = f"audit_{SHARD}"
TRIES = 100
ABOUT_A = EntryDraft(leaf=access().leaf, private=make_private(subjects=[SubjectId("A")], official="li"))


def in_a_loop(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Run a test in a loop of its own: connections have theirs in threads, which would count as blocking ours."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def dsn(server: PostgresServer) -> str:
    return server.new_database()


@pytest.fixture
def place(dsn: str, tmp_path: Path) -> FolderPlace:
    """Return a new site with the address of a database."""
    file = tmp_path / "state" / "database"
    file.parent.mkdir()
    file.touch(0o600)
    file.write_text(dsn)
    return FolderPlace(tmp_path, AuditSettings(database="state/database"), region="370000")


@asynccontextmanager
async def opened(place: FolderPlace) -> AsyncIterator[LogBook]:
    book = LogBook(place, clock=Clock())
    await book.open()
    try:
        yield book
    finally:
        await book.close()


async def tell(link: PostgresLink, *statements: str) -> object:
    """Have the server do this, one after the other; return the first value of the last."""

    def work() -> object:
        return [link.run(lambda connection, said=said: connection.fetchval(said)) for said in statements][-1]

    return await asyncio.to_thread(work)


@pytest.fixture
def link(dsn: str) -> Iterator[PostgresLink]:
    """Return a connection of somebody else."""
    with closing(PostgresLink(dsn)) as link:
        yield link


@asynccontextmanager
async def reading_snapshot(link: PostgresLink) -> AsyncIterator[None]:
    """Hold what a backup holds: a snapshot, and locks that let everybody read and write."""
    tables = ("entries", "words", "owners", "seqs", "tiles", "head", "version", "data_keys")
    locked = f"LOCK TABLE {', '.join(f'{SCHEMA}.audit_{table}' for table in tables)} IN ACCESS SHARE MODE"
    await tell(link, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", locked, "SELECT count(*) FROM pg_class")
    try:
        yield
    finally:
        await tell(link, "COMMIT")


async def soon(look: Callable[[], T]) -> T:
    """Return what a look in a thread finds, once it finds anything: a server needs a moment."""
    for _ in range(TRIES):
        try:
            return await asyncio.to_thread(look)
        except LogUnavailableError as error:
            if error.reason is not Unavailable.UNREACHABLE:
                raise
        await asyncio.sleep(0.05)
    raise AssertionError("it never comes back")


@in_a_loop
async def test_readers_come_back(server: PostgresServer, place: FolderPlace, tmp_path: Path) -> None:
    """After a restart of the server a worker reads on, and so does an idle writer, before anybody writes anything."""

    def restart() -> None:
        server.stop("fast")
        server.start()

    async with opened(place) as book:
        written = (await book.append(ABOUT_A)).index + 1
        worker = RemoteLog(place, tmp_path / "state" / "audit", random=random.random)
        assert (await soon(lambda: worker.reader().head())).size == written
        await asyncio.to_thread(restart)
        for log in (worker, book):
            for look in (log.reader().head, lambda log=log: log.reader().store.seqs(), log.reader().keys._store.last):
                assert await soon(look)
        await worker.close()


@in_a_loop
async def test_a_backup_keeps_nobody_from_opening(place: FolderPlace, link: PostgresLink) -> None:
    """While the database is backed up, the log is opened for reading and for writing, and written."""
    async with opened(place) as book:
        await book.append(access())
    async with reading_snapshot(link):
        with closing(await asyncio.to_thread(place.read, SHARD)) as reader:
            assert await asyncio.to_thread(reader.head)
            await asyncio.to_thread(reader.close)
        async with opened(place) as book:
            assert await book.append(access())


@in_a_loop
async def test_readers_make_nothing(place: FolderPlace, link: PostgresLink) -> None:
    """What is missing is not made by who reads, nor by who goes on with a log."""
    async with opened(place) as book:
        await book.append(access())
    await tell(link, f"ALTER SCHEMA {SCHEMA} RENAME TO gone")
    for opening in (lambda: place.read(SHARD), lambda: place.open(SHARD, lambda: 0)):
        with pytest.raises(LogUnavailableError) as caught:
            await asyncio.to_thread(opening)
        assert caught.value.reason is Unavailable.UNUSABLE
    assert await tell(link, f"SELECT to_regnamespace('{SCHEMA}')") is None
    await tell(link, f"ALTER SCHEMA gone RENAME TO {SCHEMA}")
    async with opened(place) as book:
        await book.append(access())


@in_a_loop
async def test_a_lost_folder_does_not_begin_the_log_anew(place: FolderPlace, link: PostgresLink) -> None:
    """The tables of a log whose folder vanished are not taken for a new one, and without them nothing begins."""
    async with opened(place) as book:
        await book.append(access())
    policy = place.folder(SHARD) / "trust.policy"
    await asyncio.to_thread(policy.unlink)
    async with opened(place) as book:  # the tables are those of the log: it goes on
        await book.append(access())
    await asyncio.to_thread(policy.unlink)
    await tell(link, f"DROP SCHEMA {SCHEMA} CASCADE")
    with pytest.raises(LogUnavailableError, match=f"index-{SHARD}.key") as caught:
        await asyncio.to_thread(place.open, SHARD, lambda: 0)
    assert caught.value.reason is Unavailable.UNUSABLE


def find_bytes(folder: Path, wanted: bytes) -> list[str]:
    """Return the tables and indexes, as files, that have these bytes."""
    files = [Path(root, name) for root, _, names in os.walk(folder / "data" / "base") for name in names]
    return [file.name for file in files if file.exists() and wanted in file.read_bytes()]


async def erase(log: AccessLog, entry: int) -> tuple[bytes, bytes]:
    """Erase a data key and the subject's half of an entry; return the bytes of both."""

    def work() -> tuple[bytes, bytes]:
        owner = log.lookup.owner(LookupKind.SUBJECT, "A", log.lookup.current)
        number = log.store.owners([owner])[owner]
        wrapped = log.keys._store.read([number])[number]
        private = log.store.private(entry)
        assert private is not None
        assert log.keys.erase([owner]) == 1
        log.store.replace_privates({entry: erase_subject(private)})
        return wrapped, private[14:60]

    return await asyncio.to_thread(work)


@in_a_loop
async def test_what_was_erased_leaves_the_files(
    server: PostgresServer, place: FolderPlace, link: PostgresLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a backup runs it is told that something may be left; afterwards key and private part are in no table."""
    monkeypatch.setattr(postgres_purge, "WAIT_SECONDS", 0.3)
    async with opened(place) as book:
        entry = (await book.append(ABOUT_A)).index
        async with reading_snapshot(link):
            erased = await erase(book.current, entry)
            assert not await purge(book.current)
            assert await book.append(ABOUT_A)  # nobody waits for it
        assert await purge(book.current)
        await tell(link, "CHECKPOINT")
        assert [await asyncio.to_thread(find_bytes, server.folder, one) for one in erased] == [[], []]


@in_a_loop
async def test_erased_keys_leave_the_files_of_a_large_table(
    server: PostgresServer, dsn: str, link: PostgresLink
) -> None:
    """Of keys that were erased among thousands no byte is left in the free space of pages, and the others are there."""
    wrapped = {KeyNumber(number): random.Random(number).randbytes(60) for number in range(1, 4_097)}
    erased = [KeyNumber(number) for number in range(1_000, 3_000, 32 * 5)]  # in each place that a row has in a page

    def work() -> None:
        with closing(PostgresKeys(dsn)) as keys:
            for first in range(1, 4_097, 512):
                keys.add({number: key for number, key in wrapped.items() if first <= number < first + 512})
            assert keys.erase(erased) == len(erased)
            assert keys.purge()
            assert keys.read(list(wrapped)) == {one: wrapped[one] for one in wrapped if one not in erased}

    await asyncio.to_thread(work)
    await tell(link, "CHECKPOINT")
    files = [Path(root, name) for root, _, names in os.walk(server.folder / "data" / "base") for name in names]
    data = b"\0".join([file.read_bytes() for file in files if file.exists()])
    assert [number for number in erased if wrapped[number] in data] == []


@in_a_loop
async def test_who_uses_the_key_table_is_not_waited_for(
    place: FolderPlace, link: PostgresLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a backup begins after all others have ended, writers wait for a moment, and it is told to come again."""

    async def find_nobody(*_: object) -> bool:
        return True

    async with opened(place) as book:
        await book.append(ABOUT_A)
        with monkeypatch.context() as patch:
            patch.setattr(postgres_purge, "_outlast", find_nobody)
            patch.setattr(postgres_purge, "LOCK_SECONDS", 0.2)
            async with reading_snapshot(link):
                assert not await purge(book.current)
                assert await book.append(ABOUT_A)
        assert await purge(book.current)
