"""The public half of a key, in the forms in which others take it."""

import base64
import textwrap
from typing import Final

from keys.own.record import KeyAlgorithm, KeyPurpose, KeyRecord
from keys.spki import parse_spki

_LIST_ROLES: Final = frozenset({KeyPurpose.TRUST_LIST, KeyPurpose.STATUS_FEED})  # the same words as of `KeyRole`
_COORDINATE: Final = 32
_PEM_LINE: Final = 64  # RFC 7468 section 2


def encode_public_pem(record: KeyRecord) -> str:
    """Encode as PEM (RFC 7468 section 13)."""
    lines = textwrap.wrap(base64.b64encode(record.public_key).decode("ascii"), _PEM_LINE)
    return "\n".join(("-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""))


def encode_public_jwk(record: KeyRecord) -> dict[str, str]:
    """Encode as JWK (RFC 7517, 7518, 8037); ``crv`` and ``alg`` "SM2" are private names, since none is registered."""
    _, bits = parse_spki(record.public_key)
    if record.algorithm is KeyAlgorithm.ED25519:
        shape = {"alg": "EdDSA", "crv": "Ed25519", "kty": "OKP", "x": _base64url(bits)}
    else:
        curve, algorithm = ("SM2", "SM2") if record.algorithm is KeyAlgorithm.SM2 else ("P-256", "ES256")
        x, y = bits[1 : 1 + _COORDINATE], bits[1 + _COORDINATE :]  # 04‖x‖y
        shape = {"alg": algorithm, "crv": curve, "kty": "EC", "x": _base64url(x), "y": _base64url(y)}
    return {**shape, "kid": record.id, "use": "sig"}


def encode_trust_list_key(record: KeyRecord) -> dict[str, str | list[str]]:
    """Encode as the entry that a trust list takes among its keys.

    Only a key that is there to sign lists or statuses has ``roles``: no list takes one that signs something else.
    """
    entry: dict[str, str | list[str]] = {
        "id": record.id,
        "algorithm": record.algorithm.value,
        "public_key": base64.b64encode(record.public_key).decode("ascii"),
    }
    return {**entry, "roles": [record.purpose.value]} if record.purpose in _LIST_ROLES else entry


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
