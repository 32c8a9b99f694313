"""The alarms that the log tells of, with their verdicts, newest first; the log itself is the only record of them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.audit.alarms.alarm import (
    Alarm,
    AlarmError,
    GivenVerdict,
    RaisedAlarm,
    Target,
    parse_alarm,
    parse_verdict,
)
from gateway.audit.alarms.calendar import china_day
from gateway.audit.alarms.history import ReadableLog
from gateway.audit.alarms.observed import Place
from gateway.audit.leaf import LeafKind
from gateway.audit.search.query import Query, encode_cursor
from gateway.audit.search.search import MAX_PAGE, FoundEntry, LogSearch

MAX_LOOKED: Final = 2_000  # entries of the kind for one page; the next page goes on there
MAX_VERDICTS: Final = 50  # of one alarm that are shown, the latest ones
MAX_OPEN: Final = 10_000  # alarms that are counted; nobody looks at more
_CURSOR: Final = re.compile(r"([0-9]{4}h[12])\.([0-9]{1,16})")
_KINDS: Final = frozenset({LeafKind.ADMIN})


class ToldAlarms:
    """Alarms that the log tells of, to find the one that says the same as another."""

    def __init__(self, raised: Iterable[RaisedAlarm] = ()) -> None:
        """Take these."""
        self._by_target: dict[Target, RaisedAlarm] = {}
        self._by_entry: dict[tuple[str, int, Place], RaisedAlarm] = {}
        for one in raised:
            self.add(one)

    def add(self, raised: RaisedAlarm) -> None:
        """Take one more."""
        self._by_target[raised.target] = raised
        if raised.found_at is not None:
            day = china_day(raised.found_at)
            self._by_entry |= {(raised.target.rule, day, place): raised for place in raised.evidence}

    def find(self, alarm: Alarm) -> RaisedAlarm | None:
        """Return the alarm of the same id, or else of the same rule and day about some of the same entries; or None.

        After somebody was forgotten, or a rule was changed, the same is found by other entries and has another id.
        """
        day = china_day(alarm.t)
        told = (self._by_entry.get((alarm.rule, day, place)) for place in alarm.evidence)
        return self._by_target.get(alarm.target) or next((one for one in told if one is not None), None)


class AlarmState(StrEnum):
    """How far an alarm has come: open, in inquiry, or what was found."""

    OPEN = "open"
    NEEDS_INQUIRY = "needs-inquiry"
    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"

    @property
    def is_open(self) -> bool:
        """Whether something is left to be done."""
        return self in {AlarmState.OPEN, AlarmState.NEEDS_INQUIRY}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAlarm:
    """An alarm and its verdicts, the oldest first; the last one counts."""

    raised: RaisedAlarm
    verdicts: tuple[GivenVerdict, ...]

    @property
    def state(self) -> AlarmState:
        """Return how far it has come."""
        return AlarmState(self.verdicts[-1].verdict.value) if self.verdicts else AlarmState.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmQuery:
    """Which alarms: written in ``since <= t < until`` (ms since 1970), of one rule, or all; only those still open."""

    since: int | None = None
    until: int | None = None
    rule: str = ""
    only_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmPage:
    """Alarms, the newest first; ``cursor`` leads to older ones, None: there are no more."""

    alarms: tuple[ListedAlarm, ...]
    cursor: str | None


def list_alarms(log: ReadableLog, query: AlarmQuery, *, cursor: str | None = None, limit: int) -> AlarmPage:
    """Return a page; ValueError for a limit that is no page. Blocks.

    Raises:
        AlarmError: this is no cursor.
        LogUnavailableError: the log cannot be read.

    """
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"1 to {MAX_PAGE} alarms were expected, got {limit}")
    from_shard, before = _parse_cursor(cursor)
    listed: list[ListedAlarm] = []
    looked = 0
    for shard in reversed(log.shards()):
        if from_shard is not None and shard > from_shard:
            continue
        for found in _search(log, shard, _query(query), before if shard == from_shard else None):
            looked += 1
            alarm = _alarm_of(found, shard)
            if alarm is not None and query.rule in {"", alarm.target.rule}:
                one = ListedAlarm(raised=alarm, verdicts=find_verdicts(log, alarm))
                if one.state.is_open or not query.only_open:
                    listed.append(one)
            if len(listed) == limit or looked == MAX_LOOKED:
                return AlarmPage(alarms=tuple(listed), cursor=f"{shard}.{found.index}")
    return AlarmPage(alarms=tuple(listed), cursor=None)


def raised_alarms(log: ReadableLog, *, since: int | None = None) -> Iterator[RaisedAlarm]:
    """Yield the alarms that are written from ``since`` on, the newest first; raises LogUnavailableError."""
    for shard in reversed(log.shards()):
        for found in _search(log, shard, Query(kinds=_KINDS, since=since), None):
            alarm = _alarm_of(found, shard)
            if alarm is not None:
                yield alarm


def find_alarm(log: ReadableLog, target: Target) -> RaisedAlarm | None:
    """Return an alarm that the log tells of; None: it tells of none. Raises LogUnavailableError; blocks."""
    for shard in reversed(log.shards()):
        for found in _search(log, shard, Query(decision=target.id, kinds=_KINDS), None):
            alarm = _alarm_of(found, shard)
            if alarm is not None and alarm.target == target:
                return alarm
    return None


def find_open(log: ReadableLog) -> tuple[Target, ...]:
    """Return the alarms that nobody has closed, the newest first, as many as are counted.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    found: dict[Target, bool] = {}  # whether it is open; what is newest is met first, and counts
    is_open: list[Target] = []
    for shard in reversed(log.shards()):
        for entry in _search(log, shard, Query(kinds=_KINDS), None):
            verdict, alarm = _verdict_of(entry, shard), _alarm_of(entry, shard)
            if verdict is not None:
                found.setdefault(verdict.target, not verdict.verdict.closes)
            elif alarm is not None and found.get(alarm.target, True):
                is_open.append(alarm.target)
                if len(is_open) == MAX_OPEN:
                    return tuple(is_open)
    return tuple(is_open)


def find_verdicts(log: ReadableLog, alarm: RaisedAlarm) -> tuple[GivenVerdict, ...]:
    """Return what was made of an alarm, the oldest first. Raises LogUnavailableError; blocks."""
    given: list[GivenVerdict] = []
    for shard in log.shards():
        if shard >= alarm.place.shard:
            found = _search(log, shard, Query(decision=alarm.target.id, kinds=_KINDS), None)
            verdicts = [one for entry in found if (one := _verdict_of(entry, shard)) is not None]
            given += reversed([one for one in verdicts if one.target == alarm.target])
    return tuple(given[-MAX_VERDICTS:])


def _query(query: AlarmQuery) -> Query:
    return Query(kinds=_KINDS, since=query.since, until=query.until)


def _search(log: ReadableLog, shard: str, query: Query, before: int | None) -> Iterator[FoundEntry]:
    """Yield what a search finds in one shard, newest first, below entry ``before``."""
    reader = log.reader(shard)
    search = LogSearch.of(reader)
    cursor = None if before is None else encode_cursor(query, before, reader.lookup)
    while True:
        page = search.find(query, cursor=cursor, limit=MAX_PAGE)
        yield from page.entries
        cursor = page.cursor
        if cursor is None:
            return


def _alarm_of(found: FoundEntry, shard: str) -> RaisedAlarm | None:
    try:
        return parse_alarm(found.leaf, found.private, Place(shard, found.index))
    except AlarmError:  # another entry with our word in it
        return None


def _verdict_of(found: FoundEntry, shard: str) -> GivenVerdict | None:
    try:
        return parse_verdict(found.leaf, found.private, Place(shard, found.index))
    except AlarmError:  # likewise
        return None


def _parse_cursor(text: str | None) -> tuple[str | None, int | None]:
    if text is None:
        return None, None
    matched = _CURSOR.fullmatch(text)
    if matched is None:
        raise AlarmError("a cursor was expected")
    return matched[1], int(matched[2])
