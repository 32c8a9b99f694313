"""The wire between the access log and its database breaks: what cannot be written is not answered."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp.test_utils import TestClient

from gateway.app import create_app, server_options
from gateway.audit.book.settings import AuditSettings
from gateway.http.messages.readiness import Readiness
from gateway.site import Site
from tests.faults.test_licence_store import write_address
from tests.gateway.http.test_cache import folder, load, pattern
from tests.gateway.http.test_limits import HALL
from tests.support.callers import NOW, make_site
from tests.support.fault_proxy import HOST, Fault, run_proxy
from tests.support.http import URL, Client, GatewayTestServer, bearer, question, verify_by_first_byte
from tests.support.postgres import PostgresServer, running_postgres

__all__ = ["folder", "pattern"]  # fixtures


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Run a server."""
    with running_postgres() as server:
        yield server


async def ask(client: Client) -> str:
    """Ask, and return the outcome, or why there is none."""
    response = await client.post(URL, json=question(), headers=bearer(HALL.token(NOW)))
    content: dict[str, Any] = await response.json(content_type=response.content_type)
    return content["outcome"] if response.status == 200 else f"{response.status} {content['reason']}"


async def live(site: Site, folder: Path, database: str, fault: Fault) -> None:
    """Answer, break the wire, refuse, mend it, and answer again."""
    async with run_proxy(urlsplit(database).port or 0) as proxy:
        there = f"postgresql://tongban@{HOST}:{proxy.port}{urlsplit(database).path}?sslmode=disable"
        await asyncio.to_thread(write_address, folder / "database", there)
        audit = AuditSettings(database=str(folder / "database"))
        site = replace(site, callers=make_site([HALL]).callers, settings=replace(site.settings, audit=audit))
        server = GatewayTestServer(create_app(site, clock=lambda: NOW, verify=verify_by_first_byte))
        await server.start_server(**server_options(site.settings.http))
        async with TestClient(server) as client:
            assert await ask(client) == "valid"
            await proxy.set(back=fault)
            assert await ask(client) == "503 log.unavailable"
            response = await client.get("/readyz")
            ready = msgspec.convert(await response.json(), Readiness)
            assert (response.status, ready.ready) == (503, False)
            await proxy.set()
            for _ in range(200):
                if await ask(client) == "valid":
                    return
                await asyncio.sleep(0.05)
            pytest.fail("it never comes back")


SLOW = [pytest.param(one, marks=pytest.mark.slow) for one in (Fault.RESET, Fault.LOST, Fault.FLOODED)]


@pytest.mark.parametrize("fault", [Fault.SILENT, *SLOW])
def test_a_wire_to_the_log_that_breaks(
    folder: Path, server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    """No answer leaves without its entry, readiness says so within the deadline, and the log goes on by itself."""
    monkeypatch.setattr("gateway.audit.store.postgres_link.STATEMENT_SECONDS", 0.5)
    monkeypatch.setattr("gateway.audit.store.postgres_link.CONNECT_SECONDS", 0.5)
    monkeypatch.setattr("gateway.audit.store.postgres_link.RENEW_SECONDS", 0.1)
    asyncio.run(live(load(folder), tmp_path, server.new_database(), fault))
