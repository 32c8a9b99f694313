"""The licence store in PostgreSQL: the contract of every store, and what only a server can do."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings

from gateway.sources import postgres_change, postgres_look, postgres_recording, postgres_source
from gateway.sources.errand import Errand
from gateway.sources.holder_search import HolderSearch
from gateway.sources.leased import LeasedSource
from gateway.sources.licence_store import Added, LicenceStore, Selection
from gateway.sources.memory import Failing
from gateway.sources.postgres_source import PostgresSource
from gateway.sources.postgres_store import PostgresLicenceStore
from gateway.sources.postgres_tables import Connection
from gateway.sources.recorded import RecordedLicence
from gateway.sources.source import (
    LicenceKey,
    NotFound,
    SourceFault,
    SourceUnavailableError,
    StoredHead,
    StoredLicence,
    by_identifier,
    by_number,
)
from gateway.sources.store import SqliteLicenceStore
from policies.dimension import LicenceStatus
from tests.gateway.sources.test_licence_stores import LicenceStoreContract, set_status
from tests.gateway.sources.test_recording import LICENCES
from tests.support.caches import RecordedTally
from tests.support.licence_stores import INDEX, STORED_AT, TYPE, index, new_licence
from tests.support.postgres import PostgresServer, running_postgres

T = TypeVar("T")
KEY = by_identifier(INDEX.identifier)
ERRAND = Errand(until=float("inf"))


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def address(server: PostgresServer, tmp_path: Path) -> Path:
    """Return the file with the address of a new database."""
    path = tmp_path / "store.address"
    path.touch(mode=0o600)
    path.write_text(server.new_database())
    return path


class UnreliablePostgresStore(PostgresLicenceStore):
    """A store whose transactions fail, before or after they were committed."""

    failing: Failing | None = None

    def _change(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        when, self.failing = self.failing, None

        async def failing(connection: Connection) -> T:
            done = await work(connection)
            if when is Failing.BEFORE:
                raise OSError("told to")
            return done

        done = super()._change(failing)
        if when is Failing.AFTER:
            raise SourceUnavailableError(SourceFault.UNUSABLE, "told to")
        return done


class TestPostgres(LicenceStoreContract):
    """The store in PostgreSQL keeps the contract."""

    @pytest.fixture
    def store(self, address: Path) -> Iterator[LicenceStore]:
        """Make an empty store."""
        store = UnreliablePostgresStore(address, create=True)
        yield store
        store.close()


@pytest.fixture
def filled(address: Path) -> Path:
    """Return the address of a store with one licence."""
    with closing(PostgresLicenceStore(address, create=True)) as store:
        store.add([new_licence()], at=STORED_AT)
    return address


@pytest.fixture
async def source(filled: Path) -> Any:
    source = PostgresSource(filled)
    yield source
    source.close()
    await asyncio.sleep(0.01)  # connections end with the next turns of the loop


def execute(address: Path, statement: str) -> None:
    """Do something that no gateway does."""
    url = address.read_text()

    async def run() -> None:
        connection = await asyncpg.connect(url, server_settings={"search_path": "licences"})
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def fault_of(work: Callable[[], object]) -> SourceFault:
    with pytest.raises(SourceUnavailableError) as caught:
        work()
    return caught.value.fault


async def fault_of_source(source: PostgresSource) -> SourceFault:
    with pytest.raises(SourceUnavailableError) as caught:
        await source.find(KEY, ERRAND)
    return caught.value.fault


def test_every_change_raises_the_revision(address: Path) -> None:
    """Whoever knows the revision knows whether anything changed; what failed did not."""
    with closing(UnreliablePostgresStore(address, create=True)) as store:
        seen = [store.revision()]
        store.add([new_licence()], at=STORED_AT)
        seen.append(store.revision())
        store.announce(index(number="N-2", identifier="I-2"), at=STORED_AT)
        seen.append(store.revision())
        status = LicenceStatus.REVOKED
        store.set_status("I-2", status, is_under_objection=False, reason="", at=STORED_AT)
        seen.append(store.revision())
        assert seen == sorted(set(seen))
        store.failing = Failing.BEFORE
        assert fault_of(lambda: store.add([new_licence(b"2")], at=STORED_AT)) is SourceFault.UNUSABLE
        assert store.revision() == seen[-1]


def test_two_that_write_follow_each_other(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one changes the store another waits for a moment, then hears that it is busy; reading goes on."""
    with closing(PostgresLicenceStore(filled)) as store:
        store._runner.run(store._connection.execute("SET lock_timeout = 50"))  # type: ignore[union-attr]
        heard: list[SourceFault] = []

        async def meanwhile(connection: Connection, *_: object, **__: object) -> tuple[Added, ...]:
            await connection.execute("SELECT 1")
            await asyncio.to_thread(lambda: heard.append(fault_of(write)))
            assert isinstance(await asyncio.to_thread(lambda: store.find(KEY)), StoredLicence)
            return ()

        def write() -> None:
            store.announce(index(number="N-2", identifier="I-2"), at=STORED_AT)

        monkeypatch.setattr(postgres_change, "add", meanwhile)
        with closing(PostgresLicenceStore(filled)) as other:
            other.add([], at=STORED_AT)
        assert heard == [SourceFault.BUSY]
        write()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE documents SET content = 'forged'", SourceFault.CORRUPT),
        ("DELETE FROM documents", SourceFault.CORRUPT),
        ("UPDATE licences SET status = 'splendid'", SourceFault.CORRUPT),
        ("DELETE FROM store", SourceFault.CORRUPT),
        ("UPDATE store SET version = 2", SourceFault.NEWER),
        ("DROP SCHEMA licences CASCADE", SourceFault.UNUSABLE),
        ("DROP TABLE holders, versions", SourceFault.UNUSABLE),
    ],
)
def test_a_store_that_contradicts_itself_is_told(filled: Path, statement: str, fault: SourceFault) -> None:
    """A document that is not what was stored is never answered from, and a database that lost the store is no store.

    It is not absent either: where the settings name a database, a licence may be revoked in it.
    """
    execute(filled, statement)
    assert fault_of(lambda: _find_once(filled)) is fault
    assert asyncio.run(_ask_once(filled)) is fault


def _find_once(address: Path) -> None:
    with closing(PostgresLicenceStore(address)) as store:
        store.find(KEY)


async def _ask_once(address: Path) -> SourceFault:
    source = PostgresSource(address)
    try:
        return await fault_of_source(source)
    finally:
        source.close()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("spoil", ["others", "gone", "garbage", "no-server"])
def test_an_address_that_cannot_be_used(filled: Path, spoil: str) -> None:
    """No file, one that others may read, something else in it, no server there: the store is unusable."""
    match spoil:
        case "others":
            filled.chmod(0o604)
        case "gone":
            filled.unlink()
        case "garbage":
            filled.write_text("https://[")
        case _:
            filled.write_text(re.sub(r":[0-9]+/", ":1/", filled.read_text()))
    assert fault_of(lambda: PostgresLicenceStore(filled)) is SourceFault.UNUSABLE
    assert asyncio.run(_ask_once(filled)) is SourceFault.UNUSABLE


async def test_the_source_answers_as_the_store_does(source: PostgresSource, filled: Path) -> None:
    """What is found, what is not, how a document stands, and the revision; many at once."""
    keys: list[LicenceKey] = [KEY, by_number("N-1", TYPE), by_number("nobody", TYPE)] * 10
    found = await asyncio.gather(*(source.find(key, ERRAND) for key in keys))
    assert {type(one) for one in found} == {StoredLicence, NotFound}
    registered = await source.find_status(INDEX, ERRAND, issued_on=None)
    revision = await source.revision()

    def ask_store() -> tuple[object, ...]:
        with closing(PostgresLicenceStore(filled)) as store:
            return [store.find(key) for key in keys], store.find_status(INDEX, issued_on=None), store.revision()

    assert (found, registered, revision) == await asyncio.to_thread(ask_store)


async def test_leases_on_it_end_with_a_change(source: PostgresSource, filled: Path) -> None:
    """What was found once is not asked again, until a look finds that it changed."""
    tally = RecordedTally()
    leased = LeasedSource(source, steady=lambda: 0.0, tally=tally)

    async def status() -> tuple[LicenceStatus, bytes]:
        head = await leased.find(KEY, ERRAND)
        assert isinstance(head, StoredHead)
        return head.status, await leased.read_document(head.sha256)

    def suspend() -> None:
        with closing(PostgresLicenceStore(filled)) as store:
            set_status(store, LicenceStatus.SUSPENDED)

    await leased.look()
    assert [await status(), await status()] == [(LicenceStatus.ACTIVE, b"document")] * 2
    await asyncio.to_thread(suspend)
    assert await status() == (LicenceStatus.ACTIVE, b"document")
    await leased.look()
    assert await status() == (LicenceStatus.SUSPENDED, b"document")
    assert (tally.hits, tally.misses) == (2, 2)
    assert isinstance(await leased.find(by_number("nobody", TYPE), ERRAND), NotFound)


async def test_a_server_that_does_not_answer(
    source: PostgresSource, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question waits for a bounded time, the next ones do not wait at all, and then it is tried again."""
    assert isinstance(await source.find(KEY, ERRAND), StoredLicence)
    monkeypatch.setattr(postgres_source, "ANSWER_SECONDS", 0.1)
    address = await asyncio.to_thread(filled.read_text)
    blocker = await asyncpg.connect(address, server_settings={"search_path": "licences"})
    await blocker.execute("BEGIN; LOCK documents")
    monkeypatch.setattr(postgres_source, "PAUSE_SECONDS", 3600.0)
    faults = [await fault_of_source(source) for _ in range(3)]
    assert faults == [SourceFault.UNUSABLE] * 3
    assert source._silent_until > asyncio.get_running_loop().time() + 3000
    source._silent_until = 0.0
    await blocker.execute("ROLLBACK")
    assert isinstance(await source.find(KEY, ERRAND), StoredLicence)
    await blocker.close()


async def test_a_deadline_that_is_near(source: PostgresSource) -> None:
    """Whoever has no time left is told so, and that says nothing about the server."""
    with pytest.raises(SourceUnavailableError):
        await source.find(KEY, Errand(until=asyncio.get_running_loop().time()))
    assert isinstance(await source.find(KEY, ERRAND), StoredLicence)


async def test_waiting_is_bounded(source: PostgresSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """More questions than may wait are told that the store is busy; after the end nothing is asked."""
    monkeypatch.setattr(postgres_source, "MAX_WAITING", 2)
    asked = [asyncio.create_task(source.find(KEY, ERRAND)) for _ in range(2)]
    await asyncio.sleep(0)
    assert await fault_of_source(source) is SourceFault.BUSY
    assert all(isinstance(one, StoredLicence) for one in await asyncio.gather(*asked))
    source.close()
    assert await fault_of_source(source) is SourceFault.UNUSABLE


async def test_a_cancelled_question_leaves_nothing_behind(source: PostgresSource) -> None:
    """Whoever goes away gives its connection back, however often."""
    for _ in range(2 * postgres_source.CONNECTIONS):
        asked = asyncio.create_task(source.find(KEY, ERRAND))
        for _ in range(3):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
    assert isinstance(await source.find(KEY, ERRAND), StoredLicence)


@pytest.mark.slow
async def test_a_server_that_is_restarted(server: PostgresServer, source: PostgresSource, filled: Path) -> None:
    """While it is away nobody is told anything of a licence; once it is back, the first question finds it."""
    await asyncio.gather(*(source.find(KEY, ERRAND) for _ in range(postgres_source.CONNECTIONS)))
    store = await asyncio.to_thread(PostgresLicenceStore, filled)
    await asyncio.to_thread(server.stop, "immediate")
    try:
        assert await fault_of_source(source) is SourceFault.UNUSABLE
        assert await asyncio.to_thread(fault_of, lambda: store.find(KEY)) is SourceFault.UNUSABLE
    finally:
        await asyncio.to_thread(server.start)
    found = await asyncio.gather(*(source.find(KEY, ERRAND) for _ in range(postgres_source.CONNECTIONS)))
    assert all(isinstance(one, StoredLicence) for one in found)
    assert isinstance(await asyncio.to_thread(store.find, KEY), StoredLicence)
    await asyncio.to_thread(store.close)


@pytest.mark.slow
async def test_a_new_password_takes_no_restart(server: PostgresServer, source: PostgresSource, filled: Path) -> None:
    """The address is read for each connection, and a broken one is made anew: here, to another database."""
    assert isinstance(await source.find(KEY, ERRAND), StoredLicence)

    def move() -> None:
        before = filled.read_text()
        filled.write_text(server.new_database())
        PostgresLicenceStore(filled, create=True).close()
        execute(filled, f"DROP DATABASE {before.rpartition('/')[2]} WITH (FORCE)")

    await asyncio.to_thread(move)
    assert isinstance(await source.find(KEY, ERRAND), NotFound)


async def test_the_search_for_a_holder(filled: Path) -> None:
    """A façade finds a holder's licences here too; an address that is gone is no store without licences."""
    search = HolderSearch(filled, open_store=PostgresLicenceStore, absent=SourceFault.UNUSABLE)
    assert await search.find(INDEX.holders[0], TYPE, most=5) == (by_number("N-1", TYPE, INDEX.holders[0]),)
    await asyncio.to_thread(filled.unlink)
    with pytest.raises(SourceUnavailableError) as caught:
        await search.find(INDEX.holders[0], TYPE, most=5)
    assert caught.value.fault is SourceFault.UNUSABLE
    search.close()


def test_look_ups_use_an_index(filled: Path) -> None:
    """No look-up goes through a whole table, in a store of licences without number or identifier too."""
    many = [_record(number="", identifier=f"I-{n}") for n in range(3000)]
    many += [_record(number=f"N-{n}", identifier="") for n in range(3000)]
    with closing(PostgresLicenceStore(filled)) as store:
        store.record(many, reason="test", at=STORED_AT)
        execute(filled, "ANALYZE")
        plans = store._runner.run(_explain(store._connection))  # type: ignore[arg-type]  # it is open
    for statement, read in plans.items():
        assert read < 100, statement


async def _explain(connection: Connection) -> dict[str, int]:
    """Return how many rows each look-up reads; a look-up that walks along an index reads many."""
    asked: dict[str, tuple[Any, ...]] = {
        postgres_look._FIND_BY_IDENTIFIER: ("I-9", 1),
        postgres_look._FIND_BY_NUMBER: ("N-9", 1, "T"),
        postgres_look._FIND_STATUS: ("N-9", "T", "", "I-none"),
        postgres_look._LOCATE: ("I-9", ""),
        postgres_look._INDEX + " WHERE l.id = $1": (9,),
        postgres_look._ENTRY: (9,),
        postgres_look._VERSIONS: (9,),
        postgres_look._CHANGES: (9,),
        postgres_change._SAME: ("N-9", "T", ""),
        postgres_change._NAMED: ("I-9",),
        postgres_change.SET_CURRENT: ([9],),
        postgres_recording._OWNERS: (["I-9", "I-10"],),
        postgres_recording._KNOWN: (["N-9"], [9, 10]),
        postgres_recording._ISSUED: ([9, 10],),
        postgres_recording._STATED: ([9, 10],),
        postgres_recording._NEXT: (),
    }
    return {
        statement: sum(_rows_read(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *values)))
        for statement, values in asked.items()
    }


def _rows_read(plan: str) -> Iterator[int]:
    for found in re.finditer(r'"(?:Actual Rows|Rows Removed by Filter)": ([0-9]+)', plan):
        yield int(found[1])


def _record(**changes: Any) -> RecordedLicence:
    values: dict[str, Any] = {"type_code": "T", "name": "", "holders": ("H",), "issued_on": "2024-02-29"}
    values |= {"status": LicenceStatus.ACTIVE, "is_under_objection": False}
    return RecordedLicence(**(values | changes))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=LICENCES, second=LICENCES)
def test_registers_are_recorded_as_in_sqlite(
    first: list[RecordedLicence], second: list[RecordedLicence], address: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Both stores judge the same, and say the same afterwards, of licences that were known as well."""
    folder = tmp_path_factory.mktemp("stores")
    PostgresLicenceStore(address, create=True).close()
    execute(address, "TRUNCATE licences, versions, holders, changes, documents, stated")
    with (
        closing(PostgresLicenceStore(address)) as here,
        closing(SqliteLicenceStore(folder / "licences.sqlite", create=True)) as there,
    ):
        for batch, at in ((first, STORED_AT), (second, STORED_AT + timedelta(days=1))):
            assert here.record(batch, reason="r", at=at) == there.record(batch, reason="r", at=at)
            for store in (here, there):
                for entry in store.entries(Selection(status=LicenceStatus.UNKNOWN)):
                    if entry.identifier:
                        set_status(store, LicenceStatus.SUSPENDED, entry.identifier)
        entries = list(here.entries(Selection()))
        assert entries == list(there.entries(Selection()))
        for entry in entries:
            if entry.identifier:
                assert here.history(entry.identifier) == there.history(entry.identifier)
                assert here.index(entry.identifier) == there.index(entry.identifier)
                key = by_identifier(entry.identifier)
                assert here.find(key) == there.find(key)
