"""The rules of a site at work: entries go in, in their order, and alarms come out.

What comes out follows from the entries alone: the same entries in the same order give the same alarms, in whatever
pieces they come. Everything that is remembered has a bound, and what was forgotten at a bound is counted.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gateway.audit.alarms.alarm import (
    MAX_EVIDENCE,
    Alarm,
)
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
from gateway.audit.alarms.detector import Blindness, Detector, Hits, Surroundings
from gateway.audit.alarms.observed import QUESTIONS, Observed
from gateway.audit.alarms.people import Burst, CaseManySubjects, DecoyLicence, ProtectedPerson, SameOfficialSubject
from gateway.audit.alarms.rule import (
    Rule,
    RuleKind,
)
from gateway.audit.alarms.sharing import NoCase, PlainWhereMasked, WideningThenTraffic
from gateway.audit.leaf import LeafDraft, LeafKind

MAX_QUIET: Final = 100_000  # officials, cases, callers … that raised an alarm and are quiet until their block ends
MAX_A_DAY: Final = 500  # alarms of one rule; nobody reviews more, and each is an entry

_ANSWERS: Final = frozenset({LeafKind.ACCESS, LeafKind.MATCH})
_SHOWN: Final = frozenset({LeafKind.ACCESS})
_MAKERS: Final[Mapping[RuleKind, tuple[Callable[[Rule, Surroundings], Detector], frozenset[LeafKind]]]] = (
    MappingProxyType(
        {
            RuleKind.BURST: (Burst, QUESTIONS),
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
    """A rule at work, and how many alarms it raised on one day."""

    number: int
    rule: Rule
    detector: Detector
    is_held: bool  # to some callers or items
    observe: Callable[[Observed], Hits]  # of the detector
    day: int = -1
    raised: int = 0
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

    def __init__(self, rules: Sequence[Rule], around: Surroundings) -> None:
        """Begin without a past."""
        self._around = around
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

    def observe(self, entries: Iterable[Observed]) -> list[Alarm]:
        """Take the next entries of the log, and return the alarms that they raise, in order."""
        alarms: list[Alarm] = []
        for entry in entries:
            for one in self._by_kind[entry.leaf.kind]:
                if one.is_held and not _concerns(one.rule, entry.leaf):
                    continue
                for hit in one.observe(entry):
                    if self._may_raise(one, hit.key, entry.t):
                        rule, evidence = one.rule, tuple(sorted(set(hit.evidence)))[-MAX_EVIDENCE:]
                        alarms.append(Alarm(rule=rule.id, severity=rule.severity, t=entry.t, evidence=evidence))
        return alarms

    def lost(self) -> Mapping[str, int]:
        """Return by rule how much was forgotten before its time, and under "" how many that were to be quiet."""
        lost = Counter({one.rule.id: one.detector.lost() for one in self._working})
        lost[""] = self._forgotten
        return lost

    def suppressed(self) -> Mapping[str, int]:
        """Return by rule how many alarms were more than a day takes."""
        return {one.rule.id: one.suppressed for one in self._working}

    def blind(self) -> frozenset[Blindness]:
        """Return what could not be judged for want of a calendar or a policy bundle."""
        return self._around.blind.found

    def _may_raise(self, one: _Working, key: Hashable, t: int) -> bool:
        """Answer whether the rule is not quiet about this key, and make it so."""
        day = china_day(t)
        block, place = day // one.rule.quiet_days, (one.number, key)
        if self._quiet.get(place) == block:
            return False
        if one.day != day:
            one.day, one.raised = day, 0
        if one.raised >= MAX_A_DAY:
            one.suppressed += 1
            return False
        one.raised += 1
        self._quiet[place] = block
        self._quiet.move_to_end(place)
        if len(self._quiet) > MAX_QUIET:
            self._quiet.popitem(last=False)
            self._forgotten += 1
        return True
