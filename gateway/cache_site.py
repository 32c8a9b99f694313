"""The caches of a site: verdicts in each process, and what its own store said."""

import asyncio
import secrets
from typing import Final

from gateway.cache.cache import Cache, CacheTier
from gateway.cache.local import LocalCache
from gateway.cache.sealed import SealedCache
from gateway.cache.verdicts import KIND, VerdictCache
from gateway.metrics import Metrics
from gateway.secret_file import SHORTEST_SECRET, read_or_make_secret
from gateway.site import Site
from gateway.sources.leased import LeasedSource, OwnSource
from gateway.sources.source import LicenceSource

VERDICTS: Final = "verdicts"
FINDS: Final = "finds"


def make_verdicts(site: Site, metrics: Metrics) -> VerdictCache | None:
    """Return the verdicts that a process keeps; None: the site wants none kept."""
    settings = site.settings.cache
    if not settings.enabled:
        return None
    return VerdictCache(LocalCache(max_bytes=settings.max_bytes), tally=metrics.caches.tally(VERDICTS, CacheTier.LOCAL))


def lease(source: OwnSource, site: Site, metrics: Metrics) -> LicenceSource:
    """Return the gateway's own store, with what it said being used again where the site wants that."""
    if not site.settings.cache.enabled:
        return source
    return LeasedSource(source, tally=metrics.caches.tally(FINDS, CacheTier.LOCAL))


async def seal_verdicts(inner: Cache, site: Site, metrics: Metrics) -> Cache:
    """Return a cache of verdicts on one that others can read and write, under the key of the site.

    Raises:
        SecretError: the key can be neither read nor made.

    """
    settings = site.settings.cache
    if site.folder is None:
        secret = secrets.token_bytes(SHORTEST_SECRET)  # nobody else can have it
    else:
        secret = await asyncio.to_thread(read_or_make_secret, site.folder / settings.key)
    tally = metrics.caches.tally(VERDICTS, CacheTier.REDIS)
    return SealedCache(inner, secret, kind=KIND, cipher=settings.cipher, tally=tally)
