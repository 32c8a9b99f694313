"""Rules about people: officials, those whom they ask about, cases, lists of marks."""

from gateway.audit.alarms.detector import NOTHING, Hit, Hits, Surroundings
from gateway.audit.alarms.observed import Observed
from gateway.audit.alarms.rule import (
    Rule,
)
from gateway.audit.alarms.windows import CountWindow, DistinctWindow


class Burst:
    """More than ``subjects`` different people asked about by one official within ``minutes``."""

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        self._window = DistinctWindow(most=rule.told["subjects"], span_ms=rule.span_ms, keys=around.most_keys)

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        if not entry.official:
            return NOTHING
        found = [self._window.add(entry.official, subject, entry.t, entry.place) for subject in entry.subjects]
        return (Hit(entry.official, found[-1]),) if found and found[-1] is not None else NOTHING

    def lost(self) -> int:
        """Return how many officials were forgotten."""
        return self._window.recent.lost


class CaseManySubjects:
    """More than ``subjects`` different people for one case of one organisation within ``days``."""

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        self._window = DistinctWindow(most=rule.told["subjects"], span_ms=rule.span_ms, keys=around.most_keys)

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        if not entry.case:
            return NOTHING
        found = [self._window.add(entry.case, subject, entry.t, entry.place) for subject in entry.subjects]
        return (Hit(entry.case, found[-1]),) if found and found[-1] is not None else NOTHING

    def lost(self) -> int:
        """Return how many cases were forgotten."""
        return self._window.recent.lost


class SameOfficialSubject:
    """The same person asked about by the same official ``times`` times within ``days``."""

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        self._window = CountWindow(times=rule.told["times"], span_ms=rule.span_ms, keys=around.most_keys)

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        if not entry.official:
            return NOTHING
        hits = NOTHING
        for subject in dict.fromkeys(entry.subjects):
            key = entry.official + subject
            evidence = self._window.add(key, entry.t, entry.place)
            if evidence is not None:
                hits = (*hits, Hit(key, evidence))
        return hits

    def lost(self) -> int:
        """Return how many pairs were forgotten."""
        return self._window.recent.lost


class ProtectedPerson:
    """Somebody on a list was asked about."""

    def __init__(self, rule: Rule, _around: Surroundings) -> None:
        """Go by the list of the rule."""
        self._marks = rule.marks

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        listed = self._marks.intersection(entry.subjects)
        return tuple(Hit(mark, (entry.place,)) for mark in sorted(listed)) if listed else NOTHING

    def lost(self) -> int:
        """Return 0: nothing is remembered."""
        return 0


class DecoyLicence:
    """A licence on a list was asked for, by its number or its identifier; each time counts."""

    def __init__(self, rule: Rule, _around: Surroundings) -> None:
        """Go by the list of the rule."""
        self._marks = rule.marks

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        if self._marks.isdisjoint(entry.licences):
            return NOTHING
        return (Hit(entry.place, (entry.place,)),)

    def lost(self) -> int:
        """Return 0: nothing is remembered."""
        return 0
