"""The log of a site at the start of the process that writes it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.holder.look import find_withholding
from gateway.holder.withholding import Withholding
from gateway.log_site import LogWriter
from gateway.metrics import Metrics
from gateway.site import Site, load_site
from gateway.site_template import write_site
from tests.gateway.http.test_holders import SECRECY
from tests.support.audit_drafts import make_draft

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


async def test_new_rules_of_secrecy_and_a_clock_behind(tmp_path: Path) -> None:
    """A gateway whose clock is behind its log starts with new rules, and says them before it takes any entry."""

    def prepare() -> Site:
        write_site(tmp_path)
        return load_site(tmp_path)

    site = await asyncio.to_thread(prepare)
    now = NOW
    async with LogWriter(site, clock=lambda: now, metrics=Metrics()).running():
        pass
    rules = Withholding(rules=(SECRECY,))
    now -= timedelta(hours=2)
    writer = LogWriter(replace(site, withholding=rules), clock=lambda: now, metrics=Metrics())
    async with writer.running():
        assert await asyncio.to_thread(find_withholding, writer.book) == Withholding().digest
        now = NOW
        await writer.book.append(make_draft(1))
        assert await asyncio.to_thread(find_withholding, writer.book) == rules.digest
