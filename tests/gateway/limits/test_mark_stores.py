"""What every store of marks keeps to."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits.marks import CLOCKS_APART, MarkStore, MarksUnavailableError, MemoryMarks, NoMark
from gateway.limits.names import KeyedNames
from gateway.limits.redis_marks import RedisMarks
from gateway.shared.connection import SharedRedis
from tests.support.redis_servers import RedisCluster, RedisServer, off_loop
from tests.support.shared_redis import AgreedKey, connected

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
ENDS = NOW + timedelta(minutes=5)
OVER = ENDS + CLOCKS_APART

MakeStore = Callable[[int], MarkStore]


class MarkStoreContract:
    """The contract; a subclass makes the store."""

    @pytest.fixture
    def make(self) -> MakeStore:
        """Return what makes an empty store, with room for so many marks of each owner."""
        raise NotImplementedError

    async def test_once(self, make: MakeStore) -> None:
        """A mark is let in once, of each owner, and again when it is over, with clocks apart as far as they may be."""
        store = make(100)
        assert await store.admit("a", "1", until=ENDS, at=NOW)
        assert not await store.admit("a", "1", until=ENDS, at=NOW)
        assert await store.admit("b", "1", until=ENDS, at=NOW)
        assert await store.admit("a", "2", until=ENDS, at=NOW)
        assert not await store.admit("a", "1", until=ENDS, at=OVER - timedelta(seconds=1))
        assert await store.admit("a", "1", until=OVER, at=OVER)

    async def test_what_is_full_lets_nothing_in(self, make: MakeStore) -> None:
        """Nothing is forgotten early for want of room; others have theirs; what was used stays known."""
        store = make(2)
        for mark in ("1", "2"):
            assert await store.admit("a", mark, until=ENDS, at=NOW)
        with pytest.raises(MarksUnavailableError) as caught:
            await store.admit("a", "3", until=ENDS, at=NOW)
        assert caught.value.why is NoMark.FULL
        assert not await store.admit("a", "1", until=ENDS, at=NOW)
        assert await store.admit("b", "1", until=ENDS, at=NOW)
        assert await store.admit("a", "3", until=OVER, at=OVER)

    async def test_what_ends_first_is_pushed_out(self, make: MakeStore) -> None:
        """Where it may be, what ends first makes room."""
        store = make(2)
        late = ENDS + timedelta(seconds=1)
        assert await store.admit("a", "1", until=ENDS, at=NOW, may_push_out=True)
        assert await store.admit("a", "2", until=late, at=NOW, may_push_out=True)
        assert await store.admit("a", "3", until=late, at=NOW, may_push_out=True)
        assert not await store.admit("a", "3", until=late, at=NOW, may_push_out=True)
        assert await store.admit("a", "1", until=ENDS, at=NOW, may_push_out=True)


def days_pass() -> Callable[[], float]:
    """Return a clock that holds nothing up: days pass between any two looks at it."""
    return count(0.0, 86_400.0).__next__


class TestMemory(MarkStoreContract):
    """The store in this process."""

    @pytest.fixture
    def make(self) -> MakeStore:
        """Return what makes an empty store."""
        return lambda most: MemoryMarks(max_marks=most, steady=days_pass())

    @pytest.mark.parametrize("jump", [timedelta(minutes=20), timedelta(minutes=-20)])
    async def test_a_clock_that_jumps_and_is_set_right(self, jump: timedelta) -> None:
        """Nothing is forgotten before its end by a clock that was wrong meanwhile, and nothing is kept for ever."""
        seconds = 1000.0
        store = MemoryMarks(steady=lambda: seconds)
        assert await store.admit("a", "1", until=ENDS, at=NOW)
        assert await store.admit("a", "2", until=ENDS + jump, at=NOW + jump)
        seconds += 60
        assert not await store.admit("a", "1", until=ENDS, at=NOW + timedelta(minutes=1))
        seconds += 3600
        assert await store.admit("a", "1", until=OVER + timedelta(hours=1), at=OVER + timedelta(hours=1))
        assert store.size == 1

    async def test_all_owners_together_are_bounded(self) -> None:
        """A store without room for anybody refuses, until something of anybody has ended."""
        store = MemoryMarks(max_marks=2, max_all_marks=3, steady=days_pass())
        for owner in "abc":
            assert await store.admit(owner, "1", until=ENDS, at=NOW)
        with pytest.raises(MarksUnavailableError):
            await store.admit("d", "1", until=ENDS, at=NOW)
        assert await store.admit("d", "1", until=OVER, at=OVER)
        assert store.size == 1
        assert not await store.admit("d", "1", until=OVER, at=OVER)


def in_redis(shared: SharedRedis, **settings: Any) -> RedisMarks:
    """Return a store in Redis, of a gateway that has the key of all."""
    return RedisMarks(shared, KeyedNames(b"secret"), one_key=AgreedKey(shared), **settings)


@pytest.fixture
async def shared(redis_server: RedisServer) -> AsyncIterator[SharedRedis]:
    """Return a connection to an empty server."""
    async with connected(redis_server) as shared:
        yield shared


class TestRedis(MarkStoreContract):
    """The store of several processes."""

    @pytest.fixture
    def make(self, shared: SharedRedis) -> MakeStore:
        """Return what makes a store in an empty server."""
        return lambda most: in_redis(shared, max_marks=most, clock=False)

    async def test_processes_know_together(self, shared: SharedRedis, redis_server: RedisServer) -> None:
        """What one process let in is let in by no other, whatever their clocks say; nothing of it can be read."""
        one, other = in_redis(shared), in_redis(shared)
        now = datetime.now(UTC)  # as Redis has it
        soon = now + timedelta(minutes=5)
        assert await one.admit("a-special-owner", "special", until=soon, at=now)
        assert not await other.admit("a-special-owner", "special", until=soon, at=now + timedelta(minutes=2))
        (key,) = await off_loop(redis_server.call, "KEYS", "*")
        assert b"special" not in key + b"".join(await off_loop(redis_server.call, "ZRANGE", key, 0, -1))
        assert 590 < await off_loop(redis_server.call, "TTL", key) <= 670

    async def test_clocks_that_are_too_far_apart(self, shared: SharedRedis) -> None:
        """A gateway whose clock is another than that of Redis cannot tell what was forgotten, and uses nothing."""
        store, now = in_redis(shared), datetime.now(UTC)
        for at in (now - timedelta(minutes=6), now + timedelta(minutes=6)):
            with pytest.raises(MarksUnavailableError) as caught:
                await store.admit("a", "1", until=at + timedelta(minutes=5), at=at)
            assert caught.value.why is NoMark.CLOCK

    async def test_without_redis_nothing_can_be_told(self, redis_server: RedisServer) -> None:
        """While Redis is away, or has no memory left, nothing is let in that may be used once."""
        async with connected(redis_server, seconds=0.2) as shared:
            store = in_redis(shared, clock=False)
            await off_loop(redis_server.limit_memory, "1")
            with pytest.raises(MarksUnavailableError) as caught:
                await store.admit("a", "1", until=ENDS, at=NOW)
            assert caught.value.why is NoMark.FULL
            await off_loop(redis_server.kill)
            with pytest.raises(MarksUnavailableError) as caught:
                await store.admit("a", "1", until=ENDS, at=NOW)
            assert caught.value.why is NoMark.AWAY

    async def test_on_a_cluster(self, redis_cluster: RedisCluster) -> None:
        """Owners lie on different servers of a cluster."""
        async with connected(*redis_cluster.servers, cluster=True) as shared:
            store = in_redis(shared, clock=False)
            for owner in "abcd":
                assert await store.admit(owner, "1", until=ENDS, at=NOW)
                assert not await store.admit(owner, "1", until=ENDS, at=NOW)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.integers(0, 400)), max_size=60))
async def test_nothing_is_let_in_twice_while_it_counts(steps: list[tuple[str, int, int]]) -> None:
    """Whatever the order, a mark that was let in is not let in again before it is over."""
    store, now = MemoryMarks(max_marks=4, max_all_marks=6, steady=days_pass()), NOW
    until: dict[tuple[str, str], datetime] = {}
    for owner, number, seconds in steps:
        now += timedelta(seconds=seconds)
        mark, ends = str(number), now + timedelta(minutes=5)
        try:
            let_in = await store.admit(owner, mark, until=ends, at=now)
        except MarksUnavailableError:
            continue
        assert let_in == (until.get((owner, mark), NOW) <= now)
        if let_in:
            until[owner, mark] = ends + CLOCKS_APART
