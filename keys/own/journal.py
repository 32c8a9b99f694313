"""One line of a signing journal: when which key signed what, by digest."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.record import KEY_ID_CHARACTERS, KeyId, KeyPurpose

MAX_LINE_BYTES: Final = 512  # ours have about 195
_DIGEST_CHARACTERS: Final = 64
_HEXADECIMAL: Final = r"^[0-9a-f]{64}$"

_Digest = Annotated[
    str, msgspec.Meta(min_length=_DIGEST_CHARACTERS, max_length=_DIGEST_CHARACTERS, pattern=_HEXADECIMAL)
]
_Id = Annotated[str, msgspec.Meta(min_length=KEY_ID_CHARACTERS, max_length=KEY_ID_CHARACTERS, pattern=_HEXADECIMAL)]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A use of a key; ``digest`` is SHA-256 in hexadecimal over the message that was to be signed."""

    at: datetime
    key_id: KeyId
    purpose: KeyPurpose
    digest: str


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    key: _Id
    purpose: KeyPurpose
    sha256: _Digest


_decoder: Final = msgspec.json.Decoder(_Line)


def make_entry(*, at: datetime, key_id: KeyId, purpose: KeyPurpose, message: bytes) -> JournalEntry:
    """Make the entry of one use."""
    digest = hashlib.sha256(message).hexdigest()
    return JournalEntry(at=at.astimezone(UTC), key_id=key_id, purpose=purpose, digest=digest)


def encode_entry(entry: JournalEntry) -> bytes:
    """Write one line, with its end."""
    line = _Line(at=entry.at, key=entry.key_id, purpose=entry.purpose, sha256=entry.digest)
    return msgspec.json.encode(line, order="sorted") + b"\n"


def parse_entry(line: bytes) -> JournalEntry:
    """Read one line without its end.

    Raises:
        OwnKeyError: TOO_LARGE, MALFORMED.

    """
    if len(line) > MAX_LINE_BYTES:
        raise OwnKeyError(OwnKeyFault.TOO_LARGE, f"a line of at most {MAX_LINE_BYTES} bytes was expected")
    try:
        parsed = _decoder.decode(line)
    except (msgspec.DecodeError, ValueError) as error:
        raise OwnKeyError(OwnKeyFault.MALFORMED, "a line of a signing journal was expected") from error
    if parsed.at.utcoffset() != UTC.utcoffset(None):
        raise OwnKeyError(OwnKeyFault.MALFORMED, "a moment in UTC was expected")
    return JournalEntry(at=parsed.at, key_id=KeyId(parsed.key), purpose=parsed.purpose, digest=parsed.sha256)
