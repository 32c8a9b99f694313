"""A gateway whose own licences are in PostgreSQL: commands and questions use one store, and a server may go away."""

import asyncio
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.cli.console import ExitCode
from gateway.cli.store_commands import import_files, set_status
from gateway.http.messages.readiness import Readiness
from gateway.sources.store_watch import StoreState
from policies.dimension import LicenceStatus
from tests.gateway.http.test_stored_licences import ONE, answer, ask, by_parts, connect, folder, load, pattern
from tests.support.http import Client, StartClient
from tests.support.postgres import PostgresServer, running_postgres

__all__ = ["folder", "pattern"]  # fixtures


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def site(folder: Path, server: PostgresServer) -> Path:
    """Return a site whose settings name a database, with nothing in it yet."""
    (folder / "state" / "licences.sqlite").unlink()
    address = folder / "state" / "store.address"
    address.touch(mode=0o600)
    address.write_text(server.new_database())
    settings = folder / "tongban.toml"
    settings.write_text(settings.read_text().replace('# database = "state/store', 'database = "state/store'))
    return folder


async def readiness(client: Client) -> tuple[bool, StoreState | None]:
    """Return whether the gateway is ready, and what it says of its store."""
    found = msgspec.convert(await (await client.get("/readyz")).json(), Readiness)
    return found.ready, None if found.store is None else found.store.state


async def test_a_server_that_goes_away(aiohttp_client: StartClient, site: Path, server: PostgresServer) -> None:
    """Without it nothing is called valid; once it is back, what commands stored and changed is found at once."""
    client = await connect(aiohttp_client, await asyncio.to_thread(load, site))
    assert await readiness(client) == (True, StoreState.NOT_ASKED)
    document = {"document": b64encode(ONE.document).decode()}
    key = {"identifier": ONE.draft.identifier}
    # A database that is named, and holds no store yet, may be one that was lost.
    assert (await ask(client, key))[0] == 503
    assert (await answer(client, document))["reasons"] == ["status.unavailable"]

    def store() -> None:
        path = site / "one.ofd"
        path.write_bytes(ONE.document)
        assert import_files([str(path)], site=site, as_json=True) is ExitCode.DONE

    await asyncio.to_thread(store)
    assert (await answer(client, key))["outcome"] == "valid"
    assert (await answer(client, by_parts()))["outcome"] == "valid"
    await asyncio.to_thread(server.stop, "immediate")
    try:
        await asyncio.sleep(0.3)  # longer than what the store said is used again
        status, content = await ask(client, key)
        assert (status, content["reason"]) == (503, "source.unavailable")
        content = await answer(client, document)
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unavailable"])
        assert await readiness(client) == (True, StoreState.UNUSABLE)
        metrics = await (await client.get("/metrics")).text()
        assert [value for value in re.findall(r"tongban_store_failures_total{.*} (.*)", metrics) if value != "0.0"]
    finally:
        await asyncio.to_thread(server.start)
    assert (await answer(client, key))["outcome"] == "valid"
    assert await readiness(client) == (True, StoreState.ANSWERS)

    def suspend() -> None:
        status = LicenceStatus.SUSPENDED
        ended = set_status(
            ONE.draft.identifier, site=site, status=status, reason="d", is_under_objection=False, as_json=True
        )
        assert ended is ExitCode.DONE

    await asyncio.to_thread(suspend)
    await asyncio.sleep(0.3)
    assert (await answer(client, key))["reasons"] == ["status.suspended"]
