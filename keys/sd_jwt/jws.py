"""Signed JSON objects in the compact form of JWS (RFC 7515 section 3.1), of the issuer and of the holder."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from keys.canonical_json import encode_canonical
from keys.encoding import RAW_SIZE, encode_signature, parse_signature
from keys.errors import SignatureVerificationError
from keys.own.record import KeyAlgorithm
from keys.own.signer import SIGNATURE_OIDS, Signer
from keys.sd_jwt.base64url import encode_base64url, parse_base64url
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.public_key import PublicKey
from keys.sd_jwt.strict_json import Json, parse_json
from keys.signature import verify_signature

_PARTS: Final = 3
_NUMBER: Final = RAW_SIZE // 2

# The names of an algorithm in ``alg``; the first one is what we write.
ALGORITHM_NAMES: Final = MappingProxyType(
    {
        KeyAlgorithm.P256: ("ES256",),  # RFC 7518 section 3.4
        KeyAlgorithm.ED25519: ("EdDSA", "Ed25519"),  # RFC 8037; RFC 9864
        KeyAlgorithm.SM2: ("SM2",),  # private name: SM2 with SM3, r‖s, user id 1234567812345678
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Jws:
    """What a JWS says, unverified until `verify_jws` returns."""

    header: Mapping[str, Json]
    payload: Mapping[str, Json]
    signing_input: bytes
    signature: bytes


def sign_jws(header: Mapping[str, Json], payload: Mapping[str, Json], signer: Signer) -> str:
    """Sign an object; ``alg`` is added to the header. Raises what the signer raises."""
    named = {**header, "alg": ALGORITHM_NAMES[signer.algorithm][0]}
    signing_input = ".".join(encode_base64url(encode_canonical(part)) for part in (named, dict(payload)))
    signature = signer.sign(signing_input.encode())
    if signer.algorithm is not KeyAlgorithm.ED25519:
        r, s, _ = parse_signature(signature, 1 << 8 * _NUMBER, raw_allowed=False)  # our own signer's, and in range
        signature = r.to_bytes(_NUMBER) + s.to_bytes(_NUMBER)
    return f"{signing_input}.{encode_base64url(signature)}"


def parse_jws(text: str) -> Jws:
    """Read a JWS without verifying it.

    Raises:
        SdJwtError: FORM, BASE64, JSON.

    """
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise SdJwtError(SdJwtFault.FORM, "header, payload and signature were expected")
    header, payload = (parse_json(parse_base64url(part)) for part in parts[:2])
    if not isinstance(header, dict) or not isinstance(payload, dict):
        raise SdJwtError(SdJwtFault.JSON, "an object was expected")
    signing_input = f"{parts[0]}.{parts[1]}".encode()  # base64url, so ASCII
    return Jws(header=header, payload=payload, signing_input=signing_input, signature=parse_base64url(parts[2]))


def verify_jws(jws: Jws, key: PublicKey) -> None:
    """Verify with exactly the algorithm of the key; 64 bytes are the one form of a signature here.

    Raises:
        SdJwtError: ALGORITHM, SIGNATURE; HEADER for an extension that must be understood (RFC 7515 section 4.1.11).

    """
    if "crit" in jws.header:
        raise SdJwtError(SdJwtFault.HEADER, "crit")
    if jws.header.get("alg") not in ALGORITHM_NAMES[key.algorithm]:
        raise SdJwtError(SdJwtFault.ALGORITHM, f"{ALGORITHM_NAMES[key.algorithm][0]} was expected")
    if len(jws.signature) != RAW_SIZE:
        raise SdJwtError(SdJwtFault.SIGNATURE, f"{RAW_SIZE} bytes were expected, got {len(jws.signature)}")
    signature = jws.signature
    if key.algorithm is not KeyAlgorithm.ED25519:
        r, s = int.from_bytes(signature[:_NUMBER]), int.from_bytes(signature[_NUMBER:])
        signature = encode_signature(r, s)
    try:
        verify_signature(
            message=jws.signing_input,
            signature=signature,
            algorithm=SIGNATURE_OIDS[key.algorithm],
            spki=key.spki,
        )
    except SignatureVerificationError as error:
        raise SdJwtError(SdJwtFault.SIGNATURE, str(error.fault)) from error
