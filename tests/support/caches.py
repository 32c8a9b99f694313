"""What every `Cache` must do, as tests that each kind of cache runs."""

import math
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.cache.cache import MAX_VALUE_BYTES, Cache, CacheFault
from gateway.cache.local import LocalCache
from gateway.cache.redis_cache import RedisCache
from gateway.shared.connection import SharedRedis
from gateway.shared.metrics import SharedMetrics
from gateway.shared.settings import RedisAccess
from tests.support.callers import NOW

NAME = bytes(range(32))
OTHER = bytes(reversed(range(32)))
NAMES = [b"", b"\x00", b"{a}b}{", b"\r\n*", bytes(range(256))]


@dataclass
class RecordedTally:
    """A `CacheTally` that remembers."""

    hits: int = 0
    misses: int = 0
    faults: list[CacheFault] = field(default_factory=list)

    def hit(self) -> None:
        """Remember a hit."""
        self.hits += 1

    def miss(self) -> None:
        """Remember a miss."""
        self.misses += 1

    def fault(self, fault: CacheFault) -> None:
        """Remember a failure."""
        self.faults.append(fault)


class CacheContract:
    """What a `Cache` promises; a subclass has the fixture ``cache``."""

    async def test_nothing_is_there_at_first(self, cache: Cache) -> None:
        """A name that nothing was put under has no value."""
        assert await cache.get(NAME) is None

    @pytest.mark.parametrize("value", [b"", b"\x00\r\n", b"v" * 100_000], ids=["empty", "odd", "long"])
    async def test_what_is_put_is_there(self, cache: Cache, value: bytes) -> None:
        """Whatever bytes were put under a name are what is found under it, each time, and under no other name."""
        await cache.put(NAME, value, seconds=60)
        assert [await cache.get(NAME), await cache.get(NAME), await cache.get(OTHER)] == [value, value, None]

    async def test_any_bytes_are_a_name(self, cache: Cache) -> None:
        """Names are any bytes, and no two of them are mixed up."""
        for place, name in enumerate(NAMES):
            await cache.put(name, str(place).encode(), seconds=60)
        assert [await cache.get(name) for name in NAMES] == [str(place).encode() for place in range(len(NAMES))]

    async def test_the_last_value_counts(self, cache: Cache) -> None:
        """A value takes the place of the one before it."""
        await cache.put(NAME, b"old", seconds=60)
        assert await cache.get(NAME) == b"old"
        await cache.put(NAME, b"new", seconds=60)
        assert await cache.get(NAME) == b"new"

    async def test_what_is_forgotten_is_gone(self, cache: Cache) -> None:
        """A value that was forgotten is not there any more; forgetting what is not there does nothing."""
        await cache.put(NAME, b"v", seconds=60)
        assert await cache.get(NAME) == b"v"
        await cache.forget(NAME)
        await cache.forget(OTHER)
        assert await cache.get(NAME) is None

    @pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, -math.inf])
    async def test_no_time_keeps_nothing(self, cache: Cache, seconds: float) -> None:
        """What ends at once is not kept, and what it should replace is gone."""
        await cache.put(NAME, b"old", seconds=60)
        await cache.put(NAME, b"v", seconds=seconds)
        assert await cache.get(NAME) is None

    async def test_for_ever_is_kept_too(self, cache: Cache) -> None:
        """An entry that never ends is kept for as long as any may be."""
        await cache.put(NAME, b"v", seconds=math.inf)
        assert await cache.get(NAME) == b"v"

    async def test_too_large_is_not_kept(self, cache: Cache) -> None:
        """A value of more bytes than an entry may have is not kept, and what it should replace is gone."""
        await cache.put(NAME, b"old", seconds=60)
        await cache.put(NAME, bytes(MAX_VALUE_BYTES + 1), seconds=60)
        await cache.put(OTHER, bytes(MAX_VALUE_BYTES), seconds=60)
        assert await cache.get(NAME) is None
        assert await cache.get(OTHER) == bytes(MAX_VALUE_BYTES)


def at_once(asked: Coroutine[Any, Any, Any]) -> Any:
    """Return what is answered without waiting for anything; fail where it waits."""
    try:
        asked.send(None)
    except StopIteration as done:
        return done.value
    asked.close()
    pytest.fail("it waits")


@dataclass(frozen=True)
class OpenCache:
    """A cache on a shared Redis, and what to look at it with."""

    shared: SharedRedis
    cache: RedisCache
    local: LocalCache
    tally: RecordedTally
    registry: CollectorRegistry

    def value(self, metric: str, **labels: str) -> float:
        """Return what a metric says, 0.0 where it says nothing."""
        return self.registry.get_sample_value(metric, labels) or 0.0


@asynccontextmanager
async def open_cache(access: RedisAccess, *, follows: bool = True) -> AsyncIterator[OpenCache]:
    """Open a cache on Redis, one that has no copy where it does not follow what changes."""
    registry = CollectorRegistry()
    metrics, tally, local = SharedMetrics(registry), RecordedTally(), LocalCache()
    shared = SharedRedis(access, clock=lambda: NOW, metrics=metrics)
    cache = RedisCache(shared, local=local, metrics=metrics, tally=tally)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(shared.running())
        if follows:
            await stack.enter_async_context(cache.running())
        yield OpenCache(shared, cache, local, tally, registry)
