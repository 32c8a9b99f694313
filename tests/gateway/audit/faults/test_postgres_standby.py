"""A PostgreSQL server with a standby that says what its readers still see: what was erased is there as long."""

import asyncio
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import asyncpg
import pytest

from gateway.audit.private import KeyNumber
from gateway.audit.store import postgres_purge
from gateway.audit.store.postgres_keys import PostgresKeys
from gateway.audit.store.postgres_link import Connection, PostgresLink
from tests.gateway.audit.faults.test_postgres_site import find_bytes
from tests.support.postgres import PostgresServer, running_postgres

pytestmark = pytest.mark.slow
ERASED = KeyNumber(7)
KEYS = {KeyNumber(number): random.Random(number).randbytes(60) for number in range(1, 65)}
TRIES = 300


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """Start a server that may have standbys."""
    with running_postgres() as server:
        with (server.folder / "data" / "pg_hba.conf").open("a") as file:
            file.write("host replication all 127.0.0.1/32 trust\n")
        server.stop()
        server.start()
        yield server


@pytest.fixture
def standby(server: PostgresServer) -> Iterator[int]:
    """Start a standby, and return its port."""
    folder = server.folder / "standby"
    place = ("-h", "127.0.0.1", "-p", str(server.port), "-U", "tongban")
    server._call("pg_basebackup", *place, "-D", str(folder), "-R", "-X", "stream", "-c", "fast")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with (folder / "postgresql.conf").open("a") as file:
        file.write("hot_standby_feedback = on\nwal_receiver_status_interval = 1s\nmax_standby_streaming_delay = -1\n")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {server.folder}"
    server._call("pg_ctl", "-D", str(folder), "-l", f"{server.folder}/standby.log", "-o", options, "-w", "start")
    yield port
    server._call("pg_ctl", "-D", str(folder), "-m", "immediate", "-w", "stop")


def ask(link: PostgresLink, query: str) -> object:
    """Return what a statement answers."""

    async def work(connection: Connection) -> object:
        return await connection.fetchval(query)

    return link.run(work)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what another server does."""
    for _ in range(TRIES):
        with suppress(asyncpg.PostgresError):
            if is_so():
                return
        time.sleep(0.1)
    raise TimeoutError


def test_what_a_standby_sees_is_not_gone(server: PostgresServer, standby: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody reads an erased key there, it is told that it may be left here; afterwards it is in no table."""
    monkeypatch.setattr(postgres_purge, "WAIT_SECONDS", 1.0)
    dsn = server.new_database()
    with closing(PostgresKeys(dsn)) as keys, closing(PostgresLink(dsn)) as link:
        keys.add(KEYS)
        there = dsn.replace(f":{server.port}/", f":{standby}/")
        until(lambda: ask(link, "SELECT pg_current_wal_lsn() = replay_lsn FROM pg_stat_replication") is True)
        loop = asyncio.new_event_loop()
        reader = loop.run_until_complete(asyncpg.connect(there))
        loop.run_until_complete(reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ"))
        assert loop.run_until_complete(reader.fetchval("SELECT count(*) FROM audit_data_keys")) > 0
        until(lambda: ask(link, "SELECT backend_xmin IS NOT NULL FROM pg_stat_replication") is True)
        assert keys.erase([ERASED]) == 1
        assert not keys.purge()
        loop.run_until_complete(reader.close())
        loop.close()
        monkeypatch.setattr(postgres_purge, "WAIT_SECONDS", 30.0)
        assert keys.purge()
        ask(link, "CHECKPOINT")
        assert find_bytes(server.folder, KEYS[ERASED]) == []
        assert keys.read(list(KEYS)) == {number: key for number, key in KEYS.items() if number != ERASED}
