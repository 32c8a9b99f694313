"""The entry about an auditor's search or export: written before the answer leaves.

Its leaf says who searched and how many entries were found, and commits to what was searched for; its private part holds
that, sealed under the keys of those it names. So whoever is forgotten is forgotten here too, and a second auditor who
searches for the same person or official also sees who searched before.
"""

import base64
from typing import Final

from gateway.audit.commitment import COMMITMENT_SIZE, make_commitment
from gateway.audit.entry import MAX_PRIVATE_TEXT, EntryDraft, SubjectId, commit_private, make_private
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.search.query import PRIVATE_TERMS, Query, encode_query

MAX_REASON: Final = MAX_PRIVATE_TEXT - len("reason=")  # bytes of why private parts were opened


def draft_query(
    query: Query, *, req: str, caller: str, org: str, found: int, is_onward: bool = False, reason: str = ""
) -> EntryDraft:
    """Return the entry about a search: the commitment ``query`` is opened by the search and the salt of ``resp``.

    Raises:
        ValueError: the reason is too long.

    """
    said = [f"{name}={value}" for name, value in query.members().items() if name not in {*PRIVATE_TERMS, "kinds"}]
    said += [f"kind={kind}" for kind in sorted(query.kinds)]
    said += ["page=onward"] if is_onward else []
    said += [f"reason={reason}"] if reason else []
    private = make_private(
        subjects=[SubjectId(query.subject)] if query.subject else (),
        official=query.official,
        case=query.case,
        licence=query.licence,
        context=said,
    )
    leaf = LeafDraft(
        kind=LeafKind.AUDITOR_QUERY,
        req=req,
        caller=caller,
        org=org,
        commits=commit_private(private),
        more={"query": encode_digest(make_commitment(private.salts.resp, encode_query(query))), "count": found},
    )
    return EntryDraft(leaf=leaf, private=private)


def draft_export(*, req: str, caller: str, org: str, count: int, digest: bytes) -> EntryDraft:
    """Return the entry about an export of ``count`` entries; ``digest`` is SHA-256 of the file."""
    more: dict[str, str | int] = {"count": count, "digest": encode_digest(digest)}
    return EntryDraft(leaf=LeafDraft(kind=LeafKind.EXPORT, req=req, caller=caller, org=org, more=more))


def encode_digest(digest: bytes) -> str:
    """Return a digest or a commitment as leaves spell it; ValueError for another size."""
    if len(digest) != COMMITMENT_SIZE:
        raise ValueError(f"{COMMITMENT_SIZE} bytes were expected, got {len(digest)}")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
