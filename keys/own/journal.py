"""The lines of a signing journal: an opening one in each file, then for each use when which key signed what, by digest.

Uses are numbered without a gap from 1 on, across files, so that what is lost shows.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.record import KEY_ID_CHARACTERS, KeyId, KeyPurpose

FORMAT: Final = "tongban-own-key-journal/1"
MAX_LINE_BYTES: Final = 512  # ours have about 210
_DIGEST_CHARACTERS: Final = 64
_HEXADECIMAL: Final = r"^[0-9a-f]{64}$"

_Digest = Annotated[
    str, msgspec.Meta(min_length=_DIGEST_CHARACTERS, max_length=_DIGEST_CHARACTERS, pattern=_HEXADECIMAL)
]
_Id = Annotated[str, msgspec.Meta(min_length=KEY_ID_CHARACTERS, max_length=KEY_ID_CHARACTERS, pattern=_HEXADECIMAL)]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A use of a key; ``digest`` is SHA-256 in hexadecimal over the message that was to be signed."""

    number: int
    at: datetime
    key_id: KeyId
    purpose: KeyPurpose
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOpening:
    """The first line of a file; ``first`` is the number of the first use that the file is for."""

    key_id: KeyId
    first: int


_Number = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]  # what every JSON reader holds exactly


class _Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    first: _Number
    format: Literal["tongban-own-key-journal/1"]
    key: _Id


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    key: _Id
    number: _Number
    purpose: KeyPurpose
    sha256: _Digest


_decoder: Final = msgspec.json.Decoder(_Line)
_opening_decoder: Final = msgspec.json.Decoder(_Opening)


def encode_opening(opening: JournalOpening) -> bytes:
    """Write the first line of a file, with its end."""
    line = _Opening(first=opening.first, format=FORMAT, key=opening.key_id)
    return msgspec.json.encode(line, order="sorted") + b"\n"


def parse_opening(line: bytes) -> JournalOpening:
    """Read the first line of a file, without its end.

    Raises:
        OwnKeyError: TOO_LARGE, MALFORMED.

    """
    parsed = _decode(line, _opening_decoder)
    return JournalOpening(key_id=KeyId(parsed.key), first=parsed.first)


def make_entry(*, number: int, at: datetime, key_id: KeyId, purpose: KeyPurpose, message: bytes) -> JournalEntry:
    """Make the entry of one use."""
    digest = hashlib.sha256(message).hexdigest()
    return JournalEntry(number=number, at=at.astimezone(UTC), key_id=key_id, purpose=purpose, digest=digest)


def encode_entry(entry: JournalEntry) -> bytes:
    """Write one line, with its end."""
    line = _Line(at=entry.at, key=entry.key_id, number=entry.number, purpose=entry.purpose, sha256=entry.digest)
    return msgspec.json.encode(line, order="sorted") + b"\n"


def parse_entry(line: bytes) -> JournalEntry:
    """Read the line of one use, without its end.

    Raises:
        OwnKeyError: TOO_LARGE, MALFORMED.

    """
    parsed = _decode(line, _decoder)
    if parsed.at.utcoffset() != UTC.utcoffset(None):
        raise OwnKeyError(OwnKeyFault.MALFORMED, "a moment in UTC was expected")
    return JournalEntry(
        number=parsed.number, at=parsed.at, key_id=KeyId(parsed.key), purpose=parsed.purpose, digest=parsed.sha256
    )


_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def _decode(line: bytes, decoder: msgspec.json.Decoder[_Struct]) -> _Struct:
    if len(line) > MAX_LINE_BYTES:
        raise OwnKeyError(OwnKeyFault.TOO_LARGE, f"a line of at most {MAX_LINE_BYTES} bytes was expected")
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, ValueError) as error:
        raise OwnKeyError(OwnKeyFault.MALFORMED, "a line of a signing journal was expected") from error
