"""Entries as a gateway writes them: questions about property certificates, by the policy of the example site."""

import hashlib
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import gateway
from adapters.identifier import parse_identifier
from adapters.licence import Holder, Licence
from gateway.audit.entry import EntryDraft
from gateway.callers import Caller, CallerId, KeyId, TokenAlgorithm
from gateway.decision import DecisionId
from gateway.disclosure import FieldShown
from gateway.pipeline import Verified
from gateway.policy.folder import read_policy_files
from gateway.recording import Asking, Basis, about_licence, about_question, draft_answer, draft_refusal
from gateway.sharing import Shared
from gateway.sources.source import ByNumber
from gateway.verdict import Check, CheckName, Outcome, Verdict
from policies.bundle import digest_bundle
from policies.dimension import Context
from policies.item import Item
from policies.loader import load_policy
from policies.reference import decide

_POLICIES: Final = Path(gateway.__file__).parent / "example_policies"
_ITEM: Final = "EX-ZR-01"
_FACTS: Final = Context(
    item=_ITEM,
    caller="counter",
    home="own",
    licence="property-certificate",
    status="active",
    holder="person",
    age="adult",
    consent="statutory",
    outcome="valid",
)
_ISSUED_AT: Final = 1_790_000_000  # of the first token, in seconds since 1970
_A_TOKEN: Final = 50  # questions with one token
_VALID: Final = Verdict(format="ofd", checks=(Check(check=CheckName.FORMAT, outcome=Outcome.VALID),))
_BASIS: Final = Basis(trust=hashlib.sha256(b"trust").hexdigest(), revocation=1042)


@cache
def _shared() -> tuple[Item, Shared]:
    """Return the item, and what the policy gives of such a certificate; forms and sizes, and no true values."""
    bundle = load_policy(read_policy_files(_POLICIES)).bundle
    item = next(one for one in bundle.items if one.id == _ITEM)
    licence_type = next(one for one in bundle.licences if one.id == _FACTS.licence)
    plan = decide(bundle, _FACTS)
    shared = Shared(
        fields={
            one.field: FieldShown(str(one.shown)) if one.is_withheld else FieldShown(str(one.shown), value="某某")
            for one in plan.fields
        },
        match=None,
        obligations=plan.obligations,
        bundle=digest_bundle(bundle),
        plan=plan.id,
        context=_FACTS,
        licence_type=licence_type,
    )
    return item, shared


@cache
def _caller(name: str) -> Caller:
    return Caller(
        id=CallerId(name),
        name=name,
        name_zh=name,
        organisation="11370000MB284651XL",
        region="370000",
        key_id=KeyId(name),
        algorithm=TokenAlgorithm.EDDSA,
        public_key=Ed25519PrivateKey.from_private_bytes(b"c" * 32).public_key(),
        kind=_FACTS.caller,
    )


def _asking(number: int, caller: str) -> Asking:
    drawn = hashlib.sha256(b"req" + number.to_bytes(8)).hexdigest()
    return Asking(
        decision=DecisionId(drawn[:26].upper()),
        request_id=drawn[32:],
        caller=_caller(caller),
        issued_at=_ISSUED_AT + number // _A_TOKEN,
    )


def _licence(number: int) -> Licence:
    return Licence(
        name="不动产权证书",
        number=f"鲁(2026)济南市不动产权第{number:07}号",
        type_code="11370000MB284651X1",
        identifier=parse_identifier(f"1.2.156.3005.2.11100000MB03271699011.11370000MB284651.{number:012}.001.X"),
        issuer="济南市自然资源和规划局",
        issuer_code="11370100MB284666XQ",
        issued_on=date(2026, 3, 2),
        holders=(Holder(name="某某", code=f"11010119900307{number % 10_000:04}", code_type="111"),),
        valid_from=None,
        valid_to=None,
        long_term=True,
        copy=None,
    )


def make_draft(number: int, *, caller: str = "approval-01", **changes: Any) -> EntryDraft:  # noqa: ANN401 - members of a leaf, checked by it
    """Return an answer, as `gateway.recording` makes them; holder and licence are its number's own."""
    item, shared = _shared()
    licence = _licence(number)
    asked = about_question(
        item=item,
        official=f"3701{number % 40:06}",
        case=f"2026-370000-{number % 5_000:07}",
        key=ByNumber(number=licence.number, type="property-certificate"),
        match=None,
    )
    verified = Verified(verdict=_VALID, licence=licence)
    about = about_licence(asked, licence)
    draft = draft_answer(_asking(number, caller), about, verified, shared, compares=False, basis=_BASIS)
    return replace(draft, leaf=replace(draft.leaf, **changes))


def make_refusal(number: int, *, caller: str = "approval-01") -> EntryDraft:
    """Return the entry of a question that was refused, before any licence was looked for."""
    item, _ = _shared()
    asked = about_question(item=item, official=f"3701{number % 40:06}", case=None, key=None, match=None)
    return draft_refusal(_asking(number, caller), asked, "budget.exceeded")
