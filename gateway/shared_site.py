"""The Redis of a site, and the cache in it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Final

from aiohttp import web

from gateway.cache.cache import CacheTier
from gateway.cache.local import LocalCache
from gateway.cache.redis_cache import RedisCache
from gateway.cache_site import VERDICTS
from gateway.metrics import Metrics
from gateway.shared.connection import SharedRedis
from gateway.site import Site

COPY_BYTES: Final = 16 * 1024 * 1024  # of what others wrote; what this process uses it keeps as verdicts, opened


def make_shared(site: Site, *, clock: Callable[[], datetime], metrics: Metrics) -> SharedRedis | None:
    """Return the Redis of a site, which nothing is asked of yet; None: the site has none."""
    return None if site.redis is None else SharedRedis(site.redis, clock=clock, metrics=metrics.shared)


def make_shared_cache(shared: SharedRedis | None, metrics: Metrics) -> RedisCache | None:
    """Return the cache of several processes; None where nothing is shared."""
    if shared is None:
        return None
    copy = LocalCache(max_bytes=COPY_BYTES, tally=metrics.caches.tally(VERDICTS, CacheTier.COPY))
    tally = metrics.caches.tally(VERDICTS, CacheTier.REDIS)
    return RedisCache(shared, local=copy, metrics=metrics.shared, tally=tally)


def run_shared(
    shared: SharedRedis | None, cache: RedisCache | None
) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return what looks after both while the application runs; a Redis that is away does not keep it from starting."""

    async def run(_: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if shared is not None:
                await stack.enter_async_context(shared.running())
            if cache is not None:
                await stack.enter_async_context(cache.running())
            yield

    return run
