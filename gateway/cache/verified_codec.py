"""What a document came to, as bytes: a verdict, the licence in it, and what the verdict rests on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from gateway.pipeline import Verified
from keys.trust import Consulted

FORMAT_VERSION: Final = 1  # another one wherever a verdict gets or loses a field, or means something else by one


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVerdict:
    """A verdict of a document alone, as it was found at ``made_at``.

    ``consulted`` are the certificates whose revocation was asked about, ``evidence`` is the digest of what was at hand
    about them (`TrustStore.evidence_of`).
    """

    verified: Verified
    made_at: datetime
    consulted: Consulted
    evidence: bytes


class EntryFault(StrEnum):
    """Why bytes are no kept verdict."""

    VERSION = "version"  # written by another version of this program
    MALFORMED = "malformed"
    NOT_WRITABLE = "not-writable"  # a text in it that has no spelling in UTF-8


class EntryError(Exception):
    """Bytes are no kept verdict, or a verdict cannot be kept; the text repeats nothing of it."""

    def __init__(self, fault: EntryFault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class _Wire(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """The same in MessagePack; serial numbers have up to 20 bytes, and so they are written in hexadecimal."""

    version: int
    made_at: datetime
    consulted: list[tuple[bytes, str]]
    evidence: bytes
    verified: Verified


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Wire)
_HEX: Final = 16


def encode_kept(kept: KeptVerdict) -> bytes:
    """Return the bytes of a kept verdict; raises EntryError, NOT_WRITABLE."""
    wire = _Wire(
        version=FORMAT_VERSION,
        made_at=kept.made_at,
        consulted=[(issuer, f"{serial:x}") for issuer, serial in sorted(kept.consulted)],
        evidence=kept.evidence,
        verified=kept.verified,
    )
    try:
        return _ENCODER.encode(wire)
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise EntryError(EntryFault.NOT_WRITABLE) from error


def parse_kept(data: bytes) -> KeptVerdict:
    """Read a kept verdict; nothing is believed of it here.

    Raises:
        EntryError: it is none, or of another version.

    """
    try:
        wire = _DECODER.decode(data)
        if wire.version != FORMAT_VERSION:
            raise EntryError(EntryFault.VERSION)
        consulted = frozenset((issuer, int(serial, _HEX)) for issuer, serial in wire.consulted)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise EntryError(EntryFault.MALFORMED) from error
    if wire.made_at.tzinfo is None:
        raise EntryError(EntryFault.MALFORMED)
    return KeptVerdict(verified=wire.verified, made_at=wire.made_at, consulted=consulted, evidence=wire.evidence)
