"""An entry as the rules see it: the same on arrival and over history, and no name in it."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.alarms.observed import ObservationKey, Observed, Place, Step
from gateway.audit.entry import EntryDraft
from gateway.audit.leaf import encode_leaf, parse_leaf
from gateway.audit.private import (
    DATA_KEY_SIZE,
    DataKey,
    KeyNumber,
    OpenedPart,
    open_private,
    seal_private,
    split_private,
)
from gateway.decision import make_decision_id
from tests.support.alarms import FACTS, KEY, MONDAY, SHARD, activate, ask, observe

PLACE = Place(SHARD, 3)
NUMBER = "11010519491231002X"
OWNER = DataKey(number=KeyNumber(7), key=b"k" * DATA_KEY_SIZE)


def reopened(draft: EntryDraft, *, erased: str = "") -> OpenedPart:
    """Return the private part as it is opened again."""
    assert draft.private is not None
    other = DataKey(number=KeyNumber(8), key=b"l" * DATA_KEY_SIZE)
    sealed = seal_private(draft.private, entry=3, subjects=[OWNER], official=other)
    keys = {OWNER.number: OWNER.key, other.number: other.key}
    if erased:
        del keys[OWNER.number if erased == "subject" else other.number]
    return open_private(split_private(sealed), entry=3, keys=keys)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\n"), max_size=20)


said = st.fixed_dictionaries(
    {
        "official": texts,
        "subjects": st.lists(texts.filter(bool), max_size=4, unique=True).map(tuple),
        "case": texts,
        "licence": st.lists(texts.filter(bool), max_size=2).map("\n".join),
        "context": st.lists(texts, max_size=12).filter(lambda values: values != [""]).map(tuple),
    }
)


@given(said=said, t=st.integers(MONDAY, MONDAY + 10**9))
def test_both_ways_are_equal(said: dict[str, Any], t: int) -> None:
    """An entry is seen on arrival exactly as it is seen when it is read from the log."""
    draft = ask(1, MONDAY, **said)
    leaf = parse_leaf(encode_leaf(draft.leaf, t=t, seq=1))
    arrived = KEY.observe_draft(draft, place=PLACE, t=t)
    assert KEY.observe_entry(leaf, reopened(draft), place=PLACE) == arrived
    assert arrived.is_whole


def test_entries_without_a_private_part_are_equal_too() -> None:
    """A policy's entry, and a question without a private part, are whole."""
    for draft in (activate(MONDAY, policy="new", previous="old"), dataclasses.replace(ask(1, MONDAY), private=None)):
        leaf = parse_leaf(encode_leaf(draft.leaf, t=MONDAY, seq=1))
        assert KEY.observe_entry(leaf, None, place=PLACE) == KEY.observe_draft(draft, place=PLACE, t=MONDAY)


def test_nobody_is_named() -> None:
    """No number, name, case or licence stands in what rules see, and no digits of them; another key sees others."""
    draft = ask(1, MONDAY, official="王某", subjects=(NUMBER,), case="2026-000123", licence="370000123456")
    seen = KEY.observe_draft(draft, place=PLACE, t=MONDAY)
    told = repr(seen)
    for said in ("王某", NUMBER, NUMBER[:17], "2026-000123", "370000123456", "123456", "request-1"):
        assert said not in told
    other = ObservationKey(b"q" * 32).observe_draft(draft, place=PLACE, t=MONDAY)
    assert {seen.official, *seen.subjects, seen.case, *seen.licences}.isdisjoint(
        {other.official, *other.subjects, other.case, *other.licences}
    )


def test_one_official_however_typed() -> None:
    """Another spelling of an official or a case is no other one to a rule; another organisation's is."""

    def seen(official: str, case: str, **leaf: str) -> Observed:
        draft = ask(1, MONDAY, official=official, case=case)
        draft = dataclasses.replace(draft, leaf=dataclasses.replace(draft.leaf, **leaf))
        return KEY.observe_draft(draft, place=PLACE, t=MONDAY)

    first = seen("W-3701", "BJ-1")
    for official, case in (("w-3701", "bj-1"), ("Ｗ\u20113701", "BJ\u22121"), ("W-3701\u200b", " BJ-1")):
        assert (seen(official, case).official, seen(official, case).case) == (first.official, first.case)
    assert seen("W-3702", "BJ-2").official != first.official
    assert seen("W-3702", "BJ-2").case != first.case
    other = seen("W-3701", "BJ-1", org="OTHER")
    assert other.case != first.case
    assert other.official != first.official
    assert seen("-", "-").asker == "hall"
    assert first.asker == first.official


def test_steps() -> None:
    """Numbers that differ by some differ by as much in their places; other lengths and stems are other series."""

    def step(number: str) -> Step:
        [seen] = observe([(MONDAY, ask(1, MONDAY, licence=number, subjects=()))])
        return seen.steps[0]

    first, next_one, wide = step("A-0998"), step("A-1001"), step("123456789012345")
    assert (first.series, (next_one.place - first.place) % 2**64) == (next_one.series, 3)
    assert step("123456789012355").series == wide.series
    assert step("123456789012355").place == (wide.place + 10) % 2**64
    assert len({step(one).series for one in ("A-0998", "B-0998", "A-00998", "0998")}) == 4
    assert observe([(MONDAY, ask(1, MONDAY, licence="A", subjects=()))])[0].steps == ()
    assert len(observe([(MONDAY, ask(1, MONDAY, licence="A1", subjects=("B2",)))])[0].steps) == 2
    assert len(observe([(MONDAY, ask(1, MONDAY, licence="A1", subjects=("B2", "B3")))])[0].steps) == 1


@given(at=st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)), held=st.integers(0, 10**6))  # noqa: DTZ001 - as hypothesis takes them
def test_the_time_of_a_decision(at: datetime, held: int) -> None:
    """The time in a decision's id is read to the millisecond."""
    made = at.replace(tzinfo=UTC)
    ms = int(made.timestamp() * 1000)
    draft = ask(1, MONDAY, req=make_decision_id(made))
    assert KEY.observe_draft(draft, place=PLACE, t=ms + held).held_ms == held


def test_other_ids_and_no_token_time_are_not_known() -> None:
    """An id that is no decision's tells no time, and neither does a context without the token's time."""
    [seen] = observe([(MONDAY, ask(1, MONDAY, req="another-id"))])
    assert (seen.held_ms, seen.ahead_ms) == (None, None)
    for value in ("iat=", "iat=x", "iat=1790000000000000", "xiat=1790000000"):
        [seen] = observe([(MONDAY, ask(1, MONDAY, context=(*FACTS, value, "r")))])
        assert seen.ahead_ms is None


def test_facts() -> None:
    """The caller's kind and the licence type are those that the policy decided by; without one there are none."""
    [seen] = observe([(MONDAY, ask(1, MONDAY))])
    assert (seen.caller_kind, seen.licence_type) == ("counter", "l1")
    [seen] = observe([(MONDAY, ask(1, MONDAY, context=("request",)))])
    assert (seen.caller_kind, seen.licence_type) == ("", "")
    assert seen.request


def test_what_was_erased_or_changed_is_not_whole() -> None:
    """Where a part is gone, what is absent says nothing; the other part is seen as before."""
    draft = ask(1, MONDAY)
    leaf = parse_leaf(encode_leaf(draft.leaf, t=MONDAY, seq=1))
    arrived = KEY.observe_draft(draft, place=PLACE, t=MONDAY)
    without_subject = KEY.observe_entry(leaf, reopened(draft, erased="subject"), place=PLACE)
    without_official = KEY.observe_entry(leaf, reopened(draft, erased="official"), place=PLACE)
    damaged = KEY.observe_entry(leaf, None, place=PLACE, is_damaged=True)
    assert not any(one.is_whole for one in (without_subject, without_official, damaged))
    assert (without_subject.official, without_subject.subjects) == (arrived.official, ())
    assert (without_official.official, without_official.subjects) == (b"", arrived.subjects)
    assert damaged.held_ms == 0
