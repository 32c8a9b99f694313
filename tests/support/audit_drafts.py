"""Entries for tests: all members of an access, and a private part with one subject; no policy stands behind them."""

import base64
import hashlib
from dataclasses import replace
from typing import Any, Final

from gateway.audit.entry import EntryDraft, SubjectId, commit_private, make_private
from gateway.audit.leaf import LeafDraft, LeafKind

POLICY: Final = base64.urlsafe_b64encode(hashlib.sha256(b"policy").digest()).rstrip(b"=").decode()
TRUST: Final = base64.urlsafe_b64encode(hashlib.sha256(b"trust").digest()).rstrip(b"=").decode()


def make_draft(number: int, *, caller: str = "approval-01", **changes: Any) -> EntryDraft:
    """Return an access with all members, about 650 bytes as a leaf; subject and licence are its number's own."""
    private = make_private(
        subjects=[SubjectId(f"11010119900307{number % 10_000:04}")],
        official=f"3701{number % 40:06}",
        case=f"2026-370000-{number % 5_000:07}",
        licence=f"1.2.156.3005.2.11370000MB284651.{number:08}",
        context=("own", "approval", "active", "person", "adult", "given", "valid"),
        response=hashlib.sha256(number.to_bytes(8)).digest(),
    )
    leaf = LeafDraft(
        kind=LeafKind.ACCESS,
        req=hashlib.sha256(b"req" + number.to_bytes(8)).hexdigest()[:26].upper(),
        caller=caller,
        org="11370000MB284651XL",
        partner="340000",
        item="11370000MB284651XL4370117002000",
        purpose="approval",
        commits=commit_private(private),
        form="pmm-y-gpp--mw-ypmgm",
        plan=f"p{number % 97}",
        policy=POLICY,
        outcome="valid",
        obligations=("no-storage", "notify-holder"),
        reasons=("revocation.good",),
        trust=TRUST,
        revocation=1042,
    )
    return EntryDraft(leaf=replace(leaf, **changes), private=private)
