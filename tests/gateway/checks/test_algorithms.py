"""What the end of an algorithm means for a document: unknown, unless a time stamp proves that it is older."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.document import SignedPart
from gateway.checks.signed_part import MAKER, SIGNER, Wording, check_signed_part
from gateway.pipeline import verify_document
from gateway.reason import Reason
from gateway.verdict import Outcome, Verdict
from keys.algorithms import DEFAULT_ALGORITHMS, AlgorithmSunsets
from keys.certificate import Certificate
from keys.digest import SHA256_OID, SM3_OID
from keys.signature import ECDSA_WITH_SHA256
from tests.support.algorithms import ending
from tests.support.pki import Entity, make_root, p256_key
from tests.support.sealed import DAY, NOW, SIGNED_AT, Trust, cast, revocation_list, signed, signed_data
from tests.support.timestamps import AFTER, TIME_STAMPING, StampRecipe, stamper, stamper_ca, usage

SECOND = timedelta(seconds=1)
ENDED = NOW - 5 * DAY  # after AFTER, before NOW
PATHS_AND_SIGNATURES = (
    Reason.SIGNATURE_ALGORITHM_SUNSET,
    Reason.SEAL_SIGNATURE_ALGORITHM_SUNSET,
    Reason.MAKER_CHAIN_ALGORITHM_SUNSET,
    Reason.SIGNER_CHAIN_ALGORITHM_SUNSET,
)


@cache
def authority() -> Entity:
    """Return a time stamp authority that has nothing to do with SM2 and is trusted itself."""
    return stamper_ca().issue("P-256 Authority", key=p256_key(), more=(usage(TIME_STAMPING),))


@cache
def document(stamped: datetime | None, *, sm2_stamp: bool = False, on_seal: bool = False) -> bytes:
    """Make a licence, with a time stamp over its signature, or over its seal alone."""
    if stamped is None:
        return signed().document()
    by = {"authority": stamper()} if sm2_stamp else {"authority": authority(), "digest": SHA256_OID}
    stamp = StampRecipe(at=stamped, **by)
    return (signed(seal={"version": 5, "stamp": stamp}) if on_seal else signed(stamp=stamp)).document()


def judge(
    data: bytes, algorithms: AlgorithmSunsets, *, at: datetime = NOW, stampers: tuple[Certificate, ...] | None = None
) -> Verdict:
    trust = Trust(
        stampers=stampers or (authority().certificate, stamper_ca().certificate),
        lists=tuple(revocation_list(ca) for ca in (cast().maker_ca, cast().signer_ca, stamper_ca())),
        algorithms=algorithms,
    )
    return verify_document(data, store=trust.store(), at=at)


@pytest.mark.parametrize("ended", ["sm2", "SM3"])
def test_a_document_is_unknown_from_the_end_of_its_algorithm(ended: str) -> None:
    """The end is half-open, and the signer's claim of an earlier time is no proof against it."""
    assert SIGNED_AT < ENDED
    good = judge(document(None), ending(**{ended: NOW + SECOND}))
    assert (good.outcome, good.ends_at) == (Outcome.VALID, NOW + SECOND)
    found = judge(document(None), ending(**{ended: NOW}))
    assert (found.outcome, found.reasons) == (Outcome.UNKNOWN, PATHS_AND_SIGNATURES)
    details = {check.detail for check in found.all_checks() if check.reason is Reason.SIGNATURE_ALGORITHM_SUNSET}
    assert details == {f"until {NOW:%Y-%m-%dT%H:%M:%SZ}"}


@pytest.mark.parametrize("ended", ["sm2", "SM3"])
def test_a_time_stamp_from_before_the_end_keeps_it_good(ended: str) -> None:
    """What is proven to be older than the end stays valid; what is proven to be younger does not."""
    assert judge(document(AFTER), ending(**{ended: ENDED})).outcome is Outcome.VALID
    assert judge(document(AFTER), ending(**{ended: AFTER + SECOND})).outcome is Outcome.VALID
    found = judge(document(AFTER), ending(**{ended: AFTER}))
    assert (found.outcome, found.reasons) == (Outcome.UNKNOWN, PATHS_AND_SIGNATURES)


def test_a_time_stamp_on_the_seal_keeps_the_seal_alone() -> None:
    """The maker's signature existed then; nothing is known about when the document was sealed."""
    found = judge(document(AFTER, on_seal=True), ending(sm2=ENDED))
    assert (found.outcome, Reason.SEAL_SIGNATURE_ALGORITHM_SUNSET in found.reasons) == (Outcome.UNKNOWN, False)
    assert Reason.SIGNATURE_ALGORITHM_SUNSET in found.reasons


@pytest.mark.parametrize("ended", ["p_256", "SHA256"])
def test_a_time_stamp_whose_own_algorithm_has_ended_proves_nothing(ended: str) -> None:
    """Whoever can forge a time stamp would date it back, so that the present counts for it."""
    ends = {ended: NOW + SECOND}
    good = judge(document(AFTER), ending(**ends))
    assert (good.outcome, good.ends_at) == (Outcome.VALID, NOW + SECOND)
    found = judge(document(AFTER), ending(**{ended: NOW}))
    assert (found.outcome, found.reasons) == (Outcome.UNKNOWN, (Reason.TIMESTAMP_UNUSABLE,))
    both = judge(document(AFTER), ending(sm2=ENDED, **{ended: NOW}))
    assert both.reasons == (*PATHS_AND_SIGNATURES, Reason.TIMESTAMP_UNUSABLE)


def test_a_time_stamp_below_an_authority_whose_algorithm_has_ended_proves_nothing() -> None:
    """The path of the authority is held to the present, too, where the token itself is by an algorithm that counts."""
    stampers = (stamper_ca().certificate,)
    assert judge(document(AFTER), ending(), stampers=stampers).outcome is Outcome.VALID
    for data in (document(AFTER), document(AFTER, sm2_stamp=True)):
        found = judge(data, ending(sm2=ENDED), stampers=stampers)
        assert found.reasons == (*PATHS_AND_SIGNATURES, Reason.TIMESTAMP_UNUSABLE)


def test_a_digest_between_signature_and_content_counts() -> None:
    """A signature over a digest by a method that has ended is no better than the method."""
    plain = signed(plain=signed_data).document()
    assert Reason.SIGNATURE_ALGORITHM_SUNSET not in judge(plain, DEFAULT_ALGORITHMS).reasons
    assert Reason.SIGNATURE_ALGORITHM_SUNSET in judge(plain, ending(SM3=NOW)).reasons


def test_nothing_is_relied_on_without_a_ending() -> None:
    """Silence withholds."""
    found = judge(document(None), AlgorithmSunsets())
    assert (found.outcome, found.reasons) == (Outcome.UNKNOWN, PATHS_AND_SIGNATURES)
    assert "at no time" in {check.detail for check in found.all_checks()}


SIGNING = make_root(key=p256_key()).issue("Signer", key=p256_key())
PART = SignedPart(
    message=b"message",
    signature=SIGNING.key.sign(b"message"),
    algorithm=ECDSA_WITH_SHA256,
    certificate=SIGNING.certificate.encoded,
)


@pytest.mark.parametrize("wording", [SIGNER, MAKER], ids=["signer", "maker"])
@pytest.mark.parametrize(
    ("algorithms", "digests", "outcome"),
    [
        (ending(p_256=NOW + SECOND), (), Outcome.VALID),
        (ending(p_256=NOW), (), Outcome.UNKNOWN),
        (ending(SHA256=NOW), (), Outcome.UNKNOWN),
        (ending(SM3=NOW), (), Outcome.VALID),
        (ending(SM3=NOW), (SM3_OID,), Outcome.UNKNOWN),
        (ending(SM3=NOW), (SHA256_OID,), Outcome.VALID),
    ],
)
def test_a_signed_part(
    wording: Wording, algorithms: AlgorithmSunsets, digests: tuple[str, ...], outcome: Outcome
) -> None:
    """Key, digest inside and digests stated all have to count."""
    check = check_signed_part(
        PART, SIGNING.certificate, wording, algorithms=algorithms, trusted_at=NOW, digests=digests
    )
    assert (check.outcome, check.reason) == (
        outcome,
        None if outcome is Outcome.VALID else wording.algorithm_sunset,
    )


def test_a_forged_signature_stays_forged() -> None:
    """An end excuses nothing: what does not verify is invalid under every table."""
    forged = replace(PART, message=hashlib.sha256(b"another").digest())
    for algorithms in (DEFAULT_ALGORITHMS, ending(p_256=NOW), AlgorithmSunsets()):
        check = check_signed_part(forged, SIGNING.certificate, SIGNER, algorithms=algorithms, trusted_at=NOW)
        assert (check.outcome, check.reason) == (Outcome.INVALID, Reason.SIGNATURE_BAD)


ends = st.one_of(st.none(), st.integers(-20, 5).map(lambda days: NOW + days * DAY))
NAMES = ("sm2", "SM3", "p_256", "SHA256")


@settings(max_examples=40)
@given(
    before=st.fixed_dictionaries(dict.fromkeys(NAMES, ends)),
    sooner=st.sampled_from(NAMES),
    by=st.integers(0, 25),
    stamped=st.sampled_from([None, AFTER]),
    sm2_stamp=st.booleans(),
)
def test_an_earlier_end_never_makes_a_document_valid(
    *, before: dict[str, datetime | None], sooner: str, by: int, stamped: datetime | None, sm2_stamp: bool
) -> None:
    """What is valid under a table is valid under every table that ends later."""
    after = before | {sooner: (before[sooner] or NOW) - by * DAY}
    data = document(stamped, sm2_stamp=sm2_stamp)
    if judge(data, ending(**after)).outcome is Outcome.VALID:
        assert judge(data, ending(**before)).outcome is Outcome.VALID
