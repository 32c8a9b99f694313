"""The watch over the log: alarms are entries, none is lost, none comes twice, whatever fails or restarts."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.audit.alarms import watch as watch_module
from gateway.audit.alarms.calendar import china_day
from gateway.audit.alarms.detector import Hits
from gateway.audit.alarms.evaluation import evaluate
from gateway.audit.alarms.observed import Observed, Place
from gateway.audit.alarms.register import AlarmState
from gateway.audit.alarms.rule import RuleKind, make_rule
from gateway.audit.alarms.watch import CATCH_UP_MS, AlarmWatch
from gateway.audit.alarms.words import AlarmKind, Verdict
from gateway.audit.book.site_log import SiteLog
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.lookup import LookupKind
from gateway.audit.reader import LogReader
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.gateway.audit.alarms.drafting import POLICIES, WIDENING, shown
from tests.gateway.audit.alarms.watching import (
    BURST,
    MIDNIGHT,
    NOON,
    Clock,
    Observer,
    decoy_rule,
    give,
    scene,
    step,
)
from tests.support.alarms import DAY, KEY, MINUTE, MONDAY, activate, ask, make_engine


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
