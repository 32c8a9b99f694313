"""The one table of signature algorithms, and the one function that verifies with it.

An algorithm is found by its exact OID and fits exactly one type of key; nothing is tried that does not fit, and nothing
is tried twice under another name.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keys.encoding import SignatureEncoding, encode_signature, parse_signature
from keys.errors import SignatureFault, SignatureVerificationError
from keys.memo import Memo
from keys.sm2 import DEFAULT_USER_ID, Sm2PublicKey
from keys.spki import KeyType, parse_spki

__all__ = [
    "ALGORITHMS",
    "CERTIFICATE_ALGORITHMS",
    "REFUSED",
    "SM2_WITH_SM3",
    "Algorithm",
    "SignatureEncoding",
    "verify_recurring",
    "verify_signature",
]

SM2_WITH_SM3: Final = "1.2.156.10197.1.501"
ECDSA_WITH_SHA256: Final = "1.2.840.10045.4.3.2"
ED25519: Final = "1.3.101.112"
RSA_WITH_SHA256: Final = "1.2.840.113549.1.1.11"
RSA_WITH_SHA384: Final = "1.2.840.113549.1.1.12"
RSA_WITH_SHA512: Final = "1.2.840.113549.1.1.13"
RSA_WITH_SM3: Final = "1.2.156.10197.1.504"
_SM2_SIGNING: Final = "1.2.156.10197.1.301.1"  # GB/T 35275 writes it as digestEncryptionAlgorithm
_SM2_CURVE: Final = "1.2.156.10197.1.301"  # some seal vendors write the curve where the algorithm belongs
_RSA_ENCRYPTION: Final = "1.2.840.113549.1.1.1"
_EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"

_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_MIN_RSA_BITS: Final = 2048  # NIST SP 800-131A; 1024 bits are within reach of those who would forge a licence
_MAX_RSA_BITS: Final = 8192  # a check takes 0.5 ms there and grows with the square; no CA issues more
MAX_SPKI: Final = 1_100  # bytes: RSA with 8192 bits takes 1,060; a larger key is refused before it is decoded
_RECURRING: Final = 16_384  # seals that are remembered, some 200 bytes each; a province has thousands in use
_KEYS: Final = 1_024  # keys of other algorithms than SM2, decoded; partner provinces and time stamps have a few dozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """A signature algorithm that may make something valid."""

    name: str
    key_type: KeyType
    digest: str  # the name in `keys.digest`, of what is used inside
    verify: Callable[[bytes, bytes, bytes, bytes], SignatureEncoding]  # spki, signature, message, user id


def verify_signature(
    *, message: bytes, signature: bytes, algorithm: str, spki: bytes, user_id: bytes = DEFAULT_USER_ID
) -> SignatureEncoding:
    """Verify ``signature`` over the whole ``message`` with the public key ``spki``; return how the value was spelled.

    ``algorithm`` is a dotted OID, ``spki`` a DER SubjectPublicKeyInfo; ``user_id`` matters for SM2 only.

    Raises:
        SignatureVerificationError: the first of UNSUPPORTED_ALGORITHM, UNUSABLE_KEY, WRONG_KEY_TYPE, MALFORMED, BAD.
        ValueError: a user id that SM2 does not have, which is the caller's mistake and never the signer's.

    """
    known = ALGORITHMS.get(algorithm)
    if known is None:
        detail = REFUSED.get(algorithm, "the algorithm is not known")
        raise SignatureVerificationError(SignatureFault.UNSUPPORTED_ALGORITHM, detail)
    try:
        key_type, _ = parse_spki(spki)
    except ValueError as error:
        raise SignatureVerificationError(SignatureFault.UNUSABLE_KEY, str(error)) from error
    if key_type is not known.key_type:
        found = "another" if key_type is None else str(key_type)
        detail = f"a key of type {known.key_type} was expected, got {found}"
        raise SignatureVerificationError(SignatureFault.WRONG_KEY_TYPE, detail)
    return known.verify(spki, signature, message, user_id)


def is_signed(*, message: bytes, signature: bytes, algorithm: str, spki: bytes) -> bool:
    """Say whether `verify_signature` finds no fault, where it does not matter which."""
    try:
        verify_signature(message=message, signature=signature, algorithm=algorithm, spki=spki)
    except SignatureVerificationError:
        return False
    return True


def verify_recurring(*, message: bytes, signature: bytes, algorithm: str, spki: bytes) -> SignatureEncoding:
    """Verify as `verify_signature` does what is met again and again, as a seal is on all licences of its office.

    What was signed stays signed: it is remembered. What was not is verified again each time.

    Raises:
        SignatureVerificationError: as there.

    """
    digest = hashlib.sha256()
    for part in (message, signature, algorithm.encode(), spki):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return _recurring.get(
        digest.digest(),
        lambda: verify_signature(message=message, signature=signature, algorithm=algorithm, spki=spki),
    )


def _verify_sm2(spki: bytes, signature: bytes, message: bytes, user_id: bytes) -> SignatureEncoding:
    return Sm2PublicKey.from_spki(spki).verify(message, signature, user_id=user_id)


def _verify_p256(spki: bytes, signature: bytes, message: bytes, _user_id: bytes) -> SignatureEncoding:
    key = _load_key(spki)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SignatureVerificationError(SignatureFault.UNUSABLE_KEY, "a P-256 key was expected")
    try:
        r, s, encoding = parse_signature(signature, _P256_ORDER, raw_allowed=False)
    except ValueError as error:
        raise SignatureVerificationError(SignatureFault.MALFORMED, str(error)) from error
    try:
        key.verify(encode_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise SignatureVerificationError(SignatureFault.BAD) from error
    return encoding


def _verify_ed25519(spki: bytes, signature: bytes, message: bytes, _user_id: bytes) -> SignatureEncoding:
    key = _load_key(spki)
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise SignatureVerificationError(SignatureFault.UNUSABLE_KEY, "an Ed25519 key was expected")
    if len(signature) != 64:  # noqa: PLR2004 - RFC 8032 section 5.1.6
        raise SignatureVerificationError(SignatureFault.MALFORMED, f"64 bytes were expected, got {len(signature)}")
    try:
        key.verify(signature, message)
    except InvalidSignature as error:
        raise SignatureVerificationError(SignatureFault.BAD) from error
    return SignatureEncoding.DER


def _rsa_with(digest: hashes.HashAlgorithm) -> Callable[[bytes, bytes, bytes, bytes], SignatureEncoding]:
    def verify(spki: bytes, signature: bytes, message: bytes, _user_id: bytes) -> SignatureEncoding:
        key = _load_key(spki)
        if not isinstance(key, rsa.RSAPublicKey) or not _MIN_RSA_BITS <= key.key_size <= _MAX_RSA_BITS:
            detail = f"an RSA key of {_MIN_RSA_BITS} to {_MAX_RSA_BITS} bits was expected"
            raise SignatureVerificationError(SignatureFault.UNUSABLE_KEY, detail)
        expected = (key.key_size + 7) // 8
        if len(signature) != expected:
            detail = f"{expected} bytes were expected, got {len(signature)}"
            raise SignatureVerificationError(SignatureFault.MALFORMED, detail)
        try:
            key.verify(signature, message, padding.PKCS1v15(), digest)
        except InvalidSignature as error:
            raise SignatureVerificationError(SignatureFault.BAD) from error
        return SignatureEncoding.DER

    return verify


_recurring: Final[Memo[bytes, SignatureEncoding]] = Memo(_RECURRING)
_loaded: Final[Memo[bytes, PublicKeyTypes]] = Memo(_KEYS)


def _load_key(spki: bytes) -> PublicKeyTypes:
    """Load a key of another algorithm than SM2; keys that were read lately come from memory."""
    if len(spki) > MAX_SPKI:
        detail = f"a key of at most {MAX_SPKI} bytes was expected, got {len(spki)}"
        raise SignatureVerificationError(SignatureFault.UNUSABLE_KEY, detail)
    try:
        return _loaded.get(spki, lambda: load_der_public_key(spki))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureVerificationError(SignatureFault.UNUSABLE_KEY, "the key is not readable") from error


_SM2: Final = Algorithm(name="SM2 with SM3", key_type=KeyType.SM2, digest="SM3", verify=_verify_sm2)

# Every algorithm under which anything may be called valid, by dotted OID.
ALGORITHMS: Final = MappingProxyType(
    {
        SM2_WITH_SM3: _SM2,
        _SM2_SIGNING: _SM2,
        _SM2_CURVE: _SM2,
        ECDSA_WITH_SHA256: Algorithm(
            name="ECDSA with SHA-256", key_type=KeyType.P256, digest="SHA256", verify=_verify_p256
        ),
        ED25519: Algorithm(name="Ed25519", key_type=KeyType.ED25519, digest="SHA512", verify=_verify_ed25519),
        RSA_WITH_SHA256: Algorithm(
            name="RSA with SHA-256", key_type=KeyType.RSA, digest="SHA256", verify=_rsa_with(hashes.SHA256())
        ),
        RSA_WITH_SHA384: Algorithm(
            name="RSA with SHA-384", key_type=KeyType.RSA, digest="SHA384", verify=_rsa_with(hashes.SHA384())
        ),
        RSA_WITH_SHA512: Algorithm(
            name="RSA with SHA-512", key_type=KeyType.RSA, digest="SHA512", verify=_rsa_with(hashes.SHA512())
        ),
        RSA_WITH_SM3: Algorithm(
            name="RSA with SM3", key_type=KeyType.RSA, digest="SM3", verify=_rsa_with(hashes.SM3())
        ),
    }
)

# What certificates and revocation lists may be signed with; the other spellings of SM2 belong to seals and CMS.
CERTIFICATE_ALGORITHMS: Final = frozenset(ALGORITHMS) - {_SM2_SIGNING, _SM2_CURVE}

# Known by name and refused, because their digests can be forged or because they say no digest.
REFUSED: Final = MappingProxyType(
    {
        "1.2.840.113549.1.1.2": "RSA with MD2 is too weak",
        "1.2.840.113549.1.1.4": "RSA with MD5 is too weak",
        "1.2.840.113549.1.1.5": "RSA with SHA-1 is too weak",
        "1.3.14.3.2.29": "RSA with SHA-1 is too weak",
        "1.2.840.10045.4.1": "ECDSA with SHA-1 is too weak",
        "1.2.840.10040.4.3": "DSA with SHA-1 is too weak",
        "1.2.156.10197.1.502": "SM2 with SHA-1 is too weak",
        _RSA_ENCRYPTION: "RSA without a digest says too little",
        _EC_PUBLIC_KEY: "a key type is not a signature algorithm",
    }
)
