"""The rules of a site at work: entries go in, in their order, and alarms come out.

What comes out follows from the entries alone: the same entries in the same order give the same alarms, in whatever
pieces they come. Everything that is remembered has a bound, and what was forgotten at a bound is counted. A rule that
fails at an entry is stepped over, alone, and an alarm says so.
"""

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gateway.audit.alarms.alarm import MAX_EVIDENCE, Alarm
from gateway.audit.alarms.calendar import china_day
from gateway.audit.alarms.conduct import (
    ClockSkew,
    DormantAccount,
    DuplicateRequest,
    Enumeration,
    NoMatch,
    OffHours,
    Volume,
)
from gateway.audit.alarms.detector import Blindness, Detector, Hit, Hits, Surroundings
from gateway.audit.alarms.observed import QUESTIONS, Observed
from gateway.audit.alarms.people import (
    Burst,
    CaseManySubjects,
    DecoyLicence,
    NewOfficials,
    ProtectedPerson,
    SameOfficialSubject,
)
from gateway.audit.alarms.rule import (
    DAY_MS,
    Rule,
    RuleKind,
)
from gateway.audit.alarms.sharing import NoCase, PlainWhereMasked, WideningThenTraffic
from gateway.audit.alarms.words import AlarmKind
from gateway.audit.leaf import LeafDraft, LeafKind

MAX_QUIET: Final = 100_000  # officials, cases, callers … that raised an alarm and are quiet until their block ends
MAX_A_DAY: Final = 100  # alarms of one rule by one caller: so nobody keeps a rule from seeing what others do
LOGGER: Final = logging.getLogger("tongban.alarms")

_ANSWERS: Final = frozenset({LeafKind.ACCESS, LeafKind.MATCH})
_SHOWN: Final = frozenset({LeafKind.ACCESS})
_MAKERS: Final[Mapping[RuleKind, tuple[Callable[[Rule, Surroundings], Detector], frozenset[LeafKind]]]] = (
    MappingProxyType(
        {
            RuleKind.BURST: (Burst, QUESTIONS),
            RuleKind.NEW_OFFICIALS: (NewOfficials, QUESTIONS),
            RuleKind.OFF_HOURS: (OffHours, QUESTIONS),
            RuleKind.NO_CASE: (NoCase, _ANSWERS),
            RuleKind.CASE_MANY_SUBJECTS: (CaseManySubjects, QUESTIONS),
            RuleKind.SAME_OFFICIAL_SUBJECT: (SameOfficialSubject, QUESTIONS),
            RuleKind.ENUMERATION: (Enumeration, QUESTIONS),
            RuleKind.NO_MATCH: (NoMatch, QUESTIONS),
            RuleKind.PLAIN_WHERE_MASKED: (PlainWhereMasked, _SHOWN),
            RuleKind.WIDENING_THEN_TRAFFIC: (WideningThenTraffic, _ANSWERS | {LeafKind.POLICY}),
            RuleKind.DORMANT_ACCOUNT: (DormantAccount, QUESTIONS),
            RuleKind.DUPLICATE_REQUEST: (DuplicateRequest, QUESTIONS),
            RuleKind.CLOCK_SKEW: (ClockSkew, QUESTIONS),
            RuleKind.VOLUME: (Volume, QUESTIONS),
            RuleKind.PROTECTED_PERSON: (ProtectedPerson, QUESTIONS),
            RuleKind.DECOY_LICENCE: (DecoyLicence, QUESTIONS),
        }
    )
)


@dataclass(slots=True, kw_only=True)
class _Working:
    """A rule at work, and how many alarms it raised on one day, by caller."""

    number: int
    rule: Rule
    detector: Detector
    is_held: bool  # to some callers or items
    observe: Callable[[Observed], Hits]  # of the detector
    day: int = -1
    raised: Counter[str] = field(default_factory=Counter)
    suppressed: int = 0


def _work(number: int, rule: Rule, around: Surroundings) -> _Working:
    detector = _MAKERS[rule.kind][0](rule, around)
    is_held = bool(rule.callers or rule.items)
    return _Working(number=number, rule=rule, detector=detector, is_held=is_held, observe=detector.observe)


def _concerns(rule: Rule, leaf: LeafDraft) -> bool:
    """Answer whether a rule looks at this entry; what changes a policy concerns them all."""
    if leaf.kind not in QUESTIONS:
        return True
    return (not rule.callers or leaf.caller in rule.callers) and (not rule.items or leaf.item in rule.items)


class AlarmEngine:
    """Evaluates the rules; for one thread at a time."""

    def __init__(self, rules: Sequence[Rule], around: Surroundings, *, is_limited: bool = True) -> None:
        """Begin without a past.

        Of one rule and caller, ``MAX_A_DAY`` alarms come out on a day, and one more that stands for all further ones;
        without the limit those come out too (BEYOND).
        """
        self._around = around
        self._is_limited = is_limited
        self._working = [_work(number, rule, around) for number, rule in enumerate(rules)]
        self._by_kind = {
            kind: tuple(one for one in self._working if kind in _MAKERS[one.rule.kind][1]) for kind in LeafKind
        }
        self._quiet: OrderedDict[tuple[int, Hashable], int] = OrderedDict()
        self._forgotten = 0

    @property
    def span_ms(self) -> int:
        """For how long an entry can matter: what has to be read again before the rules see all that they look at."""
        return max((one.rule.span_ms for one in self._working), default=0)

    @property
    def quiet_ms(self) -> int:
        """For how long an alarm can keep a rule quiet."""
        return max((one.rule.quiet_days for one in self._working), default=0) * DAY_MS

    def observe(self, entries: Iterable[Observed]) -> list[Alarm]:
        """Take the next entries of the log, and return the alarms that they raise, in order."""
        alarms: list[Alarm] = []
        for entry in entries:
            for one in self._by_kind[entry.leaf.kind]:
                if one.is_held and not _concerns(one.rule, entry.leaf):
                    continue
                try:
                    for hit in one.observe(entry):
                        alarms += self._raise(one, hit, entry)
                except Exception:  # whatever nobody foresaw must neither end the watch nor hide what others find
                    hit = Hit((AlarmKind.FAILED, entry.leaf.caller), (entry.place,))
                    failed = self._raise(one, hit, entry, AlarmKind.FAILED)
                    if failed:  # a rule sees marks and codes alone, so the text names nobody
                        LOGGER.exception("rule %s failed at entry %s:%d", one.rule.id, *entry.place)
                    alarms += failed
        return alarms

    def lost(self) -> Mapping[str, int]:
        """Return by rule how much was forgotten before its time, and under "" how many that were to be quiet."""
        lost = Counter({one.rule.id: one.detector.lost() for one in self._working})
        lost[""] = self._forgotten
        return lost

    def suppressed(self) -> Mapping[str, int]:
        """Return by rule how many alarms were more than one caller may raise on a day."""
        return {one.rule.id: one.suppressed for one in self._working}

    def blind(self) -> frozenset[Blindness]:
        """Return what could not be judged for want of a calendar or a policy bundle."""
        return self._around.blind.found

    def _raise(self, one: _Working, hit: Hit, entry: Observed, kind: AlarmKind = AlarmKind.FOUND) -> Sequence[Alarm]:
        """Return the alarm of a hit, unless the rule is quiet about its key; and make it so."""
        day, caller = china_day(entry.t), entry.leaf.caller
        block, place = day // one.rule.quiet_days, (one.number, hit.key)
        if self._quiet.get(place) == block:
            return ()
        if one.day != day:
            one.day, one.raised = day, Counter()
        one.raised[caller] += 1
        is_beyond = one.raised[caller] > MAX_A_DAY
        alarms: list[Alarm] = []
        if is_beyond:
            one.suppressed += 1
            if one.raised[caller] == MAX_A_DAY + 1:
                alarms.append(_alarm(one.rule, AlarmKind.SUPPRESSED, entry, Hit(caller, (entry.place,))))
            if self._is_limited:
                return alarms
        alarms.append(_alarm(one.rule, AlarmKind.BEYOND if is_beyond else kind, entry, hit))
        self._quiet[place] = block
        self._quiet.move_to_end(place)
        if len(self._quiet) > MAX_QUIET:
            self._quiet.popitem(last=False)
            self._forgotten += 1
        return alarms


def _alarm(rule: Rule, kind: AlarmKind, entry: Observed, hit: Hit) -> Alarm:
    shared = frozenset(hit.shared)
    places = tuple(sorted(shared.union(hit.evidence)))[-MAX_EVIDENCE:]
    return Alarm(rule=rule.id, severity=rule.severity, kind=kind, t=entry.t, evidence=places, shared=shared)
