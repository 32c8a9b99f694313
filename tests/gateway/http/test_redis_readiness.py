"""Operators see how the shared Redis stands, and the gateway answers whether it is there or not."""

import asyncio
from pathlib import Path

import msgspec

from gateway.http.messages.readiness import Readiness, RedisReadiness
from gateway.http.state import SHARED
from gateway.limits.one_key import KeyState
from gateway.shared.fault import SharedFault
from gateway.shared.health import FAILURES
from gateway.shared.report import SharedState
from gateway.site import load_site
from gateway.site_template import FILES
from tests.support.http import Client, StartClient, start
from tests.support.redis_servers import RedisServer, off_loop


def make_folder(folder: Path, server: RedisServer) -> Path:
    """Write a site that has a Redis."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    settings = folder / "tongban.toml"
    settings.write_text(f'{settings.read_text()}\n[redis]\nurls = ["redis://127.0.0.1:{server.port}"]\n')
    return folder


async def look(client: Client) -> RedisReadiness:
    """Return what readiness says of Redis; the gateway is ready, whatever that is."""
    response = await client.get("/readyz")
    found = msgspec.convert(await response.json(), Readiness)
    assert (response.status, found.ready) == (200, True)
    return found.redis


async def wait_for(client: Client, state: SharedState) -> RedisReadiness:
    """Look until Redis stands like this."""
    for _ in range(1000):
        found = await look(client)
        if found.state is state:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(found)


async def test_redis_goes_and_comes_back(
    aiohttp_client: StartClient, redis_server: RedisServer, tmp_path: Path
) -> None:
    """While Redis is away readiness says so and since when, in words and in numbers, and stays ready."""
    site = await off_loop(lambda: load_site(make_folder(tmp_path, redis_server)))
    client = await start(aiohttp_client, site)
    found = await look(client)
    assert (found.state, found.nodes, found.up, found.en) == (SharedState.UP, 1, 1, "Redis answers.")
    assert found.key is KeyState.OURS
    assert 'tongban_redis_nodes{state="up"} 1.0' in await (await client.get("/metrics")).text()
    redis_server.pause()
    asked = (client.app[SHARED].ask("GET", b"k", key=b"k") for _ in range(FAILURES))
    await asyncio.gather(*asked, return_exceptions=True)
    found = await wait_for(client, SharedState.AWAY)
    assert (found.up, found.fault, found.since is not None) == (0, SharedFault.SLOW, True)
    assert "网关继续作答" in found.zh
    metrics = await (await client.get("/metrics")).text()
    assert 'tongban_redis_nodes{state="away"} 1.0' in metrics
    assert 'tongban_redis_commands_total{outcome="slow"}' in metrics
    redis_server.resume()
    await wait_for(client, SharedState.UP)


async def test_another_gateway_has_another_key(
    aiohttp_client: StartClient, redis_server: RedisServer, tmp_path: Path
) -> None:
    """A gateway that counts under another key than those before it says so, and what to do."""
    await off_loop(redis_server.call, "SET", "tongban:counts-key", "of another")
    site = await off_loop(lambda: load_site(make_folder(tmp_path, redis_server)))
    found = await look(await start(aiohttp_client, site))
    assert (found.state, found.key) == (SharedState.UP, KeyState.ANOTHER)
    assert "[cache] key" in found.en
    assert "[cache] key" in found.zh
