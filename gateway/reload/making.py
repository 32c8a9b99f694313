"""How a site is put to work: its sources, which may go on from those before, and its façades."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import datetime

from aiohttp import web

from gateway.facade.desk import KEY_FILE, FacadeDesk
from gateway.limits.marks import MarkStore
from gateway.metrics import Metrics
from gateway.reload.changes import has_same_access, has_same_sources
from gateway.reload.held import Held
from gateway.reload.in_force import SiteInForce
from gateway.secret_file import SHORTEST_SECRET, read_or_make_secret
from gateway.site import STATE_FOLDER, Site
from gateway.sources.leased import LeasedSource
from gateway.sources.registry import Sources
from gateway.sources.source import LicenceSource
from gateway.store_site import make_search


class SiteMaker:
    """Puts sites to work, one after the other, all with one store of licences: it is another one after a restart."""

    def __init__(
        self, store: LicenceSource | None, *, marks: MarkStore, clock: Callable[[], datetime], metrics: Metrics
    ) -> None:
        """Let all sites ask this store, None: there is none."""
        self._store, self._marks = store, marks
        self._clock, self._metrics = clock, metrics

    async def make(self, site: Site, before: SiteInForce | None) -> SiteInForce:
        """Put a site to work beside the one before it, None: it is the first.

        Raises:
            SecretError: the key of façades can be neither read nor made.

        """
        facades = await self._open_facades(site)
        if before is not None and has_same_sources(before.site, site):
            return SiteInForce(site=site, sources=before.sources.hold(), facades=facades)
        is_known = before is not None and has_same_access(before.site, site)
        sources = Sources(
            self._store,
            rules=site.rules,
            outages=site.outages,
            asked=site.asked,
            settings=site.settings.sources,
            clock=self._clock,
            metrics=self._metrics,
            kept=before.licences.kept if before is not None and is_known else None,
        )
        await sources.open()
        if before is not None:
            self._forget_systems(before.site, site)
        return SiteInForce(site=site, sources=Held(sources, close=sources.close), facades=facades)

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        """Look at the store while the application runs, and let go of it then."""
        async with AsyncExitStack() as stack:
            if isinstance(self._store, LeasedSource):
                await stack.enter_async_context(self._store.looking())
            yield
        if self._store is not None:
            self._store.close()

    async def _open_facades(self, site: Site) -> FacadeDesk | None:
        """Return the façades of a site, with the key in the state folder, where every process finds it."""
        if not site.facades:
            return None
        if site.folder is None:
            search, key = None, secrets.token_bytes(SHORTEST_SECRET)
        else:
            search = make_search(site.folder, site.settings)
            key = await asyncio.to_thread(read_or_make_secret, site.folder / STATE_FOLDER / KEY_FILE)
        desk = FacadeDesk(site.facades, marks=self._marks, search=search)
        desk.open(key)
        return desk

    def _forget_systems(self, before: Site, site: Site) -> None:
        """Let no metric say that a system is left alone which is asked no more."""
        for name in {one.name for one in before.asked} - {one.name for one in site.asked}:
            self._metrics.systems.breaker.labels(system=name).set(0)
