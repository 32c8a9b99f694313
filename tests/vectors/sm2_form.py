"""What every SM2 vector is made of: groups, fixed signers, and the notes of the flags, in Wycheproof's form."""

import hashlib
from typing import Any, Final

from tests.support import sm2_arithmetic as sm2
from tests.support.pki import bits, integer, oid, sequence
from tests.support.sm2_arithmetic import DEFAULT_USER_ID, SM2, digest, octets, sign

VERSION: Final = "1"
N, P = SM2.n, SM2.p
SM2_CURVE: Final = "1.2.156.10197.1.301"
EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"

Key = tuple[int, int]
Json = dict[str, Any]

# What a flag means, which kind of mistake it looks for, and where the mistake was seen or is described.
NOTES: dict[str, tuple[str, str]] = {
    "ValidSignature": ("BASIC", "The signature is valid; refusing it refuses an honest signer."),
    "ModifiedMessage": ("BASIC", "The message is another than the one that was signed."),
    "BoundsOfRAndS": (
        "SIGNATURE_MALLEABILITY",
        "r and s must lie within 1..n-1 (GB/T 32918.2 section 7.1, B1 and B2), as they stand and not modulo n.",
    ),
    "ZeroT": ("MISSING_STEP", "t = (r + s) mod n must not be zero (GB/T 32918.2 section 7.1, B5)."),
    "WrongZ": (
        "MISSING_STEP",
        "The digest must be SM3(Z‖M) with Z from the user id, the curve and the key (GB/T 32918.2 section 5.5).",
    ),
    "NoZ": ("MISSING_STEP", "The signature is over SM3(M); libraries that skip Z make and accept these."),
    "UserId": ("FUNCTIONALITY", "The user id is another than the usual 1234567812345678."),
    "EmptyUserId": ("FUNCTIONALITY", "The user id is empty; the standard has no such case, libraries differ."),
    "UserIdTooLong": (
        "MODIFIED_PARAMETER",
        "A user id of 8192 bytes has no ENTL; one that lets the length wrap around accepts the signature.",
    ),
    "OtherAlgorithm": ("CONFUSION", "A correct signature of another algorithm with the same key."),
    "SwappedNumbers": ("BASIC", "r and s have changed places."),
    "BerEncoding": ("BER_ENCODING", "The signature is not DER; accepting it gives one signature several spellings."),
    "NeedlessZero": (
        "BER_ENCODING",
        "A number has a leading zero that DER forbids; some signers in the field write it, so readers differ.",
    ),
    "RawSignature": (
        "BER_ENCODING",
        "r‖s of 64 bytes without DER, which some makers of e-seals write; readers differ.",
    ),
    "InvalidEncoding": ("MODIFIED_SIGNATURE", "The bytes are no SEQUENCE of two positive numbers."),
    "MissingZero": ("LEGACY", "A number with its highest bit set lacks the zero that makes it positive."),
    "LeadingZeros": ("EDGE_CASE", "r, s, a coordinate, x1 or the digest begins with a zero byte."),
    "EdgeCaseNonce": ("EDGE_CASE", "The nonce is so small or so large that R = ±G or nearly."),
    "EdgeCaseKey": ("EDGE_CASE", "The private key is the smallest or the largest that there is."),
    "Wraps": ("EDGE_CASE", "x1 + e reaches beyond n, or does not; both must be reduced alike."),
    "EdgeCaseDigest": ("EDGE_CASE", "The digest is zero, or not below n."),
    "EdgeCasePoint": ("EDGE_CASE", "The sum sG + tP is a doubling, or x1 is not below n, or s or t is 1 or n-1."),
    "PointAtInfinity": ("MISSING_STEP", "The sum sG + tP is the point at infinity, which has no x1."),
    "FieldMultiplication": (
        "ARITHMETIC",
        "Reported as refused by a library whose field multiplication lost a carry on some processors (gmsm #560).",
    ),
    "WeakKey": ("WEAK_KEY", "The key is -G (d = n-1): every s fits one r; the standard forbids to make such a key."),
    "OffCurve": ("INVALID_CURVE", "The point is not on the curve; where that is not checked, the forgery verifies."),
    "KeyIsInfinity": ("INVALID_CURVE", "The key is the point at infinity; where that is not checked, anyone can sign."),
    "NotReduced": ("INVALID_CURVE", "A coordinate is not below p."),
    "WrongCurve": ("CONFUSION", "The key is one of P-256."),
    "KeyEncoding": ("KEY_ENCODING", "The SubjectPublicKeyInfo is not DER, or not the one of an SM2 key."),
    "CompressedKey": (
        "KEY_ENCODING",
        "A form of the point that GB/T 32918.1 has and GB/T 20518 does not; readers differ.",
    ),
    "OldAlgorithm": (
        "KEY_ENCODING",
        "The curve's OID in place of id-ecPublicKey, as OpenSSL 1.1.1 and its forks wrote it; readers differ.",
    ),
    "ExplicitParameters": (
        "KEY_ENCODING",
        "The curve is written out instead of named (RFC 5480 section 2.1.1 forbids it); readers differ.",
    ),
    "ModifiedGenerator": (
        "INVALID_CURVE",
        "The curve is written out with another generator, so that the forger knows a private key (as CVE-2020-0601).",
    ),
}

HEADER = [
    "SM2 signatures (GB/T 32918.2, GM/T 0003.2) with SM3 over the curve of GB/T 32918.5.",
    "The form is that of C2SP Wycheproof's ecdsa_verify; userId is the signer's id in hexadecimal.",
    'A case that is "acceptable" may be accepted or refused: readers differ for the reason that its flag gives.',
    "Written by tests/vectors/build_sm2.py; do not edit.",
]


def number(label: str) -> int:
    """Derive a number within 1..n-2 from a label."""
    return int.from_bytes(hashlib.sha512(f"tongban sm2 vectors: {label}".encode()).digest()) % (N - 2) + 1


def public(private: int) -> Key:
    """Return the public key."""
    point = SM2.multiply(private, SM2.generator)
    if point is None:
        raise ValueError("a private key within 1..n-1 was expected")
    return point


def uncompressed(key: Key) -> bytes:
    """Encode a point as 04‖x‖y, whether it is on the curve or not."""
    return b"\x04" + octets(key[0]) + octets(key[1])


def spki(point: bytes, *, algorithm: bytes | None = None) -> bytes:
    """Encode a SubjectPublicKeyInfo around whatever stands for the point."""
    return sequence(algorithm or sequence(oid(EC_PUBLIC_KEY), oid(SM2_CURVE)), bits(point))


def der(r: int, s: int) -> bytes:
    """Encode two numbers of any size and sign as DER."""
    return sequence(integer(r), integer(s))


class Group:
    """One test group: a key, a user id and its cases."""

    def __init__(
        self, kind: str, point: bytes, *, user_id: bytes | None = DEFAULT_USER_ID, encoded: bytes | None = None
    ) -> None:
        self.kind = kind
        self.point = point
        self.user_id = user_id
        self.encoded = spki(point) if encoded is None else encoded
        self.cases: list[tuple[str, bytes, bytes, str, tuple[str, ...]]] = []

    def add(self, comment: str, content: bytes, signature: bytes, result: str, *flags: str) -> None:
        """Add a case; ``content`` is the message, or the digest in a group of digests."""
        self.cases.append((comment, content, signature, result, flags))

    def valid(self, comment: str, content: bytes, signature: bytes, *flags: str) -> None:
        """Add a case that must be accepted."""
        self.add(comment, content, signature, "valid", *(flags or ("ValidSignature",)))

    def invalid(self, comment: str, content: bytes, signature: bytes, *flags: str) -> None:
        """Add a case that must be refused."""
        self.add(comment, content, signature, "invalid", *flags)

    def acceptable(self, comment: str, content: bytes, signature: bytes, *flags: str) -> None:
        """Add a case on which readers may differ."""
        self.add(comment, content, signature, "acceptable", *flags)

    def render(self, first: int) -> Json:
        """Return the group as Wycheproof writes it, its cases numbered from ``first``."""
        x, y = (self.point[1:33].hex(), self.point[33:].hex()) if len(self.point) == 65 else ("", "")
        content = "digest" if self.kind == "Sm2DigestVerify" else "msg"
        group: Json = {
            "type": self.kind,
            "source": {"name": "tongban/tests/vectors/build_sm2.py", "version": VERSION},
            "publicKey": {
                "type": "EcPublicKey",
                "curve": "sm2p256v1",
                "keySize": 256,
                "uncompressed": self.point.hex(),
                "wx": x,
                "wy": y,
            },
            "publicKeyDer": self.encoded.hex(),
            "sha": "SM3",
        }
        if self.user_id is not None:
            group["userId"] = self.user_id.hex()
        group["tests"] = [
            {
                "tcId": first + place,
                "comment": comment,
                "flags": list(flags),
                content: value.hex(),
                "sig": signature.hex(),
                "result": result,
            }
            for place, (comment, value, signature, result, flags) in enumerate(self.cases)
        ]
        return group


class Signer:
    """A fixed private key that signs messages with nonces from labels."""

    def __init__(self, label: str = "main", *, private: int | None = None, user_id: bytes = DEFAULT_USER_ID) -> None:
        self.private = number(label) if private is None else private
        self.key = public(self.private)
        self.user_id = user_id

    def group(self, kind: str = "Sm2Verify") -> Group:
        """Return an empty group under this key and user id."""
        return Group(kind, uncompressed(self.key), user_id=self.user_id)

    def numbers(self, message: bytes, *, e: int | None = None, nonce: int | None = None) -> tuple[int, int]:
        """Sign a message, or the digest ``e`` in its place."""
        chosen = digest(self.key, message, self.user_id) if e is None else e
        return sign(self.private, chosen, number(f"nonce {message.hex()[:64]} {chosen:x}") if nonce is None else nonce)

    def sign(self, message: bytes, *, e: int | None = None, nonce: int | None = None) -> bytes:
        """Sign as `numbers` does, in minimal DER."""
        return der(*self.numbers(message, e=e, nonce=nonce))


MESSAGE = b"123400"  # the message of Wycheproof's own vectors
MAIN = Signer()


def sure(point: sm2.Point) -> Key:
    """Return the point, which must not be infinity."""
    if point is None:
        raise ValueError("a point other than infinity was expected")
    return point
