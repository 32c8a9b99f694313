"""Rules about people: officials, those whom they ask about, cases, lists of marks."""

from gateway.audit.alarms.detector import NOTHING, Hit, Hits, Surroundings
from gateway.audit.alarms.observed import Observed
from gateway.audit.alarms.rule import DAY_MS, MINUTE_MS, Rule
from gateway.audit.alarms.windows import CountWindow, DistinctWindow, Recent


class Burst:
    """More than ``subjects`` different people asked about within ``minutes`` by one official.

    Or by a caller that names none: leaving the official out must not be a way around a rule.
    """

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        self._window = DistinctWindow(most=rule.told["subjects"], span_ms=rule.span_ms, keys=around.most_keys)

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        asker = entry.asker
        found = [self._window.add(asker, subject, entry.t, entry.place) for subject in entry.subjects]
        return (Hit(asker, found[-1]),) if found and found[-1] is not None else NOTHING

    def lost(self) -> int:
        """Return how many officials were forgotten."""
        return self._window.recent.lost


class NewOfficials:
    """More than ``officials`` within ``minutes`` of one caller whom it did not name in the ``days`` before.

    Nobody vouches for an official's number: a caller that invents ever new ones stays below every other rule.
    """

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        told, keys = rule.told, around.most_keys
        self._days_ms = told["days"] * DAY_MS
        self._last: Recent[list[int]] = Recent(list, span_ms=self._days_ms, most=keys)
        self._window = DistinctWindow(most=told["officials"], span_ms=told["minutes"] * MINUTE_MS, keys=keys)

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        if not entry.official:
            return NOTHING
        caller = entry.leaf.caller
        last = self._last.touch((caller, entry.official), entry.t)
        is_new = not last or entry.t - last[0] >= self._days_ms
        last[:] = [entry.t]
        evidence = self._window.add(caller, entry.official, entry.t, entry.place) if is_new else None
        return NOTHING if evidence is None else (Hit(caller, evidence),)

    def lost(self) -> int:
        """Return how many officials and callers were forgotten."""
        return self._last.lost + self._window.recent.lost


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
    """The same person asked about ``times`` times within ``days`` by one official, or by a caller that names none."""

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin empty."""
        self._window = CountWindow(times=rule.told["times"], span_ms=rule.span_ms, keys=around.most_keys)

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        hits = NOTHING
        for subject in dict.fromkeys(entry.subjects):
            key = (entry.asker, subject)
            evidence = self._window.add(key, entry.t, entry.place)
            if evidence is not None:
                hits = (*hits, Hit(key, evidence))
        return hits

    def lost(self) -> int:
        """Return how many pairs were forgotten."""
        return self._window.recent.lost


class ProtectedPerson:
    """Somebody on a list was asked about; quiet about this person and who asked, and about nobody else."""

    def __init__(self, rule: Rule, _around: Surroundings) -> None:
        """Go by the list of the rule."""
        self._marks = rule.marks

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        listed = self._marks.intersection(entry.subjects)
        if not listed:
            return NOTHING
        asker = (entry.leaf.caller, entry.official)
        return tuple(Hit((mark, *asker), (entry.place,)) for mark in sorted(listed))

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
