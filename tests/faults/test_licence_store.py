"""The gateway's own licences, in a file or in PostgreSQL behind a wire: what is not there is not called valid."""

import asyncio
import sqlite3
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.app import create_app, server_options
from gateway.site import Site
from gateway.sources.intake import read_new_licence
from gateway.sources.leased import LEASE_SECONDS, LeasedSource
from gateway.sources.postgres_source import PostgresSource
from gateway.sources.postgres_store import PostgresLicenceStore
from gateway.sources.store import SqliteLicenceStore
from policies.dimension import LicenceStatus
from tests.gateway.http.test_cache import (
    LICENCES,
    PARTY,
    STORE_FILE,
    World,
    connect,
    folder,
    load,
    metric,
    pattern,
    site,
)
from tests.support.demo import NOW
from tests.support.fault_proxy import HOST, Fault, FaultProxy, run_proxy
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer
from tests.support.postgres import PostgresServer, running_postgres

__all__ = ["folder", "pattern", "site"]  # fixtures

ONE = LICENCES[0]
BY_DOCUMENT = {"document": b64encode(ONE.document).decode()}
BY_IDENTIFIER = {"identifier": ONE.draft.identifier}
ENDED = LICENCES[1]
REVOKED = {"identifier": ENDED.draft.identifier}
ASIDE = Path("state") / "aside.sqlite"


async def outcome(client: Client, licence: object) -> str:
    """Return what is said of a licence: the outcome and its reasons, or why it is refused."""
    response = await client.post(URL, json={"licence": licence}, headers=bearer(PARTY.token(NOW)))
    content = await response.json(content_type=response.content_type)
    if response.status != 200:
        return f"{response.status} {content['reason']}"
    return " ".join([content["outcome"], *content["reasons"]])


async def lease_over() -> None:
    """Wait until nothing that the store said before is used any more."""
    await asyncio.sleep(LEASE_SECONDS)


@pytest.fixture
async def client(aiohttp_client: StartClient, site: Site) -> Client:
    """Return a gateway that has answered from its store."""
    client = await connect(aiohttp_client, site, World(site.trust))
    assert await outcome(client, BY_IDENTIFIER) == "valid"
    assert await outcome(client, BY_DOCUMENT) == "valid"
    return client


async def test_a_store_that_is_locked(client: Client, folder: Path) -> None:
    """While another program holds the file for itself, licences are answered about as before."""

    def lock() -> sqlite3.Connection:
        connection = sqlite3.connect(folder / STORE_FILE, check_same_thread=False)
        connection.execute("BEGIN EXCLUSIVE")
        return connection

    with closing(await asyncio.to_thread(lock)):
        await lease_over()
        assert await outcome(client, BY_IDENTIFIER) == "valid"
        assert await outcome(client, BY_DOCUMENT) == "valid"


async def test_a_store_that_is_gone(client: Client, folder: Path) -> None:
    """A store that was there and is gone may know of a revocation: nothing is valid until it is back."""
    await asyncio.to_thread((folder / STORE_FILE).rename, folder / ASIDE)
    await lease_over()
    assert await outcome(client, BY_IDENTIFIER) == "503 source.unavailable"
    assert await outcome(client, BY_DOCUMENT) == "unknown status.unavailable"
    await asyncio.to_thread((folder / ASIDE).rename, folder / STORE_FILE)
    assert await outcome(client, BY_IDENTIFIER) == "valid"


async def test_a_store_that_is_replaced(client: Client, folder: Path) -> None:
    """Another file in its place, in which the licence is revoked, counts after the lease; and so does garbage."""

    def revoke_elsewhere() -> None:
        store = SqliteLicenceStore(folder / ASIDE, create=True)
        store.add([read_new_licence(one.document) for one in LICENCES], at=NOW)
        store.set_status(ONE.draft.identifier, LicenceStatus.REVOKED, is_under_objection=False, reason="", at=NOW)
        store.close()
        (folder / ASIDE).rename(folder / STORE_FILE)

    await asyncio.to_thread(revoke_elsewhere)
    await lease_over()
    assert await outcome(client, BY_IDENTIFIER) == "invalid status.revoked"
    assert await outcome(client, BY_DOCUMENT) == "invalid status.revoked"

    def spoil() -> None:
        (folder / ASIDE).write_bytes(b"no store" * 1000)
        (folder / ASIDE).rename(folder / STORE_FILE)

    await asyncio.to_thread(spoil)
    await lease_over()
    assert await outcome(client, BY_IDENTIFIER) == "503 source.unavailable"
    assert await outcome(client, BY_DOCUMENT) == "unknown status.unavailable"


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Run a server."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def database(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a store with the licences of the demo."""
    address = server.new_database()
    file = write_address(tmp_path_factory.mktemp("address") / "address", address)
    store = PostgresLicenceStore(file, create=True)
    store.add([read_new_licence(one.document) for one in LICENCES], at=NOW)
    store.set_status(ENDED.draft.identifier, LicenceStatus.REVOKED, is_under_objection=False, reason="", at=NOW)
    store.close()
    return address


def write_address(file: Path, address: str) -> Path:
    """Write the file that names a database."""
    file.touch(mode=0o600)
    file.write_text(address)
    return file


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for a server that says nothing than the product does."""
    monkeypatch.setattr("gateway.sources.postgres_source.ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("gateway.sources.postgres_source.PAUSE_SECONDS", 0.1)


@pytest.fixture(scope="module")
def here(pattern: Path) -> Site:
    """Return the site without its folder: the store is put in by `behind_a_wire`."""
    return replace(load(pattern), folder=None)


@asynccontextmanager
async def behind_a_wire(
    aiohttp_client: StartClient, here: Site, database: str, folder: Path
) -> AsyncIterator[tuple[Client, FaultProxy]]:
    """Start a gateway with a wire between it and the database."""
    async with run_proxy(urlsplit(database).port or 0) as proxy:
        there = f"postgresql://tongban@{HOST}:{proxy.port}{urlsplit(database).path}?sslmode=disable"
        source = LeasedSource(PostgresSource(await asyncio.to_thread(write_address, folder / "address", there)))
        server = GatewayTestServer(create_app(here, clock=lambda: NOW, licences=source))
        await server.start_server(**server_options(here.settings.http))
        client = await aiohttp_client(server)
        yield client, proxy
        await client.close()


slow = pytest.mark.slow


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    "fault",
    [
        Fault.SILENT,
        Fault.RESET,
        Fault.FLOODED,
        Fault.LOST,
        pytest.param(Fault.REFUSED, marks=slow),
        pytest.param(Fault.DELAYED, marks=slow),
        pytest.param(Fault.DRIPPED, marks=slow),
    ],
)
async def test_a_wire_to_postgresql_that_breaks(
    aiohttp_client: StartClient, here: Site, database: str, tmp_path: Path, fault: Fault
) -> None:
    """A licence is refused, a document is unknown, within the deadline; once the wire is mended both are valid."""
    async with behind_a_wire(aiohttp_client, here, database, tmp_path) as (client, proxy):
        assert await outcome(client, BY_IDENTIFIER) == "valid"
        assert await outcome(client, BY_DOCUMENT) == "valid"
        await proxy.set(back=fault)
        await lease_over()
        assert await outcome(client, BY_IDENTIFIER) == "503 source.unavailable"
        assert await outcome(client, BY_DOCUMENT) == "unknown status.unavailable"
        assert await metric(client, 'tongban_store_failures_total{fault="unusable"}')
        await proxy.set()
        for _ in range(200):
            if [await outcome(client, one) for one in (BY_IDENTIFIER, BY_DOCUMENT)] == ["valid"] * 2:
                return
            await asyncio.sleep(0.05)
        pytest.fail("it never comes back")


@pytest.mark.usefixtures("_impatient")
async def test_one_wrong_bit_from_postgresql(
    aiohttp_client: StartClient, here: Site, database: str, tmp_path: Path
) -> None:
    """Whichever answer of the server a bit is wrong in, a revoked licence is not valid by it."""
    async with behind_a_wire(aiohttp_client, here, database, tmp_path) as (client, proxy):
        for _ in range(5):
            await proxy.set(back=Fault.FLIPPED)
            await lease_over()
            assert not (await outcome(client, REVOKED)).startswith("valid")
            await proxy.set()
        for _ in range(200):
            if await outcome(client, REVOKED) == "invalid status.revoked":
                return
            await asyncio.sleep(0.05)
        pytest.fail("it never comes back")
