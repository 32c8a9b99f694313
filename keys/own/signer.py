"""What signs for us: a protocol that a device can fill as well as a key in memory, and the key in memory.

An SDF device (GB/T 36322) fills `Signer` with SDF_InternalSign_ECC over Z and SM3 of the message, a PKCS#11 token with
C_Sign over the digest; both return what this module's table says, so that nobody who verifies can tell the difference.
"""

from types import MappingProxyType
from typing import Final, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from keys.encoding import SignatureEncoding
from keys.errors import MalformedKeyError, SignatureFault, SignatureVerificationError
from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.record import KeyAlgorithm, KeyId, fingerprint_key
from keys.signature import ECDSA_WITH_SHA256, ED25519, SM2_WITH_SM3, verify_signature
from keys.sm2 import Sm2PrivateKey

PrivateKey = Sm2PrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey

SIGNATURE_OIDS: Final = MappingProxyType(
    {KeyAlgorithm.SM2: SM2_WITH_SM3, KeyAlgorithm.P256: ECDSA_WITH_SHA256, KeyAlgorithm.ED25519: ED25519}
)


class Signer(Protocol):
    """One private key of ours, wherever it is; safe to be used by several threads."""

    @property
    def key_id(self) -> KeyId:
        """The fingerprint of the public key."""
        ...

    @property
    def algorithm(self) -> KeyAlgorithm:
        """How it signs."""
        ...

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign the whole message; DER SEQUENCE{r, s}, or 64 bytes for Ed25519.

        Raises:
            OwnKeyError: DEVICE, when a device does not sign; NOT_ACTIVE, when the key may not sign now.

        """
        ...


class SoftwareSigner:
    """A private key in memory; it is never shown, neither by repr nor in an error."""

    __slots__ = ("_key", "algorithm", "key_id", "public_key")

    algorithm: KeyAlgorithm
    key_id: KeyId
    public_key: bytes

    def __init__(self, key: PrivateKey) -> None:
        """Take a key; raises ValueError for a curve that is not ours."""
        self._key = key
        match key:
            case Sm2PrivateKey():
                self.algorithm, self.public_key = KeyAlgorithm.SM2, key.public_key.spki
            case Ed25519PrivateKey():
                self.algorithm = KeyAlgorithm.ED25519
                self.public_key = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            case _:
                _check_curve(key)
                self.algorithm = KeyAlgorithm.P256
                self.public_key = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_id = fingerprint_key(self.public_key)

    @classmethod
    def generate(cls, algorithm: KeyAlgorithm) -> "SoftwareSigner":
        """Make a new key from the operating system's randomness."""
        match algorithm:
            case KeyAlgorithm.SM2:
                return cls(Sm2PrivateKey.generate())
            case KeyAlgorithm.P256:
                return cls(generate_private_key(SECP256R1()))
            case KeyAlgorithm.ED25519:
                return cls(Ed25519PrivateKey.generate())

    @classmethod
    def parse_pkcs8(cls, encoded: bytes, algorithm: KeyAlgorithm) -> "SoftwareSigner":
        """Read an unencrypted PrivateKeyInfo (RFC 5958) of exactly this algorithm.

        Raises:
            OwnKeyError: MALFORMED; the cause is not chained, since it could quote the key.

        """
        try:
            if algorithm is KeyAlgorithm.SM2:
                return cls(Sm2PrivateKey.parse_pkcs8(encoded))
            key = load_der_private_key(encoded, password=None)
        except (MalformedKeyError, ValueError, TypeError, UnsupportedAlgorithm):
            raise OwnKeyError(OwnKeyFault.MALFORMED, "a PrivateKeyInfo was expected") from None
        wanted = Ed25519PrivateKey if algorithm is KeyAlgorithm.ED25519 else EllipticCurvePrivateKey
        if not isinstance(key, wanted):
            raise OwnKeyError(OwnKeyFault.MALFORMED, f"a private key for {algorithm} was expected")
        try:
            return cls(key)
        except ValueError:
            raise OwnKeyError(OwnKeyFault.MALFORMED, f"a private key for {algorithm} was expected") from None

    def encode_pkcs8(self) -> bytes:
        """Encode as unencrypted PrivateKeyInfo; whoever stores it must protect it."""
        if isinstance(self._key, Sm2PrivateKey):
            return self._key.encode_pkcs8()
        return self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, message: bytes) -> bytes:
        """Sign the whole message as `Signer` says."""
        match self._key:
            case EllipticCurvePrivateKey():
                return self._key.sign(message, ECDSA(SHA256()))
            case key:
                return key.sign(message)

    def __repr__(self) -> str:
        """Show the public half."""
        return f"SoftwareSigner({self.algorithm}, {self.key_id})"


def _check_curve(key: EllipticCurvePrivateKey) -> None:
    if key.curve.name != SECP256R1.name:
        raise ValueError(f"a key of the curve P-256 was expected, got {key.curve.name}")


def verify_own_signature(*, algorithm: KeyAlgorithm, public_key: bytes, message: bytes, signature: bytes) -> None:
    """Verify what a `Signer` of this algorithm signed; only the one spelling that signers write is accepted.

    Raises:
        SignatureVerificationError: it does not verify, or is spelled otherwise.

    """
    encoding = verify_signature(
        message=message, signature=signature, algorithm=SIGNATURE_OIDS[algorithm], spki=public_key
    )
    if encoding is not SignatureEncoding.DER:
        raise SignatureVerificationError(SignatureFault.MALFORMED, "minimal DER was expected")
