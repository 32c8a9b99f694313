"""What the access log says of a change to the licence store: an ``admin`` entry, durable before the change is made.

The leaf names the command and the type of the licence; its names and holders are in the private part. A licence with
more holders than one entry takes has several entries, so that every holder finds it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gateway.audit.entry import (
    MAX_SUBJECTS,
    OWN_CALLER,
    EntryDraft,
    SubjectId,
    commit_private,
    fit_text,
    join_names,
    make_private,
)
from gateway.audit.leaf import LeafDraft, LeafKind, is_code
from gateway.decision import make_decision_id
from gateway.sources.source import LicenceIndex

IMPORT: Final = "store-import"
ANNOUNCE: Final = "store-announce"
STATUS: Final = "store-status"
CREDENTIAL: Final = "credential-issue"
RECORDS: Final = "licences-import"
_NO_TYPE: Final = "-"  # of a licence without a type, or with one that no leaf can name


def draft_store_change(
    action: str, index: LicenceIndex, *, at: datetime, context: Sequence[str] = ()
) -> Sequence[EntryDraft]:
    """Return the entries about a change of one licence; ``context`` says more about it."""
    licence = join_names(index.number, index.identifier)
    target = index.type_code if is_code(index.type_code) else _NO_TYPE
    req = make_decision_id(at)
    drafts = []
    for start in range(0, max(len(index.holders), 1), MAX_SUBJECTS):
        holders = index.holders[start : start + MAX_SUBJECTS]
        private = make_private(
            subjects=[SubjectId(fit_text(code)) for code in holders],
            licence=licence,
            context=[fit_text(text) for text in context],
        )
        leaf = LeafDraft(
            kind=LeafKind.ADMIN,
            req=req,
            caller=OWN_CALLER,
            commits=commit_private(private),
            more={"action": action, "target": target},
        )
        drafts.append(EntryDraft(leaf=leaf, private=private))
    return drafts


def draft_records(system: str, context: Sequence[str], *, at: datetime) -> EntryDraft:
    """Return the entry about a batch of records of another system, which ``context`` describes; it names no licence."""
    private = make_private(context=[fit_text(text) for text in context])
    leaf = LeafDraft(
        kind=LeafKind.ADMIN,
        req=make_decision_id(at),
        caller=OWN_CALLER,
        commits=commit_private(private),
        more={"action": RECORDS, "target": system if is_code(system) else _NO_TYPE},
    )
    return EntryDraft(leaf=leaf, private=private)
