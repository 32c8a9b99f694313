"""Who counts for a site, and under which key."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from gateway.counts_site import Counts, make_counts, share_counts
from gateway.limits.marks import MarksUnavailableError, NoMark
from gateway.limits.one_key import LIFE_SECONDS, KeyState, OneKey
from gateway.metrics import Metrics
from gateway.shared.connection import SharedRedis
from gateway.shared.fault import SharedError, SharedFault
from tests.support.callers import make_site
from tests.support.redis_servers import QUICK, RedisCluster, RedisServer, off_loop, until
from tests.support.shared_redis import connected


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Return the folders of one site on two machines."""
    places = [tmp_path / "here", tmp_path / "there"]
    for place in places:
        (place / "state").mkdir(parents=True)
    return places


@contextlib.asynccontextmanager
async def counting(shared: SharedRedis, folder: Path) -> AsyncIterator[Counts]:
    """Let a gateway with this folder count in Redis."""
    counts = make_counts(shared, Metrics())
    run = contextlib.asynccontextmanager(share_counts(counts, replace(make_site(), folder=folder)))
    async with run(web.Application()):
        yield counts


async def test_machines_need_one_key(
    redis_server: RedisServer, folders: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Processes of one site make the same names; a machine with another key says that it counts apart."""
    names = []
    async with connected(redis_server) as shared:
        with caplog.at_level(logging.WARNING):
            for folder in (folders[0], *folders):
                async with counting(shared, folder) as counts:
                    names.append(counts.names.of("caller", "hall"))
                assert len(caplog.records) == (folder == folders[1])
    assert names[0] == names[1] != names[2]


async def admits(counts: Counts, mark: str) -> bool | NoMark:
    """Say whether something is used for the first time, or why that cannot be told."""
    now = datetime.now(UTC)  # as Redis has it
    try:
        return await counts.marks.admit("once", mark, until=now + timedelta(minutes=5), at=now)
    except MarksUnavailableError as error:
        return error.why


async def test_what_is_used_once_needs_one_key(redis_server: RedisServer, folders: list[Path]) -> None:
    """A gateway with another key than the first one uses nothing that works once, so that nothing is used in both."""
    async with connected(redis_server) as shared, counting(shared, folders[0]) as here:
        async with counting(shared, folders[1]) as there:
            assert [await admits(one, "1") for one in (here, there, here)] == [True, NoMark.ALONE, False]
        async with counting(shared, folders[0]) as beside:
            assert [await admits(one, "1") for one in (beside, here)] == [False, False]


async def look(*gateways: Counts) -> None:
    """Look under which key these count, as each does once a second."""
    for one in gateways:
        assert one.one_key is not None
        await one.one_key.look()


async def test_another_key_may_come_with_another_redis(
    redis_server: RedisServer, folders: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is used while nothing is known of the key; in a Redis that is there, or anew, the first one says it."""
    monkeypatch.setattr("gateway.limits.one_key.LOOK_SECONDS", 1000.0)  # nobody looks but when told to
    await off_loop(redis_server.pause)
    async with (
        connected(redis_server, **QUICK) as shared,
        counting(shared, folders[0]) as here,
        counting(shared, folders[1]) as there,
    ):
        assert {await admits(one, "1") for one in (here, there)} == {NoMark.AWAY}
        await off_loop(redis_server.resume)
        await until(lambda: shared.report().up == 1)
        await off_loop(redis_server.flush)  # what was asked while it was paused it does now
        await look(there, here)
        assert [await admits(one, "1") for one in (there, here)] == [True, NoMark.ALONE]
        await off_loop(redis_server.flush)
        await look(here, there)
        assert [await admits(one, "2") for one in (here, there)] == [True, NoMark.ALONE]


async def test_one_look_that_fails_changes_nothing(redis_server: RedisServer) -> None:
    """A slow answer does not let a gateway forget the key; a Redis that went away, and may come back empty, does."""
    async with connected(redis_server) as shared:
        one_key, is_there = OneKey(shared), True
        async with one_key.running(b"check"):
            assert one_key.state is KeyState.OURS

            async def fail(*_: object, **__: object) -> object:
                raise SharedError(SharedFault.SLOW)

            shared.evaluate, shared.asks = fail, lambda _: is_there  # type: ignore[method-assign]
            await one_key.look()
            assert one_key.state is KeyState.OURS
            is_there = False
            await one_key.settle()
            await one_key.look()
            with pytest.raises(MarksUnavailableError):
                await one_key.settle()
            assert one_key.state is KeyState.UNKNOWN


async def test_all_who_ask_share_one_look(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing is known there is one look for all who ask, which none of them ends, and no other so soon."""
    monkeypatch.setattr("gateway.limits.one_key.LOOK_SECONDS", 1000.0)
    async with connected(redis_server) as shared:
        one_key, looks, go_on = OneKey(shared), 0, asyncio.Event()

        async def fail(*_: object, **__: object) -> object:
            nonlocal looks
            looks += 1
            await go_on.wait()
            raise SharedError(SharedFault.AWAY)

        monkeypatch.setattr(shared, "evaluate", fail)
        monkeypatch.setattr(shared, "asks", lambda _: False)
        go_on.set()
        async with one_key.running(b"check"):
            go_on.clear()
            asking = [asyncio.create_task(one_key.settle()) for _ in range(100)]
            await asyncio.sleep(0)
            asking.pop(0).cancel()
            await asyncio.sleep(0)
            go_on.set()
            said = await asyncio.gather(*asking, return_exceptions=True)
            assert {error.why for error in said if isinstance(error, MarksUnavailableError)} == {NoMark.AWAY}
            with pytest.raises(MarksUnavailableError):
                await one_key.settle()
        assert (len(said), looks) == (99, 2)  # the first one was that of the start


async def test_a_key_lives_from_the_last_look_on(redis_server: RedisServer) -> None:
    """No other key is taken for a quarter of an hour after the last gateway with this one."""
    async with connected(redis_server) as shared:
        one_key, key = OneKey(shared), shared.key(b"counts-key")
        async with one_key.running(b"check"):
            await off_loop(redis_server.call, "EXPIRE", key, LIFE_SECONDS - 60)
            await one_key.look()
            assert await off_loop(redis_server.call, "TTL", key) > LIFE_SECONDS - 60


async def test_a_key_in_a_cluster(redis_cluster: RedisCluster) -> None:
    """Of two keys the first one counts, also while any one server is away; where most are away nobody knows."""
    async with connected(*redis_cluster.servers, cluster=True, **QUICK) as shared:
        await until(lambda: shared.report().up == 3)
        here, there = OneKey(shared), OneKey(shared)
        async with here.running(b"here"), there.running(b"there"):
            assert (here.state, there.state) == (KeyState.OURS, KeyState.ANOTHER)
            for away, states in [(1, (KeyState.OURS, KeyState.ANOTHER)), (2, (KeyState.UNKNOWN, KeyState.ANOTHER))]:
                await off_loop(redis_cluster.servers[away].kill)
                await until(lambda up=3 - away: shared.report().up == up)
                await asyncio.gather(here.look(), there.look())
                assert (here.state, there.state) == states


async def test_processes_without_redis_use_nothing_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has others beside it, and nothing that all of them know, lets nothing in that works once."""
    assert await admits(make_counts(None, Metrics()), "1") is True
    monkeypatch.setattr(Metrics, "is_shared", True)
    assert await admits(make_counts(None, Metrics()), "1") is NoMark.ALONE


async def test_without_redis_names_are_of_the_process() -> None:
    """A process that counts for itself makes names that no other makes."""
    one, other = make_counts(None, Metrics()), make_counts(None, Metrics())
    async for _ in share_counts(one, make_site())(web.Application()):
        await asyncio.sleep(0)
    assert one.names.of("a", "bc") != other.names.of("a", "bc")
    assert one.names.of("a", "bc") != one.names.of("ab", "c")
