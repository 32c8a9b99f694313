"""OCSP answers: read strictly, believed only from the issuer or its delegate, about the right certificate, in time."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp as other_library
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.ocsp import IdDigest, OcspState, encode_ocsp_request, parse_ocsp_response, verify_ocsp_response
from keys.ocsp_errors import OcspError, OcspFault
from keys.revoked import RevocationReason
from tests.support import ocsp, pki

CA = pki.make_root("Asking CA")
OTHER_CA = pki.make_root("Other CA")
LEAF = CA.issue("signer")
SECOND = CA.issue("another")
DELEGATE = CA.issue("responder", usages=("digital_signature",), more=(ocsp.OCSP_SIGNING,))
ID = ocsp.certificate_id(LEAF, CA)
WHEN = pki.NOW - timedelta(days=3)
NONCE = bytes(range(32))


def verify(blob, *, at=pki.NOW, nonce=None, required=False, leaf=LEAF):
    return verify_ocsp_response(
        parse_ocsp_response(blob),
        certificate=leaf.certificate,
        issuer=CA.certificate,
        at=at,
        nonce=nonce,
        nonce_required=required,
    )


def fault_of(blob, **knobs):
    with pytest.raises(OcspError) as caught:
        verify(blob, **knobs)
    return caught.value.fault


def delegated(delegate=DELEGATE, **knobs):
    return ocsp.answer(ocsp.single(ID), signer=delegate, certificates=(delegate.certificate.encoded,), **knobs)


@pytest.mark.parametrize("digest", list(ocsp.DIGESTS))
@pytest.mark.parametrize("by_key", [True, False])
def test_an_answer_by_the_issuer(digest, by_key):
    """An answer signed by the issuer counts, however it names the certificate and itself."""
    single = ocsp.single(ocsp.certificate_id(LEAF, CA, digest=digest))
    status = verify(ocsp.answer(single, signer=CA, by_key=by_key))
    assert (status.state, status.revocation) == (OcspState.GOOD, None)


@pytest.mark.parametrize("key", [pki.sm2_key, pki.p256_key, pki.rsa_key, pki.ed25519_key])
def test_an_answer_by_a_delegate(key):
    """A delegate with the usage for OCSP, signed by the issuer, speaks for it, with a key of any algorithm."""
    delegate = CA.issue("responder", key=key(), usages=("digital_signature",), more=(ocsp.OCSP_SIGNING,))
    assert verify(delegated(delegate)).state is OcspState.GOOD


def test_revoked_and_unknown():
    """What the responder says is read: when and why, or that it cannot say."""
    status = verify(ocsp.answer(ocsp.single(ID, ocsp.revoked(WHEN, 1)), signer=CA))
    assert status.state is OcspState.REVOKED
    assert status.revocation == (WHEN, RevocationReason.KEY_COMPROMISE, None)
    status = verify(ocsp.answer(ocsp.single(ID, ocsp.revoked(WHEN)), signer=CA))
    assert status.revocation == (WHEN, None, None)
    assert verify(ocsp.answer(ocsp.single(ID, ocsp.UNKNOWN), signer=CA)).state is OcspState.UNKNOWN


def test_several_statuses():
    """Of several statuses in one answer, the newest about this certificate counts."""
    other = ocsp.single(ocsp.certificate_id(SECOND, CA), ocsp.revoked(WHEN))
    older = ocsp.single(ID, this_update=pki.NOW - timedelta(days=1))
    newer = ocsp.single(ID, ocsp.revoked(WHEN))
    assert verify(ocsp.answer(other, older, newer, signer=CA)).state is OcspState.REVOKED


@pytest.mark.parametrize("mild", [ocsp.GOOD, ocsp.UNKNOWN, ocsp.revoked(pki.NOW)])
def test_the_strictest_of_one_moment_counts(mild):
    """Of several statuses of one moment revoked counts, the earliest revocation, whatever their order."""
    both = [ocsp.single(ID, mild), ocsp.single(ID, ocsp.revoked(WHEN))]
    for order in (both, both[::-1]):
        assert verify(ocsp.answer(*order, signer=CA)).revocation.revoked_at == WHEN
    doubtful = [ocsp.single(ID), ocsp.single(ID, ocsp.UNKNOWN)]
    for order in (doubtful, doubtful[::-1]):
        assert verify(ocsp.answer(*order, signer=CA)).state is OcspState.UNKNOWN


NO_USAGE = CA.issue("no usage", usages=("digital_signature",))
WRONG_KEY_USAGE = CA.issue("encrypts", usages=pki.ENCRYPTING, more=(ocsp.OCSP_SIGNING,))
STRANGE = CA.issue(
    "strange", usages=("digital_signature",), more=(ocsp.OCSP_SIGNING, pki.extension("1.2.3", b"\5\0", critical=True))
)
OF_OTHER = OTHER_CA.issue("responder", usages=("digital_signature",), more=(ocsp.OCSP_SIGNING,))
FORGED = CA.issue("forged", usages=("digital_signature",), more=(ocsp.OCSP_SIGNING,), signer=pki.sm2_key())
EXPIRED = CA.issue("expired", usages=("digital_signature",), more=(ocsp.OCSP_SIGNING,), not_after=WHEN)


@pytest.mark.parametrize(
    ("blob", "knobs", "fault"),
    [
        (ocsp.answer(ocsp.single(ocsp.certificate_id(SECOND, CA)), signer=CA), {}, OcspFault.OTHER_CERTIFICATE),
        (ocsp.answer(ocsp.single(ocsp.certificate_id(LEAF, OTHER_CA)), signer=CA), {}, OcspFault.OTHER_CERTIFICATE),
        (ocsp.answer(ocsp.single(ID), signer=CA, nonce=b"x" * 32), {"nonce": NONCE}, OcspFault.NONCE_MISMATCH),
        (ocsp.answer(ocsp.single(ID), signer=CA), {"nonce": NONCE, "required": True}, OcspFault.NONCE_MISSING),
        (ocsp.answer(ocsp.single(ID), signer=OTHER_CA), {}, OcspFault.RESPONDER_NOT_AUTHORISED),
        (ocsp.answer(ocsp.single(ID), signer=DELEGATE), {}, OcspFault.RESPONDER_NOT_AUTHORISED),
        (delegated(NO_USAGE), {}, OcspFault.RESPONDER_NOT_AUTHORISED),
        (delegated(WRONG_KEY_USAGE), {}, OcspFault.RESPONDER_NOT_AUTHORISED),
        (delegated(STRANGE), {}, OcspFault.RESPONDER_NOT_AUTHORISED),
        (delegated(OF_OTHER), {}, OcspFault.RESPONDER_NOT_AUTHORISED),
        (delegated(FORGED), {}, OcspFault.RESPONDER_NOT_AUTHORISED),
        (delegated(LEAF), {}, OcspFault.RESPONDER_NOT_AUTHORISED),
        (delegated(EXPIRED), {}, OcspFault.RESPONDER_EXPIRED),
        (delegated(key=pki.sm2_key()), {}, OcspFault.BAD_SIGNATURE),
        (ocsp.answer(ocsp.single(ID), signer=CA, key=pki.sm2_key()), {}, OcspFault.BAD_SIGNATURE),
        (ocsp.answer(ocsp.single(ID), signer=CA, key=pki.p256_key()), {}, OcspFault.BAD_SIGNATURE),
        (ocsp.answer(ocsp.single(ID), signer=CA), {"at": pki.NOW - timedelta(hours=1)}, OcspFault.NOT_YET),
        (ocsp.answer(ocsp.single(ID), signer=CA), {"at": pki.NOW + timedelta(hours=12)}, OcspFault.STALE),
        (ocsp.answer(ocsp.single(ID, next_update=None), signer=CA), {}, OcspFault.STALE),
    ],
    ids=range(19),
)
def test_each_refusal(blob, knobs, fault):
    """Starting from a good answer, one thing that is wrong is refused by its name."""
    assert fault_of(blob, **knobs) is fault


def test_the_nonce():
    """The nonce that we sent must come back; none at all is accepted where it is not required."""
    assert verify(ocsp.answer(ocsp.single(ID), signer=CA, nonce=NONCE), nonce=NONCE, required=True)
    assert verify(ocsp.answer(ocsp.single(ID), signer=CA), nonce=NONCE)
    assert verify(ocsp.answer(ocsp.single(ID), signer=CA, nonce=NONCE))


def test_a_request_is_what_another_library_reads():
    """A request names the certificate and carries the nonce, as another library reads it."""
    blob = encode_ocsp_request(LEAF.certificate, CA.certificate, digest=IdDigest.SHA256, nonce=NONCE)
    read = other_library.load_der_ocsp_request(blob)
    assert read.serial_number == LEAF.certificate.serial
    assert isinstance(read.hash_algorithm, hashes.SHA256)
    assert read.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == NONCE
    for length in (0, 129):
        with pytest.raises(ValueError, match="nonce"):
            encode_ocsp_request(LEAF.certificate, CA.certificate, nonce=bytes(length))


def test_another_library_reads_the_same():
    """An answer is read as another library reads it."""
    blob = delegated(nonce=NONCE)
    ours, theirs = parse_ocsp_response(blob), other_library.load_der_ocsp_response(blob)
    assert ours.tbs == theirs.tbs_response_bytes
    assert ours.signature == theirs.signature
    assert ours.produced_at == theirs.produced_at_utc
    assert ours.statuses[0].this_update == theirs.this_update_utc
    assert ours.statuses[0].next_update == theirs.next_update_utc
    assert ours.statuses[0].certificate_id.issuer_key_hash == theirs.issuer_key_hash
    assert repr(ours) == f"OcspResponse(fingerprint={ours.fingerprint.hex()}, statuses=1)"
    assert len({ours, parse_ocsp_response(blob)}) == 1


SINGLE = ocsp.single(ID)


@pytest.mark.parametrize(
    ("blob", "fault"),
    [
        (b"", OcspFault.MALFORMED),
        (b"x" * 200_000, OcspFault.TOO_LARGE),
        (ocsp.answer(SINGLE, signer=CA) + b"\0", OcspFault.MALFORMED),
        (ocsp.answer(SINGLE, signer=CA, status=3), OcspFault.NOT_SUCCESSFUL),
        (ocsp.answer(SINGLE, signer=CA, status=6), OcspFault.NOT_SUCCESSFUL),
        (ocsp.answer(SINGLE, signer=CA, status=99), OcspFault.NOT_SUCCESSFUL),
        (pki.sequence(pki.tlv(0x0A, b"\x00")), OcspFault.MALFORMED),
        (ocsp.answer(signer=CA), OcspFault.MALFORMED),
        (ocsp.answer(*[SINGLE] * 65, signer=CA), OcspFault.MALFORMED),
        (ocsp.answer(SINGLE, signer=CA, version=pki.tlv(0xA0, pki.integer(1))), OcspFault.MALFORMED),
        (ocsp.answer(SINGLE, signer=CA, responder=b"\x80\x00"), OcspFault.MALFORMED),
        (ocsp.answer(SINGLE, signer=CA, certificates=[CA.certificate.encoded] * 9), OcspFault.MALFORMED),
        (ocsp.answer(SINGLE, signer=CA, certificates=[pki.sequence()]), OcspFault.MALFORMED),
        (
            ocsp.answer(SINGLE, signer=CA, extensions=[pki.extension("1.2.3", b"\5\0", critical=True)]),
            OcspFault.MALFORMED,
        ),
        (
            ocsp.answer(ocsp.single(ID, extensions=[pki.extension("1.2.3", b"\5\0", critical=True)]), signer=CA),
            OcspFault.MALFORMED,
        ),
        (ocsp.answer(ocsp.single(ID, b"\x83\x00"), signer=CA), OcspFault.MALFORMED),
        (ocsp.answer(ocsp.single(ID, b"\x80\x01\x00"), signer=CA), OcspFault.MALFORMED),
        (ocsp.answer(ocsp.single(ID, ocsp.revoked(WHEN, 7)), signer=CA), OcspFault.MALFORMED),
        (ocsp.answer(ocsp.single(ID, next_update=WHEN), signer=CA), OcspFault.MALFORMED),
    ],
    ids=range(19),
)
def test_what_is_no_answer(blob, fault):
    """What cannot be read, is too large, or declines to answer is refused by its name."""
    with pytest.raises(OcspError) as caught:
        parse_ocsp_response(blob)
    assert caught.value.fault is fault


@given(st.binary(max_size=300))
def test_garbage_raises_only_our_error(data):
    """Any bytes are an answer or our own error."""
    with pytest.raises(OcspError):
        parse_ocsp_response(data)


CHANGED = delegated(nonce=NONCE)


@settings(max_examples=400)
@given(st.integers(0, len(CHANGED) - 1), st.integers(1, 255))
def test_a_changed_byte_never_becomes_another_answer(place, change):
    """An answer with any byte changed is refused, or says the same: what is not signed decides nothing."""
    changed = bytearray(CHANGED)
    changed[place] ^= change
    try:
        status = verify(bytes(changed))
    except OcspError:
        return
    assert status.state is OcspState.GOOD
