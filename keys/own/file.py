"""The file of one key: canonical JSON, a header that says everything public, and the sealed private key.

The whole header is associated data of the cipher.
A key in a device has a file too, without ciphertext, which names the token and the object in it.
`docs/keys.md` documents the format; one content has exactly one spelling, and every other spelling is refused.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.protection import KeyCipher, Protection, ScryptParameters, check_new_passphrase, seal, unseal
from keys.own.record import KeyAlgorithm, KeyId, KeyPurpose, KeyRecord, KeyState
from keys.own.signer import SoftwareSigner

FORMAT: Final = "tongban-own-key/1"
STATE_FORMAT: Final = "tongban-own-key-state/1"
MAX_FILE_BYTES: Final = 16 * 1024  # an SM2 key takes 1 kB
MAX_LABEL_CHARACTERS: Final = 32  # PKCS#11 2.40 section 3.2: CK_TOKEN_INFO.label
MAX_OBJECT_ID_BYTES: Final = 64
_SHOWN: Final = 120  # characters of a parser's message; beyond, it could only repeat what the file says

_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenObject:
    """Where in a device the private key is; which library reaches the device is the operator's word, never a file's."""

    token: str  # the label of the token
    object_id: bytes  # CKA_ID

    def __post_init__(self) -> None:
        """Raise ValueError when a part is empty or too long."""
        if not 0 < len(self.token) <= MAX_LABEL_CHARACTERS or not 0 < len(self.object_id) <= MAX_OBJECT_ID_BYTES:
            raise ValueError("a token's label and the id of an object in it were expected")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """What a key file says; ``sealed`` is empty for a key in a device."""

    record: KeyRecord
    place: Protection | TokenObject
    sealed: bytes = b""


class _Scrypt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    n: int
    r: int
    p: int
    salt: bytes


class _Passphrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="passphrase"):
    cipher: KeyCipher
    nonce: bytes
    scrypt: _Scrypt


class _Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="pkcs11"):
    object: bytes
    token: str


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["tongban-own-key/1"]
    id: str
    algorithm: KeyAlgorithm
    purpose: KeyPurpose
    public_key: bytes
    created: _Moment
    active_from: _Moment
    retires_at: _Moment
    verifies_until: _Moment
    protection: _Passphrase | _Token


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    header: _Header
    ciphertext: bytes = b""


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["tongban-own-key-state/1"]
    id: str
    signs_until: _Moment | None
    verifies_until: _Moment | None
    replaced_by: str | None
    compromised_since: _Moment | None


def seal_key(
    signer: SoftwareSigner,
    record: KeyRecord,
    *,
    passphrase: bytes,
    cipher: KeyCipher = KeyCipher.AES_256_GCM,
    scrypt: ScryptParameters | None = None,
) -> KeyFile:
    """Seal a new key under a passphrase.

    Raises:
        OwnKeyError: WEAK_PASSPHRASE, TOO_LARGE, NO_MEMORY; KEY_MISMATCH when the record is another key's.

    """
    check_new_passphrase(passphrase)
    if signer.key_id != record.id:
        raise OwnKeyError(OwnKeyFault.KEY_MISMATCH)
    protection = Protection.fresh(cipher, scrypt or ScryptParameters())
    header = _encode(_header(record, protection))
    sealed = seal(signer.encode_pkcs8(), passphrase=passphrase, protection=protection, header=header)
    return KeyFile(record=record, place=protection, sealed=sealed)


def unseal_key(file: KeyFile, passphrase: bytes) -> SoftwareSigner:
    """Open a key file.

    Raises:
        OwnKeyError: WRONG_PASSPHRASE, KEY_MISMATCH, NO_MEMORY, MALFORMED; ON_A_TOKEN when a device holds the key.

    """
    if isinstance(file.place, TokenObject):
        raise OwnKeyError(OwnKeyFault.ON_A_TOKEN)
    header = _encode(_header(file.record, file.place))
    secret = unseal(file.sealed, passphrase=passphrase, protection=file.place, header=header)
    signer = SoftwareSigner.parse_pkcs8(secret, file.record.algorithm)
    if signer.key_id != file.record.id:
        raise OwnKeyError(OwnKeyFault.KEY_MISMATCH)
    return signer


def encode_key_file(file: KeyFile) -> bytes:
    """Write a key file, with a line end."""
    return _encode(_Envelope(header=_header(file.record, file.place), ciphertext=file.sealed)) + b"\n"


def parse_key_file(encoded: bytes) -> KeyFile:
    """Read what `encode_key_file` wrote.

    Raises:
        OwnKeyError: TOO_LARGE, MALFORMED, UNKNOWN_FIELD, KDF_OUT_OF_BOUNDS.

    """
    envelope = _decode(encoded, _Envelope)
    header = envelope.header
    try:
        record = KeyRecord(
            id=KeyId(header.id),
            algorithm=header.algorithm,
            purpose=header.purpose,
            public_key=header.public_key,
            created=header.created,
            active_from=header.active_from,
            retires_at=header.retires_at,
            verifies_until=header.verifies_until,
        )
        place = _place(header.protection)
    except ValueError as error:
        raise OwnKeyError(OwnKeyFault.MALFORMED, str(error)) from error
    if bool(envelope.ciphertext) is isinstance(place, TokenObject):
        raise OwnKeyError(OwnKeyFault.MALFORMED, "a ciphertext was expected for a passphrase, and only then")
    return KeyFile(record=record, place=place, sealed=envelope.ciphertext)


def encode_key_state(key_id: KeyId, state: KeyState) -> bytes:
    """Write the state of a key, with a line end."""
    return (
        _encode(
            _State(
                format=STATE_FORMAT,
                id=key_id,
                signs_until=state.signs_until,
                verifies_until=state.verifies_until,
                replaced_by=state.replaced_by,
                compromised_since=state.compromised_since,
            )
        )
        + b"\n"
    )


def parse_key_state(encoded: bytes, key_id: KeyId) -> KeyState:
    """Read what `encode_key_state` wrote for this key.

    Raises:
        OwnKeyError: TOO_LARGE, MALFORMED, UNKNOWN_FIELD; KEY_MISMATCH when it is the state of another key.

    """
    state = _decode(encoded, _State)
    if state.id != key_id:
        raise OwnKeyError(OwnKeyFault.KEY_MISMATCH, "this is the state of another key")
    try:
        return KeyState(
            signs_until=state.signs_until,
            verifies_until=state.verifies_until,
            replaced_by=None if state.replaced_by is None else KeyId(state.replaced_by),
            compromised_since=state.compromised_since,
        )
    except ValueError as error:
        raise OwnKeyError(OwnKeyFault.MALFORMED, str(error)) from error


def _header(record: KeyRecord, place: Protection | TokenObject) -> _Header:
    if isinstance(place, TokenObject):
        protection: _Passphrase | _Token = _Token(object=place.object_id, token=place.token)
    else:
        scrypt = _Scrypt(n=place.scrypt.n, r=place.scrypt.r, p=place.scrypt.p, salt=place.salt)
        protection = _Passphrase(cipher=place.cipher, nonce=place.nonce, scrypt=scrypt)
    return _Header(
        format=FORMAT,
        id=record.id,
        algorithm=record.algorithm,
        purpose=record.purpose,
        public_key=record.public_key,
        created=record.created,
        active_from=record.active_from,
        retires_at=record.retires_at,
        verifies_until=record.verifies_until,
        protection=protection,
    )


def _place(protection: _Passphrase | _Token) -> Protection | TokenObject:
    """Turn the protection into a value; raises ValueError, or OwnKeyError for absurd parameters."""
    if isinstance(protection, _Token):
        return TokenObject(token=protection.token, object_id=protection.object)
    scrypt = ScryptParameters(n=protection.scrypt.n, r=protection.scrypt.r, p=protection.scrypt.p)
    return Protection(cipher=protection.cipher, scrypt=scrypt, salt=protection.scrypt.salt, nonce=protection.nonce)


def _encode(value: msgspec.Struct) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _decode(encoded: bytes, kind: type[_Struct]) -> _Struct:
    if len(encoded) > MAX_FILE_BYTES:
        raise OwnKeyError(OwnKeyFault.TOO_LARGE, f"at most {MAX_FILE_BYTES} bytes were expected")
    try:
        value = msgspec.json.decode(encoded, type=kind)
    except msgspec.ValidationError as error:
        text = str(error)
        fault = OwnKeyFault.UNKNOWN_FIELD if "unknown field" in text else OwnKeyFault.MALFORMED
        raise OwnKeyError(fault, text[:_SHOWN]) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise OwnKeyError(OwnKeyFault.MALFORMED, "JSON was expected, and it is cut off or broken") from error
    if _encode(value) + b"\n" != encoded:
        raise OwnKeyError(OwnKeyFault.MALFORMED, "the same content in its one spelling was expected")
    return value
