"""The alarms that the log tells of, with their verdicts, newest first; the log itself is the only record of them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.audit.alarms.alarm import (
    Alarm,
    AlarmError,
    GivenVerdict,
    RaisedAlarm,
    Target,
    name_alarm,
    parse_alarms,
    parse_verdict,
)
from gateway.audit.alarms.calendar import china_day
from gateway.audit.alarms.history import ReadableLog
from gateway.audit.alarms.observed import ObservationKey, Place
from gateway.audit.leaf import LeafKind
from gateway.audit.lookup import LookupKind
from gateway.audit.search.query import Query
from gateway.audit.search.search import MAX_PAGE, FoundEntry, LogSearch

MAX_LOOKED: Final = 2_000  # alarms for one page; the next page goes on there
MAX_VERDICTS: Final = 50  # of one alarm that are shown, the latest ones
MAX_OPEN: Final = 10_000  # alarms that are counted; nobody looks at more
_CURSOR: Final = re.compile(r"([0-9]{4}h[12])\.([0-9]{1,16})\.([0-9]{1,4})")
_KINDS: Final = frozenset({LeafKind.ADMIN})
_EVERYTHING: Final = Query(kinds=_KINDS)


class _Before(NamedTuple):
    """The alarm behind which a page begins."""

    place: Place
    number: int


def match_alarms(
    found: Sequence[Alarm], raised: Iterable[RaisedAlarm], key: ObservationKey
) -> list[RaisedAlarm | None]:
    """Return for each alarm that was found the one that the log tells of; None: it tells of none.

    1. The one of the same id, which is that of the same rule and evidence.
    2. What was raised and is found by its id no more rests on what was erased since, or on a rule that was changed. It
       stands for one alarm, the first of the same rule, kind and day that names one of its entries: so no alarm about
       somebody else is taken for told because it shows the same entry.
    """
    told = {one.target: one for one in raised}
    names = [name_alarm(alarm, key) for alarm in found]
    named = set(names)
    left = {target: one for target, one in told.items() if target not in named}
    by_entry: defaultdict[tuple[str, str, int, Place], list[Target]] = defaultdict(list)
    for target, one in left.items():
        for place in one.evidence:
            by_entry[target.rule, one.kind, china_day(one.found_at), place].append(target)
    matched: list[RaisedAlarm | None] = []
    for alarm, name in zip(found, names, strict=True):
        same = told.get(name)  # 1
        if same is None and left:  # 2
            about = alarm.rule, alarm.kind, china_day(alarm.t)
            places = (place for place in alarm.evidence if place not in alarm.shared)
            several = (target for place in places for target in by_entry.get((*about, place), ()))
            same = next((left.pop(target) for target in several if target in left), None)
        matched.append(same)
    return matched


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
    before = _parse_cursor(cursor)
    listed: list[ListedAlarm] = []
    raised = _raised(log, Query(kinds=_KINDS, since=query.since, until=query.until), before)
    for looked, alarm in enumerate(raised, 1):
        if query.rule in {"", alarm.target.rule}:
            one = ListedAlarm(raised=alarm, verdicts=find_verdicts(log, alarm))
            if one.state.is_open or not query.only_open:
                listed.append(one)
        if len(listed) == limit or looked == MAX_LOOKED:
            place = alarm.place
            return AlarmPage(alarms=tuple(listed), cursor=f"{place.shard}.{place.entry}.{alarm.number}")
    return AlarmPage(alarms=tuple(listed), cursor=None)


def raised_alarms(log: ReadableLog, *, since: int | None = None) -> Iterator[RaisedAlarm]:
    """Yield the alarms that are written from ``since`` on, the newest first; raises LogUnavailableError."""
    return _raised(log, Query(kinds=_KINDS, since=since), None)


def find_alarm(log: ReadableLog, target: Target) -> RaisedAlarm | None:
    """Return an alarm that the log tells of; None: it tells of none. Raises LogUnavailableError; blocks.

    No index leads to it, so that none tells who is concerned: the entries that tell of alarms are read.
    """
    return next((alarm for alarm in _raised(log, _EVERYTHING, None) if alarm.target == target), None)


def is_written(log: ReadableLog, request: str) -> bool:
    """Answer whether the log has an entry about alarms of this ``req``. Raises LogUnavailableError; blocks."""
    query = Query(decision=request, kinds=_KINDS)
    return any(LogSearch.of(log.reader(shard)).find(query, limit=1).entries for shard in reversed(log.shards()))


def find_open(log: ReadableLog) -> tuple[str, ...]:
    """Return the ids of the alarms that nobody has closed, the newest first, as many as are counted.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    judged: dict[str, bool] = {}  # whether it is open; what is newest is met first, and counts
    is_open: list[str] = []
    for shard in reversed(log.shards()):
        for entry in _search(log, shard, _EVERYTHING, None):
            verdict = _verdict_of(entry, shard)
            if verdict is not None:
                judged.setdefault(verdict.id, not verdict.verdict.closes)
            is_open += [one.target.id for one in _alarms_of(entry, shard) if judged.get(one.target.id, True)]
            if len(is_open) >= MAX_OPEN:
                return tuple(is_open[:MAX_OPEN])
    return tuple(is_open)


def find_verdicts(log: ReadableLog, alarm: RaisedAlarm) -> tuple[GivenVerdict, ...]:
    """Return what was made of an alarm, the oldest first. Raises LogUnavailableError; blocks."""
    given: list[GivenVerdict] = []
    for shard in log.shards():
        if shard >= alarm.place.shard:
            search, query = LogSearch.of(log.reader(shard)), Query(decision=alarm.target.id, kinds=_KINDS)
            found = search.follow(LookupKind.REQUEST, alarm.target.id, query)
            given += reversed([one for entry in found if (one := _verdict_of(entry, shard)) is not None])
    return tuple(given[-MAX_VERDICTS:])


def _raised(log: ReadableLog, query: Query, before: _Before | None) -> Iterator[RaisedAlarm]:
    """Yield the alarms of the entries that a search fits, the newest first, those behind ``before``."""
    for shard in reversed(log.shards()):
        if before is not None and shard > before.place.shard:
            continue
        end = before.place.entry + 1 if before is not None and shard == before.place.shard else None
        for found in _search(log, shard, query, end):
            for alarm in reversed(_alarms_of(found, shard)):
                if before is None or alarm.place != before.place or alarm.number < before.number:
                    yield alarm


def _search(log: ReadableLog, shard: str, query: Query, before: int | None) -> Iterator[FoundEntry]:
    """Yield the entries of one shard that tell of alarms or verdicts, the newest first, below entry ``before``."""
    return LogSearch.of(log.reader(shard)).follow(LookupKind.ALARM, "", query, before=before)


def _alarms_of(found: FoundEntry, shard: str) -> tuple[RaisedAlarm, ...]:
    try:
        return parse_alarms(found.leaf, found.private, Place(shard, found.index))
    except AlarmError:  # another entry with our word in it
        return ()


def _verdict_of(found: FoundEntry, shard: str) -> GivenVerdict | None:
    try:
        return parse_verdict(found.leaf, found.private, Place(shard, found.index))
    except AlarmError:  # likewise
        return None


def _parse_cursor(text: str | None) -> _Before | None:
    if text is None:
        return None
    matched = _CURSOR.fullmatch(text)
    if matched is None:
        raise AlarmError("a cursor was expected")
    return _Before(Place(matched[1], int(matched[2])), int(matched[3]))
