"""What signs for us, and what is said of it in public."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import SignatureFault, SignatureVerificationError
from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.public import encode_public_jwk, encode_public_pem, encode_trust_list_key
from keys.own.record import KeyAlgorithm, KeyPurpose
from keys.own.signer import Signer, SoftwareSigner, verify_own_signature
from keys.sm2 import Sm2PrivateKey, Sm2PublicKey
from tests.support.own_keys import make_record

SIGNERS = {algorithm: SoftwareSigner.generate(algorithm) for algorithm in KeyAlgorithm}
EACH = pytest.mark.parametrize("signer", SIGNERS.values(), ids=list(SIGNERS))


def verify(signer: Signer, message: bytes, signature: bytes) -> None:
    """Verify with the public half only."""
    verify_own_signature(algorithm=signer.algorithm, public_key=signer.public_key, message=message, signature=signature)


@EACH
def test_what_is_signed_verifies(signer: SoftwareSigner) -> None:
    """A signature verifies over its message and over no other."""
    signature = signer.sign(b"checkpoint")
    verify(signer, b"checkpoint", signature)
    with pytest.raises(SignatureVerificationError) as caught:
        verify(signer, b"checkpoinT", signature)
    assert caught.value.fault is SignatureFault.BAD


@EACH
def test_a_key_survives_its_encoding(signer: SoftwareSigner) -> None:
    """What PKCS#8 holds is the same key."""
    again = SoftwareSigner.parse_pkcs8(signer.encode_pkcs8(), signer.algorithm)
    assert (again.key_id, again.public_key) == (signer.key_id, signer.public_key)
    verify(signer, b"m", again.sign(b"m"))


@EACH
def test_a_key_of_another_algorithm_is_refused(signer: SoftwareSigner) -> None:
    """A key is read as exactly the algorithm that the header names."""
    for algorithm in KeyAlgorithm:
        if algorithm is not signer.algorithm:
            with pytest.raises(OwnKeyError) as caught:
                SoftwareSigner.parse_pkcs8(signer.encode_pkcs8(), algorithm)
            assert caught.value.fault is OwnKeyFault.MALFORMED
            assert caught.value.__cause__ is None


def test_a_curve_of_others_is_refused() -> None:
    """P-384 is no algorithm of ours, neither read nor handed over."""
    key = ec.generate_private_key(ec.SECP384R1())
    encoded = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(OwnKeyError):
        SoftwareSigner.parse_pkcs8(encoded, KeyAlgorithm.P256)
    with pytest.raises(ValueError, match="P-256"):
        SoftwareSigner(key)


@given(st.binary(max_size=200), st.sampled_from(KeyAlgorithm))
def test_garbage_is_no_key(garbage: bytes, algorithm: KeyAlgorithm) -> None:
    """Whatever bytes are given as a private key, only our error comes out."""
    with pytest.raises(OwnKeyError):
        SoftwareSigner.parse_pkcs8(garbage, algorithm)


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.SM2, KeyAlgorithm.P256])
def test_a_raw_signature_is_not_ours(algorithm: KeyAlgorithm) -> None:
    """The same numbers as 64 raw bytes are refused: a signature of ours has one spelling."""
    signer = SIGNERS[algorithm]
    r, s = decode_dss_signature(signer.sign(b"m"))
    with pytest.raises(SignatureVerificationError) as caught:
        verify(signer, b"m", r.to_bytes(32) + s.to_bytes(32))
    assert caught.value.fault is SignatureFault.MALFORMED


@EACH
def test_a_signer_shows_no_secret(signer: SoftwareSigner) -> None:
    """What a signer prints holds the public half only."""
    assert repr(signer) == f"SoftwareSigner({signer.algorithm}, {signer.key_id})"


@EACH
def test_pem_is_read_by_others(signer: SoftwareSigner) -> None:
    """The PEM form holds exactly the public key, in lines of 64."""
    text = encode_public_pem(make_record(signer))
    body = "".join(text.splitlines()[1:-1])
    assert base64.b64decode(body) == signer.public_key
    assert max(map(len, text.splitlines())) <= 64
    if signer.algorithm is not KeyAlgorithm.SM2:
        key = load_pem_public_key(text.encode())
        assert key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == signer.public_key


@EACH
def test_jwk_holds_the_same_key(signer: SoftwareSigner) -> None:
    """The coordinates of the JWK give the same public key back."""
    jwk = encode_public_jwk(make_record(signer))
    assert jwk["kid"] == signer.key_id
    x, y = (base64.urlsafe_b64decode(jwk.get(name, "") + "==") for name in "xy")
    match jwk["kty"], jwk["crv"]:
        case "OKP", "Ed25519":
            spki = ed25519.Ed25519PublicKey.from_public_bytes(x).public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        case "EC", "P-256":
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
            spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        case _:
            assert (jwk["kty"], jwk["crv"], jwk["alg"]) == ("EC", "SM2", "SM2")
            spki = Sm2PublicKey.from_point(b"\x04" + x + y).spki
    assert spki == signer.public_key


@EACH
def test_a_trust_list_takes_the_key(signer: SoftwareSigner) -> None:
    """The entry for a trust list is id, algorithm and SubjectPublicKeyInfo; a key for lists has its role besides."""
    entry = encode_trust_list_key(make_record(signer))
    assert entry == {
        "id": signer.key_id,
        "algorithm": signer.algorithm,
        "public_key": base64.b64encode(signer.public_key).decode(),
    }
    for purpose in (KeyPurpose.TRUST_LIST, KeyPurpose.STATUS_FEED):
        assert encode_trust_list_key(make_record(signer, purpose=purpose)) == {**entry, "roles": [purpose]}


def test_sm2_is_the_key_of_the_package() -> None:
    """An SM2 signer signs as the key that it was given."""
    key = Sm2PrivateKey.generate()
    signature = SoftwareSigner(key).sign(b"m")
    key.public_key.verify(b"m", signature)
