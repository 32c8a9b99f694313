"""Alarms and verdicts as entries: what is written is read, nothing personal is in a leaf, garbage is refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.alarms.alarm import (
    MAX_EVIDENCE,
    MAX_NOTE,
    Alarm,
    AlarmError,
    Target,
    draft_alarm,
    draft_verdict,
    parse_alarm,
    parse_verdict,
)
from gateway.audit.alarms.observed import Place
from gateway.audit.alarms.register import ToldAlarms
from gateway.audit.alarms.words import Severity, Verdict
from gateway.audit.entry import EntryDraft
from gateway.audit.leaf import Leaf, encode_leaf, parse_leaf
from gateway.audit.private import OpenedPart
from tests.support.alarms import DAY, MONDAY

places = st.lists(
    st.builds(Place, st.sampled_from(["2026h1", "2026h2", "2027h1"]), st.integers(0, 2**50)),
    min_size=1,
    max_size=MAX_EVIDENCE,
    unique=True,
).map(lambda found: tuple(sorted(found)))
HERE = Place("2026h2", 9)
ALARM = Alarm(rule="burst", severity=Severity.HIGH, t=MONDAY, evidence=(Place("2026h2", 7), HERE))


def written(draft: EntryDraft) -> tuple[Leaf, OpenedPart]:
    """Return an entry as it is read again."""
    assert draft.private is not None
    leaf = parse_leaf(encode_leaf(draft.leaf, t=MONDAY + 5, seq=1))
    return leaf, OpenedPart(part=draft.private, subject_erased=False, official_erased=False)


@given(evidence=places, t=st.integers(0, 2**50))
def test_alarms_are_read_as_they_were_written(evidence: tuple[Place, ...], t: int) -> None:
    """Rule, severity, time and every entry come back; the leaf names no entry."""
    alarm = replace(ALARM, evidence=evidence, t=t)
    leaf, opened = written(draft_alarm(alarm))
    found = parse_alarm(leaf, opened, HERE)
    assert found is not None
    assert (found.target, found.severity, found.found_at) == (alarm.target, Severity.HIGH, t)
    assert set(found.evidence) == set(evidence)
    assert set(leaf.content.more) == {"action", "target"}
    assert ToldAlarms([found]).find(alarm) == found


def test_the_name_follows_from_the_evidence() -> None:
    """The same rule and entries are the same alarm, whatever else is; other ones are another."""
    assert ALARM.target == replace(ALARM, severity=Severity.LOW, t=0).target
    others = [
        replace(ALARM, rule="b"),
        replace(ALARM, evidence=(HERE,)),
        replace(ALARM, evidence=(Place("2026h1", 7), HERE)),
    ]
    assert len({ALARM.target, *(one.target for one in others)}) == 4
    assert Target.parse(str(ALARM.target)) == ALARM.target


def test_an_alarm_that_says_the_same_is_told() -> None:
    """The same rule and day about one of the same entries says the same; another day, rule or entry does not."""
    leaf, opened = written(draft_alarm(ALARM))
    found = parse_alarm(leaf, opened, HERE)
    assert found is not None
    told = ToldAlarms([found])
    assert told.find(replace(ALARM, evidence=(Place("2026h2", 3), Place("2026h2", 7)))) == found
    assert told.find(replace(ALARM, evidence=(Place("2026h2", 7),), t=MONDAY + DAY)) is None
    assert told.find(replace(ALARM, rule="other")) is None
    assert told.find(replace(ALARM, evidence=(Place("2026h2", 3),))) is None
    assert told.find(replace(ALARM, t=MONDAY + DAY)) == found  # by its name


@given(
    verdict=st.sampled_from(Verdict),
    note=st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=MAX_NOTE),
)
def test_verdicts_are_read_as_they_were_written(verdict: Verdict, note: str) -> None:
    """Verdict, auditor and note come back; the note is in the private part alone."""
    draft = draft_verdict(ALARM.target, verdict, caller="auditor", org="11370000MB284651XL", note=note)
    found = parse_verdict(*written(draft), HERE)
    assert found is not None
    assert (found.target, found.verdict, found.caller, found.note) == (ALARM.target, verdict, "auditor", note)
    assert draft.leaf.req == ALARM.target.id


@pytest.mark.parametrize("note", ["x" * (MAX_NOTE + 1), "a\0b"])
def test_a_note_has_bounds(note: str) -> None:
    """A note that is too long or holds a NUL is refused."""
    with pytest.raises(AlarmError, match="note"):
        draft_verdict(ALARM.target, Verdict.JUSTIFIED, caller="a", org="", note=note)


@given(text=st.text(max_size=120))
def test_a_target_is_nothing_else(text: str) -> None:
    """Other texts name no alarm."""
    with pytest.raises(AlarmError):
        Target.parse(text + "!")


@pytest.mark.parametrize(
    "change",
    [
        {"more": {"action": "alarm"}},
        {"more": {"action": "alarm", "target": "burst"}},
        {"req": "another"},
        {"reasons": ()},
        {"reasons": ("high", "low")},
        {"reasons": ("urgent",)},
    ],
)
def test_an_entry_with_our_word_must_be_ours(change: dict[str, object]) -> None:
    """An entry that says it is an alarm, and is not of the form, is refused; other entries are none."""
    leaf, opened = written(draft_alarm(ALARM))
    with pytest.raises(AlarmError):
        parse_alarm(replace(leaf, content=replace(leaf.content, **change)), opened, HERE)  # type: ignore[arg-type]  # of a leaf
    other = replace(leaf, content=replace(leaf.content, more={"action": "start", "target": "gateway"}))
    assert parse_alarm(other, opened, HERE) is None
    assert parse_verdict(leaf, opened, HERE) is None


@pytest.mark.parametrize(
    "context", [("at=x",), ("evidence=2026h2:1",), ("at=1", "evidence=2026h2:"), ("at=1", "note=")]
)
def test_evidence_is_strict(context: tuple[str, ...]) -> None:
    """What is no evidence is refused; where it was erased, there is none."""
    leaf, opened = written(draft_alarm(ALARM))
    with pytest.raises(AlarmError):
        parse_alarm(leaf, replace(opened, part=replace(opened.part, context=context)), HERE)
    erased = parse_alarm(leaf, replace(opened, part=replace(opened.part, context=()), subject_erased=True), HERE)
    assert erased is not None
    assert (erased.found_at, erased.evidence) == (None, ())
    assert ToldAlarms([erased]).find(ALARM) == erased
