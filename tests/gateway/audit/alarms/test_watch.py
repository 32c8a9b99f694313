"""The watch over a real log: what it raises, after whatever stop, in whichever way the entries reached it."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.alarms import watch as watch_module
from gateway.audit.alarms.alarm import Target, draft_verdict
from gateway.audit.alarms.calendar import china_day
from gateway.audit.alarms.detector import Hits
from gateway.audit.alarms.engine import MAX_A_DAY
from gateway.audit.alarms.evaluation import Evaluation, evaluate
from gateway.audit.alarms.observed import Observed, Place
from gateway.audit.alarms.register import AlarmPage, AlarmQuery, AlarmState, find_alarm, list_alarms
from gateway.audit.alarms.rule import Rule, RuleKind, make_rule
from gateway.audit.alarms.watch import CATCH_UP_MS, AlarmStanding, AlarmWatch
from gateway.audit.alarms.words import AlarmKind, Verdict
from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.book.settings import AuditSettings
from gateway.audit.book.site_log import SiteLog
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.forgetting.retention_terms import LEAST_DAYS
from gateway.audit.leaf import NO_COMMITS, LeafDraft, LeafKind, parse_leaf
from gateway.audit.lookup import LookupKind
from gateway.audit.private import DataKey, seal_private, split_private
from gateway.audit.reader import LogReader
from gateway.audit.seal.check import IndexFault, check_index
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.gateway.audit.alarms.test_rules import POLICIES, WIDENING, shown
from tests.support.alarms import DAY, KEY, MINUTE, MONDAY, activate, ask, make_engine

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


async def test_alarms_are_entries(tmp_path: Path) -> None:
    """What a rule finds as entries arrive is an entry soon after, which names them; once."""
    async with scene(tmp_path) as site:
        observer = Observer()
        watch = site.watch(observer=observer)
        await step(watch)
        asked = [await site.ask(watch) for _ in range(4)]
        for _ in range(3):
            await step(watch)
        assert await site.alarms() == [("burst", [one.index for one in asked[:3]])]
        assert (observer.rules, observer.is_open, watch.standing().is_open) == (["burst"], 1, 1)
        await step(watch)


async def test_entries_that_nobody_handed_over_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there was no room for a batch, or it came in between, the log has it."""
    monkeypatch.setattr(watch_module, "MAX_QUEUED", 2)
    async with scene(tmp_path) as site:
        watch = site.watch()
        await step(watch)
        asked = [await site.ask(watch) for _ in range(5)]
        await step(watch)
        assert await site.alarms() == [("burst", [one.index for one in asked[:3]])]
        asked = [await site.ask(watch if number == 2 else None, official="p") for number in range(3)]
        await step(watch)
        assert (await site.alarms())[1] == ("burst", [one.index for one in asked])


@pytest.mark.parametrize("stepped", [True, False])
async def test_a_restart_raises_nothing_twice_and_loses_nothing(tmp_path: Path, *, stepped: bool) -> None:
    """Whether a process wrote its alarm before it died or not, the next one leaves exactly one."""
    async with scene(tmp_path) as site:
        watch = site.watch()
        await step(watch)
        for _ in range(3):
            await site.ask(watch)
        if stepped:
            await step(watch)
    for _ in range(2):
        async with scene(tmp_path, Clock(NOON + timedelta(minutes=1))) as site:
            await step(site.watch())
            assert [rule for rule, _ in await site.alarms()] == ["burst"]


async def test_windows_go_on_after_a_restart(tmp_path: Path) -> None:
    """What began before a stop is finished behind it."""
    async with scene(tmp_path) as site:
        watch = site.watch()
        await step(watch)
        first = [await site.ask(watch, subjects=("p",)) for _ in range(2)]
    async with scene(tmp_path, Clock(NOON + timedelta(days=20))) as site:
        watch = site.watch()
        await step(watch)
        last = await site.ask(watch, subjects=("p",))
        await step(watch)
        assert await site.alarms() == [("same-official-subject", [*(one.index for one in first), last.index])]


async def test_windows_go_on_in_the_next_half_year(tmp_path: Path) -> None:
    """An alarm names entries of two shards, also when one was not handed over."""
    async with scene(tmp_path, Clock(MIDNIGHT)) as site:
        watch = site.watch()
        await step(watch)
        await site.ask(watch)
        await site.ask(None)
        site.clock.now = MIDNIGHT + timedelta(minutes=2)
        await site.ask(watch)
        await step(watch)
        [one] = (await site.list(limit=9)).alarms
        assert [place.shard for place in one.raised.evidence] == ["2026h2", "2026h2", "2027h1"]
        assert one.raised.place.shard == "2027h1"
    async with scene(tmp_path, Clock(MIDNIGHT + timedelta(minutes=9))) as site:
        await step(site.watch())
        assert len(await site.alarms()) == 1


async def test_what_is_long_past_is_not_raised_at_a_start(tmp_path: Path) -> None:
    """A site that begins to watch an old log hears of the last days; the rest is for whoever evaluates history."""
    async with scene(tmp_path) as site:
        for _ in range(3):
            await site.ask(None)
        site.clock.now += timedelta(milliseconds=CATCH_UP_MS)
        await site.ask(None, official="")
        await step(site.watch())
        assert await site.alarms() == []
        assert len((await site.evaluate()).findings) == 1


async def test_who_was_forgotten_is_not_raised_again(tmp_path: Path) -> None:
    """When somebody's key is destroyed, the same alarm rests on fewer entries, and is still the same."""
    async with scene(tmp_path) as site:
        watch = site.watch()
        await step(watch)
        for number in range(5):
            await site.ask(watch, subjects=(f"person-{number}",))
        await step(watch)
        before = await site.alarms()
        assert len(before) == 1
        lookup = site.book.current.lookup
        owner = lookup.owner(LookupKind.SUBJECT, "person-0", lookup.current)
        assert await asyncio.to_thread(site.book.current.keys.erase, [owner]) == 1
    async with scene(tmp_path, Clock(NOON + timedelta(minutes=1))) as site:
        await step(site.watch())
        assert await site.alarms() == before
        [found] = (await site.evaluate()).findings
        assert found.raised is not None
        assert [place.entry for place in found.evidence] == [entry + 1 for entry in before[0][1]]


async def test_two_alarms_of_the_same_entries(tmp_path: Path) -> None:
    """When an alarm about one holder was told, a stop does not take away the one about another that shares entries."""
    engine = partial(make_engine, make_rule(RuleKind.SAME_OFFICIAL_SUBJECT, times=3, days=30))
    async with scene(tmp_path) as site:
        watch = AlarmWatch(site.book, engine(), KEY)
        await step(watch)
        asked = [await site.ask(watch, subjects=who) for who in (("A", "B"), ("A", "B"), ("A",))]
        await step(watch)
        last = await site.ask(watch, subjects=("B",))
        clock = site.clock
    shared = [one.index for one in asked[:2]]
    both = [("same-official-subject", [*shared, one.index]) for one in (asked[2], last)]
    async with scene(tmp_path, clock) as site:
        assert await site.alarms() == both[:1]
        for _ in range(2):
            await step(AlarmWatch(site.book, engine(), KEY))
            assert await site.alarms() == both
        found = (await asyncio.to_thread(evaluate, site.book, engine(), KEY)).findings
        assert [one.raised is not None and one.evidence == one.raised.evidence for one in found] == [True, True]


async def test_two_callers_after_one_widening(tmp_path: Path) -> None:
    """What was widened is in the alarm of every caller; a stop takes away none, and no verdict counts for another."""
    engine = partial(make_engine, WIDENING, policies=POLICIES)
    async with scene(tmp_path, Clock(datetime.fromtimestamp(MONDAY / 1000, UTC))) as site:
        watch = AlarmWatch(site.book, engine(), KEY)
        await step(watch)
        await site.book.append(activate(site.clock.ms, policy="new", previous="old"))
        site.clock.now += timedelta(seconds=1)
        more = {"form": shown("p"), "policy": "new"}
        first = await site.ask(watch, caller="hall", **more)
        await step(watch)
        [alarm] = (await site.list()).alarms
        await give(site, alarm.raised.target, Verdict.JUSTIFIED)
        last = await site.ask(watch, caller="thief", **more)
        clock = site.clock
    async with scene(tmp_path, clock) as site:
        found = (await asyncio.to_thread(evaluate, site.book, engine(), KEY)).findings
        assert [one.raised is None for one in found] == [False, True]
        await step(AlarmWatch(site.book, engine(), KEY))
        assert [evidence[-1] for _, evidence in await site.alarms()] == [first.index, last.index]
        assert [one.state for one in (await site.list()).alarms] == [AlarmState.OPEN, AlarmState.JUSTIFIED]


async def test_a_stop_of_days_loses_nothing(tmp_path: Path) -> None:
    """What short rules would have found days before the stop ended is found at the start, with what it rests on."""
    async with scene(tmp_path) as site:
        asked = [await site.ask(None) for _ in range(3)]
        site.clock.now += timedelta(milliseconds=CATCH_UP_MS - MINUTE)
        await site.ask(None, official="")
        await step(AlarmWatch(site.book, make_engine(BURST), KEY))
        assert await site.alarms() == [("burst", [one.index for one in asked])]


async def test_quiet_days_go_on_after_a_restart(tmp_path: Path) -> None:
    """Once in so many days is once, also when there was a start in between."""
    rule = make_rule(RuleKind.BURST, subjects=2, minutes=10, quiet_days=30)
    start = datetime.fromtimestamp((china_day(int(NOON.timestamp()) * 1000) // 30 + 1) * 30 * DAY / 1000, UTC)
    async with scene(tmp_path, Clock(start)) as site:
        for day in (0, 25):
            site.clock.now = start + timedelta(days=day)
            watch = AlarmWatch(site.book, make_engine(rule), KEY)
            await step(watch)
            for _ in range(3):
                await site.ask(watch)
            await step(watch)
            assert len(await site.alarms()) == 1


class Failing:
    """A log whose appends fail, before or after they were stored."""

    def __init__(self, log: SiteLog, *, stores: bool) -> None:
        self._log = log
        self.stores = stores
        self.fails = True

    async def append(self, draft: EntryDraft) -> Receipt:
        """Append, and fail."""
        if not self.fails:
            return await self._log.append(draft)
        if self.stores:
            await self._log.append(draft)
        raise LogUnavailableError(Unavailable.WRITE_FAILED)

    def shards(self) -> tuple[str, ...]:
        """Return the shards."""
        return self._log.shards()

    def reader(self, shard: str | None = None) -> LogReader:
        """Return a shard."""
        return self._log.reader(shard)


@pytest.mark.parametrize("stores", [True, False])
async def test_an_alarm_that_could_not_be_written_is_tried_again(tmp_path: Path, *, stores: bool) -> None:
    """Whether the failed write was stored or not, there is one entry in the end."""
    async with scene(tmp_path) as site:
        failing = Failing(site.book, stores=stores)
        watch = site.watch(failing)  # type: ignore[arg-type]  # as much of a log as a watch uses
        await step(watch)
        for _ in range(3):
            await site.ask(watch)
        for _ in range(2):
            with suppress(LogUnavailableError):
                await step(watch)
        failing.fails = False
        await step(watch)
        assert len(await site.alarms()) == 1


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


async def give(site: Scene, target: Target, verdict: Verdict) -> None:
    """Write a verdict."""
    site.clock.now += timedelta(seconds=1)
    await site.book.append(draft_verdict(target, verdict, caller="auditor", org="", note="看过"))


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


async def test_what_does_not_fit_is_told_next(tmp_path: Path) -> None:
    """Alarms that are too many for one entry follow in the next ones, in their order."""
    async with scene(tmp_path) as site:
        watch = AlarmWatch(site.book, make_engine(decoy_rule("trap")), KEY)
        await step(watch)
        asked = [await site.ask(watch, licence="trap", caller=f"hall-{number % 2}") for number in range(160)]
        await step(watch)
        assert 0 < len(await site.alarms()) < 160
        for _ in range(4):
            await step(watch)
        assert await site.alarms() == [("decoy-licence", [one.index]) for one in asked]


@pytest.mark.parametrize("error", [RuntimeError("unforeseen"), MemoryError()])
async def test_a_rule_that_fails_is_stepped_over(tmp_path: Path, error: Exception) -> None:
    """An entry at which a rule fails raises an alarm that says so; other rules and entries are judged as ever."""
    async with scene(tmp_path) as site:
        engine = make_engine(make_rule(RuleKind.SAME_OFFICIAL_SUBJECT, times=3, days=30), BURST)
        watch = AlarmWatch(site.book, engine, KEY)
        poison = site.numbers + 2
        [failing] = [one for one in engine._working if one.rule is BURST]
        observe = failing.observe

        def fail(entry: Observed) -> Hits:
            if entry.request == seen[poison].request:
                raise error
            return observe(entry)

        failing.observe = fail
        seen = [KEY.observe_draft(ask(n, site.clock.ms), place=Place("2026h2", n), t=site.clock.ms) for n in range(9)]
        await step(watch)
        asked = [await site.ask(watch, subjects=("p",) if n < 3 else (f"q{n}",)) for n in range(6)]
        await step(watch)
        told = {one.raised.target.rule: one.raised for one in (await site.list()).alarms if one.raised.kind == "found"}
        assert set(told) == {"same-official-subject", "burst"}
        [failed] = [one.raised for one in (await site.list()).alarms if one.raised.kind is AlarmKind.FAILED]
        assert [place.entry for place in failed.evidence] == [asked[poison - 1].index]
        assert not watch.standing().is_behind


async def test_whatever_fails_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch at which an attempt fails is read from the log by the next one, and the watch says that it is behind."""
    async with scene(tmp_path) as site:
        watch = site.watch()
        await step(watch)
        assert not watch.standing().is_behind
        asked = [await site.ask(watch) for _ in range(3)]
        with monkeypatch.context() as patch:
            patch.setattr(AlarmWatch, "_take", lambda *_: int("unforeseen"))
            with pytest.raises(ValueError, match="unforeseen"):
                await watch.look()
        assert watch.standing().is_behind
        await step(watch)
        standing = watch.standing()
        assert (standing.is_behind, standing.waiting) == (False, 0)
        assert standing.evaluated is not None
        assert await site.alarms() == [("burst", [one.index for one in asked])]


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


def decoy_rule(licence: str) -> Rule:
    """Return a rule by which one licence is bait."""
    seen = KEY.observe_draft(ask(1, 0, licence=licence), place=Place("2026h2", 0), t=0)
    return make_rule(RuleKind.DECOY_LICENCE, marks=frozenset(seen.licences))


async def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a task it writes alarms by itself, says each time whether it keeps up, and ends when it is cancelled."""
    monkeypatch.setattr(watch_module, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(watch_module, "BEAT_SECONDS", 0)
    async with scene(tmp_path) as site:
        observer = Observer()
        watch = site.watch(observer=observer)
        task = asyncio.create_task(watch.run())
        for _ in range(3):
            await site.ask(watch)
        await observer.happened.wait()
        assert observer.standings[0].is_behind  # what is in the log was not read yet
        assert (observer.standings[-1].is_behind, observer.standings[-1].is_failing) == (False, False)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert [rule for rule, _ in await site.alarms()] == ["burst"]
