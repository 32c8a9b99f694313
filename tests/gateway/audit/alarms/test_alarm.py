"""Alarms and verdicts as entries: what is written is read, a leaf tells nothing of them, garbage is refused."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.alarms.alarm import (
    MAX_EVIDENCE,
    MAX_NOTE,
    Alarm,
    AlarmError,
    Target,
    draft_alarms,
    draft_verdict,
    name_alarm,
    parse_alarms,
    parse_verdict,
)
from gateway.audit.alarms.observed import ObservationKey, Place
from gateway.audit.alarms.register import match_alarms
from gateway.audit.alarms.words import AlarmKind, Severity, Verdict
from gateway.audit.entry import MAX_PRIVATE_TEXT, EntryDraft
from gateway.audit.leaf import NO_COMMITS, Commits, Leaf, encode_leaf, parse_leaf
from gateway.audit.private import OpenedPart
from gateway.audit.said import draft_said
from tests.support.alarms import DAY, KEY, MONDAY

places = st.lists(
    st.builds(Place, st.sampled_from(["2026h1", "2026h2", "2027h1"]), st.integers(0, 2**50)),
    min_size=1,
    max_size=MAX_EVIDENCE,
    unique=True,
).map(lambda found: tuple(sorted(found)))
HERE = Place("2026h2", 9)
ALARM = Alarm(rule="burst", severity=Severity.HIGH, t=MONDAY, evidence=(Place("2026h2", 7), HERE))
TARGET = name_alarm(ALARM, KEY)


def written(draft: EntryDraft) -> tuple[Leaf, OpenedPart]:
    """Return an entry as it is read again."""
    assert draft.private is not None
    assert all(len(value) <= MAX_PRIVATE_TEXT for value in draft.private.context)
    leaf = parse_leaf(encode_leaf(draft.leaf, t=MONDAY + 5, seq=1))
    return leaf, OpenedPart(part=draft.private, subject_erased=False, official_erased=False)


@given(
    said=st.lists(
        st.builds(
            replace,
            st.just(ALARM),
            evidence=places,
            t=st.integers(0, 2**50),
            severity=st.sampled_from(Severity),
            kind=st.sampled_from([AlarmKind.FOUND, AlarmKind.SUPPRESSED, AlarmKind.FAILED]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_alarms_are_read_as_they_were_written(said: list[Alarm]) -> None:
    """Rule, severity, kind, time and every entry come back; what does not fit one entry is for the next."""
    found: list[tuple[object, ...]] = []
    waiting = list(said)
    while waiting:
        draft, count = draft_alarms(waiting, KEY)
        told = parse_alarms(*written(draft), HERE)
        assert [one.number for one in told] == list(range(count))
        found += [(one.target, one.severity, one.kind, one.found_at, set(one.evidence)) for one in told]
        assert None not in match_alarms(waiting[:count], told, KEY)
        waiting = waiting[count:]
    assert found == [(name_alarm(one, KEY), one.severity, one.kind, one.t, set(one.evidence)) for one in said]


def test_many_small_alarms_fit_one_entry() -> None:
    """As many alarms as auditors review in an hour go into one entry."""
    _, count = draft_alarms([replace(ALARM, rule="decoy-licence", evidence=(HERE,))] * 200, KEY)
    assert 70 < count < 200


def test_a_leaf_tells_nothing_of_alarms() -> None:
    """The leaf is the same but for its random id, whether an entry tells of one alarm, of others, or of none."""
    others = [replace(ALARM, rule="decoy-licence", severity=Severity.LOW), ALARM]
    leaves = [draft_alarms(said, KEY)[0].leaf for said in ([], [ALARM], others, [ALARM])]
    assert len({one.req for one in leaves}) == 4
    assert len({one.commits.resp for one in leaves}) == 4
    assert {one.commits for one in leaves} == {Commits(resp=one.commits.resp) for one in leaves}
    assert len({repr(replace(one, req="any", commits=NO_COMMITS)) for one in leaves}) == 1
    assert parse_alarms(parse_leaf(encode_leaf(leaves[0], t=MONDAY, seq=1)), None, HERE) == ()


@pytest.mark.parametrize("said", [[], [ALARM]])
def test_a_leaf_commits_to_what_is_said(said: list[Alarm]) -> None:
    """Another text than the one that was written is refused, also in place of none, and with its own digest."""
    leaf, opened = written(draft_alarms(said, KEY)[0])
    assert len(parse_alarms(leaf, opened, HERE)) == len(said)
    _, other = written(draft_alarms([replace(ALARM, severity=Severity.LOW)], KEY)[0])
    resealed = replace(opened, part=replace(opened.part, context=other.part.context, response=other.part.response))
    for changed in (other, resealed, replace(opened, part=replace(opened.part, context=("x",)))):
        with pytest.raises(AlarmError):
            parse_alarms(leaf, changed, HERE)
    leaf, opened = written(draft_verdict(TARGET, Verdict.JUSTIFIED, caller="a", org="", note="seen"))
    assert leaf.content.commits.resp is not None
    found = parse_verdict(leaf, replace(opened, part=replace(opened.part, context=("note=other",))), HERE)
    assert found is not None
    assert (found.verdict, found.note) == (Verdict.JUSTIFIED, "")


def test_nobody_tries_what_an_alarm_is_about() -> None:
    """The id in a verdict's leaf cannot be had from the rule and the entries without the key of the alarms."""
    said = [f"{rule}\n{where}" for rule in ("burst", "found\nburst") for where in ("2026h2:7\n2026h2:9", "2026h2:9")]
    plain = {sha256(head + one.encode()).hexdigest()[:32] for head in (b"", b"tongban alarm\n") for one in said}
    leaf = draft_verdict(TARGET, Verdict.JUSTIFIED, caller="auditor", org="", note="").leaf
    assert leaf.req not in plain
    assert name_alarm(ALARM, ObservationKey(b"q" * 32)) != TARGET
    assert "burst" not in repr(leaf)


def test_the_name_follows_from_the_evidence() -> None:
    """The same rule and entries are the same alarm, whatever else is; other ones are another."""
    assert name_alarm(replace(ALARM, severity=Severity.LOW, t=0), KEY) == TARGET
    others = [
        replace(ALARM, rule="b"),
        replace(ALARM, kind=AlarmKind.FAILED),
        replace(ALARM, evidence=(HERE,)),
        replace(ALARM, evidence=(Place("2026h1", 7), HERE)),
    ]
    assert len({TARGET, *(name_alarm(one, KEY) for one in others)}) == 5
    assert Target.parse(str(TARGET)) == TARGET


def test_an_alarm_that_says_the_same_is_told() -> None:
    """The same rule and day about one of the same entries says the same; another day, rule or entry does not."""
    told = parse_alarms(*written(draft_alarms([ALARM], KEY)[0]), HERE)

    def match(**changes: Any) -> bool:
        return match_alarms([replace(ALARM, **changes)], told, KEY) == list(told)

    assert match(evidence=(Place("2026h2", 3), Place("2026h2", 7)))
    assert not match(evidence=(Place("2026h2", 7),), t=MONDAY + DAY)
    assert not match(rule="other")
    assert not match(evidence=(Place("2026h2", 3),))
    assert not match(evidence=(Place("2026h2", 3), Place("2026h2", 7)), shared=frozenset({Place("2026h2", 7)}))
    assert not match(kind=AlarmKind.SUPPRESSED)
    assert match(t=MONDAY + DAY)  # by its name


def test_an_alarm_is_told_for_one_only() -> None:
    """Of two alarms that show the same entry, each has its own; one that was told stands for no other."""
    other = replace(ALARM, evidence=(Place("2026h2", 7), Place("2026h2", 10)))
    told = parse_alarms(*written(draft_alarms([ALARM], KEY)[0]), HERE)
    assert match_alarms([ALARM, other], told, KEY) == [*told, None]
    assert match_alarms([other, ALARM], told, KEY) == [None, *told]
    assert match_alarms([other, replace(other, evidence=(Place("2026h2", 7),))], told, KEY) == [*told, None]


@given(
    verdict=st.sampled_from(Verdict),
    note=st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=MAX_NOTE),
)
def test_verdicts_are_read_as_they_were_written(verdict: Verdict, note: str) -> None:
    """Verdict, auditor and note come back; the note is in the private part alone."""
    draft = draft_verdict(TARGET, verdict, caller="auditor", org="11370000MB284651XL", note=note)
    found = parse_verdict(*written(draft), HERE)
    assert found is not None
    assert (found.id, found.verdict, found.caller, found.note) == (TARGET.id, verdict, "auditor", note)


@pytest.mark.parametrize("note", ["x" * (MAX_NOTE + 1), "a\0b"])
def test_a_note_has_bounds(note: str) -> None:
    """A note that is too long or holds a NUL is refused."""
    with pytest.raises(AlarmError, match="note"):
        draft_verdict(TARGET, Verdict.JUSTIFIED, caller="a", org="", note=note)


@given(text=st.text(max_size=120))
def test_a_target_is_nothing_else(text: str) -> None:
    """Other texts name no alarm."""
    with pytest.raises(AlarmError):
        Target.parse(text + "!")


@pytest.mark.parametrize(
    "change",
    [
        {"more": {"action": "verdict"}},
        {"more": {"action": "verdict", "target": "burst"}},
        {"req": "another"},
        {"reasons": ()},
        {"reasons": ("justified", "unjustified")},
        {"reasons": ("fine",)},
    ],
)
def test_an_entry_with_our_word_must_be_ours(change: dict[str, object]) -> None:
    """An entry that says it is a verdict, and is not of the form, is refused; other entries are none."""
    leaf, opened = written(draft_verdict(TARGET, Verdict.JUSTIFIED, caller="a", org="", note=""))
    with pytest.raises(AlarmError):
        parse_verdict(replace(leaf, content=replace(leaf.content, **change)), opened, HERE)  # type: ignore[arg-type]  # of a leaf
    other = replace(leaf, content=replace(leaf.content, more={"action": "start", "target": "gateway"}))
    assert parse_verdict(other, opened, HERE) is None
    assert parse_alarms(leaf, opened, HERE) == ()


ID = "0" * 32


@pytest.mark.parametrize(
    "text",
    [
        "x",
        f"{ID} burst high found 1 ",
        f"{ID} burst high found 1 2026h2:",
        f"{ID} burst high found 1 2026h2:1,",
        f"{ID} burst urgent found 1 2026h2:1",
        f"{ID} burst high beyond 1 2026h2:1",
        f"{ID} burst high found x 2026h2:1",
        f"{ID} burst high found 1 2026h2:1|",
    ],
)
def test_alarms_are_read_strictly(text: str) -> None:
    """What is no alarm is refused; where the private part is gone, there is none."""
    leaf, opened = written(draft_said(draft_alarms([ALARM], KEY)[0].leaf, text))
    with pytest.raises(AlarmError):
        parse_alarms(leaf, opened, HERE)
    assert parse_alarms(leaf, replace(opened, part=replace(opened.part, context=()), subject_erased=True), HERE) == ()
    assert parse_alarms(leaf, None, HERE) == ()
