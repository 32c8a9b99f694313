"""The log of a site at the start of the process that writes it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.book.rules import find_rules
from gateway.audit.lookup import ALARM_RULES, WITHHOLDING
from gateway.audit.said import read_said
from gateway.audit.unavailable import LogUnavailableError, Unavailable
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
    async with LogWriter(site, clock=lambda: now, metrics=Metrics().audit).running():
        pass
    rules = Withholding(rules=(SECRECY,))
    now -= timedelta(hours=2)
    writer = LogWriter(replace(site, withholding=rules), clock=lambda: now, metrics=Metrics().audit)
    async with writer.running():
        assert await said(writer.book, WITHHOLDING) == Withholding().digest
        now = NOW
        await writer.book.append(make_draft(1))
        assert await said(writer.book, WITHHOLDING) == rules.digest


async def test_a_clock_that_is_set_right_after_the_start(tmp_path: Path) -> None:
    """A machine that boots with its clock behind the log goes on when that is set; from then on no jump is believed."""

    def prepare() -> Site:
        write_site(tmp_path)
        return load_site(tmp_path)

    site = await asyncio.to_thread(prepare)
    now = NOW
    async with LogWriter(site, clock=lambda: now, metrics=Metrics().audit, steady=lambda: 9_000.0).running():
        now += timedelta(minutes=59)
    now -= timedelta(hours=3)
    writer = LogWriter(site, clock=lambda: now, metrics=Metrics().audit, steady=lambda: 20.0)
    async with writer.running():
        assert writer.book.stopped is not None
        assert writer.book.stopped.reason is Unavailable.CLOCK_WENT_BACK
        now = NOW + timedelta(days=3)
        await writer.book.append(make_draft(1))
        now += timedelta(hours=2)
        with pytest.raises(LogUnavailableError) as refused:
            await writer.book.append(make_draft(2))
        assert refused.value.reason is Unavailable.CLOCK_WENT_AHEAD
        now -= timedelta(hours=2)
        await writer.book.append(make_draft(3))


async def test_a_rule_that_was_off_leaves_a_trace(tmp_path: Path) -> None:
    """A start without some rule of alarms, and the next one with it, both stand in the log; other starts do not."""

    def prepare() -> Site:
        write_site(tmp_path)
        return load_site(tmp_path)

    site = await asyncio.to_thread(prepare)
    off = replace(site, alarms=replace(site.alarms, rules=site.alarms.rules[1:]))
    numbers = []
    for one in (site, site, off, site):
        writer = LogWriter(one, clock=lambda: NOW, metrics=Metrics().audit)
        async with writer.running():
            found = await asyncio.to_thread(find_rules, writer.book.reader(), ALARM_RULES)
            assert found is not None
            assert found.private is not None
            text = read_said(found.leaf.content, found.private)
            assert text is not None
            assert text.split()[1:] == sorted(rule.id for rule in one.alarms.rules)
            numbers.append(found.index)
    assert numbers[0] == numbers[1] < numbers[2] < numbers[3]


async def said(book: LogBook, action: str) -> object:
    """Return which rules are in force by what the log says."""
    found = await asyncio.to_thread(find_rules, book.reader(), action)
    return None if found is None else found.leaf.content.more["target"]
