"""The entry about an auditor's search or export: written before the answer leaves.

Its leaf says who searched and how many entries were found, and commits to what was searched for; its private part holds
that, sealed under the keys of those it names. So whoever is forgotten is forgotten here too, and a second auditor who
searches for the same person or official also sees who searched before. Where private parts were opened, the leaf names
the opening (`gateway.audit.openings`). A search that an opening did not allow is such an entry too: ``refused``.
"""

import base64
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from gateway.audit.commitment import COMMITMENT_SIZE, make_commitment
from gateway.audit.entry import EntryDraft, SubjectId, commit_private, make_private
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.search.query import PRIVATE_TERMS, Query, encode_query

REFUSED: Final = "refused"  # the outcome of a search that was not made


def draft_query(
    query: Query,
    *,
    req: str,
    caller: str,
    org: str,
    found: int = 0,
    is_onward: bool = False,
    opening: str = "",
    among: Mapping[str, str] = MappingProxyType({}),
) -> EntryDraft:
    """Return the entry about a search: the commitment ``query`` is opened by the search and the salt of ``resp``.

    ``among`` says what else the answer was held to, which is no term of a search, such as a rule of alarms.
    """
    said = [f"{name}={value}" for name, value in query.members().items() if name not in {*PRIVATE_TERMS, "kinds"}]
    said += [f"kind={kind}" for kind in sorted(query.kinds)]
    said += [f"{name}={value}" for name, value in among.items()]
    said += ["page=onward"] if is_onward else []
    private = make_private(
        subjects=[SubjectId(query.subject)] if query.subject else (),
        official=query.official,
        case=query.case,
        licence=query.licence,
        context=said,
    )
    commitment = encode_digest(make_commitment(private.salts.resp, encode_query(query)))
    more: dict[str, str | int] = {"query": commitment, "count": found}
    if opening:
        more["opening"] = opening
    leaf = LeafDraft(
        kind=LeafKind.AUDITOR_QUERY,
        req=req,
        caller=caller,
        org=org,
        commits=commit_private(private),
        more=more,
    )
    return EntryDraft(leaf=leaf, private=private)


def with_count(draft: EntryDraft, found: int) -> EntryDraft:
    """Return the entry about a search that found so many entries."""
    return replace(draft, leaf=replace(draft.leaf, more={**draft.leaf.more, "count": found}))


def refuse_query(draft: EntryDraft, reason: str) -> EntryDraft:
    """Return the entry about a search that was refused: it found nothing, and says why in the words of problems."""
    return replace(draft, leaf=replace(draft.leaf, outcome=REFUSED, reasons=(reason,)))


def draft_export(*, req: str, caller: str, org: str, count: int, digest: bytes) -> EntryDraft:
    """Return the entry about an export of ``count`` entries; ``digest`` is SHA-256 of the file."""
    more: dict[str, str | int] = {"count": count, "digest": encode_digest(digest)}
    return EntryDraft(leaf=LeafDraft(kind=LeafKind.EXPORT, req=req, caller=caller, org=org, more=more))


def encode_digest(digest: bytes) -> str:
    """Return a digest or a commitment as leaves spell it; ValueError for another size."""
    if len(digest) != COMMITMENT_SIZE:
        raise ValueError(f"{COMMITMENT_SIZE} bytes were expected, got {len(digest)}")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def decode_digest(text: str) -> bytes:
    """Return the digest that a leaf spells; ValueError for what is none, or another spelling."""
    digest = base64.urlsafe_b64decode(text + "=")
    if encode_digest(digest) != text:
        raise ValueError("a digest was expected")
    return digest
