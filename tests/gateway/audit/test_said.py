"""Texts in private parts: what is said is read, in any script; what the leaf does not commit to is not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.entry import MAX_PRIVATE_TEXT, EntryDraft
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.private import OpenedPart
from gateway.audit.said import MAX_SAID, draft_said, is_saying, read_said

LEAF = LeafDraft(kind=LeafKind.ADMIN, req="R", caller="tongban", more={"action": "verdict"})
texts = st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=900)


def opened(draft: EntryDraft) -> OpenedPart:
    """Return the private part as it is read again."""
    assert draft.private is not None
    return OpenedPart(part=draft.private, subject_erased=False, official_erased=False)


@given(text=texts)
def test_what_is_said_is_read(text: str) -> None:
    """Every text comes back, in values that fit, and no character is cut through."""
    draft = draft_said(LEAF, text)
    part = opened(draft)
    assert all(0 < len(value.encode()) <= MAX_PRIVATE_TEXT for value in part.part.context)
    assert read_said(draft.leaf, part) == text
    assert draft.leaf.commits.resp is not None


@given(text=texts, other=texts)
def test_only_what_was_committed_to_is_read(text: str, other: str) -> None:
    """The text of another entry is not read in its place, nor any where the leaf commits to none, or salts are gone."""
    draft, changed = draft_said(LEAF, text), draft_said(LEAF, other)
    assert read_said(draft.leaf, opened(changed)) is None
    assert read_said(LEAF, opened(draft)) is None
    mixed = replace(opened(changed).part, salts=opened(draft).part.salts)
    is_same = read_said(draft.leaf, replace(opened(draft), part=mixed)) is not None
    assert is_same == (text == other)


@pytest.mark.parametrize("text", ["x" * (MAX_SAID + 1), "a\0b", "\ud800"])
def test_what_cannot_be_said(text: str) -> None:
    """A text that is too long, holds a NUL or is no Unicode is refused."""
    with pytest.raises(ValueError, match=r"expected|surrogates"):
        draft_said(LEAF, text)


def test_the_longest_text_fits() -> None:
    """As much ASCII as values hold can be said."""
    draft = draft_said(LEAF, "x" * MAX_SAID)
    assert read_said(draft.leaf, opened(draft)) == "x" * MAX_SAID


@pytest.mark.parametrize(("action", "says"), [("alarms", True), ("alarm-rules", True), ("withholding", False)])
def test_which_entries_say_something(action: str, *, says: bool) -> None:
    """Alarms, verdicts and rules of alarms are said; other entries of the kind have no text."""
    assert is_saying(replace(LEAF, more={"action": action})) is says
    assert not is_saying(replace(LEAF, kind=LeafKind.KEY, more={"action": "begin"}))
