"""Starts a province with some records, and a gateway that asks it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gateway.app import create_app, server_options
from gateway.demo.issuer import IssuedLicence
from gateway.policy.activation import PolicyInForce
from gateway.settings import SourcesSettings
from gateway.site import Site, load_site
from tests.gateway.http.systems.stage import (
    PARTY,
    Stage,
    Start,
    keep,
)
from tests.support.callers import make_site
from tests.support.demo import NOW
from tests.support.http import GatewayTestServer, StartClient
from tests.support.river import NAME, flowing, write_river, write_trusting_site


@pytest.fixture
def start(aiohttp_client: StartClient, tmp_path: Path) -> Start:
    """Return what starts a province with some records, and a gateway that asks it by some rules."""
    numbers = count()

    @asynccontextmanager
    async def started(
        *records: object,
        rules: str = f'[[source]]\nsystem = "{NAME}"\n',
        store: tuple[IssuedLicence, ...] = (),
        sources: SourcesSettings | None = None,
        change: Callable[[Site], Site] = lambda site: site,
        source: Any = None,
        policy: PolicyInForce | None = None,
    ) -> AsyncIterator[Stage]:
        async with flowing(*records) as river:  # type: ignore[arg-type]  # records, as the tests make them
            folder = tmp_path / f"site-{next(numbers)}"
            await asyncio.to_thread(write_trusting_site, folder)
            await asyncio.to_thread(write_river, folder, river.address, rules)
            if store:
                await asyncio.to_thread(keep, folder, store)
            site = await asyncio.to_thread(load_site, folder, at=NOW)
            site = replace(
                site,
                callers=make_site([PARTY]).callers,
                settings=replace(site.settings, sources=sources or site.settings.sources),
            )
            app = create_app(change(site), clock=lambda: NOW, licences=source, policy=policy)
            server = GatewayTestServer(app)
            await server.start_server(**server_options(site.settings.http))
            yield Stage(client=await aiohttp_client(server), river=river, folder=folder)

    return started
