"""What a verdict says when a trust list limits for whom a maker or a signer may speak."""

from dataclasses import replace
from datetime import datetime

import pytest

from adapters.registry import parse_document
from gateway.checks.claim import read_claim
from gateway.checks.document import check_document
from gateway.pipeline import verify_document
from gateway.reason import Reason
from gateway.verdict import Outcome
from keys.revocation_list import parse_revocation_list
from keys.scope import NO_CLAIM, Scope
from keys.trust import Anchor, Purpose, TrustStore
from tests.support.recipes import bare_seal, sealed_by
from tests.support.sealed import CREATED, DAY, NOW, SIGNED_AT, Recipe, cast, revocation_list

DOCUMENT = Recipe().document()
LISTS = tuple(parse_revocation_list(revocation_list(ca)) for ca in (cast().maker_ca, cast().signer_ca))
SIGNERS = Anchor(certificate=cast().signer_ca.certificate, purposes=frozenset({Purpose.SIGNER}), is_exhaustive=True)
MAKER = Anchor(certificate=cast().maker.certificate, purposes=frozenset({Purpose.SEAL_MAKER}), is_exhaustive=True)
PARSED = parse_document(DOCUMENT)
LICENCE = PARSED.licence
ROLES = {
    "maker": (MAKER, Reason.MAKER_CHAIN_OUT_OF_SCOPE, Reason.MAKER_CHAIN_SCOPE_NOT_STATED,
              Reason.MAKER_CHAIN_OUTSIDE_TRUST_PERIOD),
    "signer": (SIGNERS, Reason.SIGNER_CHAIN_OUT_OF_SCOPE, Reason.SIGNER_CHAIN_SCOPE_NOT_STATED,
               Reason.SIGNER_CHAIN_OUTSIDE_TRUST_PERIOD),
}  # fmt: skip


def verdict(*changed: tuple[Anchor, Anchor], document: bytes = DOCUMENT, at: datetime = NOW):
    """Verify with anchors of a list, some of them replaced."""
    anchors = tuple(dict(changed).get(one, one) for one in (MAKER, SIGNERS))
    found = verify_document(document, store=TrustStore(anchors=anchors, revocation_lists=LISTS), at=at)
    return found.outcome, found.reasons


def limit(anchor: Anchor, **limits: frozenset[str]) -> tuple[Anchor, Anchor]:
    return anchor, replace(anchor, scope=Scope(**limits))


def test_a_listed_maker_is_enough() -> None:
    """A maker named by certificate, and a CA of signers, make the document valid."""
    assert verdict() == (Outcome.VALID, ())


def test_a_home_made_seal_is_invalid() -> None:
    """A seal that a subscriber of the listed CA made is refused, by name of the reason."""
    outcome, reasons = verdict(document=sealed_by(cast().signer).document())
    assert (outcome, reasons[0]) == (Outcome.INVALID, Reason.MAKER_CHAIN_NOT_AUTHORISED)


@pytest.mark.parametrize("role", ROLES)
def test_within_and_out_of_scope(role: str) -> None:
    """Type and issuer of the document must both be allowed."""
    anchor, out_of_scope, _, _ = ROLES[role]
    assert LICENCE is not None
    here = {
        "licence_types": frozenset({LICENCE.type_code, "OTHER"}),
        "authorities": frozenset({LICENCE.issuer_code}),
    }
    assert verdict(limit(anchor, **here)) == (Outcome.VALID, ())
    for name in here:
        elsewhere = limit(anchor, **(here | {name: frozenset({"OTHER"})}))
        assert verdict(elsewhere) == (Outcome.INVALID, (out_of_scope,))


@pytest.mark.parametrize("role", ROLES)
def test_a_document_that_does_not_say_what_it_is(role: str) -> None:
    """Where there is nothing to compare with a limit the answer is unknown; where there is no limit it is not asked."""
    anchor, _, not_stated, _ = ROLES[role]
    silent = replace(PARSED, licence=None)
    for scope, expected in ((Scope(licence_types=frozenset({"X"})), {not_stated}), (Scope(), set())):
        store = TrustStore(
            anchors=tuple(replace(one, scope=scope) if one == anchor else one for one in (MAKER, SIGNERS)),
            revocation_lists=LISTS,
        )
        found = check_document(silent, store=store, at=NOW)
        assert set(found.reasons) == expected
        assert found.outcome is (Outcome.UNKNOWN if expected else Outcome.VALID)


def test_metadata_that_the_signature_does_not_protect_claim_nothing() -> None:
    """Only what is among the references of this very signature is its claim."""
    (signature,) = PARSED.signatures
    assert read_claim(PARSED, signature).licence_types
    assert signature.references is not None
    others = tuple(one for one in signature.references.entries if one.path not in PARSED.licence_members)
    assert read_claim(PARSED, replace(signature, references=replace(signature.references, entries=others))) == NO_CLAIM
    assert read_claim(PARSED, replace(signature, references=None)) == NO_CLAIM


def test_the_identifier_counts_too() -> None:
    """A document whose identifier names another type than its metadata claims both."""
    (signature,) = PARSED.signatures
    assert LICENCE is not None
    assert LICENCE.identifier is not None
    other = replace(LICENCE, identifier=replace(LICENCE.identifier, type_code="B", issuer_code="C"))
    claim = read_claim(replace(PARSED, licence=other), signature)
    assert claim.licence_types == {LICENCE.type_code, "B"}
    assert claim.authorities == {LICENCE.issuer_code, "C"}


def test_a_bare_seal_states_nothing() -> None:
    """A seal alone names no licence, so a limited maker stays unknown."""
    outcome, reasons = verdict(limit(MAKER, licence_types=frozenset({"X"})), document=bare_seal())
    assert (outcome, reasons) == (Outcome.UNKNOWN, (Reason.MAKER_CHAIN_SCOPE_NOT_STATED,))


@pytest.mark.parametrize("role", ROLES)
def test_sunset_and_start(role: str) -> None:
    """After the sunset a document cannot be verified, whenever it says it was signed; nor one from before the start."""
    anchor, _, _, outside = ROLES[role]
    ended = (anchor, replace(anchor, sunset=NOW))
    assert verdict(ended)[0] is Outcome.UNKNOWN
    assert outside in verdict(ended)[1]
    assert verdict(ended, at=NOW - DAY / 100)[0] is Outcome.VALID
    moment = CREATED if role == "maker" else SIGNED_AT
    assert verdict((anchor, replace(anchor, start=moment)))[0] is Outcome.VALID
    assert outside in verdict((anchor, replace(anchor, start=moment + DAY)))[1]
