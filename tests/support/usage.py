"""Entries about holders, as questions leave them, and what a holder is shown of one."""

from collections.abc import Sequence
from typing import Any

from gateway.audit.entry import EntryDraft, SubjectId, commit_private, make_private
from gateway.audit.leaf import Leaf, LeafDraft, LeafKind
from gateway.audit.search.usage import Usage
from tests.support.policy import REAL_ESTATE
from tests.support.sharing import ADULT, in_force

POLICY = in_force()
OFFICIAL = "3701000042"
LICENCE = "ID-0001"
# address, birth_date, holder_id, holder_name, photo, status
ID_CARD_FORM = "-gcm-p"


def facts(licence: str = "id-card", item: str = REAL_ESTATE) -> tuple[str, ...]:
    """Return what a policy decides by, and the request id."""
    return (item, "counter", "own", licence, "active", "person", "adult", "statutory", "valid", "request-1")


def make_access(
    *subjects: str, context: Sequence[str] | None = None, licence: str = LICENCE, req: str = "DECISION", **changes: Any
) -> EntryDraft:
    """Return the entry of an answer about these holders, except for the changes of its leaf."""
    private = make_private(
        subjects=[SubjectId(subject) for subject in subjects or (ADULT,)],
        official=OFFICIAL,
        case="BDC20260001",
        licence=licence,
        context=facts() if context is None else context,
    )
    values: dict[str, Any] = {
        "kind": LeafKind.ACCESS,
        "req": req,
        "caller": "service-hall",
        "org": "11370000000000000X",
        "item": REAL_ESTATE,
        "purpose": "real-estate",
        "form": ID_CARD_FORM,
        "plan": "p1",
        "policy": POLICY.digest,
        "outcome": "valid",
    }
    leaf = LeafDraft(**values | changes, commits=commit_private(private))
    return EntryDraft(leaf=leaf, private=private)


def make_refusal(*subjects: str, reason: str = "budget.exceeded") -> EntryDraft:
    """Return the entry of a question that was not answered."""
    nothing = {"form": "", "plan": "", "policy": "", "outcome": "refused"}
    return make_access(*subjects, context=("request-1",), kind=LeafKind.DENY, reasons=(reason,), **nothing)


def make_use(draft: EntryDraft, *, is_damaged: bool = False) -> Usage:
    """Return an entry as a search finds it."""
    context = () if draft.private is None or is_damaged else draft.private.context
    leaf = Leaf(content=draft.leaf, t=1_790_000_000_000, seq=1)
    return Usage(shard="2026h2", origin="log", index=0, data=b"", leaf=leaf, facts=context, is_damaged=is_damaged)
