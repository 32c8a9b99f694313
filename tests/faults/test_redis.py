"""The wire to Redis breaks, and Redis itself: questions are answered as without it."""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.shared.fault import SharedFault
from gateway.shared.report import SharedState
from gateway.shared.settings import Address
from gateway.site import Site
from tests.gateway.http.test_cache import (
    AUTHORITY,
    LICENCES,
    World,
    ask,
    connect,
    load,
    pattern,
    serial_of_signer,
)
from tests.gateway.http.test_redis_readiness import look, wait_for
from tests.support.fault_proxy import Fault, FaultProxy, run_proxy
from tests.support.http import Client, StartClient
from tests.support.redis_servers import QUICK, RedisCluster, RedisServer, access, off_loop

__all__ = ["pattern"]  # a fixture

# Each is asked for the first time after the fault: nothing of it is known in the process.
DOCUMENTS = [{"document": b64encode(one.document).decode()} for one in LICENCES]


@dataclass(slots=True, kw_only=True)
class Stage:
    """A gateway, the wire to its Redis, and what is around it."""

    client: Client
    proxy: FaultProxy
    world: World

    async def answers(self, *numbers: int) -> list[str]:
        """Ask about these documents, and return what comes out."""
        return [(await ask(self.client, self.world, DOCUMENTS[one]))["outcome"] for one in numbers]

    async def counted(self, name: str) -> float:
        """Return what a metric says, 0 where it says nothing."""
        lines = (await (await self.client.get("/metrics")).text()).splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


Start = Callable[..., Any]


def with_redis(site: Site, port: int) -> Site:
    """Return a site whose Redis is at a port of this machine, with the deadlines of the product."""
    reach = access(**QUICK)
    settings = replace(reach.settings, addresses=(Address("127.0.0.1", port),))
    return replace(site, settings=replace(site.settings, redis=settings), redis=replace(reach, settings=settings))


@pytest.fixture(scope="module")
def site(pattern: Path) -> Site:
    """Return the site without its folder: questions bring their documents."""
    return replace(load(pattern), folder=None)


@pytest.fixture(autouse=True)
def _probe_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a Redis that is back more often than each second."""
    monkeypatch.setattr("gateway.shared.connection.PROBE_SECONDS", 0.2)


@pytest.fixture
def start(redis_server: RedisServer, aiohttp_client: StartClient, site: Site) -> Start:
    """Return what starts a gateway with a wire to Redis that can be broken."""

    @asynccontextmanager
    async def started() -> AsyncIterator[Stage]:
        world = World(site.trust)
        async with run_proxy(redis_server.port) as proxy:
            client = await connect(aiohttp_client, with_redis(site, proxy.port), world)
            yield Stage(client=client, proxy=proxy, world=world)
            await client.close()

    return started


ODD = {SharedFault.ODD, SharedFault.SLOW, SharedFault.AWAY}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(Fault.REFUSED, {SharedFault.AWAY}, marks=pytest.mark.slow),
        (Fault.SILENT, {SharedFault.SLOW}),
        pytest.param(Fault.DELAYED, {SharedFault.SLOW}, marks=pytest.mark.slow),
        pytest.param(Fault.DRIPPED, {SharedFault.SLOW}, marks=pytest.mark.slow),
        (Fault.RESET, {SharedFault.AWAY}),
        (Fault.FLIPPED, ODD),
        pytest.param(Fault.LOST, ODD, marks=pytest.mark.slow),
        (Fault.FLOODED, ODD),
    ],
)
async def test_a_wire_that_breaks(start: Start, fault: Fault, words: set[SharedFault]) -> None:
    """Every question is answered, verified here, a revocation counts at once, the wire is reported and comes back."""
    async with start() as stage:
        assert await stage.answers(0) == ["valid"]
        await stage.proxy.set(back=fault)
        assert await stage.answers(1, 2, 3) == ["valid"] * 3
        stage.world.publish(AUTHORITY.signer_issuer, [serial_of_signer(LICENCES[1].document, stage.world.store)])
        assert "valid" not in await stage.answers(1)
        found = await wait_for(stage.client, SharedState.AWAY)
        assert found.fault in words
        assert await stage.counted(f'tongban_redis_commands_total{{outcome="{found.fault}"}}')
        assert await stage.counted("gateway_limits_unshared_total")
        verified = len(stage.world.verified)
        assert await stage.answers(4) == ["valid"]  # nobody waits for it any more
        assert len(stage.world.verified) == verified + 1
        await stage.proxy.set()
        await wait_for(stage.client, SharedState.UP)
        assert await stage.answers(4, 1) == ["valid", "invalid"]


async def test_a_redis_that_is_paused(start: Start, redis_server: RedisServer) -> None:
    """A server that holds its connections and says nothing is waited for a few times, then by nobody."""
    async with start() as stage:
        assert await stage.answers(0) == ["valid"]
        redis_server.pause()
        assert await stage.answers(1, 2, 3) == ["valid"] * 3
        found = await wait_for(stage.client, SharedState.AWAY)
        assert found.fault is SharedFault.SLOW
        redis_server.resume()
        await wait_for(stage.client, SharedState.UP)
        assert await stage.answers(4) == ["valid"]


async def test_a_redis_that_is_restarted(start: Start, redis_server: RedisServer) -> None:
    """A server that comes back empty takes what is verified from then on; what it forgot is verified here."""
    async with start() as stage:
        assert await stage.answers(0) == ["valid"]
        await off_loop(redis_server.kill)
        assert await stage.answers(1, 2, 3) == ["valid"] * 3
        assert (await wait_for(stage.client, SharedState.AWAY)).fault is SharedFault.AWAY
        await off_loop(redis_server.start)
        await wait_for(stage.client, SharedState.UP)
        assert await stage.answers(4) == ["valid"]
        assert (await look(stage.client)).up == 1


async def test_a_redis_that_is_flushed(start: Start, redis_server: RedisServer) -> None:
    """Whatever was in it is counted and verified anew; nobody is told anything else."""
    async with start() as stage:
        assert await stage.answers(0, 1) == ["valid"] * 2
        await off_loop(redis_server.flush)
        assert await stage.answers(0, 1, 2) == ["valid"] * 3
        assert (await look(stage.client)).state is SharedState.UP


async def test_a_redis_that_is_full(start: Start, redis_server: RedisServer) -> None:
    """What it has no memory for is not kept there, and that is counted; it is full, and not away."""
    async with start() as stage:
        assert await stage.answers(0) == ["valid"]
        await off_loop(redis_server.limit_memory, "1")
        assert await stage.answers(1, 2, 3, 4) == ["valid"] * 4
        assert await stage.counted('tongban_redis_commands_total{outcome="full"}')
        assert (await look(stage.client)).state is SharedState.UP
        await off_loop(redis_server.limit_memory)
        full = await stage.counted('tongban_redis_commands_total{outcome="full"}')
        assert await stage.answers(5) == ["valid"]
        assert await stage.counted('tongban_redis_commands_total{outcome="full"}') == full


async def test_a_server_of_a_cluster_that_is_away(
    aiohttp_client: StartClient, site: Site, redis_cluster: RedisCluster
) -> None:
    """While one of three servers is away its keys are done without, and so it is told; every question is answered."""
    reach = access(*redis_cluster.servers, cluster=True, **QUICK)
    site = replace(site, settings=replace(site.settings, redis=reach.settings), redis=reach)
    world = World(site.trust)
    client = await connect(aiohttp_client, site, world)
    await wait_for(client, SharedState.UP)

    async def outcomes() -> set[str]:
        return {(await ask(client, world, one))["outcome"] for one in DOCUMENTS}

    assert await outcomes() == {"valid"}
    await off_loop(redis_cluster.servers[1].kill)
    found = await wait_for(client, SharedState.PARTLY)
    assert (found.nodes, found.up, found.fault) == (3, 2, SharedFault.AWAY)
    assert await outcomes() == {"valid"}
    await off_loop(redis_cluster.servers[1].start)
    await wait_for(client, SharedState.UP)
