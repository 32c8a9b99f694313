"""SubjectPublicKeyInfo: of which algorithm a public key is, and its bits (RFC 5280 section 4.1.2.7)."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from keys.der import BIT_STRING, SEQUENCE, encode_header, expect_element


class KeyType(StrEnum):
    """The kinds of public key that our signature algorithms use."""

    SM2 = "sm2"
    P256 = "p-256"
    ED25519 = "ed25519"
    RSA = "rsa"


SM2_CURVE_OID: Final = "1.2.156.10197.1.301"

_SM2: Final = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")  # id-ecPublicKey with the SM2 curve

# AlgorithmIdentifiers as whole DER values: an unnamed curve or odd parameters are no key of ours.
_ALGORITHMS: Final = MappingProxyType(
    {
        _SM2: KeyType.SM2,
        # The curve's OID as algorithm and as parameter: OpenSSL 1.1.1 and early Tongsuo wrote SM2 keys so.
        bytes.fromhex("301406082a811ccf5501822d06082a811ccf5501822d"): KeyType.SM2,
        bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107"): KeyType.P256,
        bytes.fromhex("300506032b6570"): KeyType.ED25519,
        bytes.fromhex("300d06092a864886f70d0101010500"): KeyType.RSA,
        bytes.fromhex("300b06092a864886f70d010101"): KeyType.RSA,  # parameters left out instead of NULL
    }
)


def parse_spki(spki: bytes) -> tuple[KeyType | None, bytes]:
    """Read the type of a public key (None: no algorithm of ours) and the content of its BIT STRING.

    Raises:
        ValueError: not DER, not this structure, or bits that do not fill their last byte.

    """
    outer = expect_element(spki, 0, len(spki), SEQUENCE)
    algorithm = expect_element(spki, outer.content, outer.end, SEQUENCE)
    key = expect_element(spki, algorithm.end, outer.end, BIT_STRING)
    if outer.end != len(spki) or key.end != outer.end:
        raise ValueError("a public key was expected, got more bytes")
    if key.end - key.content < 2 or spki[key.content] != 0:  # noqa: PLR2004 - the unused-bits byte and one of the key
        raise ValueError("whole bytes of a key were expected")
    return _ALGORITHMS.get(spki[algorithm.start : algorithm.end]), spki[key.content + 1 : key.end]


def encode_sm2_spki(point: bytes) -> bytes:
    """Encode an uncompressed point as the SubjectPublicKeyInfo that GB/T 20518 prescribes."""
    bits = encode_header(BIT_STRING, len(point) + 1) + b"\x00" + point
    return encode_header(SEQUENCE, len(_SM2) + len(bits)) + _SM2 + bits
