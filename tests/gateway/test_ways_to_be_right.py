"""Every good variant that the standards and real producers know is valid, without a word against it."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from adapters.ofd.writer import SIGNATURE_LIST
from adapters.strict.der import encode_sequence
from gateway.demo.licences import Placement
from gateway.verdict import CheckName, Outcome
from keys.digest import SHA256_OID, sm3
from tests.support.asn1 import appended
from tests.support.ofd import element
from tests.support.pki import Entity, ed25519_key, entry, p256_key, rsa_key
from tests.support.recipes import (
    alone,
    bare_seal,
    china,
    critical_extension,
    current,
    from_the_folder,
    issue,
    issue_maker,
    keeping,
    plain,
    renewed,
    trusting_the_signer,
    with_lists,
)
from tests.support.sealed import (
    CREATED,
    DAY,
    INDEX,
    NOW,
    SEAL_FILE,
    SIGNATURE,
    SIGNED_AT,
    Recipe,
    SealRecipe,
    Signing,
    Trust,
    cast,
    draft,
    edit_member,
    revocation_list,
    signed,
    signed_data,
    swap,
    to_raw,
)
from tests.support.timestamps import AFTER, TIME_STAMPING, StampRecipe, stamper_ca, trusting_stamps, usage


@cache
def next_signer_ca() -> Entity:
    """Return the CA of the signers after it renewed its key."""
    return cast().root.issue_ca("x", subject=cast().signer_ca.certificate.subject)


def below_root(*, listing: Entity | None = None) -> Trust:
    """Trust the root for signers, and not the CA below it."""
    lists = (cast().maker_ca, listing or cast().signer_ca, cast().root)
    return Trust(signers=(cast().root.certificate,), lists=tuple(map(revocation_list, lists)))


P256 = "1.2.840.10045.4.3.2"
ED25519 = "1.3.101.112"
RSA_SHA256 = "1.2.840.113549.1.1.11"
LATER_ALLOWED = frozenset({SIGNATURE_LIST})


def stamped(recipe: Recipe, *revoked: bytes) -> Recipe:
    """Return the case with time stamp authorities trusted."""
    return replace(recipe, trust=trusting_stamps(*revoked))


def signer_digest() -> bytes:
    return sm3(cast().signer.certificate.encoded)


def without_seal_file() -> Recipe:
    recipe = signed(omit=frozenset({SEAL_FILE}))
    return replace(recipe, after=lambda members: {name: one for name, one in members.items() if name != SEAL_FILE})


def anchored(**purposes: object) -> Recipe:
    """Return a case in which the certificates themselves are trusted, and no list is at hand."""
    trust = Trust(makers=(cast().maker.certificate,), signers=(cast().signer.certificate,), lists=())
    return Recipe(trust=replace(trust, **purposes))


GOOD: dict[str, Callable[[], Recipe]] = {
    "version 4": Recipe,
    "version 1": lambda: signed(seal={"version": 1}),
    "version 2": lambda: signed(seal={"version": 2}),
    "version 3": lambda: signed(seal={"version": 3}),
    "version 5": lambda: signed(seal={"version": 5}),
    "version 1 with a DER time": lambda: signed(seal={"version": 1}, time_info=b"\x17\x0d260801012345Z"),
    "a raw signature": lambda: signed(value=to_raw),
    "a raw signature in the seal": lambda: signed(seal={"value": to_raw}),
    "raw signatures in the 2014 form": lambda: signed(value=to_raw, seal={"version": 1, "value": to_raw}),
    "a list of digests": lambda: signed(seal={"info": {"certificates": (), "digests": (signer_digest(),)}}),
    "several signers in the list": lambda: signed(
        seal={"info": {"certificates": (cast().maker.certificate.encoded, cast().signer.certificate.encoded)}}
    ),
    "a first signature that allows later ones": lambda: signed(omit=LATER_ALLOWED),
    "two signatures": lambda: Recipe(signings=(Signing(omit=LATER_ALLOWED), Signing())),
    "a 2014 signature, then one of version 5": lambda: Recipe(
        signings=(Signing(omit=LATER_ALLOWED, seal=SealRecipe(version=1)), Signing(seal=SealRecipe(version=5)))
    ),
    "a seal, then a signature of type Sign": lambda: Recipe(
        signings=(Signing(omit=LATER_ALLOWED), Signing(plain=signed_data))
    ),
    "type Sign": plain,
    "type Sign without signed attributes": lambda: plain(signed_at=None),
    "type Sign with the description attached": lambda: trusting_the_signer(
        signed(plain=lambda data: signed_data(data, content=data))
    ),
    "type Sign with the digest attached": lambda: trusting_the_signer(
        signed(plain=lambda data: signed_data(data, content=sm3(data), signed_at=None))
    ),
    "type Sign, raw": lambda: plain(value=to_raw),
    "a bare SignedData with its content": lambda: alone(lambda: signed_data(b"data", content=b"data")),
    "a method named by its identifier": lambda: signed(method="1.2.156.10197.1.401"),
    "a method named as one vendor does": lambda: signed(method="1.2.156.10197.1.401.2"),
    "no file of the seal": without_seal_file,
    "an index outside, which says nothing": lambda: replace(
        signed(omit=frozenset({INDEX})), draft=replace(draft(), placement=Placement.ATTACHMENT)
    ),
    "an index and a list outside": lambda: replace(
        signed(omit=frozenset({INDEX, SIGNATURE_LIST})), draft=replace(draft(), placement=Placement.ATTACHMENT)
    ),
    "a further licence file that says the same": lambda: Recipe(
        draft=replace(draft(), placement=Placement.CUSTOM_TAGS),
        before=edit_member(INDEX, swap("</ofd:CustomDatas>", f"{same_name()}</ofd:CustomDatas>")),
    ),
    "an extension of the seal that need not be known": lambda: signed(
        seal={"extend": lambda info: appended(info, (), encode_sequence((harmless_extension(),)))}
    ),
    "references from the root": lambda: signed(describe=swap('FileRef="/', 'FileRef="./')),
    "references from the folder of the signature": lambda: signed(describe=from_the_folder, omit=LATER_ALLOWED),
    "licence data in custom tags": lambda: Recipe(draft=replace(draft(), placement=Placement.CUSTOM_TAGS)),
    "a seal that ends a second later": lambda: signed(seal={"info": {"valid_to": SIGNED_AT + DAY / 86_400}}),
    "a seal used in its first second": lambda: signed(seal={"info": {"created": SIGNED_AT, "valid_from": SIGNED_AT}}),
    "a seal that has ended since": lambda: signed(seal={"info": {"valid_to": NOW - DAY}}),
    "a maker whose certificate ended before signing": lambda: keeping(
        signed(seal={"maker": issue_maker(not_before=CREATED, not_after=CREATED)})
    ),
    "a signer whose certificate ended with the signing": lambda: keeping(signed(signer=issue(not_after=SIGNED_AT))),
    "a seal whose issuing CA the operator keeps at hand": lambda: Recipe(
        trust=replace(below_root(), intermediates=(cast().signer_ca.certificate,))
    ),
    "a time stamp that brings the CA of its authority": lambda: replace(
        signed(stamp=StampRecipe(companions=(stamper_ca().certificate.encoded,))),
        trust=replace(
            trusting_stamps(),
            stampers=(cast().root.certificate,),
            lists=(*trusting_stamps().lists, revocation_list(cast().root)),
        ),
    ),
    "a list by the CA's next key": lambda: Recipe(
        trust=replace(
            below_root(listing=next_signer_ca()),
            intermediates=(cast().signer_ca.certificate, next_signer_ca().certificate),
        )
    ),
    "a signer whose certificate began with the signing": lambda: signed(signer=issue(not_before=SIGNED_AT)),
    "a signer without usages": lambda: signed(signer=issue(usages=None)),
    "a signer for non-repudiation only": lambda: signed(signer=issue(usages=("non_repudiation",))),
    "a P-256 signer": lambda: signed(signer=issue(key=p256_key()), algorithm=P256),
    "an Ed25519 signer": lambda: signed(signer=issue(key=ed25519_key()), algorithm=ED25519),
    "an RSA signer": lambda: signed(signer=issue(key=rsa_key()), algorithm=RSA_SHA256),
    "an RSA maker": lambda: signed(seal={"maker": issue_maker(key=rsa_key()), "algorithm": RSA_SHA256}),
    "somebody else revoked": lambda: with_lists(signer=lambda ca: current(ca, entry(4711))),
    "a stale list beside a current one": lambda: with_lists(
        signer=lambda ca: (revocation_list(ca), revocation_list(ca, next_update=NOW - DAY, this_update=NOW - 2 * DAY))
    ),
    "certificates trusted themselves": anchored,
    "a signer's clock a minute ahead": lambda: signed(signed_at=NOW + DAY / 1440),
    "a time stamp": lambda: stamped(signed(stamp=StampRecipe())),
    "a time stamp by P-256 and SHA-256": lambda: stamped(
        signed(stamp=StampRecipe(authority=p256_stamper(), digest=SHA256_OID))
    ),
    "a time stamp inside a SignedData's seal of version 5": lambda: stamped(
        signed(stamp=StampRecipe(), seal={"version": 5, "stamp": StampRecipe(at=CREATED)})
    ),
    "a signer revoked after the proven time": lambda: stamped(
        signed(stamp=StampRecipe()), entry(cast().signer.certificate.serial, AFTER)
    ),
    "the last day of a licence": lambda: renewed(valid_to=china(0)),
    "the first day of a licence": lambda: renewed(valid_from=china(0)),
    "a licence without an end": lambda: renewed(valid_to=None),
    "a seal by itself": lambda: alone(bare_seal),
}


def same_name() -> str:
    """Return the name of the licence as custom data."""
    return element("CustomData", str(draft().kind), Name="ZZMC")


def harmless_extension() -> bytes:
    return critical_extension().replace(b"\x01\x01\xff", b"").replace(b"\x30\x0c", b"\x30\x09")


def p256_stamper():
    return stamper_ca().issue("P-256 Authority", key=p256_key(), more=(usage(TIME_STAMPING),))


@pytest.mark.parametrize("what", GOOD)
def test_a_good_variant_is_valid(what: str) -> None:
    """Nothing is held against a document that the standards allow."""
    verdict = GOOD[what]().verdict()
    assert (verdict.outcome, verdict.reasons) == (Outcome.VALID, ())


def test_a_proven_time_replaces_the_claimed_one() -> None:
    """A document signed by an expired certificate, as proven by a time stamp, is invalid whatever it claims."""
    signer = issue(not_after=SIGNED_AT + DAY)
    recipe = signed(signer=signer, stamp=StampRecipe(at=SIGNED_AT + 2 * DAY))
    verdict = keeping(stamped(recipe)).verdict()
    assert [reason.value for reason in verdict.reasons] == ["signer-period.expired-at-signing"]
    assert verdict.signatures[0].signed_at == SIGNED_AT + 2 * DAY


def test_all_fourteen_checks_are_made_of_a_sealed_document() -> None:
    """A valid sealed document has passed every check of the design, in its order, and that of its own dates."""
    verdict = Recipe().verdict()
    assert [check.check for check in verdict.checks] == [CheckName.FORMAT, CheckName.VALIDITY_PERIOD]
    of_the_signature = [check.check for check in verdict.signatures[0].checks]
    assert of_the_signature == list(CheckName)[1:14]


def test_a_signature_that_covers_the_list_forbids_later_ones() -> None:
    """A second signature breaks a first one that covers the list of signatures, because the list has changed."""
    verdict = Recipe(signings=(Signing(), Signing())).verdict()
    assert [one.outcome for one in verdict.signatures] == [Outcome.INVALID, Outcome.VALID]
    assert [reason.value for reason in verdict.reasons] == ["references.mismatch"]


def test_a_broken_signature_among_good_ones_decides() -> None:
    """One bad signature makes the document invalid, and the others keep their own outcome."""
    first = Signing(omit=LATER_ALLOWED, value=lambda _: bytes(64))
    verdict = Recipe(signings=(first, Signing())).verdict()
    assert [one.outcome for one in verdict.signatures] == [Outcome.INVALID, Outcome.VALID]
    assert verdict.outcome is Outcome.INVALID


def test_a_seal_file_that_differs_is_said_even_where_it_is_covered() -> None:
    """The seal inside the signed value decides; another one beside it is noted."""
    other = SealRecipe(info={"name": "另一枚印章"}).encode(b"somebody")
    recipe = signed(omit=frozenset({SEAL_FILE}))
    verdict = replace(recipe, after=edit_member(SEAL_FILE, lambda _: other)).verdict()
    assert "seal.file-differs-from-embedded" in verdict.signatures[0].notes
    assert verdict.outcome is Outcome.INVALID  # nobody covers the file


def test_a_description_that_names_another_place_is_said() -> None:
    """What binds Signature.xml is its hash; a property info that names another file is noted and no more."""
    moved = SIGNATURE.replace("Signature.xml", "Description.xml")

    def move(members: dict[str, bytes]) -> dict[str, bytes]:
        members = edit_member(SIGNATURE_LIST, swap(SIGNATURE, moved))(members)
        return {moved if name == SIGNATURE else name: content for name, content in members.items()}

    verdict = replace(signed(omit=LATER_ALLOWED), after=move).verdict()
    assert verdict.signatures[0].notes == ("signature.property-info-names-another-file",)
    assert verdict.outcome is Outcome.VALID


def test_what_a_plain_signature_brings_completes_its_chain() -> None:
    """A SignedData that carries its issuing CA leads to a trusted root; without it, the issuer is unknown."""
    found = {}
    for companions in ((), (cast().signer_ca.certificate.encoded,)):
        verdict = replace(plain(companions=companions), trust=below_root()).verdict()
        checks = {check.check: check.outcome for check in verdict.signatures[0].checks}
        found[bool(companions)] = checks[CheckName.SIGNER_CHAIN], checks.get(CheckName.REVOCATION)
    assert found == {False: (Outcome.UNKNOWN, None), True: (Outcome.VALID, Outcome.VALID)}
