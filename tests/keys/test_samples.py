"""Signatures of real seals, verified with the certificates that they carry."""

import pytest

from keys.certificate import is_signing_certificate, load_certificates, parse_certificate
from keys.der import BIT_STRING, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, encode_header, expect_element
from keys.errors import SignatureFault, SignatureVerificationError
from keys.signature import SM2_WITH_SM3, SignatureEncoding, verify_signature
from tests.support.vectors import vector


def split(data, element, *tags):
    """Return the first children of an element, which must carry these tags."""
    found, position = [], element.content
    for tag in tags:
        found.append(expect_element(data, position, element.end, tag))
        position = found[-1].end
    return found


def read_seal(name):
    """Return what the maker of a sample signed, with which certificate, and the signature value."""
    data = vector(f"ofd/ofdrw/{name}")
    outer = expect_element(data, 0, len(data), SEQUENCE)
    if name == "UserV4.esl":  # GB/T 38540: sealInfo, cert, algorithm, signature; signed is sealInfo
        info, certificate, _, signature = split(data, outer, SEQUENCE, OCTET_STRING, OBJECT_IDENTIFIER, BIT_STRING)
        message = data[info.start : info.end]
    else:  # GM/T 0031-2014: sealInfo, {cert, algorithm, signature}; signed are sealInfo, cert and algorithm
        info, inner = split(data, outer, SEQUENCE, SEQUENCE)
        certificate, algorithm, signature = split(data, inner, OCTET_STRING, OBJECT_IDENTIFIER, BIT_STRING)
        body = data[info.start : info.end] + data[certificate.start : algorithm.end]
        message = encode_header(SEQUENCE, len(body)) + body
    encoded = data[certificate.content : certificate.end]
    return message, parse_certificate(encoded), data[signature.content + 1 : signature.end]


@pytest.mark.parametrize("name", ["UserV1.esl", "UserV4.esl"])
def test_the_seal_is_its_makers(name):
    """The seal signature of both standards verifies over exactly what the standard says, with the maker's key."""
    message, maker, signature = read_seal(name)
    assert (maker,) == load_certificates(vector("ofd/ofdrw/sealmaker_cert.pem"))
    assert is_signing_certificate(maker)
    named = {"signature": signature, "algorithm": SM2_WITH_SM3, "spki": maker.spki}
    assert verify_signature(message=message, **named) in set(SignatureEncoding)
    (other,) = load_certificates(vector("ofd/ofdrw/user_cert.pem"))
    for changed in ({"message": message + b"\0"}, {"message": message, "spki": other.spki}):
        with pytest.raises(SignatureVerificationError) as caught:
            verify_signature(**(named | changed))
        assert caught.value.fault is SignatureFault.BAD


@pytest.mark.parametrize(
    ("name", "issuer", "good"),
    [
        ("sm2-root-cert.pem", "sm2-root-cert.pem", True),
        ("sm2-cert.pem", "sm2-root-cert.pem", True),
        ("sm2-noza-root-cert.pem", "sm2-noza-root-cert.pem", False),
        ("sm2-noza-cert.pem", "sm2-noza-root-cert.pem", False),
        ("sm2__client_sign.crt", "sm2__chain-ca.crt", True),
        ("sm2__client_enc.crt", "sm2__chain-ca.crt", True),
        ("sm2__client_sign_expire.crt", "sm2__chain-ca.crt", True),
    ],
)
def test_certificates_under_their_issuers(name, issuer, good):
    """Certificates verify under their issuer's key with the default user id, and those without Z never do."""
    (certificate, *_) = load_certificates(vector(f"ofd/tongsuo-certs/{name}"))
    key = load_certificates(vector(f"ofd/tongsuo-certs/{issuer}"))[-1].spki
    named = {
        "message": certificate.tbs,
        "signature": certificate.signature,
        "algorithm": certificate.signature_algorithm,
        "spki": key,
    }
    if good:
        verify_signature(**named)
        return
    with pytest.raises(SignatureVerificationError) as caught:
        verify_signature(**named)
    assert caught.value.fault is SignatureFault.BAD
