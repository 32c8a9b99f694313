"""SM2 keys: signatures (GB/T 32918.2) and encryption (GB/T 32918.4) with SM3, arithmetic by the system's libcrypto.

The module proves itself at import with the vector of GB/T 32918.5; a library that fails it is refused at the start,
not at the first request.
A user id is never tried or guessed: it is the default, or what a party's configuration says.
"""

import secrets
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keys.encoding import SignatureEncoding, encode_signature, parse_signature
from keys.errors import LibraryUnusableError, MalformedKeyError, SignatureFault, SignatureVerificationError
from keys.libcrypto import KeyHandle
from keys.memo import Memo
from keys.spki import SM2_CURVE_OID, KeyType, encode_sm2_spki, parse_spki

__all__ = [
    "CURVE_ORDER",
    "DEFAULT_USER_ID",
    "SignatureEncoding",
    "Sm2PrivateKey",
    "Sm2PublicKey",
    "canonical_signature",
]

DEFAULT_USER_ID: Final = b"1234567812345678"  # GB/T 35276 section 10

# GB/T 32918.5: y² = x³ + ax + b over p, with a = p - 3, a group of CURVE_ORDER points.
CURVE_ORDER: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93

_UNCOMPRESSED: Final = 0x04
_COMPRESSED: Final = (0x02, 0x03)
_POINT_SIZE: Final = 65
_COMPRESSED_SIZE: Final = 33

# A gateway sees the signers and seal makers of a province, a few thousand; a key inside libcrypto takes about 2 kB.
_KEYS: Final = 4_096


class Sm2PublicKey:
    """A public key whose point was found to be on the curve."""

    __slots__ = ("_handle", "spki")

    spki: bytes

    def __init__(self, point: bytes) -> None:
        """Take 65 bytes 04‖x‖y; `from_point` and `from_spki` are the doors."""
        _check_point(point)
        self.spki = encode_sm2_spki(point)
        try:
            self._handle = KeyHandle.from_spki(self.spki)
        except ValueError as error:  # the point is good, so this is libcrypto's refusal
            raise SignatureVerificationError(SignatureFault.UNUSABLE_KEY, "libcrypto refuses the key") from error

    @classmethod
    def from_point(cls, point: bytes) -> "Sm2PublicKey":
        """Make a key from 65 bytes 04‖x‖y.

        Raises:
            SignatureVerificationError: UNUSABLE_KEY when it is no point of the curve, or infinity.

        """
        return cls(point)

    @classmethod
    def from_spki(cls, spki: bytes) -> "Sm2PublicKey":
        """Read a SubjectPublicKeyInfo; keys that were read lately come from memory.

        Raises:
            SignatureVerificationError: UNUSABLE_KEY when it cannot be read, or is no point of the curve;
                WRONG_KEY_TYPE when it is a key of another algorithm.

        """
        return _keys.get(spki, lambda: cls(_read_point(spki)))

    @property
    def point(self) -> bytes:
        """The point as 65 bytes 04‖x‖y."""
        return self.spki[-_POINT_SIZE:]

    def __repr__(self) -> str:
        """Show the point."""
        return f"Sm2PublicKey({self.point.hex()})"

    def __eq__(self, other: object) -> bool:
        """Compare the points."""
        return isinstance(other, Sm2PublicKey) and self.spki == other.spki

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self.spki)

    def verify(self, message: bytes, signature: bytes, *, user_id: bytes = DEFAULT_USER_ID) -> SignatureEncoding:
        """Verify ``signature`` over the whole ``message`` and return how the value was spelled.

        Raises:
            SignatureVerificationError: MALFORMED when the value is no {r, s}, BAD when it is not this key's.
            ValueError: a user id without a byte, or above `keys.libcrypto.MAX_USER_ID` (the caller's mistake).

        """
        try:
            r, s, encoding = parse_signature(signature, CURVE_ORDER)
        except ValueError as error:
            raise SignatureVerificationError(SignatureFault.MALFORMED, str(error)) from error
        if not self._handle.is_signed(message, encode_signature(r, s), user_id):
            raise SignatureVerificationError(SignatureFault.BAD)
        return encoding

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt to this key's owner, in DER (`keys.payload.sm2_ciphertext`); ValueError without a byte."""
        return self._handle.encrypt(plaintext)


_keys: Final[Memo[bytes, Sm2PublicKey]] = Memo(_KEYS)


def canonical_signature(value: bytes) -> bytes:
    """Return the one spelling (minimal DER) of an SM2 signature, for use as its identity.

    Raises:
        SignatureVerificationError: MALFORMED, as `Sm2PublicKey.verify` would.

    """
    try:
        r, s, _ = parse_signature(value, CURVE_ORDER)
    except ValueError as error:
        raise SignatureVerificationError(SignatureFault.MALFORMED, str(error)) from error
    return encode_signature(r, s)


def _read_point(spki: bytes) -> bytes:
    """Read the point out of a SubjectPublicKeyInfo, as 04‖x‖y also where it is written compressed."""
    try:
        key_type, point = parse_spki(spki)
    except ValueError as error:
        raise SignatureVerificationError(SignatureFault.UNUSABLE_KEY, str(error)) from error
    if key_type is not KeyType.SM2:
        raise SignatureVerificationError(SignatureFault.WRONG_KEY_TYPE, f"an SM2 key was expected, got {key_type}")
    if len(point) == _COMPRESSED_SIZE and point[0] in _COMPRESSED:
        return _decompress(point)
    return point


def _decompress(point: bytes) -> bytes:
    """Compute y from x and its parity (GB/T 32918.1 section 4.2.10); p ≡ 3 mod 4 makes the root one power."""
    x = int.from_bytes(point[1:])
    y = pow((x * x * x - 3 * x + _B) % _P, (_P + 1) // 4, _P)
    if y & 1 != point[0] & 1:
        y = _P - y
    return bytes((_UNCOMPRESSED,)) + point[1:] + y.to_bytes(32)


def _check_point(point: bytes) -> None:
    """Raise unless ``point`` is 04‖x‖y on the curve; infinity has no such spelling. The cofactor is 1."""
    if len(point) != _POINT_SIZE or point[0] != _UNCOMPRESSED:
        raise SignatureVerificationError(SignatureFault.UNUSABLE_KEY, "a point 04‖x‖y was expected")
    x, y = int.from_bytes(point[1:33]), int.from_bytes(point[33:])
    if x >= _P or y >= _P or (y * y - (x * x * x - 3 * x + _B)) % _P:
        raise SignatureVerificationError(SignatureFault.UNUSABLE_KEY, "the point is not on the curve")


@asn1.sequence
class _EcAlgorithm:
    algorithm: ObjectIdentifier
    curve: ObjectIdentifier


@asn1.sequence
class _PrivateKeyInfo:
    version: int
    algorithm: _EcAlgorithm
    private_key: bytes


@asn1.sequence
class _EcPrivateKey:
    version: int
    private_key: bytes
    parameters: Annotated[ObjectIdentifier | None, asn1.Explicit(0)]
    public_key: Annotated[asn1.BitString | None, asn1.Explicit(1)]


_EC_PUBLIC_KEY: Final = ObjectIdentifier("1.2.840.10045.2.1")
_SM2_CURVE: Final = ObjectIdentifier(SM2_CURVE_OID)
_SCALAR_SIZE: Final = 32
_EC_PRIVATE_KEY_VERSION: Final = 1  # RFC 5915 section 3


class Sm2PrivateKey:
    """A private key in memory; its number is never shown, neither by repr nor in an error."""

    __slots__ = ("_handle", "_scalar", "public_key")

    public_key: Sm2PublicKey

    def __init__(self, scalar: int) -> None:
        """Take the number d; `generate`, `from_scalar` and `parse_pkcs8` are the doors."""
        # d = n-1 has no inverse of 1+d (GB/T 32918.1 section 6.1).
        if not 1 <= scalar <= CURVE_ORDER - 2:
            raise MalformedKeyError("a private key within 1..n-2 was expected")
        self._scalar = scalar
        self._handle = KeyHandle.from_pkcs8(_encode_private_key(scalar, None))
        self.public_key = Sm2PublicKey.from_spki(self._handle.encode_spki())

    @classmethod
    def generate(cls) -> "Sm2PrivateKey":
        """Make a new key from the operating system's randomness."""
        return cls(secrets.randbelow(CURVE_ORDER - 2) + 1)

    @classmethod
    def from_scalar(cls, scalar: int) -> "Sm2PrivateKey":
        """Make a key from its number d; raises MalformedKeyError unless 1 <= d <= n-2."""
        return cls(scalar)

    @classmethod
    def parse_pkcs8(cls, encoded: bytes) -> "Sm2PrivateKey":
        """Read an unencrypted PrivateKeyInfo (RFC 5958, RFC 5915).

        Raises:
            MalformedKeyError: not this structure, not the SM2 curve, or a public half that belongs to another key.

        """
        try:
            outer = asn1.decode_der(_PrivateKeyInfo, encoded)
            inner = asn1.decode_der(_EcPrivateKey, outer.private_key)
        except ValueError:
            raise MalformedKeyError("a PrivateKeyInfo was expected") from None  # the cause could quote the key
        if (
            outer.version != 0
            or outer.algorithm.algorithm != _EC_PUBLIC_KEY
            or outer.algorithm.curve != _SM2_CURVE
            or inner.version != _EC_PRIVATE_KEY_VERSION
            or len(inner.private_key) != _SCALAR_SIZE
            or inner.parameters not in (None, _SM2_CURVE)
        ):
            raise MalformedKeyError("a private key of the SM2 curve was expected")
        key = cls(int.from_bytes(inner.private_key))
        if inner.public_key is not None and inner.public_key.as_bytes() != key.public_key.point:
            raise MalformedKeyError("the public half belongs to another key")
        return key

    def encode_pkcs8(self) -> bytes:
        """Encode as unencrypted PrivateKeyInfo with the public half; whoever stores it must protect it."""
        return _encode_private_key(self._scalar, self.public_key.point)

    def __repr__(self) -> str:
        """Show nothing."""
        return "Sm2PrivateKey(<hidden>)"

    def sign(self, message: bytes, *, user_id: bytes = DEFAULT_USER_ID) -> bytes:
        """Sign the whole ``message``; DER SEQUENCE{r, s}. Raises ValueError for a user id, as `verify` does."""
        return self._handle.sign(message, user_id)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt DER that was encrypted to this key; raises ValueError when it was not, or was changed."""
        return self._handle.decrypt(ciphertext)


def _encode_private_key(scalar: int, point: bytes | None) -> bytes:
    public_key = None if point is None else asn1.BitString(point, 0)
    inner = asn1.encode_der(
        _EcPrivateKey(
            version=_EC_PRIVATE_KEY_VERSION,
            private_key=scalar.to_bytes(_SCALAR_SIZE),
            parameters=None,
            public_key=public_key,
        )
    )
    algorithm = _EcAlgorithm(algorithm=_EC_PUBLIC_KEY, curve=_SM2_CURVE)
    return asn1.encode_der(_PrivateKeyInfo(version=0, algorithm=algorithm, private_key=inner))


def _test_itself() -> None:
    """Raise unless the vector of GB/T 32918.5 annex A.2 verifies, and three near misses do not."""
    key = Sm2PublicKey.from_point(
        bytes.fromhex(
            "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
            "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
        )
    )
    signature = bytes.fromhex(
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
        "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
    )
    flipped = signature[:-1] + bytes((signature[-1] ^ 1,))
    trials = (
        (b"message digest", signature, DEFAULT_USER_ID, True),
        (b"message digest", flipped, DEFAULT_USER_ID, False),
        (b"message digesT", signature, DEFAULT_USER_ID, False),
        (b"message digest", signature, b"ALICE123@YAHOO.COM", False),
    )
    for message, value, user_id, good in trials:
        try:
            key.verify(message, value, user_id=user_id)
            verified = True
        except SignatureVerificationError:
            verified = False
        if verified is not good:
            raise LibraryUnusableError("SM2 of this libcrypto gives a wrong answer for the vector of GB/T 32918.5")


_test_itself()
