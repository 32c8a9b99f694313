"""Keys that sign notes: their types, the text form of their public halves (vkey), and verifying (C2SP signed-note).

The types are one table; a key is chosen by name and id, never by trying.

| type                      | public key        | signature                                                            |
|---------------------------|-------------------|----------------------------------------------------------------------|
| 0x01                      | Ed25519, 32 bytes | 64 bytes over the text                                               |
| 0x04                      | Ed25519, 32 bytes | `gateway.audit.tlog.cosignature`: a time and 64 bytes                |
| 0xff and `SM2_IDENTIFIER` | SM2, 65 bytes     | minimal DER SEQUENCE{r, s} over the text: SM3, usual user id         |

The last is our own, of the kind that signed-note leaves to everybody; docs/audit-format.md describes it.
"""

from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.audit.errors import LogFault, LogFlaw, MalformedLogDataError, UnprovenError
from gateway.audit.tlog.cosignature import encode_cosigned_message, parse_cosignature
from gateway.audit.tlog.spelling import encode_base64, is_clean_text, parse_base64
from keys.encoding import SignatureEncoding
from keys.errors import SignatureVerificationError
from keys.sm2 import Sm2PublicKey
from keys.spki import encode_sm2_spki

KEY_ID_SIZE: Final = 4
MAX_NAME: Final = 255  # bytes of a key name or an origin; what the ML-DSA form of tlog-cosignature can carry
MAX_VKEY: Final = 512  # characters; a name, ten, and the base64 of the longest key of ours
# The newline ends the identifier, so that none is the beginning of another.
SM2_IDENTIFIER: Final = b"tongban/sm2-with-sm3/v1\n"


class SignatureType(Enum):
    """How a key signs; the value is what stands before the public key, in key ids and in vkeys."""

    ED25519 = b"\x01"
    COSIGNATURE = b"\x04"
    SM2 = b"\xff" + SM2_IDENTIFIER


KEY_SIZES: Final = MappingProxyType({SignatureType.ED25519: 32, SignatureType.COSIGNATURE: 32, SignatureType.SM2: 65})

LOG_TYPES: Final = frozenset({SignatureType.ED25519, SignatureType.SM2})


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key under a name; equal names and types with equal keys are one key."""

    name: str
    type: SignatureType
    public_key: bytes
    key_id: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Compute the id; raises ValueError for a name or a length that no key has."""
        if not is_key_name(self.name) or len(self.public_key) != KEY_SIZES[self.type]:
            raise ValueError(f"a key name and a public key of {KEY_SIZES[self.type]} bytes were expected")
        digest = sha256(self.name.encode() + b"\n" + self.type.value + self.public_key).digest()
        object.__setattr__(self, "key_id", digest[:KEY_ID_SIZE])

    @property
    def is_of_log(self) -> bool:
        """Whether it signs as a log; otherwise as a witness."""
        return self.type in LOG_TYPES

    def verify(self, text: str, value: bytes) -> None:
        """Verify that this key signed ``text`` with ``value``, which is what follows the key id in a signature line.

        Raises:
            UnprovenError: BAD_SIGNATURE, also for a value that is not of the form that the type prescribes.

        """
        try:
            match self.type:
                case SignatureType.ED25519:
                    self._verify_ed25519(text.encode(), value)
                case SignatureType.COSIGNATURE:
                    cosignature = parse_cosignature(value)
                    self._verify_ed25519(encode_cosigned_message(text, cosignature.seconds), cosignature.signature)
                case SignatureType.SM2:
                    encoding = _sm2_key(self.public_key).verify(text.encode(), value)
                    if encoding is not SignatureEncoding.DER:
                        raise UnprovenError(LogFault.BAD_SIGNATURE, f"{self.name}: minimal DER was expected")
        except (InvalidSignature, SignatureVerificationError, MalformedLogDataError) as error:
            raise UnprovenError(LogFault.BAD_SIGNATURE, self.name) from error

    def _verify_ed25519(self, message: bytes, signature: bytes) -> None:
        Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)


def encode_vkey(key: NoteKey) -> str:
    """Write a verifier key: name, id in hexadecimal, and base64 of type and key, with a plus between them."""
    return f"{key.name}+{key.key_id.hex()}+{encode_base64(key.type.value + key.public_key)}"


def parse_vkey(text: str) -> NoteKey:
    """Read a verifier key of one of our types, in its one spelling.

    Raises:
        MalformedLogDataError: TOO_LARGE, LINES, NAME, BASE64, UNKNOWN_TYPE, LENGTH;
            KEY, the id belongs to another key, or the public key is no point of its curve.

    """
    if len(text) > MAX_VKEY:
        raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"a verifier key of up to {MAX_VKEY} characters was expected")
    # base64 may contain a plus, names may not.
    name, first, rest = text.partition("+")
    key_id, second, encoded = rest.partition("+")
    if not first or not second:
        raise MalformedLogDataError(LogFlaw.LINES, "a verifier key NAME+ID+KEY was expected")
    if not is_key_name(name):
        raise MalformedLogDataError(LogFlaw.NAME, "the name of a verifier key")
    data = parse_base64(encoded, "a verifier key")
    signature_type = next((known for known in SignatureType if data.startswith(known.value)), None)
    if signature_type is None:
        raise MalformedLogDataError(LogFlaw.UNKNOWN_TYPE, "a verifier key")
    public_key = data.removeprefix(signature_type.value)
    if len(public_key) != KEY_SIZES[signature_type]:
        raise MalformedLogDataError(LogFlaw.LENGTH, f"a key of {KEY_SIZES[signature_type]} bytes was expected")
    key = NoteKey(name, signature_type, public_key)
    if key.key_id.hex() != key_id:
        raise MalformedLogDataError(LogFlaw.KEY, "the id belongs to another key")
    _check_point(key)
    return key


def _check_point(key: NoteKey) -> None:
    """Refuse an SM2 key that is not on its curve; Ed25519 tells only when it verifies, and then refuses."""
    if key.type is not SignatureType.SM2:
        return
    try:
        _sm2_key(key.public_key)
    except SignatureVerificationError as error:
        raise MalformedLogDataError(LogFlaw.KEY, "a point of the SM2 curve was expected") from error


def _sm2_key(point: bytes) -> Sm2PublicKey:
    # By way of its SPKI, since keys that were read so are kept: making one takes longer than a verification.
    return Sm2PublicKey.from_spki(encode_sm2_spki(point))


def is_key_name(name: str) -> bool:
    """Answer whether a key may have this name: not empty, without spaces of any kind, plus and control characters."""
    if not name or "+" in name or not is_clean_text(name) or any(character.isspace() for character in name):
        return False
    try:
        return len(name.encode()) <= MAX_NAME
    except UnicodeEncodeError:  # half of a surrogate pair, which no UTF-8 has
        return False
