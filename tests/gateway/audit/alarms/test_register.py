"""The register of alarms: the log itself, its verdicts, its pages and its history."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.audit.alarms.alarm import Target, draft_verdict
from gateway.audit.alarms.engine import MAX_A_DAY
from gateway.audit.alarms.evaluation import evaluate
from gateway.audit.alarms.register import AlarmQuery, AlarmState, find_alarm
from gateway.audit.alarms.watch import AlarmWatch
from gateway.audit.alarms.words import AlarmKind, Verdict
from gateway.audit.forgetting.retention_terms import LEAST_DAYS
from gateway.audit.leaf import NO_COMMITS, LeafDraft, LeafKind, parse_leaf
from gateway.audit.lookup import LookupKind
from gateway.audit.private import DataKey, seal_private, split_private
from gateway.audit.reader import LogReader
from gateway.audit.seal.check import IndexFault, check_index
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from tests.gateway.audit.alarms.watching import (
    MIDNIGHT,
    Clock,
    Scene,
    decoy_rule,
    give,
    scene,
    step,
)
from tests.support.alarms import DAY, KEY, MINUTE, make_engine


async def test_verdicts_close(tmp_path: Path) -> None:
    """An alarm is open until somebody says what it was; a need for inquiry leaves it open; the last verdict counts."""
    async with scene(tmp_path) as site:
        watch = site.watch()
        await step(watch)
        for _ in range(3):
            await site.ask(watch)
        await step(watch)
        [alarm] = (await site.list(AlarmQuery(only_open=True))).alarms
        given = (Verdict.NEEDS_INQUIRY, Verdict.UNJUSTIFIED, Verdict.NEEDS_INQUIRY, Verdict.JUSTIFIED)
        for verdict, count in zip(given, (1, 0, 1, 0), strict=True):
            await give(site, alarm.raised.target, verdict)
            await hand_over(site, watch)
            assert watch.standing().is_open == count
            assert len((await site.list(AlarmQuery(only_open=True))).alarms) == count
            fresh = site.watch()
            await step(fresh)
            assert fresh.standing().is_open == count
        [alarm] = (await site.list(limit=9)).alarms
        assert alarm.state is AlarmState.JUSTIFIED
        assert [one.verdict for one in alarm.verdicts] == list(given)


async def hand_over(site: Scene, watch: AlarmWatch) -> None:
    """Hand over an entry, so that the watch also reads what came before it."""
    await site.ask(watch, official=f"somebody-{site.numbers}")
    await step(watch)


async def test_the_log_is_the_register(tmp_path: Path) -> None:
    """Pages lead from the newest to the oldest alarm, each once, over all half-years, of one rule or of a time."""
    async with scene(tmp_path, Clock(MIDNIGHT - timedelta(days=3))) as site:
        watch = site.watch()
        await step(watch)
        for day in range(6):
            site.clock.now = MIDNIGHT - timedelta(days=3) + timedelta(days=day)
            for _ in range(3):
                await site.ask(watch, official=f"o{day}")
            await step(watch)
        everything = await site.list(limit=200)
        assert everything.cursor is None
        times = [one.raised.t for one in everything.alarms]
        assert (len(times), times) == (6, sorted(times, reverse=True))
        for limit in (1, 2, 4):
            found, cursor = [], None
            while True:
                page = await site.list(cursor=cursor, limit=limit)
                found += page.alarms
                cursor = page.cursor
                if cursor is None:
                    break
            assert found == list(everything.alarms)
        since = AlarmQuery(since=times[1], until=times[0])
        assert [one.raised.t for one in (await site.list(since)).alarms] == [times[1]]
        assert (await site.list(AlarmQuery(rule="other"))).alarms == ()


async def test_both_ways_are_equal(tmp_path: Path) -> None:
    """The same log raises the same alarms as it is written, and when it is evaluated afterwards."""
    chance = random.Random(5)
    async with scene(tmp_path) as site:
        watch = site.watch()
        await step(watch)
        for _ in range(120):
            site.clock.now += timedelta(milliseconds=chance.randrange(3 * MINUTE))
            changes = {"official": f"o{chance.randrange(3)}", "subjects": (f"p{chance.randrange(6)}",)}
            await site.ask(watch if chance.random() < 0.8 else None, **changes)
            if chance.random() < 0.2:
                await step(watch)
        await hand_over(site, watch)
        raised = await site.alarms()
        assert {rule for rule, _ in raised} == {"burst", "same-official-subject"}
        found = await site.evaluate()
        assert found.is_complete
        assert all(one.is_found and one.raised is not None for one in found.findings)
        assert sorted((one.target.rule, [place.entry for place in one.evidence]) for one in found.findings) == raised


async def test_history_of_a_time(tmp_path: Path) -> None:
    """What is evaluated for a time knows what came before it, and tells nothing of it."""
    async with scene(tmp_path) as site:
        start = site.clock.ms
        for _ in range(3):
            await site.ask(None, official="a")
        await site.ask(None, subjects=("p",))
        await site.ask(None, subjects=("p",))
        site.clock.now += timedelta(days=10)
        later = site.clock.ms
        await site.ask(None, subjects=("p",))
        found = await site.evaluate(since=later, until=later + DAY)
        assert [one.target.rule for one in found.findings] == ["same-official-subject"]
        found = await site.evaluate(since=start, until=later)
        assert [one.target.rule for one in found.findings] == ["burst"]
        store = site.book.reader(None).store
        assert found.looked == await asyncio.to_thread(store.first_at, later)


async def own_leaves(site: Scene) -> list[LeafDraft]:
    """Return the leaves of the entries that tell of alarms, without what is random."""

    def read() -> list[LeafDraft]:
        reader = site.book.reader()
        head = reader.head()
        leaves = [parse_leaf(reader.leaf(entry)).content for entry in range(0 if head is None else head.size)]
        return [replace(one, req="any", commits=NO_COMMITS) for one in leaves if one.more.get("action") == "alarms"]

    return await asyncio.to_thread(read)


async def test_numbers_of_entries_tell_nothing(tmp_path: Path) -> None:
    """Between two questions of a caller stands one entry, whatever the first one raised; alone, nothing is written."""
    async with scene(tmp_path) as site:
        watch = AlarmWatch(site.book, make_engine(decoy_rule("trap")), KEY)
        await step(watch)
        gaps = []
        last = await site.ask(watch, licence="other")
        for licence in ("other", "trap", "other", "trap"):
            await step(watch)
            asked = await site.ask(watch, licence=licence)
            gaps.append(asked.index - last.index)
            last = asked
        assert gaps == [2, 2, 2, 2]
        for _ in range(3):
            await step(watch)
        assert len(set(map(repr, await own_leaves(site)))) == 1
        assert len(await own_leaves(site)) == 5
        assert [rule for rule, _ in await site.alarms()] == ["decoy-licence"] * 2


async def test_quiet_minutes_are_not_in_the_index_of_alarms(tmp_path: Path) -> None:
    """An entry that tells of no alarm is not met by whoever looks for alarms, though it also has a private part."""
    async with scene(tmp_path) as site:
        watch = site.watch()
        await step(watch)
        for _ in range(3):
            await site.ask(watch, subjects=("p",), official="")
            await step(watch)

        def found() -> list[int]:
            search = LogSearch.of(site.book.reader())
            led = search.follow(LookupKind.ALARM, "", Query(kinds=frozenset({LeafKind.ADMIN})))
            return [one.index for one in led]

        assert len(await own_leaves(site)) == 3
        assert await asyncio.to_thread(found) == [(await site.list()).alarms[0].raised.place.entry]


@pytest.mark.parametrize("is_found", [False, True])
async def test_an_alarm_that_was_taken_away_shows(tmp_path: Path, *, is_found: bool) -> None:
    """Whoever has the database cannot take away what an entry says of alarms, or of none, without the check saying so.

    Past its time it may be gone.
    """
    async with scene(tmp_path) as site:
        watch = site.watch()
        await step(watch)
        for _ in range(3 if is_found else 1):
            await site.ask(watch)
        await step(watch)
        assert len(await site.alarms()) == is_found
        reader, now = site.book.reader(), site.clock.ms

        def check(later: int = 0) -> list[tuple[IndexFault, int]]:
            return [(one.kind, one.entry) for one in check_index(reader, now_ms=now + later).findings]

        assert await asyncio.to_thread(check) == []
        head = await asyncio.to_thread(reader.head)
        assert head is not None
        last = head.size - 1
        await asyncio.to_thread(replace_text, reader, last)
        assert (IndexFault.PRIVATE, last) in await asyncio.to_thread(check)
        assert await site.alarms() == []
        await asyncio.to_thread(reader.store.replace_privates, {last: b""})
        assert await asyncio.to_thread(check) == [(IndexFault.PRIVATE, last)]
        assert await asyncio.to_thread(check, (LEAST_DAYS + 1) * DAY) == []


def replace_text(reader: LogReader, entry: int) -> None:
    """Seal another text in place of what an entry says, as whoever has all keys of the log can."""
    sealed = reader.store.private(entry)
    assert sealed is not None
    [number] = split_private(sealed).subject_keys
    key = DataKey(number=number, key=reader.keys.read([number])[number])
    leaf = parse_leaf(reader.leaf(entry)).content
    private = draft_verdict(Target(rule="r", id=leaf.req), Verdict.JUSTIFIED, caller="c", org="", note="").private
    assert private is not None
    reader.store.replace_privates({entry: seal_private(private, entry=entry, subjects=[key], official=key)})


async def test_alarms_of_one_entry_are_pages_too(tmp_path: Path) -> None:
    """A page may end between two alarms of one entry; each is found by its name."""
    async with scene(tmp_path) as site:
        watch = AlarmWatch(site.book, make_engine(decoy_rule("trap")), KEY)
        await step(watch)
        for _ in range(5):
            await site.ask(watch, licence="trap")
        await step(watch)
        assert len(await own_leaves(site)) == 1
        everything = await site.list()
        found, cursor = [], None
        while True:
            page = await site.list(cursor=cursor, limit=2)
            found += page.alarms
            cursor = page.cursor
            if cursor is None:
                break
        assert (len(found), tuple(found)) == (5, everything.alarms)
        for one in found:
            assert await asyncio.to_thread(find_alarm, site.book, one.raised.target) == one.raised
        other = replace(found[0].raised.target, rule="other")
        assert await asyncio.to_thread(find_alarm, site.book, other) is None


async def test_history_knows_no_limit(tmp_path: Path) -> None:
    """What was more than a caller may raise on a day is found over history, each beside the one that stands for it."""
    async with scene(tmp_path) as site:
        rule = decoy_rule("trap")
        watch = AlarmWatch(site.book, make_engine(rule), KEY)
        await step(watch)
        for _ in range(MAX_A_DAY + 3):
            await site.ask(watch, licence="trap")
        for _ in range(4):
            await step(watch)
        kinds = Counter(one.raised.kind for one in (await site.list(limit=200)).alarms)
        assert kinds == {AlarmKind.FOUND: MAX_A_DAY, AlarmKind.SUPPRESSED: 1}
        engine = make_engine(rule, is_limited=False)
        found = (await asyncio.to_thread(evaluate, site.book, engine, KEY)).findings
        assert Counter(one.kind for one in found) == {**kinds, AlarmKind.BEYOND: 3}
        assert {one.kind for one in found if one.raised is None} == {AlarmKind.BEYOND}
        assert all(one.is_found for one in found)
