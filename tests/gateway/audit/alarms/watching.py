"""A log with a watch over it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.audit.alarms.alarm import Target, draft_verdict
from gateway.audit.alarms.evaluation import Evaluation, evaluate
from gateway.audit.alarms.observed import Place
from gateway.audit.alarms.register import AlarmPage, AlarmQuery, list_alarms
from gateway.audit.alarms.rule import Rule, RuleKind, make_rule
from gateway.audit.alarms.watch import AlarmStanding, AlarmWatch
from gateway.audit.alarms.words import Verdict
from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.book.settings import AuditSettings
from gateway.audit.book.site_log import SiteLog
from gateway.audit.entry import Receipt
from tests.support.alarms import KEY, ask, make_engine

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
MIDNIGHT = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)  # a minute before the half-year ends in China
BURST = make_rule(RuleKind.BURST, subjects=2, minutes=10)
RULES = (BURST, make_rule(RuleKind.SAME_OFFICIAL_SUBJECT, times=3, days=30))


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    @property
    def ms(self) -> int:
        """Tell it in milliseconds since 1970."""
        return int(self.now.timestamp() * 1000)


@dataclass
class Observer:
    """Remembers what it is told."""

    rules: list[str] = field(default_factory=list)
    is_open: int = -1
    standings: list[AlarmStanding] = field(default_factory=list)
    happened: asyncio.Event = field(default_factory=asyncio.Event)

    def raised(self, rule: str) -> None:
        """Take note."""
        self.rules.append(rule)
        self.happened.set()

    def stands(self, *, is_open: int, lost: Mapping[str, int], suppressed: Mapping[str, int]) -> None:
        """Take note."""
        assert set(lost) >= set(suppressed)
        self.is_open = is_open

    def keeps_up(self, standing: AlarmStanding) -> None:
        """Take note."""
        self.standings.append(standing)


class Scene:
    """A log of a site, whoever watches it, and a clock."""

    def __init__(self, book: LogBook, clock: Clock) -> None:
        self.book = book
        self.clock = clock
        self.numbers = 0

    def watch(self, log: SiteLog | None = None, observer: Observer | None = None) -> AlarmWatch:
        """Return a watch that has seen nothing."""
        return AlarmWatch(log or self.book, make_engine(*RULES), KEY, observer=observer)

    async def ask(self, watch: AlarmWatch | None, **changes: object) -> Receipt:
        """Append a question, and hand it to a watch as the sequencer does."""
        self.numbers += 1
        draft = ask(self.numbers, self.clock.ms, **{"official": "o", **changes})
        receipt = await self.book.append(draft)
        if watch is not None:
            watch.observe(receipt.log.rpartition("/")[2], receipt.index, self.clock.ms, [draft])
        self.clock.now += timedelta(seconds=1)
        return receipt

    async def list(self, query: AlarmQuery | None = None, **more: Any) -> AlarmPage:
        """Return a page of the alarms that the log tells of."""
        return await asyncio.to_thread(list_alarms, self.book, query or AlarmQuery(), **{"limit": 200} | more)

    async def evaluate(self, **more: Any) -> Evaluation:
        """Return what the rules find in what was written."""
        return await asyncio.to_thread(evaluate, self.book, make_engine(*RULES), KEY, **more)

    async def alarms(self) -> "list[tuple[str, list[int]]]":
        """Return the alarms that the log tells of: rule and numbers of the evidence."""
        page = await self.list()
        return sorted((one.raised.target.rule, [place.entry for place in one.raised.evidence]) for one in page.alarms)


async def step(watch: AlarmWatch) -> None:
    """Evaluate what has come, and write what was found."""
    await watch.look()
    await watch.tell()


@asynccontextmanager
async def scene(folder: Path, clock: Clock | None = None) -> AsyncIterator[Scene]:
    """Open the log of a site, as a start of the gateway does."""
    clock = clock or Clock()
    book = LogBook(FolderPlace(folder, AuditSettings(), region="370000"), clock=clock)
    await book.open()
    try:
        yield Scene(book, clock)
    finally:
        await book.close()


async def give(site: Scene, target: Target, verdict: Verdict) -> None:
    """Write a verdict."""
    site.clock.now += timedelta(seconds=1)
    await site.book.append(draft_verdict(target, verdict, caller="auditor", org="", note="看过"))


def decoy_rule(licence: str) -> Rule:
    """Return a rule by which one licence is bait."""
    seen = KEY.observe_draft(ask(1, 0, licence=licence), place=Place("2026h2", 0), t=0)
    return make_rule(RuleKind.DECOY_LICENCE, marks=frozenset(seen.licences))
