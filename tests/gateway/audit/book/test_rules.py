"""Rules of secrecy and of alarms: a half-year says at its first start which are in force, and when they change."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.audit.alarms.alarm import draft_alarms
from gateway.audit.alarms.announcement import draft_alarm_rules
from gateway.audit.alarms.reading import AlarmRules
from gateway.audit.alarms.rule import RuleKind, make_rule
from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.book.rules import announce_rules, find_rules
from gateway.audit.book.settings import AuditSettings
from gateway.audit.entry import EntryDraft
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.lookup import ALARM_RULES, WITHHOLDING
from gateway.audit.search.search import LogSearch
from gateway.holder.look import draft_withholding
from gateway.holder.withholding import Withholding
from tests.gateway.audit.book.test_book import Clock, opened
from tests.gateway.http.test_holders import SECRECY
from tests.support.alarms import KEY

NO_SECRECY, SECRET = draft_withholding(Withholding()), draft_withholding(Withholding(rules=(SECRECY,)))
NO_ALARMS = draft_alarm_rules(AlarmRules())
ALARMS = draft_alarm_rules(AlarmRules(rules=(make_rule(RuleKind.NO_CASE),)))


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    """Return where the logs of a site are."""
    return FolderPlace(tmp_path, AuditSettings(), region="370000")


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


async def announced(book: LogBook, *drafts: EntryDraft) -> int:
    """Return how many entries it takes to announce the rules."""
    before = await size(book)
    await announce_rules(book, *drafts)
    return await size(book) - before


async def size(book: LogBook) -> int:
    """Return how many entries the newest half-year has."""
    head = await asyncio.to_thread(lambda: book.reader().head())
    return 0 if head is None else head.size


async def test_rules_are_said_when_they_change(place: FolderPlace, clock: Clock) -> None:
    """The first start says which rules there are, also where there are none; later ones say what was changed."""
    async with opened(place, clock) as book:
        assert await announced(book, NO_SECRECY, NO_ALARMS) == 2
        assert await announced(book, NO_SECRECY, NO_ALARMS) == 0
        assert await announced(book, SECRET, NO_ALARMS) == 1
        assert await announced(book, SECRET, ALARMS) == 1
        found = await asyncio.to_thread(find_rules, book.reader(), WITHHOLDING)
        assert found is not None
        assert found.leaf.content.more["target"] == Withholding(rules=(SECRECY,)).digest
        assert await announced(book, NO_SECRECY, NO_ALARMS) == 2
    async with opened(place, clock) as book:
        assert await announced(book, NO_SECRECY, NO_ALARMS) == 0


async def test_a_half_year_says_it_itself(place: FolderPlace, clock: Clock) -> None:
    """What an earlier half-year said is not looked for: it may be forgotten by its age."""
    async with opened(place, clock) as book:
        assert await announced(book, SECRET) == 1
        clock.now += timedelta(days=60)
        await book.append(other("R1"))
        assert len(await asyncio.to_thread(book.shards)) == 2
        assert await announced(book, SECRET) == 1
        assert await announced(book, SECRET) == 0


async def test_no_minute_of_alarms_is_read_for_it(
    place: FolderPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many other entries of the same kind there are, only those that say rules are read."""
    read: list[int] = []
    genuine = LogSearch._read

    def count(search: LogSearch, query: object, candidates: list[int]) -> object:
        read.extend(candidates)
        return genuine(search, query, candidates)  # type: ignore[arg-type]  # whatever it was called with

    async with opened(place, clock) as book:
        await announced(book, NO_SECRECY, ALARMS)
        for number in range(30):
            await book.append(draft_alarms([], KEY)[0])
            await book.append(other(f"R{number}"))
        monkeypatch.setattr(LogSearch, "_read", count)
        assert await announced(book, NO_SECRECY, ALARMS) == 0
        assert len(read) == 2


async def test_only_our_own_entries_count(place: FolderPlace, clock: Clock) -> None:
    """An entry of somebody else with our word in it says nothing about the rules."""
    async with opened(place, clock) as book:
        leaf = LeafDraft(kind=LeafKind.ADMIN, req="R", caller="hall", more=SECRET.leaf.more)
        await book.append(EntryDraft(leaf=leaf))
        assert await asyncio.to_thread(find_rules, book.reader(), WITHHOLDING) is None
        assert await asyncio.to_thread(find_rules, book.reader(), ALARM_RULES) is None


def other(req: str) -> EntryDraft:
    """Return an entry of the same kind."""
    return EntryDraft(leaf=LeafDraft(kind=LeafKind.ADMIN, req=req, caller="tongban", more={"action": "other"}))
