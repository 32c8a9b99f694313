"""When a signature was made: claimed, proven, in the future, or proven wrong."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.document import DocumentSignature, SignatureKind, SignedPart, Standard
from adapters.strict.der import encode_element, encode_sequence
from gateway.checks.timestamp import CLOCK_TOLERANCE, ProvenTimes, check_timestamp
from gateway.reason import Reason
from gateway.verdict import Check, CheckName, Outcome
from keys.trust import TrustStore
from tests.support.mutations import mutated
from tests.support.pki import ENCRYPTING, ISSUING, entry, extension
from tests.support.sealed import DAY, NOW, SIGNED_AT
from tests.support.timestamps import (
    AFTER,
    BEFORE,
    CODE_SIGNING,
    TIME_STAMPING,
    StampRecipe,
    stamper,
    stamper_ca,
    trusting_stamps,
    usage,
)

SECOND = timedelta(seconds=1)
# An unknown critical extension of a TSTInfo, and an accuracy of one day.
CRITICAL = encode_element(0xA1, extension("1.2.156.10197.9.8", b"\x05\x00", critical=True))
ONE_DAY = encode_sequence((b"\x02\x03\x01\x51\x80",))
STAMPED = b"a signature value"


def signature(token: bytes | None = None, signed_at: datetime | None = SIGNED_AT) -> DocumentSignature:
    return DocumentSignature(
        id="1",
        kind=SignatureKind.SIGN,
        standard=Standard.GBT_35275_2017,
        signed=SignedPart(message=b"", signature=STAMPED, algorithm="", certificate=None),
        signed_at=signed_at,
        data=None,
        data_hash=None,
        timestamp=token,
    )


def judge(
    token: bytes | None, *, signed_at: datetime | None = SIGNED_AT, store: TrustStore | None = None
) -> tuple[Check, datetime | None]:
    store = store or trusting_stamps().store()
    check, proven = check_timestamp(signature(token, signed_at), store=store, at=NOW)
    assert check is not None
    assert check.check is CheckName.TIMESTAMP
    return check, proven.signature


@pytest.mark.parametrize("signed_at", [SIGNED_AT, NOW, NOW + CLOCK_TOLERANCE])
def test_without_a_time_stamp_the_claim_stands(signed_at: datetime) -> None:
    """A claim is no proof, and the verdict says that it is one; a clock may run a minute ahead."""
    check, proven_at = judge(None, signed_at=signed_at)
    assert (check.outcome, check.detail, proven_at) == (Outcome.VALID, "the signer's own claim", None)


def test_a_claim_from_the_future_is_invalid() -> None:
    """Nobody can have signed later than now."""
    check, _ = judge(None, signed_at=NOW + CLOCK_TOLERANCE + SECOND)
    assert (check.outcome, check.reason) == (Outcome.INVALID, Reason.TIMESTAMP_IN_FUTURE)


def test_where_no_time_is_stated_there_is_no_check() -> None:
    """A check that does not apply is absent."""
    assert check_timestamp(signature(None, None), store=TrustStore.empty(), at=NOW) == (None, ProvenTimes())


def test_a_good_time_stamp_proves_its_moment() -> None:
    """The proven moment is the authority's, whatever the signer claims."""
    check, proven_at = judge(StampRecipe(at=AFTER)(STAMPED))
    assert (check.outcome, check.detail, proven_at) == (Outcome.VALID, "proven by a time stamp", AFTER)


def test_a_time_stamp_proves_the_time_of_a_signature_that_claims_none() -> None:
    """A bare signature may get its time from the authority alone."""
    check, proven_at = judge(StampRecipe(at=AFTER)(STAMPED), signed_at=None)
    assert (check.outcome, proven_at) == (Outcome.VALID, AFTER)


def test_a_proven_past_does_not_excuse_a_claimed_future() -> None:
    """A signer who claims a time to come is wrong, also where an authority has stamped the signature."""
    check, _ = judge(StampRecipe()(STAMPED), signed_at=NOW + DAY)
    assert check.reason is Reason.TIMESTAMP_IN_FUTURE


def test_the_proven_moment_includes_the_accuracy() -> None:
    """A clock that may be off by a day proves that the signature existed a day later, and no earlier."""
    _, proven_at = judge(StampRecipe(at=AFTER, more_info=(ONE_DAY,))(STAMPED))
    assert proven_at == AFTER + DAY


def test_a_stamp_from_the_future_is_invalid() -> None:
    """An authority cannot have seen tomorrow."""
    check, _ = judge(StampRecipe(at=NOW + DAY)(STAMPED))
    assert check.reason is Reason.TIMESTAMP_IN_FUTURE


def authority(**knobs: object) -> StampRecipe:
    return StampRecipe(authority=stamper_ca().issue("Authority", **({"more": (usage(TIME_STAMPING),)} | knobs)))


@pytest.mark.parametrize(
    ("recipe", "detail"),
    [
        (lambda: StampRecipe(imprinted=lambda _: b"other"), "imprint mismatch"),
        (lambda: StampRecipe(content_digest=lambda _: bytes(32)), "content digest mismatch"),
        (lambda: StampRecipe(value=lambda _: bytes(64)), "signature malformed"),
        (lambda: StampRecipe(signer=stamper_ca().key.sign), "signature bad"),
        (lambda: authority(more=()), "certificate is not one for time stamps"),
        (lambda: authority(more=(usage(CODE_SIGNING),)), "certificate is not one for time stamps"),
        (lambda: authority(more=(usage(TIME_STAMPING, CODE_SIGNING),)), "certificate is not one for time stamps"),
        (lambda: authority(more=(usage(TIME_STAMPING, critical=False),)), "certificate is not one for time stamps"),
        (lambda: StampRecipe(named=lambda _: b"another"), "the token names another certificate"),
        (lambda: StampRecipe(at=BEFORE), "the time stamp lies before the time that is claimed"),
        (lambda: authority(usages=ENCRYPTING), "certificate is not one for time stamps"),
        (lambda: authority(usages=ISSUING, is_ca=True), "certificate is not one for time stamps"),
        (lambda: authority(not_after=SIGNED_AT - SECOND), "authority's certificate not valid at that time"),
        (lambda: authority(not_before=SIGNED_AT + SECOND), "authority's certificate not valid at that time"),
    ],
)
def test_a_false_time_stamp_is_invalid(recipe, detail: str) -> None:
    """A time stamp that can be read and does not hold proves nothing, and is held against the document."""
    check, proven_at = judge(recipe()(STAMPED))
    assert (check.outcome, check.reason, check.detail) == (Outcome.INVALID, Reason.TIMESTAMP_BAD, detail)
    assert proven_at is None


@pytest.mark.parametrize(
    "token",
    [
        lambda: b"",
        lambda: b"\x00",
        lambda: b"2026-08-01 09:23:45",
        lambda: b"\x18\x0f20260801012345Z",
        lambda: bytes(32),
        lambda: StampRecipe()(STAMPED)[:-1],
        lambda: StampRecipe(with_certificate=False)(STAMPED),
        lambda: StampRecipe(imprint="1.3.14.3.2.26")(STAMPED),
        lambda: StampRecipe(is_named=False)(STAMPED),
        lambda: StampRecipe(more_info=(CRITICAL,))(STAMPED),
    ],
    ids=["empty", "zero", "text", "DER time", "a hash", "cut short", "no certificate", "SHA-1", "unnamed", "critical"],
)
def test_what_cannot_be_used_is_unknown(token) -> None:
    """Real seals carry all sorts of bytes where a time stamp belongs; they prove nothing and disprove nothing."""
    check, proven_at = judge(token())
    assert (check.outcome, check.reason, proven_at) == (Outcome.UNKNOWN, Reason.TIMESTAMP_UNUSABLE, None)


def test_an_authority_that_nobody_trusts_is_unknown() -> None:
    """Anybody can run an authority; only an anchor for time stamps makes its word count."""
    nobody = replace(trusting_stamps(), stampers=()).store()
    check, proven_at = judge(StampRecipe()(STAMPED), store=nobody)
    assert (check.reason, check.detail, proven_at) == (Reason.TIMESTAMP_UNUSABLE, "authority: unknown-issuer", None)


def test_an_anchor_for_signers_is_none_for_time_stamps() -> None:
    """A CA that is trusted for signers does not make time stamp authorities."""
    trust = replace(trusting_stamps(), stampers=(), signers=(stamper_ca().certificate,))
    assert judge(StampRecipe()(STAMPED), store=trust.store())[0].reason is Reason.TIMESTAMP_UNUSABLE


def test_a_revoked_authority_is_invalid() -> None:
    """A revocation of the authority counts whenever it happened: its key may have stamped anything since."""
    trust = trusting_stamps(revoked_stampers=(entry(stamper().certificate.serial, AFTER),))
    check, proven_at = judge(StampRecipe()(STAMPED), store=trust.store())
    assert (check.reason, check.detail, proven_at) == (Reason.TIMESTAMP_BAD, "authority: revocation revoked", None)


def test_an_authority_of_which_nothing_is_known_is_unknown() -> None:
    """Without a current list of its CA, the authority may have been revoked."""
    trust = replace(trusting_stamps(), lists=())
    check, _ = judge(StampRecipe()(STAMPED), store=trust.store())
    assert (check.reason, check.detail) == (Reason.TIMESTAMP_UNUSABLE, "authority: revocation unavailable")


@cache
def whole_token() -> bytes:
    return StampRecipe()(STAMPED)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_token_proves_its_moment_or_nothing(data: st.DataObject) -> None:
    """Damage never makes another moment, and never raises."""
    _, proven_at = judge(data.draw(mutated(whole_token())))
    assert proven_at in {None, SIGNED_AT}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_prove_nothing(token: bytes) -> None:
    """Garbage is unknown, never an exception."""
    check, proven_at = judge(token)
    assert (check.outcome, proven_at) == (Outcome.UNKNOWN, None)
