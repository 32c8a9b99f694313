"""What an entry says where only auditors read it: one text in the values of its private part.

The leaf commits to the text, also to an empty one. So it says no more than any other leaf, and whoever has the database
can neither take away nor change what was said, without that showing.
"""

from dataclasses import replace
from hashlib import sha256
from typing import Final

from gateway.audit.commitment import is_opened_by
from gateway.audit.entry import MAX_CONTEXT, MAX_PRIVATE_TEXT, EntryDraft, commit_private, make_private
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.lookup import ALARM_RULES, ALARMS, VERDICT
from gateway.audit.private import OpenedPart

MAX_SAID: Final = MAX_CONTEXT * MAX_PRIVATE_TEXT  # bytes of ASCII; of other scripts three bytes of a value may be left

_SAYING: Final = frozenset({ALARMS, VERDICT, ALARM_RULES})


def is_saying(leaf: LeafDraft) -> bool:
    """Answer whether an entry is one of those that say something."""
    return leaf.kind is LeafKind.ADMIN and leaf.more.get("action") in _SAYING


def draft_said(leaf: LeafDraft, text: str) -> EntryDraft:
    """Return the entry of a leaf that says a text; ValueError for one that is too long, or holds a NUL."""
    private = make_private(context=_cut(text), response=sha256(text.encode()).digest())
    return EntryDraft(leaf=replace(leaf, commits=commit_private(private)), private=private)


def read_said(leaf: LeafDraft, opened: OpenedPart) -> str | None:
    """Return what the private part of a leaf says; None where it is not the text that the leaf commits to."""
    text = "".join(opened.part.context)
    digest, commitment = sha256(text.encode()).digest(), leaf.commits.resp
    is_said = commitment is not None and is_opened_by(commitment, salt=opened.part.salts.resp, value=digest)
    return text if is_said else None


def _cut(text: str) -> list[str]:
    """Return a text in pieces that each fit one value; none for ""."""
    pieces: list[str] = []
    data = text.encode()
    while data:
        piece = data[:MAX_PRIVATE_TEXT].decode(errors="ignore")  # a character that is cut through is for the next one
        pieces.append(piece)
        data = data[len(piece.encode()) :]
    return pieces
