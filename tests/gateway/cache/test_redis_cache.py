"""Tests of the cache in Redis, on real servers: the contract, the copy in the process, and every way to be away."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.cache.cache import MAX_VALUE_BYTES, CacheFault
from gateway.cache.redis_cache import RedisCache
from gateway.shared.report import SharedState
from tests.support.caches import NAME, OTHER, CacheContract, OpenCache, at_once, open_cache
from tests.support.redis_servers import QUICK, RedisCluster, RedisServer, access, off_loop, until

KEY = b"tongban:cache:" + NAME


class TestOneServer(CacheContract):
    """The contract, on one server."""

    @pytest.fixture
    async def cache(self, redis_server: RedisServer) -> AsyncIterator[RedisCache]:
        """Return an empty cache with a copy."""
        async with open_cache(access(redis_server)) as found:
            await until(lambda: found.cache.has_copy)
            yield found.cache


class TestWithoutCopy(CacheContract):
    """The contract, where nothing is pushed."""

    @pytest.fixture
    async def cache(self, redis_server: RedisServer) -> AsyncIterator[RedisCache]:
        """Return an empty cache without a copy."""
        async with open_cache(access(redis_server), follows=False) as found:
            yield found.cache


class TestCluster(CacheContract):
    """The contract, on a cluster."""

    @pytest.fixture
    async def cache(self, redis_cluster: RedisCluster) -> AsyncIterator[RedisCache]:
        """Return an empty cache with a copy, which learns of the cluster from one server."""
        async with open_cache(access(redis_cluster.servers[1], cluster=True)) as found:
            await until(lambda: found.cache.has_copy)
            yield found.cache


@pytest.fixture
async def opened(redis_server: RedisServer) -> AsyncIterator[OpenCache]:
    """Return a cache with a copy on one server."""
    async with open_cache(access(redis_server)) as found:
        await until(lambda: found.cache.has_copy)
        yield found


@pytest.fixture
async def quick(redis_server: RedisServer) -> AsyncIterator[OpenCache]:
    """Return the same with the deadlines of the product."""
    async with open_cache(access(redis_server, **QUICK)) as found:
        await until(lambda: found.cache.has_copy)
        yield found


async def fill(opened: OpenCache, value: bytes = b"v") -> None:
    """Put a value and have it in the copy: what is written is pushed back to us once."""
    await opened.cache.put(NAME, value, seconds=60)
    for _ in range(200):
        if await opened.cache.get(NAME) == value and opened.cache.get_now(NAME) == value:
            await asyncio.sleep(0.02)
            if opened.cache.get_now(NAME) == value:
                return
    pytest.fail("it does not stay in the copy")


async def test_a_second_hit_asks_nobody(opened: OpenCache, redis_server: RedisServer) -> None:
    """What was asked once is in the copy: it is there although the server answers nothing, and without a wait."""
    await fill(opened)
    redis_server.pause()
    asked = opened.value("tongban_redis_commands_total", outcome="done")
    assert at_once(opened.cache.get(NAME)) == b"v"
    assert opened.value("tongban_redis_commands_total", outcome="done") == asked


async def test_changes_of_others_are_pushed(opened: OpenCache, redis_server: RedisServer) -> None:
    """What another gateway writes or forgets empties the copy of exactly that value, without our asking."""
    await fill(opened)
    await opened.cache.put(OTHER, b"o", seconds=60)
    async with open_cache(access(redis_server)) as other:
        await other.cache.put(NAME, b"new", seconds=60)
        await until(lambda: opened.cache.get_now(NAME) is None)
        assert await opened.cache.get(NAME) == b"new"
        await other.cache.forget(NAME)
        await until(lambda: opened.cache.get_now(NAME) is None)
        assert [await opened.cache.get(NAME), await opened.cache.get(OTHER)] == [None, b"o"]


async def test_a_value_that_changes_on_its_way_is_not_kept(
    opened: OpenCache, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value whose change is pushed before the value itself arrives goes to whoever asked, and not into the copy."""
    await opened.cache.put(NAME, b"old", seconds=60)
    await asyncio.sleep(0.05)
    ask_all, invalidated = opened.shared.ask_all, "tongban_redis_invalidations_total"
    before = opened.value(invalidated, scope="one")

    async def answer_late(*arguments, **named):
        replies = await ask_all(*arguments, **named)
        await off_loop(redis_server.call, "SET", KEY, b"new", "PX", 60_000)
        await until(lambda: opened.value(invalidated, scope="one") > before)
        return replies

    monkeypatch.setattr(opened.shared, "ask_all", answer_late)
    assert await opened.cache.get(NAME) == b"old"
    assert opened.cache.get_now(NAME) is None
    monkeypatch.undo()
    assert await opened.cache.get(NAME) == b"new"


async def test_an_entry_ends_in_the_copy_too(opened: OpenCache) -> None:
    """The copy of an entry ends with it."""
    await opened.cache.put(NAME, b"v", seconds=0.25)
    await until_gone(opened)
    assert opened.cache.get_now(NAME) is None


async def until_gone(opened: OpenCache) -> None:
    """Ask until an entry has ended."""
    for _ in range(500):
        if await opened.cache.get(NAME) is None:
            return
        await asyncio.sleep(0.01)
    pytest.fail("it does not end")


async def test_a_server_that_is_emptied(opened: OpenCache, redis_server: RedisServer) -> None:
    """After FLUSHALL everything is a miss, in the copy too."""
    await fill(opened)
    await off_loop(redis_server.flush)
    await until(lambda: opened.cache.get_now(NAME) is None)
    assert (await opened.cache.get(NAME), opened.tally.faults) == (None, [])


async def test_a_server_that_answers_nothing(quick: OpenCache, redis_server: RedisServer) -> None:
    """A paused server is waited for a few times and for its deadline, then by nobody; the copy is emptied.

    When it goes on it is asked again, and followed again.
    """
    await fill(quick)
    redis_server.pause()
    assert await asyncio.gather(*(quick.cache.get(OTHER) for _ in range(8))) == [None] * 8
    assert CacheFault.SLOW in quick.tally.faults
    await until(lambda: quick.shared.report().state is SharedState.AWAY)
    await until(lambda: quick.cache.get_now(NAME) is None)
    quick.tally.faults.clear()
    assert at_once(quick.cache.get(OTHER)) is None
    at_once(quick.cache.put(OTHER, b"v", seconds=60))
    assert quick.tally.faults == [CacheFault.AWAY, CacheFault.AWAY]
    assert quick.value("tongban_redis_nodes", state="away") == 1
    redis_server.resume()
    await until(lambda: quick.cache.has_copy)
    assert await quick.cache.get(NAME) == b"v"
    assert quick.value("tongban_redis_tracking_losses_total") == 1
    assert quick.value("tongban_redis_nodes", state="away") == 0


async def test_a_server_that_is_started_anew(quick: OpenCache, redis_server: RedisServer) -> None:
    """After a restart nothing of before is there, and what is put then is followed as before."""
    await fill(quick)
    await off_loop(redis_server.kill)
    assert await quick.cache.get(OTHER) is None
    await until(lambda: not quick.cache.has_copy)
    assert quick.cache.get_now(NAME) is None
    await off_loop(redis_server.start)
    await until(lambda: quick.cache.has_copy)
    assert await quick.cache.get(NAME) is None
    await fill(quick)
    await off_loop(redis_server.call, "DEL", KEY)
    await until(lambda: quick.cache.get_now(NAME) is None)


async def test_a_server_that_is_full(opened: OpenCache, redis_server: RedisServer) -> None:
    """A server without memory refuses what is put, which is counted, and goes on answering what it has."""
    await opened.cache.put(NAME, b"v", seconds=60)
    await off_loop(redis_server.limit_memory, "1")
    await opened.cache.put(OTHER, b"v", seconds=60)
    assert opened.tally.faults == [CacheFault.FULL]
    assert [await opened.cache.get(NAME), await opened.cache.get(OTHER)] == [b"v", None]
    assert opened.shared.report().state is SharedState.UP


@pytest.mark.parametrize(
    "command",
    [("SET", KEY, b"v"), ("SET", KEY, bytes(MAX_VALUE_BYTES + 1), "EX", 60), ("RPUSH", KEY, b"v")],
    ids=["without-end", "too-large", "list"],
)
async def test_what_is_not_ours(opened: OpenCache, redis_server: RedisServer, command: tuple) -> None:
    """A value that no gateway puts there, without an end, too large or of another type, is a miss and a metric."""
    await off_loop(redis_server.call, *command)
    assert await opened.cache.get(NAME) is None
    assert opened.tally.faults == [CacheFault.ODD]
    assert opened.shared.report().state is SharedState.UP


async def test_a_cluster_with_a_server_away(redis_cluster: RedisCluster) -> None:
    """While one server of a cluster is away its keys are misses that nobody waits for; the others are as before."""
    async with open_cache(access(*redis_cluster.servers, cluster=True, **QUICK)) as opened:
        await until(lambda: opened.cache.has_copy)
        assert opened.shared.report().up == 3
        names = [bytes([place]) * 32 for place in range(30)]
        for name in names:
            await opened.cache.put(name, name, seconds=60)
        lost = redis_cluster.servers[2]
        lost.pause()
        await asyncio.gather(
            *(opened.shared.ask("GET", opened.shared.key(name), key=opened.shared.key(name)) for name in names),
            return_exceptions=True,
        )
        assert opened.shared.report().state is SharedState.PARTLY
        kept = [name for name in names if opened.shared.node_of(opened.shared.key(b"cache", name)).health.is_up]
        assert 0 < len(kept) < len(names)
        assert [at_once(opened.cache.get(name)) for name in names if name not in kept] == [None] * (30 - len(kept))
        assert [await opened.cache.get(name) for name in kept] == kept
        lost.resume()
        await until(lambda: opened.shared.report().state is SharedState.UP)
        assert [await opened.cache.get(name) for name in names] == names


async def test_a_slot_that_moves(redis_cluster: RedisCluster) -> None:
    """A key is found while its slot moves to another server, and after that; its change there is pushed."""
    async with open_cache(access(redis_cluster.servers[0], cluster=True)) as opened:
        await until(lambda: opened.cache.has_copy)
        await opened.cache.put(NAME, b"v", seconds=60)
        slot = await off_loop(redis_cluster.servers[0].call, "CLUSTER", "KEYSLOT", KEY)
        owner = next(one for one in redis_cluster.servers if one.address == opened.shared.node_of(KEY).address)
        other = next(one for one in redis_cluster.servers if one is not owner)
        ids = {one: (await off_loop(one.call, "CLUSTER", "MYID")).decode() for one in (owner, other)}
        await off_loop(other.call, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[owner])
        await off_loop(owner.call, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[other])
        await off_loop(owner.call, "MIGRATE", "127.0.0.1", other.port, KEY, 0, 5000)
        assert await opened.cache.get(NAME) == b"v"
        for one in (other, owner):
            await off_loop(one.call, "CLUSTER", "SETSLOT", slot, "NODE", ids[other])
        opened.local.clear()
        assert await opened.cache.get(NAME) == b"v"
        assert opened.shared.node_of(KEY).address == other.address
        await off_loop(other.call, "SET", KEY, b"new", "PX", 60_000)
        await until(lambda: opened.cache.get_now(NAME) is None)
        assert (await opened.cache.get(NAME), opened.tally.faults) == (b"new", [])
        # back, for the tests after this one
        for one in (owner, other):
            await off_loop(one.call, "FLUSHALL")
            await off_loop(one.call, "CLUSTER", "SETSLOT", slot, "NODE", ids[owner])
