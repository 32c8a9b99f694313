"""Two gateways of one site with one Redis: what they share, what neither believes, and clocks that differ."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cache.settings import CacheSettings
from gateway.site import Site
from gateway.tokens import LEEWAY, MAX_LIFETIME
from tests.faults.test_redis import DOCUMENTS, with_redis
from tests.gateway.http import test_limits as limited
from tests.gateway.http.test_cache import (
    AUTHORITY,
    LICENCES,
    World,
    ask,
    connect,
    load,
    metric,
    pattern,
    serial_of_signer,
)
from tests.support.callers import NOW, make_site
from tests.support.http import Client, StartClient
from tests.support.redis_servers import RedisServer, access, off_loop

__all__ = ["pattern"]  # a fixture

FIVE_MINUTES = timedelta(minutes=5)
FORGED = 'tongban_cache_faults_total{cache="verdicts",fault="forged",tier="redis"} '
ENTRIES = "tongban:cache:*"


@pytest.fixture
def sites(pattern: Path, tmp_path: Path) -> list[Site]:
    """Return two sites with one key and the same lists."""
    folders = [Path(shutil.copytree(pattern, tmp_path / name)) for name in ("one", "two")]
    return [load(one, cache=CacheSettings(key=str(folders[0] / "state" / "cache.key"))) for one in folders]


@pytest.fixture
def worlds(sites: list[Site]) -> list[World]:
    """Return what is around each of them, apart."""
    return [World(site.trust) for site in sites]


@pytest.fixture
def start(redis_server: RedisServer, aiohttp_client: StartClient, sites: list[Site], worlds: list[World]) -> Any:
    """Return what starts both gateways; they end before Redis is emptied for the next test."""

    async def started() -> list[Client]:
        both = [(with_redis(site, redis_server.port), world) for site, world in zip(sites, worlds, strict=True)]
        return [await connect(aiohttp_client, site, world) for site, world in both]

    return started


Start = Callable[[], Any]


async def outcome(client: Client, world: World, number: int = 0) -> str:
    return str((await ask(client, world, DOCUMENTS[number]))["outcome"])


async def written(redis_server: RedisServer, count: int) -> list[bytes]:
    """Return the names of the entries in Redis, once there are so many."""
    found: list[bytes] = []
    while len(found) < count:
        found = await off_loop(redis_server.call, "KEYS", ENTRIES)
        await asyncio.sleep(0.01)
    return found


async def test_verdicts_are_shared(start: Start, worlds: list[World], redis_server: RedisServer) -> None:
    """What one has verified the other need not; a revocation that one knows alone counts there at once."""
    one, two = await start()
    assert await outcome(one, worlds[0]) == "valid"
    await written(redis_server, 1)
    assert (await outcome(two, worlds[1]), worlds[1].verified) == ("valid", [])
    worlds[1].now += timedelta(seconds=1)
    worlds[1].publish(AUTHORITY.signer_issuer, [serial_of_signer(LICENCES[0].document, worlds[1].store)])
    assert (await outcome(two, worlds[1]), len(worlds[1].verified)) == ("invalid", 1)
    assert (await outcome(one, worlds[0]), len(worlds[0].verified)) == ("valid", 1)


async def test_what_somebody_wrote_into_redis(start: Start, worlds: list[World], redis_server: RedisServer) -> None:
    """An entry that was moved to another name, or changed, is a miss and a forgery; the document is verified here."""
    one, two = await start()
    assert [await outcome(one, worlds[0], number) for number in range(2)] == ["valid"] * 2
    names = await written(redis_server, 2)

    def spoil() -> None:
        other = redis_server.call("GET", names[1])
        for name, value in zip(names, (other, other[:-1] + bytes([other[-1] ^ 1])), strict=True):
            redis_server.call("SET", name, value, "PX", 60_000)

    await off_loop(spoil)
    assert [await outcome(two, worlds[1], number) for number in range(2)] == ["valid"] * 2
    assert len(worlds[1].verified) == 2
    assert await metric(two, f"{FORGED}2.0")


@pytest.mark.parametrize(("ahead", "verified"), [(1, 0), (0, 1)], ids=["ahead", "behind"])
async def test_entries_of_another_clock(
    start: Start, worlds: list[World], redis_server: RedisServer, ahead: int, verified: int
) -> None:
    """A verdict counts for a clock that is ahead of the one that made it, while it lasts; for one behind it is none."""
    worlds[ahead].now += FIVE_MINUTES
    one, two = await start()
    assert await outcome(one, worlds[0]) == "valid"
    await written(redis_server, 1)
    assert await outcome(two, worlds[1]) == "valid"
    assert len(worlds[1].verified) == verified


@pytest.mark.parametrize(
    ("apart", "age", "failure"),
    [(-FIVE_MINUTES, 0, "not-yet-valid"), (FIVE_MINUTES, 29, None), (FIVE_MINUTES, 31, "expired")],
    ids=["behind", "ahead", "ahead and late"],
)
async def test_tokens_of_another_clock(
    aiohttp_client: StartClient, apart: timedelta, age: int, failure: str | None
) -> None:
    """A gateway that is behind takes no token of now; one that is ahead takes it for its first half minute."""
    client = await limited.start(aiohttp_client, limited.site_with(limited.HALL), now=NOW + apart)
    response = await limited.ask(client, at=NOW - timedelta(seconds=age))
    assert response.status == (200 if failure is None else 401)
    counted = await limited.metric(client, "gateway_sign_in_failures_total")
    assert counted == ([] if failure is None else [f'gateway_sign_in_failures_total{{failure="{failure}"}} 1.0'])


@pytest.mark.parametrize("apart", [2 * FIVE_MINUTES, -2 * FIVE_MINUTES], ids=["ahead", "behind"])
async def test_counts_of_another_clock(
    redis_server: RedisServer, aiohttp_client: StartClient, sites: list[Site], apart: timedelta
) -> None:
    """Rates go by the clock of Redis, whatever the gateways' say; what is used once is not, where theirs differ."""
    now = datetime.now(UTC)  # as Redis has it
    clocks = [now, now + apart]
    callers = make_site([limited.HALL, limited.ONCE]).callers
    gateways = []
    for site, clock in zip(sites, clocks, strict=True):
        limits = replace(site.settings, limits=limited.TIGHT)
        here = with_redis(replace(site, callers=callers, settings=limits), redis_server.port)
        gateways.append(await limited.start(aiohttp_client, here, now=clock))
    both = list(zip(gateways, clocks, strict=True))
    assert [(await limited.ask(one, at=at)).status for one, at in both * 2] == [200, 200, 429, 429]
    used = [await limited.ask(one, limited.ONCE, at=at) for one, at in both]
    assert [response.status for response in used] == [200, 503]
    assert await limited.reason_of(used[1]) == "token.unavailable"
    assert await limited.metric(gateways[1], "gateway_marks_unavailable_total")


async def test_what_redis_forgot(redis_server: RedisServer, aiohttp_client: StartClient) -> None:
    """A token that was used works once more after Redis lost what it had, and not when it is over."""
    reach = access(redis_server)
    site = limited.site_with(limited.ONCE)
    site = replace(site, settings=replace(site.settings, redis=reach.settings), redis=reach)
    now = datetime.now(UTC)
    client = await limited.start(aiohttp_client, site, now=now)
    assert [(await limited.ask(client, limited.ONCE, at=now)).status for _ in range(2)] == [200, 401]
    await off_loop(redis_server.flush)
    assert [(await limited.ask(client, limited.ONCE, at=now)).status for _ in range(2)] == [200, 401]
    await off_loop(redis_server.flush)
    assert (await limited.ask(client, limited.ONCE, at=now - MAX_LIFETIME - LEEWAY)).status == 401
