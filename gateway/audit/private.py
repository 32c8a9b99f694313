"""Private parts at rest: two sealed halves, so that erasing the subject does not hide who looked.

    nonce (12) ‖ length of the subject's half (2) ‖ subject's half ‖ official's half
    half: how many keys (1) ‖ their numbers (5 each) ‖ AES-256-GCM of its content

The key of a half is SHA-256 over its label and all data keys of its owners: whichever of two holders is forgotten, a
licence that names both can be read no more. The index of the entry is authenticated, so no half fits another entry.

    subject's content: 0 or 32 ‖ seed (16) ‖ response (0 or 32) ‖ length of the names (2) ‖ names ‖ facts
    official's content: seed (16) ‖ length of the official (2) ‖ official ‖ case

The names are the licence's and the subjects', the facts those of the context (`gateway.audit.private_texts`); of a seed
salts are made (`gateway.audit.commitment`). What is sealed is as long as its content: whoever steals the table learns
how long the names are and how many rare facts there are, and tells so organisations from persons, or entries with
several holders, as he can by the number of keys. To hide that would take a third more bytes in every entry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final, NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.audit.commitment import SEED_SIZE
from gateway.audit.entry import DIGEST_SIZE, MAX_SUBJECTS, PrivatePart, Salts, SubjectId
from gateway.audit.errors import AuditError
from gateway.audit.private_texts import pack_facts, pack_names, unpack_facts, unpack_names
from gateway.randomness import take_random

KeyNumber = NewType("KeyNumber", int)

DATA_KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12  # random; the 2^32 seals that GCM allows under one key are more than one subject ever has
_NUMBER_SIZE: Final = 5  # 10^12 keys
_LENGTH_SIZE: Final = 2
_SUBJECT_LABEL: Final = b"tongban access log: subject"
_OFFICIAL_LABEL: Final = b"tongban access log: official"
_NO_HALF: Final = bytes([1]) + bytes(_NUMBER_SIZE)  # under key 0, which is never given out; so nothing opens it


class PrivateFlaw(StrEnum):
    """Why a private part cannot be opened."""

    MALFORMED = "malformed"
    NOT_AUTHENTIC = "not-authentic"  # changed, of another entry, or under other keys


class PrivatePartError(AuditError):
    """A private part cannot be opened."""

    def __init__(self, flaw: PrivateFlaw) -> None:
        super().__init__(f"the private part of an entry is {flaw}")
        self.flaw = flaw


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DataKey:
    """The key of one owner in one epoch, under its number."""

    number: KeyNumber
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPart:
    """A private part as far as its keys still exist; what is erased is empty, its salts too."""

    part: PrivatePart
    subject_erased: bool
    official_erased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPart:
    """A private part at rest, taken apart."""

    nonce: bytes
    subject_keys: tuple[KeyNumber, ...]
    subject: bytes
    official_keys: tuple[KeyNumber, ...]
    official: bytes


def seal_private(part: PrivatePart, *, entry: int, subjects: Sequence[DataKey], official: DataKey) -> bytes:
    """Seal a private part under the keys of its owners; ValueError for one of which something was erased."""
    if not (part.salts.subject and part.salts.official):
        raise ValueError("a whole private part was expected")
    nonce = take_random(_NONCE_SIZE)
    half = _seal(_SUBJECT_LABEL, _write_subject(part), nonce, entry, subjects)
    other = _seal(_OFFICIAL_LABEL, _write_official(part), nonce, entry, (official,))
    return nonce + len(half).to_bytes(_LENGTH_SIZE) + half + other


def split_private(data: bytes) -> SealedPart:
    """Take a sealed part apart, to see which keys it needs.

    Raises:
        PrivatePartError: MALFORMED.

    """
    start = _NONCE_SIZE + _LENGTH_SIZE
    end = start + int.from_bytes(data[_NONCE_SIZE:start])
    subject_keys, subject = _split_half(data[start:end])
    official_keys, official = _split_half(data[end:])
    return SealedPart(
        nonce=data[:_NONCE_SIZE],
        subject_keys=subject_keys,
        subject=subject,
        official_keys=official_keys,
        official=official,
    )


def open_private(sealed: SealedPart, *, entry: int, keys: Mapping[KeyNumber, bytes]) -> OpenedPart:
    """Open what the keys that still exist open.

    Raises:
        PrivatePartError: NOT_AUTHENTIC or MALFORMED.

    """
    subject = _open(
        _SUBJECT_LABEL, sealed.subject, nonce=sealed.nonce, entry=entry, numbers=sealed.subject_keys, keys=keys
    )
    official = _open(
        _OFFICIAL_LABEL, sealed.official, nonce=sealed.nonce, entry=entry, numbers=sealed.official_keys, keys=keys
    )
    try:
        subject_seed, response, licence, subjects, context = _read_subject(subject)
        official_seed, name, case = _read_official(official)
        part = PrivatePart(
            subjects=subjects,
            official=name,
            case=case,
            licence=licence,
            context=context,
            response=response,
            salts=Salts(subject=subject_seed, official=official_seed),
        )
    except (ValueError, IndexError):  # the cause may quote the content
        raise PrivatePartError(PrivateFlaw.MALFORMED) from None
    return OpenedPart(part=part, subject_erased=subject is None, official_erased=official is None)


def erase_subject(data: bytes) -> bytes:
    """Return a sealed part without the subject's half; the official's half can still be opened.

    Raises:
        PrivatePartError: MALFORMED.

    """
    split_private(data)
    start = _NONCE_SIZE + _LENGTH_SIZE
    other = data[start + int.from_bytes(data[_NONCE_SIZE:start]) :]
    return data[:_NONCE_SIZE] + len(_NO_HALF).to_bytes(_LENGTH_SIZE) + _NO_HALF + other


def _write_subject(part: PrivatePart) -> bytes:
    # The digest is there or not, which is told by its length.
    head = bytes([len(part.response)]) + part.salts.subject + part.response
    return head + _with_length(pack_names(part.licence, part.subjects)) + pack_facts(part.context)


def _write_official(part: PrivatePart) -> bytes:
    return part.salts.official + _with_length(part.official.encode()) + part.case.encode()


def _read_subject(data: bytes | None) -> tuple[bytes, bytes, str, tuple[SubjectId, ...], tuple[str, ...]]:
    if data is None:
        return b"", b"", "", (), ()
    size = data[0]
    if size not in {0, DIGEST_SIZE}:
        raise ValueError("a digest was expected")
    seed, rest = data[1 : 1 + SEED_SIZE], data[1 + SEED_SIZE :]
    names, facts = _cut(rest[size:])
    licence, subjects = unpack_names(names)
    return seed, rest[:size], licence, subjects, unpack_facts(facts)


def _read_official(data: bytes | None) -> tuple[bytes, str, str]:
    if data is None:
        return b"", "", ""
    official, case = _cut(data[SEED_SIZE:])
    return data[:SEED_SIZE], official.decode(), case.decode()


def _with_length(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH_SIZE) + data


def _cut(data: bytes) -> tuple[bytes, bytes]:
    """Return what has its length before it, and what is behind."""
    end = _LENGTH_SIZE + int.from_bytes(data[:_LENGTH_SIZE])
    if len(data) < max(end, _LENGTH_SIZE):
        raise ValueError("a length was expected")
    return data[_LENGTH_SIZE:end], data[end:]


def _key(label: bytes, keys: Sequence[bytes]) -> AESGCM:
    return AESGCM(sha256(label + b"".join(keys)).digest())


def _seal(label: bytes, content: bytes, nonce: bytes, entry: int, keys: Sequence[DataKey]) -> bytes:
    if not 1 <= len(keys) <= MAX_SUBJECTS:
        raise ValueError(f"1 to {MAX_SUBJECTS} keys were expected, got {len(keys)}")
    numbers = b"".join([key.number.to_bytes(_NUMBER_SIZE) for key in keys])
    sealed = _key(label, [key.key for key in keys]).encrypt(nonce, content, entry.to_bytes(8))
    return bytes([len(keys)]) + numbers + sealed


def _split_half(half: bytes) -> tuple[tuple[KeyNumber, ...], bytes]:
    count = half[0] if half else 0
    end = 1 + count * _NUMBER_SIZE
    if not 1 <= count <= MAX_SUBJECTS or len(half) < end:
        raise PrivatePartError(PrivateFlaw.MALFORMED)
    numbers = (half[at : at + _NUMBER_SIZE] for at in range(1, end, _NUMBER_SIZE))
    return tuple(KeyNumber(int.from_bytes(number)) for number in numbers), half[end:]


def _open(
    label: bytes,
    sealed: bytes,
    *,
    nonce: bytes,
    entry: int,
    numbers: Sequence[KeyNumber],
    keys: Mapping[KeyNumber, bytes],
) -> bytes | None:
    """Return the content of a half; None where one of its keys is gone."""
    if any(number not in keys for number in numbers):
        return None
    try:
        return _key(label, [keys[number] for number in numbers]).decrypt(nonce, sealed, entry.to_bytes(8))
    except (InvalidTag, ValueError) as error:
        raise PrivatePartError(PrivateFlaw.NOT_AUTHENTIC) from error
