"""The entries that secrecy and openness leave behind: a holder's look at their own entries, and which rules hide any.

The leaf of a look commits to what was searched for, and to how many entries were passed over by which rules; all of it
stands in the private part, with whoever asked and about whom, under the keys of both. It cannot stand in the leaf: a
site may publish its leaves, and holders know from their receipts which one is about their look.
"""

import secrets
from collections.abc import Mapping
from typing import Final

from gateway.audit.commitment import make_commitment
from gateway.audit.entry import OWN_CALLER, EntryDraft, commit_private, make_private
from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.lookup import WITHHOLDING
from gateway.audit.search.entry import encode_digest
from gateway.audit.search.query import Query
from gateway.callers import Caller
from gateway.holder.sign_in import SignedInHolder
from gateway.holder.withholding import Withholding
from keys.canonical_json import encode_canonical

_WITHHELD: Final = "withheld"


def draft_look(
    query: Query,
    holder: SignedInHolder,
    *,
    platform: Caller,
    req: str,
    shown: int,
    withheld: Mapping[str, int],
    withholding: Withholding,
    is_onward: bool,
) -> EntryDraft:
    """Return the entry about one look: the commitment ``query`` is opened by `encode_look` and the salt of ``resp``."""
    said = [f"{name}={value}" for name, value in query.members().items() if name in {"since", "until"}]
    said += [f"assurance={holder.assurance}", f"withholding={withholding.digest}"]
    said += [f"{_WITHHELD}={rule}:{count}" for rule, count in sorted(withheld.items())]
    said += ["page=onward"] if is_onward else []
    subjects = (holder.subject, holder.asker) if holder.represents else (holder.subject,)
    private = make_private(subjects=subjects, context=said)
    looked = encode_look(query, withheld=withheld, withholding=withholding)
    leaf = LeafDraft(
        kind=LeafKind.AUDITOR_QUERY,
        req=req,
        caller=platform.id,
        org=platform.organisation,
        commits=commit_private(private),
        more={"query": encode_digest(make_commitment(private.salts.resp, looked)), "count": shown},
    )
    return EntryDraft(leaf=leaf, private=private)


def encode_look(query: Query, *, withheld: Mapping[str, int], withholding: Withholding) -> bytes:
    """Return the one spelling of a look: the search, the rules by their digest, and how much each of them hid."""
    return encode_canonical({"search": query.members(), "withholding": withholding.digest, "withheld": dict(withheld)})


def draft_withholding(withholding: Withholding) -> EntryDraft:
    """Return the entry that says that these rules are in force: ``target`` is their digest."""
    more: dict[str, str | int] = {"action": WITHHOLDING, "target": withholding.digest}
    return EntryDraft(leaf=LeafDraft(kind=LeafKind.ADMIN, req=secrets.token_hex(16), caller=OWN_CALLER, more=more))
