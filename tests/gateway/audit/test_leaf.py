"""Leaves: one spelling, bounds, and nothing personal."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.leaf import (
    MAX_LEAF,
    MAX_NUMBER,
    MEMBERS,
    Commits,
    LeafDraft,
    LeafError,
    LeafFlaw,
    LeafKind,
    encode_leaf,
    parse_leaf,
)
from tests.support.audit import START_MS, make_draft

FULL = make_draft(1).leaf
LEAST = LeafDraft(kind=LeafKind.ADMIN, req="r", caller="c")
_NUMBERS = {"approvals", "count", "first", "next"}

codes = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), max_size=40)
present = codes.filter(bool)
hashes = st.none() | st.binary(min_size=32, max_size=32)


@st.composite
def drafts(draw: st.DrawFn) -> LeafDraft:
    kind = draw(st.sampled_from(LeafKind))
    more = {
        name: draw(st.integers(0, MAX_NUMBER) if name in _NUMBERS else present)
        for name in draw(st.lists(st.sampled_from(sorted(MEMBERS[kind]) or [""]), unique=True))
        if name
    }
    return LeafDraft(
        kind=kind,
        req=draw(present),
        caller=draw(present),
        **{name: draw(codes) for name in ("org", "partner", "item", "purpose", "form", "plan", "policy", "outcome")},
        commits=Commits(**{name: draw(hashes) for name in ("op", "case", "lic", "subj", "resp")}),
        obligations=tuple(draw(st.lists(present, max_size=3))),
        reasons=tuple(draw(st.lists(present, max_size=3))),
        trust=draw(codes),
        revocation=draw(st.none() | st.integers(0, MAX_NUMBER)),
        more=more,
    )


def changed(**changes: Any) -> bytes:
    """Return the full leaf with other members; None takes one away."""
    members = json.loads(encode_leaf(FULL, t=START_MS, seq=1)) | changes
    kept = {name: value for name, value in members.items() if value is not None}
    return json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()


@given(content=drafts(), t=st.integers(0, MAX_NUMBER), seq=st.integers(1, MAX_NUMBER))
def test_what_is_written_is_read(content: LeafDraft, t: int, seq: int) -> None:
    """Every leaf comes back from its bytes."""
    leaf = parse_leaf(encode_leaf(content, t=t, seq=seq))
    assert (leaf.content, leaf.t, leaf.seq) == (content, t, seq)


def test_members_stand_in_order() -> None:
    """The spelling is that of sorted members without spaces."""
    assert encode_leaf(LEAST, t=5, seq=2) == b'{"caller":"c","kind":"admin","req":"r","seq":2,"t":5,"v":1}'


def test_a_full_leaf_has_about_650_bytes() -> None:
    """The benchmark measures leaves of the size that the design names."""
    assert 600 <= len(encode_leaf(FULL, t=START_MS, seq=1)) <= 800


@given(data=st.binary(max_size=64) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)
       .map(str.encode))  # fmt: skip
def test_garbage_raises_only_our_error(data: bytes) -> None:
    """Bytes that are no leaf are refused."""
    with pytest.raises(LeafError):
        parse_leaf(data)


@given(at=st.integers(0, 600), value=st.integers(0, 255))
def test_a_changed_byte_is_another_leaf_or_none(at: int, value: int) -> None:
    """No two byte strings are the same leaf."""
    data = bytearray(encode_leaf(FULL, t=START_MS, seq=1))
    before = parse_leaf(bytes(data))
    if data[at] == value:
        return
    data[at] = value
    try:
        assert parse_leaf(bytes(data)) != before
    except LeafError:
        pass


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (changed(v=2), LeafFlaw.MEMBER),
        (changed(kind="other"), LeafFlaw.MEMBER),
        (changed(kind=["access"]), LeafFlaw.MEMBER),
        (changed(seq=None), LeafFlaw.MEMBER),
        (changed(req=None), LeafFlaw.MEMBER),
        (changed(name="value"), LeafFlaw.MEMBER),
        (changed(target="x"), LeafFlaw.MEMBER),
        (changed(caller=""), LeafFlaw.MEMBER),
        (changed(reasons="good"), LeafFlaw.MEMBER),
        (changed(reasons=["a"] * 33), LeafFlaw.MEMBER),
        (changed(seq=0), LeafFlaw.NUMBER),
        (changed(t=-1), LeafFlaw.NUMBER),
        (changed(t=1.5), LeafFlaw.NUMBER),
        (changed(seq=True), LeafFlaw.NUMBER),
        (changed(revocation="1"), LeafFlaw.NUMBER),
        (changed(item="a b"), LeafFlaw.TEXT),
        (changed(item="事项"), LeafFlaw.TEXT),
        (changed(item="x" * 129), LeafFlaw.TEXT),
        (changed(item=7), LeafFlaw.TEXT),
        (changed(org="a\nb"), LeafFlaw.TEXT),
        (changed(plan="11010519491231002X"), LeafFlaw.PERSONAL),
        (changed(commits=[]), LeafFlaw.COMMITMENT),
        (changed(commits={"op": "AAAA"}), LeafFlaw.COMMITMENT),
        (changed(commits={"op": 1}), LeafFlaw.COMMITMENT),
        (changed(commits={"who": "A" * 43}), LeafFlaw.COMMITMENT),
        (changed(commits={"op": "A" * 42 + "B"}), LeafFlaw.NOT_CANONICAL),
        (changed(org=""), LeafFlaw.NOT_CANONICAL),
        (changed()[:-1] + b" }", LeafFlaw.NOT_CANONICAL),
        (changed() + b"\n", LeafFlaw.NOT_CANONICAL),
        (b"x" * (MAX_LEAF + 1), LeafFlaw.TOO_LARGE),
    ],
)
def test_one_wrong_thing_is_named(data: bytes, flaw: LeafFlaw) -> None:
    """Each way to be wrong has its flaw."""
    with pytest.raises(LeafError) as caught:
        parse_leaf(data)
    assert caught.value.flaw is flaw


def test_a_leaf_that_is_too_large_is_not_written() -> None:
    """The bound holds for what we write."""
    large = replace(FULL, reasons=("r" * 128,) * 16)
    with pytest.raises(LeafError) as caught:
        encode_leaf(large, t=1, seq=1)
    assert caught.value.flaw is LeafFlaw.TOO_LARGE


def test_a_number_of_an_organisation_is_no_persons() -> None:
    """Credit codes stand in leaves, also in those that look like citizen numbers."""
    assert replace(FULL, org="11370000MB284651XL").org
