"""Rules about what a policy let leave: without a case, in plain where a mask was allowed, soon after it was widened."""

from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.audit.alarms.detector import NOTHING, POLICY, Hit, Hits, Surroundings
from gateway.audit.alarms.observed import QUESTIONS, Observed, Place
from gateway.audit.alarms.policy_facts import PLAIN, Gain, Shape, Widened
from gateway.audit.alarms.rule import (
    Rule,
)
from gateway.audit.leaf import LeafKind
from gateway.audit.verify.chains import ACTIVATE

MAX_ACTIVATIONS: Final = 32  # that are watched at a time; the oldest goes


class NoCase:
    """An answer for an item that demands a case number, without one."""

    def __init__(self, _rule: Rule, around: Surroundings) -> None:
        """Go by the policies."""
        self._policies = around.policies
        self._blind = around.blind

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry; one whose case was erased is not judged."""
        leaf = entry.leaf
        if entry.case or not entry.is_whole or not leaf.policy:
            return NOTHING
        facts = self._policies.facts(leaf.policy)
        if facts is None:
            self._blind.note(POLICY, leaf.policy)
            return NOTHING
        return (Hit((leaf.caller, leaf.item), (entry.place,)),) if leaf.item in facts.with_case else NOTHING

    def lost(self) -> int:
        """Return 0: nothing is remembered."""
        return 0


class PlainWhereMasked:
    """A field left in plain, and the item's ceiling has a form of it that shows less."""

    def __init__(self, _rule: Rule, around: Surroundings) -> None:
        """Go by the policies."""
        self._policies = around.policies
        self._blind = around.blind

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry."""
        leaf = entry.leaf
        if PLAIN not in leaf.form or not entry.licence_type:
            return NOTHING
        facts = self._policies.facts(leaf.policy)
        if facts is None:
            self._blind.note(POLICY, leaf.policy)
            return NOTHING
        shape = Shape(leaf.item, entry.licence_type)
        places = facts.masked.get(shape, frozenset())
        if not any(place < len(leaf.form) and leaf.form[place] == PLAIN for place in places):
            return NOTHING
        return (Hit((leaf.caller, *shape), (entry.place,)),)

    def lost(self) -> int:
        """Return 0: nothing is remembered."""
        return 0


class _Activation(NamedTuple):
    until: int
    place: Place
    widened: Widened
    seen: set[tuple[str, Gain]]  # by which callers; no more than callers times what was widened


class WideningThenTraffic:
    """What a change of policy newly gives was asked for within ``days``; once for each caller and each gain."""

    def __init__(self, rule: Rule, around: Surroundings) -> None:
        """Begin with no change."""
        self._span_ms = rule.span_ms
        self._policies = around.policies
        self._activations: deque[_Activation] = deque()
        self._lost = 0
        self._blind = around.blind

    def observe(self, entry: Observed) -> Hits:
        """Take the next entry, of a policy or of traffic."""
        leaf = entry.leaf
        if leaf.kind is LeafKind.POLICY:
            self._activate(entry)
            return NOTHING
        while self._activations and self._activations[0].until <= entry.t:
            self._activations.popleft()
        if not self._activations or leaf.kind not in QUESTIONS or not entry.licence_type:
            return NOTHING
        gain = Gain(entry.caller_kind, leaf.item, entry.licence_type)
        hits = NOTHING
        for one in self._activations:
            places = one.widened.get(gain)
            if places is None or (leaf.caller, gain) in one.seen or not _shows(leaf.form, places):
                continue
            one.seen.add((leaf.caller, gain))
            hits = (*hits, Hit((one.place, leaf.caller, gain), (entry.place,), shared=(one.place,)))
        return hits

    def lost(self) -> int:
        """Return how many changes were given up before their time."""
        return self._lost

    def _activate(self, entry: Observed) -> None:
        leaf = entry.leaf
        previous = str(leaf.more.get("previous", ""))
        if leaf.more.get("action") != ACTIVATE or previous in {"", leaf.policy}:
            return
        widened = self._policies.widened(previous, leaf.policy)
        if widened is None:
            self._blind.note(POLICY, leaf.policy)
        if not widened:
            return
        if len(self._activations) >= MAX_ACTIVATIONS:
            self._activations.popleft()
            self._lost += 1
        until = entry.t + self._span_ms
        self._activations.append(_Activation(until, entry.place, widened, set()))


def _shows(form: str, places: Mapping[int, frozenset[str]]) -> bool:
    return any(place < len(form) and form[place] in gained for place, gained in places.items())
