"""One case per way to be wrong, each from a valid sealed licence in which one thing is broken.

A case states every reason that its verdict may name: the one it is about, and those that follow from it.
All checks that are not among them must stay valid.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.ofd.writer import SIGNATURE_LIST
from adapters.strict.bounds import MAX_DOCUMENT
from adapters.strict.der import encode_element, encode_sequence
from gateway.demo.licences import Placement
from gateway.reason import Reason
from gateway.verdict import CheckName, Outcome
from keys.scope import Scope
from keys.sm2 import CURVE_ORDER
from tests.support import sealed
from tests.support.asn1 import appended, element_at
from tests.support.ofd import element
from tests.support.pki import ENCRYPTING, entry, extension, make_root, p256_key
from tests.support.recipes import (
    alone,
    bare_seal,
    below_p256,
    china,
    critical_extension,
    current,
    forged_ca,
    from_the_folder,
    issue,
    issue_maker,
    keeping,
    listed,
    md5,
    moved,
    none,
    other_user_id,
    plain,
    renewed,
    sealed_by,
    sha1,
    signed_by,
    stamped,
    stripped,
    trusting,
    trusting_the_signer,
    with_ca_ending,
    with_ended_key,
    with_foreign_key,
    with_key_off_the_curve,
    with_lists,
    with_second_document,
    without,
    without_custom_datas,
)
from tests.support.sealed import (
    CHINA,
    CREATED,
    DAY,
    INDEX,
    NOW,
    PAGE,
    SEAL_FILE,
    SIGNATURE,
    SIGNED_AT,
    SIGNED_VALUE,
    Recipe,
    SealRecipe,
    Signing,
    Trust,
    cast,
    draft,
    edit_member,
    same,
    signed_data,
    swap,
    to_raw,
)
from tests.support.timestamps import (
    AFTER,
    CODE_SIGNING,
    TIME_STAMPING,
    StampRecipe,
    stamper,
    stamper_ca,
    trusting_stamps,
    usage,
)

SECOND = timedelta(seconds=1)
PICTURE = "Doc_0/Res/code.png"
SHA1_RSA = "1.2.840.113549.1.1.5"
RSA_SM3 = "1.2.156.10197.1.504"
P256 = "1.2.840.10045.4.3.2"
UNKNOWN_EXTENSION = extension("1.2.3.4.5", b"\x05\x00", critical=True)
ELSEWHERE = Scope(licence_types=frozenset({"ANOTHER"}))
NOT_DER = b"no certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What is broken, and the reasons that must be named for it: ``reason``, then those in ``also``."""

    what: str
    reason: Reason
    recipe: Callable[[], Recipe]
    outcome: Outcome = Outcome.INVALID
    also: frozenset[Reason] = frozenset()


WAYS: list[Way] = []


def way(
    what: str,
    reason: Reason,
    recipe: Callable[[], Recipe],
    *also: Reason,
    outcome: Outcome = Outcome.INVALID,
) -> None:
    """Add one way to be wrong."""
    WAYS.append(Way(what=what, reason=reason, recipe=recipe, outcome=outcome, also=frozenset(also)))


def unsure(what: str, reason: Reason, recipe: Callable[[], Recipe], *also: Reason) -> None:
    """Add one way in which nobody can tell."""
    way(what, reason, recipe, *also, outcome=Outcome.UNKNOWN)


FROM_THE_ROOT = swap('FileRef="/', 'FileRef="./')
FOLDER = SIGNATURE.removesuffix("Signature.xml")


def signed(*, after_sealing: Callable[[dict[str, bytes]], dict[str, bytes]] = same, **changes: Any) -> Recipe:
    """Return the valid case with a changed signature, and something done to the members afterwards."""
    return replace(sealed.signed(**changes), after=after_sealing)


def relocate(members: dict[str, bytes]) -> dict[str, bytes]:
    """Move the description and the file of the seal into another folder, whence all references still lead somewhere."""
    elsewhere = SIGNATURE.replace("Sign_0", "Sign_9")
    seal_elsewhere = SEAL_FILE.replace("Sign_0", "Sign_9")
    members = edit_member(SIGNATURE_LIST, swap(SIGNATURE, elsewhere))(members)
    places = {SIGNATURE: elsewhere, SEAL_FILE: seal_elsewhere}
    return {places.get(name, name): content for name, content in members.items()}


# A table: one row is one case.
# fmt: off
# --- format
way("cut in half", Reason.FORMAT_MALFORMED, lambda: Recipe(package=lambda data: data[: len(data) // 2]))
way("bytes after the package", Reason.FORMAT_MALFORMED, lambda: Recipe(package=lambda data: data + b"\x00"))
way("a page that is named and absent", Reason.FORMAT_MALFORMED, lambda: without(PAGE))
way("a signed value that is absent", Reason.FORMAT_MALFORMED, lambda: without(SIGNED_VALUE))
way("bytes after the signed value", Reason.FORMAT_MALFORMED, lambda: signed(finish=lambda value: value + b"\x00"))
way("a name that leaves the package", Reason.FORMAT_MALFORMED,
    lambda: Recipe(after=lambda members: {**members, "../evil.xml": b""}))
way("an entity in a page list, properly signed", Reason.FORMAT_MALFORMED,
    lambda: Recipe(before=edit_member("Doc_0/Document.xml", swap("?>", '?><!DOCTYPE Document [<!ENTITY a "b">]>'))))
way("two places that contradict each other, properly sealed", Reason.FORMAT_MALFORMED, lambda: Recipe(
    draft=replace(draft(), placement=Placement.ATTACHMENT),
    before=edit_member(INDEX, swap("</ofd:CustomDatas>", element(
        "CustomData", "20991231", Name="ZZYXQJZRQ") + "</ofd:CustomDatas>"))))
way("a second end of validity, properly sealed", Reason.FORMAT_MALFORMED, lambda: Recipe(before=edit_member(
    INDEX, swap("</ofd:CustomDatas>", element("CustomData", "2001-01-01", Name="ZZYXQJZSJ") + "</ofd:CustomDatas>"))))
way("an index put aside where references from the root can find it", Reason.FORMAT_MALFORMED, lambda: signed(
    describe=FROM_THE_ROOT, after_sealing=lambda members: {
        **moved(members, INDEX, to=FOLDER), INDEX: without_custom_datas(members[INDEX])}))
way("a picture put aside, the references being from the root", Reason.FORMAT_MALFORMED, lambda: signed(
    describe=FROM_THE_ROOT, after_sealing=lambda members: moved(members, PICTURE, to=FOLDER)))
way("a document of 20 MiB and more", Reason.FORMAT_TOO_LARGE,
    lambda: Recipe(package=lambda data: data + bytes(MAX_DOCUMENT)))
way("a picture", Reason.FORMAT_UNRECOGNISED, lambda: alone(lambda: b"\x89PNG\r\n\x1a\n"))
way("nothing at all", Reason.FORMAT_UNRECOGNISED, lambda: alone(lambda: b""))
way("signatures taken away", Reason.FORMAT_UNSIGNED, lambda: Recipe(after=stripped))
way("an empty list of signatures", Reason.FORMAT_UNSIGNED, lambda: Recipe(signings=(), before=lambda members: {
    **members, SIGNATURE_LIST: b"<Signatures/>"}))

# --- references
way("a page changed after sealing", Reason.REFERENCES_MISMATCH,
    lambda: Recipe(after=edit_member(PAGE, swap("食品经营许可证", "食品生产许可证"))))
way("metadata changed after sealing", Reason.REFERENCES_MISMATCH,
    lambda: Recipe(after=edit_member(INDEX, swap(draft().number, draft().number[::-1]))))
way("a page with one more space after sealing", Reason.REFERENCES_MISMATCH,
    lambda: Recipe(after=edit_member(PAGE, lambda page: page + b"\n")))
way("the file of the seal exchanged", Reason.REFERENCES_MISMATCH,
    lambda: Recipe(after=edit_member(SEAL_FILE, lambda _: bare_seal(name="另一枚印章"))))
way("no digest method, which means MD5", Reason.REFERENCES_WEAK_DIGEST, lambda: signed(method=None, digest=md5))
way("no digest method, with SM3 digests", Reason.REFERENCES_WEAK_DIGEST, lambda: signed(method=None))
way("SHA-1 digests", Reason.REFERENCES_WEAK_DIGEST, lambda: signed(method="SHA1", digest=sha1))
way("an empty list of references", Reason.REFERENCES_NO_VALUE,
    lambda: signed(omit=frozenset(Recipe().members())), Reason.COVERAGE_UNCOVERED_METADATA)
way("a digest cut short", Reason.REFERENCES_NO_VALUE, lambda: signed(digest=sha1))
way("a reference without a digest", Reason.REFERENCES_NO_VALUE, lambda: signed(describe=swap(
    "</ofd:References>", element("Reference", FileRef=f"/{INDEX}") + "</ofd:References>")))
way("a picture taken out", Reason.REFERENCES_MISSING_MEMBER, lambda: without(PICTURE))
way("a picture put aside, the references being absolute", Reason.REFERENCES_MISSING_MEMBER,
    lambda: Recipe(after=lambda members: moved(members, PICTURE, to=FOLDER)), Reason.COVERAGE_UNCOVERED_CONTENT)
way("a description moved with what it describes", Reason.REFERENCES_RELOCATED, lambda: signed(
    describe=from_the_folder, omit=frozenset({SIGNATURE_LIST}), after_sealing=relocate))
unsure("type Sign: references from a folder that nobody states", Reason.REFERENCES_PLACE_NOT_STATED,
    lambda: trusting_the_signer(signed(plain=signed_data, describe=from_the_folder)))

# --- coverage
way("a page smuggled in", Reason.COVERAGE_UNCOVERED_CONTENT,
    lambda: Recipe(after=lambda members: {**members, "Doc_0/Pages/Page_9/Content.xml": members[PAGE]}))
way("a page that the signature leaves out", Reason.COVERAGE_UNCOVERED_CONTENT, lambda: signed(omit=frozenset({PAGE})))
way("a picture that the signature leaves out", Reason.COVERAGE_UNCOVERED_CONTENT,
    lambda: signed(omit=frozenset({PICTURE})))
way("licence data that the signature leaves out", Reason.COVERAGE_UNCOVERED_METADATA,
    lambda: signed(omit=frozenset({INDEX})))
way("one date put into an index outside, the licence itself being elsewhere", Reason.COVERAGE_UNCOVERED_METADATA,
    lambda: Recipe(draft=replace(draft(), placement=Placement.ATTACHMENT), signings=(Signing(omit=frozenset({INDEX})),),
                   after=edit_member(INDEX, swap("</ofd:CustomDatas>", element(
                       "CustomData", "20991231", Name="ZZQZSJ") + "</ofd:CustomDatas>"))))
way("anything put into an index outside", Reason.COVERAGE_UNCOVERED_METADATA,
    lambda: Recipe(draft=replace(draft(), placement=Placement.ATTACHMENT), signings=(Signing(omit=frozenset({INDEX})),),
                   after=edit_member(INDEX, swap("</ofd:CustomDatas>", element(
                       "CustomData", "1", Name="certificateNumber") + "</ofd:CustomDatas>"))))
way("a list of signatures that holds a page", Reason.COVERAGE_UNCOVERED_CONTENT, lambda: signed(
    omit=frozenset({SIGNATURE_LIST}), after_sealing=edit_member(SIGNATURE_LIST, swap(
        "</ofd:Signatures>", element("Content") + "</ofd:Signatures>"))))
way("a page listed as a list of signatures by an index outside", Reason.COVERAGE_UNCOVERED_CONTENT, lambda: signed(
    omit=frozenset({SIGNATURE_LIST, INDEX}), after_sealing=lambda members: {
        **members, "Doc_0/Extra.xml": b"<Signatures/>", INDEX: swap("</ofd:OFD>", element(
            "DocBody", element("DocRoot", "Doc_0/Document.xml") + element("Signatures", "Doc_0/Extra.xml"))
            + "</ofd:OFD>")(without_custom_datas(members[INDEX]))}), Reason.VALIDITY_PERIOD_NOT_STATED)
way("a second document that an index outside could choose", Reason.COVERAGE_UNCOVERED_CONTENT, lambda: replace(
    signed(omit=frozenset({INDEX})), draft=replace(draft(), placement=Placement.ATTACHMENT),
    before=with_second_document))

# --- data hash
way("the description changed after sealing", Reason.DATA_HASH_MISMATCH,
    lambda: Recipe(after=edit_member(SIGNATURE, swap("</ofd:Signature>", " </ofd:Signature>"))))
way("the hash of something else", Reason.DATA_HASH_MISMATCH, lambda: signed(data_hash=lambda _: bytes(32)))
way("type Sign: the digest of something else", Reason.DATA_HASH_MISMATCH, lambda: plain(digest=lambda _: bytes(32)))
way("type Sign: other content attached", Reason.DATA_HASH_MISMATCH, lambda: plain(content=b"something else"))
way("type Sign: another digest attached", Reason.DATA_HASH_MISMATCH, lambda: plain(content=bytes(32), signed_at=None))
way("type Sign: a SHA-1 digest", Reason.DATA_HASH_WEAK_DIGEST,
    lambda: plain(digest=sha1, digest_algorithm="1.3.14.3.2.26"), Reason.SIGNATURE_UNSUPPORTED_ALGORITHM)
unsure("a signature without its document", Reason.DATA_HASH_NOT_AT_HAND, lambda: alone(
    lambda: Recipe().members()[SIGNED_VALUE]))
unsure("a detached SignedData without its data", Reason.DATA_HASH_NOT_AT_HAND,
    lambda: alone(lambda: signed_data(b"data")))

# --- signature
way("signed by another key", Reason.SIGNATURE_BAD, lambda: signed_by(with_foreign_key(cast().signer)))
way("something else signed", Reason.SIGNATURE_BAD, lambda: signed(message=lambda message: message + b"\x00"))
way("signed under another user ID", Reason.SIGNATURE_BAD, lambda: signed_by(other_user_id()))
way("an RSA signature claimed for an SM2 key", Reason.SIGNATURE_BAD, lambda: signed(algorithm=RSA_SM3))
way("type Sign: signed by another key", Reason.SIGNATURE_BAD, lambda: plain(signer=with_foreign_key(cast().signer)))
way("r and s of zero", Reason.SIGNATURE_MALFORMED, lambda: signed(value=lambda _: bytes(64)))
way("r beyond the order", Reason.SIGNATURE_MALFORMED,
    lambda: signed(value=lambda value: CURVE_ORDER.to_bytes(32) + to_raw(value)[32:]))
way("a value cut short", Reason.SIGNATURE_MALFORMED, lambda: signed(value=lambda value: value[:-1]))
way("a byte after the value", Reason.SIGNATURE_MALFORMED, lambda: signed(value=lambda value: value + b"\x00"))
way("an empty value", Reason.SIGNATURE_MALFORMED, lambda: signed(value=lambda _: b""))
unsure("RSA with SHA-1", Reason.SIGNATURE_UNSUPPORTED_ALGORITHM, lambda: signed(algorithm=SHA1_RSA))
unsure("an algorithm nobody knows", Reason.SIGNATURE_UNSUPPORTED_ALGORITHM, lambda: signed(algorithm="1.2.3.4"))
unsure("a key whose algorithm has ended", Reason.SIGNATURE_ALGORITHM_SUNSET, lambda: with_ended_key(
    signed(signer=issue(key=p256_key()), algorithm=P256)))
unsure("type Sign: a bare signature", Reason.SIGNATURE_SIGNER_UNKNOWN, lambda: signed(
    plain=cast().signer.key.sign), Reason.SIGNER_LISTED_NO_SEAL)
way("a certificate that is none", Reason.SIGNATURE_UNUSABLE_CERTIFICATE, lambda: signed(certificate=NOT_DER))
way("a key off the curve", Reason.SIGNATURE_UNUSABLE_CERTIFICATE,
    lambda: signed_by(with_key_off_the_curve(cast().signer_ca)))
way("signed with an encryption certificate", Reason.SIGNATURE_WRONG_KEY_USAGE,
    lambda: signed_by(issue(usages=ENCRYPTING)))
way("signed with a CA's certificate", Reason.SIGNATURE_WRONG_KEY_USAGE, lambda: signed_by(cast().signer_ca))

# --- signer listed
way("another signer in the list", Reason.SIGNER_LISTED_ABSENT,
    lambda: signed(seal={"info": {"certificates": (cast().maker.certificate.encoded,)}}))
way("nobody in the list", Reason.SIGNER_LISTED_ABSENT, lambda: signed(seal={"info": {"certificates": ()}}))
way("another signer's digest in the list", Reason.SIGNER_LISTED_ABSENT,
    lambda: signed(seal={"info": {"certificates": (), "digests": (bytes(32),)}}))
way("the SHA-1 digest of the signer in the list", Reason.SIGNER_LISTED_ABSENT, lambda: signed(
    seal={"info": {"certificates": (), "digests": (sha1(cast().signer.certificate.encoded),)}}))
way("a certificate of the same name and key, not the listed one", Reason.SIGNER_LISTED_ABSENT, lambda: signed_by(
    issue(key=cast().signer.key), seal=SealRecipe(info={"certificates": (cast().signer.certificate.encoded,)})))

unsure("type Sign: by any subscriber of a trusted CA", Reason.SIGNER_LISTED_NO_SEAL,
    lambda: signed(plain=signed_data))

# --- seal signature
unsure("a seal with a critical extension", Reason.SEAL_SIGNATURE_CRITICAL_EXTENSION, lambda: signed(
    seal={"extend": lambda info: appended(info, (), encode_sequence((critical_extension(),)))}))
unsure("a 2014 seal with a critical extension", Reason.SEAL_SIGNATURE_CRITICAL_EXTENSION, lambda: signed(
    seal={"version": 1, "extend": lambda info: appended(info, (), encode_sequence((critical_extension(),)))}))
unsure("a critical extension beside the seal", Reason.SEAL_SIGNATURE_CRITICAL_EXTENSION, lambda: signed(
    extend=lambda tbs: appended(tbs, (), encode_element(0xA0, encode_sequence((critical_extension(),))))))
way("a seal renamed after it was made", Reason.SEAL_SIGNATURE_BAD,
    lambda: signed(seal={"finish": swap("云溪市", "海棠市")}))
way("a seal signed by another key", Reason.SEAL_SIGNATURE_BAD, lambda: sealed_by(with_foreign_key(cast().maker)))
way("a seal of the 2014 form signed over its information alone", Reason.SEAL_SIGNATURE_BAD, lambda: signed(
    seal={"version": 1, "message": lambda message: element_at(message, 0)}))
way("a seal with a signature of zeros", Reason.SEAL_SIGNATURE_MALFORMED,
    lambda: signed(seal={"value": lambda _: bytes(64)}))
unsure("a seal under RSA with SHA-1", Reason.SEAL_SIGNATURE_UNSUPPORTED_ALGORITHM,
    lambda: signed(seal={"algorithm": SHA1_RSA}))
unsure("a maker's key whose algorithm has ended", Reason.SEAL_SIGNATURE_ALGORITHM_SUNSET, lambda: with_ended_key(
    sealed_by(issue_maker(key=p256_key()), algorithm=P256)))
way("a maker's certificate that is none", Reason.SEAL_SIGNATURE_UNUSABLE_CERTIFICATE,
    lambda: signed(seal={"certificate": NOT_DER}))
way("a maker's key off the curve", Reason.SEAL_SIGNATURE_UNUSABLE_CERTIFICATE,
    lambda: sealed_by(with_key_off_the_curve(cast().maker_ca)))
way("a seal made with an encryption certificate", Reason.SEAL_SIGNATURE_WRONG_KEY_USAGE,
    lambda: sealed_by(issue_maker(usages=ENCRYPTING)))

# --- seal period
way("a seal that had ended", Reason.SEAL_PERIOD_EXPIRED, lambda: signed(seal={"info": {"valid_to": SIGNED_AT - DAY}}))
way("a seal that ended at that very second", Reason.SEAL_PERIOD_EXPIRED,
    lambda: signed(seal={"info": {"valid_to": SIGNED_AT}}))
way("a seal that had not begun", Reason.SEAL_PERIOD_NOT_YET,
    lambda: signed(seal={"info": {"valid_from": SIGNED_AT + SECOND}}))
way("a seal made after it was used", Reason.SEAL_PERIOD_NOT_YET,
    lambda: signed(seal={"info": {"created": SIGNED_AT + SECOND}}))
unsure("a seal by itself, past its end", Reason.SEAL_PERIOD_NO_TIME,
    lambda: alone(lambda: bare_seal(valid_to=NOW - DAY)))

# --- maker period and chain
way("a maker whose certificate had ended", Reason.MAKER_PERIOD_EXPIRED,
    lambda: keeping(sealed_by(issue_maker(not_after=CREATED - SECOND))))
way("a maker whose certificate had not begun", Reason.MAKER_PERIOD_NOT_YET,
    lambda: sealed_by(issue_maker(not_before=CREATED + SECOND)))
unsure("no maker is trusted", Reason.MAKER_CHAIN_UNKNOWN_ISSUER, lambda: trusting(makers=()))
unsure("makers trusted as signers only", Reason.MAKER_CHAIN_UNKNOWN_ISSUER, lambda: trusting(
    makers=(), signers=(cast().maker_ca.certificate, cast().signer_ca.certificate)))
unsure("a seal made by an ordinary subscriber", Reason.MAKER_CHAIN_UNKNOWN_ISSUER,
    lambda: sealed_by(cast().signer))
unsure("a maker's certificate by a CA of the same name", Reason.MAKER_CHAIN_UNKNOWN_ISSUER,
    lambda: sealed_by(forged_ca(cast().maker_ca).issue("Maker")))
way("a maker's certificate with a critical extension unknown to us", Reason.MAKER_CHAIN_REFUSED,
    lambda: sealed_by(issue_maker(more=(UNKNOWN_EXTENSION,))))
way("a maker's CA that had ended", Reason.MAKER_CHAIN_EXPIRED_ISSUER, lambda: with_ca_ending("makers"))
unsure("a maker's CA whose algorithm has ended", Reason.MAKER_CHAIN_ALGORITHM_SUNSET,
    lambda: with_ended_key(below_p256("makers")))

# --- what a signed trust list says of maker and signer
way("a home-made seal below a listed CA", Reason.MAKER_CHAIN_NOT_AUTHORISED,
    lambda: replace(sealed_by(cast().signer), trust=listed()))
way("a maker listed for another licence type", Reason.MAKER_CHAIN_OUT_OF_SCOPE,
    lambda: Recipe(trust=listed(maker={"scope": ELSEWHERE})))
unsure("a seal by itself, by a maker listed for some types", Reason.MAKER_CHAIN_SCOPE_NOT_STATED,
    lambda: replace(alone(bare_seal), trust=listed(maker={"scope": ELSEWHERE})))
unsure("a maker whose trust has ended", Reason.MAKER_CHAIN_OUTSIDE_TRUST_PERIOD,
    lambda: Recipe(trust=listed(maker={"sunset": NOW})))
way("a signer who is not the one listed below the CA", Reason.SIGNER_CHAIN_NOT_AUTHORISED,
    lambda: Recipe(trust=listed(signer={"subject": cast().maker.certificate.subject})))
way("a signer listed for another licence type", Reason.SIGNER_CHAIN_OUT_OF_SCOPE,
    lambda: Recipe(trust=listed(signer={"scope": ELSEWHERE})))
unsure("a signature by itself, by a signer listed for some types", Reason.SIGNER_CHAIN_SCOPE_NOT_STATED,
    lambda: replace(alone(lambda: signed_data(b"data")), trust=listed(signer={"scope": ELSEWHERE})),
    Reason.DATA_HASH_NOT_AT_HAND)
unsure("a signer whose trust has ended", Reason.SIGNER_CHAIN_OUTSIDE_TRUST_PERIOD,
    lambda: Recipe(trust=listed(signer={"sunset": NOW})))

# --- signer period and chain
way("a signer whose certificate had ended", Reason.SIGNER_PERIOD_EXPIRED,
    lambda: keeping(signed_by(issue(not_after=SIGNED_AT - SECOND))))
way("a signer whose certificate had not begun", Reason.SIGNER_PERIOD_NOT_YET,
    lambda: signed_by(issue(not_before=SIGNED_AT + SECOND)))
unsure("type Sign: no time, and a certificate that has ended since", Reason.SIGNER_PERIOD_NO_TIME,
    lambda: plain(signer=issue(not_after=NOW - DAY), signed_at=None))
unsure("no signer is trusted", Reason.SIGNER_CHAIN_UNKNOWN_ISSUER, lambda: trusting(signers=()))
unsure("signers trusted as makers only", Reason.SIGNER_CHAIN_UNKNOWN_ISSUER, lambda: trusting(
    signers=(), makers=(cast().maker_ca.certificate, cast().signer_ca.certificate)))
unsure("a signer who certified himself", Reason.SIGNER_CHAIN_UNKNOWN_ISSUER, lambda: signed_by(
    make_root("Signer", is_ca=False, usages=("digital_signature",))))
unsure("a signer's certificate by a CA of the same name", Reason.SIGNER_CHAIN_UNKNOWN_ISSUER,
    lambda: signed_by(forged_ca(cast().signer_ca).issue("Signer")))
way("a signer's certificate by another signer", Reason.SIGNER_CHAIN_REFUSED, lambda: replace(
    signed_by(cast().signer.issue("Friend")), trust=Trust(signers=(cast().signer.certificate,))))
way("a signer's certificate with a critical extension unknown to us", Reason.SIGNER_CHAIN_REFUSED,
    lambda: signed_by(issue(more=(UNKNOWN_EXTENSION,))))
way("a signer's CA that had ended", Reason.SIGNER_CHAIN_EXPIRED_ISSUER, lambda: with_ca_ending("signers"))
unsure("a signer's CA whose algorithm has ended", Reason.SIGNER_CHAIN_ALGORITHM_SUNSET,
    lambda: with_ended_key(below_p256("signers")))


# --- revocation
way("a signer revoked before signing", Reason.REVOCATION_REVOKED, lambda: with_lists(
    signer=lambda ca: current(ca, entry(cast().signer.certificate.serial, SIGNED_AT - DAY))))
way("a signer revoked after the time he claims, which nobody proves", Reason.REVOCATION_REVOKED, lambda: with_lists(
    signer=lambda ca: current(ca, entry(cast().signer.certificate.serial, AFTER))))
way("a maker revoked", Reason.REVOCATION_REVOKED, lambda: with_lists(
    maker=lambda ca: current(ca, entry(cast().maker.certificate.serial, AFTER))))
unsure("no list of the signer's CA", Reason.REVOCATION_UNAVAILABLE, lambda: with_lists(signer=none))
unsure("no list of the maker's CA", Reason.REVOCATION_UNAVAILABLE, lambda: with_lists(maker=none))
unsure("a list that is stale", Reason.REVOCATION_UNAVAILABLE,
    lambda: with_lists(signer=lambda ca: current(ca, this_update=NOW - 8 * DAY, next_update=NOW - DAY)))
unsure("a list whose next one is due now", Reason.REVOCATION_UNAVAILABLE,
    lambda: with_lists(signer=lambda ca: current(ca, next_update=NOW)))
unsure("a list that never ends", Reason.REVOCATION_UNAVAILABLE,
    lambda: with_lists(signer=lambda ca: current(ca, next_update=None)))
unsure("a list from the future", Reason.REVOCATION_UNAVAILABLE,
    lambda: with_lists(signer=lambda ca: current(ca, this_update=NOW + SECOND)))
unsure("a list signed by another key", Reason.REVOCATION_UNAVAILABLE,
    lambda: with_lists(signer=lambda ca: current(forged_ca(ca))))

# --- time stamps
way("a signing time to come", Reason.TIMESTAMP_IN_FUTURE, lambda: signed(signed_at=NOW + DAY))
way("a time stamp to come", Reason.TIMESTAMP_IN_FUTURE, lambda: stamped(at=NOW + DAY))
unsure("a time stamp that is none", Reason.TIMESTAMP_UNUSABLE, lambda: signed(stamp=lambda _: b"2026-08-01"))
unsure("a time stamp of an unknown authority", Reason.TIMESTAMP_UNUSABLE, lambda: signed(stamp=StampRecipe()))
unsure("a time stamp without a certificate", Reason.TIMESTAMP_UNUSABLE, lambda: stamped(with_certificate=False))
unsure("a time stamp over a SHA-1 digest", Reason.TIMESTAMP_UNUSABLE, lambda: stamped(imprint="1.3.14.3.2.26"))
unsure("a seal of version 5 with a time stamp that is none", Reason.TIMESTAMP_UNUSABLE,
    lambda: signed(seal={"version": 5, "stamp": lambda _: b"\x00"}))
unsure("a time stamp inside the signed bytes (2014 form)", Reason.TIMESTAMP_UNUSABLE,
    lambda: replace(signed(seal={"version": 1}, time_info=StampRecipe()(b"data")), trust=trusting_stamps()))
unsure("a time that nobody can read (2014 form)", Reason.TIMESTAMP_UNUSABLE,
    lambda: signed(seal={"version": 1}, time_info=b"last Monday"))
way("a time stamp over something else", Reason.TIMESTAMP_BAD, lambda: stamped(imprinted=lambda _: b"something else"))
way("a time stamp with another content signed", Reason.TIMESTAMP_BAD,
    lambda: stamped(content_digest=lambda _: bytes(32)))
way("a time stamp signed by another key", Reason.TIMESTAMP_BAD, lambda: stamped(signer=cast().signer.key.sign))
way("a time stamp with a signature of zeros", Reason.TIMESTAMP_BAD, lambda: stamped(value=lambda _: bytes(64)))
way("a time stamp by somebody who is no authority", Reason.TIMESTAMP_BAD,
    lambda: stamped(authority=stamper_ca().issue("Signer")))
way("a time stamp by an authority for code", Reason.TIMESTAMP_BAD,
    lambda: stamped(authority=stamper_ca().issue("Code", more=(usage(CODE_SIGNING),))))
way("a time stamp by an encryption certificate", Reason.TIMESTAMP_BAD, lambda: stamped(authority=stamper_ca().issue(
    "Encryption", usages=ENCRYPTING, more=(usage(TIME_STAMPING),))))
way("a time stamp by an authority that had ended", Reason.TIMESTAMP_BAD, lambda: stamped(authority=stamper_ca().issue(
    "Former", not_after=SIGNED_AT - SECOND, more=(usage(TIME_STAMPING),))))
way("a time stamp by an authority that was revoked", Reason.TIMESTAMP_BAD, lambda: replace(
    signed(stamp=StampRecipe()), trust=trusting_stamps(revoked_stampers=(entry(stamper().certificate.serial),))))

# --- the licence's own dates
way("a licence that ended yesterday", Reason.VALIDITY_PERIOD_EXPIRED, lambda: renewed(valid_to=china(-1)))
way("a licence that begins tomorrow", Reason.VALIDITY_PERIOD_NOT_YET, lambda: renewed(valid_from=china(1)))
way("a copy that ended yesterday", Reason.VALIDITY_PERIOD_COPY_EXPIRED, lambda: Recipe(before=edit_member(
    INDEX, swap("</ofd:CustomDatas>", element("CustomData", f"{china(-1):%Y%m%d}", Name="JZJYXQJZSJ")
                + "</ofd:CustomDatas>"))))
unsure("a licence that states no end", Reason.VALIDITY_PERIOD_NOT_STATED, lambda: Recipe(before=edit_member(
    INDEX, swap(element("CustomData", f"{draft().valid_to:%Y%m%d}", Name="ZZYXQJZRQ"), ""))))
unsure("a copy that states no end", Reason.VALIDITY_PERIOD_NOT_STATED, lambda: Recipe(before=edit_member(
    INDEX, swap("</ofd:CustomDatas>", element("CustomData", "投标", Name="JZJZZSY") + "</ofd:CustomDatas>"))))
way("a copy that ended an hour ago", Reason.VALIDITY_PERIOD_COPY_EXPIRED, lambda: Recipe(before=edit_member(
    INDEX, swap("</ofd:CustomDatas>", element(
        "CustomData", f"{(NOW - 3600 * SECOND).astimezone(CHINA):%Y-%m-%d %H:%M:%S}", Name="JZJYXQJZSJ")
        + "</ofd:CustomDatas>"))))
way("licence data left outside, and taken away because they had ended", Reason.COVERAGE_UNCOVERED_METADATA,
    lambda: replace(signed(omit=frozenset({INDEX})), draft=replace(draft(), valid_to=china(-1))),
    Reason.VALIDITY_PERIOD_EXPIRED)
unsure("licence data left outside and taken away", Reason.VALIDITY_PERIOD_NOT_STATED, lambda: signed(
    omit=frozenset({INDEX}), after_sealing=edit_member(INDEX, without_custom_datas)))
unsure("a licence whose end cannot be read", Reason.VALIDITY_PERIOD_UNREADABLE, lambda: Recipe(before=edit_member(
    INDEX, swap(f"{draft().valid_to:%Y%m%d}", "不久"))))
# fmt: on


@pytest.mark.parametrize("case", WAYS, ids=[case.what.replace(" ", "-") for case in WAYS])
def test_what_is_broken_is_found_and_nothing_else(case: Way) -> None:
    """The verdict names the broken thing and what follows from it; every other check stays valid."""
    verdict = case.recipe().verdict()
    assert verdict.outcome is case.outcome
    assert set(verdict.reasons) == {case.reason} | case.also


def test_every_reason_has_a_way() -> None:
    """There is no reason that no document can be given, but for those that tell of a fault of our own.

    That two implementations of one algorithm disagree is nothing that a document could bring about, nor is what a
    register says of a licence, that it cannot be asked, or that it has no document.
    """
    ours = {
        reason
        for reason in Reason
        if reason.value.endswith(".second-opinion-disagrees") or reason.value.startswith(f"{CheckName.STATUS}.")
    } | {Reason.FORMAT_NO_DOCUMENT, Reason.FORMAT_DOCUMENT_UNAVAILABLE, Reason.FORMAT_NO_METADATA}
    assert {case.reason for case in WAYS} == set(Reason) - ours


def test_no_two_ways_share_a_name() -> None:
    """A failing case can be found by its name."""
    assert len({case.what for case in WAYS}) == len(WAYS)
