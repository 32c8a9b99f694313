"""A PostgreSQL server that stops, is cut off, or serves two: what was told is there, and nothing is there twice."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.log import AccessLog, LogSetup
from gateway.audit.store.postgres import PostgresStore
from gateway.audit.store.postgres_keys import PostgresKeys
from gateway.audit.store.store import Batch, StoredHead
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.support.audit import ORIGIN, make_draft, opened, sqlite_setup, verify_log, verify_receipt
from tests.support.postgres import PostgresServer, running_postgres

Kept = list[tuple[Receipt, EntryDraft]]
TRIES = 200


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def setup(server: PostgresServer, tmp_path: Path) -> LogSetup:
    """Return the setup of a log in two databases."""
    log, keys = server.new_database(), server.new_database()
    return sqlite_setup(
        tmp_path, open_store=lambda: PostgresStore(log, origin=ORIGIN), open_keys=lambda: PostgresKeys(keys)
    )


async def append(log: AccessLog, first: int, count: int, kept: Kept) -> list[Unavailable]:
    """Append entries at once, keep the receipts, and return why others were refused."""
    drafts = [make_draft(number, caller=f"c{number % 3}") for number in range(first, first + count)]
    outcomes = await asyncio.gather(*map(log.append, drafts), return_exceptions=True)
    kept += [(one, draft) for one, draft in zip(outcomes, drafts, strict=True) if isinstance(one, Receipt)]
    refused = [one for one in outcomes if not isinstance(one, Receipt)]
    assert all(isinstance(one, LogUnavailableError) for one in refused)
    return [one.reason for one in refused if isinstance(one, LogUnavailableError)]


def verify_kept(log: AccessLog, kept: Kept) -> None:
    """Verify that the log has what was told, once."""
    assert len({receipt.index for receipt, _ in kept}) == len(kept)
    assert verify_log(log) >= len(kept)
    for receipt, draft in kept:
        verify_receipt(log, receipt, draft)


def append_until_taken(log: AccessLog, kept: Kept) -> None:
    """Append again and again until the log goes on by itself, as callers do."""
    for _ in range(TRIES):
        if not asyncio.run(append(log, 9_000, 1, kept)):
            return
        time.sleep(0.05)  # the server needs a moment; nothing is measured
    raise AssertionError(log.stopped)


@pytest.mark.parametrize("mode", ["immediate", pytest.param("fast", marks=pytest.mark.slow)])
def test_a_server_that_is_restarted_while_entries_come_in(server: PostgresServer, setup: LogSetup, mode: str) -> None:
    """Whoever was told has an entry, whoever was refused may ask again, and the log goes on by itself."""
    kept: Kept = []

    async def keep_on(log: AccessLog) -> set[Unavailable]:
        reasons: set[Unavailable] = set()
        restarted = asyncio.create_task(asyncio.to_thread(restart))
        number = 0
        while not restarted.done():
            reasons |= set(await append(log, number, 40, kept))
            number += 40
        await restarted
        return reasons

    def restart() -> None:
        server.stop(mode)
        server.start()

    with opened(setup) as log:
        asyncio.run(append(log, 8_000, 5, kept))
        reasons = asyncio.run(keep_on(log))
        assert reasons <= {Unavailable.UNREACHABLE, Unavailable.LOCKED, Unavailable.OVERLOADED}
        append_until_taken(log, kept)
        verify_kept(log, kept)
    with opened(setup) as log:
        verify_kept(log, kept)


async def end_others(dsn: str) -> int:
    """End all connections of logs to a database but our own; return how many there were."""
    connection = await asyncpg.connect(dsn)
    try:
        query = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'tongban audit'"""
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


class CutOff(PostgresStore):
    """A store whose connection is cut before a commit, or when the commit is done and nobody heard of it."""

    cut = ""
    dsn = ""

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch, or lose the connection."""
        cut, self.cut = self.cut, ""
        if cut == "after":
            super().commit(batch, expected=expected)
        if cut:
            assert asyncio.run(end_others(self.dsn)) >= 2
        super().commit(batch, expected=expected)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_connection_that_is_cut_around_a_commit(
    server: PostgresServer, setup: LogSetup, cut: str, tmp_path: Path
) -> None:
    """Nobody is told of the batch, stored or not; the log goes on behind whatever was stored."""
    dsn = server.new_database()
    stores: list[CutOff] = []

    def make() -> CutOff:
        stores.append(CutOff(dsn, origin=ORIGIN))
        stores[-1].dsn = dsn
        return stores[-1]

    kept: Kept = []
    with opened(replace(setup, open_store=make, head=tmp_path / "other-head", open_keys=_keys(server))) as log:
        asyncio.run(append(log, 0, 3, kept))
        stores[0].cut = cut
        assert asyncio.run(append(log, 3, 2, kept)) != []
        told = len(kept)
        append_until_taken(log, kept)
        assert verify_log(log) in {told + 1, told + 2, told + 3}
        verify_kept(log, kept)


def _keys(server: PostgresServer) -> Callable[[], PostgresKeys]:
    dsn = server.new_database()
    return lambda: PostgresKeys(dsn)


def test_a_lost_lock_writes_nothing_more_and_comes_back(server: PostgresServer, setup: LogSetup) -> None:
    """While somebody else is the writer the log refuses, says so, and goes on when the lock is free again."""
    dsn = server.new_database()
    setup = replace(setup, open_store=lambda: PostgresStore(dsn, origin=ORIGIN), open_keys=_keys(server))
    kept: Kept = []
    with opened(setup) as log:
        asyncio.run(append(log, 0, 2, kept))
        asyncio.run(end_others(dsn))
        other = _take_lock(dsn)
        try:
            reasons = [*asyncio.run(append(log, 2, 1, kept)), *asyncio.run(append(log, 3, 1, kept))]
            assert reasons[-1] is Unavailable.LOCKED
            assert log.stopped is None
        finally:
            other.close()
        append_until_taken(log, kept)
        verify_kept(log, kept)


def _take_lock(dsn: str) -> PostgresStore:
    """Become the writer, as soon as the server has noticed that the one before is gone."""
    for _ in range(TRIES):
        with suppress(LogUnavailableError):
            return PostgresStore(dsn, origin=ORIGIN)
        time.sleep(0.02)
    raise AssertionError("the lock is not free")


def test_two_sequencers_never_write_one_log(server: PostgresServer, tmp_path: Path) -> None:
    """A second one does not start; when the first has ended it goes on from all that was told."""
    dsn, keys = server.new_database(), _keys(server)
    setups = [
        sqlite_setup(
            tmp_path,
            open_store=lambda: PostgresStore(dsn, origin=ORIGIN),
            open_keys=keys,
            head=tmp_path / f"head{machine}",
        )
        for machine in (1, 2)
    ]
    kept: Kept = []
    with opened(setups[0]) as log:
        asyncio.run(append(log, 0, 5, kept))
        with pytest.raises(LogUnavailableError) as caught:
            AccessLog(setups[1])
        assert caught.value.reason is Unavailable.SECOND_WRITER
    (tmp_path / "head2").write_bytes((tmp_path / "head1").read_bytes())
    with opened(setups[1]) as log:
        asyncio.run(append(log, 5, 5, kept))
        verify_kept(log, kept)
