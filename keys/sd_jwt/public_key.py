"""Public keys of issuers and holders, and as JSON Web Keys (RFC 7517, RFC 7518, RFC 8037).

SM2 has no registered name: we write ``{"kty": "EC", "crv": "SM2"}``, with the coordinates as for P-256.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.errors import SignatureVerificationError
from keys.own.record import KEY_TYPES, KeyAlgorithm
from keys.sd_jwt.base64url import encode_base64url, parse_base64url
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.strict_json import Json
from keys.sm2 import Sm2PublicKey
from keys.spki import parse_spki

_NUMBER: Final = 32  # bytes of a coordinate, and of an Ed25519 key
_UNCOMPRESSED: Final = b"\x04"
_CURVES: Final = MappingProxyType(
    {
        ("EC", "P-256"): KeyAlgorithm.P256,
        ("EC", "SM2"): KeyAlgorithm.SM2,
        ("OKP", "Ed25519"): KeyAlgorithm.ED25519,
    }
)
_OF_TYPE: Final = MappingProxyType({kind: algorithm for algorithm, kind in KEY_TYPES.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key with its algorithm; ``spki`` is a SubjectPublicKeyInfo, DER."""

    algorithm: KeyAlgorithm
    spki: bytes


def read_public_key(spki: bytes) -> PublicKey:
    """Name the algorithm of a key; raises SdJwtError with HOLDER_KEY when it has none of ours."""
    try:
        kind, _ = parse_spki(spki)
    except ValueError as error:
        raise SdJwtError(SdJwtFault.HOLDER_KEY, str(error)) from error
    algorithm = None if kind is None else _OF_TYPE.get(kind)
    if algorithm is None:
        raise SdJwtError(SdJwtFault.HOLDER_KEY, "a key of SM2, P-256 or Ed25519 was expected")
    return PublicKey(algorithm=algorithm, spki=spki)


def encode_jwk(key: PublicKey) -> dict[str, Json]:
    """Write a key as JWK, with nothing in it but the key."""
    kty, crv = next(name for name, algorithm in _CURVES.items() if algorithm is key.algorithm)
    _, bits = parse_spki(key.spki)
    if key.algorithm is KeyAlgorithm.ED25519:
        return {"kty": kty, "crv": crv, "x": encode_base64url(bits)}
    x, y = bits[1 : 1 + _NUMBER], bits[1 + _NUMBER :]
    return {"kty": kty, "crv": crv, "x": encode_base64url(x), "y": encode_base64url(y)}


def parse_jwk(jwk: Mapping[str, Json]) -> PublicKey:
    """Read a key; members that say what it is for are not ours to judge, and a private half is refused.

    Raises:
        SdJwtError: HOLDER_KEY.

    """
    if "d" in jwk:
        raise SdJwtError(SdJwtFault.HOLDER_KEY, "a public key was expected, got a private one")
    kty, crv = jwk.get("kty"), jwk.get("crv")
    algorithm = _CURVES.get((kty, crv)) if isinstance(kty, str) and isinstance(crv, str) else None
    if algorithm is None:
        raise SdJwtError(SdJwtFault.HOLDER_KEY, "a key of P-256, Ed25519 or SM2 was expected")
    numbers = [_read_number(jwk.get(name)) for name in ("xy" if kty == "EC" else "x")]
    return PublicKey(algorithm=algorithm, spki=_encode_spki(algorithm, b"".join(numbers)))


def _read_number(value: Json) -> bytes:
    number = parse_base64url(value) if isinstance(value, str) else b""
    if len(number) != _NUMBER:
        raise SdJwtError(SdJwtFault.HOLDER_KEY, f"numbers of {_NUMBER} bytes were expected")
    return number


def _encode_spki(algorithm: KeyAlgorithm, numbers: bytes) -> bytes:
    try:
        match algorithm:
            case KeyAlgorithm.SM2:
                return Sm2PublicKey.from_point(_UNCOMPRESSED + numbers).spki
            case KeyAlgorithm.P256:
                point = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _UNCOMPRESSED + numbers)
                return point.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            case KeyAlgorithm.ED25519:
                key = Ed25519PublicKey.from_public_bytes(numbers)
                return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, SignatureVerificationError) as error:
        raise SdJwtError(SdJwtFault.HOLDER_KEY, "a point of the curve was expected") from error
