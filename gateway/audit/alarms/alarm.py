"""An alarm, and the two entries that the log has about it: that it was raised, and what somebody made of it.

Leaves are shown to callers, and stay for ever. So the entry that tells of alarms, of kind admin with action ``alarms``,
is the same whether it tells of several or of none: which rule, how grave, and the numbers of the entries that show it
stand in its private part, to which it commits in either case. A caller who could read them would learn whose number is
protected and which licence is bait; and side by side they say which entries concern the same person, also when that
person has been forgotten.

A verdict's entry is of kind admin with action ``verdict``, by the auditor who reviewed the alarm; the verdict is its
reason, and its note stands in the private part. It names the alarm by its id, as ``req`` and as target. The id is a
keyed hash of the rule and the evidence: nobody without the key of the alarms can try which entries it is about, and
nobody with it whom, for it does not follow from a person.
"""

import re
import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self, TypeVar

from gateway.audit.alarms.observed import ObservationKey, Place
from gateway.audit.alarms.words import AlarmKind, Severity, Verdict
from gateway.audit.entry import OWN_CALLER, EntryDraft
from gateway.audit.errors import AuditError
from gateway.audit.leaf import Leaf, LeafDraft, LeafKind
from gateway.audit.lookup import ALARMS, VERDICT
from gateway.audit.private import OpenedPart
from gateway.audit.said import MAX_SAID, draft_said, read_said

MAX_EVIDENCE: Final = 202  # entries: what the widest window holds, one more than its rule allows, and one to spare
MAX_NOTE: Final = 500  # characters
RULE_ID_PATTERN: Final = r"[a-z0-9][a-z0-9-]{0,63}"
_TARGET: Final = re.compile(rf"({RULE_ID_PATTERN}):([0-9a-f]{{32}})")
_END: Final = "|"  # behind each alarm but the last
_SHARD_END: Final = ";"
_WORDS: Final = "|".join(Severity), "|".join(kind for kind in AlarmKind if kind is not AlarmKind.BEYOND)
_PLACES: Final = r"[0-9]{4}h[12]:[0-9]{1,16}(?:,[0-9]{1,16})*"
_ALARM: Final = re.compile(
    rf"([0-9a-f]{{32}}) ({RULE_ID_PATTERN}) ({_WORDS[0]}) ({_WORDS[1]}) ([0-9]{{1,16}}) ({_PLACES}(?:;{_PLACES})*)"
)
_NOTE: Final = "note="


class AlarmError(AuditError):
    """This is no alarm, or no verdict; the text quotes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which alarm: the rule that raised it, and its id."""

    rule: str
    id: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``RULE:ID``.

        Raises:
            AlarmError: it is not of this form.

        """
        matched = _TARGET.fullmatch(text)
        if matched is None:
            raise AlarmError("the rule and the id of an alarm were expected")
        return cls(rule=matched[1], id=matched[2])

    def __str__(self) -> str:
        """Spell it, for auditors."""
        return f"{self.rule}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What a rule found at ``t``, the time of the last of the entries that show it.

    ``shared`` are those of the evidence that say nothing about who is concerned, such as a change of policy.
    """

    rule: str
    severity: Severity
    t: int
    evidence: tuple[Place, ...]
    kind: AlarmKind = AlarmKind.FOUND
    shared: frozenset[Place] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedAlarm:
    """An alarm as the log tells of it: number ``number`` in the entry at ``place``, which was written at ``t``.

    ``found_at`` is the time of the last entry of its evidence.
    """

    target: Target
    severity: Severity
    kind: AlarmKind
    place: Place
    number: int
    t: int
    found_at: int
    evidence: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenVerdict:
    """A verdict about the alarm of an id, as the log tells of it."""

    id: str
    verdict: Verdict
    caller: str
    place: Place
    t: int
    note: str


_Word = TypeVar("_Word", Severity, Verdict)


def name_alarm(alarm: Alarm, key: ObservationKey) -> Target:
    """Return what an alarm is called: the same rule and evidence are the same alarm."""
    said = [alarm.kind, alarm.rule, *(f"{place.shard}:{place.entry}" for place in alarm.evidence)]
    return Target(rule=alarm.rule, id=key.name("\n".join(said)))


def draft_alarms(alarms: Iterable[Alarm], key: ObservationKey) -> tuple[EntryDraft, int]:
    """Return the entry that tells of alarms, and of how many: the first ones that fit it. It may be none.

    About a hundred with one entry of evidence fit, and two with the most.
    """
    text, count = "", 0
    for alarm in alarms:
        said = f"{text}{_END if text else ''}{_spell(alarm, key)}"
        if len(said) > MAX_SAID:
            break
        text, count = said, count + 1
    leaf = LeafDraft(
        kind=LeafKind.ADMIN,
        req=secrets.token_hex(16),
        caller=OWN_CALLER,
        more={"action": ALARMS, "target": "log"},
    )
    return draft_said(leaf, text), count


def draft_verdict(target: Target, verdict: Verdict, *, caller: str, org: str, note: str) -> EntryDraft:
    """Return the entry of a verdict.

    Raises:
        AlarmError: the note is too long, or holds a NUL.

    """
    if len(note) > MAX_NOTE:
        raise AlarmError(f"a note of up to {MAX_NOTE} characters was expected")
    leaf = LeafDraft(
        kind=LeafKind.ADMIN,
        req=target.id,
        caller=caller,
        org=org,
        reasons=(verdict.value,),
        more={"action": VERDICT, "target": target.id},
    )
    try:
        return draft_said(leaf, _NOTE + note)
    except ValueError as error:
        raise AlarmError("a note without NUL was expected") from error


def parse_alarms(leaf: Leaf, opened: OpenedPart | None, place: Place) -> tuple[RaisedAlarm, ...]:
    """Read an entry of the log; none where it tells of none, or its private part is gone.

    Raises:
        AlarmError: it says that it tells of alarms, and is not of the form.

    """
    if leaf.content.kind is not LeafKind.ADMIN or leaf.content.more.get("action") != ALARMS:
        return ()
    if opened is None or opened.subject_erased:
        return ()
    text = read_said(leaf.content, opened)
    if text is None:
        raise AlarmError("what the leaf commits to was expected")
    return tuple([_parse(one, leaf, place, number) for number, one in enumerate(text.split(_END))]) if text else ()


def parse_verdict(leaf: Leaf, opened: OpenedPart | None, place: Place) -> GivenVerdict | None:
    """Read an entry of the log; None where it is no verdict; raises AlarmError as `parse_alarms` does."""
    content = leaf.content
    if content.kind is not LeafKind.ADMIN or content.more.get("action") != VERDICT:
        return None
    if content.more.get("target") != content.req or len(content.reasons) != 1:
        raise AlarmError("a verdict with the id of its alarm was expected")
    said = None if opened is None else read_said(content, opened)
    return GivenVerdict(
        id=content.req,
        verdict=_read_word(content.reasons[0], Verdict),
        caller=content.caller,
        place=place,
        t=leaf.t,
        note="" if said is None else said.removeprefix(_NOTE),
    )


def _read_word(text: str, words: type[_Word]) -> _Word:
    try:
        return words(text)
    except ValueError as error:
        raise AlarmError("a severity or a verdict was expected") from error


def _spell(alarm: Alarm, key: ObservationKey) -> str:
    """Spell an alarm, with its evidence by shard; the entries that came last are kept where all are too many."""
    by_shard: defaultdict[str, list[str]] = defaultdict(list)
    for place in alarm.evidence[-MAX_EVIDENCE:]:
        by_shard[place.shard].append(str(place.entry))
    evidence = _SHARD_END.join(f"{shard}:{','.join(numbers)}" for shard, numbers in by_shard.items())
    return f"{name_alarm(alarm, key).id} {alarm.rule} {alarm.severity} {alarm.kind} {alarm.t} {evidence}"


def _parse(text: str, leaf: Leaf, place: Place, number: int) -> RaisedAlarm:
    matched = _ALARM.fullmatch(text)
    if matched is None:
        raise AlarmError("an alarm with its evidence was expected")
    name, rule, severity, kind, found_at, evidence = matched.groups()
    by_shard = [one.split(":") for one in evidence.split(_SHARD_END)]
    return RaisedAlarm(
        target=Target(rule=rule, id=name),
        severity=_read_word(severity, Severity),
        kind=AlarmKind(kind),
        place=place,
        number=number,
        t=leaf.t,
        found_at=int(found_at),
        evidence=tuple([Place(shard, int(entry)) for shard, entries in by_shard for entry in entries.split(",")]),
    )
