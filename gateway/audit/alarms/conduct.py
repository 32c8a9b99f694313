"""Rules about how somebody asks: when, how often, in which order, by which clock."""

from array import array
from collections.abc import Hashable
from statistics import median
from typing import Final

from gateway.audit.alarms.calendar import year_of
from gateway.audit.alarms.detector import CALENDAR, NOTHING, Hit, Hits, Surroundings
from gateway.audit.alarms.observed import Observed, Place
from gateway.audit.alarms.rule import DAY_MS, MINUTE_MS, Rule
from gateway.audit.alarms.windows import CountWindow, Recent, ShareWindow, StepWindow

# What says that a question met nothing: no such licence, or not of this holder; a comparison answered with no.
MISSES: Final = frozenset({"status.not-found", "match.no"})
HOUR_MS: Final = 3_600_000
_WEEK_HOURS: Final = 7 * 24
MAX_BASELINES: Final = 4_096  # callers, 6 kB each for eight weeks


class OffHours:
    """``entries`` of one official, or of a caller that names none, within a day and outside working hours."""

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        self._calendar = around.calendar
        self._window = CountWindow(times=rule.told["entries"], span_ms=DAY_MS, keys=around.most_keys)
        self._blind = around.blind
        self._minute = -1
        self._is_working: bool | None = None  # in that minute

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry; a year without a calendar is noted and judged no further."""
        if entry.t // MINUTE_MS != self._minute:
            self._minute, self._is_working = entry.t // MINUTE_MS, self._calendar.is_working(entry.t)
            if self._is_working is None:
                self._blind.note(CALENDAR, str(year_of(entry.t)))
        if self._is_working is not False:
            return NOTHING
        evidence = self._window.add(entry.asker, entry.t, entry.place)
        return NOTHING if evidence is None else (Hit(entry.asker, evidence),)

    def lost(self) -> int:
        """Return how many officials were forgotten."""
        return self._window.recent.lost


class Enumeration:
    """``numbers`` of licences or people of one series within ``minutes``, each at most ``step`` from another.

    By one official, or by a caller that names none.
    """

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        told = rule.told
        self._window = StepWindow(
            numbers=told["numbers"], step=told["step"], span_ms=rule.span_ms, keys=around.most_keys
        )

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        hits = NOTHING
        for step in entry.steps:
            key = (entry.asker, step.series)
            evidence = self._window.add(key, step.place, entry.t, entry.place)
            if evidence is not None:
                hits = (*hits, Hit(key, evidence))
        return hits

    def lost(self) -> int:
        """Return how many series were forgotten."""
        return self._window.recent.lost


class NoMatch:
    """``misses`` among the last ``questions`` of one official, or of a caller that names none, within ``minutes``.

    Or ``total`` misses in that time, whatever else was asked: questions that meet something hide no guesses.
    """

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        told = rule.told
        self._window = ShareWindow(
            misses=told["misses"], questions=told["questions"], span_ms=rule.span_ms, keys=around.most_keys
        )
        self._total = CountWindow(times=told["total"], span_ms=rule.span_ms, keys=around.most_keys)

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        key = entry.asker
        is_miss = not MISSES.isdisjoint(entry.leaf.reasons)
        evidence = self._window.add(key, entry.t, entry.place, is_miss=is_miss)
        total = self._total.add(key, entry.t, entry.place) if is_miss else None
        found = total if evidence is None else evidence
        return NOTHING if found is None else (Hit(key, found),)

    def lost(self) -> int:
        """Return how many were forgotten."""
        return self._window.recent.lost + self._total.recent.lost


class DormantAccount:
    """A caller or an official asked again after ``days`` of silence; who was never seen before is not dormant."""

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        self._span_ms = rule.span_ms
        # Nobody is forgotten for being silent: that is what is looked for.
        self._last: Recent[list[tuple[int, Place]]] = Recent(list, span_ms=1 << 62, most=around.most_keys)

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        hits = self._observe(entry.leaf.caller, entry)
        return (*hits, *self._observe(entry.official, entry)) if entry.official else hits

    def _observe(self, key: Hashable, entry: Observed) -> Hits:
        last = self._last.touch(key, entry.t)
        before = last[0] if last else None
        last[:] = [(entry.t, entry.place)]
        if before is None or entry.t - before[0] < self._span_ms:
            return NOTHING
        return (Hit(key, (before[1], entry.place)),)

    def lost(self) -> int:
        """Return how many were forgotten."""
        return self._last.lost


class DuplicateRequest:
    """The same request id of one caller in two decisions within ``minutes``."""

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        self._span_ms = rule.span_ms
        self._last: Recent[list[tuple[int, str, Place]]] = Recent(list, span_ms=rule.span_ms, most=around.most_keys)

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry; an answer about many people has several entries of one decision."""
        if not entry.request:
            return NOTHING
        last = self._last.touch(entry.request, entry.t)
        before = last[0] if last else None
        last[:] = [(entry.t, entry.leaf.req, entry.place)]
        if before is None or before[0] <= entry.t - self._span_ms or before[1] == entry.leaf.req:
            return NOTHING
        return (Hit(entry.request, (before[2], entry.place)),)

    def lost(self) -> int:
        """Return how many requests were forgotten."""
        return self._last.lost


class ClockSkew:
    """A caller's clock ahead, or an entry written later or earlier than its decision was made, by ``seconds``."""

    def __init__(self, rule: Rule, _around: Surroundings) -> None:
        """Take the bound."""
        self._most_ms = rule.told["seconds"] * 1000

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        hits = NOTHING
        if entry.ahead_ms is not None and entry.ahead_ms >= self._most_ms:
            hits = (Hit(("caller", entry.leaf.caller), (entry.place,)),)
        if entry.held_ms is not None and abs(entry.held_ms) >= self._most_ms:
            hits = (*hits, Hit("gateway", (entry.place,)))
        return hits

    def lost(self) -> int:
        """Return 0: nothing is remembered."""
        return 0


class _Hours:
    """The entries of one caller by the hour, as a ring; ``first`` and ``last`` are hours since 1970."""

    __slots__ = ("counts", "first", "last", "limit")

    def __init__(self, size: int) -> None:
        self.counts = array("I", bytes(4 * size))
        self.first = -1
        self.last = -1
        self.limit: float = 0

    def advance(self, hour: int) -> bool:
        """Go on to this hour, which empties those in between; return whether it is a new one."""
        size = len(self.counts)
        if self.first < 0 or hour - self.last >= size:
            self.counts = array("I", bytes(4 * size))
            self.first, self.last = (hour if self.first < 0 else self.first), hour
            return True
        for between in range(self.last + 1, hour + 1):
            self.counts[between % size] = 0
        is_new, self.last = hour > self.last, max(hour, self.last)
        return is_new


class Volume:
    """More than ``times`` the usual number of entries of one caller in an hour, and more than ``least``.

    Usual is the median of the same hour of the week in the last ``weeks`` weeks. A caller that has been known for less
    may ask ``ceiling`` times.
    """

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        told = rule.told
        self._weeks, self._times, self._least = told["weeks"], told["times"], told["least"]
        self._ceiling = told["ceiling"]
        size = self._weeks * _WEEK_HOURS + 1
        most = min(MAX_BASELINES, around.most_keys)
        self._hours: Recent[_Hours] = Recent(lambda: _Hours(size), span_ms=1 << 62, most=most)

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        caller, hour = entry.leaf.caller, entry.t // HOUR_MS
        hours = self._hours.touch(caller, entry.t)
        if hours.advance(hour):
            hours.limit = self._limit(hours, hour)
        at = hours.last % len(hours.counts)
        hours.counts[at] += 1
        if hours.counts[at] <= hours.limit:
            return NOTHING
        return (Hit(caller, (entry.place,)),)

    def _limit(self, hours: _Hours, hour: int) -> float:
        """Return how many entries are not too many in this hour."""
        if hour - hours.first < self._weeks * _WEEK_HOURS:
            return self._ceiling
        size = len(hours.counts)
        usual = median(hours.counts[(hour - week * _WEEK_HOURS) % size] for week in range(1, self._weeks + 1))
        return max(self._times * usual, self._least)

    def lost(self) -> int:
        """Return how many callers were forgotten."""
        return self._hours.lost
